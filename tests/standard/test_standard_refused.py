"""What the loader refuses, in the right family and with words that name the thing."""

from pathlib import Path
from typing import Any

import pytest
from standard_writing import SOUND, Form, rule_of, sound, standard_of, with_examples, write_rules

from tocsin.forms import ConfigError, TransportError
from tocsin.standard import load_standard


def refused(folder: Path, *forms: Form, lists: Form | None = None) -> str:
    with pytest.raises(ConfigError) as told:
        standard_of(folder, *forms, lists=lists)
    assert told.value.exit_code == 2
    assert told.value.hint
    return str(told.value)


def test_the_sound_rule_loads(tmp_path: Path) -> None:
    (rule,) = standard_of(tmp_path, sound()).rules
    assert (rule.id, rule.kind, rule.form.confidence, rule.form.roles) == (
        "L-x-test.lamp",
        "L-x-test",
        3,
        ("user", "tool"),
    )


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_positive_example_that_stays_silent(tmp_path: Path, lang: str) -> None:
    said = refused(
        tmp_path, with_examples(positive={lang: [SOUND["examples"]["positive"][lang][0], "a chair, 一把椅子"]})
    )
    assert said == f"rule L-x-test.lamp: positive example {lang} 2 stays silent"


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_negative_example_that_speaks(tmp_path: Path, lang: str) -> None:
    said = refused(tmp_path, with_examples(negative={lang: ["blue lamp 蓝色台灯", "quiet 安静"]}))
    assert said == f"rule L-x-test.lamp: negative example {lang} 1 speaks"


def test_an_exception_that_silences_an_example(tmp_path: Path) -> None:
    assert "positive example en 1 stays silent" in refused(tmp_path, sound(unless={"any": ["blue", "蓝色"]}))


@pytest.mark.parametrize("sort", ["positive", "negative"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_fewer_than_two_examples(tmp_path: Path, sort: str, lang: str) -> None:
    said = refused(tmp_path, with_examples(**{sort: {lang: ["one"]}}))
    assert said.startswith("test.yaml: rules.0.examples.") and f"1 examples in {lang}, need 2" in said


def test_no_examples_in_a_language(tmp_path: Path) -> None:
    examples = SOUND["examples"] | {"negative": {"en": ["one", "two"]}}
    assert "0 examples in zh, need 2" in refused(tmp_path, sound(examples=examples))


@pytest.mark.parametrize("rule_id", ["M15.lamp", "M99.lamp", "L-lamps.blue"])
def test_a_kind_outside_the_closed_list(tmp_path: Path, rule_id: str) -> None:
    assert refused(tmp_path, sound(id=rule_id)) == f"rule {rule_id}: no kind {rule_id.partition('.')[0]}"


def test_a_rule_for_m07(tmp_path: Path) -> None:
    assert refused(tmp_path, sound(id="M07.lamp")) == "rule M07.lamp: M07 has no rules"


@pytest.mark.parametrize(
    "rule_id", ["lamp", "M1.lamp", "M12.", "M12.Lamp", "M12.a--b", "M12.-a", "M12.a b", "M12.灯", 12]
)
def test_an_id_out_of_form(tmp_path: Path, rule_id: Any) -> None:
    assert refused(tmp_path, sound(id=rule_id)).startswith("test.yaml: rules.0.id: ")


def test_an_id_twice_in_one_file(tmp_path: Path) -> None:
    assert refused(tmp_path, sound(), sound()) == "rule L-x-test.lamp is there twice"


def test_an_id_twice_in_two_files(tmp_path: Path) -> None:
    write_rules(tmp_path, sound(), name="other")
    assert refused(tmp_path, sound()) == "rule L-x-test.lamp is there twice"


REGEXES = {
    "(blue) lamp": "a capture group is not in the rule form",
    "(?P<colour>blue) lamp": "a capture group is not in the rule form",
    r"(?:blue|(red)) lamp": "a capture group is not in the rule form",
    "(?i)blue lamp": "a flag inside the pattern is not in the rule form",
    "(?i:blue) lamp": "a flag inside the pattern is not in the rule form",
    "blue [A-Z]amp": "U+0041 never stands in folded text",
    "blue(?= ){2} lamp": "a repeated look-around is not in the rule form",
    "blue.*lamp": "an unbounded repeat of a group or of any character",
    "blue.+?lamp": "an unbounded repeat of a group or of any character",
    "blue .{3,} lamp": "an unbounded repeat of a group or of any character",
    "(?:blue )+lamp": "an unbounded repeat of a group or of any character",
    "(?:blue +)*lamp": "an unbounded repeat of a group or of any character",
    "(?:[a-z]+ ){1,9}lamp": "an unbounded repeat of a group or of any character",
    "lamp(?=.*blue)": "an unbounded repeat of a group or of any character",
    "blue.{0,201}lamp": "a repeat of up to 201, limit 200",
    "blue[a-z]{9999}lamp": "a repeat of up to 9999, limit 200",
    "(?:blue ){1,40}lamp": "a repeat of up to 40, limit 10",
    "Blue lamp": "U+0042 never stands in folded text",
    "blue Lamp|x": "U+004C never stands in folded text",
    "blue\u3000lamp": "U+3000 never stands in folded text",
    "ｂlue lamp": "U+FF42 never stands in folded text",
    "藍色": "U+85CD never stands in folded text",
    "blue\nlamp": "U+000A never stands in folded text",
    "blue，lamp": "U+FF0C never stands in folded text",
    "(?>blue) lamp": "atomic_group is not in the rule form",
    "[a-z]++lamp": "possessive_repeat is not in the rule form",
    "(?:blue lamp)?": "the pattern matches the empty text",
    "|blue lamp": "the pattern matches the empty text",
    "[a-z ]{0,9}": "the pattern matches the empty text",
    "(?<=b{1,3})lamp": "a look-behind of 1 to 3 characters",
    "(blue": "not a regular expression",
    "blue[": "not a regular expression",
    "blue{3,1}": "not a regular expression",
    "blue lamp\\": "not a regular expression",
    "(?:" * 20_000: "not a regular expression",
    r"\w{1,9}": "an alternative has no literal to scan for",
    r"blue lamp|\d\d": "an alternative has no literal to scan for",
    ".{3} ": "an alternative has no literal to scan for",
}


@pytest.mark.parametrize(("regex", "why"), REGEXES.items(), ids=[regex[:24] for regex in REGEXES])
def test_a_regex_outside_the_rule_form(tmp_path: Path, regex: str, why: str) -> None:
    said = refused(tmp_path, sound(match={"any": ["blue lamp", {"regex": regex}]}))
    assert said.startswith(f"test.yaml: rule L-x-test.lamp: {why}")


@pytest.mark.parametrize(
    "regex",
    [r"(?:a )(?P=x)", r"(blue) \1", r"(?P<a>b)(?P=a)", r"(b)?(?(1)lue|lamp)"],
    ids=["named", "back", "both", "if"],
)
def test_a_backreference(tmp_path: Path, regex: str) -> None:
    said = refused(tmp_path, sound(match={"regex": regex}))
    assert any(why in said for why in ("capture group", "groupref", "not a regular expression"))


@pytest.mark.parametrize(
    "regex",
    ["(?:(?:a{0,9}){0,9}){0,9}b", "(?:[a-z]{1,40}){0,10}lamp", "(?:(?:ab?){1,5}c?){1,9}d", "(?:a|ab{0,30}){0,9}c"],
)
def test_nested_repeats_that_can_be_read_in_many_ways(tmp_path: Path, regex: str) -> None:
    assert "a repeat inside a repeated group that can be read in many ways" in refused(
        tmp_path, sound(match={"regex": regex})
    )


ALLOWED = [
    r"\bblue lamp\b",
    "blue[a-z ]*lamp",
    "blu[aeiou]+ lamps?",
    "blue.{0,200}lamp",
    "(?:blue|red|蓝色).{0,3}(?:lamp|台灯)",
    r"(?: \w{1,9}){0,4} lamp",
    "(?<!not )blue(?= lamp)",
    r"\d{1,3} blue lamps",
]


@pytest.mark.parametrize("regex", ALLOWED)
def test_what_the_rule_form_allows(tmp_path: Path, regex: str) -> None:
    assert rule_of(tmp_path, {"any": [{"regex": regex}, "蓝色台灯"]})


@pytest.mark.parametrize("literal", ["\u200b", "\u0301\u0301", " \u2060 "])
def test_a_literal_that_folds_to_nothing(tmp_path: Path, literal: str) -> None:
    assert "folds to nothing" in refused(tmp_path, sound(match={"any": ["blue lamp", literal]}))


@pytest.mark.parametrize("literal", ["-", "...", "!"])
def test_a_literal_of_punctuation_alone_is_still_one(tmp_path: Path, literal: str) -> None:
    assert rule_of(tmp_path, literal).first(f"a {literal} b") == (2, 2 + len(literal))


def test_an_unknown_list(tmp_path: Path) -> None:
    said = refused(tmp_path, sound(match={"any": [{"list": "lamps"}]}), lists={"doors": ["door"]})
    assert said == "test.yaml: rule L-x-test.lamp: no list is named 'lamps' in this file"


def test_a_list_inside_a_list(tmp_path: Path) -> None:
    lists = {"lamps": ["blue lamp", {"list": "more"}], "more": ["蓝色台灯"]}
    assert "no list is named 'more'" in refused(tmp_path, sound(match={"list": "lamps"}), lists=lists)


@pytest.mark.parametrize("place", ["rule", "file", "examples", "title", "near"])
def test_an_unknown_key(tmp_path: Path, place: str) -> None:
    near = {"near": {"within": 9, "of": ["blue", "lamp"], "odd": 1}}
    changes: dict[str, Form] = {
        "rule": {"odd": 1},
        "examples": {"examples": SOUND["examples"] | {"odd": {}}},
        "title": {"title": SOUND["title"] | {"fr": "lampe"}},
        "near": {"match": near},
    }
    if place == "file":
        write_rules(tmp_path, sound())
        (tmp_path / "rules" / "odd.yaml").write_text("rules: []\nodd: 1\n")
        with pytest.raises(ConfigError, match=r"odd\.yaml: odd: "):
            load_standard(tmp_path)
    else:
        assert refused(tmp_path, sound(**changes[place])).startswith("test.yaml: rules.0.")


@pytest.mark.parametrize("name", ["id", "severity", "title", "explanation", "match", "examples"])
def test_a_missing_key(tmp_path: Path, name: str) -> None:
    assert refused(tmp_path, sound(**{name: None})) == f"test.yaml: rules.0.{name}: Field required"


@pytest.mark.parametrize(
    "changes",
    [
        {"severity": 0},
        {"severity": 6},
        {"severity": "grave"},
        {"confidence": 9},
        {"roles": ["user", "robot"]},
        {"title": {"en": "A lamp", "zh": " "}},
        {"title": {"en": "A lamp"}},
        {"match": {"any": []}},
        {"match": {"all": ["one"]}},
        {"match": {"near": {"within": 0, "of": ["blue", "lamp"]}}},
        {"match": {"near": {"within": 1001, "of": ["blue", "lamp"]}}},
        {"match": {"near": {"within": 9, "of": ["blue"]}}},
        {"match": {"any": ["blue lamp"], "all": ["a", "b"]}},
        {"match": 7},
        {"match": ["blue lamp"]},
        {"unless": {"not": "x"}},
    ],
    ids=str,
)
def test_a_value_out_of_form(tmp_path: Path, changes: Form) -> None:
    assert refused(tmp_path, sound(**changes)).startswith("test.yaml: rules.0.")


@pytest.mark.parametrize(
    "raw",
    [
        b"rules: [",
        b"rules:\n  - id: M12.x\n\ttitle: y",
        b"rules: 'open",
        b"\xff\xfe\x00",
        b"a: &a [x]\nrules: *a",
        b"[" * 5_000,
        b"!!python/object/apply:os.getcwd []",
        b"rules: a: b",
    ],
    ids=["open", "tab", "quote", "bytes", "alias", "deep", "object", "colon"],
)
def test_what_is_not_plain_yaml(tmp_path: Path, raw: bytes) -> None:
    write_rules(tmp_path, sound())
    (tmp_path / "rules" / "odd.yaml").write_bytes(raw)
    with pytest.raises(ConfigError, match=r"^odd\.yaml is not YAML") as told:
        load_standard(tmp_path)
    assert told.value.__cause__ is not None


@pytest.mark.parametrize("raw", [b"", b"7", b"- 1", b"rules: 7", b"rules: {}", b"lists: [a]\nrules: []"])
def test_yaml_of_another_shape(tmp_path: Path, raw: bytes) -> None:
    write_rules(tmp_path, sound())
    (tmp_path / "rules" / "odd.yaml").write_bytes(raw)
    with pytest.raises(ConfigError, match=r"^odd\.yaml: "):
        load_standard(tmp_path)


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(TransportError, match="no standard folder at 'nowhere'"):
        load_standard(tmp_path / "nowhere")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "rules" / "odd.yaml").mkdir(parents=True)
    with pytest.raises(TransportError, match=r"odd\.yaml cannot be read: Is a directory"):
        load_standard(tmp_path)


def test_rules_of_ones_own_stand_beside_the_shipped_kinds(tmp_path: Path) -> None:
    standard = standard_of(tmp_path, sound(), sound(id="M12.lamp"), sound(id="L-hate.lamp"))
    assert len(standard.kinds) == 14
    assert [r.kind for r in standard.rules] == ["L-x-test", "M12", "L-hate"]


def test_any_change_changes_the_version(tmp_path: Path) -> None:
    versions = {standard_of(tmp_path, sound(severity=n)).version for n in (1, 2, 2, 3)}
    assert len(versions) == 3


def test_a_kept_standard_is_the_standard_and_a_damaged_one_is_read_anew(tmp_path: Path) -> None:
    folder, cache = (
        write_rules(tmp_path, sound(match={"list": "lamps"}), lists={"lamps": ["blue lamp", "蓝色台灯"]}),
        tmp_path / "cache",
    )
    first = load_standard(folder, cache=cache)
    (file,) = cache.iterdir()
    for raw in (file.read_bytes(), b"", b"junk", b"[]", b"{}", file.read_bytes()[:-9]):
        file.write_bytes(raw)
        again = load_standard(folder, cache=cache)
        assert again == first and [rule.alternatives for rule in again.rules] == [r.alternatives for r in first.rules]
        assert file.read_bytes().startswith(b"[{")


def test_a_standard_that_does_not_hold_is_not_kept(tmp_path: Path) -> None:
    folder = write_rules(tmp_path, with_examples(negative={"en": ["blue lamp", "quiet"]}))
    for _ in range(2):
        with pytest.raises(ConfigError, match="negative example en 1 speaks"):
            load_standard(folder, cache=tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
