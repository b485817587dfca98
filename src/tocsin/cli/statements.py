"""Commands that write a statement into the member's own log: propose, vote, stamp, anchor, notice, and the others."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.cosigning import now, source_at
from tocsin.cli.key import passphrase_for
from tocsin.cli.rim import read_bytes, say
from tocsin.cli.writing import CharterFile, First, Folder, Key, enter, origin_of, read_charter, signers_of
from tocsin.forms.errors import ConfigError

if TYPE_CHECKING:
    from tocsin.coalition import Charter, Prefix
    from tocsin.ledger import Note


def propose(folder: Folder, charter: CharterFile, first: First, key: Key) -> None:
    """Propose a charter; its index goes to stdout.

    Example: tocsin propose log next.json --first charter.json --key statement.key
    """
    from tocsin.forms.statements import Proposal

    raw = read_charter(charter).encode()
    enter(folder, first, key, Proposal(origin_of(folder), b64encode(raw).decode()))


def vote(
    folder: Folder,
    charter: CharterFile,
    first: First,
    key: Key,
    number: Annotated[int | None, typer.Option("--round", help="Round; that of now when left out.")] = None,
) -> None:
    """Vote for a charter as successor of its parent. The first vote of a round is the vote.

    Example: tocsin vote log next.json --first charter.json --key statement.key
    """
    from tocsin.forms.statements import Vote

    given = read_charter(charter)
    at = read_charter(first).round_of(now()) if number is None else number
    enter(folder, first, key, Vote(origin_of(folder), given.text.parent, at, given.hash))


def stamp(folder: Folder, charter: CharterFile, first: First, key: Key) -> None:
    """Have the log's checkpoint cosigned under the charter in force and enter it as a stamp; then the same once more.

    A stamp counts once a later one proves it: the second does.

    Example: tocsin stamp log charter.json --first charter.json --key statement.key
    """
    from tocsin.forms.statements import Stamp

    given = read_charter(charter)
    for _ in range(2):
        note = _cosign(folder, given)
        said = Stamp(origin_of(folder), given.text.version, given.hash, note.encode().decode())
        enter(folder, first, key, said)
    _cosign(folder, given)


def anchor(
    folder: Folder,
    other: Annotated[str, typer.Argument(metavar="URL_OR_DIR", help="Another member's log.")],
    first: First,
    key: Key,
    missing: Annotated[list[int] | None, typer.Option(help="Index addressed to you whose body you lack.")] = None,
    box: Annotated[Path | None, typer.Option(help="Your box key: finds what is missing.")] = None,
    charter: Annotated[Path | None, typer.Option(help="The charter in force; the first when left out.")] = None,
) -> None:
    """Enter another log's checkpoint: what you have seen of it, and which bodies for you did not come.

    Nothing is entered within an hour of the last one, nor, with a box key, where only stamps and anchors are new.

    Example: tocsin anchor log https://log.example.net --first charter.json --key statement.key --box box.key
    """
    from tocsin.coalition import cosigned_time, is_due
    from tocsin.forms.statements import Anchor
    from tocsin.ledger import parse_checkpoint, read_checkpoint

    note = read_checkpoint(source_at(other))
    found, begin = missing or [], read_charter(first)
    chain = [begin] if charter is None else list({one.hash: one for one in (begin, read_charter(charter))}.values())
    own = _own(folder, chain)
    if not is_due(own, chain, cosigned_time, parse_checkpoint(note.text).origin, now()):
        say("the last anchor of that log is less than an hour old, or waits for a stamp: no anchor is entered")
        return
    if box is not None:
        lacking = _missing(folder, own, other, chain, box)
        if lacking is None:
            say("nothing new but stamps and anchors: no anchor is entered")
            return
        found = sorted({*found, *lacking})
    enter(folder, first, key, Anchor(origin_of(folder), note.encode().decode(), found))


def _own(folder: Path, chain: "Sequence[Charter]") -> "Prefix":
    """Read one's own log."""
    from tocsin.coalition import member_of_log
    from tocsin.coalition import read_log as read_statements
    from tocsin.ledger import open_log

    own = open_log(folder).log
    entries = own.tree.entries(0, own.tree.head().size)
    return read_statements(member_of_log(chain[-1], own.origin), chain[0].hash, entries)


def _missing(folder: Path, own: "Prefix", other: str, chain: "Sequence[Charter]", box: Path) -> list[int] | None:
    """Find the entries of a log whose bodies are for us and not here; None where an anchor would say nothing new."""
    from tocsin.coalition import BodyStore, Opener, find_missing, find_viewer, is_worth, member_of_log, read_box
    from tocsin.coalition import read_log as read_statements
    from tocsin.ledger import parse_checkpoint, read_checkpoint, read_log

    source = source_at(other)
    author = member_of_log(chain[-1], parse_checkpoint(read_checkpoint(source).text).origin)
    theirs = read_statements(author, chain[0].hash, read_log(source))
    viewer = find_viewer(chain, [read_box(read_bytes(box, "box key"))])
    bodies = (body for _, body in BodyStore(folder).bodies())
    lacking = find_missing(theirs, Opener(chain, bodies, viewer))
    return lacking if is_worth(own, theirs, lacking) else None


def notice(
    folder: Folder,
    subject: Annotated[str, typer.Argument(help="What it is, in a few words.")],
    text: Annotated[str, typer.Argument(help="What others should know.")],
    until: Annotated[int, typer.Option(help="POSIX seconds until when it lasts.")],
    first: First,
    key: Key,
) -> None:
    """Tell all members of an action, so that nothing is misread.

    Example: tocsin notice log "red team" "A test of our filters" --until 1900000000 --first charter.json --key k
    """
    from tocsin.forms.statements import Notice

    enter(folder, first, key, Notice(origin_of(folder), subject, text, until))


def inquire(
    folder: Folder,
    to: Annotated[str, typer.Argument(help="Origin of the log of the member that is asked.")],
    text: Annotated[str, typer.Argument(help="The question.")],
    deadline: Annotated[int, typer.Option(help="POSIX seconds by when an answer is due.")],
    first: First,
    key: Key,
) -> None:
    """Ask a member about an action.

    Example: tocsin inquire log log.example.net "Is this yours?" --deadline 1900000000 --first charter.json --key k
    """
    from tocsin.forms.statements import Inquiry

    enter(folder, first, key, Inquiry(origin_of(folder), to, text, deadline))


def answer(
    folder: Folder,
    asker: Annotated[str, typer.Argument(help="Origin of the asker's log.")],
    index: Annotated[int, typer.Argument(help="Index of the inquiry there.")],
    text: Annotated[str, typer.Argument(help="The answer.")],
    first: First,
    key: Key,
) -> None:
    """Answer an inquiry.

    Example: tocsin answer log log.example.org 4 "It was a test" --first charter.json --key statement.key
    """
    from tocsin.forms.statements import Answer

    enter(folder, first, key, Answer(origin_of(folder), asker, index, text))


def freeze(
    folder: Folder,
    frozen: Annotated[str, typer.Argument(metavar="ORIGIN", help="Log that is to stop.")],
    recovery: Annotated[Path, typer.Option(help="Recovery key of the member whose log it is.")],
    first: First,
    key: Key,
) -> None:
    """Stop a log whose keys are lost or stolen; any member may log it, only its recovery key can say it.

    Example: tocsin freeze log log.example.net --recovery recovery.key --first charter.json --key statement.key
    """
    from tocsin.coalition import freeze_message
    from tocsin.forms.statements import Freeze

    (signer,) = signers_of(recovery)
    signature = signer.private.sign(freeze_message(read_charter(first).hash, frozen))
    enter(folder, first, key, Freeze(origin_of(folder), frozen, b64encode(signature).decode()))


def publish(
    folder: Folder,
    what: Annotated[str, typer.Argument(help="report, or study for the protocol or result of a joint study.")],
    title: Annotated[str, typer.Argument(help="Its title.")],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="It; the hash is entered, the file stays where it is.")],
    first: First,
    key: Key,
) -> None:
    """Enter that a report or a joint study is published, by its hash.

    Example: tocsin publish log report "What we saw in May" report.html --first charter.json --key statement.key
    """
    from tocsin.forms.statements import Report, Study

    form = {"report": Report, "study": Study}.get(what)
    if form is None:
        raise ConfigError(f"{what[:40]!r} is not published", hint="name a report or a study")
    enter(folder, first, key, form(origin_of(folder), title, sha256(read_bytes(file, what)).hexdigest()))


def rotate(folder: Path, first: Path, key: Path, recovery: Path, new: Path) -> None:
    """Enter a new statement key, signed by the old one and by the recovery key."""
    from tocsin.forms.statements import Key as KeyForm

    (fresh,) = signers_of(new)
    enter(folder, first, key, KeyForm(origin_of(folder), "statement", fresh.key.encode()), signers_of(recovery))
    say(f"from here on {fresh.key.name!r} signs")


def _cosign(folder: Path, charter: "Charter") -> "Note":
    from tocsin.cli.log import cosigned
    from tocsin.ledger import open_log

    opened = open_log(folder)
    note = cosigned(opened.log, opened.key.signers(passphrase_for(opened.key.sealed)), charter.policy)
    opened.log.publish(note)
    return note
