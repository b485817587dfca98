"""Texts worth folding: every plane, and much of what the fold changes."""

import pyarrow as pa
from hypothesis import strategies as st

from tocsin.text import Folded, fold_batch

BLANK = " \t\n\r\x0b\x0c\x1c\x85\u00a0\u2003\u2028\u3000"
INVISIBLE = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u202e\u2066\U000e0041\ufe0f\u0301\x00\x08"
ALIKE = "асеорхуіΑΒΕΖΗΙΚΜΝΟΡΤΥΧａＺ０𝐚𝓏🅰ⅷﬁ①½℡ßİıſéÅ"
CHINESE = "漢語轉換體系帳號詐騙汉语，。、；：？！（）《》“”"
OTHER = "가각ㄱ한ひカﾀ्กﷺ㍿😀🇨🇳\U0001f468\u200d\U0001f469\U0010ffff"

chars = st.one_of(
    st.characters(exclude_categories=("Cs",)),
    st.characters(min_codepoint=0x10000, exclude_categories=("Cs",)),
    st.sampled_from(BLANK + INVISIBLE + ALIKE + CHINESE + OTHER),
    st.sampled_from("abcXYZ 019.-_,'/+="),
)
texts = st.text(chars, max_size=40)
spaced = st.builds(
    lambda before, word, gaps, after: before + "".join(c + g for c, g in zip(word, gaps, strict=False)) + after,
    texts,
    st.text(st.sampled_from("abcdeiz059銀行账户é"), min_size=3, max_size=9),
    st.lists(st.sampled_from([" ", ".", "-", "、", "。", "·", " . ", "  ", "\u200b ", ", ", "", "\u3000"]), min_size=9),
    texts,
)
runs = st.text(st.sampled_from("aGVsbG8gd29ybGQAZz09+/-_"), min_size=18, max_size=60)
batches = st.lists(st.one_of(texts, spaced, runs, st.builds(lambda a, b: a + b, texts, runs)), max_size=8)


def fold(*texts: str) -> Folded:
    return fold_batch(pa.array(texts, pa.string()))


def lines(folded: Folded) -> list[tuple[int, str, bool]]:
    """Every line with the row it came from and whether it is derived, in an order that a cut cannot change."""
    main = len(folded.texts)
    told = [(folded.row(i), folded.line(i), i >= main) for i in range(len(folded))]
    return sorted(told, key=lambda line: (line[0], line[2], line[1]))
