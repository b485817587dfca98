"""`tocsin seal`: statements that only their addressees can read, entered as sealed entries of one length."""

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.cosigning import now
from tocsin.cli.rim import read_bytes, say
from tocsin.cli.writing import First, Folder, Key, append, origin_of, read_charter
from tocsin.forms.errors import ConfigError, FormatError

if TYPE_CHECKING:
    from tocsin.coalition import Charter, Member
    from tocsin.forms.bodies import BodyForm

app = typer.Typer(
    help="Say something to some members only.\n\nExample: tocsin seal inquiry log 'Is this yours?' --to bee ...",
    no_args_is_help=True,
    rich_markup_mode=None,
)
To = Annotated[list[str] | None, typer.Option("--to", help="Name of an addressee; may be repeated.")]
Box = Annotated[Path, typer.Option("--box", help="Your box key.")]
InForce = Annotated[Path | None, typer.Option("--charter", help="The charter in force; the first when left out.")]
Keep = Annotated[
    int, typer.Option("--keep", help="Days to keep the body: 30, 180 or 720 is what others see.", min=1, max=720)
]
Digest = Annotated[str, typer.Argument(metavar="DIGEST", help="Digest of the entry, or its beginning.")]
Note = Annotated[str, typer.Option("--note", help="Why, in a few words.")]
TermsFile = Annotated[Path | None, typer.Argument(metavar="TERMS", help="TOML file of the terms.")]
DAY = 86_400


@dataclass(frozen=True)
class Writer:
    """Who seals, and with what."""

    folder: Path
    first: "Charter"
    charter: "Charter"
    key: Path
    box: Path

    @property
    def own(self) -> "Member":
        """Give the member whose log it is."""
        from tocsin.coalition import member_of_log

        return member_of_log(self.charter, origin_of(self.folder))

    def enter(self, form: "BodyForm", to: Sequence[str], until: int) -> None:
        """Seal a body, keep it, and append its entry, or let that wait for the next batch."""
        from tocsin.coalition import BodyStore, round_expiry, say_sealed, seal, wait

        own, today = self.own, now()
        body = say_sealed(form, self.first.hash, own, to, os.urandom)
        expiry = round_expiry(until, today)
        entry = seal(body, own.origin, expiry, self._slots(own, sorted(set(to))), os.urandom)
        store = BodyStore(self.folder)
        store.put(body, expiry)
        if store.cadence().every:
            store.wait(wait(entry, expiry - (today - today % DAY)))
            say("it waits for the next batch: `tocsin seal batch`")
        else:
            say(f"entry {append(self.folder, self.first, self.key, [entry])[0]}")
        typer.echo(body.digest)

    def _slots(self, own: "Member", to: Sequence[str]) -> list[bytes]:
        from tocsin.coalition import box_public, member_named, pair_key, read_box

        raw = read_bytes(self.box, "box key")
        if box_public(raw) != own.box:
            raise ConfigError(
                f"the box key is not the one of {own.name!r}", hint="give your own, as the charter names it"
            )
        others = [member_named(self.charter, name) for name in to]
        return [pair_key(read_box(raw), m.box, self.first.hash, own.origin, m.origin) for m in others]


def _writer(folder: Path, first: Path, charter: Path | None, key: Path, box: Path) -> Writer:
    given = read_charter(first)
    return Writer(folder, given, read_charter(charter) if charter else given, key, box)


@app.command("agreement")
def agreement(
    folder: Folder,
    first: First,
    key: Key,
    box: Box,
    terms: TermsFile = None,
    accept: Annotated[str | None, typer.Option(metavar="DIGEST", help="Accept the terms of this body.")] = None,
    charter: InForce = None,
) -> None:
    """Accept terms: new ones from a file, or those that another party has sent; in force once all parties have.

    Example: tocsin seal agreement log terms.toml --first charter.json --key statement.key --box box.key
    """
    from tocsin.coalition import BodyStore
    from tocsin.forms.bodies import Agreement
    from tocsin.forms.terms import make_terms, parse_terms

    if (terms is None) == (accept is None):
        raise ConfigError("an agreement is either new or accepted", hint="name a file of terms, or --accept DIGEST")
    if accept is not None:
        made = parse_terms(BodyStore(folder).find(accept).value("terms"))
    else:
        made = make_terms({"nonce": os.urandom(32).hex(), **_toml(terms or Path())})
    writer = _writer(folder, first, charter, key, box)
    others = [name for name in made.parties if name != writer.own.name]
    if len(others) == len(made.parties):
        raise ConfigError(f"{writer.own.name!r} is no party of the agreement", hint="name all parties, yourself too")
    writer.enter(Agreement(made.encode()), others, made.expiry)
    say(f"agreement {made.hash}")


@app.command("ending")
def ending(
    folder: Folder,
    name: Annotated[str, typer.Argument(metavar="AGREEMENT", help="Hash of the agreement's terms, or its beginning.")],
    first: First,
    key: Key,
    box: Box,
    note: Note = "",
    charter: InForce = None,
) -> None:
    """End an agreement for all its parties.

    Example: tocsin seal ending log 3f0c --first charter.json --key statement.key --box box.key
    """
    from tocsin.forms.bodies import Ending

    writer = _writer(folder, first, charter, key, box)
    found = _terms(folder, name)
    others = [one for one in found.parties if one != writer.own.name]
    writer.enter(Ending(found.hash, note), others, max(found.expiry, now() + DAY))


@app.command("alarm")
def alarm(
    folder: Folder,
    file: Annotated[Path, typer.Argument(metavar="ALARM", help="TOML file of the alarm's fields.")],
    first: First,
    key: Key,
    box: Box,
    to: To = None,
    charter: InForce = None,
) -> None:
    """Issue an alarm under an agreement, to its other parties or some of them. What the agreement does not allow
    is refused.

    Example: tocsin seal alarm log alarm.toml --first charter.json --key statement.key --box box.key
    """
    from tocsin.forms.terms import check_alarm

    writer, fields = _writer(folder, first, charter, key, box), _toml(file)
    terms = _terms(folder, str(fields.get("agreement", "")))
    form = _alarm({**fields, "agreement": terms.hash})
    audience = to or [name for name in terms.parties if name != writer.own.name]
    check_alarm(form, terms, writer.own.name, audience, now())
    writer.enter(form, audience, form.expiry)


@app.command("retraction")
def retraction(
    folder: Folder,
    target: Digest,
    first: First,
    key: Key,
    box: Box,
    to: To = None,
    note: Note = "",
    keep: Keep = 720,
    charter: InForce = None,
) -> None:
    """Take back a body of your own, in every version; told to all that it was told to.

    Example: tocsin seal retraction log 9a41 --first charter.json --key statement.key --box box.key
    """
    from tocsin.forms.bodies import Retraction

    digest, audience = _target(folder, target, to)
    writer = _writer(folder, first, charter, key, box)
    writer.enter(Retraction(digest, note), _without(audience, writer), _until(keep))


@app.command("sighting")
def sighting(
    folder: Folder,
    subject: Annotated[str, typer.Argument(help="What was seen: the subject of alarms, 64 hexadecimal digits.")],
    first: First,
    key: Key,
    box: Box,
    to: To = None,
    count: Annotated[int, typer.Option(help="How often; 0 takes an earlier sighting back.", min=0)] = 1,
    seen: Annotated[int | None, typer.Option(help="POSIX seconds when it was last seen; now when left out.")] = None,
    derived: Annotated[str, typer.Option(metavar="DIGEST", help="Alarm without which you would not have looked.")] = "",
    keep: Keep = 180,
    charter: InForce = None,
) -> None:
    """Tell that you saw a subject, before or after others spoke of it.

    Example: tocsin seal sighting log SUBJECT --to bee --first charter.json --key statement.key --box box.key
    """
    from tocsin.forms.bodies import Sighting

    source, audience = _target(folder, derived, to) if derived else ("", to or [])
    form = _checked(Sighting(subject, count, now() if seen is None else seen, source))
    writer = _writer(folder, first, charter, key, box)
    writer.enter(form, _without(audience, writer), _until(keep))


@app.command("opinion")
def opinion(
    folder: Folder,
    target: Digest,
    stance: Annotated[str, typer.Argument(help="strongly-disagree, disagree, neutral, agree or strongly-agree.")],
    first: First,
    key: Key,
    box: Box,
    to: To = None,
    note: Note = "",
    keep: Keep = 180,
    charter: InForce = None,
) -> None:
    """Agree or disagree with a body; your later opinion replaces the one before.

    Example: tocsin seal opinion log 9a41 disagree --first charter.json --key statement.key --box box.key
    """
    from tocsin.forms.bodies import form_of

    digest, audience = _target(folder, target, to)
    form = form_of("opinion", {"target": digest, "stance": stance, "note": note})
    writer = _writer(folder, first, charter, key, box)
    writer.enter(form, _without(audience, writer), _until(keep))


@app.command("receipt")
def receipt(
    folder: Folder, target: Digest, first: First, key: Key, box: Box, keep: Keep = 180, charter: InForce = None
) -> None:
    """Tell its author that a body came.

    Example: tocsin seal receipt log 9a41 --first charter.json --key statement.key --box box.key
    """
    from tocsin.coalition import BodyStore
    from tocsin.forms.bodies import Receipt

    body = BodyStore(folder).find(target)
    writer = _writer(folder, first, charter, key, box)
    writer.enter(Receipt(body.digest), [body.value("author")], _until(keep))


@app.command("inquiry")
def inquiry(
    folder: Folder,
    text: Annotated[str, typer.Argument(help="The question.")],
    deadline: Annotated[int, typer.Option(help="POSIX seconds by when an answer is due.")],
    first: First,
    key: Key,
    box: Box,
    to: To = None,
    keep: Keep = 180,
    charter: InForce = None,
) -> None:
    """Ask some members only.

    Example: tocsin seal inquiry log "Is this yours?" --to bee --deadline 1900000000 --first c --key k --box b
    """
    from tocsin.forms.bodies import PrivateInquiry

    writer = _writer(folder, first, charter, key, box)
    writer.enter(_checked(PrivateInquiry(text, deadline)), to or [], _until(keep))


@app.command("answer")
def answer(
    folder: Folder,
    target: Digest,
    text: Annotated[str, typer.Argument(help="The answer.")],
    first: First,
    key: Key,
    box: Box,
    to: To = None,
    keep: Keep = 180,
    charter: InForce = None,
) -> None:
    """Answer a private inquiry; only who asked hears it, unless more are named.

    Example: tocsin seal answer log 9a41 "It was a test" --first charter.json --key statement.key --box box.key
    """
    from tocsin.coalition import BodyStore
    from tocsin.forms.bodies import PrivateAnswer

    body = BodyStore(folder).find(target)
    writer = _writer(folder, first, charter, key, box)
    form = _checked(PrivateAnswer(body.digest, text))
    writer.enter(form, to or [body.value("author")], _until(keep))


@app.command("cover")
def cover(
    folder: Folder, first: First, key: Key, count: Annotated[int, typer.Option(help="How many.", min=1)] = 1
) -> None:
    """Append entries that stand for nothing and look like all others.

    Example: tocsin seal cover log --count 4 --first charter.json --key statement.key
    """
    from tocsin.coalition import make_cover

    entries = [make_cover(origin_of(folder), now(), os.urandom) for _ in range(count)]
    for index in append(folder, read_charter(first), key, entries):
        typer.echo(index)


@app.command("cadence")
def cadence(
    folder: Folder,
    every: Annotated[int | None, typer.Option(help="Seconds between batches; 0 appends at once, as at first.")] = None,
    cover: Annotated[int | None, typer.Option(help="Entries of every batch, topped up with cover; 0 for none.")] = None,
) -> None:
    """Set or show when sealed entries are appended: at once, or in batches, with cover or without.

    Example: tocsin seal cadence log --every 3600 --cover 8
    """
    from tocsin.coalition import BodyStore, Cadence

    store = BodyStore(folder)
    old = store.cadence()
    if every is not None or cover is not None:
        new = Cadence(old.every if every is None else every, old.cover if cover is None else cover, old.last)
        store.set_cadence(new)
        old = new
    typer.echo(f"every {old.every} seconds, {old.cover or 'as many as wait'}" if old.every else "at once")


@app.command("batch")
def batch(folder: Folder, first: First, key: Key) -> None:
    """Append what waits, if a batch is due; run it as often as you like. Indexes go to stdout.

    Example: tocsin seal batch log --first charter.json --key statement.key
    """
    from tocsin.coalition import BodyStore, choose_batch

    store, at = BodyStore(folder), now()
    setting, waiting = store.cadence(), store.waiting()
    if not setting.due(at):
        say(f"no batch is due, {len(waiting)} wait")
        return
    chosen, entries = choose_batch(setting, waiting, origin_of(folder), at, os.urandom)
    store.set_cadence(setting.after(at))
    for index in append(folder, read_charter(first), key, entries):
        typer.echo(index)
    for one in chosen:
        store.gone(one)


def _until(days: int) -> int:
    today = now()
    return today - today % DAY + days * DAY


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_bytes(path, "TOML file").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{path.name!r} is not TOML: {error}") from error


def _terms(folder: Path, start: str) -> Any:
    """Find the terms of an agreement among the bodies that are kept, by the beginning of their hash."""
    from tocsin.coalition import BodyStore
    from tocsin.forms.terms import parse_terms

    kept = (body.value("terms") for _, body in BodyStore(folder).bodies() if body.value("type") == "agreement")
    found = {terms.hash: terms for terms in map(parse_terms, kept) if terms.hash.startswith(start)}
    if not start or len(found) != 1:
        raise ConfigError(f"{len(found)} agreements have a hash that begins so", hint="see `tocsin body list`")
    return found.popitem()[1]


def _alarm(fields: dict[str, Any]) -> Any:
    """Make an alarm; `detail` may be a table of data classes."""
    import json

    from tocsin.forms.bodies import form_of

    detail = fields.get("detail", {})
    given = {"seen": now(), "derived": "", "replaces": "", **fields}
    given["detail"] = detail if isinstance(detail, str) else json.dumps(detail, ensure_ascii=False, sort_keys=True)
    return form_of("alarm", {name: str(value) for name, value in given.items()})


def _checked(form: "BodyForm") -> "BodyForm":
    """Check what an option gave, as if it were read."""
    from tocsin.forms.bodies import form_of, type_of, values_of

    return form_of(type_of(form), values_of(form))


def _target(folder: Path, start: str, to: Sequence[str] | None) -> tuple[str, list[str]]:
    """Find a body that is kept, and all that it was between."""
    from tocsin.coalition import BodyStore, hear_said

    body = BodyStore(folder).find(start)
    said = hear_said(body)
    return body.digest, list(to or (said.author, *said.audience))


def _without(audience: Sequence[str], writer: Writer) -> list[str]:
    return [name for name in audience if name != writer.own.name]
