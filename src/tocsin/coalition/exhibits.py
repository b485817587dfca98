"""Exhibits: portable files that show something of logs to anybody, offline and alone.

Each entry comes with a proof under a checkpoint that a charter's quorum cosigned, with the charter, and with the `key`
entries of its log that say which statement key was in force. Whoever checks one has only to trust the charter.

votes    two votes of one author in one round for different charters
ending   an alarm whose author had anchored, before it, a checkpoint with an ending of its agreement
fields   single fields of a sealed body, shown to an auditor
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tocsin.coalition.agreements import Fault
from tocsin.coalition.charter import Charter, check_founding, parse_charter
from tocsin.coalition.envelope import IN_TOTO, Envelope, parse_envelope
from tocsin.coalition.fold import Known
from tocsin.coalition.reading import Prefix, Stamped, statement_key
from tocsin.coalition.sealing import FIELDS, Body, Field, check_field
from tocsin.coalition.timing import Clock, cosigned_time
from tocsin.coalition.trees import hashes_of
from tocsin.forms.errors import ConfigError, FormatError, VerificationError
from tocsin.forms.statements import Anchor, Form, Hash, Key, Sealed, Vote, decode, parse_statement
from tocsin.ledger import Note, Proof, VerifierKey, parse_key, parse_note, parse_proof, prove_inclusion, verify_proof

EXHIBIT_BYTES = 8 << 20
_FORM = "tocsin-exhibit/v1"

Raw = Callable[[str, int], bytes]
"""Gives the bytes of an entry, by its log and index."""


class Shown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One field of a body that is shown."""

    place: Annotated[int, Meta(ge=0, lt=FIELDS)]
    salt: Hash
    name: str
    value: str


class Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry, its proof, the charter that the proof holds under, and what is shown of the body behind it."""

    entry: bytes
    proof: str
    charter: Annotated[int, Meta(ge=0, lt=16)]
    commitments: Annotated[list[Hash], Meta(max_length=FIELDS)] = []
    shown: Annotated[list[Shown], Meta(max_length=FIELDS)] = []


class Exhibit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Charters, the `key` entries that matter, and the pages that show something together."""

    form: str
    kind: Literal["votes", "ending", "fields"]
    charters: Annotated[list[bytes], Meta(min_length=1, max_length=16)]
    keys: Annotated[list[Page], Meta(max_length=64)]
    pages: Annotated[list[Page], Meta(min_length=1, max_length=3)]

    def encode(self) -> bytes:
        """Write the exhibit."""
        return msgspec.json.encode(self)


_READER = msgspec.json.Decoder(Exhibit)


@dataclass(frozen=True)
class Proven:
    """An entry of which an exhibit proves where it stands and since when."""

    origin: str
    index: int
    time: int | None
    coalition: str
    form: Form
    shown: tuple[Field, ...]


def parse_exhibit(raw: bytes) -> Exhibit:
    """Read an exhibit; nothing of it is checked.

    Errors: FormatError.
    """
    if len(raw) > EXHIBIT_BYTES:
        raise FormatError(f"the exhibit has {len(raw)} bytes, at most {EXHIBIT_BYTES} are read")
    found: Exhibit = decode(_READER, raw, "exhibit")
    if found.form != _FORM or found.encode() != raw:
        raise FormatError("the exhibit is of another form, or spelled in another way than ours")
    return found


def check_exhibit(exhibit: Exhibit) -> tuple[Proven, ...]:
    """Check all that an exhibit says, under its own charters; give what its pages prove.

    Errors: VerificationError, FormatError name the first thing that is not so.
    """
    charters = [parse_charter(raw) for raw in exhibit.charters]
    for charter in charters:
        if charter.text.version == 0:
            check_founding(charter)
    rings: Rings = {}
    for page in exhibit.keys:
        _turn(page, charters, rings)
    pages = [_prove(page, charters, rings)[0] for page in exhibit.pages]
    if len({page.coalition for page in pages}) != 1:
        raise VerificationError("the entries of the exhibit are of more than one coalition")
    {"votes": _check_votes, "ending": _check_ending, "fields": _check_fields}[exhibit.kind](exhibit, pages)
    return tuple(pages)


Rings = dict[str, list[tuple[int, VerifierKey]]]
"""Statement keys by log: from which index on each is in force, in order."""


def _turn(page: Page, charters: Sequence[Charter], rings: Rings) -> None:
    """Put a new statement key in force.

    Errors: VerificationError where the key until then and recovery have not both signed it, or it is out of order.
    """
    proven, envelope, key = _prove(page, charters, rings)
    ring, member = rings.setdefault(proven.origin, []), charters[page.charter].members[proven.origin]
    recovery = parse_key(member.recovery)
    new = statement_key(proven.form, envelope, key, recovery) if isinstance(proven.form, Key) else None
    if new is None or (ring and ring[-1][0] >= proven.index):
        raise VerificationError(f"entry {proven.index} of {proven.origin!r} puts no statement key in force")
    ring.append((proven.index, new))


def _prove(page: Page, charters: Sequence[Charter], rings: Rings) -> tuple[Proven, Envelope, VerifierKey]:
    """Check that an entry is in a log under a quorum, and that its author's key in force there has signed it."""
    if page.charter >= len(charters):
        raise FormatError(f"the exhibit has {len(charters)} charters, a page names number {page.charter}")
    charter, proof = charters[page.charter], parse_proof(page.proof.encode())
    trusted = verify_proof(proof, page.entry, charter.policy, charter.text.constants.band)
    envelope = parse_envelope(page.entry, IN_TOTO)
    statement = parse_statement(envelope.payload)
    origin, form = trusted.checkpoint.origin, statement.form
    member = charter.members.get(origin)
    if member is None or form.origin != origin:
        raise VerificationError("an entry of the exhibit is in another log than it says")
    key = parse_key(member.statement)
    for at, new in rings.get(origin, ()):
        key = new if at < proof.index else key
    if not envelope.signed_by(key):
        raise VerificationError(f"entry {proof.index} of {origin!r} is not signed by its statement key")
    if charter.text.version == 0 and statement.coalition != charter.hash:
        raise VerificationError("an entry of the exhibit is of another coalition than its charter")
    proven = Proven(origin, proof.index, trusted.time, statement.coalition, form, _shown(page, form))
    return proven, envelope, key


def _shown(page: Page, form: Form) -> tuple[Field, ...]:
    fields = tuple(Field(f.place, bytes.fromhex(f.salt), f.name, f.value) for f in page.shown)
    if fields and not isinstance(form, Sealed):
        raise VerificationError("fields are shown of an entry that is not sealed")
    for field in fields:
        commitments = [bytes.fromhex(one) for one in page.commitments]
        check_field(field, commitments, form.digest if isinstance(form, Sealed) else "")
    return fields


def _check_votes(_exhibit: Exhibit, pages: Sequence[Proven]) -> None:
    forms = [page.form for page in pages]
    first, second = (forms[0], forms[-1])
    if len(pages) != 2 or not (isinstance(first, Vote) and isinstance(second, Vote)):
        raise VerificationError("the exhibit does not hold two votes")
    same = (first.origin, first.parent, first.round) == (second.origin, second.parent, second.round)
    if not same or first.charter == second.charter:
        raise VerificationError("the two votes do not contradict each other")


def _check_fields(_exhibit: Exhibit, pages: Sequence[Proven]) -> None:
    if len(pages) != 1 or not pages[0].shown:
        raise VerificationError("the exhibit shows no field of one entry")


def _check_ending(exhibit: Exhibit, pages: Sequence[Proven]) -> None:
    """Check: the ending is in the very tree that the alarm's log had anchored before the alarm."""
    if len(pages) != 3:
        raise VerificationError("the exhibit does not hold an ending, an anchor and an alarm")
    ending, anchor, alarm = pages
    told = [{field.name: field.value for field in page.shown} for page in (ending, alarm)]
    if [one.get("type") for one in told] != ["ending", "alarm"] or not told[0].get("agreement"):
        raise VerificationError("the exhibit does not show an ending and an alarm")
    if told[0]["agreement"] != told[1].get("agreement") or ending.origin != told[0].get("origin"):
        raise VerificationError("the ending is of another agreement than the alarm's")
    form, note = anchor.form, parse_proof(exhibit.pages[0].proof.encode()).note
    if not isinstance(form, Anchor) or parse_note(form.note.encode()) != note or ending.index in form.missing:
        raise VerificationError("the anchor is not of the checkpoint that proves the ending, or misses its body")
    if anchor.origin != alarm.origin or anchor.index >= alarm.index:
        raise VerificationError("the anchor does not stand before the alarm in its log")


def exhibit_votes(known: Known, raw: Raw, origin: str, one: int, two: int) -> Exhibit:
    """Show two votes that contradict each other.

    Errors: ConfigError where no stamp covers both.
    """
    charter, note = _newest(known, origin, two)
    log = known.logs[origin]
    pages = [prove_page(log, raw, index, note, 0) for index in (one, two)]
    return Exhibit(_FORM, "votes", [charter.encode()], list(_key_pages(log, raw, two, note, 0)), pages)


def exhibit_ending(
    known: Known, raw: Raw, fault: Fault, bodies: Sequence[Body], clock: Clock = cosigned_time
) -> Exhibit:
    """Show that an alarm's author knew of the ending; of the bodies only type, author's log and agreement are shown.

    Errors: ConfigError where the anchored checkpoint has no charter's quorum.
    """
    anchor = next(e.form for e in known.logs[fault.alarm.origin].entries if e.index == fault.anchor)
    note = parse_note(anchor.note.encode()) if isinstance(anchor, Anchor) else None
    under = next((c for c in reversed(known.chain) if note and _fills(note, c, clock)), None)
    if fault.anchor is None or note is None or under is None:
        raise ConfigError("no quorum has cosigned the checkpoint that was anchored", hint="the logs themselves show it")
    own, others = known.logs[fault.alarm.origin], known.logs[fault.ending.origin]
    charter, newest = _newest(known, own.origin, fault.alarm.index)
    by_digest = {body.digest: body for body in bodies}
    named = ("type", "origin", "agreement")
    ending = show_page(prove_page(others, raw, fault.ending.index, note, 1), by_digest[fault.ending.digest], named)
    alarm = show_page(prove_page(own, raw, fault.alarm.index, newest, 0), by_digest[fault.alarm.digest], named)
    keys = [*_key_pages(own, raw, fault.alarm.index, newest, 0), *_key_pages(others, raw, fault.ending.index, note, 1)]
    pages = [ending, prove_page(own, raw, fault.anchor, newest, 0), alarm]
    return Exhibit(_FORM, "ending", [charter.encode(), under.encode()], keys, pages)


def exhibit_fields(
    log: Prefix, raw: Raw, index: int, charter: Charter, body: Body, names: Sequence[str], clock: Clock = cosigned_time
) -> Exhibit:
    """Show single fields of a sealed body, under the newest stamp of a charter that covers its entry.

    Errors: ConfigError where there is none, or no such field.
    """
    stamps = [s for s in log.stamps if s.charter == charter.hash and s.size > index]
    stamp = next((s for s in reversed(stamps) if clock(s, charter) is not None), None)
    if stamp is None:
        raise ConfigError(
            f"no stamp under this charter covers entry {index}", hint="run `tocsin stamp`, or name another"
        )
    page = show_page(prove_page(log, raw, index, stamp.note, 0), body, names)
    keys = list(_key_pages(log, raw, index, stamp.note, 0))
    return Exhibit(_FORM, "fields", [charter.encode()], keys, [page])


def prove_page(log: Prefix, raw: Raw, index: int, note: Note, charter: int) -> Page:
    """Prove an entry by a checkpoint of its log."""
    size = int(note.text.split("\n")[1])
    proof = Proof(index, tuple(prove_inclusion(hashes_of(log), index, size)), note)
    return Page(raw(log.origin, index), proof.encode().decode(), charter)


def show_page(page: Page, body: Body, names: Sequence[str]) -> Page:
    """Show some fields of the body behind a sealed entry.

    Errors: ConfigError for a field that the body lacks.
    """
    fields = {field.name: field for field in body.fields}
    if not set(names) <= fields.keys():
        raise ConfigError("the body has no such field", hint=f"it has {', '.join(sorted(fields))}")
    shown = [Shown(f.place, f.salt.hex(), f.name, f.value) for f in (fields[name] for name in dict.fromkeys(names))]
    return msgspec.structs.replace(page, commitments=[one.hex() for one in body.commitments], shown=shown)


def _key_pages(log: Prefix, raw: Raw, before: int, note: Note, charter: int) -> list[Page]:
    changes = [e.index for e in log.entries if isinstance(e.form, Key) and e.form.use == "statement"]
    return [prove_page(log, raw, index, note, charter) for index in changes if index < before]


def _newest(known: Known, origin: str, index: int) -> tuple[Charter, Note]:
    """Find the newest stamp that counts and covers an entry, and its charter."""
    notes: dict[int, Stamped] = {stamp.index: stamp for stamp in known.logs[origin].stamps}
    for counted in reversed(known.times[origin].stamps):
        if counted.size > index:
            return known.chain[counted.version], notes[counted.index].note
    raise ConfigError(f"no stamp covers entry {index} of {origin!r}", hint="its author stamps it with `tocsin stamp`")


def _fills(note: Note, charter: Charter, clock: Clock) -> bool:
    return clock(Stamped(0, 0, charter.text.version, charter.hash, note), charter) is not None
