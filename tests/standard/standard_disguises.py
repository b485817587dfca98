"""Texts made from the examples of rules: pieces of them, noise between, and the disguises that the fold undoes."""

import base64
from collections.abc import Callable

from hypothesis import strategies as st

from tocsin.standard import Standard

NOISE = [
    "",
    "hello",
    "the quick brown fox",
    "你好",
    "请帮我看一下",
    "1234567890",
    "\U0001f600",
    "a.b-c_d",
    "\n",
    "。",
    "  ",
]
ALIKE = str.maketrans("aceiopxyABEHKMOPTX", "асеіорхуАВЕНКМОРТХ")


def full_width(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def spelled_alike(text: str) -> str:
    return text.translate(ALIKE)


def split_unseen(text: str) -> str:
    return "\u200b".join(text)


def spaced_out(text: str) -> str:
    return " ".join(text)


def dotted(text: str) -> str:
    return "·".join(text)


def coded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def shouted(text: str) -> str:
    return text.upper()


DISGUISES: tuple[Callable[[str], str], ...] = (
    full_width, spelled_alike, split_unseen, spaced_out, dotted, coded, shouted,
)  # fmt: skip


def examples_of(standard: Standard) -> list[str]:
    forms = (rule.form.examples for rule in standard.rules)
    return [t for e in forms for sort in (e.positive, e.negative) for group in sort.values() for t in group]


def texts_from(examples: list[str]) -> st.SearchStrategy[str]:
    said = st.sampled_from(examples)
    pieces = st.builds(lambda t, a, n: t[a % len(t) :][: n + 1], said, st.integers(0, 200), st.integers(0, 60))
    plain = st.one_of(said, pieces, st.sampled_from(NOISE), st.text(max_size=12))
    disguised = st.builds(lambda how, text: how(text), st.sampled_from(DISGUISES), plain)
    return st.lists(st.one_of(plain, disguised), min_size=1, max_size=3).flatmap(
        lambda parts: st.sampled_from(["", " ", "\n", "，"]).map(lambda gap: gap.join(parts))
    )
