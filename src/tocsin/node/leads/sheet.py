"""Read indicators from CSV with a head, and lists with one value a line."""

import csv
import io
from datetime import datetime

from tocsin.forms import FormatError
from tocsin.forms.limits import LINE_BYTES
from tocsin.node.leads.lead import FORMS, Read, kind_of
from tocsin.node.leads.times import parse_moment

HEAD = ("form", "value", "kind", "note", "until")


def read_sheet(text: str, form: str | None, now: datetime) -> Read:
    """Read CSV whose first line names columns of HEAD, `value` at least; with `form`, a list without a head too.

    Errors: FormatError where there is neither a head nor a form.
    """
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    head = [cell.strip().lower() for cell in next(csv.reader([first], delimiter=delimiter), [])]
    if "value" in head and ("form" in head or form):
        return _table(text, delimiter, form, now)
    if form is None:
        hint = f"the first line names columns: {', '.join(HEAD)}; or say with --form what every line is"
        raise FormatError("neither STIX, MISP nor CSV with a head", hint=hint)
    return _list(text, form)


def _table(text: str, delimiter: str, form: str | None, now: datetime) -> Read:
    read = Read()
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    rows.fieldnames = [(name or "").strip().lower() for name in rows.fieldnames or ()]
    csv.field_size_limit(LINE_BYTES)
    try:
        for row in rows:
            _row({name: cell for name, cell in row.items() if isinstance(cell, str)}, form, read, now)
    except csv.Error:
        read.skip("from here on the file is no CSV")
    return read


def _row(row: dict[str, str], form: str | None, read: Read, now: datetime) -> None:
    said = (row.get("form") or form or "").strip().lower()
    until = parse_moment(row["until"]) if row.get("until", "").strip() else None
    if said not in FORMS:
        read.skip("a form other than account, network, client, text")
    elif row.get("until", "").strip() and until is None:
        read.skip("an `until` that is not ISO 8601")
    elif until and until <= now:
        read.skip("no longer valid")
    else:
        read.take(
            said, row.get("value", ""), kind=kind_of([row.get("kind", "")]), note=row.get("note", ""), until=until
        )


def _list(text: str, form: str) -> Read:
    read = Read()
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            read.take(form, line, kind=None, note="", until=None)
    return read
