"""What must hold for any input: no good row is lost, and neither cut nor order shows in what comes out."""

import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from traffic_reading import Outcome, line, pull_all

from tocsin.traffic import FORMATS

FEW = settings(max_examples=60, deadline=None)
JUNK = st.binary(max_size=60).map(lambda raw: raw.replace(b"\n", b"")) | st.sampled_from(
    [b"{", b"[]", b'{"id":1}', b"\xff\xfe", b"\x00", b'{"messages":[]}', b'"' * 9, line("j", role="x")]
)
EVENTS = st.lists(st.integers(0, 25), max_size=25).map(lambda numbers: [line(n, text=f"text {n}") for n in numbers])


def read_sources(spill: Path, sources: list[bytes], *, backwards: bool = False) -> Outcome:
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number:03}.jsonl" for number in range(len(sources))]
        for path, data in zip(paths, sources, strict=True):
            path.write_bytes(data)
        return pull_all(paths[::-1] if backwards else paths, spill=spill)


def cut(lines: list[bytes], places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(lines) + 1) for place in places), len(lines)]
    return [b"\n".join(lines[start:stop]) for start, stop in pairwise(bounds)]


PLACES = st.lists(st.integers(0, 60), max_size=6)


@FEW
@given(lines=EVENTS, places=PLACES)
def test_any_cut_into_sources_gives_the_same_events(spill: Path, lines: list[bytes], places: list[int]) -> None:
    whole, parts = read_sources(spill, [b"\n".join(lines)]), read_sources(spill, cut(lines, places))
    assert parts.events == whole.events
    assert len(parts.rejects) == len(whole.rejects) == len(lines) - len(set(lines))


@FEW
@given(lines=EVENTS, places=PLACES)
def test_the_order_of_arguments_never_matters(spill: Path, lines: list[bytes], places: list[int]) -> None:
    sources = cut(lines, places)
    one, other = read_sources(spill, sources), read_sources(spill, sources, backwards=True)
    assert one.events == other.events
    assert [reject.position for reject in one.rejects] == [reject.position for reject in other.rejects]


@FEW
@given(mixed=st.lists(st.booleans().flatmap(lambda good: JUNK.map(lambda raw: (good, raw))), max_size=40))
def test_good_rows_survive_among_any_bytes(spill: Path, mixed: list[tuple[bool, bytes]]) -> None:
    lines = [line(number) if good else raw for number, (good, raw) in enumerate(mixed)]
    lines.insert(0, line("first"))
    outcome = read_sources(spill, [b"\n".join(lines)])
    assert outcome.ids == ["efirst"] + [f"e{number}" for number, (good, _) in enumerate(mixed) if good]
    blank = sum(not raw.strip(b" \t\r") for good, raw in mixed if not good)
    assert len(outcome.events) + len(outcome.rejects) == len(lines) - blank


@FEW
@given(data=st.binary(max_size=400), head=st.sampled_from([b"", b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"{"]))
def test_no_bytes_at_all_make_it_crash(spill: Path, data: bytes, head: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any"
        path.write_bytes(head + data)
        for form in (None, *FORMATS):
            outcome = pull_all([path], form, spill=spill)
            assert outcome.events or outcome.failures or not outcome.rejects


TEXTS = st.sampled_from(["yes", "no", "more", "hello", "why"])
TURNS = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=6)


def conversation(name: str, turns: list[tuple[str, str]]) -> list[dict[str, Any]]:
    history: list[dict[str, str]] = [{"role": "system", "content": "be brief"}]
    calls = []
    for number, (asked, answered) in enumerate(turns):
        history.append({"role": "user", "content": asked})
        answer = {"role": "assistant", "content": answered}
        calls.append(
            {"id": f"{name}-{number}", "session": name, "messages": list(history), "choices": [{"message": answer}]}
        )
        history.append(answer)
    return calls


@FEW
@given(talks=st.lists(TURNS, min_size=1, max_size=3), places=PLACES, order=st.randoms(use_true_random=False))
def test_every_turn_of_every_conversation_comes_out_once(spill: Path, talks, places: list[int], order) -> None:
    waiting = [conversation(f"s{number}", turns) for number, turns in enumerate(talks)]
    calls = []
    while any(waiting):
        calls.append(order.choice([calls for calls in waiting if calls]).pop(0))
    lines = [json.dumps(call).encode() for call in calls]
    for outcome in (read_sources(spill, [b"\n".join(lines)]), read_sources(spill, cut(lines, places))):
        for number, turns in enumerate(talks):
            said = [(e["role"], e["text"]) for e in outcome.events if e["session"] == f"s{number}"]
            expected = [pair for asked, answered in turns for pair in (("user", asked), ("assistant", answered))]
            assert said == [("system", "be brief"), *expected]
        assert outcome.rejects == []
