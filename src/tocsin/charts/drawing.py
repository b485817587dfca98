"""From marks to a small, well-formed SVG, and from there to PNG."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from xml.etree import ElementTree as ET

from tocsin.charts.marks import FONTS, legible, text
from tocsin.charts.palette import PAGE
from tocsin.charts.shown import columns

_SVG = "http://www.w3.org/2000/svg"
_MARGIN, _HEAD = 24, 60  # pixels around a chart in a file, and above it
_TRUSTED = "\x00-\u024f–—…·‹›−"
_UNTRUSTED_OR_CJK = re.compile(f"[^{_TRUSTED}]")
_UNTRUSTED = re.compile(f"[^{_TRUSTED}\u3000-\u30ff\u4e00-\u9fa5\uff01-\uff5e]")


def draw(marks: Iterable[ET.Element], size: tuple[float, float], padding: Mapping[str, float], title: str) -> str:
    """Draw marks as an SVG without width and height, so that it fills what holds it.

    Size (width, height) is the plot's, in pixels, without its padding; marks are placed from its upper left corner.
    Nothing is measured: the same input gives the same bytes on every machine, whatever fonts it has.
    """
    width, height = size[0] + padding["left"] + padding["right"], size[1] + padding["top"] + padding["bottom"]
    box = f"0 0 {width:g} {height:g}"
    root = ET.Element("svg", {"xmlns": _SVG, "viewBox": box, "class": "chart", "role": "img"})
    ET.SubElement(root, "title").text = legible(title)
    corner = f"translate({padding['left']:g},{padding['top']:g})"
    ET.SubElement(root, "g", {"fill": "none", "transform": corner}).extend(marks)
    return ET.tostring(root, encoding="unicode")


def _parse(svg: str) -> ET.Element:
    """Read our own output (no entities, no outside references) with plain tag names."""
    root = ET.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def as_file(svg: str, legend: Sequence[tuple[str, str]] = ()) -> str:
    """Give a drawn chart its own size, paper, title and legend (name, #rrggbb), so that it stands alone as a file."""
    root = _parse(svg)
    width, height = (float(v) for v in root.attrib["viewBox"].split()[2:])
    keys, below = _keys(legend, width)
    title, drawing = root[0], ET.Element("g", {"transform": f"translate({_MARGIN},{_HEAD})"})
    drawing.extend(root[1:])
    box = {"width": f"{width + 2 * _MARGIN:g}", "height": f"{_HEAD + height + below:g}"}
    out = ET.Element("svg", {"xmlns": _SVG, **box, "viewBox": f"0 0 {box['width']} {box['height']}", "role": "img"})
    heading = text((_MARGIN, 34), title.text or "", PAGE["ink"].light, 17, "start", font_weight="600")
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
        group.append(text((x + 17, y), name, PAGE["ink"].light, 13, "start"))
        x += room
    return group, y + 20 if legend else 20.0


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
