"""Go back to a finished run: read its tables, draw its report anew."""

import json
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tocsin.flow.outputs import publish
from tocsin.flow.presenting import Finished, present
from tocsin.forms import ACTIVITY, CASES, FINDINGS, FormatError, TransportError
from tocsin.standard import Standard, load_standard

_TABLES = {"findings.parquet": FINDINGS, "activity.parquet": ACTIVITY, "cases.parquet": CASES}
_AGAIN = "run: tocsin screen INPUT --out DIR"


def read_table(folder: Path, name: str) -> pa.Table:
    """Read findings.parquet, activity.parquet or cases.parquet of a finished run.

    Errors: TransportError where it cannot be read; FormatError where it is not the table that its name says.
    """
    raw = _read(folder, name)
    try:
        return pq.read_table(pa.BufferReader(raw)).select(_TABLES[name].names).cast(_TABLES[name])
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise FormatError(f"{name} in {folder.name!r} is not a table of a run", hint=_AGAIN) from error


def redraw(folder: Path, standard_folder: Path | None, *, png: bool = False) -> list[str]:
    """Draw the report of a finished run anew from its files, its charts as PNG too if asked; return notes.

    Errors: TransportError where a file cannot be read or written; FormatError where one is damaged.
    """
    run = _finished(folder)
    standard = load_standard(standard_folder, prove=False)
    try:
        return _draw(folder, run, standard, png)
    except OSError as error:
        message = f"cannot write to {folder.name!r}: {error.strerror or type(error).__name__}"
        raise TransportError(message, hint="free space or check rights") from error


def _draw(folder: Path, run: Finished, standard: Standard, png: bool) -> list[str]:
    with TemporaryDirectory(prefix=".tocsin-report-", dir=folder) as staged:
        notes = present(Path(staged), run, standard, png=png)
        publish(Path(staged), folder)
    return notes


def _finished(folder: Path) -> Finished:
    findings, activity, cases = (read_table(folder, name) for name in _TABLES)
    summary = _parsed(folder, "summary.json", _read(folder, "summary.json"))
    rejects = [_parsed(folder, "rejects.jsonl", line) for line in _read(folder, "rejects.jsonl").splitlines()]
    try:
        reasons = Counter(str(reject["reason"]) for reject in rejects)
        return Finished(findings, activity, cases, reasons, int(summary["rows"]), int(summary["sources"]))
    except (KeyError, TypeError, ValueError) as error:
        message = f"summary.json or rejects.jsonl in {folder.name!r} is not in the form"
        raise FormatError(message, hint=_AGAIN) from error


def _parsed(folder: Path, name: str, raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"{name} in {folder.name!r} is not JSON", hint=_AGAIN) from error


def _read(folder: Path, name: str) -> bytes:
    try:
        return (folder / name).read_bytes()
    except FileNotFoundError as error:
        raise TransportError(f"no {name} in {folder.name!r}", hint=_AGAIN) from error
    except OSError as error:
        raise TransportError(f"{name} cannot be read: {error.strerror}", hint="check its rights") from error
