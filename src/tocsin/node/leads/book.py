"""Look leads up in batches of traffic and in what a gateway asks about."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tocsin.node.leads.lead import Lead, pieces_of
from tocsin.screen import asked_rows
from tocsin.text import Folded, fold_batch

_MEMORY = 256 << 20


@dataclass(frozen=True, slots=True)
class Sighting:
    """Say that an account's events hold what a lead names. Units: first, last are microseconds since 1970."""

    lead: str
    account: str
    events: int
    first: int
    last: int


@dataclass(frozen=True)
class LeadBook:
    """Hold the leads in force, by what they look for."""

    leads: tuple[Lead, ...] = ()

    def sightings(self, traffic: pa.RecordBatch) -> list[Sighting]:
        """Look all leads up in a batch of TRAFFIC whose identifiers are hashed; what has no account is passed over."""
        if not self.leads:
            return []
        accounts, times = traffic["account"].to_pylist(), traffic["time"].cast(pa.int64()).to_pylist()
        met: dict[tuple[str, str], set[int]] = defaultdict(set)
        for lead, row in self._met(traffic):
            if accounts[row] is not None:
                met[lead.id, accounts[row]].add(row)
        return [
            Sighting(lead, account, len(rows), min(times[r] for r in rows), max(times[r] for r in rows))
            for (lead, account), rows in sorted(met.items())
        ]

    def about(self, texts: Sequence[str], account: str | None = None, client: str | None = None) -> list[Lead]:
        """Return the leads that speak of one request; account: its keyed hash, texts: of users and tools."""
        named = [*self._values["account"].get(account or "", ()), *self._values["client"].get(client or "", ())]
        folded = fold_batch(pa.array(texts, pa.string())) if texts and self._texts else None
        heard = [lead for lead, _ in self._heard(folded)] if folded else []
        return sorted(set(named) | set(heard), key=lambda lead: lead.id)

    def _met(self, traffic: pa.RecordBatch) -> Iterator[tuple[Lead, int]]:
        """Yield each lead with the rows that hold what it names."""
        networks = pc.struct_field(traffic["network"], "asn")
        for form, column in (("account", traffic["account"]), ("client", traffic["client"]), ("network", networks)):
            yield from self._named(form, column)
        if self._texts:
            asked = np.flatnonzero(asked_rows(traffic))
            for lead, row in self._heard(fold_batch(traffic["text"].take(pa.array(asked)))):
                yield lead, int(asked[row])

    def _named(self, form: str, column: pa.Array) -> Iterator[tuple[Lead, int]]:
        values = self._values[form]
        if not values:
            return
        coded = column.dictionary_encode()
        known = [values.get(_plain(form, value), ()) for value in coded.dictionary.to_pylist()]
        for row, index in enumerate(coded.indices.to_pylist()):
            if index is not None:
                yield from ((lead, row) for lead in known[index])

    def _heard(self, folded: Folded) -> Iterator[tuple[Lead, int]]:
        """Yield the leads whose pieces stand in a text in their order, with the row of the text."""
        for number in self._set.present(bytes(folded.buffer)):
            lead, pieces, key = self._texts[number]
            at = folded.buffer.find(key)
            while at >= 0:
                line = int(np.searchsorted(folded.lines_at, at, side="right"))
                if _holds(folded.buffer[folded.offsets[line] : folded.offsets[line + 1] - 1], pieces):
                    yield lead, folded.row(line)
                at = folded.buffer.find(key, int(folded.offsets[line + 1]))

    @cached_property
    def _values(self) -> dict[str, dict[str, list[Lead]]]:
        found: dict[str, dict[str, list[Lead]]] = {form: defaultdict(list) for form in ("account", "client", "network")}
        for lead in self.leads:
            if lead.form in found:
                found[lead.form][lead.value].append(lead)
        return {form: dict(values) for form, values in found.items()}

    @cached_property
    def _texts(self) -> list[tuple[Lead, list[bytes], bytes]]:
        """Give each text lead with its pieces and the longest of them, by which it is found."""
        split = [
            (lead, [piece.encode() for piece in pieces_of(lead.value)]) for lead in self.leads if lead.form == "text"
        ]
        return [(lead, pieces, max(pieces, key=len)) for lead, pieces in split]

    @cached_property
    def _set(self) -> "_Literals":
        return _Literals([key for _, _, key in self._texts])


class _Literals:
    """Find which of many literals stand in some bytes: in one pass of RE2, one by one where it is not installed."""

    def __init__(self, literals: Sequence[bytes]) -> None:
        self._literals, self._set = literals, None
        try:
            import re2
        except ImportError:
            return
        options = re2.Options()
        options.encoding, options.literal, options.max_mem = re2.Options.Encoding.LATIN1, True, _MEMORY
        self._set = re2.Set.SearchSet(options)
        for literal in literals:
            self._set.Add(literal)
        self._set.Compile()

    def present(self, data: bytes) -> list[int]:
        """Number the literals that stand in the data."""
        if self._set is None:
            return [number for number, literal in enumerate(self._literals) if literal in data]
        return sorted(self._set.Match(data) or ())


def _plain(form: str, value: str | None) -> str:
    """Return an AS number without its letters."""
    text = value or ""
    return text.upper().removeprefix("AS").strip() if form == "network" else text


def _holds(line: bytes | bytearray, pieces: Sequence[bytes]) -> bool:
    at = 0
    for piece in pieces:
        at = line.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return True
