"""Look disguised templates, and benign texts, up in the bench's bank.

    python bench/recall.py recall|generated|labelled FOLDER

`labelled` reads the benign texts of the folder that TOCSIN_LABELLED names; they are test material and never kept.
"""

import gzip
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from alarms import KEY
from generate import blocks
from talk import RING_ACCOUNTS, RINGS
from texts import LANGS, Grammar, read_words
from tocsin.screen import FingerprintDetector
from tocsin.text import GroupKey, fold_batch, open_bank
from tocsin.text.table import fold_table

SEED = 5
BATCH = 4096
SEEDS_OF_BENIGN = 2001  # of rows that no other piece reads
GENERATED = 110_000  # of which about one in two hundred is planted and left out
PIECE = 200, 1200  # bytes: texts beyond the second are cut at the ends of sentences into pieces of at least the first
SHORT = 300  # bytes of a template, told apart
LOOKALIKE = str.maketrans("aeocpxyi", "аеосрхуі")

Change = Callable[[str, str, Random], str]


def edited(text: str, lang: str, random: Random) -> str:
    """Replace one word in ten, in Chinese one character in ten, by others of the same language."""
    parts = text.split(" ") if lang == "en" else list(text)
    others = _WORDS[lang]
    for place in random.sample(range(len(parts)), max(1, round(len(parts) / 10))):
        parts[place] = random.choice(others)
    return (" " if lang == "en" else "").join(parts)


def padded(text: str, lang: str, random: Random) -> str:
    """Put ordinary text before and behind, each as long as the text itself."""
    before, behind = _around(lang, random, len(text)), _around(lang, random, len(text))
    return f"{before} {text} {behind}" if lang == "en" else f"{before}{text}{behind}"


def _around(lang: str, random: Random, size: int) -> str:
    whole = ""
    while len(whole) < size:
        whole += random.choice(_SENTENCES[lang]) + (" " if lang == "en" else "")
    return whole[:size].strip()


def look_alike(text: str, lang: str, random: Random) -> str:
    """Write Cyrillic letters for Latin ones, and the traditional character for every simplified one that has one."""
    return text.translate(LOOKALIKE | _TRADITIONAL)


def zero_width(text: str, lang: str, random: Random) -> str:
    return "".join(c + random.choice("\u200b\u200c\u200d\u2060\ufeff") * (random.random() < 0.3) for c in text)


def full_width(text: str, lang: str, random: Random) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else "\u3000" if c == " " else c for c in text)


DISGUISES: dict[str, tuple[float, Change]] = {
    "exact": (0.98, lambda text, lang, random: text),
    "10 % edited": (0.98, edited),
    "padded to three times its length": (0.98, padded),
    "padded and 10 % edited": (0.97, lambda text, lang, random: padded(edited(text, lang, random), lang, random)),
    "look-alike letters, traditional characters": (0.98, look_alike),
    "zero-width characters": (0.98, zero_width),
    "full-width letters and signs": (0.98, full_width),
}


def _traditional() -> dict[int, str]:
    """Turn the fold's table round: the first other Chinese character that folds to a simplified one."""
    ideographs, table = range(0x4E00, 0xA000), fold_table()
    found: dict[int, str] = {}
    for point in ideographs:
        folded = table.of(chr(point))
        if folded and folded != chr(point) and len(folded) == 1 and ord(folded) in ideographs:
            found.setdefault(ord(folded), chr(point))
    return found


def measure_recall(folder: Path) -> dict[str, Any]:
    """Disguise every template in every way; it is found where its own alarm is told."""
    texts = json.loads((folder / "templates.json").read_text("utf-8"))
    detector, found = _detector(folder), {}
    for name, (least, change) in DISGUISES.items():
        for lang in LANGS:
            random = Random(f"{SEED} {name} {lang}")
            ours = {key: text for key, text in texts.items() if key.startswith(lang)}
            told = _told(detector, [change(text, lang, random) for text in ours.values()])
            hits = {key for key, alarms in zip(ours, told, strict=True) if key in alarms}
            short = {key for key, text in ours.items() if len(text.encode()) < SHORT}
            found[f"{name}, {lang}"] = {
                "least": least,
                "texts": len(ours),
                "recall": round(len(hits) / len(ours), 4),
                "any_alarm": round(sum(map(bool, told)) / len(ours), 4),
                "short_texts": len(short),
                "short_found": len(hits & short),
            }
    return {"alarms": len(detector.bank), "disguises": found}


def measure_generated(folder: Path) -> dict[str, Any]:
    """Look into ordinary generated rows, those of planted sessions left out."""
    planted = pa.array([f"a{n:06d}" for n in range(RINGS * RING_ACCOUNTS)])
    ordinary = (b.filter(pc.invert(pc.is_in(b["account"], planted))) for b in blocks(GENERATED, SEEDS_OF_BENIGN))
    texts = [text for block in ordinary for text in block["text"].to_pylist()]
    return {"generated rows": _heard(_detector(folder), texts)}


def measure_labelled(folder: Path) -> dict[str, Any]:
    """Look into benign texts of public labelled sets, whole, then cut into pieces of the size of a message."""
    detector = _detector(folder)
    given = {lang: list(_labelled(lang)) for lang in LANGS}
    whole = {f"labelled benign texts, {lang}": _heard(detector, texts) for lang, texts in given.items()}
    pieces = [piece for texts in given.values() for text in texts for piece in cut(text)]
    return {**whole, "the same, long ones cut into pieces": _heard(detector, pieces)}


def cut(text: str) -> Iterator[str]:
    """Cut a long text at the ends of lines and sentences into pieces of the size of a message."""
    least, most = PIECE
    if len(text.encode()) <= most:
        yield text
        return
    held = ""
    for part in _ended(text):
        held += part
        if len(held.encode()) >= least:
            yield held
            held = ""
    if held:
        yield held


def _ended(text: str) -> Iterator[str]:
    start = 0
    for place, sign in enumerate(text):
        if sign in ".!?。！？\n":
            yield text[start : place + 1]
            start = place + 1
    yield text[start:]


def _labelled(lang: str) -> Iterator[str]:
    folder = Path(os.environ["TOCSIN_LABELLED"])
    for split in ("train", "dev"):
        with gzip.open(folder / f"{split}.{lang}.jsonl.gz", "rt", encoding="utf-8") as lines:
            yield from (row["text"] for row in map(json.loads, lines) if row["label"] == "benign")


def _heard(detector: FingerprintDetector, texts: Sequence[str]) -> dict[str, Any]:
    started = time.process_time()
    told = _told(detector, texts)
    spent = time.process_time() - started
    size = sum(len(text.encode()) for text in texts)
    names = Counter("template" if alarm[:2] in LANGS else "noise" for alarms in told for alarm in alarms)
    return {
        "texts": len(texts),
        "distinct": len(set(texts)),
        "text_mb": round(size / 1e6, 2),
        "hit": sum(map(bool, told)),
        "alarms_told": dict(names),
        "cpu_s": round(spent, 2),
    }


def _detector(folder: Path) -> FingerprintDetector:
    return FingerprintDetector(open_bank(folder / "bank"), (GroupKey.of(KEY),), "bench")


def _told(detector: FingerprintDetector, texts: Sequence[str]) -> list[set[str]]:
    """Name the alarms that each text holds."""
    found: list[set[str]] = []
    for first in range(0, len(texts), BATCH):
        part = texts[first : first + BATCH]
        folded, told = fold_batch(pa.array(part, pa.string())), [set[str]() for _ in part]
        for match in detector.matches(folded):
            told[folded.row(match.line)].add(match.alarm)
        found += told
    return found


_TRADITIONAL = _traditional()
_GRAMMARS = read_words()
_WORDS = {
    "en": [w for name in ("noun", "verb", "adj") for w in _GRAMMARS["en"]["lists"][name]],  # type: ignore[index]
    "zh": "".join(w for name in ("noun", "verb", "adj") for w in _GRAMMARS["zh"]["lists"][name]),  # type: ignore[index]
}
_SENTENCES = {lang: Grammar(_GRAMMARS[lang], ["-"]).sentences(np.random.default_rng(SEED), 2000) for lang in LANGS}
MEASURES = {"recall": measure_recall, "generated": measure_generated, "labelled": measure_labelled}

if __name__ == "__main__":
    print(json.dumps(MEASURES[sys.argv[1]](Path(sys.argv[2])), ensure_ascii=False))
