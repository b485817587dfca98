"""Scenarios for tests, as tables that a TOML file would give."""

from typing import Any

from tocsin.exercise import Scenario

Table = dict[str, Any]
SAID = {"en": "a test", "zh": "测试"}


def provider(side: str, **more: Any) -> Table:
    return {"side": side, "recall": {"M01": 0.05}, "heed": {"a": 1, "b": 1}, **more}


def table(**more: Any) -> Table:
    """Two sides of three, one kind of campaign."""
    return {
        "name": "small", "title": SAID, "about": SAID, "days": 100,
        "providers": [provider("a", count=3), provider("b", count=3)],
        "campaigns": [{"kind": "M01", "rate": 0.5}],
        **more,
    }  # fmt: skip


def scenario(**more: Any) -> Scenario:
    return Scenario.model_validate(table(**more))


def lively(**more: Any) -> Scenario:
    """Everything at once, with ranges: three sides, an outside, poison, innocents, reviews."""
    heed = {"a": [0.5, 1], "b": [0.1, 0.6], "c": 0.3}
    flagged = {"M01": [1e-3, 1e-2, "log"]}
    shared: Table = {"recall": {"M01": [0.02, 0.2, "log"], "M03": 0.1}, "false_positives": flagged, "heed": heed}
    whole: Table = {
        "days": 120,
        "providers": [
            {"side": "a", "count": 2, "size": 3, "capacity": [0.5, 2], "delay": 1, **shared},
            {"side": "b", "count": 2, "capacity": 1, **shared},
            {"side": "c", "delay": [0, 4], **shared},
        ],
        "campaigns": [
            {"kind": "M01", "rate": 0.4, "displacement": [0.5, 1], "return_delay": {"median": 2, "sigma": 1}},
            {"kind": "M03", "rate": 0.6, "skill_growth": 0.1, "lifetime": {"median": 60, "sigma": 0.5}, "harm": 2},
        ],
        "outside": {"start": 0.1, "pull": 0.1, "last_resort": 0.8, "harm": [0.2, 0.8]},
        "innocents": {"people": 3000, "accounts": 3},
        "detectors": {"shared_misses": 0.4, "shared_errors": 10},
        "review": {"confirms": 0.8, "clears": 0.7, "days": {"median": 2, "sigma": 0.7}},
        "poison": {"side": "b", "rate": [0.1, 1]},
    }
    return scenario(**{**whole, **more})
