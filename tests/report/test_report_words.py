"""Nothing is said in one language only."""

import re

import pytest

from tocsin.charts.frame import FRAME_WORDS
from tocsin.charts.words import Said, fill
from tocsin.report.figures import reasons
from tocsin.report.reasons import figures_words, reason_words, same_reason
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


def test_reasons_are_said_in_both_languages() -> None:
    assert reason_words("time is missing") == ("time is missing", "缺少 time", "")
    assert reason_words(same_reason("text is 1048580 bytes, limit 1048576")).zh == "text 超过 1048576 字节"
    assert reason_words("whatever\u202e").zh == "whatever‹U+202E›"


def test_rows_too_long_count_together() -> None:
    found = reasons({"text is 12 bytes, limit 10": 1, "text is 13 bytes, limit 10": 2, "not JSON": 2})
    assert found == [("text is longer than 10 bytes", 3), ("not JSON", 2)]


def test_figures_of_behaviour_are_said_in_both_languages() -> None:
    said = figures_words("device: accounts=5 signs=came_together+misuse odd=1")
    assert said.en == "one device · 5 accounts · further signs: came together, rule findings · odd=1"
    assert said.zh == "同一设备 · 5 个账号 · 其他迹象：同期出现、有规则检出 · odd=1"
