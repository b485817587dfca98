"""Labelled texts: what the classifier learns from and is judged by."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from tocsin.forms import FormatError

# A label of the data, and what it is called in the standard; the order is that of `LABELS`.
KINDS = {
    "cyber": "M01",
    "fraud": "M03",
    "influence": "M04",
    "weapons_cbrn": "M05",
    "violence_extremism": "M06",
    "privacy_surveillance": "M08",
    "illegal_goods": "M10",
    "jailbreak_injection": "M12",
    "hate_harassment": "L-hate",
    "self_harm": "L-selfharm",
    "sexual": "L-sexual",
    "other": "L-other",
}
LANGUAGES = ("en", "zh")
MOST_LINE_BYTES = 1 << 20


class Row(msgspec.Struct, frozen=True):
    """One line of a labelled file; `kind` is one of `KINDS`, or none for benign; `family` names the way of attack."""

    text: str
    lang: str
    label: str
    id: str = ""
    kind: str = "none"
    source: str = "unnamed"
    family: str = ""


@dataclass(frozen=True)
class Labelled:
    """Hold labelled texts as columns. Shape: all of the same length."""

    texts: Sequence[str]
    misuse: NDArray[np.bool_]
    kinds: NDArray[np.str_]
    langs: NDArray[np.str_]
    sources: NDArray[np.str_]
    ids: Sequence[str]
    families: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.texts)

    def where(self, mask: NDArray[np.bool_]) -> "Labelled":
        """Select rows."""
        at: list[int] = np.flatnonzero(mask).tolist()
        texts, ids = [self.texts[i] for i in at], [self.ids[i] for i in at]
        told = self.misuse[at], self.kinds[at], self.langs[at], self.sources[at]
        return Labelled(texts, *told, ids, self.families[at])


def parse_labelled(lines: Iterable[bytes], name: str) -> list[Row]:
    """Parse a labelled file, one JSON object a line.

    Errors: FormatError names the file and the line.
    """
    decoder = msgspec.json.Decoder(Row)
    rows = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        if len(line) > MOST_LINE_BYTES:
            raise FormatError(
                f"{name!r} line {number}: {len(line)} bytes, limit {MOST_LINE_BYTES}", hint="cut the text"
            )
        try:
            rows.append(_checked(decoder.decode(line)))
        except (msgspec.DecodeError, ValueError) as error:
            raise FormatError(f"{name!r} line {number}: {error}", hint="see docs/classifier.md for the form") from error
    return rows


def in_order(rows: Iterable[Row]) -> list[Row]:
    """Sort rows by what they hold, so that nothing depends on the order of files and lines."""
    return sorted(rows, key=lambda r: (r.source, r.lang, r.label, r.kind, r.text, r.id))


def gather(rows: Sequence[Row]) -> Labelled:
    """Put rows side by side as columns."""
    return Labelled(
        [r.text for r in rows],
        np.array([r.label == "misuse" for r in rows], dtype=np.bool_),
        np.array([r.kind for r in rows], dtype=np.str_),
        np.array([r.lang for r in rows], dtype=np.str_),
        np.array([r.source for r in rows], dtype=np.str_),
        [r.id for r in rows],
        np.array([r.family for r in rows], dtype=np.str_),
    )


def _checked(row: Row) -> Row:
    if row.label not in ("misuse", "benign"):
        raise ValueError("label is neither misuse nor benign")
    if row.lang not in LANGUAGES:
        raise ValueError("lang is neither en nor zh")
    if row.label == "misuse" and row.kind not in KINDS:
        raise ValueError("kind is not among the labels")
    return row
