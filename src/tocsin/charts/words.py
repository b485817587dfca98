"""Words in both languages, and the marks that show one or the other."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from markupsafe import Markup, escape

LANGS = ("en", "zh")
TAGS = {"en": "en", "zh": "zh-CN"}


class Words(Protocol):
    """Say one thing in both languages."""

    @property
    def en(self) -> str: ...  # noqa: D102
    @property
    def zh(self) -> str: ...  # noqa: D102


class Said(NamedTuple):
    """Hold what a page says in both languages; `one` is the English form for a count of one."""

    en: str
    zh: str
    one: str = ""


def fill(said: Said, values: Mapping[str, object]) -> Said:
    """Put values into both sentences.

    Numbers get thousands separators, `n` chooses the English form, words come in the sentence's language.
    """
    en = said.one if said.one and values.get("n") == 1 else said.en
    shown = [{name: _shown(value, lang) for name, value in values.items()} for lang in LANGS]
    return Said(en.format(**shown[0]), said.zh.format(**shown[1]))


def _shown(value: object, lang: str) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return value if isinstance(value, str) else str(getattr(value, lang))


def both(words: Words) -> Markup:
    """Mark up both languages; the frame's style shows the one that the reader chose."""
    if words.en == words.zh:
        return escape(words.en)
    return Markup('<span class="en" lang="en">{}</span><span class="zh" lang="zh-CN">{}</span>').format(
        words.en, words.zh
    )


def in_language(lang: str, svg: str) -> Markup:
    """Wrap a drawing so that it shows with its language."""
    return Markup('<div class="{}" lang="{}">{}</div>').format(lang, TAGS[lang], Markup(svg))
