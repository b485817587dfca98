"""Rules, event by event and rule by rule, with `re` alone and a fold of one character at a time."""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

from tocsin.screen.evidence import excerpt
from tocsin.standard import Line as FoldedLine
from tocsin.standard import Standard
from tocsin.text import fold_slowly

SCORES = {1: 0.2, 2: 0.4, 3: 0.6, 4: 0.8, 5: 0.95}
_SEPARATORS = set(" .-_*|/,'~+·•、。")
_CODED = re.compile(r"[A-Za-z0-9+/_-]{24,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*")


@dataclass
class Line:
    """Hold a line to look at; character i stands for the text's code points `places[i]`, first and past the last."""

    text: str
    places: list[tuple[int, int]]
    spaced: bool = False


def rules(events: Sequence[dict[str, Any]], standard: Standard) -> list[dict[str, Any]]:
    """Let every rule speak once of an event: in its text, else in what the text hides."""
    rows = []
    for event in events:
        lines = [plain := _plain(event["text"]), *_closed_up(plain), *_decoded(event["text"])]
        for rule in standard.rules:
            found = ((line, rule.first_in(_by_re(line))) for line in lines)
            line, span = next(((a, s) for a, s in found if s), (plain, None))
            if span and event["role"] in rule.form.roles:
                rows.append(_row(event, rule.form, line.places[span[0]][0], line.places[span[1] - 1][1]))
    return rows


def _by_re(line: Line) -> FoldedLine:
    return FoldedLine(line.text.encode(), line.spaced, by_re=True)


def _row(event: dict[str, Any], form: Any, start: int, end: int) -> dict[str, Any]:
    return {
        "event_id": event["id"],
        "account": event["account"],
        "session": event["session"],
        "time": datetime.fromisoformat(event["time"]),
        "rule": form.id,
        "kind": form.kind,
        "severity": form.severity,
        "score": SCORES[form.confidence],
        "span_start": start,
        "span_end": end,
        "evidence": excerpt(event["text"], start, end),
    }


def _plain(text: str) -> Line:
    line = Line("", [])
    for place, char in enumerate(text):
        for sign in fold_slowly(char):
            if not (sign == " " and line.text.endswith(" ")):
                line.text += sign
                line.places.append((place, place + 1))
    return line


def _closed_up(line: Line) -> Iterator[Line]:
    """Drop the separators of every run of five or more single letters that one to three separators keep apart.

    First, where some gaps of a run hold more than its commonest separator and others do not, once more with the rest.
    """
    dropped: set[int] = set()
    beside: set[int] = set()
    at = 0
    while at < len(line.text):
        run = _run(line.text, at)
        if len(run) >= 5:
            dropped |= set(range(run[0], run[-1])) - set(run)
            gaps = [range(a + 1, b) for a, b in pairwise(run)]
            signs = [line.text[i] for gap in gaps for i in gap]
            usual = max(signs, key=lambda sign: (signs.count(sign), -signs.index(sign)))
            others = [{i for i in gap if line.text[i] != usual} for gap in gaps]
            beside |= set().union(*others) if not all(others) else set()
        at = max([at, *run]) + 1
    for gone in [dropped - beside] * bool(beside) + [dropped] * bool(dropped):
        kept = [i for i in range(len(line.text)) if i not in gone]
        yield Line("".join(line.text[i] for i in kept), [line.places[i] for i in kept], spaced=True)


def _run(text: str, at: int) -> list[int]:
    """Follow letters that stand alone, from a place on."""
    run: list[int] = []
    while at < len(text) and _stands_alone(text, at):
        run.append(at)
        gap = next((g for g in range(1, 5) if text[at + g : at + g + 1] not in _SEPARATORS), 5)
        at = at + gap if 2 <= gap <= 4 else len(text)
    return run


def _stands_alone(text: str, at: int) -> bool:
    around = text[max(0, at - 1) : at] + text[at + 1 : at + 2]
    return _is_letter(text[at]) and not any(map(_is_letter, around))


def _is_letter(char: str) -> bool:
    return ("a" <= char <= "z") or ("0" <= char <= "9") or ("㐀" <= char <= "鿿")


def _decoded(text: str) -> Iterator[Line]:
    for run in _CODED.finditer(text):
        places = [i for i in range(*run.span()) if text[i] not in "\r\n"]
        places = places[: len(places) - (len(places) % 4 == 1)]
        signs = "".join(text[i] for i in places).replace("-", "+").replace("_", "/")
        try:
            plain = base64.b64decode(signs + "=" * (-len(signs) % 4)).decode()
        except ValueError:
            continue
        if plain and sum(c.isprintable() or c.isspace() for c in plain) >= 0.9 * len(plain):
            yield _through(plain, places)


def _through(plain: str, places: list[int]) -> Line:
    """Fold a decoded text and point each character at the base64 signs that hold its bits."""
    line, byte = _plain(plain), 0
    signs = []
    for char in plain:
        last = byte + len(char.encode())
        signs.append((places[byte * 8 // 6], places[(last * 8 - 1) // 6] + 1))
        byte = last
    return Line(line.text, [signs[first] for first, _ in line.places])
