"""Attacks on mirrors, with real ones: folders, keys and cosignatures, of two sides of three, two of each needed."""

import shutil
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest
from coalition_worlds import found, member, second, side, signer

from tocsin.coalition import Charter, Known, LogReader, learn, sign_statement, state
from tocsin.forms.errors import VerificationError
from tocsin.forms.statements import Notice, Stamp
from tocsin.ledger import (
    Log,
    LogLine,
    Mirror,
    Note,
    Peers,
    Policy,
    WitnessLine,
    folder_source,
    read_log,
    sync,
)
from tocsin.ledger.file_store import FileStore
from tocsin.ledger.leaves import LeafIndex

NAMES = ("a0", "a1", "a2", "b0", "b1", "b2")
ORIGIN = "log.a0.0"
NOW = second(0, 1)


@dataclass
class Room:
    """A log that may have branches, and mirrors; a mirror that cheats keeps a folder for each branch."""

    folder: Path
    first: Charter = field(
        default_factory=lambda: found([side(s, [member(f"{s}{i}") for i in range(3)]) for s in "ab"])
    )

    def log(self, branch: str) -> Log:
        folder = self.folder / branch
        folder.mkdir(exist_ok=True)
        return Log(FileStore(folder), LeafIndex(str(folder / "leaves.db")), ORIGIN)

    def mirror(self, name: str, place: str = "") -> Mirror:
        folder = self.folder / f"{name}{place}"
        folder.mkdir(exist_ok=True)
        follows = Policy(logs=(LogLine(signer(ORIGIN).key),))
        secret = sha256(name.encode()).digest()
        return Mirror(FileStore(folder), lambda: follows, [signer(f"mirror.{name}.0", 4)], lambda: NOW, secret)

    def publish(self, branch: str) -> None:
        log = self.log(branch)
        log.publish(log.sign([signer(ORIGIN)], NOW))

    def cosign(self, branch: str, mirrors: list[Mirror]) -> Note:
        """Have mirrors cosign what a branch serves; who refuses is passed over."""
        self.publish(branch)
        lines = {}
        for mirror in mirrors:
            try:
                sync(mirror, folder_source(self.folder / branch))
            except VerificationError:
                continue
            note = mirror.served(ORIGIN)
            assert note is not None
            lines |= dict.fromkeys(note.signatures)
        assert note is not None
        return Note(self.log(branch).sign([signer(ORIGIN)], NOW).text, tuple(lines))

    def write(self, branch: str, text: str) -> None:
        self.enter(branch, Notice(ORIGIN, "run", text, 10**9))

    def stamp(self, branch: str, mirrors: list[Mirror]) -> None:
        for _ in range(2):
            note = self.cosign(branch, mirrors)
            self.enter(branch, Stamp(ORIGIN, 0, self.first.hash, note.encode().decode()))

    def enter(self, branch: str, form: Notice | Stamp) -> None:
        self.log(branch).append([sign_statement(self.first.hash, form, [signer("statement.a0.0")])])

    def known(self, *branches: str) -> Known:
        prefixes = []
        for branch in branches:
            self.publish(branch)
            reader = LogReader(member("a0"), self.first.hash)
            reader.feed(read_log(folder_source(self.folder / branch)))
            prefixes.append(reader.prefix())
        return learn(self.first, lambda one: prefixes if one.origin == ORIGIN else [])

    def fork(self) -> None:
        shutil.copytree(self.folder / "one", self.folder / "two")


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return fresh_room(tmp_path)


def fresh_room(tmp_path: Path) -> Room:
    made = Room(tmp_path)
    made.write("one", "in both")
    made.fork()
    made.write("one", "in the first")
    made.write("two", "in the second")
    made.write("two", "and longer")
    return made


def texts(known: Known) -> list[str]:
    return [item.form.text for item in state(known, second(1)).notices if isinstance(item.form, Notice)]


def split(room: Room, cheats: tuple[str, ...]) -> Known:
    """Show one branch to a0, a1, b0, b1, the other to the rest and to those who cheat."""
    room.stamp("one", [room.mirror(name) for name in ("a0", "a1", "b0", "b1")])
    room.stamp("two", [*(room.mirror(f"{s}2") for s in "ab"), *(room.mirror(name, " again") for name in cheats)])
    return room.known("one", "two")


def test_a_rogue_mirror_in_every_side_forks_a_log_and_is_seen(room: Room) -> None:
    """2k-n is one here: with one cheat in every side both branches are proved, and their author is heard no more."""
    known = split(room, ("a1", "b1"))
    assert dict(known.forked) == {ORIGIN: 1}
    assert texts(known) == []
    assert texts(room.known("one")) == ["in both", "in the first"]  # who holds one only sees nothing wrong
    assert texts(room.known("two")) == ["in both", "in the second", "and longer"]


def test_rogue_mirrors_of_one_side_fork_nothing(room: Room) -> None:
    known = split(room, ("a0", "a1"))
    assert dict(known.forked) == {}
    assert texts(known) == ["in both", "in the first"]


def restored(room: Room, name: str, peer: str) -> Mirror:
    """Start a mirror from an empty backup, as every start is: it first asks a peer what it knows."""
    shutil.rmtree(room.folder / name)
    mirror = room.mirror(name)
    line = WitnessLine(peer, signer(f"mirror.{peer}.0", 4).key, str(room.folder / peer / "public"))
    peers = Peers(Policy((LogLine(signer(ORIGIN).key),), (line,)), lambda url: folder_source(Path(url)))
    for origin, size in peers.catch_up(mirror.inbox).items():
        mirror.require(origin, size)
    return mirror


def test_a_mirror_restored_from_backup_does_not_cosign_a_second_branch(room: Room) -> None:
    """Mirrors of every side have lost what they saw; the second branch, longer than the first, is shown to them."""
    room.stamp("one", [room.mirror(name) for name in ("a0", "a1", "b0", "b1")])
    back = [restored(room, "a1", "a0"), restored(room, "b1", "b0")]
    for text in ("3", "4", "5"):
        room.write("two", text)
    room.stamp("two", [*(room.mirror(f"{s}2") for s in "ab"), *back])
    known = room.known("one", "two")
    assert dict(known.forked) == {}
    assert texts(known) == ["in both", "in the first"]
