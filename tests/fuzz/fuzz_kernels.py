"""Feed the compiled kernels hostile bytes and compare with the references: `fuzz_kernels.py [KERNEL…] [--seconds N]`.

atheris guides the bytes by the references' branches where it is installed; else, or with --random, they are drawn at
random from pieces that matter. A difference, a crash or an error that is no ValueError ends the run.
"""

import argparse
import importlib
import importlib.util
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa

MOST_BYTES = 4096
PIECES = [
    b" ",
    b"\n",
    b"a b c d e ",
    "忽、略、所、有、".encode(),
    "é\u200b\u0301ﷺ㌖，“”—".encode(),
    b"\xed\xa0\x80",
    b"\xf0\x9f",
    b"Q" * 23,
    "了".encode() * 9,
    b"plain words, " * 5,
]


def rooms() -> SimpleNamespace:
    """Import the kernels and their references, which atheris instruments as they are imported."""
    names = "_kernels classes demands fingerprint fold fold_arrays kernels packed_table probe script siphash"
    return SimpleNamespace(
        **{name: importlib.import_module(f"tocsin.text.{name}") for name in (*names.split(), "stretch", "windows")}
    )


def outcome(work: Callable[[], Any]) -> Any:
    """Give what comes out, or that it was refused."""
    try:
        return work()
    except ValueError:
        return ValueError


def numbers(raw: bytes, kind: str) -> Any:
    size = np.dtype(kind).itemsize
    return np.frombuffer(raw[: len(raw) // size * size], dtype=kind)


def try_fold(t: SimpleNamespace, raw: bytes) -> None:
    """Fold rows cut at 0xFF, the first of which may be left out as a slice does."""
    rows = raw.split(b"\xff")
    data, offsets = b"".join(rows), np.cumsum([0, *map(len, rows)]).astype(np.int32)
    first = len(raw) % 2 * (len(rows) > 1)
    table = t.packed_table.packed_table()
    sound = all(_is_utf8(row) for row in rows[first:])
    expected = t.fold_arrays.fold_join(pa.array([r.decode() for r in rows[first:]], pa.string())) if sound else None
    for avx2 in (False, True):
        given = (data, offsets[first:], table.pages, table.entries, table.pool, avx2)
        assert t._kernels.are_utf8(data, offsets[first:], avx2) is sound
        got = outcome(lambda given=given: t._kernels.fold_join(*given))
        assert got == ((expected[0], *(a.tobytes() for a in expected[1:])) if expected else ValueError)


def try_scan(t: SimpleNamespace, raw: bytes) -> None:
    """Scan lines of any bytes; now and then with offsets made of the bytes themselves."""
    kept, features, weights = raw[:1], raw[1:2], np.frombuffer(random.Random(7).randbytes(4096), dtype=np.int8)
    buffer, weights = raw[2:] + b"\n", weights.reshape(-1, 16)
    smallest, wanted = (kept or b"\0")[0] % 20 - 1, (features or b"\0")[0] % 16
    lines = t.fold_arrays.line_offsets(buffer)
    asked = np.array([len(raw) >> line % 5 & 3 for line in range(len(lines) - 1)], dtype=np.uint8)
    hashes = asked & t.kernels.WANT_HASHES > 0
    sampled = [a.tobytes() for a in t.windows.sample_lines(buffer, lines, smallest, hashes)] if smallest else [b"", b""]
    sums = t.classes.class_sums(buffer, lines, weights, wanted)
    sums[asked & t.kernels.WANT_SUMS == 0] = 0
    expected = (*sampled, sums.tobytes())
    wild = numbers(raw, "<i2").astype(np.int64)
    for lanes in range(3):
        assert t._kernels.scan_lines(buffer, lines, smallest, asked, weights, wanted, lanes) == expected
        if len(wild):
            outcome(lambda lanes=lanes: t._kernels.scan_lines(buffer, wild, smallest, b"", weights, wanted, lanes))
    counted = tuple(a.tobytes() for a in t.script.count_scripts(buffer, lines))
    for avx2 in (False, True):
        assert t._kernels.count_scripts(buffer, lines, avx2) == counted
        outcome(lambda avx2=avx2: t._kernels.count_scripts(buffer, wild, avx2))


def try_siphash(t: SimpleNamespace, raw: bytes) -> None:
    """Hash words under up to three keys."""
    count = len(raw) % 4
    keys, words = raw[: 16 * count], numbers(raw[16 * count :], "<u8")[:64]
    whole = len(keys) == 16 * count
    for lanes in range(3):
        got = outcome(lambda lanes=lanes: t._kernels.siphash(keys, words, lanes))
        if not whole and len(keys) % 16:
            assert got is ValueError
        else:
            each = [keys[i : i + 16] for i in range(0, len(keys), 16)]
            expected = [t.siphash.siphash_slowly(key, word.tobytes()) for key in each for word in words]
            assert got == np.array(expected, dtype=np.uint64).tobytes()


def try_probe(t: SimpleNamespace, raw: bytes) -> None:
    """Look hashes up in a table of alarms that the bytes name; half the time with one number of the table spoilt."""
    if len(raw) < 8:
        return
    head, body = raw[:6], raw[6:]
    half = len(body) // 3 * 2
    arrays = _table(body[:half:2], body[1:half:2], 5 + head[0] % 3)
    hashes = np.unique(np.frombuffer(body[half:], dtype=np.uint8)).astype(np.uint64) << np.uint64(56)
    offsets = np.array(sorted({0, head[1] % (len(hashes) + 1), len(hashes)}), dtype=np.int64)
    spoilt = [*arrays, hashes, offsets][head[2] % 10] if head[2] & 128 else offsets[:0]
    if len(spoilt):
        spoilt[head[3] % len(spoilt)] = head[4]
    most = head[5] % 6
    for lanes in range(3):
        got = outcome(lambda lanes=lanes: t._kernels.probe_vote(*arrays, hashes, offsets, most, lanes))
        if (np.diff(offsets) >= 0).all() and offsets[0] >= 0 and offsets[-1] <= len(hashes):
            expected = outcome(lambda: t.probe.probe_vote(t.probe.AlarmTable(*arrays), hashes, offsets, most).tobytes())
            # The reference looks for numbers out of bounds behind the first `most` alarms too, the kernel does not.
            assert got == expected or (expected is ValueError and head[2] & 128)


def try_demands(t: SimpleNamespace, raw: bytes) -> None:
    """Look for demands that the text itself is cut into; half the time with one number of the packed arrays spoilt."""
    head, text = raw[:6].ljust(6, b"\0"), re.sub("[\n\0]", " ", raw[6:].decode(errors="ignore"))
    literals = [text[i : i + 1 + i % 9] for i in range(0, min(len(text), 40), 3)]
    wanted = [
        t.demands.Demand(
            tuple((w, f"{w[:-1]}\0") if len(w) > 1 else (w,) for w in literals[i : i + 1 + i % 3]),
            head[0] % 60,
            head[1],
        )
        for i in range(len(literals))
    ]
    lines = [text[i : i + 70] for i in range(0, len(text), 70)]
    buffer = "".join(f"{line}\n" for line in lines).encode()
    offsets, columns = t.fold_arrays.line_offsets(buffer), np.arange(len(lines), dtype=np.uint8) % 8
    arrays = list(t.demands.pack_demands(wanted).arrays)
    if head[2] & 128:
        place = head[3] % len(arrays)
        arrays[place] = spoilt = np.array(arrays[place])
        if spoilt.size:
            spoilt.reshape(-1)[head[4] % spoilt.size] = head[5]
    for lanes in (0, 1, 2):
        got = outcome(lambda lanes=lanes: t._kernels.meet_demands((buffer, offsets, columns, *arrays), lanes))
        kept = outcome(
            lambda lanes=lanes: t._kernels.meet_kept(
                buffer, offsets, columns, t._kernels.keep_demands(tuple(arrays)), lanes
            )
        )
        assert kept == got
        if not head[2] & 128:
            rows = [r[1::-1] + r[:1:-1] for r in np.frombuffer(got, dtype="<u4").reshape(-1, 4).tolist()]
            met = sorted(tuple(-1 if n == t.demands.NO_PLACE else n for n in row) for row in rows)
            assert met == t.demands.meet_slowly(buffer, offsets, columns, wanted)


def try_spans(t: SimpleNamespace, raw: bytes) -> None:
    """Map a span of a text back; now and then one that it has not, or of bytes that are no text."""
    head, body = raw[:3].ljust(3, b"\0"), raw[3:]
    text, table = body.decode(errors="ignore"), t.packed_table.packed_table()
    folded = t.fold.fold_text(text)
    start, end = head[0], head[0] + head[1] % 40
    for data in (text.encode(), body):
        at, asked = np.array([0, len(data)], dtype=np.int32), np.array([head[2] // 250, start, end], dtype=np.int64)
        given = (data, at, table.pages, table.entries, table.pool, asked)
        got = outcome(lambda given=given: t._kernels.original_spans(*given))
        if data == text.encode():
            sound = head[2] < 250 and start < end <= len(folded.text)
            assert got == (np.array(folded.span(start, end)).tobytes() if sound else ValueError)


def try_stretch(t: SimpleNamespace, raw: bytes) -> None:
    """Look for the densest stretch of windows of lines of any bytes; half the time with one number spoilt."""
    head, body = raw[:6].ljust(6, b"\0"), raw[6:]
    buffer, key = body * (1 + head[5] % 3) + b"\n", t.fingerprint.GroupKey(bytes(range(16)), 1)
    offsets = t.fold_arrays.line_offsets(buffer)
    line = head[0] % (len(offsets) - 1)
    folded = SimpleNamespace(buffer=buffer, offsets=offsets)
    windows = t.stretch.LineWindows.of(folded, np.array([line]), key)
    wanted = np.unique(np.append(windows.low[:: 1 + head[1] % 7][:63], np.uint32(head[1]))).astype(np.uint32)
    begin, stretch = np.array([0, len(wanted)], dtype=np.uint32), np.array([head[1]], dtype=np.uint32)
    arrays = [offsets, wanted, begin, stretch, np.array([line, 0], dtype=np.int64)]
    spoilt = arrays[head[2] % 5] if head[2] & 128 else wanted[:0]
    if len(spoilt):
        spoilt[head[3] % len(spoilt)] = head[4] << head[5] % 24
    got = outcome(lambda: t._kernels.densest_stretches(buffer, arrays[0], key.secret, *arrays[1:]))
    if not head[2] & 128:
        segment = SimpleNamespace(windows=wanted, begin=begin, stretch=stretch)
        assert got == np.array(t.stretch.densest_slowly(windows, segment, 0, 0), dtype=np.int64).tobytes()


def _table(named: bytes, alarms: bytes, bits: int) -> list[Any]:
    """Build the table in which hash `named[i]` names alarm `alarms[i] % 16`."""
    lists = {h: sorted({a % 16 for n, a in zip(named, alarms, strict=True) if n == h}) for h in {*named} - {0}}
    held = sorted(lists)[: (1 << bits) - 1]
    keys, values = np.zeros(1 << bits, dtype=np.uint64), np.zeros(1 << bits, dtype=np.uint32)
    for number, h in enumerate(held):
        at = h >> (8 - bits)
        while keys[at]:
            at = (at + 1) % len(keys)
        keys[at], values[at] = h << 56, number
    starts = np.cumsum([0, *(len(lists[h]) for h in held)]).astype(np.uint32)
    postings = np.array([a for h in held for a in lists[h]], dtype=np.uint32)
    need, seconds = np.arange(16, dtype=np.uint8) % 3, np.arange(16, dtype=np.uint8) % 2
    begin = np.minimum(np.arange(17) // 3, 4).astype(np.uint32)
    return [keys, values, starts, postings, need, seconds, begin, np.zeros(4, dtype=np.uint32)]


def _is_utf8(row: bytes) -> bool:
    try:
        row.decode()
    except UnicodeDecodeError:
        return False
    return True


KERNELS = {
    "fold": try_fold,
    "scan": try_scan,
    "siphash": try_siphash,
    "probe": try_probe,
    "demands": try_demands,
    "spans": try_spans,
    "stretch": try_stretch,
}


def drawn(draw: random.Random, text: bool) -> bytes:
    """Draw an input: pieces of text, mostly sound, or bytes that are mostly small."""
    if not text:
        return bytes(draw.choice((draw.randrange(8), draw.randrange(256))) for _ in range(draw.randrange(120)))
    raw = b"".join(_piece(draw) for _ in range(draw.randrange(60)))
    return raw if draw.random() < 0.3 else raw.decode(errors="ignore").encode().replace(b"\n", b"\xff")


def _piece(draw: random.Random) -> bytes:
    return draw.choice(
        [draw.choice(PIECES), draw.randbytes(draw.randrange(4)), chr(draw.randrange(32, 0xD800)).encode()]
    )


def at_random(kernel: str, seconds: float) -> None:
    """Draw inputs for so long."""
    t, draw, tries, until = rooms(), random.Random(7), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        KERNELS[kernel](t, drawn(draw, kernel in ("fold", "scan", "demands", "spans")))
        tries += 1
    sys.stderr.write(f"Done {tries} runs in {seconds:.0f} second(s), {kernel}\n")


def guided(atheris: ModuleType, kernel: str, seconds: float) -> None:
    """Let atheris look for inputs that take new branches of the references; it ends the process."""
    with atheris.instrument_imports(include=["tocsin.text"]):
        t = rooms()
    draw = random.Random(7)

    def mutate(raw: bytes, most: int, seed: int) -> bytes:
        """Change bytes as libFuzzer does, or put in a piece that matters."""
        draw.seed(seed)
        if draw.random() < 0.5:
            return bytes(atheris.Mutate(raw, most))
        at = draw.randrange(len(raw) + 1)
        return (raw[:at] + (draw.choice(PIECES) if draw.random() < 0.5 else b"\xff") + raw[at:])[:most]

    limits = [f"-max_total_time={int(seconds)}", f"-max_len={MOST_BYTES}", "-timeout=30", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *limits], lambda raw: KERNELS[kernel](t, raw), custom_mutator=mutate)
    atheris.Fuzz()


def one(kernel: str, seconds: float, by_chance: bool) -> None:
    """Fuzz one kernel in this process."""
    if by_chance or not importlib.util.find_spec("atheris"):
        at_random(kernel, seconds)
    else:
        guided(importlib.import_module("atheris"), kernel, seconds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernels", nargs="*", choices=[[], *KERNELS], default=[])
    parser.add_argument("--seconds", type=float, default=60, help="for each kernel")
    parser.add_argument("--random", action="store_true", help="without atheris")
    parser.add_argument("--here", action="store_true", help="in this process, which atheris ends after one kernel")
    given = parser.parse_args()
    if given.here:
        for kernel in given.kernels or KERNELS:
            one(kernel, given.seconds, given.random)
        return 0
    own = [sys.executable, __file__, "--here", "--seconds", str(given.seconds), *["--random"] * given.random]
    for kernel in given.kernels or KERNELS:
        run = subprocess.run([*own, kernel], stderr=subprocess.PIPE, text=True, check=False)
        done = re.search(r"Done (\d+) runs in (\d+) second", run.stderr)
        if run.returncode or not done:
            sys.stderr.write(run.stderr[-4000:])
            return 1
        sys.stdout.write(f"{kernel}: {int(done[1]):,} inputs in {done[2]} s, no difference\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
