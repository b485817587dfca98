"""Score the labelled training prompts with tools that anyone can install offline, for tools/measure_judgement.py.

Usage, in an environment of its own that has the peers: python tools/score_peers.py TEXTS.json FOLDER [PEER ...]

TEXTS.json lists texts in the order of the labelled files; `measure_judgement.py LABELLED --texts TEXTS.json`
writes it. Nothing of a peer is trained; each text is cut at 4000 characters.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

MOST_CHARACTERS = 4000
Score = Callable[[list[str]], list[float]]


def prompt_guardrail(texts: list[str]) -> list[float]:
    import guardify

    told = (guardify.detect(text) for text in texts)
    return [t["score"] if t["label"] != "safe" else 1 - t["score"] for t in told]


def alt_profanity_check(texts: list[str]) -> list[float]:
    from profanity_check import predict_prob

    return [float(p) for p in predict_prob(texts)]


def prompt_lint_py(texts: list[str]) -> list[float]:
    from promptlint import Firewall

    wall = Firewall(mode="monitor")
    return [float(wall.scan(text).risk_score) for text in texts]


def promptsafe(texts: list[str]) -> list[float]:
    from promptsafe.detector import scan

    return [float(scan(text)["score"]) for text in texts]


def toolwall_guard(texts: list[str]) -> list[float]:
    from toolwall.detect import CompositeDetector

    wall = CompositeDetector(use_judge=False)  # the judge is no part of what installs
    return [float(wall.score(text)[0]) for text in texts]


def aicordon_picket(texts: list[str]) -> list[float]:
    from aicordon import picket

    detector, gravity = picket.load(), {name: -place for name, place in picket.Severity.ORDER.items()}
    told = (detector.check(text) for text in texts)
    return [float(gravity.get(t.severity, -9)) if t.flagged else -10.0 for t in told]


def prismguard(texts: list[str]) -> list[float]:
    from prismguard.runtime.structural import analyze_structural

    told = (analyze_structural(text) for text in texts)  # its model is fetched at run time, its rules are not
    return [float(t.attack_score) - float(t.benign_score) for t in told]


def promptocyte(texts: list[str]) -> list[float]:
    from promptocyte import SecurityGuard

    guard = SecurityGuard(enable_ml=False)  # its model needs more than what installs
    return [float(guard.analyze(text)["risk_score"]) for text in texts]


PEERS: dict[str, Score] = {
    "prompt-guardrail": prompt_guardrail,
    "alt-profanity-check": alt_profanity_check,
    "prompt-lint-py": prompt_lint_py,
    "promptsafe": promptsafe,
    "toolwall-guard": toolwall_guard,
    "aicordon-picket": aicordon_picket,
    "prismguard": prismguard,
    "promptocyte": promptocyte,
}


def main() -> None:
    texts = [text[:MOST_CHARACTERS] for text in json.loads(Path(sys.argv[1]).read_text("utf-8"))]
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[3:] or PEERS:
        started = time.perf_counter()
        scores = PEERS[name](texts)
        held = {"seconds": time.perf_counter() - started, "scores": scores}
        (folder / f"{name}.json").write_text(json.dumps(held), encoding="utf-8")
        print(name, round(len(texts) / held["seconds"]), "texts a second")


if __name__ == "__main__":
    main()
