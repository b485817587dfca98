"""A million alarms: the bank's size, and recall among them."""

from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from fingerprint_texts import DISGUISES, KEY, alarms_of, said, text
from numpy.typing import NDArray

from tocsin.screen import FingerprintDetector
from tocsin.text import fold_batch
from tocsin.text.bank import MOST_WINDOWS, PROBED, Fingerprints, join
from tocsin.text.bank_store import create_bank, open_bank
from tocsin.text.fingerprint import hash_windows
from tocsin.text.windows import SAMPLED

MOST_BYTES = 600_000_000
STEP = 10_000

Ints = NDArray[np.int64]


@pytest.mark.soak
def test_a_million_alarms_fit_and_hide_nothing(tmp_path: Path) -> None:
    random = Random(31)
    ours = {f"{lang}-{i:03}": text(lang, random) for lang in ("en", "zh") for i in range(300)}
    steps = [many(STEP, at, random) for at in range(0, 1_000_000, STEP)]
    create_bank(tmp_path / "bank", join([alarms_of(ours), *steps]))
    assert sum(path.stat().st_size for path in (tmp_path / "bank").iterdir()) <= MOST_BYTES
    detector = FingerprintDetector(open_bank(tmp_path / "bank"), (KEY,), "1")
    for disguise, (least, change) in DISGUISES.items():
        for lang in ("en", "zh"):
            texts = {name: change(t, lang, random) for name, t in ours.items() if name.startswith(lang)}
            found = said(detector, list(texts.values()))
            hits = sum(name in alarms for name, alarms in zip(texts, found, strict=True))
            assert hits >= least * len(texts), (disguise, lang, hits)


def many(count: int, first: int, random: Random) -> Fingerprints:
    """Alarms of other texts, all at once: what `noise` makes one by one."""
    texts = [text("en" if i % 10 < 7 else "zh", random, 35) for i in range(count)]
    folded = fold_batch(pa.array(texts, pa.string()))
    buffer = folded.buffer[: int(folded.offsets[count])]
    hashes, at = hash_windows(buffer)
    line = np.searchsorted(folded.offsets[: count + 1], at, side="right") - 1
    inside = at + 12 < folded.offsets[line + 1]
    hashes, line = hashes[inside], line[inside]
    order = np.lexsort((hashes, line))
    hashes, line = hashes[order], line[order]
    rank = ranks(line, count)
    looked_up = (rank < PROBED) & (hashes < np.uint64(SAMPLED))
    kept = rank < MOST_WINDOWS
    keyed = KEY.keyed(hashes[kept])
    low, owner = keyed.astype(np.uint32), line[kept]
    order = np.lexsort((low, owner))
    low, owner = distinct(low[order], owner[order])
    keys, alarm = distinct(KEY.keyed(hashes[looked_up]), line[looked_up])
    return Fingerprints(
        tuple((f"noise-{first + i:07}", "M03") for i in range(count)),
        np.full(count, KEY.mark, dtype=np.uint64),
        np.full(count, 512, dtype=np.uint32),
        keys,
        alarm.astype(np.uint32),
        np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=count))]).astype(np.uint32),
        low,
    )


def ranks(line: Ints, count: int) -> Ints:
    return np.arange(len(line)) - np.searchsorted(line, np.arange(count))[line]


def distinct(values: NDArray[np.generic], owner: Ints) -> tuple[NDArray[np.generic], Ints]:
    fresh = np.ones(len(values), dtype=bool)
    fresh[1:] = (values[1:] != values[:-1]) | (owner[1:] != owner[:-1])
    return values[fresh], owner[fresh]
