"""Examples of every detector: small worlds in which it must speak, and benign look-alikes in which it must not.

They are proved in one contract suite beside the slow references. The rules that speak in them are those of this folder.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tocsin.screen.examples.scenes import (
    GRAVE,
    HINT,
    Event,
    crowd,
    event,
    filled,
    machine,
    rush,
    town,
)

RULES = Path(__file__).parent
HOMEWORK = filled("homework", "{slot}")
OFFICE: dict[str, Any] = {"network": {"asn": "AS64510", "country": "XA"}, "client": "desk/1"}


@dataclass(frozen=True, slots=True)
class Examples:
    """Hold worlds by name: in the positive ones a detector speaks, its gravest finding as given; in the negative ones
    it is silent; in the mild ones, benign but hard to tell apart, it speaks with less than 3.
    """

    positive: Mapping[str, tuple[int, Sequence[Event]]]
    negative: Mapping[str, Sequence[Event]]
    mild: Mapping[str, Sequence[Event]] = field(default_factory=dict)


def _night(day: int) -> list[Event]:
    return [{**e, "id": f"{e['id']}-{day}"} for e in rush("batch", 45, hour=24.0 * day + 2)]


def _one(text: str, **fields: str) -> list[Event]:
    return [event("ann", 1, 1, text, **fields)]


_RULES = Examples(
    positive={
        "plain": (3, _one(f"Please {GRAVE} now.")),
        "in Chinese": (3, _one("今晚请敲响铁钟。")),
        "a hint": (2, _one(HINT)),
        "from a tool": (3, _one(f"Result: {GRAVE}.", role="tool")),
        "full-width and invisible": (3, _one("ｒｉｎｇ\u3000ｔｈｅ i\u200bron\u00a0be\u00adll")),
        "spaced out": (3, _one("r i n g t h e i r o n b e l l")),
        "in base64": (3, _one(base64.b64encode(f"please {GRAVE}, will you".encode()).decode())),
        "nobody's account": (3, [{**_one(GRAVE)[0], "account": None, "session": None}]),
    },
    negative={
        "another role": _one(GRAVE, role="assistant"),
        "a benign context": _one(f"At the bell museum you may {GRAVE}."),
        "other words": _one("The iron bell rings, the copper bell is green."),
        "words too far apart": _one(f"polish {'the brass and ' * 5} leave the copper bell"),
        "half a word": _one("stirring the iron bellows"),
        "no words": _one(""),
    },
)

_TEMPLATE = Examples(
    positive={
        "a text that rules speak of": (3, town() + crowd(6, [filled("lure", f"{GRAVE} {{slot}}")], apart_hours=500)),
        "the same in many accounts": (4, town() + crowd(12, [filled("lure", f"{GRAVE} {{slot}}")], apart_hours=500)),
        "hints on the text": (1, town() + crowd(6, [filled("lure", f"{HINT} {{slot}}")], apart_hours=500)),
        "hints on the text of newcomers": (2, town() + crowd(6, [filled("lure", f"{HINT} {{slot}}")])),
        "newcomers with one text": (2, town() + crowd(8, [HOMEWORK])),
        "newcomers who do nothing else": (3, town() + crowd(8, [HOMEWORK] * 12)),
    },
    negative={
        "a popular prompt": town() + crowd(16, [HOMEWORK], apart_hours=300),
        "a class with its homework": town() + crowd(12, [HOMEWORK] * 2, apart_hours=200, **OFFICE),
        "one account's own template": town() + machine("batch", 60),
        "four accounts": town() + crowd(4, [filled("lure", f"{GRAVE} {{slot}}")]),
        "answers alike": town() + [{**e, "role": "assistant"} for e in crowd(9, [HOMEWORK] * 12)],
    },
    mild={
        "a class on its first day": town() + crowd(12, [HOMEWORK] * 3, apart_hours=0.1, **OFFICE),
        "a hint in a popular prompt": town(60) + crowd(25, [filled("viral", f"{HINT} {{slot}}")], apart_hours=300),
    },
)

_SHARED = Examples(
    positive={
        "a device of newcomers": (3, town() + crowd(7, device="d")),
        "a card of newcomers with one text": (4, town() + crowd(7, [HOMEWORK], payment="p")),
        "a client of misuse": (2, town() + crowd(9, [GRAVE], apart_hours=300, client="c")),
        "a network of newcomers with misuse": (3, town() + crowd(9, [GRAVE], network=OFFICE["network"])),
        "a family's device": (2, town() + crowd(5, device="d", apart_hours=400)),
        "late arrivals, age unknown": (3, town() + crowd(7, device="d", apart_hours=None)),
    },
    negative={
        "an office": town() + crowd(15, apart_hours=300, **OFFICE),
        "an office that draws hints now and then": town()
        + [e for n in range(12) for e in rush(f"desk{n}", 30, **OFFICE)]
        + [event(f"desk{n}", 99, 80, HINT, **OFFICE) for n in range(12)],
        "a class with its homework": town() + crowd(12, [HOMEWORK] * 2, apart_hours=200, **OFFICE),
        "a popular client": town(20) + crowd(60, [GRAVE], client="c"),
        "a run that is all one office": crowd(12, [GRAVE], **OFFICE),
        "no device named": town() + crowd(9, [GRAVE], device=""),
        "daily users seen first on the first day": town() + crowd(9, apart_hours=None, day=0, **OFFICE),
    },
    mild={
        "a class on its first day": town() + crowd(12, [HOMEWORK] * 2, apart_hours=0.1, **OFFICE),
        "readers at a library's computer": town() + crowd(8, apart_hours=300, device="desk by the door"),
    },
)

_WALKERS: dict[str, Any] = {"client": "walker/1", "step_hours": 0.4}
_COVERAGE = Examples(
    positive={
        "newcomers walk one grid": (
            4,
            town() + [e for n in range(4) for e in machine(f"w{n}", signed_up="2026-03-01T00:00:00Z")],
        ),
        "old accounts of one client walk one grid": (
            4,
            town() + [e for n in range(3) for e in machine(f"w{n}", **_WALKERS)],
        ),
        "one account does": (2, town() + machine("w")),
    },
    negative={
        "a nightly batch": town() + [e for n in range(4) for e in machine(f"n{n}", step_hours=0.05, client="c/1")],
        "a busy day of a person": town() + rush("bea", 70),
    },
    mild={
        "a customer's batch job": town() + machine("batch"),
        "batch jobs of three firms": town() + [e for n in range(3) for e in machine(f"firm{n}", template=f"job {n}")],
        "three firms with one integration": town()
        + [e for n in range(3) for e in machine(f"firm{n}", client="app/1")]
        + crowd(6, client="app/1", apart_hours=300),
    },
)

_BURST = Examples(
    positive={
        "a rush": (1, town() + rush("bea", 60)),
        "a rush of misuse": (2, town() + rush("bea", 60) + [event("bea", 100 + i, 50, GRAVE) for i in range(8)]),
    },
    negative={
        "a brisk hour": town() + rush("bea", 39),
        "a rush of answers": town() + [{**e, "role": "assistant"} for e in rush("bea", 60)],
        "a run in which all rush": [e for n in range(6) for e in rush(f"b{n}", 50 + n)],
    },
    mild={
        "a nightly batch": town() + [e for day in range(6) for e in _night(day)],
    },
)


EXAMPLES: Mapping[str, Examples] = {
    "rules": _RULES,
    "template": _TEMPLATE,
    "shared": _SHARED,
    "coverage": _COVERAGE,
    "burst": _BURST,
}
