"""Write a rule folder of many rules: `python bench/rulefolder.py FOLDER [--rules 1000] [--seed 99]`.

The shipped rules come first. The others are what a large list holds: nine in ten are phrases of three to five words, or
five to eight Chinese characters, one in ten two words of a sentence with anything between. All are cut from sentences
of the rows' own grammar under another seed, so that they hit now and then; what more than one in a thousand held-out
texts holds ("in front of") is left out, as an author of rules would.
"""

import argparse
import re
import shutil
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import yaml

from texts import LANGS, Grammar, read_words
from tocsin.standard import load_standard
from tocsin.standard.load import shipped_folder

KIND = "L-x-bench"
REGEX_SHARE = 10  # one rule in so many
PLAIN = {"en": "a quiet sentence about nothing", "zh": "一句无关的话"}
SENTENCES = 6000
HELD_OUT, MOST_HELD = 10_000, 10  # texts, and how many of them may hold what a rule looks for

Node = str | dict[str, str]


def write_folder(folder: Path, rules: int, seed: int) -> int:
    """Write the folder; return how many rules it has, every one proved by its examples."""
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    for path in (shipped_folder() / "rules").glob("*.yaml"):
        shutil.copyfile(path, folder / "rules" / path.name)
    shipped = len(load_standard(prove=False).rules)
    phrases = {lang: _Phrases(lang, seed) for lang in LANGS}
    made = {"rules": [_rule(number, phrases) for number in range(rules - shipped)]}
    text = yaml.safe_dump(made, allow_unicode=True, sort_keys=False, width=200)
    (folder / "rules" / f"{KIND}-generated.yaml").write_text(text, "utf-8")
    return len(load_standard(folder).rules)


def _rule(number: int, phrases: "dict[str, _Phrases]") -> dict[str, Any]:
    wide = number % REGEX_SHARE == 0
    nodes = {lang: p.spread() if wide else p.literal() for lang, p in phrases.items()}
    positive = {lang: [f"{PLAIN[lang]} {text}", f"{text} {PLAIN[lang]}"] for lang, (_, text) in nodes.items()}
    return {
        "id": f"{KIND}.generated-{number:05}",
        "severity": 1 + number % 3,
        "title": {"en": f"Generated rule {number}", "zh": f"生成的规则 {number}"},
        "explanation": {"en": "A phrase of the bench's own words.", "zh": "由基准测试词表生成的短语。"},
        "match": {"any": [node for node, _ in nodes.values()]},
        "examples": {"positive": positive, "negative": {lang: [PLAIN[lang], f"{PLAIN[lang]}。"] for lang in LANGS}},
    }


class _Phrases:
    """Cut phrases and pairs of words out of sentences, none twice."""

    def __init__(self, lang: str, seed: int) -> None:
        self._lang, self._random, self._seen = lang, Random(f"{seed}/rules/{lang}"), set[str]()
        grammar: dict[str, Any] = read_words()[lang]
        rng = np.random.default_rng([seed, LANGS.index(lang)])
        self._sentences = Grammar(grammar, ["-"]).sentences(rng, SENTENCES)
        self._held_out = "\n".join(t.replace("\n", " ").lower() for t in Grammar(grammar, ["-"]).texts(rng, HELD_OUT))

    def literal(self) -> tuple[Node, str]:
        """Give a phrase, and a text that holds it."""
        while True:
            units = self._units()
            size = self._random.randint(3, 5) if self._lang == "en" else self._random.randint(5, 8)
            if len(units) >= size:
                first = self._random.randint(0, len(units) - size)
                phrase = (" " if self._lang == "en" else "").join(units[first : first + size])
                if self._fresh(phrase) and self._held_out.count(phrase) <= MOST_HELD:
                    return phrase, phrase

    def spread(self) -> tuple[Node, str]:
        """Give a regex of two words with a little between them, and a text that it matches."""
        while True:
            units = self._units() if self._lang == "en" else self._pairs()
            long = [u for u in dict.fromkeys(units) if len(u.encode()) >= 6]
            if len(long) >= 2:
                one, two = self._random.sample(long, 2)
                pattern, text = self._between(one, two)
                if self._fresh(f"{one}…{two}") and len(re.findall(pattern, self._held_out)) <= MOST_HELD:
                    return {"regex": pattern}, text

    def _between(self, one: str, two: str) -> tuple[str, str]:
        if self._lang == "zh":
            return f"{one}[^。]{{0,10}}{two}", f"{one}和{two}"
        ways = (rf"\b{one} (?:\w{{1,20}} ){{0,3}}{two}\b", rf"\b{one}[^.]{{0,20}}{two}\b")
        return self._random.choice(ways), f"{one} and {two}"

    def _units(self) -> list[str]:
        """Give the longest run of words, or of Chinese characters, of a sentence."""
        sentence = self._random.choice(self._sentences).lower()
        if self._lang == "zh":
            return list(max(re.findall(r"[\u4e00-\u9fff]+", sentence), key=len, default=""))
        return max(re.findall(r"[a-z]+(?: [a-z]+)*", sentence), key=len, default="").split()

    def _pairs(self) -> list[str]:
        units = self._units()
        return ["".join(units[i : i + 2]) for i in range(0, len(units) - 1, 2)]

    def _fresh(self, phrase: str) -> bool:
        fresh = phrase not in self._seen
        self._seen.add(phrase)
        return fresh


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rules", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=99)
    given = parser.parse_args()
    print(f'{{"rules": {write_folder(given.folder, given.rules, given.seed)}}}')


if __name__ == "__main__":
    main()
