"""Templates: the array code finds the same as sets and dicts, whatever overlaps."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from screen_edges import EDGES, OLD, many
from screen_runs import screened

from tocsin.screen import RuleDetector, Template, find_templates
from tocsin.screen.examples.scenes import GRAVE, HINT, Event, babble, crowd, filled, town
from tocsin.screen.reference.world import World
from tocsin.standard import Standard

PARTS = [babble(part, 12) for part in "pqrs"]
SHORT = [f"{babble(str(n), 7)} {{slot}}" for n in range(16)]
OVERLAPPING = ((5, "pq"), (7, "qr"), (6, "rp"), (5, "ps"), (9, "sq"), (5, "p"))


def told(templates: list[Template]) -> list[tuple[object, ...]]:
    uses = [[t.uses[name].to_pylist() for name in ("account", "first_event")] for t in templates]
    return [(t.id, t.events, t.kinds, t.grave, *own) for t, own in zip(templates, uses, strict=True)]


def slowly(events: list[Event], standard: Standard) -> list[tuple[object, ...]]:
    world = World(events, standard)
    found = []
    for cluster in world.templates:
        spoken = [rows for e in cluster.events if (rows := world.spoken.get(e["id"]))]
        kinds = [world.gravest(rows) for rows in spoken]
        counted = sorted(((k, kinds.count(k)) for k in set(kinds)), key=lambda k: (-k[1], k[0]))
        grave = sum(any(r["severity"] >= 3 for r in rows) for rows in spoken)
        own = cluster.by_account
        firsts = [e[0]["id"] for e in own.values()]
        found.append((cluster.id, len(cluster.events), tuple(counted), grave, list(own), firsts))
    return found


def quickly(events: list[Event], detector: RuleDetector, cuts: list[int]) -> list[tuple[object, ...]]:
    parts = screened(events, detector, cuts)
    findings = pa.concat_tables([p.findings for p in parts])
    grave = [r["event_id"] for r in findings.to_pylist() if r["severity"] >= 3]
    return told(find_templates(pa.concat_tables([p.sketches for p in parts]), pa.array(grave, pa.string())))


def joined(parts: str) -> str:
    return " {slot} ".join(babble(part, 12) for part in parts)


WORLDS = {
    **EDGES,
    "hardly long enough": many(town(9), *(crowd(5, [t], name=f"c{i}-", **OLD) for i, t in enumerate(SHORT))),
    "overlapping": many(town(9), *(crowd(n, [joined(p)], name=p, **OLD) for n, p in OVERLAPPING)),
}


@pytest.mark.parametrize("world", ["hardly long enough", "overlapping", "two grave kinds", "fifty times by one"])
def test_templates_are_those_of_the_reference(world: str, bell_detector: RuleDetector, bells: Standard) -> None:
    found = quickly(WORLDS[world], bell_detector, [7, 80])
    assert found and found == slowly(WORLDS[world], bells)


mixtures = st.lists(st.sampled_from([*PARTS, GRAVE, HINT, "{slot}"]), min_size=1, max_size=4).map(" ".join)
crowds = st.lists(st.tuples(st.integers(1, 7), mixtures), min_size=1, max_size=6)


@budget(max_examples=30)
@given(crowds)
def test_whatever_overlaps(bell_detector: RuleDetector, bells: Standard, scenes: list[tuple[int, str]]) -> None:
    events = many(*(crowd(n, [text], name=f"c{i}-", **OLD) for i, (n, text) in enumerate(scenes)))
    assert quickly(events, bell_detector, [len(events) // 2]) == slowly(events, bells)


def test_templates_are_found_whatever_a_slot_holds(bell_detector: RuleDetector) -> None:
    """A slot hides some hashes of an event, perhaps the one that leads to the template; it belongs there still."""
    for n in range(12):
        events = crowd(24, [filled(f"lead {n}", "{slot}")], **OLD)
        (found,) = quickly(events, bell_detector, [])
        assert int(str(found[1])) >= 22
