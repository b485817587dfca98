"""`tocsin charter`: what a coalition agrees on, as a signed file."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.key import passphrase_for
from tocsin.cli.rim import put_json, put_rows, read_bytes, say
from tocsin.forms.errors import FormatError

app = typer.Typer(
    help="Write, sign and show charters.\n\nExample: tocsin charter show charter.json",
    no_args_is_help=True,
    rich_markup_mode=None,
)
CharterFile = Annotated[Path, typer.Argument(metavar="CHARTER", help="Charter file.")]
RecoveryKey = Annotated[Path, typer.Option(help="Recovery key of a member that it names.")]


@app.command("new")
def new(
    terms: Annotated[Path, typer.Argument(metavar="TERMS", help="TOML file: from, expiry, standard, sides, members.")],
    key: RecoveryKey,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="File for the charter.")],
    after: Annotated[
        Path | None, typer.Option(help="Charter that it is to succeed; a first one when left out.")
    ] = None,
) -> None:
    """Write a charter and sign it with a first recovery key; its hash, until others sign, goes to stdout.

    Example: tocsin charter new terms.toml --key recovery.key -o charter.json
    """
    from tocsin.coalition import NO_PARENT, parse_charter, read_text, sign_charter
    from tocsin.ledger import read_key_file

    parent = parse_charter(read_bytes(after, "charter")) if after else None
    chained = {"version": parent.text.version + 1 if parent else 0, "parent": parent.hash if parent else NO_PARENT}
    text = read_text(_canonical({**_terms(terms), **chained}))
    file = read_key_file(key)
    made = sign_charter(text, file.signers(passphrase_for(file.sealed)))
    out.write_bytes(made.encode())
    typer.echo(made.hash)


@app.command("sign")
def sign(charter: CharterFile, key: RecoveryKey) -> None:
    """Add a recovery key's signature; the hash, which every signature changes, goes to stdout.

    Example: tocsin charter sign charter.json --key recovery.key
    """
    from tocsin.coalition import parse_charter, sign_charter
    from tocsin.ledger import read_key_file

    given, file = parse_charter(read_bytes(charter, "charter")), read_key_file(key)
    signers = file.signers(passphrase_for(file.sealed))
    signed = sign_charter(given.text, signers, given.envelope.signatures)
    fresh = charter.with_name(f"{charter.name}.new")
    fresh.write_bytes(signed.encode())
    fresh.replace(charter)
    typer.echo(signed.hash)


@app.command("show")
def show(
    charter: CharterFile,
    policy: Annotated[bool, typer.Option("--policy", help="Print the trust policy that it stands for.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what it says as JSON.")] = False,
) -> None:
    """Show a charter: its hash, its members by side, and who has signed.

    Example: tocsin charter show charter.json --policy
    """
    from tocsin.coalition import parse_charter
    from tocsin.ledger import parse_key

    given = parse_charter(read_bytes(charter, "charter"))
    if policy:
        typer.echo(given.policy.encode().decode(), nl=False)
        return
    rows = [
        (side.name, side.k, m.name, m.origin, "yes" if given.envelope.signed_by(parse_key(m.recovery)) else "no")
        for side in given.text.sides
        for m in side.members
    ]
    if as_json:
        put_json(
            {"hash": given.hash, "signed": [r[2] for r in rows if r[4] == "yes"], **_plain(given.envelope.payload)}
        )
        return
    say(f"version {given.text.version}, {given.hash}")
    put_rows(("side", "k", "member", "origin", "signed"), rows)


def _terms(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_bytes(path, "terms").decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise FormatError(f"{path.name!r} is not TOML: {error}") from error


def _canonical(terms: dict[str, Any]) -> bytes:
    """Write terms in a charter's one spelling; what is wrong with them, reading tells."""
    import msgspec

    from tocsin.coalition import Text, write_text

    try:
        return write_text(msgspec.convert({"ends": [], "constants": {}, **terms}, Text))
    except msgspec.ValidationError as error:
        raise FormatError(f"the terms are not in their form: {error}", hint="see docs/coalition.md") from error


def _plain(raw: bytes) -> dict[str, Any]:
    import json

    return dict(json.loads(raw))
