"""Measure the fold: `python bench/coalition.py`; writes bench/results/coalition.json. One process, one core.

Four members' logs of notices and inquiries with a stamp every 1,000, already read and verified; then reading itself, on
fewer entries, with every signature.
"""

import json
import resource
import sys
import time
from pathlib import Path

from run import _load, commit, machine

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "coalition"))
from coalition_worlds import World, found, member, second, side, signer, told_time

from tocsin.coalition import learn, read_log, sign_statement, state
from tocsin.forms.statements import Inquiry, Notice

RESULT = Path(__file__).parent / "results" / "coalition.json"
STATEMENTS = 1_000_000
READ = 20_000
NAMES = ("a0", "a1", "b0", "b1")


def world() -> World:
    made = World(found([side(s, [member(f"{s}{i}") for i in range(2)]) for s in "ab"]))
    for name in NAMES:
        book = made.of(name)
        for number in range(STATEMENTS // len(NAMES)):
            asks = number % 100 == 0
            book.write(Inquiry(book.origin, "log.a0.0", "?", 1) if asks else Notice(book.origin, "run", "a run", 1))
            if number % 1000 == 999:
                book.stamp(made.first, second(number // 1000))
    return made


def main() -> None:
    made = world()
    prefixes = {name: made.of(name).prefix() for name in NAMES}
    logs = {prefix.origin: [prefix] for prefix in prefixes.values()}
    start = time.perf_counter()
    known = learn(made.first, lambda one: logs[one.origin], told_time)
    learned = time.perf_counter()
    shown = state(known, second(10**6))
    done = time.perf_counter()
    assert len(shown.notices) + len(shown.inquiries) == STATEMENTS
    entries = [
        sign_statement("c" * 64, Notice("log.a0.0", "run", str(i), 1), [signer("statement.a0.0")]) for i in range(READ)
    ]
    begun = time.perf_counter()
    assert len(read_log(member("a0"), "c" * 64, entries).entries) == READ
    read = time.perf_counter() - begun
    result = {
        "commit": commit(),
        "machine": machine(),
        "load": _load(),
        "statements": STATEMENTS,
        "learn_seconds": round(learned - start, 2),
        "state_seconds": round(done - learned, 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "read_per_second": round(READ / read),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result))


if __name__ == "__main__":
    main()
