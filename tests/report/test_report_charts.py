"""Charts: files in both languages, layouts that hold, fonts that are there or not."""

import re
import subprocess
import sys
from pathlib import Path
from random import Random
from unicodedata import east_asian_width
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import report_tables as tables
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.charts import drawing, fonts
from tocsin.charts.drawing import as_file, as_png
from tocsin.charts.network import RING, Hub, Network, draw_network, lay_out
from tocsin.charts.palette import ALL, PAGE, Colour
from tocsin.charts.shown import _sign, columns, shorten, visible
from tocsin.charts.timeline import HOUR, MOST_BARS, MOST_SERIES, OTHER, WIDE, draw_timeline, timeline
from tocsin.report import chart_files, write_charts


def test_help_does_not_pay_for_charts() -> None:
    code = "import sys, tocsin.report; sys.exit(bool({'vl_convert', 'jinja2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_a_chinese_font_png_labels_are_english_and_a_note_says_so() -> None:
    files, notes = chart_files(tables.sample(), None)
    names = sorted({n.split(".")[0] for n in files})
    assert names == ["campaign-01", "campaign-02", "campaign-03", "campaign-04", "kinds", "kinds-over-time", "rules"]
    for name in names:
        assert files[f"{name}.zh.png"] == files[f"{name}.en.png"]
        assert files[f"{name}.zh.svg"] != files[f"{name}.en.svg"]
    assert [n.en[:7] for n in notes] == ["No font"] and "英文标注" in notes[0].zh


def test_letters_without_a_font_are_question_marks_not_boxes() -> None:
    net = Network(["海港", "ok"], [Hub("device", "x")], [(0, 0), (1, 0)])
    plain = Network(["??", "ok"], [Hub("device", "x")], [(0, 0), (1, 0)])
    drawn = [as_png(as_file(draw_network(n, {"device": "device"}, "t")), None) for n in (net, plain)]
    assert drawn[0] == drawn[1]


def forget_drawings() -> None:
    drawing.as_png.cache_clear()


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_charts_are_written_whole_and_alike(tmp_path: Path) -> None:
    assert write_charts(tables.sample(), tmp_path / "charts") == []
    drawn = {p.name: p.read_bytes() for p in (tmp_path / "charts").iterdir()}
    assert len(drawn) == 14 and all(re.fullmatch(r"[a-z0-9-]+\.(en|zh)\.svg", name) for name in drawn)
    notes = write_charts(tables.sample(), tmp_path / "charts", png=True)
    assert {name: (tmp_path / "charts" / name).read_bytes() for name in drawn} == drawn
    forget_drawings()
    write_charts(tables.sample(), tmp_path / "again", png=True)
    assert contents(tmp_path / "again") == contents(tmp_path / "charts")
    found = sorted(p.name for p in (tmp_path / "charts").iterdir())
    assert len(found) == 28 and all(re.fullmatch(r"[a-z0-9-]+\.(en|zh)\.(svg|png)", n) for n in found)
    assert notes == [] or fonts.find_cjk_font() is None
    svg = (tmp_path / "charts" / "kinds.zh.svg").read_text(encoding="utf-8")
    assert "诈骗" in svg and ET.fromstring(svg).tag.endswith("svg")


def test_nothing_found_writes_no_charts(tmp_path: Path) -> None:
    assert write_charts(tables.empty(9), tmp_path) == [] and list(tmp_path.iterdir()) == []


def test_fonts_are_found_by_file_name(tmp_path: Path) -> None:
    assert fonts.search([tmp_path, tmp_path / "absent"]) is None
    deep = tmp_path / "opentype" / "noto"
    deep.mkdir(parents=True)
    (deep / "NotoSans-Regular.ttf").touch()
    assert fonts.search([tmp_path]) is None
    (deep / "wqy-microhei.ttc").touch()
    assert fonts.search([tmp_path]) == ("WenQuanYi Micro Hei", deep)
    (deep / "NotoSansCJK-Regular.ttc").touch()
    assert fonts.search([tmp_path]) == ("Noto Sans CJK SC", deep)


def test_no_fonts_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    if not any(p.is_dir() for p in fonts.font_folders()):
        assert fonts.find_cjk_font() is None


def test_colours_are_distinct_so_that_dark_pages_can_swap_them() -> None:
    light = [c.light for c in ALL.values()]
    assert len(set(light)) == len(light) and all(re.fullmatch("#[0-9a-f]{6}", v) for c in ALL.values() for v in c)


def test_charts_use_only_colours_that_have_a_dark_twin() -> None:
    net = Network(["a", "b"], [Hub(m, "x") for m in ("device", "client", "network", "payment", "template")], [(0, 0)])
    line = timeline(np.array([0, HOUR]), ["M01", "L-hate"], np.array([3, 2]))
    assert line
    drawn = draw_network(net, {}, "t") + draw_timeline(line, WIDE, "zh", "t")
    used = set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawn)) - {"none", "transparent"}
    assert used <= {c.light for c in ALL.values()}


@pytest.mark.parametrize("shade", ["light", "dark"])
@pytest.mark.parametrize("ink", ["ink", "soft", "accent"])
@pytest.mark.parametrize("ground", ["paper", "card"])
def test_text_stands_out(shade: str, ink: str, ground: str) -> None:
    a, b = (luminance(getattr(PAGE[name], shade)) for name in (ink, ground))
    assert (max(a, b) + 0.05) / (min(a, b) + 0.05) >= 4.5


@pytest.mark.parametrize("shade", ["light", "dark"])
def test_marked_text_stands_out(shade: str) -> None:
    a, b = (luminance(getattr(PAGE[name], shade)) for name in ("ink", "mark"))
    assert (max(a, b) + 0.05) / (min(a, b) + 0.05) >= 7


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_drawn_charts_stand_alone_as_files() -> None:
    net = Network([], [Hub("device", "x")], [])
    svg = draw_network(net, {"device": "设备"}, 'a "<b>" title')
    root = ET.fromstring(as_file(svg))
    assert (
        root.attrib["width"] == "536"
        and root[0].text == 'a "<b>" title'
        and root[1].attrib["fill"] == PAGE["card"].light
    )
    assert isinstance(PAGE["card"], Colour) and "width" not in ET.fromstring(svg).attrib


@settings(deadline=None)
@given(st.integers(1, 36), st.integers(1, 6), st.randoms(use_true_random=False))
def test_hubs_stay_inside_the_ring_and_apart(people: int, hubs: int, dice: Random) -> None:
    edges = [(a, h) for a in range(people) for h in range(hubs) if dice.random() < 0.6]
    at = lay_out(Network(["x"] * people, [Hub("device", "x")] * hubs, edges))
    assert (((at.hubs / np.array(RING)) ** 2).sum(axis=1) <= 0.65**2).all()
    gaps = [np.abs(at.hubs[i] - at.hubs[j]).max() for i in range(hubs) for j in range(i)]
    assert min(gaps, default=99) > 20


@given(st.lists(st.text(), min_size=20, max_size=20))
@settings(max_examples=5, deadline=None)
def test_no_text_can_stop_the_renderer(labels: list[str]) -> None:
    net = Network(labels, [Hub(label, label) for label in labels[:3]], [(0, 0), (1, 1), (2, 2)])
    svg = draw_network(net, {}, labels[0])
    assert ET.fromstring(as_file(svg)).tag.endswith("svg")


TIMES = st.lists(st.tuples(st.integers(0, 300_000), st.sampled_from(["M01", "M02", "L-x-a", *map(str, range(9))]),
                           st.integers(1, 9)), min_size=1, max_size=40)  # fmt: skip


@given(TIMES)
@settings(max_examples=60, deadline=None)
def test_the_timeline_keeps_every_count(rows: list[tuple[int, str, int]]) -> None:
    hours, kinds, counts = zip(*rows, strict=True)
    line = timeline(np.array(hours) * HOUR, kinds, np.array(counts))
    assert line and line.bars <= MOST_BARS and len(line.series) <= MOST_SERIES + 1
    assert sum(int(c.sum()) for c in line.series.values()) == sum(counts)
    assert all(len(c) == line.bars for c in line.series.values())
    assert line.start <= min(hours) * HOUR and max(hours) * HOUR < line.start + line.bars * line.step
    assert OTHER not in line.series or len(set(kinds)) > MOST_SERIES + 1


@settings(deadline=None)
@given(st.text(max_size=60), st.integers(6, 40))
def test_identifiers_are_shown_short_and_plain(text: str, width: int) -> None:
    short = shorten(text, width)
    assert columns(short) <= width
    assert visible(short) == short


signs = st.characters() | st.sampled_from(" \t\u00a0\u3000\u2028\u115f\u3164\u202e\u200b海é")


@given(st.text(signs, max_size=20) | st.text(st.characters(max_codepoint=127), max_size=20))
def test_a_text_is_shown_as_its_signs_one_by_one_are(text: str) -> None:
    assert visible(text) == " ".join("".join(map(_sign, text)).split())
    assert columns(text) == sum(2 if east_asian_width(c) in "WF" else 1 for c in text)


def test_shorten_keeps_head_and_tail() -> None:
    assert shorten("acct-1234567890-xyz", 12) == "acct-12…-xyz"
    assert shorten("海港渔业公司账号零零七", 12).startswith("海港") and shorten("short", 12) == "short"
