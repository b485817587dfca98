"""Worlds that stand exactly on a threshold or just beside it; beside each other in one run, where that is possible."""

from collections.abc import Iterable

from tocsin.screen.examples.scenes import GRAVE, HINT, Event, crowd, event, filled, machine, rush, town

OLD = {"apart_hours": 300.0}
SECOND_GRAVE = "melt the silver bell"


def many(*scenes: Iterable[Event]) -> list[Event]:
    return [e for scene in scenes for e in scene]


def ring(size: int, name: str, **own: object) -> list[Event]:
    return many(*(machine(f"{name}{n}", 60, step_hours=0.4, template=name, **own) for n in range(size)))


def users(size: int, template: str, name: str, texts: int = 1, slot: str = "{slot}") -> list[Event]:
    return crowd(size, [filled(template, slot)] * texts, name=name, **OLD)


EDGES: dict[str, list[Event]] = {
    "eight times the usual hour": many(
        *(rush(f"b{n}", 5, n) for n in range(9)), rush("bea", 40), rush("eve", 39), rush("joy", 41)
    ),
    "eight times a busier usual hour": many(*(rush(f"b{n}", 6, n) for n in range(9)), rush("bea", 47), rush("eve", 48)),
    "hours of the clock": many(
        town(),
        *(machine(f"w{h}", 66, step_hours=h / 66, template=f"t{h}") for h in (11, 12, 13)),
    ),
    "a share of what was asked": many(
        town(),
        *(machine(f"w{n}", 60, template=f"t{n}") for n in (40, 41)),
        rush("w40", 0),
        *([event(f"w{n}", 500 + i, 90 + i, f"{n} {i}") for i in range(n)] for n in (40, 41)),
    ),
    "a client of the ring's own": many(town(), ring(3, "r", client="c"), crowd(3, client="c", **OLD)),
    "a client that mostly others have": many(town(), ring(3, "r", client="c"), crowd(4, client="c", **OLD)),
    "half of the ring on one device": many(
        town(),
        ring(3, "r", device="d"),
        machine("s", 60, template="r"),
        *(machine(f"s{n}", 60, step_hours=0.4, template="r") for n in range(2)),
    ),
    "less than half of it": many(
        town(), ring(3, "r", device="d"), *(machine(f"s{n}", 60, step_hours=0.4, template="r") for n in range(4))
    ),
    "half of a template's accounts": many(town(), ring(3, "r", client="c"), users(3, "r", "u")),
    "less than half of them": many(town(), ring(3, "r", client="c"), users(4, "r", "u")),
    "half of a small run": many(town(9), crowd(9, [GRAVE], client="c", **OLD)),
    "more than half of it": many(town(9), crowd(10, [GRAVE], client="c", **OLD)),
    "as many as are not yet usual": many(town(60), crowd(25, [GRAVE], client="c", **OLD)),
    "more than that": many(town(60), crowd(26, [GRAVE], client="c", **OLD)),
    "a third sign": many(town(), crowd(7, device="d", **OLD), crowd(3, [GRAVE], name="g", device="d", **OLD)),
    "too few for a sign": many(town(), crowd(8, device="d", **OLD), crowd(3, [GRAVE], name="g", device="d", **OLD)),
    "three tenths of a template": many(town(), users(7, "t", "u"), users(3, "t", "g", slot=GRAVE)),
    "less than that": many(town(), users(8, "t", "u"), users(3, "t", "g", slot=GRAVE)),
    "grave and hinting texts": many(town(), users(7, "t", "u", slot=HINT), users(3, "t", "g", slot=GRAVE)),
    "ten times each": many(town(), crowd(6, [filled("t", "{slot}")] * 10), users(6, "t", "u")),
    "nine times each": many(town(), crowd(6, [filled("t", "{slot}")] * 9)),
    "fewer than half devoted": many(town(), crowd(6, [filled("t", "{slot}")] * 10), users(7, "t", "u")),
    "two grave kinds": many(
        town(),
        users(6, "t", "u", slot=f"{GRAVE}, {SECOND_GRAVE}"),
        rush("bea", 45),
        [event("bea", 100 + n, 60, f"{SECOND_GRAVE} {GRAVE}") for n in range(5)],
        rush("eve", 46),
        [event("eve", 100 + n, 60, HINT) for n in range(5)],
        rush("joy", 45),
        [event("joy", 100 + n, 60, HINT) for n in range(5)],
    ),
    "fifty times by one": many(town(), machine("a", 50, template="x"), machine("b", 49, template="y")),
}
