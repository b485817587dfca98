"""Texts of the bench: ordinary ones in its own words, planted ones of the sample's campaigns, hostile ones."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from numpy.typing import NDArray

from tocsin.standard import load_standard
from tocsin.standard.match import demands
from tocsin.traffic.sample.campaigns import read_plots
from tocsin.traffic.sample.phrases import Slots, compose, read_bank
from tocsin.traffic.sample.scribe import load_banks

LANGS = ("en", "zh")
SIGMA = 1.0  # of the lognormal length of a text, mean to median e^0.5
MEAN_BYTES = {"en": 400.0, "zh": 400.0}
POOL = 4000  # everyday and alarming requests of the sample, a language
POOL_SHARE = 0.04  # of sentences; people do send the same request twice
ODD_SHARE = 0.002  # of rows that carry base64 or spaced-out or full-width letters
_WORDS = Path(__file__).with_name("words.yaml")

Rng = np.random.Generator
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Row:
    """Ask for texts: the language of each row, and the ring that planted it, -1 for none."""

    chinese: NDArray[np.bool_]
    ring: Ints


class Ordinary:
    """Write ordinary texts with planted ones among them."""

    def __init__(self, seed: int) -> None:
        grammars = read_words()
        self._grammars = {lang: Grammar(grammars[lang], _pool(lang, seed)) for lang in LANGS}
        self._planted = fill_plots(seed)

    def write(self, rng: Rng, rows: Row) -> pa.Array:
        """Write one text a row."""
        whole = [""] * len(rows.chinese)
        for lang, mask in zip(LANGS, (~rows.chinese, rows.chinese), strict=True):
            places = np.flatnonzero(mask)
            for place, text in zip(places.tolist(), self._grammars[lang].texts(rng, len(places)), strict=True):
                whole[place] = text
        for place in np.flatnonzero(rng.random(len(whole)) < ODD_SHARE).tolist():
            whole[place] = _odd(whole[place], int(rng.integers(3)))
        for place in np.flatnonzero(rows.ring >= 0).tolist():
            texts = self._planted[LANGS[int(rows.chinese[place])]][int(rows.ring[place]) % len(self._planted["en"])]
            whole[place] = texts[int(rng.integers(len(texts)))]
        return pa.array(whole, pa.string())


class Hostile:
    """Write texts out of the words that rules look for first: the dearest input there is, nearly none of it a match."""

    def __init__(self, standard: Path | None = None) -> None:
        rules = load_standard(standard, prove=False).rules
        found = {
            f.replace("\0", "")
            for r in rules
            for tree in r.alternatives
            for demand in demands(tree)
            for group in demand.sets
            for f in group
        }
        self._words = pa.array(sorted(found), pa.string())
        self._bytes = float(pc.mean(pc.binary_length(self._words)).as_py()) + 1

    def write(self, rng: Rng, rows: Row) -> pa.Array:
        """Write one text a row, of the usual lengths."""
        counts = np.maximum(1, _lengths(rng, len(rows.chinese), MEAN_BYTES["en"]) / self._bytes).astype(np.int64)
        words = self._words.take(pa.array(rng.integers(len(self._words), size=int(counts.sum()))))
        return _joined(words, counts, " ")


def read_words() -> dict[str, dict[str, object]]:
    """Read the words and patterns of ordinary texts, of each language."""
    found: dict[str, dict[str, object]] = yaml.safe_load(_WORDS.read_text("utf-8"))
    return found


class Grammar:
    """Write sentences of one language by filling patterns from lists of words, whole arrays at a time."""

    def __init__(self, grammar: dict[str, object], pool: Sequence[str]) -> None:
        lists: dict[str, list[str]] = grammar["lists"]  # type: ignore[assignment]
        patterns: list[tuple[int, str]] = grammar["patterns"]  # type: ignore[assignment]
        self._lists = {name: pa.array(words, pa.string()) for name, words in lists.items()}
        self._patterns = [_parts(pattern) for _, pattern in patterns]
        weights = np.array([weight for weight, _ in patterns], dtype=float)
        self._weights = weights / weights.sum()
        self._pool = pa.array(pool, pa.string())
        self._joint = str(grammar["joint"])

    def texts(self, rng: Rng, count: int) -> list[str]:
        """Write texts of lognormal length, at least one sentence each."""
        wanted = _lengths(rng, count, MEAN_BYTES["en"])
        sentences = self._sentences(rng, int(wanted.sum() / 55) + count)
        size = np.cumsum(pc.binary_length(sentences).to_numpy() + len(self._joint))
        ends = np.searchsorted(size, np.cumsum(wanted)) + 1
        ends = np.maximum.accumulate(ends - np.arange(count)) + np.arange(count)  # one sentence at least
        counts = np.diff(np.minimum(ends, len(sentences)), prepend=0)
        return _joined(sentences, counts, self._joint).to_pylist()

    def sentences(self, rng: Rng, count: int) -> list[str]:
        """Write sentences of the grammar alone, none of the pool."""
        pattern = rng.choice(len(self._patterns), count, p=self._weights)
        return [str(self._fill(rng, self._patterns[number], 1)[0]) for number in pattern.tolist()]

    def _sentences(self, rng: Rng, count: int) -> pa.Array:
        pattern = rng.choice(len(self._patterns), count, p=self._weights)
        pattern[rng.random(count) < POOL_SHARE] = -1
        made = [self._pool.take(pa.array(rng.integers(len(self._pool), size=int((pattern == -1).sum()))))]
        places = [np.flatnonzero(pattern == -1)]
        for number, parts in enumerate(self._patterns):
            places.append(np.flatnonzero(pattern == number))
            made.append(self._fill(rng, parts, len(places[-1])))
        back = np.empty(count, dtype=np.int64)
        back[np.concatenate(places)] = np.arange(count)
        return pa.concat_arrays(made).take(pa.array(back))

    def _fill(self, rng: Rng, parts: Sequence[str], count: int) -> pa.Array:
        columns = [self._column(rng, part, count) for part in parts]
        return pc.binary_join_element_wise(*columns, "") if count else pa.array([], pa.string())

    def _column(self, rng: Rng, part: str, count: int) -> pa.Array | str:
        if part == "{number}":
            numbers = 10 ** rng.uniform(0.3, 4.5, count)  # small ones are commoner
            return pa.array(numbers.astype(np.int64)).cast(pa.string())
        if not part.startswith("{"):
            return part
        words = self._lists[part[1:-1]]
        return words.take(pa.array(rng.integers(len(words), size=count)))


def _parts(pattern: str) -> list[str]:
    """Cut a pattern into slots and what stands between them."""
    pieces = pattern.replace("{", "\x1f{").replace("}", "}\x1f").split("\x1f")
    return [piece for piece in pieces if piece]


def _joined(strings: pa.Array, counts: Ints, joint: str) -> pa.Array:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), strings), joint)


def _lengths(rng: Rng, count: int, mean: float) -> NDArray[np.float64]:
    return np.minimum(rng.lognormal(np.log(mean) - SIGMA**2 / 2, SIGMA, count), 50_000)


def _pool(lang: str, seed: int) -> list[str]:
    """Fill the sample's everyday requests, and those that only sound alarming."""
    rng, banks = Random(f"{seed}/pool/{lang}"), load_banks()
    alarming = [p for role in read_bank("alarming", list[dict[str, object]]) for p in role["prompts"]]  # type: ignore[attr-defined]
    odd = [compose(banks.phrases, banks.frames, rng.choice(banks.subjects), lang, rng) for _ in range(POOL * 7 // 8)]
    return odd + [rng.choice(alarming)[lang] for _ in range(POOL - len(odd))]


def fill_plots(seed: int) -> dict[str, list[list[str]]]:
    """Fill the campaigns' prompts: a list of texts for every (campaign, prompt)."""
    rng, banks = Random(f"{seed}/planted"), load_banks()
    found: dict[str, list[list[str]]] = {lang: [] for lang in LANGS}
    for plot in read_plots().values():
        grid: Slots = plot.grid
        phrases = banks.phrases.extended({**plot.words, **grid})
        for prompt in (p for p in plot.prompts if "{serial}" not in p.en):
            for lang in LANGS:
                found[lang].append([phrases.fill(prompt, lang, rng) for _ in range(200)])
    return found


def _odd(text: str, way: int) -> str:
    if way == 0:
        return f"{text} {base64.b64encode(text.encode()[:300]).decode()}"
    if way == 1:
        return text[:40] + " " + " ".join(text[40:60]) + " " + text[60:]
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)
