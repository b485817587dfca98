"""Make the bench's alarms: templates of made-up lures and roles, and noise of shuffled real words.

    python bench/alarms.py bank FOLDER [--alarms 1000000] [--seed 1]    # FOLDER/bank, and the texts beside it
    python bench/alarms.py add FOLDER [--seed 1]                        # what adding to that bank costs

The templates go through `tocsin fingerprint build`, as events of three accounts each, beside a week of benign rows. The
noise is fingerprinted by `fingerprints_of`, which gives what `thin` gives (tests/bench) for a million texts at once.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from cost import keep
from generate import generate
from talk import START_US
from texts import LANGS, Grammar, fill_plots, read_words
from tocsin.flow.fingerprinting import CaseFiles, _benign, extend_bank
from tocsin.standard import load_standard
from tocsin.text import GroupKey, Hashes, add_alarms, fold_batch, hash_windows, join, open_bank, remove_alarms
from tocsin.text.bank import MOST_WINDOWS, PROBED, Fingerprints
from tocsin.text.fingerprint_thin import MOST_STRETCH, STRETCH_STEP, among
from tocsin.text.windows import SAMPLED, WINDOW_BYTES

HERE = Path(__file__).parent
TEMPLATES = {"en": 1400, "zh": 600}
SENTENCES = 3, 9  # of a template's own; one in two holds a campaign's prompt besides
LEAST_BYTES = 120
ACCOUNTS = 3
KIND = "M12"
KEY = b"the key of the bench's own group"
BENIGN_SEED, BENIGN_ROWS = 1001, 20_000  # the week of own traffic that `--benign` asks for; rows of no other piece
STEP = 20_000  # alarms fingerprinted at once
NOISE_WORDS, NOISE_HAN = 42, 85  # on average: about 250 bytes
# Words that the pattern of names and streets knows: noise has none, so that no window of it is left out.
TELLING = set("mr mrs ms dr prof dear name call street avenue road lane drive boulevard st ave rd blvd".split())  # noqa: SIM905
TELLING_HAN = set("叫姓先女小路街")

Ints = NDArray[np.int64]
Rng = np.random.Generator


def templates(seed: int) -> dict[str, str]:
    """Write the templates; ids begin with the language."""
    return {name: text for lang in LANGS for name, text in _templates(lang, seed)}


def _templates(lang: str, seed: int) -> Iterator[tuple[str, str]]:
    rng, random = np.random.default_rng([seed, 77, LANGS.index(lang)]), Random(f"{seed}/alarms/{lang}")
    own: dict[str, Any] = yaml.safe_load((HERE / "alarms.yaml").read_text("utf-8"))[lang]
    shared: dict[str, Any] = read_words()[lang]
    grammar = Grammar({**own, "lists": {**shared["lists"], **own["lists"]}}, ["-"])
    prompts = [text for texts in fill_plots(seed + 1)[lang] for text in texts]
    made = 0
    while made < TEMPLATES[lang]:
        sentences = grammar.sentences(rng, random.randint(*SENTENCES))
        if random.random() < 0.5:
            sentences.insert(random.randint(0, len(sentences)), random.choice(prompts))
        text = str(own["joint"]).join(sentences)
        if len(text.encode()) >= LEAST_BYTES:
            yield f"{lang}-{made:04}", text
            made += 1


def write_templates(texts: dict[str, str], path: Path) -> None:
    """Write templates as events, each of a few accounts; the session names the alarm."""
    names = [name for name in texts for _ in range(ACCOUNTS)]
    numbers = np.arange(len(names))
    table = pa.table(
        {
            "id": [f"t{n}" for n in numbers],
            "time": pa.array(START_US + numbers * 1_000_000, pa.timestamp("us", tz="UTC")),
            "account": [f"holder-{n % ACCOUNTS}" for n in numbers],
            "session": names,
            "role": ["user"] * len(names),
            "text": [texts[name] for name in names],
        }
    )
    pq.write_table(table, path)


class Noise:
    """Shuffle the words and characters of the project's own texts, each as often as it stands there."""

    def __init__(self) -> None:
        lines = list(_lines())
        words = [w for line in lines for w in re.findall(r"[a-z]{2,}", line) if w not in TELLING]
        han = [c for line in lines for c in re.findall(r"[\u4e00-\u9fff]", line) if c not in TELLING_HAN]
        self.words, self.han = pa.array(words, pa.string()), pa.array(han, pa.string())

    def texts(self, rng: Rng, count: int) -> pa.Array:
        """Write texts: seven in ten English, the others Chinese."""
        english = count * 7 // 10
        parts = [
            self._shuffled(rng, self.words, english, NOISE_WORDS, " "),
            self._shuffled(rng, self.han, count - english, NOISE_HAN, ""),
        ]
        return pa.concat_arrays(parts)

    def _shuffled(self, rng: Rng, words: pa.Array, count: int, mean: int, joint: str) -> pa.Array:
        counts = rng.integers(mean * 2 // 3, mean * 4 // 3 + 1, count)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        taken = words.take(pa.array(rng.integers(len(words), size=int(offsets[-1]))))
        return pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), taken), joint)


def _lines() -> Iterator[str]:
    """Yield the texts of the sample, of the standard and of the bench's words."""
    paths = [HERE / "words.yaml", HERE / "alarms.yaml"]
    folders = [Path(str(files("tocsin.traffic.sample"))) / "banks", Path(str(files("tocsin.standard")))]
    for path in [*paths, *sorted(p for folder in folders for p in folder.rglob("*.yaml"))]:
        yield from _strings(yaml.safe_load(path.read_text("utf-8")))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.lower()
    elif isinstance(value, dict):
        for name, item in value.items():
            if name != "regex":
                yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def fingerprints_of(texts: pa.Array, names: list[str], benign: Hashes, key: GroupKey) -> Fingerprints:
    """Fingerprint texts that hold nothing private, each an alarm of many accounts; gives what `thin` gives."""
    line, hashes, at = _windows(texts)
    rare = ~among(hashes, benign)
    line, hashes, at = line[rare], hashes[rare], at[rare]
    rank = np.arange(len(line)) - np.searchsorted(line, np.arange(len(texts)))[line]
    chosen = rank < MOST_WINDOWS
    line, hashes, at, rank = line[chosen], hashes[chosen], at[chosen], rank[chosen]
    keyed = key.keyed(hashes)
    looked_up = (rank < PROBED) & (hashes < np.uint64(SAMPLED))
    alarm, keys = _distinct(line[looked_up], keyed[looked_up])
    owner, low = _distinct(line, keyed.astype(np.uint32))
    return Fingerprints(
        tuple((name, KIND) for name in names),
        np.full(len(texts), key.mark, dtype=np.uint64),
        _stretches(line, at, len(texts)),
        keys,
        alarm.astype(np.uint32),
        np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=len(texts)))]).astype(np.uint32),
        low,
    )


def _windows(texts: pa.Array) -> tuple[Ints, Hashes, Ints]:
    """Give the windows of all texts: of which text, hash, and least place in it; by text, then by hash."""
    folded = fold_batch(texts)
    ends = folded.offsets[: len(texts) + 1]
    hashes, at = hash_windows(folded.buffer[: int(ends[-1])])
    line = np.searchsorted(ends, at, side="right") - 1
    inside = at + WINDOW_BYTES < ends[line + 1]
    line, hashes, at = line[inside], hashes[inside], (at - ends[line])[inside]
    order = np.lexsort((at, hashes, line))
    line, hashes, at = line[order], hashes[order], at[order]
    fresh = np.ones(len(line), dtype=bool)
    fresh[1:] = (line[1:] != line[:-1]) | (hashes[1:] != hashes[:-1])
    return line[fresh], hashes[fresh], at[fresh]


def _distinct(owner: Ints, values: NDArray[Any]) -> tuple[Ints, NDArray[Any]]:
    order = np.lexsort((values, owner))
    owner, values = owner[order], values[order]
    fresh = np.ones(len(values), dtype=bool)
    fresh[1:] = (values[1:] != values[:-1]) | (owner[1:] != owner[:-1])
    return owner[fresh], values[fresh]


def _stretches(line: Ints, at: Ints, count: int) -> NDArray[np.uint32]:
    first, last = np.full(count, MOST_STRETCH), np.zeros(count, dtype=np.int64)
    np.minimum.at(first, line, at)
    np.maximum.at(last, line, at)
    extent = last - first + WINDOW_BYTES
    return np.minimum(-(-extent // STRETCH_STEP) * STRETCH_STEP, MOST_STRETCH).astype(np.uint32)


def build(folder: Path, alarms: int, seed: int) -> dict[str, Any]:
    """Build the bank: the templates by the command, the noise added to it."""
    spent: dict[str, float] = {}
    texts, benign_file, bank = templates(seed), folder / "benign.parquet", folder / "bank"
    keep(folder / "templates.json", texts)
    write_templates(texts, folder / "templates.parquet")
    (folder / "group.key").write_bytes(KEY)
    generate(BENIGN_ROWS, benign_file, BENIGN_SEED)
    shutil.rmtree(bank, ignore_errors=True)
    at = _clock()
    command = [str(Path(sys.executable).with_name("tocsin")), "fingerprint", "build", str(folder / "templates.parquet")]
    more = ["--group-key", str(folder / "group.key"), "--kind", KIND, "--by", "session", "--benign", str(benign_file)]
    subprocess.run([*command, *more, "-o", str(bank)], check=True, stdout=sys.stderr)
    spent["templates_by_command"] = _since(at)
    at = _clock()
    benign = _benign((str(benign_file),), load_standard(prove=False))
    sets, noise, rng = [], Noise(), np.random.default_rng([seed, 78])
    for first in range(len(texts), alarms, STEP):
        count = min(STEP, alarms - first)
        names = [f"noise-{n:07}" for n in range(first, first + count)]
        sets.append(fingerprints_of(noise.texts(rng, count), names, benign, GroupKey.of(KEY)))
    spent["noise_fingerprints"] = _since(at)
    at = _clock()
    add_alarms(bank, join(sets))
    spent["join_and_write"] = _since(at)
    return {"templates": len(texts), **_described(bank), "cpu_s": spent}


def add(folder: Path, seed: int) -> dict[str, Any]:
    """Add an alarm as `tocsin fingerprint add` does, then ten thousand, and remove them; the large segment is kept."""
    bank, known = folder / "bank", {path.name for path in (folder / "bank").iterdir()}
    noise, rng, spent = Noise(), np.random.default_rng([seed, 79]), {}
    stamp = time.time_ns()
    write_templates({f"late-{stamp}": noise.texts(rng, 1)[0].as_py()}, folder / "late.parquet")
    at = _clock()
    extend_bank(bank, CaseFiles((str(folder / "late.parquet"),), KIND, "session"), KEY)
    spent["one_alarm"] = _since(at)
    names = [f"later-{stamp}-{n:05}" for n in range(10_000)]
    more = fingerprints_of(noise.texts(rng, len(names)), names, np.empty(0, dtype=np.uint64), GroupKey.of(KEY))
    at = _clock()
    add_alarms(bank, more)
    spent["ten_thousand_alarms"] = _since(at)
    at = _clock()
    open_bank(bank)
    spent["open"] = _since(at)
    described, now = _described(bank), {path.name for path in bank.iterdir()}
    at = _clock()
    remove_alarms(bank, [f"late-{stamp}", *names])
    spent["remove_them"] = _since(at)
    return {**described, "cpu_s": spent, "large_segment_kept": bool(known & now - {"bank.json"})}


def _described(bank: Path) -> dict[str, int]:
    opened = open_bank(bank)
    sizes = {path.name: path.stat().st_size for path in bank.iterdir()}
    return {"alarms": len(opened), "segments": len(opened.parts), "disk_bytes": sum(sizes.values())}


def _clock() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _since(start: float) -> float:
    return round(_clock() - start, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["bank", "add"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--alarms", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    made = build(given.folder, given.alarms, given.seed) if given.what == "bank" else add(given.folder, given.seed)
    print(json.dumps(made))


if __name__ == "__main__":
    main()
