"""A second fold, slow and plain, written rule by rule from the protocol's text. It shares with the first only forms.

It takes the same logs and tells: chain, times by log and index, and of a state the parts that rules speak of.
"""

from base64 import b64decode
from collections.abc import Callable
from functools import wraps
from hashlib import sha256

from tocsin.coalition import check_successor, parse_charter
from tocsin.forms.errors import TocsinError
from tocsin.forms.statements import Answer, Inquiry, Notice, Proposal, Vote


def once(method: Callable[..., object]) -> Callable[..., object]:
    """Compute once for each length of the chain: plain, not hopeless."""

    @wraps(method)
    def ask(self, *given):  # type: ignore[no-untyped-def]
        key = (method.__name__, len(self.chain), *given)
        if key not in self.kept:
            self.kept[key] = method(self, *given)
        return self.kept[key]

    return ask


class Naive:
    def __init__(self, first, prefixes, clock):  # type: ignore[no-untyped-def]
        self.chain = [first]
        self.logs = prefixes
        self.clock = clock
        self.kept: dict[object, object] = {}
        while (found := self.successor(len(self.chain) - 1, None)) is not None:
            self.chain.append(found)

    # -- rule 7: which stamps count; (size, T, version) in the log's order ------------------------------------------

    @once
    def stamps(self, origin):  # type: ignore[no-untyped-def]
        counting = []
        for stamp in self.logs[origin].stamps if origin in self.logs else ():
            if stamp.version > len(self.chain) - 1:
                break  # whether it counts is not known yet, nor whether those after it do
            charter = self.chain[stamp.version]
            if charter.hash != stamp.charter:
                continue
            if origin not in [m.origin for s in charter.text.sides for m in s.members]:
                continue
            time = self.clock(stamp, charter)
            if time is None:
                continue
            if any(v > stamp.version or t > time or size > stamp.size for size, t, v in counting):
                continue
            counting.append((stamp.size, time, stamp.version))
        return counting

    @once
    def allowed(self, origin, slot):  # type: ignore[no-untyped-def]
        """Stamps within their charter's life; for votes on a slot also those after it, where they name its parent."""
        return [(s, t) for s, t, v in self.stamps(origin) if t <= self.chain[v].text.expiry or v == slot]

    def time(self, origin, index, slot=None):  # type: ignore[no-untyped-def]
        """Rule 8."""
        for size, time in self.allowed(origin, slot):
            if size > index:
                return time
        return None

    # -- rules 11 to 13 --------------------------------------------------------------------------------------------

    @once
    def votes(self, slot, until):  # type: ignore[no-untyped-def]
        """First vote of each author in each round, by (origin, round)."""
        parent, found = self.chain[slot], {}
        length = parent.text.constants.round
        for origin in self.voters(slot):
            for entry in self.logs[origin].entries if origin in self.logs else ():
                vote, time = entry.form, self.time(origin, entry.index, slot)
                if not isinstance(vote, Vote) or vote.parent != parent.hash or time is None:
                    continue
                if until is not None and time > until:
                    continue
                begin = 345_600 + vote.round * length
                if begin <= time < begin + length and (origin, vote.round) not in found:
                    found[origin, vote.round] = vote.charter
        return found

    def voters(self, slot):  # type: ignore[no-untyped-def]
        return [m.origin for s in self.chain[slot].text.sides for m in s.members]

    @once
    def proposals(self, slot, until):  # type: ignore[no-untyped-def]
        found = {}
        for origin in self.voters(slot):
            for entry in self.logs[origin].entries if origin in self.logs else ():
                time = self.time(origin, entry.index, slot)
                if isinstance(entry.form, Proposal) and time is not None and (until is None or time <= until):
                    raw = b64decode(entry.form.charter)
                    found[sha256(raw).hexdigest()] = self.valid(raw, slot)
        return found

    def valid(self, raw, slot):  # type: ignore[no-untyped-def]
        try:
            charter = parse_charter(raw)
            check_successor(charter, self.chain[: slot + 1])
        except TocsinError:
            return None
        return charter

    def past(self, origin, slot, number, until):  # type: ignore[no-untyped-def]
        end = 345_600 + (number + 1) * self.chain[slot].text.constants.round
        return any(t >= end and (until is None or t <= until) for _, t in self.allowed(origin, slot))

    @once
    def can_win(self, name, slot, number, until):  # type: ignore[no-untyped-def]
        proposals, votes = self.proposals(slot, until), self.votes(slot, until)
        if name in proposals and (proposals[name] is None or proposals[name].text.start > number):
            return False
        for side in self.chain[slot].text.sides:
            lost = 0
            for m in side.members:
                vote = votes.get((m.origin, number))
                if vote is None:
                    lost += self.past(m.origin, slot, number, until)
                else:
                    lost += vote != name
            if lost > len(side.members) - side.k:
                return False
        return True

    @once
    def successor(self, slot, until):  # type: ignore[no-untyped-def]
        parent = self.chain[slot]
        votes, proposals = self.votes(slot, until), self.proposals(slot, until)
        winners = []
        for number in range(parent.text.start, max([r for _, r in votes], default=-1) + 1):
            for name, charter in proposals.items():
                if charter is None or charter.text.start > number:
                    continue
                enough = all(
                    sum(votes.get((m.origin, number)) == name for m in side.members) >= side.k
                    for side in parent.text.sides
                )
                others = {n for n in (*votes.values(), "nobody has seen it") if n != name}
                rivals = any(
                    self.can_win(other, slot, before, until)
                    for before in range(parent.text.start, number)
                    for other in others
                )
                if enough and not rivals:
                    winners.append(charter)
        assert len({w.hash for w in winners}) < 2  # rule 13
        return winners[0] if winners else None

    # -- state at a time -------------------------------------------------------------------------------------------

    def state(self, t):  # type: ignore[no-untyped-def]
        length = 1
        while length < len(self.chain) and self.successor(length - 1, t) is not None:
            length += 1
        chain = self.chain[:length]
        ends = {end.origin: end.size for c in chain for end in c.text.ends}
        origins = {m.origin for c in chain for s in c.text.sides for m in s.members}
        said = []
        for origin in origins & set(self.logs):
            for entry in self.logs[origin].entries:
                time = self.time(origin, entry.index)
                if time is not None and time <= t and entry.index < ends.get(origin, 10**9):
                    said.append((origin, entry.index, time, entry.form))
        return {
            "chain": [c.hash for c in chain],
            "notices": sorted((o, i, x) for o, i, x, f in said if isinstance(f, Notice)),
            "inquiries": sorted((o, i, self.asked(o, i, f, said, t)) for o, i, _, f in said if isinstance(f, Inquiry)),
            "misconduct": sorted({(o, f.round) for o, _, _, f in said if self.double(o, f, said)}),
            "settled": all(self.settled(o, ends, t) for o in origins),
        }

    def asked(self, origin, index, form, said, t):  # type: ignore[no-untyped-def]
        for who, _, time, answer in said:
            right = isinstance(answer, Answer) and (answer.asker, answer.index) == (origin, index) and who == form.to
            if right and time <= form.deadline:
                return "answered"
        return "overdue" if t > form.deadline else "open"

    def double(self, origin, form, said):  # type: ignore[no-untyped-def]
        if not isinstance(form, Vote):
            return False
        same = [f for o, _, _, f in said if o == origin and isinstance(f, Vote)]
        return len({f.charter for f in same if (f.parent, f.round) == (form.parent, form.round)}) > 1

    def settled(self, origin, ends, t):  # type: ignore[no-untyped-def]
        if any(time > t for _, time in self.allowed(origin, None)):
            return True
        proved = max([size for size, _, _ in self.stamps(origin)], default=0)
        return origin in ends and proved >= ends[origin]
