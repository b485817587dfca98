"""From a chart's layers to a small, well-formed SVG, and from there to PNG."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.etree import ElementTree as ET

from tocsin.charts.palette import PAGE
from tocsin.charts.shown import columns

FONTS = "Noto Sans CJK SC, Noto Sans SC, PingFang SC, Microsoft YaHei, sans-serif"
_SVG = "http://www.w3.org/2000/svg"
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARGIN, _HEAD = 24, 60  # pixels around a chart in a file, and above it
_NOISE = ("class", "role", "pointer-events", "display")
_TRUSTED = "\x00-\u024f–—…·‹›−"
_UNTRUSTED_OR_CJK = re.compile(f"[^{_TRUSTED}]")
_UNTRUSTED = re.compile(f"[^{_TRUSTED}\u3000-\u30ff\u4e00-\u9fa5\uff01-\uff5e]")
_SHAPES = re.compile(r"^[-+0-9.,a-zA-Z() ]*$")
_DECIMALS = re.compile(r"(\.\d)\d+")


def altair() -> Any:
    """Import Altair when a chart is drawn, not before: it is slow to load.

    Its check of every part against the schema is left out: it takes longer than all else, and tests draw every chart.
    """
    import altair as alt
    from altair.utils import schemapi

    schemapi.disable_debug_mode()
    return alt


@dataclass(frozen=True, slots=True)
class _Rows:
    """Keep the rows of a chart from Altair, which would copy them in every step of making one."""

    rows: Sequence[Mapping[str, Any]]


def chart(rows: Sequence[Mapping[str, Any]]) -> Any:
    """Begin a chart of rows."""
    alt = altair()

    return alt.Chart(alt.Data(values=_Rows(rows)))


def draw(layers: Sequence[Any], size: tuple[int, int], padding: Mapping[str, int], title: str) -> str:
    """Draw layered Altair charts as an SVG without width and height, so that it fills what holds it.

    Size (width, height) is the plot's, in pixels, without its padding. Nothing is measured: the same input gives the
    same bytes on every machine, whatever fonts it has. Nothing is loaded from anywhere.
    """
    spec = altair().layer(*layers).to_dict(validate=False)
    spec |= {"width": size[0], "height": size[1], "padding": dict(padding)}  # Altair would copy all for each of them
    spec |= {"autosize": {"type": "none"}, "background": "transparent"}
    spec["config"] = {"font": FONTS, "view": {"stroke": None}}
    return _tidy(_rendered(json.dumps(_legible(spec))), _legible(title))


@lru_cache(maxsize=64)
def _rendered(spec: str) -> str:
    """Render a specification; a page and the files beside it show the same charts, and rendering is slow."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(spec, allowed_base_urls=[]))


def _legible(spec: Any) -> Any:
    """Replace letters that XML does not know: the renderer aborts the whole process over a single one."""
    if isinstance(spec, str):
        return _NOT_XML.sub("\ufffd", spec)
    if isinstance(spec, _Rows):
        return _legible(list(spec.rows))
    if isinstance(spec, dict):
        return {key: _legible(value) for key, value in spec.items()}
    return [_legible(value) for value in spec] if isinstance(spec, list) else spec


def _tidy(svg: str, title: str) -> str:
    root = _parse(svg)
    for element in root.iter():
        element.attrib = {k: _rounded(v) for k, v in element.attrib.items() if _kept(k)}
        if element.tag == "text" and "stroke" in element.attrib:
            element.set("paint-order", "stroke")  # a stroke is a halo behind the letters, not a line upon them
    _drop_empty(root)
    root.attrib = {"xmlns": _SVG, "viewBox": root.attrib["viewBox"], "class": "chart", "role": "img"}
    head = ET.Element("title")
    head.text = title
    root.insert(0, head)
    return ET.tostring(root, encoding="unicode")


def _parse(svg: str) -> ET.Element:
    """Read our own output (no entities, no outside references) with plain tag names."""
    root = ET.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def _kept(name: str) -> bool:
    return not (name.startswith("aria-") or name in _NOISE or "}" in name)


def _rounded(value: str) -> str:
    return _DECIMALS.sub(r"\1", value) if _SHAPES.match(value) else value


def _drop_empty(parent: ET.Element) -> None:
    for child in list(parent):
        _drop_empty(child)
        if _unseen(child):
            parent.remove(child)


def _unseen(element: ET.Element) -> bool:
    if element.tag == "g":
        return not len(element)
    paint = {element.get("fill"), element.get("stroke")}
    return element.tag in ("path", "rect") and paint <= {None, "none", "transparent"}


def as_file(svg: str, legend: Sequence[tuple[str, str]] = ()) -> str:
    """Give a drawn chart its own size, paper, title and legend (name, #rrggbb), so that it stands alone as a file."""
    root = _parse(svg)
    width, height = (float(v) for v in root.attrib["viewBox"].split()[2:])
    keys, below = _keys(legend, width)
    title, drawing = root[0], ET.Element("g", {"transform": f"translate({_MARGIN},{_HEAD})"})
    drawing.extend(root[1:])
    box = {"width": f"{width + 2 * _MARGIN:g}", "height": f"{_HEAD + height + below:g}"}
    out = ET.Element("svg", {"xmlns": _SVG, **box, "viewBox": f"0 0 {box['width']} {box['height']}", "role": "img"})
    heading = _text(_MARGIN, 34, title.text or "", PAGE["ink"].light, {"font-size": "17", "font-weight": "600"})
    keys.set("transform", f"translate({_MARGIN},{_HEAD + height:g})")
    out.extend([title, ET.Element("rect", {**box, "fill": PAGE["card"].light}), heading, drawing, keys])
    return ET.tostring(out, encoding="unicode")


def _keys(legend: Sequence[tuple[str, str]], width: float) -> tuple[ET.Element, float]:
    """Set a legend in lines as wide as the chart; return it with the height that it takes."""
    group, x, y = ET.Element("g"), 0.0, 24.0
    for name, colour in legend:
        room = 32 + 6.9 * columns(name)
        if x and x + room > width:
            x, y = 0.0, y + 24
        group.append(ET.Element("circle", {"cx": f"{x + 5:g}", "cy": f"{y - 4:g}", "r": "5", "fill": colour}))
        group.append(_text(x + 17, y, name, PAGE["ink"].light, {"font-size": "13"}))
        x += room
    return group, y + 20 if legend else 20.0


def _text(x: float, y: float, words: str, colour: str, more: Mapping[str, str]) -> ET.Element:
    element = ET.Element("text", {"x": f"{x:g}", "y": f"{y:g}", "font-family": FONTS, "fill": colour, **more})
    element.text = words
    return element


@lru_cache(maxsize=64)
def as_png(file: str, font: str | None) -> bytes:
    """Render a chart file at twice its size.

    `font` names a family with Chinese characters. Letters that no font at hand can be trusted with become `?`, since
    an empty box says less. Kept for a while, since without such a font both languages have the same picture.
    """
    import vl_convert

    safe = (_UNTRUSTED if font else _UNTRUSTED_OR_CJK).sub("?", file)
    family = f"{font}, sans-serif" if font else "sans-serif"
    return bytes(vl_convert.svg_to_png(safe.replace(FONTS, family), scale=2))
