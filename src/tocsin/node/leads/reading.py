"""Read a file of indicators, whatever its form."""

from datetime import datetime

import msgspec

from tocsin.forms import ConfigError, FormatError
from tocsin.node.leads.lead import FORMS, Read
from tocsin.node.leads.misp import misp_events, read_misp
from tocsin.node.leads.sheet import read_sheet
from tocsin.node.leads.stix import read_stix

MOST_BYTES = 64 << 20


def read_indicators(data: bytes, now: datetime, form: str | None = None) -> Read:
    """Read a STIX 2.1 bundle, MISP events, CSV, or with `form` a list of values.

    Errors: FormatError where it is none of them, or too large; ConfigError for a form that leads do not have.
    """
    if form is not None and form not in FORMS:
        raise ConfigError(f"no leads of form {form!r}", hint=f"use one of {', '.join(FORMS)}")
    if len(data) > MOST_BYTES:
        raise FormatError(f"the file is {len(data)} bytes, limit {MOST_BYTES}", hint="split it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FormatError("the file is not UTF-8", hint="convert it first") from None
    if not text.lstrip().startswith(("{", "[")):
        return read_sheet(text, form, now)
    try:
        document = msgspec.json.decode(text)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        if form is not None:  # templates may begin with a slot
            return read_sheet(text, form, now)
        raise FormatError("the file is not JSON", hint="it may be cut off: fetch it again") from None
    if isinstance(document, dict) and document.get("type") == "bundle":
        return read_stix(document, now)
    events = misp_events(document)
    if events is None:
        raise FormatError("the JSON is neither a STIX bundle nor MISP events", hint="docs/intake.md names the forms")
    return read_misp(events)
