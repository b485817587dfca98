"""The page on formats shows lines: each must be read, or refused, as it says."""

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
NATIVE, CHAT, SPANS = re.findall(r"```jsonl\n(.*?)```", PAGE, re.DOTALL)
REFUSED = re.findall(r"^\| `([^`]+)`[^|]*\| `([^`]+)` \|$", PAGE.split("## What is refused")[1], re.MULTILINE)


def test_the_native_lines_are_read(read) -> None:
    outcome = read(NATIVE.encode())
    assert (outcome.ids, outcome.rejects) == (["e1", "e2", "e3"], [])


def test_the_chat_lines_are_read(read) -> None:
    outcome = read(CHAT.encode())
    assert (outcome.ids, outcome.rejects) == (["c1#0", "c1#1", "c1#r0", "c2#3", "c2#r0"], [])
    assert outcome.said[3] == ("user", "What is this?\n[image]")


def test_the_spans_are_read(read) -> None:
    outcome = read(SPANS.encode())
    assert (outcome.said, outcome.rejects) == ([("user", "Hi"), ("assistant", "Hello.")], [])


@pytest.mark.parametrize(("why", "example"), REFUSED)
def test_each_line_is_refused_for_the_reason_beside_it(read, why: str, example: str) -> None:
    assert read(example.encode()).reasons == [(1, why)]


def test_the_page_shows_many_reasons() -> None:
    assert len(REFUSED) >= 14
