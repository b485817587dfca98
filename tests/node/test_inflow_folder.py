"""A followed folder: written to, rotated, truncated, replaced, deleted, while the follower dies and comes back."""

import json
import shutil
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tocsin.forms import TransportError
from tocsin.forms.limits import LINE_BYTES
from tocsin.node.inflow.folder import CHUNK_BYTES, Folder, Place, cut

NOW = 4_000_000_000.0  # long after anything was written
PATTERNS = ("*.jsonl*",)


class Reader:
    """A follower that keeps its places as the job does: after what it took was stored."""

    def __init__(self, path: Path) -> None:
        self.path, self.places, self.got = path, dict[int, Place](), list[bytes | None]()
        self.folder = Folder(path, PATTERNS, 10.0)

    def round(self, now: float = 0.0, *, dies: bool = False) -> int:
        took = 0
        for take in self.folder.takes(dict(self.places), now):
            self.got += take.lines
            took += len(take.lines)
            if dies:
                break
            self.places[take.place.inode] = take.place
            if take.gone:
                del self.places[take.place.inode]
        if dies:
            self.folder.close()
            self.folder = Folder(self.path, PATTERNS, 10.0)
        return took

    def all(self, now: float = 0.0) -> list[bytes | None]:
        while self.round(now):
            pass
        return self.got


def numbered(number: int) -> bytes:
    return json.dumps({"id": number}).encode()


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path)


def test_a_half_line_waits_until_it_is_whole(reader: Reader) -> None:
    log = reader.path / "a.jsonl"
    log.write_bytes(b'{"id": 1}\n{"id"')
    assert reader.all() == [b'{"id": 1}']
    with log.open("ab") as file:
        file.write(b": 2}\n")
    assert reader.all() == [b'{"id": 1}', b'{"id": 2}']


def test_a_last_line_without_an_end_counts_once_nobody_writes_any_more(reader: Reader) -> None:
    (reader.path / "a.jsonl").write_bytes(b'{"id": 1}')
    (reader.path / "b.jsonl").write_bytes(b'{"id":')
    assert reader.all() == []
    assert reader.all(NOW) == [b'{"id": 1}']
    with (reader.path / "a.jsonl").open("ab") as file:
        file.write(b'\n{"id": 2}\n')
    assert reader.all() == [b'{"id": 1}', b"", b'{"id": 2}']


def test_what_is_rotated_goes_on_under_its_new_name_after_a_restart(reader: Reader) -> None:
    log = reader.path / "a.jsonl"
    log.write_bytes(b'{"id": 1}\n{"id": 2')
    reader.all()
    reader.round(dies=True)
    log.rename(reader.path / "old-name-that-does-not-fit")
    with (reader.path / "old-name-that-does-not-fit").open("ab") as file:
        file.write(b"}\n")
    log.write_bytes(b'{"id": 3}\n')
    assert reader.all() == [b'{"id": 1}', b'{"id": 2}', b'{"id": 3}']


def test_a_deleted_file_is_read_to_its_end(reader: Reader) -> None:
    log = reader.path / "a.jsonl"
    log.write_bytes(b'{"id": 1}\n')
    reader.all()
    with log.open("ab") as file:
        file.write(b'{"id": 2}\n{"id"')
    log.unlink()
    assert reader.all() == [b'{"id": 1}', b'{"id": 2}', b'{"id"']
    assert (reader.round(), reader.places) == (0, {})


def test_a_file_written_anew_in_place_is_read_from_its_start(reader: Reader) -> None:
    log = reader.path / "a.jsonl"
    log.write_bytes(numbered(1) + b"\n")
    reader.all()
    log.write_bytes(numbered(2) + b"\n")  # as long as before
    reader.all()
    log.write_bytes(numbered(3) + b"\n" + numbered(4) + b"\n")
    assert reader.all() == [numbered(n) for n in (1, 2, 3, 4)]


def test_a_line_too_long_is_passed_over_in_bounded_pieces(reader: Reader) -> None:
    long = b"x" * (2 * CHUNK_BYTES)
    (reader.path / "a.jsonl").write_bytes(numbered(1) + b"\n" + long + b"\n" + numbered(2) + b"\n")
    for _ in range(4):
        reader.round(dies=False)
    assert reader.got == [numbered(1), None, numbered(2)]


def test_other_names_links_to_folders_and_packed_files_are_left_alone(reader: Reader, tmp_path_factory) -> None:
    for name in ("a.txt", "a.jsonl.gz", "a.jsonl.1.zst"):
        (reader.path / name).write_bytes(numbered(1) + b"\n")
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "b.jsonl").write_bytes(numbered(2) + b"\n")
    (reader.path / "link").symlink_to(elsewhere)
    below = reader.path / "below"
    below.mkdir()
    (below / "c.jsonl.1").write_bytes(numbered(3) + b"\n")
    assert reader.all() == [numbered(3)]


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TransportError):
        list(Folder(tmp_path / "none", PATTERNS, 1).takes({}, 0.0))


def test_cutting_never_holds_more_than_a_chunk() -> None:
    assert cut(b"x" * LINE_BYTES, skipping=False, start=True) == ([], 0, False)
    assert cut(b"x" * (LINE_BYTES + 1), skipping=False, start=True) == ([None], LINE_BYTES + 1, True)
    assert cut(b"rest\nnext\nhal", skipping=True, start=False) == ([b"next"], 10, False)
    assert cut(b"\xef\xbb\xbfa\n", skipping=False, start=True) == ([b"a"], 5, False)


class Writing(RuleBasedStateMachine):
    """Whatever happens to the files, and whenever the follower dies, every line comes at least once and unbroken."""

    @initialize()
    def begin(self) -> None:
        import tempfile

        self.path = Path(tempfile.mkdtemp())
        self.reader = Reader(self.path)
        self.log = self.path / "a.jsonl"
        self.next, self.rest, self.rotated = 0, b"", 0

    @rule(lines=st.integers(1, 4), part=st.integers(0, 12))
    def write(self, lines: int, part: int) -> None:
        data = self.rest
        for _ in range(lines):
            data += numbered(self.next) + b"\n"
            self.next += 1
        keep = min(part, len(data))
        with self.log.open("ab") as file:
            file.write(data[: len(data) - keep])
        self.rest = data[len(data) - keep :]

    def finish_line(self) -> None:
        with self.log.open("ab") as file:
            file.write(self.rest)
        self.rest = b""

    @rule()
    def rotate(self) -> None:
        self.finish_line()
        self.rotated += 1
        self.log.rename(self.path / f"a.jsonl.{self.rotated}")

    @rule()
    def copy_and_truncate(self) -> None:
        self.finish_line()
        self.rotated += 1
        shutil.copy(self.log, self.path / f"a.jsonl.{self.rotated}")
        self.log.write_bytes(b"")

    @rule()
    def replace(self) -> None:
        self.finish_line()
        self.reader.all()
        new = self.path / "new.tmp"
        new.write_bytes(numbered(self.next) + b"\n")
        self.next += 1
        new.replace(self.log)

    @rule(dies=st.booleans())
    def follow(self, dies: bool) -> None:
        self.reader.round(dies=dies)

    def teardown(self) -> None:
        if hasattr(self, "path"):
            self.finish_line()
            got = self.reader.all(NOW)
            self.reader.folder.close()
            shutil.rmtree(self.path)
            assert {line for line in got if line} == {numbered(n) for n in range(self.next)}


TestWriting = Writing.TestCase
TestWriting.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
