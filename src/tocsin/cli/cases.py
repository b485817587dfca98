"""`tocsin cases`: the ranked cases of a run."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tocsin.cli.rim import check_lang, put_json, put_rows, say


def cases(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder that `tocsin screen` wrote.")],
    top: Annotated[int, typer.Option(min=1, help="How many to list.")] = 50,
    lang: Annotated[str, typer.Option(help="Language of the sentences: en or zh.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print every column as JSON.")] = False,
) -> None:
    """List the ranked cases of a run, most urgent first.

    Example: tocsin cases run --lang zh
    """
    from tocsin.flow import read_table  # kept out of `tocsin --help`

    why = f"why_{check_lang(lang)}"
    table = read_table(folder, "cases.parquet")
    rows: list[dict[str, Any]] = table.slice(0, top).to_pylist()
    if as_json:
        put_json([_plain(row) for row in rows])
        return
    head = ("rank", "case", "campaign", "severity", "kinds", "accounts", "findings", "why")
    put_rows(head, [_cells(row, why) for row in rows])
    if len(table) > top:
        say(f"{len(table) - top} more; raise --top")


def _cells(row: dict[str, Any], why: str) -> tuple[object, ...]:
    kinds, accounts = ",".join(row["kinds"]), ",".join(row["accounts"]) or "-"
    return (
        row["rank"],
        row["case_id"],
        row["campaign_id"] or "-",
        row["severity"],
        kinds,
        accounts,
        row["findings"],
        row[why],
    )


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if name in ("first", "last") else value for name, value in row.items()}
