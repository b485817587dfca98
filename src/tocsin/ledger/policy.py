"""Trust policies, c2sp.org/tlog-policy: which logs, which witnesses, what quorum of them makes a checkpoint valid."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.forms.errors import FormatError, VerificationError
from tocsin.ledger.checkpoint import Checkpoint, check_empty, parse_checkpoint
from tocsin.ledger.keys import COSIGNER, ED25519, ML_DSA, VerifierKey, parse_key, verify_known
from tocsin.ledger.note import Note
from tocsin.ledger.strict import read_decimal

POLICY_BYTES = 4 << 20
BAND = 120
"""Seconds within which the clocks of a quorum must agree."""

NONE = "none"
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class LogLine:
    """A log whose checkpoints are accepted."""

    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True)
class WitnessLine:
    """A witness or mirror, under the name that groups use."""

    name: str
    key: VerifierKey
    url: str | None = None


@dataclass(frozen=True)
class Group:
    """Witnesses and groups of which `least` must have cosigned."""

    name: str
    least: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Logs, witnesses and groups in the order of their lines; the quorum names a witness, a group, or is 'none'."""

    logs: tuple[LogLine, ...] = ()
    witnesses: tuple[WitnessLine, ...] = ()
    groups: tuple[Group, ...] = ()
    quorum: str = NONE
    _members: Mapping[str, Group] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_members", {group.name: group for group in self.groups})

    def met(self, cosigned: Collection[str]) -> bool:
        """Tell whether the cosignatures of these witnesses, by name, fill the quorum."""
        return self.quorum == NONE or self._met(self.quorum, cosigned)

    def missing(self, cosigned: Collection[str]) -> list[str]:
        """Name the innermost groups and lone witnesses that keep the quorum from being filled."""
        return [] if self.quorum == NONE else list(self._missing(self.quorum, cosigned))

    def encode(self) -> bytes:
        """Write the policy without comments and spare blanks."""
        lines = [f"log {x.key.encode()}{_tail(x.url)}" for x in self.logs]
        lines += [f"witness {x.name} {x.key.encode()}{_tail(x.url)}" for x in self.witnesses]
        lines += [f"group {x.name} {x.least} {' '.join(x.members)}" for x in self.groups]
        return "".join(f"{line}\n" for line in [*lines, f"quorum {self.quorum}"]).encode(errors="surrogateescape")

    def _met(self, name: str, cosigned: Collection[str]) -> bool:
        group = self._members.get(name)
        if group is None:
            return name in cosigned
        return sum(self._met(member, cosigned) for member in group.members) >= group.least

    def _missing(self, name: str, cosigned: Collection[str]) -> Iterator[str]:
        if self._met(name, cosigned):
            return
        group = self._members.get(name)
        if group is None or not any(member in self._members for member in group.members):
            yield name
            return
        for member in group.members:
            yield from self._missing(member, cosigned)


def parse_policy(raw: bytes) -> Policy:
    """Read a policy file of at most 4 MiB. Octets above 0x7e are opaque, in names, URLs and comments.

    Errors: FormatError names the line.
    """
    if len(raw) > POLICY_BYTES or _CONTROL.search(raw):
        raise FormatError(f"the policy is above {POLICY_BYTES} bytes or holds a control character")
    reader = _Reader()
    for number, line in enumerate(raw.decode(errors="surrogateescape").split("\n"), 1):
        words = [word for word in re.split("[ \t]+", line) if word]
        if words and not words[0].startswith("#"):
            try:
                reader.take(words)
            except FormatError as error:
                raise FormatError(f"line {number} of the policy: {error}", hint=error.hint) from error
    return reader.policy()


class _Reader:
    """Gather the lines of a policy, each checked against those before it."""

    def __init__(self) -> None:
        self._logs: list[LogLine] = []
        self._witnesses: list[WitnessLine] = []
        self._groups: list[Group] = []
        self._free: dict[str, bool] = {}
        self._quorum: str | None = None

    def take(self, words: Sequence[str]) -> None:
        match list(words):
            case ["log", key, *url] if len(url) < 2:
                self._log(LogLine(_key(key, (ED25519, ML_DSA)), *url))
            case ["witness", name, key, *url] if len(url) < 2:
                self._witness(WitnessLine(name, _key(key, (COSIGNER, ML_DSA)), *url))
            case ["group", name, least, *members] if members:
                self._group(name, least, members)
            case ["quorum", name] if self._quorum is None and (name == NONE or name in self._free):
                self._quorum = name
            case _:
                raise FormatError(f"{words[0][:40]!r} with {len(words) - 1} words is no line that may stand here")

    def policy(self) -> Policy:
        if self._quorum is None:
            raise FormatError("the policy has no quorum line", hint="add one; `quorum none` asks for no cosignature")
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), self._quorum)

    def _log(self, line: LogLine) -> None:
        if any(line.key.public == other.key.public for other in self._logs):
            raise FormatError(f"the key of log {line.key.name!r} stands on two lines")
        self._logs.append(line)

    def _witness(self, line: WitnessLine) -> None:
        if any(line.key.public == other.key.public for other in self._witnesses):
            raise FormatError(f"the key of witness {line.name!r} stands on two lines")
        self._define(line.name)
        self._witnesses.append(line)

    def _group(self, name: str, least: str, members: Sequence[str]) -> None:
        for member in members:
            if not self._free.get(member):
                raise FormatError(f"{member[:40]!r} is not defined above, or is a member already")
            self._free[member] = False
        count = {"any": 1, "all": len(members)}.get(least) or read_decimal(least, "threshold")
        if not 1 <= count <= len(members):
            raise FormatError(f"the group asks for {count} of {len(members)} members")
        self._define(name)
        self._groups.append(Group(name, count, tuple(members)))

    def _define(self, name: str) -> None:
        if name == NONE or name in self._free:
            raise FormatError(f"the name {name[:40]!r} is taken")
        self._free[name] = True


@dataclass(frozen=True)
class Trusted:
    """What a policy lets one believe of a checkpoint.

    `times`: POSIX seconds by witness name, the greatest where one has signed more than once, 0 where it told none.
    """

    checkpoint: Checkpoint
    times: Mapping[str, int]
    time: int | None


def check_note(note: Note, policy: Policy, band: int = BAND) -> Trusted:
    """Check that a note is a checkpoint of a log of the policy, cosigned by its quorum with clocks that agree.

    Errors: VerificationError names what is missing; FormatError for a note that is no checkpoint.
    """
    checkpoint, times = check_log(note, policy), cosigned_by(note, policy)
    if not policy.met(times):
        missing = ", ".join(policy.missing(times))
        raise VerificationError(f"the checkpoint of {checkpoint.size} entries lacks the cosignatures of {missing}")
    time = quorum_time(policy, times, band)
    if time is None and policy.quorum != NONE:
        raise VerificationError(f"no quorum cosigned within {band} seconds: the clocks of its witnesses disagree")
    return Trusted(checkpoint, times, time)


def check_log(note: Note, policy: Policy) -> Checkpoint:
    """Check that a note is a checkpoint signed by a log of the policy whose name is its origin.

    Errors: VerificationError; FormatError.
    """
    checkpoint = parse_checkpoint(note.text)
    if not check_empty(checkpoint):
        raise VerificationError("the checkpoint of no entries has a root of its own")
    keys = [line.key for line in policy.logs if line.key.name == checkpoint.origin]
    if not keys:
        raise VerificationError(f"the policy knows no log {checkpoint.origin[:80]!r}")
    if not verify_known(note, keys):
        raise VerificationError(f"the checkpoint is not signed by the log {checkpoint.origin!r}")
    return checkpoint


def cosigned_by(note: Note, policy: Policy) -> dict[str, int]:
    """Tell which witnesses of the policy have cosigned a note, and when.

    Errors: VerificationError where a cosignature of one of them does not hold.
    """
    names = {line.key: line.name for line in policy.witnesses}
    times: dict[str, int] = {}
    for found in verify_known(note, names):
        name = names[found.key]
        times[name] = max(found.time or 0, times.get(name, 0))
    return times


def quorum_time(policy: Policy, times: Mapping[str, int], band: int = BAND) -> int | None:
    """Find the greatest time at which a quorum, all within `band` seconds before it, had cosigned; None without one.

    One wrong clock can so neither move the time nor, where the quorum does without its witness, prevent it.
    """
    if policy.quorum == NONE:
        return None
    for latest in sorted({time for time in times.values() if time}, reverse=True):
        if policy.met([name for name, time in times.items() if latest - band <= time <= latest]):
            return latest
    return None


def _key(text: str, kinds: Sequence[int]) -> VerifierKey:
    key = parse_key(text)
    if key.kind not in kinds:
        raise FormatError(f"a key of type {key.kind} cannot stand here, only of type {kinds[0]} or {kinds[1]}")
    return key


def _tail(url: str | None) -> str:
    return f" {url}" if url else ""
