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
    """Hold a user's turn; `part` numbers the sessions over which a task is split, `talk` is small talk on the way."""

    text: str
    refused: bool = False
    part: int = 0
    talk: bool = False


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


def ordinary_sessions(seed: int = 1) -> list[Session]:
    """Write sessions of small talk alone, as many as there are honest twins: to fit on, not to measure by."""
    stock = read_stock()
    twins = [s for s in authored_sessions(seed) if not s.misuse]
    draw = Random(f"{seed} ordinary")
    talk = {lang: _talk(stock, at) for at, lang in enumerate(LANGUAGES)}
    turns = [tuple(Turn(text, talk=True) for text in draw.sample(talk[s.lang], len(s.turns))) for s in twins]
    return [
        Session(f"ordinary-{s.name}", "ordinary", s.lang, False, False, t) for s, t in zip(twins, turns, strict=True)
    ]


def _talk(stock: Stock, at: int) -> list[str]:
    return [pair[at] for pair, told, _, _ in stock.texts if told == "benign" and "{" not in pair[at]]


def _told(
    stock: Stock, scenario: str, at: int, label: str, draw: Random
) -> Iterator[tuple[int, int, tuple[Turn, ...]]]:
    talk = _talk(stock, at)
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
        turns.insert(place, Turn(text, part=turns[min(place, len(turns) - 1)].part, talk=True))
    return tuple(turns)


def _asked(stock: Stock, goal: Pair, scenario: str, at: int, talk: list[str], draw: Random) -> Iterator[Turn]:
    frames = draw.sample(stock.frames, 4)
    if scenario == "retry":
        yield Turn(draw.choice(talk), talk=True)
        for number, frame in enumerate(frames[:3]):
            yield Turn(frame[at].replace("{}", goal[at]), refused=number < 2)
    elif scenario == "translated":
        yield Turn(frames[0][at].replace("{}", goal[at]), refused=True)
        yield Turn(frames[1][1 - at].replace("{}", goal[1 - at]))
    else:
        texts, place = draw.sample(talk, 7), draw.randint(2, 7)
        yield from (Turn(text, talk=True) for text in texts[:place])
        yield Turn(frames[0][at].replace("{}", goal[at]))
        yield from (Turn(text, talk=True) for text in texts[place:])
