"""Texts written for training, in both languages from the same ideas: `written/*.txt` and how they are expanded.

A section head names what its lines are: `[frame]` a way of asking, with {} for what is asked; `[goal LABEL KIND]` what
is asked; `[slot NAME]` what stands for {NAME}; `[text LABEL KIND]` a whole text, in which {bad} and {good} stand for
goals; `[chain LABEL KIND]` the steps of one session; `[kept LABEL KIND]` goals that nothing is trained on. Chains and
kept goals are for `authored`. A line holds English, ` | `, Chinese. All is shape: nothing that could be used.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from random import Random
from re import Match, sub

from tocsin.forms import FormatError
from tocsin.screen.classifier.labelled import LANGUAGES, Row

FRAMES_A_GOAL = 6  # one of them none at all
TEXTS_A_PATTERN, MANY_SLOTS, TEXTS_OF_MANY = 8, 4, 32
LONG_TEXTS = 300
LONG_PARTS = (4, 14)
HIDDEN_SHARE = 0.3  # of long texts, those in which a harmful goal hides
Pair = tuple[str, str]


@dataclass
class Stock:
    """Hold what was written: pairs of an English and a Chinese line."""

    frames: list[Pair] = field(default_factory=list)
    goals: list[tuple[Pair, str, str, str]] = field(default_factory=list)  # pair, label, kind, file
    kept: list[tuple[Pair, str]] = field(default_factory=list)  # goals that nothing is trained on, label
    texts: list[tuple[Pair, str, str, str]] = field(default_factory=list)
    chains: list[tuple[list[Pair], str, str]] = field(default_factory=list)  # steps, label, kind
    slots: dict[str, list[Pair]] = field(default_factory=lambda: defaultdict(list))


def written_rows(seed: int) -> list[Row]:
    """Expand all that was written; the same seed gives the same rows."""
    stock = read_stock()
    rows = []
    for at, lang in enumerate(LANGUAGES):
        draw = Random(f"{seed} {lang}")
        short = [*_asked(stock, at, draw), *_told(stock, at, draw)]
        rows += [Row(t, lang, label, kind=kind, source=f"written-{name}") for t, label, kind, name in short]
        rows += [Row(t, lang, label, kind=kind, source="written-long") for t, label, kind in _long(short, draw)]
    return rows


def read_stock() -> Stock:
    """Read the files that ship with the package."""
    stock = Stock()
    for file in sorted(files("tocsin.screen.classifier").joinpath("written").iterdir(), key=lambda f: f.name):
        if file.name.endswith(".txt"):
            _read(file.read_text("utf-8"), file.name.removesuffix(".txt"), stock)
    return stock


def _read(text: str, name: str, stock: Stock) -> None:
    head: list[str] = []
    for line in text.splitlines():
        if line.startswith("["):
            head = line.strip("[]").split()
            if head[0] == "chain":
                stock.chains.append(([], head[1], head[2]))
        elif line and not line.startswith("#"):
            _take(line, head, name, stock)


def _take(line: str, head: list[str], name: str, stock: Stock) -> None:
    pair = tuple(part.strip() for part in line.split(" | "))
    if len(pair) != 2 or not all(pair):
        raise FormatError(f"a line of {name!r} has {len(pair)} parts, not 2", hint="write: English | Chinese")
    match head:
        case ["frame"]:
            stock.frames.append((pair[0], pair[1]))
        case ["chain", _, _]:
            stock.chains[-1][0].append((pair[0], pair[1]))
        case ["kept", label, _]:
            stock.kept.append(((pair[0], pair[1]), label))
        case ["slot", slot]:
            stock.slots[slot].append((pair[0], pair[1]))
        case ["goal" | "text" as what, label, kind]:
            source = f"{name}-{kind}" if label == "misuse" else name
            (stock.goals if what == "goal" else stock.texts).append(((pair[0], pair[1]), label, kind, source))
        case _:
            raise FormatError(
                f"no section {' '.join(head)!r} in {name!r}", hint="use frame, goal, kept, slot, text or chain"
            )


def _asked(stock: Stock, at: int, draw: Random) -> Iterator[tuple[str, str, str, str]]:
    for goal, label, kind, name in stock.goals:
        yield goal[at], label, kind, name
        for frame in draw.sample(stock.frames, FRAMES_A_GOAL - 1):
            yield frame[at].replace("{}", goal[at]), label, kind, name


def _told(stock: Stock, at: int, draw: Random) -> Iterator[tuple[str, str, str, str]]:
    fillers = {name: [pair[at] for pair in pairs] for name, pairs in stock.slots.items()}
    for slot, label in (("bad", "misuse"), ("good", "benign")):
        fillers[slot] = [goal[at] for goal, told, _, _ in stock.goals if told == label]
    for text, label, kind, name in stock.texts:
        count = TEXTS_A_PATTERN if text[at].count("{") < MANY_SLOTS else TEXTS_OF_MANY
        variants = {_filled(text[at], fillers, draw) for _ in range(count)}
        for variant in sorted(variants):
            yield variant, label, kind, name


def _filled(text: str, fillers: dict[str, list[str]], draw: Random) -> str:
    def fill(slot: Match[str]) -> str:
        return draw.choice(fillers[slot[1]])

    while (more := sub(r"\{(\w+)\}", fill, text)) != text:  # what fills a slot may hold another
        text = more
    return text


def _long(short: Sequence[tuple[str, str, str, str]], draw: Random) -> Iterator[tuple[str, str, str]]:
    """Join harmless texts to long ones; some hide one that is harmful."""
    harmless = [text for text, label, _, _ in short if label == "benign"]
    harmful = [(text, kind) for text, label, kind, _ in short if label == "misuse"]
    for _ in range(LONG_TEXTS):
        parts = draw.sample(harmless, draw.randint(*LONG_PARTS))
        label, kind = "benign", "none"
        if draw.random() < HIDDEN_SHARE:
            text, kind = draw.choice(harmful)
            parts[draw.randrange(len(parts))], label = text, "misuse"
        yield draw.choice(["\n", "\n\n", " "]).join(parts), label, kind
