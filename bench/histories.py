"""Run random histories of a coalition and count what they held: `python bench/histories.py [CASES]`, else 20,000.

On each, both folds must say the same, and what tests/coalition/test_coalition_properties.py claims must hold; the first
history on which anything does not ends the run. The number of a history is 64 bits drawn by chance from a seed, which
is told. Writes bench/results/histories.json, anew after every 250 histories, so that a run that is cut off tells how
far it came.
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

from run import _load, commit, machine

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "coalition"))
from simulator import ROUNDS, second
from test_coalition_properties import check
from twin import Twin, unsigned

from tocsin.coalition import state

PART = 250
RESULT = Path(__file__).parent / "results" / "histories.json"


def held(twin: Twin) -> Counter[str]:
    """Count what a history has."""
    with unsigned():
        known = twin.known()
        found = state(known, second(ROUNDS + 1))
        earlier = [state(known, second(number)).settled for number in range(1, ROUNDS)]
    stamps = [stamp for timeline in known.times.values() for stamp in timeline.stamps]
    books = [book for books in twin.world.books.values() for book in books]
    count = Counter(
        {
            "entries": sum(len(book.entries) for book in books),
            "decisions": len(known.decisions),
            "histories of two sides": len(known.chain[0].text.sides) == 2,
            "histories of three or four sides": len(known.chain[0].text.sides) > 2,
            "histories with a decision": bool(known.decisions),
            "histories with two decisions or more": len(known.decisions) > 1,
            "histories with a log that was ended": any(log.ended is not None for log in found.logs),
            "histories with a stamp under an expired charter": any(stamp.late for stamp in stamps),
            "histories with a log that waits for a charter": any(t.stalled for t in known.times.values()),
            "histories with a log in branches": len(books) > len(twin.world.books),
            "histories with two proved branches": bool(known.forked),
            "histories with misconduct in votes": bool(found.misconduct),
            "histories with a frozen log": any(log.frozen is not None for log in found.logs),
            "histories with an answered inquiry": any(asked.status == "answered" for asked in found.inquiries),
            "histories with an overdue inquiry": any(asked.status == "overdue" for asked in found.inquiries),
            "histories settled at some round's end": any(earlier),
        }
    )
    return +count


def main() -> None:
    number, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, time.time_ns()
    total, seen, chance = Counter[str](), set[int](), Random(seed)
    start = time.perf_counter()
    begun = {"commit": commit(), "machine": machine(), "load": _load(), "asked": number, "seed": seed}
    while len(seen) < number:
        one = chance.getrandbits(64)
        total.update(held(check(one)))
        seen.add(one)
        if len(seen) % PART == 0:
            told = {"seconds": round(time.perf_counter() - start), "failures": 0, "histories": len(seen)}
            RESULT.write_text(json.dumps(begun | told | dict(sorted(total.items())), indent=1) + "\n")
            print(len(seen), flush=True)


if __name__ == "__main__":
    main()
