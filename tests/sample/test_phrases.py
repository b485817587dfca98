"""Templates become texts."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tocsin.traffic.sample.model import Bilingual
from tocsin.traffic.sample.phrases import Phrases, Words

PHRASES = Phrases(
    {
        "fruit": Words(en=("pear", "fig"), zh=("梨", "枣")),
        "pile": Words(en=("{2-9} {fruit}s",), zh=("{2-9} 个{fruit}",)),
    }
)


def fill(en: str, zh: str, lang: str, seed: int) -> str:
    return PHRASES.fill(Bilingual(en=en, zh=zh), lang, Random(seed))


@given(st.integers())
def test_a_slot_named_twice_gets_two_words(seed: int) -> None:
    assert set(fill("{fruit} {fruit}", "", "en", seed).split()) == {"pear", "fig"}


@given(st.integers())
def test_a_repeated_slot_keeps_its_word(seed: int) -> None:
    assert fill("", "{fruit}和{=fruit}", "zh", seed) in ("梨和梨", "枣和枣")


@given(st.integers())
def test_choices_and_words_may_hold_slots(seed: int) -> None:
    number, word = fill("<{pile}|{pile}>", "", "en", seed).split()
    assert 2 <= int(number) <= 9
    assert word in ("pears", "figs")
