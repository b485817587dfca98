"""The shipped table is in one canonical form, and folds to the end in one step."""

import re
from importlib.resources import files

import numpy as np

from tocsin.text.table import fold_table

LINE = re.compile(r"[0-9A-F]+\t(?:[0-9A-F]+(?: [0-9A-F]+)*)?")


def _lines() -> list[str]:
    raw = files("tocsin.text").joinpath("fold_table.tsv").read_bytes().decode("ascii")
    assert raw.endswith("\n") and "\r" not in raw
    return raw.removesuffix("\n").split("\n")


def _pairs() -> list[tuple[int, list[int]]]:
    split = [line.split("\t") for line in _lines()[1:]]
    return [(int(source, 16), [int(c, 16) for c in target.split()]) for source, target in split]


def test_the_head_says_where_the_table_comes_from() -> None:
    assert re.fullmatch(r"# code point<TAB>.*; Unicode \d+\.\d+\.\d+; made by tools/make_fold_table\.py", _lines()[0])


def test_every_line_is_in_the_form() -> None:
    assert [line for line in _lines()[1:] if not LINE.fullmatch(line)] == []
    assert [line for line in _lines()[1:] if line != line.upper() or re.search(r"(^|[\t ])0[0-9A-F]", line)] == []


def test_code_points_rise_and_none_folds_to_itself() -> None:
    sources = [source for source, _ in _pairs()]
    assert sources == sorted(set(sources))
    assert [source for source, target in _pairs() if target == [source]] == []


def test_no_surrogate_and_no_line_break_comes_out() -> None:
    out = {c for _, target in _pairs() for c in target}
    assert not any(0xD800 <= c < 0xE000 or c >= 0x110000 for c in out)
    assert not out & {0x0A, 0x0D, 0x85, 0x2028, 0x2029}


def test_what_comes_out_folds_to_itself() -> None:
    table = fold_table()
    out = np.array(sorted({c for _, target in _pairs() for c in target}))
    assert (table.length[out] == 1).all()
    assert (table.code[out] == out).all()


def test_nothing_upper_case_and_no_blank_but_space_comes_out() -> None:
    out = [chr(c) for c in {c for _, target in _pairs() for c in target}]
    assert [c for c in out if c.isspace()] == [" "]
    assert [c for c in out if c.isascii() and c.isupper()] == []
    assert [c for c in out if not c.isprintable()] == []


def test_the_arrays_say_what_the_file_says() -> None:
    table = fold_table()
    assert {s: [*map(ord, table.of(chr(s)))] for s, _ in _pairs()} == dict(_pairs())
    assert len(table.code) - len(_pairs()) == int(((table.code == np.arange(0x110000)) & (table.length == 1)).sum())
