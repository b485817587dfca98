"""Count how many ordinary texts hold a word: `python tools/count_commonplace.py LABELLED`.

Reads the benign training texts, cut into pieces of about the size of a message; a Chinese piece is counted by its
characters and pairs of them. Prints each word that stands in one piece of 2,000 or more, and in how many of 10,000:
src/tocsin/standard/commonplace.tsv.
"""

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tocsin.text import fold_text

PIECE = 400  # bytes
LEAST = 5  # of 10,000 pieces
NUMBER = re.compile(r"\d{5}")  # it may be somebody's
WITHHELD = {"xsafety", "aig_eval"}  # sources that nothing shipped is derived from


def pieces(labelled: Path, lang: str) -> Iterator[str]:
    """Yield the pieces of a language's benign texts, folded."""
    with gzip.open(labelled / f"train.{lang}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if row["label"] == "benign" and row["source"] not in WITHHELD:
                text, size = fold_text(row["text"]).text, PIECE if lang == "en" else PIECE // 3
                yield from (text[i : i + size] for i in range(0, len(text), size))


def words(piece: str) -> set[str]:
    """List the words, long numbers aside, and the Chinese characters and pairs of a piece."""
    runs = re.findall(r"[\u3400-\u9fff]+", piece)
    pairs = {run[i : i + 2] for run in runs for i in range(len(run) - 1)}
    plain = {word for word in re.findall(r"[a-z0-9]+", piece) if not NUMBER.search(word)}
    return plain | {c for run in runs for c in run} | pairs


def main() -> None:
    shares: Counter[str] = Counter()
    for lang in ("en", "zh"):
        texts = list(pieces(Path(sys.argv[1]), lang))
        counts = Counter(word for text in texts for word in words(text))
        for word, count in counts.items():
            shares[word] = max(shares[word], round(10_000 * count / len(texts)))
    for word, share in sorted(shares.items(), key=lambda s: (-s[1], s[0])):
        if share >= LEAST:
            print(word, share, sep="\t")


if __name__ == "__main__":
    main()
