"""Fingerprint banks from case files, and what a bank says of a text."""

import json
import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tocsin.forms import TRAFFIC, ConfigError, FormatError, PolicyError, TransportError
from tocsin.forms.limits import ID_BYTES
from tocsin.screen import FingerprintDetector
from tocsin.standard import Standard, load_standard
from tocsin.text import (
    Crowd,
    Fingerprints,
    GroupKey,
    Hashes,
    add_alarms,
    common_windows,
    create_bank,
    fold_batch,
    join,
    open_bank,
    remove_alarms,
    thin,
)
from tocsin.traffic import SUFFIXES, SeenIds, find_sources, pull
from tocsin.traffic.sample import build_sample

TOLD = ("user", "tool")
SHARED_CHANNELS = ("core", "one-side")
FIELDS = [name for name in TRAFFIC.names if TRAFFIC.field(name).type == pa.string()]


@dataclass(frozen=True, slots=True)
class AlarmBank:
    """Name the bank that a run looks in, as it was when the run began; `keys` are the bytes of key files."""

    folder: Path
    keys: tuple[bytes, ...] = field(repr=False)
    digest: str

    @property
    def name(self) -> str:
        """Name all that decides what it finds."""
        return f"{self.digest} {sorted(f'{GroupKey.of(key).mark:016x}' for key in set(self.keys))}"

    def detector(self, standard_version: str, keep_evidence: bool) -> FingerprintDetector:
        """Open the bank again, which was checked whole when the run began.

        Errors: TransportError where it changed since the run began; as `open_bank` besides.
        """
        bank = open_bank(self.folder, checked=self.digest)
        if bank.digest != self.digest:
            raise TransportError(f"the bank {self.folder.name!r} changed during the run", hint="run it again")
        return FingerprintDetector(bank, _keys(self.keys), standard_version, keep_evidence)


def alarm_bank(folder: Path | None, keys: Sequence[bytes], cache: Path | None = None) -> AlarmBank | None:
    """Name a bank and its keys for a run, checked whole; None where no bank is asked for.

    A note under `cache` says which files were checked before: they are not gone through again until one changes.
    Errors: ConfigError for a bank without a key or a key without a bank; as `open_bank` besides.
    """
    if (folder is None) != (not keys):
        raise ConfigError("a bank and a group key go together", hint="use --alarms BANK --group-key KEY")
    return AlarmBank(folder, tuple(keys), _checked(folder, cache)) if folder else None


def _checked(folder: Path, cache: Path | None) -> str:
    """Check a bank; return its digest."""
    if cache is None:
        return open_bank(folder).digest
    note = cache / f"{_files_of(folder)}.bank"
    try:
        known = note.read_text("ascii")
    except (OSError, ValueError):
        known = ""
    digest = open_bank(folder, checked=known).digest
    if digest != known and note.name == f"{_files_of(folder)}.bank":
        with suppress(OSError):  # a cache that cannot be written costs time, nothing else
            cache.mkdir(parents=True, exist_ok=True)
            growing = note.with_suffix(f".{os.getpid()}")
            growing.write_text(digest, "ascii")
            growing.replace(note)
    return digest


def _files_of(folder: Path) -> str:
    """Name the files of a folder as they are: whoever writes to one, or puts another in its place, changes the name."""
    try:
        seen = sorted((entry.name, entry.stat()) for entry in os.scandir(folder))
    except OSError:
        return "nothing"  # opening it says why
    told = [(name, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino, s.st_dev) for name, s in seen]
    return blake2b(repr(told).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class CaseFiles:
    """Say which events are alarms: one a file, or one a value of a column."""

    inputs: tuple[str, ...]
    kind: str
    by: str | None = None
    benign: tuple[str, ...] = ()
    standard: Path | None = None


def build_bank(folder: Path, files: CaseFiles, key: bytes) -> int:
    """Make a bank of the alarms of case files; return how many.

    Errors: PolicyError where an alarm may not be shared; ConfigError for options; FormatError and TransportError for
    inputs and the bank.
    """
    alarms = _fingerprints(files, GroupKey.of(key))
    create_bank(folder, alarms)
    return len(alarms)


def extend_bank(folder: Path, files: CaseFiles, key: bytes) -> int:
    """Add the alarms of case files to a bank; return how many. Errors: as `build_bank`."""
    alarms = _fingerprints(files, GroupKey.of(key))
    add_alarms(folder, alarms)
    return len(alarms)


def shrink_bank(folder: Path, ids: Sequence[str]) -> None:
    """Remove alarms from a bank."""
    remove_alarms(folder, ids)


def describe_bank(folder: Path) -> dict[str, Any]:
    """Count what a bank holds, and list its alarms."""
    bank = open_bank(folder)
    return {
        "alarms": len(bank),
        "segments": len(bank.parts),
        "bytes": sum(part.size for part in bank.parts),
        "groups": sorted(f"{mark:016x}" for mark in bank.marks),
        "digest": bank.digest,
        "ids": [{"id": name, "kind": kind} for name, kind in sorted(bank.names())],
    }


def look_up(text: str, folder: Path, keys: Sequence[bytes]) -> list[dict[str, Any]]:
    """Say which alarms a text holds, as the user's event that it might be; spans count code points."""
    event = {"event_id": "text", "time": datetime(1970, 1, 1, tzinfo=UTC), "role": "user", "text": text}
    batch = pa.RecordBatch.from_pylist([event], TRAFFIC)
    detector = FingerprintDetector(open_bank(folder), _keys(keys), "")
    _, told = detector.find(batch, fold_batch(batch["text"]))
    return [{**row, "containment": round(row["containment"], 4)} for row in told.drop(["event_id"]).to_pylist()]


def fits(folder: Path, keys: Sequence[bytes]) -> bool:
    """Say whether a bank holds any alarm of one of these keys."""
    return bool(open_bank(folder).marks & {GroupKey.of(key).mark for key in keys})


def _keys(keys: Sequence[bytes]) -> tuple[GroupKey, ...]:
    return tuple(GroupKey.of(key) for key in keys)


def _fingerprints(files: CaseFiles, key: GroupKey) -> Fingerprints:
    standard = load_standard(files.standard, prove=False)
    _check_kind(files.kind, standard)
    crowds = _crowds(files)
    benign = _benign(files.benign, standard)
    return join([thin(crowd, benign, name, files.kind, key) for name, crowd in sorted(crowds.items())])


def _check_kind(kind: str, standard: Standard) -> None:
    if kind not in standard.names:
        raise ConfigError(f"no kind {kind!r} in the standard", hint="see: tocsin standard list")
    channel = next((k.channel for k in standard.kinds if k.id == kind), "local")
    if channel not in SHARED_CHANNELS:
        raise PolicyError(
            f"alarms of kind {kind} carry no fingerprint: its channel is {channel!r}", hint="share behaviour"
        )


def _crowds(files: CaseFiles) -> dict[str, Crowd]:
    crowds: dict[str, Crowd] = defaultdict(Crowd)
    for source in find_sources(files.inputs):
        if source.problem:
            raise source.problem
        stem = _stem(source.path)
        if not files.by and stem in crowds:
            raise ConfigError(f"two files are named {stem!r}", hint="an alarm's id is its file's name: rename one")
        for batch in _events(source.path):
            names = _names(batch, files.by) if files.by else [stem] * batch.num_rows
            _gather(crowds, names, batch)
        if not files.by:
            crowds.setdefault(stem, Crowd())  # a file without a text of any account is refused as such
    for name in crowds:
        if not name.isprintable() or len(name.encode()) > ID_BYTES:
            raise FormatError(f"an alarm's id has unfit characters or over {ID_BYTES} bytes", hint="rename it")
    if not crowds:
        raise FormatError("no event names an alarm", hint="check --by")
    return dict(crowds)


def _gather(crowds: dict[str, Crowd], names: Sequence[str | None], batch: pa.RecordBatch) -> None:
    folded, accounts = fold_batch(batch["text"]), batch["account"].to_pylist()
    senders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row, (name, account) in enumerate(zip(names, accounts, strict=True)):
        if name:
            senders[name, folded.line(row)].add(account)
    for (name, line), group in senders.items():
        crowds[name].add(line, sorted(group))


def _names(batch: pa.RecordBatch, column: str) -> list[str | None]:
    """Name each event's alarm: a column of TRAFFIC, or else a text in its attributes."""
    if column in FIELDS:
        return list(batch[column].to_pylist())
    held = (json.loads(raw).get(column) if raw else None for raw in batch["attributes"].to_pylist())
    return [value if isinstance(value, str) and value else None for value in held]


def _events(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield what a file's accounts asked."""
    with TemporaryDirectory(prefix="tocsin-") as spill, SeenIds(Path(spill)) as seen:
        for pulled in pull([str(path)], seen=seen):
            if pulled.failure:
                raise pulled.failure
            asked = pc.is_in(pulled.traffic["role"], pa.array(TOLD))
            yield pulled.traffic.filter(pc.and_(asked, pc.is_valid(pulled.traffic["account"])))


def _benign(inputs: Sequence[str], standard: Standard) -> Hashes:
    """Gather common windows of the sample's everyday texts, the rules' benign examples and a member's own traffic."""
    sample = build_sample(1)
    planted = {account for p in sample.planted for account in p.accounts}
    texts = [str(e["text"]) for e in sample.events if e["account"] not in planted]
    texts += [t for rule in standard.rules for examples in rule.form.examples.negative.values() for t in examples]
    for source in find_sources(inputs):
        if source.problem:
            raise source.problem
        texts += [text for batch in _events(source.path) for text in batch["text"].to_pylist()]
    folded = fold_batch(pa.array(texts, pa.string()))
    return common_windows([folded.line(row) for row in range(len(texts))])


def _stem(path: Path) -> str:
    name = path.name
    suffix = max((s for s in SUFFIXES if name.lower().endswith(s)), key=len, default="")
    return name[: len(name) - len(suffix)] if suffix else path.stem
