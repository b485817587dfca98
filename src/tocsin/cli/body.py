"""`tocsin body`: the bodies of sealed entries, kept in the folder of one's log, delivered, received and deleted."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tocsin.cli.cosigning import now, source_at
from tocsin.cli.rim import check_lang, put_json, put_rows, read_bytes, say
from tocsin.cli.writing import Folder, origin_of, read_charter
from tocsin.forms.errors import ConfigError, TransportError, VerificationError

if TYPE_CHECKING:
    from tocsin.coalition import Body, Charter, Delivery, Prefix

app = typer.Typer(
    help="Keep, deliver, receive and delete what sealed entries stand for.\n\nExample: tocsin body list log",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Digest = Annotated[str, typer.Argument(metavar="DIGEST", help="Digest of the entry, or its beginning.")]
InForce = Annotated[Path, typer.Option("--charter", help="Charter that names author and addressee.")]
Box = Annotated[Path, typer.Option("--box", help="Your box key.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="File to write.")]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("list")
def list_(folder: Folder, as_json: Json = False) -> None:
    """List the bodies that are kept: digest, type, author, until when, and the hash where it is an agreement.

    Example: tocsin body list log
    """
    from tocsin.coalition import BodyStore

    kept = sorted(BodyStore(folder).bodies(), key=lambda one: (one[0], one[1].digest))
    rows = [
        {
            "digest": b.digest,
            "type": b.value("type"),
            "author": b.value("author"),
            "until": until,
            "agreement": _hash(b),
        }
        for until, b in kept
    ]
    if as_json:
        put_json(rows)
        return
    put_rows(("digest", "type", "author", "until", "agreement"), [list(row.values()) for row in rows])


@app.command("show")
def show(
    folder: Folder,
    digest: Digest,
    lang: Annotated[str, typer.Option(help="Language of closed terms: en or zh.")] = "en",
    as_json: Json = False,
) -> None:
    """Show a body's fields; the closed terms of an agreement in words.

    Example: tocsin body show log 9a41 --lang zh
    """
    from tocsin.coalition import BodyStore

    body = BodyStore(folder).find(digest)
    told = {field.name: field.value for field in body.fields}
    if as_json:
        put_json(told)
        return
    put_rows(("field", "value"), sorted(told.items()) + _terms_in_words(body, check_lang(lang)))


@app.command("export")
def export(
    folder: Folder,
    digest: Digest,
    to: Annotated[str, typer.Option("--to", help="Name of the addressee; only its box key opens the file.")],
    box: Box,
    charter: InForce,
    out: Out,
) -> None:
    """Write one of your bodies for one of its addressees; bring it there by any way.

    Example: tocsin body export log 9a41 --to bee --box box.key --charter charter.json -o for-bee
    """
    from tocsin.coalition import BodyStore, deliver, hear_said, member_named, read_box

    body, head = BodyStore(folder).find(digest), read_charter(charter)
    said = hear_said(body)
    if said.origin != origin_of(folder) or to not in said.audience:
        raise ConfigError("only its author delivers a body, and only to its audience", hint="nothing is passed on")
    given = deliver(body, read_box(read_bytes(box, "box key")), member_named(head, to), body.value("coalition"))
    _write(out, given.encode())


@app.command("import")
def import_(
    folder: Folder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What the author exported for you.")],
    source: Annotated[str, typer.Option("--from", metavar="URL_OR_DIR", help="The author's log, or a copy of it.")],
    first: Annotated[Path, typer.Option("--first", help="The coalition's first charter, which names it.")],
    box: Box,
    charter: Annotated[Path | None, typer.Option(help="The charter in force; the first when left out.")] = None,
) -> None:
    """Receive a body: it is kept if it is the one of an entry in its author's log and meant for you.

    Example: tocsin body import log for-bee --from https://log.example.org --first charter.json --box box.key
    """
    from tocsin.coalition import BodyStore, parse_delivery

    delivery = parse_delivery(read_bytes(file, "delivery"))
    given = read_charter(first)
    body, expiry, index = _receive(folder, delivery, source, given, read_charter(charter) if charter else given, box)
    BodyStore(folder).put(body, expiry)
    say(f"{body.value('type')} of {body.value('author')}, entry {index} of {body.value('origin')}")
    typer.echo(body.digest)


@app.command("forget")
def forget(
    folder: Folder,
    digest: Annotated[str | None, typer.Argument(metavar="DIGEST", help="Body to delete, whole digest.")] = None,
    expired: Annotated[bool, typer.Option("--expired", help="Delete all whose day has come.")] = False,
) -> None:
    """Delete bodies and their salts; their entries then say nothing to anybody. How many goes to stdout.

    Example: tocsin body forget log --expired
    """
    from tocsin.coalition import BodyStore

    if (digest is None) != expired:
        raise ConfigError("either one body or all that have expired", hint="name a DIGEST, or --expired")
    store = BodyStore(folder)
    typer.echo(store.expire(now()) if digest is None else int(store.forget(digest)))


def disclose(
    folder: Folder,
    digest: Digest,
    fields: Annotated[list[str], typer.Argument(metavar="FIELD...", help="Names of the fields to show.")],
    charter: InForce,
    out: Out,
    source: Annotated[str | None, typer.Option("--from", help="Its author's log; your own when left out.")] = None,
    first: Annotated[Path | None, typer.Option("--first", help="The coalition's first charter; as --charter.")] = None,
) -> None:
    """Show single fields of a sealed body to an auditor: a file that `tocsin verify exhibit` checks offline, alone.

    Example: tocsin disclose log 9a41 type kind --charter charter.json -o fields.exhibit
    """
    from tocsin.coalition import BodyStore, exhibit_fields

    body, head = BodyStore(folder).find(digest), read_charter(charter)
    log, entries = _read(source or str(folder), body.value("origin"), head, read_charter(first) if first else head)
    index, _ = _entry(log, body.digest)
    made = exhibit_fields(log, lambda _, at: entries[at], index, head, body, fields)
    _write(out, made.encode())


def _receive(
    folder: Path, delivery: "Delivery", source: str, first: "Charter", head: "Charter", box: Path
) -> "tuple[Body, int, int]":
    """Open a delivery and check it against the author's log: digest, author, origin, coalition, audience, slot."""
    from tocsin.coalition import (
        box_public,
        check_body,
        hear_said,
        is_for,
        member_of_log,
        pair_key,
        read_box,
        receive,
    )

    author, own = member_of_log(head, delivery.origin), member_of_log(head, origin_of(folder))
    key = read_box(read_bytes(box, "box key"))
    if delivery.coalition != first.hash or delivery.to != own.origin or box_public(read_bytes(box, "key")) != own.box:
        raise VerificationError("the delivery is for another coalition, another log or another box key")
    body = receive(delivery, key, author)
    log, _ = _read(source, author.origin, head, first)
    index, entry = _entry(log, body.digest)
    check_body(body, entry, first.hash, author.name)
    slot = pair_key(key, author.box, first.hash, author.origin, own.origin)
    if own.name not in hear_said(body).audience or not is_for(entry, slot):
        raise VerificationError("the body, or the entry that it belongs to, is not meant for you")
    return body, entry.expiry, index


def _read(source: str, origin: str, head: "Charter", first: "Charter") -> "tuple[Prefix, list[bytes]]":
    """Read a log, and its entries as they came."""
    from tocsin.coalition import member_of_log, read_log
    from tocsin.ledger import read_log as read_entries

    entries = list(read_entries(source_at(source)))
    return read_log(member_of_log(head, origin), first.hash, entries), entries


def _entry(log: "Prefix", digest: str) -> tuple[int, Any]:
    from tocsin.forms.statements import Sealed

    for one in log.entries:
        if isinstance(one.form, Sealed) and one.form.digest == digest:
            return one.index, one.form
    raise VerificationError(
        "the log has no entry for the body", hint="it may not be published yet: the author runs `tocsin stamp`"
    )


def _hash(body: "Body") -> str:
    from hashlib import sha256

    terms = body.value("terms") if body.value("type") == "agreement" else ""
    return sha256(terms.encode()).hexdigest() if terms else body.value("agreement")


def _terms_in_words(body: "Body", lang: str) -> list[tuple[str, str]]:
    from tocsin.forms.terms import in_words, parse_terms

    if body.value("type") != "agreement":
        return []
    return in_words(parse_terms(body.value("terms")), lang)


def _write(path: Path, raw: bytes) -> None:
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(raw)
    except OSError as error:
        raise TransportError(f"{path.name!r} cannot be written: {error.strerror}", hint="check the folder") from error
