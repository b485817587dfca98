"""What the commands share that write into a member's own log: its folder, the charters, the keys."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.key import passphrase_for
from tocsin.cli.rim import read_bytes

if TYPE_CHECKING:
    from tocsin.coalition import Charter
    from tocsin.forms.statements import Form
    from tocsin.ledger import Signer

Folder = Annotated[Path, typer.Argument(metavar="LOGDIR", help="Folder of your own log.")]
First = Annotated[Path, typer.Option("--first", help="The coalition's first charter, which names it.")]
Key = Annotated[Path, typer.Option("--key", help="Your statement key.")]
CharterFile = Annotated[Path, typer.Argument(metavar="CHARTER", help="Charter file.")]


def enter(folder: Path, first: Path, key: Path, form: "Form", more: "Sequence[Signer]" = ()) -> None:
    """Sign a statement and append it; its index goes to stdout."""
    typer.echo(append(folder, read_charter(first), key, [form], more)[0])


def append(
    folder: Path, first: "Charter", key: Path, forms: "Sequence[Form]", more: "Sequence[Signer]" = ()
) -> list[int]:
    """Sign statements and append them; tell their indexes."""
    from tocsin.coalition import sign_statement
    from tocsin.ledger import open_log

    signers = [*signers_of(key), *more]
    return open_log(folder).log.append([sign_statement(first.hash, form, signers) for form in forms])


def origin_of(folder: Path) -> str:
    """Tell the name of a log by its folder."""
    from tocsin.ledger import open_log

    return open_log(folder).log.origin


def read_charter(path: Path) -> "Charter":
    """Read a charter file; its signatures are not checked."""
    from tocsin.coalition import parse_charter

    return parse_charter(read_bytes(path, "charter"))


def signers_of(path: Path) -> "tuple[Signer, ...]":
    """Open a key file."""
    from tocsin.ledger import read_key_file

    file = read_key_file(path)
    return file.signers(passphrase_for(file.sealed))
