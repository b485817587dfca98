"""Measure each kernel on one core beside what it stands for: `python bench/kernels.py [--rows N] [--write | --check]`.

Without an option it measures and keeps bench/results/kernels.json; --write puts the tables of that file into
docs/kernels.md, --check says whether they are there. Every figure comes from one run of one process.
"""

import argparse
import json
import os
import platform
import sys
import time
import unicodedata
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cost import keep, last_core
from page import replaced
from tocsin.text import GroupKey, fold_arrays, fold_batch, kernels_in_use, sample_lines
from tocsin.text import _kernels as c
from tocsin.text.bank import PROBED, Fingerprints, Segment, encode_segment
from tocsin.text.bank_store import HOT
from tocsin.text.classes import BYTES, HAN, WORDS
from tocsin.text.packed_table import packed_table

HERE = Path(__file__).parent
RESULT, PAGE = HERE / "results" / "kernels.json", HERE.parent / "docs" / "kernels.md"
ROWS, BATCH, REPEATS, SEED = 131_072, 16_384, 5, 1
FEW = 8_192  # rows for what is slow
ALARMS = 1_000_000
PLANTED = (50, 2000)  # alarms made of the rows themselves: some known windows, and a flood of them
CLONES = {"AVX2": True, "plain": False}
SCANS = {**({"AVX-512": 2} if c.has_avx512() else {}), "AVX2": 1, "plain": 0}
CLASS_ROWS = 1 << 16
HOSTILE = {
    "lone letters that are not spaced out": "a#b c#d 甲#乙 ",
    "what grows most": "\ufdfa",
    "blanks and removed characters in turn": "a  \u200b b\x07\t ",
    "a rare script in turn with ASCII": "a\U0001d400b\uff43",
    "base64 runs one too short": "QUJDREVGR0hJSktMTU5PUFF ",
}
Batches = list[pa.Array]


def rate(work: Callable[[], object], size: int, repeats: int = REPEATS) -> float:
    """Give MB of text a second of processor time: the median of some runs after one that is not counted."""
    work()
    spent = []
    for _ in range(repeats):
        start = time.process_time()
        work()
        spent.append(time.process_time() - start)
    return round(size / 1e6 / median(spent), 1)


def size_of(texts: pa.Array) -> int:
    return int(pc.sum(pc.binary_length(texts)).as_py())


def batches(rows: int) -> Batches:
    """Read the texts of the bench's rows, generated where they are not there."""
    path = HERE / "kept" / f"kernels-{rows}.parquet"
    if not path.exists():
        from generate import generate  # loads the standard, which the tables need not wait for

        path.parent.mkdir(exist_ok=True)
        generate(rows, path, SEED)
    read = pq.ParquetFile(path).iter_batches(BATCH, columns=["text"])
    return [batch.column("text") for batch in read]


def fold_with(avx2: bool, given: Batches) -> Callable[[], object]:
    table = packed_table()
    arrays = []
    for texts in given:
        _, offsets, data = texts.buffers()
        at = np.frombuffer(offsets, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
        arrays.append((data, at, table.pages, table.entries, table.pool, avx2))
    return lambda: [c.fold_join(*a) and None for a in arrays]


def fold_rates(given: Batches) -> dict[str, float]:
    """Fold by every means there is, over the same rows."""
    size, few = sum(map(size_of, given)), given[0][:FEW]
    strings, few_size = few.to_pylist(), size_of(few)
    python = {
        "unicodedata NFKC and casefold, a string at a time": lambda: [
            unicodedata.normalize("NFKC", s).casefold() and None for s in strings
        ],
        "pyarrow utf8_normalize NFKC and utf8_lower": lambda: pc.utf8_lower(pc.utf8_normalize(few, "NFKC")),
        "the reference in NumPy": lambda: fold_arrays.fold_join(few),
    }
    rates = {name: rate(work, few_size) for name, work in python.items()}
    rates |= {f"fold kernel, {name}": rate(fold_with(avx2, given), size) for name, avx2 in CLONES.items()}
    return rates | {
        "fold kernel and derived lines, as screened": rate(lambda: [len(fold_batch(texts)) for texts in given], size)
    }


def hostile_rates() -> dict[str, float]:
    """Fold what is dearest to fold."""
    rates = {}
    for name, unit in HOSTILE.items():
        texts = pa.array([unit * (400 // len(unit.encode()))] * BATCH, pa.string())
        rates[name] = rate(fold_with(True, [texts]), size_of(texts))
    return rates


def scan_rates(given: Batches) -> dict[str, dict[str, float]]:
    """Sample windows and add up class sums, apart and in one pass, by both clones."""
    size = sum(map(size_of, given))
    folded = [(f.buffer, f.offsets) for f in map(fold_batch, given)]
    weights = np.random.default_rng(SEED).integers(-128, 128, (CLASS_ROWS, 16)).astype(np.int8)
    kinds = {
        "sampled window hashes": (16, b"", 0),
        "class sums of words and Han characters": (0, weights, WORDS | HAN),
        "both in one pass": (16, weights, WORDS | HAN),
        "class sums of byte 3- to 6-grams": (0, weights, BYTES),
        "hashes and 3- to 6-grams in one pass": (16, weights, BYTES),
    }

    def scan(kept: int, table: Any, features: int, lanes: int) -> Callable[[], object]:
        return lambda: [c.scan_lines(*f, kept, b"", table, features, lanes) and None for f in folded]

    return {
        name: {clone: rate(scan(*kind, lanes), size) for clone, lanes in SCANS.items()} for name, kind in kinds.items()
    }


def alarm_segment(given: Batches, key: GroupKey, planted: int) -> Segment:
    """Make a table of a million alarms: some of the rows' own texts, the rest of random keys, as keyed windows are."""
    keys = np.random.default_rng(SEED).integers(1, 1 << 64, ALARMS * PROBED, dtype=np.uint64)
    folded = fold_batch(given[0])
    starts, hashes = sample_lines(folded.buffer, folded.offsets, PROBED)
    own = np.flatnonzero(np.diff(starts) == PROBED)[:planted]
    keys[: len(own) * PROBED] = key.keyed(hashes[(starts[own][:, None] + np.arange(PROBED)).ravel()])
    alarm = np.repeat(np.arange(ALARMS, dtype=np.uint32), PROBED)
    names = tuple((f"a{i:07}", "M03") for i in range(ALARMS))
    begin = np.arange(ALARMS + 1, dtype=np.uint32) * np.uint32(PROBED)
    whole = Fingerprints(
        names,
        np.full(ALARMS, key.mark, np.uint64),
        np.full(ALARMS, 400, np.uint32),
        keys,
        alarm,
        begin,
        np.sort(keys.astype(np.uint32).reshape(-1, PROBED), axis=1).ravel(),
    )
    return Segment.parse(b"".join(encode_segment(whole)))


def lookup_rates(given: Batches) -> list[dict[str, Any]]:
    """Sample, key and look up every line among a million alarms, as `screen --alarms` does before it confirms."""
    key, size = GroupKey.of(bytes(range(32))), sum(map(size_of, given))
    folded = [(f.buffer, f.offsets) for f in map(fold_batch, given)]
    return [
        _looked_up(alarm_segment(given, key, planted), key, folded, size) | {"planted": planted} for planted in PLANTED
    ]


def _looked_up(segment: Segment, key: GroupKey, folded: list[Any], size: int) -> dict[str, Any]:
    sampled = [sample_lines(*f, -1) for f in folded]
    keyed = [(key.keyed(hashes), starts) for starts, hashes in sampled]

    def whole() -> None:
        for f in folded:
            starts, hashes = sample_lines(*f, -1)
            segment.voted(key.keyed(hashes), starts, HOT)

    return {
        "windows_known": round(float((segment.lists_of(np.concatenate([k for k, _ in keyed])) >= 0).mean()), 4),
        "lines_voted": sum(len(segment.voted(k, s, HOT)) for k, s in keyed),
        "mb_per_s": {
            "sample every window": rate(lambda: [sample_lines(*f, -1) and None for f in folded], size),
            "key the hashes (SipHash-2-4)": rate(lambda: [len(key.keyed(h)) for _, h in sampled], size),
            "look up and vote": rate(lambda: [len(segment.voted(k, s, HOT)) for k, s in keyed], size),
            "all three": rate(whole, size),
        },
    }


def measure(rows: int) -> dict[str, Any]:
    """Measure everything on one core."""
    os.sched_setaffinity(0, {last_core()})
    pa.set_cpu_count(1)
    given = batches(rows)
    model = next(x.split(":")[1].strip() for x in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in x)
    return {
        "made": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version()},
        "kernels": kernels_in_use(),
        "rows": rows,
        "text_mb": round(sum(map(size_of, given)) / 1e6, 2),
        "fold": fold_rates(given),
        "hostile": hostile_rates(),
        "scan": scan_rates(given),
        "lookup": lookup_rates(given),
        "load": round(os.getloadavg()[0], 2),
    }


def render(result: dict[str, Any]) -> str:
    """Render the tables of the page."""
    return "\n".join(
        [_head(result), "", *_fold(result), "", *_hostile(result), "", *_scan(result), "", *_lookup(result)]
    )


def _head(result: dict[str, Any]) -> str:
    m = result["machine"]
    return (
        f"Measured {result['made']}: {result['rows']:,} rows of the bench, {result['text_mb']} MB of text, one core of "
        f"{m['cores']} ({m['cpu']}), Python {m['python']}, kernels {result['kernels']}. MB are 10^6 bytes of the text "
        f"as it came, seconds those of the processor; a figure is the median of {REPEATS} runs. "
        f"Load average {result['load']} when done."
    )


def _fold(result: dict[str, Any]) -> Iterator[str]:
    first = next(iter(result["fold"].values()))
    yield "| fold | MB/s | times unicodedata |"
    yield "|---|---|---|"
    yield from (f"| {name} | {mb:,.0f} | {mb / first:.1f} |" for name, mb in result["fold"].items())


def _hostile(result: dict[str, Any]) -> Iterator[str]:
    yield "| fold of hostile rows, AVX2 | MB/s |"
    yield "|---|---|"
    yield from (f"| {name} | {mb:,.0f} |" for name, mb in result["hostile"].items())


def _scan(result: dict[str, Any]) -> Iterator[str]:
    clones = list(next(iter(result["scan"].values())))
    yield f"| scan of folded lines, class table of {CLASS_ROWS:,} rows | {' | '.join(f'{c} MB/s' for c in clones)} |"
    yield "|---|" + "---|" * len(clones)
    yield from (f"| {name} | {' | '.join(f'{mb[c]:,.0f}' for c in clones)} |" for name, mb in result["scan"].items())


def _lookup(result: dict[str, Any]) -> Iterator[str]:
    cases = result["lookup"]
    told = [f"{x['planted']:,} from the rows, {x['windows_known']:.1%} of windows known" for x in cases]
    yield f"| lookup among {ALARMS:,} alarms, MB/s | {' | '.join(told)} |"
    yield "|---|---|---|"
    for name in cases[0]["mb_per_s"]:
        yield f"| {name} | {' | '.join(format(x['mb_per_s'][name], ',.0f') for x in cases)} |"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/kernels.md")
    parser.add_argument("--check", action="store_true", help="end with 1 where docs/kernels.md says something else")
    given = parser.parse_args()
    if not (given.write or given.check):
        result = measure(given.rows)
        keep(RESULT, result)
        print(render(result))
        return 0
    page = PAGE.read_text("utf-8")
    fresh = replaced(page, render(json.loads(RESULT.read_text("utf-8"))))
    if given.write:
        PAGE.write_text(fresh, "utf-8")
    return int(given.check and fresh != page)


if __name__ == "__main__":
    sys.exit(main())
