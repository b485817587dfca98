"""Logs as commands are given them: read once a charter names them, signatures checked in threads, bytes kept away."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tocsin.cli.cosigning import source_at
from tocsin.cli.rim import counting
from tocsin.cli.writing import read_charter
from tocsin.forms.errors import ConfigError

if TYPE_CHECKING:
    from tocsin.coalition import Charter, Known, Member, Prefix
    from tocsin.ledger import Note, Source


class Holding:
    """What is held of a coalition's logs, one copy of each or more."""

    def __init__(self, first: "Charter", addresses: Sequence[str]) -> None:
        from tocsin.ledger import parse_checkpoint, read_checkpoint

        self.first = first
        self._sources: dict[str, list[tuple[Note, Source]]] = {}
        self._read: dict[str, list[Prefix]] = {}
        for address in addresses:
            source = source_at(address)
            note = read_checkpoint(source)
            self._sources.setdefault(parse_checkpoint(note.text).origin, []).append((note, source))

    def know(self) -> "Known":
        """Find the chain and the times that the logs prove."""
        from tocsin.coalition import learn

        return learn(self.first, self.branches)

    def branches(self, member: "Member") -> "list[Prefix]":
        """Read the copies of a member's log."""
        if member.origin not in self._read:
            sources = [source for _, source in self._sources.get(member.origin, ())]
            self._read[member.origin] = [self._prefix(member, source) for source in sources]
        return self._read[member.origin]

    def served(self, known: "Known") -> "dict[str, Note]":
        """Give of each log the checkpoint that is served with the copy that is believed."""
        found = {}
        for origin, log in known.logs.items():
            for (note, _), copy in zip(self._sources.get(origin, ()), self._read.get(origin, ()), strict=True):
                if copy.leaves == log.leaves:
                    found[origin] = note
        return found

    def raw(self, origin: str, index: int) -> bytes:
        """Read an entry of a log's longest copy once more.

        Errors: ConfigError where none has it.
        """
        from tocsin.ledger import read_log

        copies = zip(self._sources.get(origin, ()), self._read.get(origin, ()), strict=True)
        for (_, source), _ in sorted(copies, key=lambda one: -one[1].size):
            for entry in islice(read_log(source), index, index + 1):
                return entry
        raise ConfigError(f"no copy of {origin!r} has an entry {index}")

    def _prefix(self, member: "Member", source: "Source") -> "Prefix":
        from tocsin.coalition import LogReader
        from tocsin.ledger import read_log

        with ThreadPoolExecutor(os.cpu_count()) as pool, counting("read", "entries") as told:
            reader = LogReader(member, self.first.hash, pool.map)
            entries = iter(read_log(source))
            while part := list(islice(entries, 16_384)):
                reader.feed(part)
                told(reader.size)
        return reader.prefix()


def hold(first: Path, addresses: Sequence[str]) -> Holding:
    """Take a first charter and logs.

    Errors: VerificationError for a first charter that not all of its members have signed.
    """
    from tocsin.coalition import check_founding

    charter = read_charter(first)
    check_founding(charter)
    return Holding(charter, addresses)
