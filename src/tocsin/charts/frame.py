"""The page frame: one file that loads nothing, in two languages and two shades."""

import hashlib
from base64 import b64encode
from collections.abc import Mapping
from importlib.resources import files

from markupsafe import Markup

from tocsin.charts.palette import chart_rules, kind_classes, variables
from tocsin.charts.words import Said, both, fill

FRAME_WORDS: Mapping[str, Said] = {
    "product": Said("Tocsin", "警钟"),
    "skip": Said("Skip to the content", "跳到正文"),
    "language": Said("Language", "语言"),
    "shade": Said("Switch between light and dark", "切换浅色与深色"),
    "contents": Said("Contents", "目录"),
}


def render_page(
    template: str, folder: str, words: Mapping[str, Said], title: Said, values: Mapping[str, object]
) -> str:
    """Render a template of another room inside the frame.

    `folder` is that room's package; its `<template stem>.css` joins the frame's style. Every value is escaped unless
    it is Markup. The page allows exactly its own style and script, by digest, and no loading at all.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    room = folder.rpartition(".")[2]
    loaders = [PackageLoader("tocsin.charts", "."), PackageLoader(folder, ".")]
    env = Environment(loader=ChoiceLoader(loaders), autoescape=True, undefined=StrictUndefined,
                      trim_blocks=True, lstrip_blocks=True)  # fmt: skip
    env.globals["say"] = Speaker({**FRAME_WORDS, **words})
    env.filters["both"] = both
    style = f"{_style_sheet()}{_text(folder, f'{room}.css')}"
    script = _text("tocsin.charts", "frame.js")
    policy = f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; {_NOTHING_ELSE}"
    frame = {"style": Markup(style), "script": Markup(script), "policy": policy, "title": title}
    return env.get_template(template).render(**frame, **values)


_NOTHING_ELSE = "base-uri 'none'; form-action 'none'"


class Speaker:
    """Say an entry of the table in both languages, its places filled."""

    def __init__(self, words: Mapping[str, Said]) -> None:
        self._words = words

    def __call__(self, key: str, **values: object) -> Markup:
        """Mark up both languages."""
        return both(fill(self._words[key], values))

    def plain(self, key: str, **values: object) -> str:
        """Write both languages in one line, for titles and labels."""
        said = fill(self._words[key], values)
        return f"{said.en} · {said.zh}"


def _style_sheet() -> str:
    light, dark = variables("light"), variables("dark")
    shades = (
        f":root{{color-scheme:light;{light}}}"
        f"@media (prefers-color-scheme:dark){{:root{{color-scheme:dark;{dark}}}}}"
        f":root:has(#flip:checked){{color-scheme:dark;{dark}}}"
        f"@media (prefers-color-scheme:dark){{:root:has(#flip:checked){{color-scheme:light;{light}}}}}"
        f"@media print{{:root,:root:has(#flip:checked){{color-scheme:light;{light}}}}}\n"
    )
    return f"{shades}{_text('tocsin.charts', 'frame.css')}{chart_rules()}{kind_classes()}\n"


def _text(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()
