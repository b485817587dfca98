"""A bank says the same however it came together, and a crash leaves the old one or the new one."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest
from fingerprint_texts import KEY, OTHER, alarms_of, noise, said, text
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.forms import ConfigError, FormatError, TransportError
from tocsin.screen import FingerprintDetector
from tocsin.text import fold_batch
from tocsin.text.bank import Fingerprints, encode_segment, join
from tocsin.text.bank_store import add_alarms, create_bank, open_bank, remove_alarms

COUNT = 40
RANDOM = Random(11)
SAME = text("en", RANDOM, 60)  # twenty alarms of one text: more than a window's alarms that vote
TEXTS = {f"t{i:02}": SAME if i % 2 else text("zh" if i % 4 else "en", RANDOM, 30) for i in range(COUNT)}
ALARMS = {name: alarms_of({name: t}, OTHER if name == "t08" else KEY) for name, t in TEXTS.items()}
PROBES = [*dict.fromkeys(TEXTS.values()), SAME[:150], SAME[60:] + TEXTS["t00"]]


def findings(folder: Path) -> list[tuple[int, str, float, int, int]]:
    detector = FingerprintDetector(open_bank(folder), (KEY, OTHER), "1")
    matches = detector.matches(fold_batch(pa.array(PROBES, pa.string())))
    return sorted((m.line, m.alarm, m.containment, m.start, m.end) for m in matches)


def of(names: set[str]) -> Fingerprints:
    return join([ALARMS[name] for name in sorted(names)])


Step = tuple[bool, frozenset[str]]
STEPS = st.lists(st.tuples(st.booleans(), st.frozensets(st.sampled_from(sorted(TEXTS)), min_size=1)), max_size=8)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as at:
        yield Path(at) / "bank"


@settings(max_examples=60)
@given(st.frozensets(st.sampled_from(sorted(TEXTS)), min_size=1), STEPS)
def test_adding_and_removing_equals_building_anew(first: frozenset[str], steps: list[Step]) -> None:
    with tempfile.TemporaryDirectory() as at:
        grown, fresh = Path(at) / "grown", Path(at) / "fresh"
        create_bank(grown, of(set(first)))
        has = set(first)
        for adds, names in steps:
            changed = names - has if adds else names & has
            if changed:
                add_alarms(grown, of(changed)) if adds else remove_alarms(grown, changed)
                has = has | changed if adds else has - changed
        assert {name for name, _ in open_bank(grown).names()} == has
        if has:
            create_bank(fresh, of(has))
            assert findings(grown) == findings(fresh)
        else:
            assert findings(grown) == []


def test_the_bytes_follow_from_the_alarms_alone() -> None:
    names = set(TEXTS)
    backwards = join([ALARMS[name] for name in sorted(names, reverse=True)])
    assert b"".join(encode_segment(backwards)) == b"".join(encode_segment(of(names)))


def test_small_additions_leave_few_segments_and_the_large_one_alone(folder: Path) -> None:
    create_bank(folder, noise(2_000, Random(3)))
    base = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.segment")}
    for name in sorted(TEXTS):
        add_alarms(folder, ALARMS[name])
    segments = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.segment")}
    assert base.items() <= segments.items()
    assert len(segments) <= 4
    assert len(open_bank(folder)) == len(TEXTS) + 2_000


def test_a_removed_alarm_is_not_found(folder: Path) -> None:
    create_bank(folder, of(set(TEXTS)))
    assert said(FingerprintDetector(open_bank(folder), (KEY,), "1"), [TEXTS["t00"]]) == [{"t00"}]
    remove_alarms(folder, ["t00"])
    assert said(FingerprintDetector(open_bank(folder), (KEY,), "1"), [TEXTS["t00"]]) == [set()]


def test_an_alarm_comes_once_and_goes_once(folder: Path) -> None:
    create_bank(folder, of({"t00", "t02"}))
    with pytest.raises(ConfigError, match="'t02'"):
        add_alarms(folder, of({"t02", "t04"}))
    with pytest.raises(ConfigError, match="'t04'"):
        remove_alarms(folder, ["t00", "t04"])
    with pytest.raises(ConfigError, match="is a bank already"):
        create_bank(folder, of({"t04"}))
    assert sorted(name for name, _ in open_bank(folder).names()) == ["t00", "t02"]


def test_a_bank_that_is_not_there_cannot_be_read_or_changed(folder: Path) -> None:
    for change in (open_bank, lambda at: add_alarms(at, of({"t00"})), lambda at: remove_alarms(at, ["t00"])):
        with pytest.raises(TransportError):
            change(folder)


CHANGES = {
    "add": lambda at: add_alarms(at, of({"t02", "t04"})),
    "remove": lambda at: remove_alarms(at, ["t01", "t06"]),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_crash_at_any_point_leaves_the_old_bank_or_the_new(tmp_path: Path, change: str) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    create_bank(old, of({"t00", "t01", "t06", "t08", "t10"}))
    shutil.copytree(old, new)
    CHANGES[change](new)
    before, after = findings(old), findings(new)
    assert before != after
    seen, point, ended = set(), 0, False
    while not ended:
        point += 1
        hurt = tmp_path / f"hurt-{point}"
        shutil.copytree(old, hurt)
        ended = _dies_at(point, lambda at=hurt: CHANGES[change](at)) == 0
        now = findings(hurt)
        assert now in (before, after)
        seen.add(now == after)
        if now == before:
            CHANGES[change](hurt)
            assert findings(hurt) == after
        add_alarms(hurt, of({"t12"}))
        named = {"bank.json"} | {part.file for part in open_bank(hurt).parts}
        assert {path.name for path in hurt.glob("*[!g]") if path.suffix != ".growing"} == named
    assert seen == {True, False}
    assert point > 5


def _dies_at(point: int, work: object) -> int:
    """Do some work in a process of its own that ends at once at its n-th touch of a file; return its exit status."""
    child = os.fork()
    if child == 0:
        left = point

        def watch(event: str, arguments: tuple[object, ...]) -> None:
            nonlocal left
            if event in ("open", "os.rename", "os.remove", "os.truncate"):
                left -= 1
                if left == 0:
                    os._exit(9)

        sys.addaudithook(watch)
        try:
            work()  # type: ignore[operator]
        except BaseException:
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9)
    return status


def test_a_bank_checked_before_is_not_checked_again_and_any_other_is(tmp_path: Path) -> None:
    folder = tmp_path / "bank"
    create_bank(folder, of({"t00", "t01"}))
    digest = open_bank(folder).digest
    (segment,) = folder.glob("*.segment")
    raw = bytearray(segment.read_bytes())
    raw[raw.rindex(b"t01")] ^= 1
    segment.write_bytes(raw)
    assert [name for name, _ in open_bank(folder, checked=digest).names()] == ["t00", "u01"]
    for other in ("", "0" * 32):
        with pytest.raises(FormatError, match="digest is not its name"):
            open_bank(folder, checked=other)
