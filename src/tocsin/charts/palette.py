"""Colours, each with its light and dark value, and the style rules that swap them inside drawn charts."""

from collections.abc import Mapping
from typing import NamedTuple


class Colour(NamedTuple):
    """Hold the light and the dark value of one colour, as lower-case #rrggbb."""

    light: str
    dark: str


PAGE: Mapping[str, Colour] = {
    "paper": Colour("#f8f6f1", "#13161b"),
    "card": Colour("#fffefc", "#1b1f26"),
    "ink": Colour("#1c222c", "#e9e6df"),
    "soft": Colour("#59616e", "#a4abb7"),
    "line": Colour("#e4dfd4", "#2e353f"),
    "accent": Colour("#875711", "#e2b566"),
    "mark": Colour("#ffe7a3", "#564512"),
    "sev1": Colour("#8a8d84", "#8d9188"),
    "sev2": Colour("#b08a2e", "#c9a54c"),
    "sev3": Colour("#c7772b", "#dd9150"),
    "sev4": Colour("#bf4f2c", "#e2775a"),
    "sev5": Colour("#9c2424", "#ee6f6f"),
}

KINDS: Mapping[str, Colour] = {
    "M01": Colour("#4f83c6", "#83b4f3"),
    "M02": Colour("#b0802a", "#d3a556"),
    "M03": Colour("#c96a5a", "#ec9789"),
    "M04": Colour("#7f63ae", "#a98fd8"),
    "M05": Colour("#759a4b", "#9bbf76"),
    "M06": Colour("#9c4456", "#d07c89"),
    "M07": Colour("#7d6a75", "#ab98a3"),
    "M08": Colour("#00888f", "#2eabb2"),
    "M09": Colour("#7f83d1", "#a4aaf3"),
    "M10": Colour("#857505", "#b3a551"),
    "M11": Colour("#c0628f", "#e796bd"),
    "M12": Colour("#925d9e", "#b583c1"),
    "M13": Colour("#36a27b", "#6ac6a0"),
    "M14": Colour("#a95e30", "#cc845b"),
    "other": Colour("#a8a69e", "#6c727c"),
}

LINKS: Mapping[str, Colour] = {
    "account": Colour("#3d5a80", "#9dbbe0"),
    "device": Colour("#a6611a", "#e0a25c"),
    "client": Colour("#01796f", "#5cc2b6"),
    "network": Colour("#6a51a3", "#b19be0"),
    "payment": Colour("#a8326f", "#e58bb9"),
    "template": Colour("#b5452c", "#ee8c74"),
}

ALL: Mapping[str, Colour] = (
    dict(PAGE) | {f"k-{k}": c for k, c in KINDS.items()} | {f"l-{m}": c for m, c in LINKS.items()}
)


def kind_key(kind: str) -> str:
    """Name the colour of a kind; kinds outside the closed list share one."""
    return kind if kind in KINDS else "other"


def variables(shade: str) -> str:
    """Write every colour as a CSS variable; shade is `light` or `dark`."""
    return "".join(f"--{name}:{getattr(colour, shade)};" for name, colour in ALL.items())


def chart_rules() -> str:
    """Write the CSS rules that turn a chart's light colours into variables, so that dark pages recolour it.

    The drawn file keeps its own colours and stands alone.
    """
    return "".join(
        f'.chart [{part}="{colour.light}"]{{{part}:var(--{name})}}'
        for name, colour in ALL.items()
        for part in ("fill", "stroke")
    )


def kind_classes() -> str:
    """Write the CSS classes by which a page colours a kind or a link."""
    kinds = "".join(f".k-{k}{{--k:var(--k-{k})}}" for k in KINDS)
    return kinds + "".join(f".l-{m}{{--k:var(--l-{m})}}" for m in LINKS)
