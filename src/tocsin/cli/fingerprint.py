"""`tocsin fingerprint`: banks of keyed fingerprints, and what they say of a text."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.check import read_text
from tocsin.cli.rim import put_json, put_rows, read_key, say

app = typer.Typer(
    help="Keep a bank of keyed fingerprints of alarms, and look texts up in it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Events = Annotated[list[str], typer.Argument(help="Files of events, or folders or globs of them.")]
Kind = Annotated[str, typer.Option(help="Kind of misuse that the alarms speak of, like M12.")]
By = Annotated[
    str | None, typer.Option(help="Column or attribute that names an event's alarm; else each file is one alarm.")
]
Benign = Annotated[
    list[str] | None,
    typer.Option(help="Your own benign events: what they have in common is left out; may be repeated."),
]
Key = Annotated[Path, typer.Option(help="Key file of the group, at least 16 bytes.")]
BankFolder = Annotated[Path, typer.Argument(metavar="BANK", help="Folder that `tocsin fingerprint build` wrote.")]
StandardFolder = Annotated[
    Path | None, typer.Option(help="Folder of a misuse standard; the shipped one when left out.")
]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command("build")
def build(
    events: Events,
    group_key: Key,
    kind: Kind,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="BANK", help="Folder for the bank.")],
    by: By = None,
    benign: Benign = None,
    standard: StandardFolder = None,
) -> None:
    """Make a bank: of each alarm, the windows that at least three accounts have in common, keyed.

    Example: tocsin fingerprint build cases/ --kind M12 --group-key group.key -o bank
    """
    from tocsin.flow import CaseFiles, build_bank  # kept out of `tocsin --help`

    files = CaseFiles(tuple(events), kind, by, tuple(benign or ()), standard)
    say(f"{build_bank(out, files, read_key(group_key))} alarms in {out}")


@app.command("add")
def add(
    bank: BankFolder,
    events: Events,
    group_key: Key,
    kind: Kind,
    by: By = None,
    benign: Benign = None,
    standard: StandardFolder = None,
) -> None:
    """Add alarms to a bank without building it anew.

    Example: tocsin fingerprint add bank new-case.jsonl --kind M03 --group-key group.key
    """
    from tocsin.flow import CaseFiles, extend_bank

    files = CaseFiles(tuple(events), kind, by, tuple(benign or ()), standard)
    say(f"{extend_bank(bank, files, read_key(group_key))} alarms added to {bank}")


@app.command("remove")
def remove(bank: BankFolder, ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Alarms.")]) -> None:
    """Remove alarms from a bank.

    Example: tocsin fingerprint remove bank new-case
    """
    from tocsin.flow import shrink_bank

    shrink_bank(bank, ids)
    say(f"{len(set(ids))} alarms removed from {bank}")


@app.command("info")
def info(bank: BankFolder, as_json: Json = False) -> None:
    """Say what a bank holds; the key is not needed.

    Example: tocsin fingerprint info bank
    """
    from tocsin.flow import describe_bank

    about = describe_bank(bank)
    if as_json:
        put_json(about)
        return
    put_rows(("alarm", "kind"), [(alarm["id"], alarm["kind"]) for alarm in about["ids"]])
    groups = ", ".join(about["groups"]) or "none"
    say(f"{about['alarms']} alarms in {about['segments']} segments, {about['bytes']} bytes; groups: {groups}")


@app.command("check")
def check(
    text: Annotated[str, typer.Argument(help="The text, or - for standard input.")],
    bank: Annotated[Path, typer.Option(help="Folder of the bank.")],
    group_key: Annotated[list[Path], typer.Option(help="Key file of a group; may be repeated.")],
    as_json: Json = False,
) -> None:
    """Say which alarms' texts a text holds, and where; spans count code points.

    Example: tocsin fingerprint check - --bank bank --group-key group.key < prompt.txt
    """
    from tocsin.flow import fits, look_up

    keys = [read_key(path) for path in group_key]
    found = look_up(read_text(text), bank, keys)
    if as_json:
        put_json(found)
    else:
        put_rows(("alarm", "kind", "containment", "span"), [_cells(f) for f in found])
        say(f"{len(found)} alarms")
    if not fits(bank, keys):
        say("the bank holds no alarm of this group key")


def _cells(f: dict[str, Any]) -> tuple[object, ...]:
    return f["alarm"], f["kind"], round(f["containment"], 2), f"{f['span_start']}-{f['span_end']}"
