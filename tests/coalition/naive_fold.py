"""A second fold, slow and plain, written from the protocol's page alone, before its author had read `tocsin.coalition`.

A history is a charter and logs as lists of entries (`plain_forms`). Numbers in comments are the protocol's rules. Where
the page can be read in two ways, docs/adr/0014 says which is taken; the first writing of this fold, which took others
here and there, is in the history of the repository.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import wraps
from math import inf
from typing import Any

from plain_forms import (
    MONDAY,
    Answer,
    Charter,
    Counting,
    Entry,
    Freeze,
    Inquiry,
    Key,
    Member,
    Notice,
    Proposal,
    Report,
    Side,
    Stamp,
    State,
    Vote,
    Where,
    root,
)


def once(method: Callable[..., Any]) -> Callable[..., Any]:
    """Compute once for each length of the chain, of one log by which tuple it is: plain, not hopeless."""

    @wraps(method)
    def ask(self: "Fold", *given: Any) -> Any:
        key = (method.__name__, len(self.chain), *(id(x) if isinstance(x, tuple) else x for x in given))
        if key not in self.kept:
            self.kept[key] = method(self, *given)
        return self.kept[key]

    return ask


@dataclass
class Fold:
    """Everything these logs say: `logs` maps an origin to its branches (one, of an honest member)."""

    first: Charter
    logs: dict[str, list[tuple[Entry, ...]]]
    chain: list[Charter] = field(default_factory=list)
    kept: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chain, self.logs = [self.first], {o: [tuple(b) for b in branches] for o, branches in self.logs.items()}
        while (found := self.successor(len(self.chain), inf)) is not None:
            self.chain.append(found)

    # -- one log

    @once
    def held(self, origin: str) -> tuple[Entry, ...]:
        """Rule 21: of branches that stamps prove, what they share; the charter that ends a log says which it was."""
        branches = self.logs.get(origin, [()])
        for ended, size, proved in (end for c in self.chain for end in c.ends):
            if ended == origin:
                branches = [b for b in branches if len(b) >= size and root(b, size) == proved] or branches
        reach = [max((s.size for s in self.proofs(origin, b)), default=0) for b in branches]
        best = max(zip(reach, branches, strict=True), key=lambda pair: (pair[0], len(pair[1])))[1]
        proved = [b[:n] for b, n in zip(branches, reach, strict=True)]
        parts = [parting(a, b) for a in proved for b in proved]
        return best[: min((p for p in parts if p is not None), default=len(best))]

    @once
    def statements(self, origin: str, entries: tuple[Entry, ...]) -> dict[int, Any]:
        """Rules 1 and 14: what its author said, in this coalition and log, for the first time; keys as they change."""
        owner = next((m for c in self.chain for m in c.members if m.origin == origin), None)
        said: dict[int, Any] = {}
        if owner is None:
            return said
        statement, before = owner.statement, set()
        for i, entry in enumerate(entries):
            needed = {statement, owner.recovery} if isinstance(entry.body, Key) else {statement}
            right = entry.coalition == self.first.hash and entry.origin == origin and needed <= entry.signed
            if right and entry.body not in before:
                said[i] = entry.body
                before.add(entry.body)
                if isinstance(entry.body, Key) and entry.body.use == "statement":
                    statement = entry.body.key
        return said

    @once
    def stamps(self, origin: str, entries: tuple[Entry, ...]) -> list[Counting]:
        """A stamp counts once another proves it: until then its author can show others something else there."""
        proofs = self.proofs(origin, entries)
        return [s for s in proofs if any(s.index < later.size for later in proofs)]

    @once
    def proofs(self, origin: str, entries: tuple[Entry, ...]) -> list[Counting]:
        """Rules 6 and 7."""
        counting: list[Counting] = []
        last, version, grown = 0, 0, 0
        for i, body in self.statements(origin, entries).items():
            if not isinstance(body, Stamp) or not grown <= body.size <= i or root(entries, body.size) != body.root:
                continue
            grown = body.size
            if body.version >= len(self.chain):
                break  # it may yet count: were a later one to count now, times would change then
            charter = self.chain[body.version]
            time = agreed(charter, body.cosigned)
            if charter.hash != body.charter or origin not in charter.origins or body.version < version:
                continue
            if time is not None and time >= last:
                counting.append(Counting(i, body.size, time, body.version, charter.hash, time > charter.expiry))
                last, version = time, body.version
        return counting

    def time(self, origin: str, i: int, slot: str = "", end: float = inf) -> int | None:
        """Rule 8; `slot`: of votes on the successor of this charter, for which its late stamps count too."""
        for s in self.stamps(origin, self.held(origin)):
            if i < s.size and s.index < end and (not s.late or s.charter == slot):
                return s.time
        return None

    def effective(self, origin: str, chain: list[Charter], t: float) -> Iterator[tuple[int, Any, int]]:
        """Rules 8 and 14: (index, statement, time) with effect at t, where `chain` stands."""
        end = min((size for c in chain for o, size, _ in c.ends if o == origin), default=inf)
        for i, body in self.statements(origin, self.held(origin)).items():
            time = self.time(origin, i, body.parent if isinstance(body, Vote) else "", end)
            if i < end and time is not None and time <= t:
                yield i, body, time

    # -- the chain: a slot is the length that the chain has before its decision

    @once
    def successor(self, slot: int, t: float) -> Charter | None:
        """Rule 12."""
        parent, seen = self.chain[slot - 1], self.seen(slot, t)
        rounds = {r for m in parent.members for r in self.votes(m.origin, slot, t)}
        winners = {
            q
            for q in seen.values()
            for r in rounds
            if self.fits(q, r, slot)
            and all(self.ayes(side, q.hash, r, slot, t) >= side.k for side in parent.sides)
            and all(self.alone(q, earlier, slot, t) for earlier in range(parent.start, r))
        }
        assert len(winners) < 2, "rule 13"
        return next(iter(winners), None)

    @once
    def seen(self, slot: int, t: float) -> dict[str, Charter]:
        parent, found = self.chain[slot - 1], dict[str, Charter]()
        for m in parent.members:
            for i, body in self.statements(m.origin, self.held(m.origin)).items():
                time = self.time(m.origin, i, parent.hash)
                if isinstance(body, Proposal) and time is not None and time <= t:
                    found[body.charter.hash] = body.charter
        return found

    def fits(self, q: Charter, r: int, slot: int) -> bool:
        return valid(q, self.chain[:slot]) and q.start <= r

    @once
    def votes(self, origin: str, slot: int, t: float) -> dict[int, str]:
        """Rule 11: by round, what was voted for; the first is the vote."""
        parent, found = self.chain[slot - 1], dict[int, str]()
        for i, body in self.statements(origin, self.held(origin)).items():
            if isinstance(body, Vote) and body.parent == parent.hash:
                time = self.time(origin, i, parent.hash)
                if time is not None and time <= t and (time - MONDAY) // parent.round == body.round:
                    found.setdefault(body.round, body.charter)
        return found

    def ayes(self, side: Side, q: str, r: int, slot: int, t: float) -> int:
        return sum(self.votes(m.origin, slot, t).get(r) == q for m in side.members)

    def alone(self, q: Charter, r: int, slot: int, t: float) -> bool:
        """Tell whether nothing but q can still win in a round."""
        cast = {v[r] for m in self.chain[slot - 1].members if r in (v := self.votes(m.origin, slot, t))}
        never = {p.hash for p in self.seen(slot, t).values() if not self.fits(p, r, slot)}
        return not any(self.can_win(p, r, slot, t) for p in {*cast, "not seen"} - {q.hash} - never)

    def can_win(self, p: str, r: int, slot: int, t: float) -> bool:
        return all(self.lost(side, p, r, slot, t) <= len(side.members) - side.k for side in self.chain[slot - 1].sides)

    def lost(self, side: Side, p: str, r: int, slot: int, t: float) -> int:
        parent, count = self.chain[slot - 1], 0
        for m in side.members:
            vote, stamps = self.votes(m.origin, slot, t).get(r), self.stamps(m.origin, self.held(m.origin))
            past = any(parent.begin(r + 1) <= s.time <= t for s in stamps if not s.late or s.charter == parent.hash)
            count += past if vote is None else vote != p
        return count

    # -- the state

    def at(self, t: int) -> State:
        length = 1
        while length < len(self.chain) and self.successor(length, t) is not None:
            length += 1
        chain = self.chain[:length]
        owner = {m.origin: m for c in chain for m in c.members}
        said = {(o, i): (body, time) for o in owner for i, body, time in self.effective(o, chain, t)}
        keys = {o: {"statement": m.statement} for o, m in owner.items()}
        for (o, _), (body, _) in sorted(said.items(), key=lambda item: item[0]):
            if isinstance(body, Key):
                keys[o][body.use] = body.key
        frozen: dict[str, int] = {}
        for body, time in said.values():
            if isinstance(body, Freeze) and body.frozen in owner and body.signed == owner[body.frozen].recovery:
                frozen[body.frozen] = min(time, frozen.get(body.frozen, time))
        return State(
            chain=[c.hash for c in chain],
            waiting={o for o in owner if not self.settled(o, chain, t)},
            keys=keys,
            ended={o: size for c in chain for o, size, _ in c.ends},
            frozen=frozen,
            notices={w: time for w, (body, time) in said.items() if isinstance(body, Notice)},
            inquiries={w: fate(w, b, said, owner, t) for w, (b, _) in said.items() if isinstance(b, Inquiry)},
            published={w: time for w, (body, time) in said.items() if isinstance(body, Report)},
            misconduct=misconduct({w: body for w, (body, _) in said.items() if isinstance(body, Vote)}),
        )

    def settled(self, origin: str, chain: list[Charter], t: int) -> bool:
        """Rule 9; of a log that was ended all that comes before its end must be here."""
        entries = self.held(origin)
        ends = [(size, proved) for c in chain for o, size, proved in c.ends if o == origin]
        if any(len(entries) >= size for size, _ in ends):
            return all(root(entries, size) == proved for size, proved in ends)
        return any(s.time > t and not s.late for s in self.stamps(origin, entries))


def parting(one: tuple[Entry, ...], two: tuple[Entry, ...]) -> int | None:
    return next((i for i, (x, y) in enumerate(zip(one, two, strict=False)) if x != y), None)


def agreed(charter: Charter, cosigned: tuple[tuple[str, int], ...]) -> int | None:
    """Rules 3 and 7: the greatest time that ends a band in which a quorum cosigned; a member's mirror counts once."""
    mirrors = {key for m in charter.members for key in m.mirrors}
    times = {key: time for key, time in sorted(cosigned, key=lambda pair: pair[1]) if key in mirrors}
    for latest in sorted(times.values(), reverse=True):
        keys = {key for key, time in times.items() if latest - charter.band <= time <= latest}
        if all(sum(bool(m.mirrors & keys) for m in side.members) >= side.k for side in charter.sides):
            return latest
    return None


def valid(q: Charter, chain: list[Charter]) -> bool:
    """Rule 10: the next version, more than half in each side, what goes is ended, new and re-keyed members consent.

    All keys of a charter are distinct.
    """
    parent = chain[-1]
    before = {m.origin: m for m in parent.members}
    ever = {m.origin for c in chain for m in c.members}
    fresh = [m for m in q.members if m.origin not in before or m.keys != before[m.origin].keys]
    keys = [key for m in q.members for key in (m.origin, m.recovery, m.statement, m.box, *m.mirrors)]
    return (
        (q.version, q.parent, q.round) == (parent.version + 1, parent.hash, parent.round)
        and q.start >= parent.start
        and len(set(keys)) == len(keys)
        and all(2 * side.k > len(side.members) >= side.k for side in q.sides)
        and sorted(o for o, _, _ in q.ends) == sorted(parent.origins - q.origins)
        and all(
            m.origin not in ever if m.origin not in before else m.lifelong == before[m.origin].lifelong for m in fresh
        )
        and all(m.recovery in q.signed for m in fresh)
    )


def misconduct(votes: dict[Where, Vote]) -> set[tuple[str, int, int]]:
    """Rule 11: a later vote of one author on one parent and round, for something else than the first."""
    first: dict[Any, int] = {}
    for (origin, i), vote in sorted(votes.items(), key=lambda item: item[0]):
        first.setdefault((origin, vote.parent, vote.round), i)
    at = {w: first[w[0], vote.parent, vote.round] for w, vote in votes.items()}
    return {(o, at[o, i], i) for (o, i), vote in votes.items() if vote.charter != votes[o, at[o, i]].charter}


def fate(where: Where, inquiry: Inquiry, said: dict[Where, Any], owner: dict[str, Member], t: int) -> str:
    """Rule 16: answered in time, overdue, or open; the addressee may have got another log since."""
    for (origin, _), (body, time) in said.items():
        if isinstance(body, Answer) and (body.asker, body.index) == where and time <= inquiry.deadline:
            asked = owner.get(inquiry.to)
            if asked and asked.name == owner[origin].name:
                return "answered"
    return "overdue" if t > inquiry.deadline else "open"
