"""Find a font with Chinese characters, or say that there is none."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_NAMES = (
    ("notosanscjk", "Noto Sans CJK SC"),
    ("notosanssc", "Noto Sans SC"),
    ("sourcehansans", "Source Han Sans SC"),
    ("notoserifcjk", "Noto Serif CJK SC"),
    ("pingfang", "PingFang SC"),
    ("hiragino sans gb", "Hiragino Sans GB"),
    ("msyh", "Microsoft YaHei"),
    ("simhei", "SimHei"),
    ("wqy-microhei", "WenQuanYi Micro Hei"),
    ("wqy-zenhei", "WenQuanYi Zen Hei"),
    ("droidsansfallback", "Droid Sans Fallback"),
    ("simsun", "SimSun"),
    ("uming", "AR PL UMing CN"),
)
_ENDINGS = (".ttf", ".ttc", ".otf", ".otc")


class Font(NamedTuple):
    """Name a font's family and the folder that holds it."""

    family: str
    folder: Path


def font_folders() -> list[Path]:
    """List the folders where systems usually keep fonts, without asking whether they exist."""
    home = Path.home()
    shares = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    folders = [home / ".local/share/fonts", home / ".fonts", *(Path(s) / "fonts" for s in shares.split(":") if s)]
    return [*folders, Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path("C:/Windows/Fonts")]


def find_cjk_font() -> Font | None:
    """Look for a font with Chinese characters in the usual folders, then ask fontconfig where it is installed."""
    return search(font_folders()) or _ask_fontconfig()


def search(folders: Iterable[Path]) -> Font | None:
    """Look through folders, all the way down, for a font file known to hold Chinese characters, best first."""
    files = sorted(f for folder in folders if folder.is_dir() for f in _font_files(folder))
    for stem, family in _NAMES:
        for file in files:
            if file.stem.lower().startswith(stem):
                return Font(family, file.parent)
    return None


def _font_files(folder: Path) -> Iterable[Path]:
    for place, _, names in os.walk(folder):
        yield from (Path(place, name) for name in names if name.lower().endswith(_ENDINGS))


def _ask_fontconfig() -> Font | None:
    tool = shutil.which("fc-list")
    if tool is None:
        return None
    asked = subprocess.run(
        [tool, ":lang=zh-cn", "--format", "%{file}\t%{family[0]}\n"], capture_output=True, text=True, check=False
    )
    lines = sorted(line for line in asked.stdout.splitlines() if "\t" in line)
    if not lines:
        return None
    file, _, family = lines[0].partition("\t")
    return Font(family, Path(file).parent)


def register(font: Font) -> None:
    """Let the PNG renderer use a font."""
    import vl_convert

    vl_convert.register_font_directory(str(font.folder))
