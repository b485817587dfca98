"""Make up patterns in the rule form, and lines that they match."""

import re
from random import Random
from typing import Any

from hypothesis import strategies as st

from tocsin.forms import ConfigError
from tocsin.standard.patterns import check_pattern, parse_pattern

ALPHABET = "abcd 019指令-"

chars = st.sampled_from(["a", "b", "c", "d", " ", "0", "指", "令", "-", r"\.", "。"])
classes = st.sampled_from(["[ab]", "[a-d]", "[^a]", "[指令]", "[ -]", r"\d", r"\w", r"\s", "."])
singles = st.one_of(chars, classes)
counts = st.sampled_from(["", "", "", "?", "*", "+", "{2}", "{0,3}", "{1,2}", "{2,40}", "??", "+?"])
edges = st.sampled_from(["", "", "", r"\b", "^", "$", r"\B", "(?=a)", "(?!b)", "(?<!a)", "(?<=指)"])


def grouped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    branches = st.lists(inner, min_size=1, max_size=4).map("|".join)
    return st.one_of(
        st.lists(inner, min_size=1, max_size=4).map("".join),
        st.builds(lambda body, count: f"(?:{body}){count}", branches, st.sampled_from(["", "", "?", "{1,3}", "{0,2}"])),
    )


def in_form(pattern: str) -> bool:
    try:
        check_pattern(pattern)
    except ConfigError:
        return False
    return True


def patterns_of(singles: st.SearchStrategy[str], counts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pieces = st.builds(lambda edge, single, count: edge + single + count, edges, singles, counts)
    return st.recursive(pieces, grouped, max_leaves=8).filter(in_form)


patterns = patterns_of(singles, counts)


def told_by(pattern: str, random: Random) -> list[str]:
    """Lines that the pattern mostly matches, between others that it mostly does not."""
    said = [written(parse_pattern(pattern), random) for _ in range(4)]
    noise = "".join(random.choices(ALPHABET, k=6))
    return [re.sub(r"\s+", " ", line) for text in said for line in (text, noise + text, f"{text} {noise}", noise)]


def written(tree: Any, random: Random) -> str:
    return "".join(_written(str(op), value, random) for op, value in tree)


def _written(op: str, value: Any, random: Random) -> str:
    if op == "LITERAL":
        return chr(value)
    if op == "BRANCH":
        return written(random.choice(value[1]), random)
    if op == "SUBPATTERN":
        return written(value[3], random)
    if op in ("MAX_REPEAT", "MIN_REPEAT"):
        return "".join(
            written(value[2], random) for _ in range(random.randint(value[0], min(int(value[1]), value[0] + 2)))
        )
    fitting = [c for c in ALPHABET if op in ("IN", "ANY", "NOT_LITERAL") and _fits(op, value, c)]
    return random.choice(fitting) if fitting else ""


def _fits(op: str, value: Any, char: str) -> bool:
    if op == "IN":
        classes = {"DIGIT": char.isdigit(), "SPACE": char == " ", "WORD": char in "abcd019"}
        listed = {
            "LITERAL": lambda v: v == ord(char),
            "RANGE": lambda v: v[0] <= ord(char) <= v[1],
            "CATEGORY": lambda v: classes[str(v).split("_")[-1]] != ("_NOT_" in str(v)),
        }
        members = [(str(name), inner) for name, inner in value if str(name) != "NEGATE"]
        return any(listed[name](inner) for name, inner in members) != (str(value[0][0]) == "NEGATE")
    return op == "ANY" or ord(char) != value
