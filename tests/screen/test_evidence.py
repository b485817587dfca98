"""Evidence: never more than 160 code points, the span marked exactly, and no e-mail or number to be read."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.forms import MARK_CLOSE, MARK_OPEN
from tocsin.forms.limits import EVIDENCE_CHARS
from tocsin.screen.evidence import EMAIL, HIDDEN, PHONE, excerpt, mask
from tocsin.text import fold_text

FITS = EVIDENCE_CHARS - 4
INVISIBLE = ("", "", "", "\u200b", "\u2060\ufeff", "\u00ad")
WIDE = str.maketrans("0123456789@.+-X", "０１２３４５６７８９＠．＋－Ｘ")

anything = st.text(st.characters(exclude_categories=("Cs",)), max_size=400)
around = st.text(st.sampled_from("abc 人民，。！\n 的、了"), max_size=200)


@st.composite
def spans(draw: st.DrawFn) -> tuple[str, int, int]:
    text = draw(anything.filter(bool))
    start = draw(st.integers(0, len(text) - 1))
    return text, start, draw(st.integers(start + 1, len(text)))


@st.composite
def disguised(draw: st.DrawFn, plain: str) -> str:
    """The same number or address, full-width or with invisible signs between."""
    shown = plain.translate(WIDE) if draw(st.booleans()) else plain
    between = draw(st.lists(st.sampled_from(INVISIBLE), min_size=len(shown), max_size=len(shown)))
    return "".join(sign + unseen for sign, unseen in zip(shown, between, strict=True))


@st.composite
def numbers(draw: st.DrawFn) -> str:
    digits = draw(st.text(st.sampled_from("0123456789"), min_size=9, max_size=9))
    mobile, gap = f"13{digits}", draw(st.sampled_from(["", " ", "-", ".", " - ", "·", "/"]))
    forms = (
        gap.join((mobile[:3], mobile[3:7], mobile[7:])),
        gap.join(("+86", mobile[:3], mobile[3:7], mobile[7:])),
        f"({digits[:3]}) {digits[3:6]}-{digits[6:]}1",
        gap.join((f"0{digits[:2]}", f"6{digits[2:]}")),
        f"110101{digits}12{draw(st.sampled_from('0123456789X'))}",
        gap.join((f"6222{digits[:4]}", digits[4:], "1234", "567")),
    )
    return draw(disguised(draw(st.sampled_from(forms))))


@st.composite
def addresses(draw: st.DrawFn) -> str:
    name = draw(st.text(st.sampled_from("QZqz"), min_size=1, max_size=20))
    at = draw(st.sampled_from(["@", " @ ", "＠"]))
    return draw(disguised(f"{name}.{name}{at}{name}.{draw(st.sampled_from(['zq', 'qz.zz']))}"))


@st.composite
def telling(draw: st.DrawFn, what: st.SearchStrategy[str]) -> tuple[str, int, int]:
    text = draw(around) + draw(st.sampled_from([" ", "：", "我的号"])) + draw(what) + draw(st.sampled_from([" ", "，"]))
    text += draw(around)
    start = draw(st.integers(0, len(text) - 1))
    return text, start, draw(st.integers(start + 1, len(text)))


@given(spans())
def test_an_excerpt_has_at_most_160_code_points_and_no_control(given_span: tuple[str, int, int]) -> None:
    shown = excerpt(*given_span)
    assert len(shown) <= EVIDENCE_CHARS
    assert shown.count(MARK_OPEN) == shown.count(MARK_CLOSE) == 1
    assert all(c.isprintable() for c in shown)


@given(spans())
def test_marks_enclose_the_span_where_it_fits(given_span: tuple[str, int, int]) -> None:
    text, start, end = given_span
    shown = excerpt(text, start, end)
    inside = shown[shown.index(MARK_OPEN) + 1 : shown.index(MARK_CLOSE)]
    assert len(inside) == min(end - start, FITS)
    plain = text[start:end].replace(MARK_OPEN, "[").replace(MARK_CLOSE, "]")
    assert all(a in (b, HIDDEN) or (a == " " and not b.isprintable()) for a, b in zip(inside, plain, strict=False))


@given(spans())
def test_an_ellipsis_stands_where_text_is_left_out(given_span: tuple[str, int, int]) -> None:
    text, start, end = given_span
    shown = excerpt(text, start, end)
    before, after = shown.index(MARK_OPEN), len(shown) - shown.index(MARK_CLOSE) - 1
    assert before == start or (shown.startswith("…") and before <= start)
    assert after == len(text) - end or shown.endswith("…")
    if len(text) <= FITS:
        assert len(shown) == len(text) + 2


@given(telling(numbers()))
def test_no_digit_of_a_number_is_shown(given_span: tuple[str, int, int]) -> None:
    shown = excerpt(*given_span)
    assert not [c for c in shown if unicodedata.digit(c, None) is not None]
    assert "x" not in unicodedata.normalize("NFKC", shown).lower()


@given(telling(addresses()))
def test_no_letter_of_an_address_is_shown(given_span: tuple[str, int, int]) -> None:
    shown = unicodedata.normalize("NFKC", excerpt(*given_span)).lower()
    assert not set("qz") & set(shown)


@pytest.mark.parametrize("number", ["1-3-8-1-2-3-4-5-6-7-8", "qqqqqqqqqqqqqqqqqqqqqqq@qz.zq", "11010119900307123X"])
def test_no_number_is_cut_in_two_and_missed(number: str) -> None:
    for shift in range(200):
        text = f"{'字' * 150} {number} {'字' * 150}"
        shown = excerpt(text, 80 + shift, 81 + shift)
        assert not set(shown.lower()) & set("0123456789qzx")


@given(
    st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from("19零一 -.@＠a３٣  \u200b⑩㈠\n"), max_size=60)
    | st.text(st.sampled_from("0123456789 -.@a\n\t\0\x1f\x7f*|~(+"), max_size=60)
)
def test_what_is_folded_only_where_it_may_tell_is_masked_as_if_always(text: str) -> None:
    folded = fold_text(text)
    spans = [found.span() for pattern in (EMAIL, PHONE) for found in pattern.finditer(folded.text)]
    told = {int(folded.origin[i]) for span in spans for i in range(*span) if folded.text[i].isalnum()}
    shown = mask(text)
    assert [place for place, c in enumerate(shown) if c == HIDDEN and text[place] != HIDDEN] == sorted(told)


def test_masking_keeps_every_other_character_in_its_place() -> None:
    assert mask("call +86 138-1234-5678 today") == "call +•• •••-••••-•••• today"
    assert mask("请发到abc.d@mail.example，谢谢") == "请发到•••.•@••••.•••••••，谢谢"
    assert mask("给张三@例子.公司写信") == "•••@••.••••"
    assert mask("拨打一三八零零一三八零零零") == "拨打•••••••••••"
    assert mask("version 3.11, 160 signs, room 4021") == "version 3.11, 160 signs, room 4021"
    assert mask("⟦a⟧\u202eb\n") == "[a] b "
