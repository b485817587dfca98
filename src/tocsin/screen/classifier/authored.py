"""Authored sessions, half of them benign look-alikes: what the scale of sessions is fitted on, and judged by.

Five ways of misuse over turns, each with its honest twin: a chain of steps towards harm, the same chain split over
sessions of an account, a request retried after refusals, one asked again in the other language, one that hides among
harmless turns. No message model is trained on their goals
and steps. Ideas of an even number are fitted on, those of an odd number measured.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tocsin.screen.classifier.labelled import LANGUAGES
from tocsin.screen.classifier.written import Pair, Stock, read_stock

SCENARIOS = ("chain", "split", "retry", "translated", "hidden")
VARIANTS = 2  # of a chain, with other small talk between its steps


@dataclass(frozen=True, slots=True)
class Turn:
    """Hold a user's turn; `part` numbers the sessions over which a task is split."""

    text: str
    refused: bool = False
    part: int = 0


@dataclass(frozen=True, slots=True)
class Session:
    """Hold an authored session, or the few over which one task is split."""

    name: str
    scenario: str
    lang: str
    misuse: bool
    held_out: bool
    turns: tuple[Turn, ...]


def authored_sessions(seed: int = 1) -> list[Session]:
    """Write the sessions; the same seed gives the same ones."""
    stock = read_stock()
    return [
        Session(f"{scenario}-{lang}-{label}-{idea}-{variant}", scenario, lang, label == "misuse", idea % 2 == 1, turns)
        for scenario in SCENARIOS
        for at, lang in enumerate(LANGUAGES)
        for label in ("misuse", "benign")
        for idea, variant, turns in _told(stock, scenario, at, label, Random(f"{seed} {scenario} {lang} {label}"))
    ]


def _told(
    stock: Stock, scenario: str, at: int, label: str, draw: Random
) -> Iterator[tuple[int, int, tuple[Turn, ...]]]:
    talk = [pair[at] for pair, told, _, _ in stock.texts if told == "benign" and "{" not in pair[at]]
    if scenario in ("chain", "split"):
        chains = [steps for steps, told, _ in stock.chains if told == label]
        for idea, steps in enumerate(chains):
            for variant in range(VARIANTS):
                yield idea, variant, _walk([s[at] for s in steps], scenario == "split", draw.sample(talk, 3), draw)
        return
    goals = [pair for pair, told in stock.kept if told == label]
    for idea, goal in enumerate(goals):
        yield idea, 0, tuple(_asked(stock, goal, scenario, at, talk, draw))


def _walk(steps: list[str], split: bool, talk: list[str], draw: Random) -> tuple[Turn, ...]:
    turns = [Turn(text, part=n // 2 if split else 0) for n, text in enumerate(steps)]
    for text in talk:
        place = draw.randint(0, len(turns))
        turns.insert(place, Turn(text, part=turns[min(place, len(turns) - 1)].part))
    return tuple(turns)


def _asked(stock: Stock, goal: Pair, scenario: str, at: int, talk: list[str], draw: Random) -> Iterator[Turn]:
    frames = draw.sample(stock.frames, 4)
    if scenario == "retry":
        yield Turn(draw.choice(talk))
        for number, frame in enumerate(frames[:3]):
            yield Turn(frame[at].replace("{}", goal[at]), refused=number < 2)
    elif scenario == "translated":
        yield Turn(frames[0][at].replace("{}", goal[at]), refused=True)
        yield Turn(frames[1][1 - at].replace("{}", goal[1 - at]))
    else:
        texts = draw.sample(talk, 7)
        texts.insert(draw.randint(2, 7), frames[0][at].replace("{}", goal[at]))
        yield from map(Turn, texts)
