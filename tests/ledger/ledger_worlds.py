"""Logs, witnesses and mirrors of an imagined coalition, with real stores in a folder and a clock that tests set."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from tocsin.forms.errors import TransportError
from tocsin.ledger.checkpoint import Checkpoint
from tocsin.ledger.file_store import FileStore
from tocsin.ledger.gather import Tender, gather
from tocsin.ledger.keyfile import new_key
from tocsin.ledger.keys import COSIGNER, Signer, sign_text
from tocsin.ledger.leaves import LeafIndex
from tocsin.ledger.log import Log
from tocsin.ledger.merkle import leaf_hash, perfect_root
from tocsin.ledger.mirror import Mirror
from tocsin.ledger.note import Note
from tocsin.ledger.policy import Group, LogLine, Policy, WitnessLine
from tocsin.ledger.prove import root_of
from tocsin.ledger.upload import UploadReader
from tocsin.ledger.wire import Answer
from tocsin.ledger.witness import Witness

ORIGIN = "log.example.org/a"
START = 1_800_000_000


def steady_random(seed: object) -> "Random":
    """A stream of bytes that is the same in every run."""
    return Random(repr(seed).encode())


@dataclass
class Random:
    state: bytes

    def __call__(self, count: int) -> bytes:
        self.state = sha256(self.state).digest()
        return (self.state * (count // 32 + 1))[:count]


def key(name: str, kind: int = 1, *, ml_dsa: bool = False) -> tuple[Signer, ...]:
    return new_key(name, steady_random((name, kind)), kind, ml_dsa=ml_dsa)


@dataclass
class Clock:
    """A clock that stands where it is put."""

    at: int = START

    def __call__(self) -> int:
        return self.at


def entries(count: int, tag: str = "entry") -> list[bytes]:
    return [f"{tag} {i}".encode() for i in range(count)]


def make_log(folder: Path, origin: str = ORIGIN) -> Log:
    folder.mkdir(parents=True, exist_ok=True)
    return Log(FileStore(folder), LeafIndex(str(folder / "leaves.db")), origin)


class Between(FileStore):
    """A store in which something else happens just before the first swap of a register whose name ends so."""

    def __init__(self, root: Path, name: str, act: Callable[[], object]) -> None:
        super().__init__(root)
        self._name, self._act, self.met = name, act, False

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        if name.endswith(self._name) and not self.met:
            self.met = True
            self._act()
        return super().swap(name, old, new)


@dataclass
class Cosigner:
    """A witness or a mirror that answers at an address without a network."""

    url: str
    signers: tuple[Signer, ...]
    app: Witness | Mirror

    def post(self, call: str, body: bytes) -> Answer:
        witness = self.app if isinstance(self.app, Witness) else self.app.inbox
        if call == "add-checkpoint":
            return witness.add_checkpoint(body)
        if isinstance(self.app, Mirror):
            return upload(self.app, body)
        return Answer(404)


def upload(mirror: Mirror, body: bytes) -> Answer:
    """Take an upload as the server does, from its bytes."""
    from gzip import decompress

    reader, begun = UploadReader(), None
    for package in reader.feed(decompress(body)):
        begun = begun or mirror.begin(reader.head)
        if isinstance(begun, Answer):
            return begun
        refused = begun.take(package)
        if refused:
            return refused
    begun = begun or mirror.begin(reader.head)
    return begun if isinstance(begun, Answer) else begun.finish(complete=reader.complete)


@dataclass
class Net:
    """Carries requests to those who listen; who is in `down` does not answer."""

    at: dict[str, Cosigner] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)

    def __call__(self, method: str, url: str, body: bytes, headers: Mapping[str, str], most: int) -> Answer:
        base, _, call = url.rpartition("/")
        if base in self.down or base not in self.at:
            raise TransportError(f"no answer: {base}")
        return self.at[base].post(call, body)


@dataclass
class World:
    """A log, cosigners of two sides, and the policy that asks for all of both."""

    folder: Path
    clock: Clock = field(default_factory=Clock)
    net: Net = field(default_factory=Net)
    log_key: tuple[Signer, ...] = field(default_factory=lambda: key(ORIGIN))

    def __post_init__(self) -> None:
        self.log = make_log(self.folder / "log")

    def follows(self) -> Policy:
        return Policy(logs=tuple(LogLine(signer.key) for signer in self.log_key))

    def witness(self, name: str, *, ml_dsa: bool = False, clock: Clock | None = None) -> Cosigner:
        store = FileStore(self._new(name))
        signers = key(name, COSIGNER, ml_dsa=ml_dsa)
        return self._joins(name, signers, Witness(store, "witness", self.follows, signers, clock or self.clock))

    def mirror(self, name: str, *, clock: Clock | None = None) -> Cosigner:
        store = FileStore(self._new(name))
        signers = key(name, COSIGNER)
        mirror = Mirror(store, self.follows, signers, clock or self.clock, steady_random(name)(32))
        return self._joins(name, signers, mirror)

    def policy(self, sides: Mapping[str, Sequence[Cosigner]], least: int | None = None) -> Policy:
        """All sides, of each `least` of its cosigners, or every one."""
        lines = [
            WitnessLine(f"{c.url[7:]}{'' if n == 0 else n}", s.key, c.url)
            for side in sides.values()
            for c in side
            for n, s in enumerate(c.signers)
        ]
        groups = [Group(name, least or len(side), tuple(c.url[7:] for c in side)) for name, side in sides.items()]
        all_sides = Group("all-sides", len(sides), tuple(sides))
        return Policy(self.follows().logs, tuple(lines), (*groups, all_sides), "all-sides")

    def checkpoint(self) -> Note:
        return self.log.sign(self.log_key, self.clock())

    def cosigned(self, policy: Policy) -> Note:
        tender = Tender(self.checkpoint(), self.log.tree.hashes(), self.log.tree.entries)
        note = gather(tender, policy, self.net).note
        self.log.publish(note)
        return note

    def _new(self, name: str) -> Path:
        folder = self.folder / name.replace("/", "-")
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _joins(self, name: str, signers: tuple[Signer, ...], app: Witness | Mirror) -> Cosigner:
        joined = Cosigner(f"http://{name}", signers, app)
        self.net.at[joined.url] = joined
        return joined


@dataclass(frozen=True)
class Branch:
    """A tree in memory, which a cheating log may grow as it likes, with its proofs by the plain definition."""

    entries: tuple[bytes, ...]
    known: dict[tuple[int, int], bytes] = field(default_factory=dict, compare=False, repr=False)

    def root(self, size: int | None = None) -> bytes:
        return root_of(self.hashes, 0, len(self.entries) if size is None else size)

    def hashes(self, height: int, index: int) -> bytes:
        if (height, index) not in self.known:
            low = index << height
            leaves = [leaf_hash(e) for e in self.entries[low : low + (1 << height)]]
            self.known[height, index] = perfect_root(leaves)
        return self.known[height, index]

    def note(self, signers: Iterable[Signer], size: int | None = None, origin: str = ORIGIN) -> Note:
        count = len(self.entries) if size is None else size
        return sign_text(Checkpoint(origin, count, self.root(count)).text(), [*signers], START)
