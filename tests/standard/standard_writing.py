"""Write standards for tests: one sound rule, and ways to change it."""

from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml

from tocsin.standard import Rule, Standard, load_standard

Form = dict[str, Any]
SOUND: Form = {
    "id": "L-x-test.lamp",
    "severity": 2,
    "title": {"en": "Speaks of a lamp", "zh": "提到台灯"},
    "explanation": {"en": "A made-up rule.", "zh": "虚构的规则。"},
    "match": {"any": ["blue lamp", "蓝色台灯"]},
    "examples": {
        "positive": {"en": ["a blue lamp", "Blue lamp!"], "zh": ["蓝色台灯", "我的蓝色台灯"]},
        "negative": {"en": ["a red lamp", "blue lampshade"], "zh": ["红色台灯", "蓝色椅子"]},
    },
}


def sound(**changes: Any) -> Form:
    """The sound rule; a field given as None is left out."""
    form = deepcopy(SOUND) | changes
    return {name: value for name, value in form.items() if value is not None}


def with_examples(positive: Form | None = None, negative: Form | None = None) -> Form:
    given = {"positive": positive or {}, "negative": negative or {}}
    return sound(examples={sort: SOUND["examples"][sort] | texts for sort, texts in given.items()})


def write_rules(folder: Path, *forms: Form, lists: Form | None = None, name: str = "test") -> Path:
    (folder / "rules").mkdir(parents=True, exist_ok=True)
    raw = {"lists": lists or {}, "rules": list(forms)}
    (folder / "rules" / f"{name}.yaml").write_text(yaml.safe_dump(raw, allow_unicode=True), encoding="utf-8")
    return folder


def standard_of(folder: Path, *forms: Form, lists: Form | None = None, prove: bool = True) -> Standard:
    return load_standard(write_rules(folder, *forms, lists=lists), prove=prove)


def rule_of(folder: Path, match: Any, unless: Any = None, lists: Form | None = None) -> Rule:
    """A rule with this tree, not proved."""
    return standard_of(folder, sound(match=match, unless=unless), lists=lists, prove=False).rules[0]
