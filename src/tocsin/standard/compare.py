"""What changes from one standard to another, kind by kind and rule by rule, in both languages."""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.standard.load import Standard
from tocsin.standard.model import Bilingual

ADDED, REMOVED, CHANGED = "added", "removed", "changed"
CHANGES = {
    ADDED: {"en": "added", "zh": "新增"},
    REMOVED: {"en": "removed", "zh": "删除"},
    CHANGED: {"en": "changed", "zh": "修改"},
}
"""How a change is told."""


@dataclass(frozen=True)
class Change:
    """A kind or a rule that was added, removed or changed, its name as last written, and the fields that differ."""

    change: str
    what: str
    id: str
    name: Bilingual
    fields: tuple[str, ...]


def compare(old: Standard, new: Standard) -> list[Change]:
    """List what differs, kinds before rules, by id."""
    return _compare("kind", _kinds(old), _kinds(new)) + _compare("rule", _rules(old), _rules(new))


def _kinds(standard: Standard) -> dict[str, tuple[Bilingual, dict[str, object]]]:
    return {kind.id: (kind.name, kind.model_dump()) for kind in standard.kinds}


def _rules(standard: Standard) -> dict[str, tuple[Bilingual, dict[str, object]]]:
    return {rule.id: (rule.form.title, rule.form.model_dump()) for rule in standard.rules}


def _compare(
    what: str,
    old: Mapping[str, tuple[Bilingual, dict[str, object]]],
    new: Mapping[str, tuple[Bilingual, dict[str, object]]],
) -> list[Change]:
    found = []
    for name in sorted(old.keys() | new.keys()):
        change = REMOVED if name not in new else ADDED if name not in old else CHANGED
        title, now = new.get(name) or old[name]
        before = old[name][1] if change == CHANGED else now
        fields = tuple(field for field in now if before.get(field) != now[field])
        if fields or change != CHANGED:
            found.append(Change(change, what, name, title, fields))
    return found
