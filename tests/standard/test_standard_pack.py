"""The compiled pack finds what `re` alone finds, whatever the text, the cut and the scanner."""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from copy import deepcopy
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from standard_disguises import DISGUISES, examples_of, full_width, shouted, spelled_alike, split_unseen, texts_from
from standard_writing import sound, standard_of

from tocsin.standard import RulePack, Standard, compile_pack, reference_pack, scanner_name
from tocsin.standard.match import demands
from tocsin.standard.sieve import ScannerName
from tocsin.text import BOUNDARY, Demand, fold_batch, keep_demands, meet_demands, pack_demands

KEPT = {"kernels": [".npz", ".npz"], "vectorscan": [".hs", ".hs", ".json", ".json"]}
Told = list[tuple[int, int, str, int, int]]


def told(pack: RulePack, texts: Sequence[str]) -> Told:
    matches = pack.matches(fold_batch(pa.array(texts, pa.string())))
    return [(m.row, m.line, m.rule.id, m.start, m.end) for m in matches]


def spoken(pack: RulePack, texts: Sequence[str]) -> set[tuple[int, str]]:
    return {(row, rule) for row, _, rule, _, _ in told(pack, texts)}


@pytest.fixture(scope="module")
def examples(shipped: Standard) -> list[str]:
    return examples_of(shipped)


@pytest.fixture(scope="module")
def oracle(shipped: Standard) -> RulePack:
    return reference_pack(shipped)


def test_the_fast_scanner_is_in_use(pack: RulePack, oracle: RulePack, examples: list[str]) -> None:
    assert scanner_name() == "kernels"
    folded = fold_batch(pa.array(examples, pa.string()))
    sifted, every = pack.candidates(folded, None), oracle.candidates(folded, None)
    assert len(sifted.sure) + len(list(sifted.doubtful)) < 0.05 * len(list(every.doubtful))


def test_on_its_own_examples_the_pack_is_the_oracle(pack: RulePack, oracle: RulePack, examples: list[str]) -> None:
    assert told(pack, examples[::3]) == told(oracle, examples[::3])


def test_every_positive_example_makes_its_rule_speak(pack: RulePack, shipped: Standard) -> None:
    said = [(r.id, t) for r in shipped.rules for group in r.form.examples.positive.values() for t in group]
    found = spoken(pack, [text for _, text in said])
    assert [(i, rule) for i, (rule, _) in enumerate(said) if (i, rule) not in found] == []


def test_on_any_text_the_pack_is_the_oracle(pack: RulePack, oracle: RulePack, examples: list[str]) -> None:
    @settings(max_examples=80)
    @given(st.lists(texts_from(examples), min_size=1, max_size=3))
    def agree(texts: list[str]) -> None:
        assert told(pack, texts) == told(oracle, texts)

    agree()


@pytest.mark.parametrize("disguise", DISGUISES, ids=[how.__name__ for how in DISGUISES])
def test_on_disguised_examples_the_pack_is_the_oracle(
    pack: RulePack, oracle: RulePack, examples: list[str], disguise: Callable[[str], str]
) -> None:
    texts = [disguise(text) for text in examples[::17]]
    assert told(pack, texts) == told(oracle, texts)


@pytest.mark.parametrize("disguise", [full_width, spelled_alike, split_unseen, shouted], ids=lambda how: how.__name__)
def test_a_disguise_of_letters_hides_no_finding(
    pack: RulePack, examples: list[str], disguise: Callable[[str], str]
) -> None:
    plain = [text for text in examples if text.upper().lower() == text.lower()]
    assert spoken(pack, [disguise(t) for t in plain]) == spoken(pack, plain)


def test_any_cut_of_a_batch_gives_the_same_findings(pack: RulePack, examples: list[str]) -> None:
    texts = [how(t) for how, t in zip(DISGUISES * 40, examples[::4], strict=False)] + examples[::5]
    whole = spoken(pack, texts)
    for size in (1, 7, 64):
        cuts = range(0, len(texts), size)
        assert {
            (start + row, rule) for start in cuts for row, rule in spoken(pack, texts[start : start + size])
        } == whole


@pytest.mark.skipif(scanner_name() != "kernels", reason="no kernels are compiled here")
def test_every_literal_that_begins_a_demand_is_found_among_all_others(shipped: Standard) -> None:
    every = (d.sets[0] for rule in shipped.rules for tree in rule.alternatives for d in demands(tree) if d.sets)
    begun = sorted(w for w in {w.strip(BOUNDARY) for first in every for w in first} if w.isprintable())
    raw = [w.encode() + b"\n" for w in begun]
    kept = keep_demands(pack_demands([Demand(((w,),)) for w in begun]))
    met = meet_demands(b"".join(raw), np.cumsum([0, *map(len, raw)]), np.zeros(len(raw), dtype=np.uint8), kept)
    assert {(n, n) for n in range(len(begun))} <= set(map(tuple, met[:, :2].tolist()))


def test_texts_beside_each_other_do_not_join(tmp_path: Path) -> None:
    pack = compile_pack(standard_of(tmp_path, sound()))
    assert told(pack, ["a blue", "lamp", "blue lamp", "x", "blue\nlamp"]) == [
        (2, 2, "L-x-test.lamp", 0, 9),
        (4, 4, "L-x-test.lamp", 0, 9),
    ]
    assert told(pack, []) == told(pack, ["", ""]) == []


def test_a_text_counts_before_what_is_derived_from_it(tmp_path: Path) -> None:
    pack = compile_pack(standard_of(tmp_path, sound()))
    assert told(pack, ["b l u e l a m p, blue lamp"]) == [(0, 0, "L-x-test.lamp", 17, 26)]
    assert told(pack, ["b l u e l a m p"]) == [(0, 1, "L-x-test.lamp", 0, 8)]


def test_a_rule_speaks_once_a_text_and_only_where_it_is_concerned(tmp_path: Path) -> None:
    standard = standard_of(tmp_path, sound(), sound(id="L-x-test.other", roles=["assistant"]))
    folded = fold_batch(pa.array(["blue lamp, blue lamp", "blue lamp"], pa.string()))
    for pack in (compile_pack(standard), reference_pack(standard)):
        assert [(m.row, m.rule.id[9:]) for m in pack.matches(folded)] == [
            (0, "lamp"),
            (0, "other"),
            (1, "lamp"),
            (1, "other"),
        ]
        some = pack.matches(folded, ["assistant", "user"])
        assert [(m.row, m.rule.id[9:]) for m in some] == [(0, "other"), (1, "lamp")]


WORDS = ["blue", "lamp", "door", "red", "灯", "门", "-", ".", "_", "s"]
MIXED = [
    {"any": ["blue lamp", "lamp"]},
    {"any": [{"regex": r"\bblue[^.]{0,6}lamp\b"}, "lamp door"]},
    {"any": [{"regex": r"lamp\b"}, {"regex": "灯.{0,3}门"}, "- lamp"]},
    {"regex": r"(?:red |blue )lamp(?: door| 门){1,2}"},
    {"near": {"within": 9, "of": ["blue", "lamp", "门"]}},
    {"any": ["灯门", {"all": ["red", "door"]}]},
    {"regex": "lamp.{0,3}-.{0,3}door"},
    {"near": {"within": 12, "of": ["red", {"regex": "(?:blue|s).?lamp"}, {"any": [{"regex": "灯.{0,2}-"}, "door"]}]}},
    {"near": {"within": 20, "one_sentence": True, "of": [{"any": ["s", "_", "red"]}, {"regex": r"lamp(?!-)"}, "door"]}},
]


@settings(max_examples=150)
@given(st.lists(st.lists(st.sampled_from(WORDS), max_size=9), max_size=6), st.data())
def test_literals_patterns_and_exceptions_mixed_speak_as_the_oracle(
    mixed: Standard, words: list[list[str]], data: st.DataObject
) -> None:
    texts = [data.draw(st.sampled_from([" ", "", "  "])).join(some) for some in words]
    for pack in (compile_pack(mixed), compile_pack(mixed, None, "vectorscan")):
        assert told(pack, texts) == told(reference_pack(mixed), texts)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Standard:
    forms = [sound(id=f"L-x-test.mixed-{n}", match=match) for n, match in enumerate(MIXED)]
    excepted = [
        sound(id=f"L-x-test.but-{n}", match=deepcopy(match), unless="door") for n, match in enumerate(MIXED[:2])
    ]
    return standard_of(tmp_path_factory.mktemp("mixed"), *forms, *excepted, prove=False)


@pytest.mark.parametrize("scanner", ["kernels", "vectorscan"])
def test_a_cached_pack_is_the_pack_and_a_damaged_one_is_made_anew(tmp_path: Path, scanner: ScannerName) -> None:
    standard, cache, texts = standard_of(tmp_path, sound()), tmp_path / "cache", ["b l u e lamp", "a blue lamp"]
    first = told(compile_pack(standard, cache, scanner), texts)
    files = sorted(cache.iterdir())
    assert sorted(file.suffix for file in files) == KEPT[scanner] and first
    assert told(compile_pack(standard, cache, scanner), texts) == first
    for raw in (b"", b"junk", files[0].read_bytes()[:-9], bytes(4096)):
        for file in files:
            file.write_bytes(raw)
        assert told(compile_pack(standard, cache, scanner), texts) == first
    assert sorted(cache.iterdir()) == files


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    assert told(compile_pack(standard_of(tmp_path, sound()), tmp_path / "file" / "cache"), ["blue lamp"])


WITHOUT = """
import json, sys
_, scanner, *missing = sys.argv
for name in missing:
    sys.modules[name] = None  # what an import finds where it is not installed
import pyarrow as pa
from tocsin.standard import compile_pack, load_standard, scanner_name
from tocsin.text import fold_batch
assert scanner_name() == scanner
texts = json.load(sys.stdin)
found = compile_pack(load_standard(prove=False)).matches(fold_batch(pa.array(texts, pa.string())))
json.dump([[m.row, m.line, m.rule.id, m.start, m.end] for m in found], sys.stdout)
"""
MISSING = {"vectorscan": ["tocsin.text._kernels"], "re": ["tocsin.text._kernels", "hyperscan", "re2"]}


@pytest.mark.parametrize("scanner", [pytest.param("vectorscan", marks=pytest.mark.minutes), "re"])
def test_without_the_fast_scanner_the_findings_are_the_same(
    pack: RulePack, examples: list[str], scanner: ScannerName
) -> None:
    texts = [how(t) for how, t in zip(DISGUISES * 40, examples[::19], strict=False)] + examples[::29]
    command = [sys.executable, "-c", WITHOUT, scanner, *MISSING[scanner]]
    run = subprocess.run(command, input=json.dumps(texts).encode(), capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
    found = told(pack, texts)
    assert [tuple(row) for row in json.loads(run.stdout)] == found
    assert len(found) > 20
