"""Nothing is said in one language only."""

import re

import pytest

from tocsin.charts.frame import FRAME_WORDS
from tocsin.charts.words import Said, fill
from tocsin.report.words import WORDS

TABLES = {f"{name}:{key}": said for name, t in (("frame", FRAME_WORDS), ("report", WORDS)) for key, said in t.items()}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.mark.parametrize("said", TABLES.values(), ids=TABLES.keys())
def test_every_entry_speaks_both_languages(said: Said) -> None:
    assert said.en.strip() and not CHINESE.search(said.en + said.one)
    assert CHINESE.search(said.zh)


@pytest.mark.parametrize("said", TABLES.values(), ids=TABLES.keys())
def test_both_languages_have_the_same_places(said: Said) -> None:
    places = [set(re.findall(r"\{(\w+)\}", text)) for text in (said.en, said.zh)]
    assert places[0] == places[1]


def test_fill_groups_digits_and_knows_one() -> None:
    assert fill(WORDS["cases_many"], {"n": 1}) == ("1 case", "1 个个案", "")
    assert fill(WORDS["cases_many"], {"n": 12_345}).en == "12,345 cases"


def test_every_word_in_the_templates_exists() -> None:
    from importlib.resources import files

    template = files("tocsin.report").joinpath("report.html").read_text(encoding="utf-8")
    used = set(re.findall(r'(?:say|say\.plain|left)\("(\w+)"[,)]', template))
    assert used and used <= set(WORDS) | set(FRAME_WORDS)
