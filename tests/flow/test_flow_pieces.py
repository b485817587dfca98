"""Streams checked piece by piece: by the end the findings of the whole, and never more memory than is granted."""

import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.flow import Checker, CheckSettings, LostPieceError, Message, OpenStreams, Request
from tocsin.flow.pieces import OVERLAP
from tocsin.forms import FormatError
from tocsin.standard import Standard


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def checker(pack_cache: Path) -> Checker:
    return Checker.load(CheckSettings(cache=pack_cache / "tocsin"), time.perf_counter)


@pytest.fixture(scope="session")
def told(shipped: Standard) -> list[str]:
    """Texts of the rules that hear assistants."""
    forms = [rule.form for rule in shipped.rules if "assistant" in rule.form.roles]
    return [text for form in forms for group in form.examples.positive.values() for text in group]


@settings(max_examples=40)
@given(st.data())
def test_any_cut_of_a_stream_gives_the_findings_of_the_whole(
    checker: Checker, told: list[str], data: st.DataObject
) -> None:
    parts = st.sampled_from([*told, "and so the miller went home 磨坊主回家了。 " * 30, "s p a c e d l e t t e r s "])
    text = " ".join(data.draw(st.lists(parts, min_size=1, max_size=5)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    edges = [0, *cuts, len(text)]
    streams = OpenStreams(Clock())
    pieces = [text[a:b] for a, b in pairwise(edges)]
    for number, piece in enumerate(pieces):
        stretch = streams.take("s", number, piece, final=number == len(pieces) - 1)
        assert text.startswith(stretch.text, stretch.start) and stretch.text.endswith(piece)
    assert stretch.whole and stretch.start == 0 and len(streams) == 0 and streams._characters == 0
    whole, cut = checker.check([Request((Message("assistant", t),)) for t in (text, stretch.text)])
    assert cut.findings == whole.findings and cut.ruling == whole.ruling and cut.score == whole.score


def test_a_piece_is_judged_with_what_stood_before_it(checker: Checker, told: list[str]) -> None:
    """The attack: a phrase is split between two pieces."""
    streams, text = OpenStreams(Clock()), told[0]
    filling = "and so the miller went home. " * 200
    streams.take("s", 0, filling + text[: len(text) // 2], final=False)
    stretch = streams.take("s", 1, text[len(text) // 2 :], final=False)
    assert not stretch.whole and len(stretch.text) == OVERLAP + len(text) - len(text) // 2
    (checked,) = checker.check([Request((Message("assistant", stretch.text),))])
    assert checked.findings


def test_pieces_come_in_order_and_once() -> None:
    streams = OpenStreams(Clock())
    with pytest.raises(LostPieceError, match="0 pieces here, this is number 1"):
        streams.take("s", 1, "b", final=False)
    assert len(streams) == 0
    streams.take("s", 0, "a", final=False)
    assert streams.take("s", 0, "a", final=False).text == "a"  # sent again after a broken connection
    with pytest.raises(FormatError, match="1 pieces here, this is number 0"):
        streams.take("s", 0, "other", final=False)
    assert streams.take("s", 1, "", final=True).text == "a"
    with pytest.raises(FormatError):
        streams.take("s", 2, "c", final=True)


def test_streams_take_bounded_room() -> None:
    clock = Clock()
    streams = OpenStreams(clock, most=3, most_characters=100, idle=10)
    for name in "abcd":
        streams.take(name, 0, "x" * 20, final=False)
    assert len(streams) == 3
    streams.take("e", 0, "x" * 90, final=False)
    assert len(streams) == 1 and streams._characters == 90
    clock.now = 11
    streams.take("f", 0, "y", final=False)
    assert len(streams) == 1 and streams._characters == 1
    with pytest.raises(FormatError, match="over 1048576 bytes"):
        streams.take("f", 1, "字" * 400_000, final=False)
    assert len(streams) == 0 and streams._characters == 0


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 3), st.text(max_size=30), st.booleans()), max_size=30))
def test_the_count_of_characters_is_that_of_what_is_kept(steps: list[tuple[str, int, str, bool]]) -> None:
    streams = OpenStreams(Clock(), most=2, most_characters=50)
    for name, number, piece, final in steps:
        try:
            streams.take(name, number, piece, final=final)
        except FormatError as error:
            assert error.hint
        assert streams._characters == sum(len(s.text) for s in streams._open.values())
        assert len(streams) <= 2
