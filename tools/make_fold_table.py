"""Write src/tocsin/text/fold_table.tsv, the per-code-point map behind the fold.

Needs the development packages OpenCC (Apache-2.0: traditional to simplified characters) and confusable-homoglyphs
(MIT, carrying Unicode's confusables, Unicode License): `pip install OpenCC==1.4.2 confusable-homoglyphs==3.3.1`. The
table is shipped, so that the fold means the same under every Python and Unicode version.
"""

import json
import re
import sys
import unicodedata as ucd
from importlib.resources import files
from pathlib import Path

import opencc

TABLE = Path(__file__).parent.parent / "src/tocsin/text/fold_table.tsv"
HANGUL = range(0xAC00, 0xD7A4)
FILLERS = {0x115F, 0x1160, 0x3164, 0xFFA0, 0x2065, *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)}
BLANKS = {0x2800}
MARKS = {
    **dict.fromkeys("‘’‚‛ʼʹ′`´ʻʽˈ", "'"),
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−⁃﹘˗", "-"),
}
NAMED = re.compile(
    r"LATIN (?:SMALL|CAPITAL) LETTER (?:DOTLESS )?([A-Z])(?: WITH .*)?|LATIN LETTER SMALL CAPITAL ([A-Z])"
)
ENCLOSED = re.compile(r"(?:REGIONAL INDICATOR SYMBOL LETTER|NEGATIVE (?:CIRCLED|SQUARED) LATIN CAPITAL LETTER) ([A-Z])")
NO_LOOKALIKE = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "KANGXI", "YI ", "IDEOGRAPHIC")


def lookalikes() -> dict[str, str]:
    """Map a character to the one ASCII letter or digit that it imitates, letters first."""
    data = json.loads(files("confusable_homoglyphs").joinpath("confusables.json").read_text())
    found = {}
    for char, entries in data.items():
        if len(char) != 1 or char.isascii() or ucd.name(char, "").startswith(NO_LOOKALIKE):
            continue
        ascii_twins = [e["c"] for e in entries if len(e["c"]) == 1 and e["c"].isascii() and e["c"].isalnum()]
        if ascii_twins and ucd.category(char)[0] in "LNS":
            found[char] = min(ascii_twins, key=lambda c: (c.isdigit(), c)).lower()
    return found


def named(char: str) -> str | None:
    """Read a Latin letter out of the character's Unicode name."""
    match = NAMED.fullmatch(ucd.name(char, "")) or ENCLOSED.fullmatch(ucd.name(char, ""))
    return next(g for g in match.groups() if g).lower() if match else None


def simplified() -> dict[str, str]:
    """Map traditional characters to simplified ones, one to one."""
    convert = opencc.OpenCC("t2s").convert
    ranges = [range(0x3400, 0x4DC0), range(0x4E00, 0xA000), range(0x20000, 0x2EBE1), range(0x30000, 0x3134B)]
    pairs = {chr(c): convert(chr(c)) for r in ranges for c in r}
    return {k: v for k, v in pairs.items() if k != v and len(v) == 1}


class Folder:
    """Fold one code point to the end: until nothing changes."""

    def __init__(self) -> None:
        self.similar, self.simple = lookalikes(), simplified()

    def once(self, char: str) -> str:
        code = ord(char)
        if code < 0x80:
            return char.lower() if char.isprintable() else (" " if char.isspace() else "")
        if code in HANGUL:
            return char
        if char.isspace() or code in BLANKS or ucd.category(char)[0] == "Z":
            return " "
        if code in FILLERS or ucd.category(char) in ("Mn", "Me", "Cf", "Cc"):
            return ""
        if char in MARKS:
            return MARKS[char]
        plain = ucd.normalize("NFKD", char.casefold())
        if plain.isascii():
            return plain
        lower, upper = char.lower(), char.upper()
        own = self.similar.get(char)
        sure = own if own != "l" else None  # capitals that look like I are listed as l
        twin = sure or self.similar.get(lower) or named(char) or own or self.similar.get(upper)
        return twin or self.simple.get(char) or plain

    def __call__(self, char: str) -> str:
        seen = char
        while (folded := "".join(map(self.once, seen))) != seen:
            seen = folded
        return seen


def main() -> int:
    folder = Folder()
    codes = (c for c in range(0x110000) if not 0xD800 <= c < 0xE000)
    lines = [f"{c:X}\t{' '.join(f'{ord(x):X}' for x in out)}" for c in codes if (out := folder(chr(c))) != chr(c)]
    head = f"# code point<TAB>what it folds to; Unicode {ucd.unidata_version}; made by tools/make_fold_table.py"
    text = "\n".join([head, *lines]) + "\n"
    if "--check" in sys.argv:
        return int(TABLE.read_text() != text)
    TABLE.write_text(text)
    print(f"{len(lines)} code points, {len(text)} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
