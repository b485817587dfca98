"""Two standards compared: what was added, removed, changed."""

from pathlib import Path
from shutil import copytree

from tocsin.standard import compare, load_standard, shipped_folder


def test_a_standard_differs_from_itself_in_nothing() -> None:
    same = load_standard(prove=False)
    assert compare(same, same) == []


def test_a_changed_and_a_removed_rule_are_named_in_both_languages(tmp_path: Path) -> None:
    copytree(shipped_folder(), tmp_path / "new")
    first, second, *_ = sorted((tmp_path / "new" / "rules").glob("M*.yaml"))
    kept = first.read_text("utf-8")
    assert "severity: 3" in kept
    first.write_text(kept.replace("severity: 3", "severity: 2", 1), "utf-8")
    second.unlink()
    old, new = load_standard(prove=False), load_standard(tmp_path / "new", prove=False)
    found = compare(old, new)
    changed = [c for c in found if c.change == "changed"]
    assert [c.fields for c in changed] == [("severity",)]
    removed = [c.id for c in found if c.change == "removed"]
    assert removed == sorted({r.id for r in old.rules} - {r.id for r in new.rules})
    assert removed
    assert all(c.name.en and c.name.zh for c in found)
    assert [c.change for c in compare(new, old) if c.id in removed] == ["added"] * len(removed)
