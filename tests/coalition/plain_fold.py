"""A second fold, slow and plain, written from the protocol's page alone, before its author had read `tocsin.coalition`.

It knows no bytes, keys or signatures: a history is a charter and logs as lists of entries, where a key is its name and a root is
the tuple of entries that it covers. Numbers in comments are the protocol's rules.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Any

MONDAY = 345_600  # 5 January 1970: rounds are calendar weeks


@dataclass(frozen=True)
class Member:
    """A member as one charter has it."""

    name: str
    origin: str
    recovery: str
    statement: str
    mirrors: frozenset[str]
    rest: Hashable = None  # whatever else is a key of it


@dataclass(frozen=True)
class Side:
    """Members of one side, of which k must agree."""

    k: int
    members: tuple[Member, ...]


@dataclass(frozen=True)
class Charter:
    """A version of the charter; `ends` maps an origin to size and root, `signed` are the recovery keys that consent."""

    hash: str
    version: int
    parent: str
    start: int  # the page calls it `from`
    expiry: int
    sides: tuple[Side, ...]
    standard: str = ""
    band: int = 120
    round: int = 604_800
    ends: tuple[tuple[str, int, Any], ...] = ()
    signed: frozenset[str] = frozenset()
    well_formed: bool = True

    def members(self) -> list[Member]:
        return [member for side in self.sides for member in side.members]


@dataclass(frozen=True)
class Proposal:
    charter: Charter


@dataclass(frozen=True)
class Vote:
    parent: str
    round: int
    charter: str


@dataclass(frozen=True)
class Stamp:
    version: int
    charter: str
    size: int
    root: Any
    cosigned: tuple[tuple[str, int], ...]  # mirror key, time: those whose signatures are true


@dataclass(frozen=True)
class Key:
    use: str
    key: str


@dataclass(frozen=True)
class Freeze:
    frozen: str
    signed: str  # the recovery key that signed it


@dataclass(frozen=True)
class Notice:
    text: str
    until: int


@dataclass(frozen=True)
class Inquiry:
    to: str
    text: str
    deadline: int


@dataclass(frozen=True)
class Answer:
    asker: str
    index: int
    text: str


@dataclass(frozen=True)
class Other:
    """An anchor, a report, a study, a sealed entry: the shared state only lists it."""

    what: Hashable


@dataclass(frozen=True)
class Entry:
    """An entry: what is said, for which coalition and log, and the keys that signed it."""

    body: Any
    coalition: str
    origin: str
    signed: frozenset[str]


@dataclass
class State:
    """What is so at t, as far as these logs say."""

    chain: list[str]
    times: dict[tuple[str, int], int]
    waiting: set[str]
    keys: dict[str, dict[str, str]]
    ended: dict[str, int]
    frozen: dict[str, int]
    notices: set[tuple[str, int]]
    inquiries: dict[tuple[str, int], str]
    misconduct: set[tuple[str, int]]

    @property
    def settled(self) -> bool:
        return not self.waiting


def root(entries: list[Entry], size: int) -> Any:
    return tuple(entries[:size])


@dataclass
class Fold:
    """Everything these logs say: `logs` maps an origin to its branches (one, of an honest member)."""

    first: Charter
    logs: dict[str, list[list[Entry]]]
    chain: list[Charter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chain = [self.first]
        while (found := self.successor(self.chain, inf)) is not None:
            self.chain.append(found)

    # one log

    def held(self, origin: str) -> list[Entry]:
        """Rule 21: of two branches that stamps prove, only what they share."""
        branches = self.logs.get(origin, [[]])
        for c in self.chain:
            for ended, size, proved in c.ends:  # healed by the charter that says which branch it was
                if ended == origin:
                    branches = [b for b in branches if len(b) >= size and root(b, size) == proved] or branches
        proved_ones = [b for b in branches if self.stamps(origin, b)] or branches
        longest = max(proved_ones, key=len)
        upto = len(longest)
        for b in proved_ones:
            common = next(
                (i for i, (x, y) in enumerate(zip(b, longest, strict=False)) if x != y), min(len(b), len(longest))
            )
            last = max((size for _, size, _, _ in self.stamps(origin, b)), default=0)
            if common < len(b) and last > common:
                upto = min(upto, common)
        return longest[:upto]

    def statements(self, origin: str, entries: list[Entry]) -> dict[int, Any]:
        """Rules 1 and 14: what its author said, in this coalition and log, for the first time; keys by the log's order."""
        owner = next((m for c in self.chain for m in c.members() if m.origin == origin), None)
        said: dict[int, Any] = {}
        if owner is None:
            return said
        statement = owner.statement
        for i, entry in enumerate(entries):
            needed = {statement, owner.recovery} if isinstance(entry.body, Key) else {statement}
            right = entry.coalition == self.first.hash and entry.origin == origin and needed <= entry.signed
            if right and entry.body not in said.values():
                said[i] = entry.body
                if isinstance(entry.body, Key) and entry.body.use == "statement":
                    statement = entry.body.key
        return said

    def stamps(self, origin: str, entries: list[Entry]) -> list[tuple[int, int, int, Charter | None]]:
        """Rules 6 and 7: (index, size, T, the charter if it had expired) of each stamp that counts."""
        counting: list[tuple[int, int, int, Charter | None]] = []
        last, version = 0, 0
        for i, body in self.statements(origin, entries).items():
            if not isinstance(body, Stamp):
                continue
            if body.version >= len(self.chain):
                break  # it may yet count: were a later one to count now, times would change then
            charter = self.chain[body.version]
            mirrors = {key for m in charter.members() for key in m.mirrors}
            times = {key: time for key, time in body.cosigned if key in mirrors}
            if charter.hash != body.charter or body.version < version or not quorum(charter, set(times)):
                continue
            if body.size > i or root(entries, body.size) != body.root:
                continue
            greatest = max(times.values())
            if greatest - min(times.values()) > charter.band or greatest < last:
                continue
            counting.append((i, body.size, greatest, charter if greatest > charter.expiry else None))
            last, version = greatest, body.version
        return counting

    def timed(self, origin: str, chain: list[Charter], t: float) -> Iterator[tuple[int, Any, int]]:
        """Rules 8 and 14: (index, statement, time) with effect at t, where `chain` stands."""
        entries = self.held(origin)
        end = min((size for c in chain for o, size, _ in c.ends if o == origin), default=len(entries))
        stamps = [s for s in self.stamps(origin, entries) if s[0] < end]
        for i, body in self.statements(origin, entries).items():
            for _, size, time, expired in stamps:
                if i < min(size, end) and (expired is None or isinstance(body, Vote) and body.parent == expired.hash):
                    if time <= t:
                        yield i, body, time
                    break

    # the chain

    def successor(self, chain: list[Charter], t: float) -> Charter | None:
        """Rule 12."""
        parent, origins = chain[-1], named(chain)
        seen = [b.charter for o in origins for _, b, _ in self.timed(o, chain, t) if isinstance(b, Proposal)]
        rounds = {r for m in parent.members() for r in self.votes(m, chain, t)}
        winners = set()
        for q in seen:
            for r in rounds:
                if (
                    self.may_win(q, r, chain)
                    and all(self.ayes(s, q.hash, r, chain, t) >= s.k for s in parent.sides)
                    and all(self.only(q, earlier, seen, chain, t) for earlier in range(parent.start, r))
                ):
                    winners.add(q)
        assert len(winners) < 2, "rule 13"
        return next(iter(winners), None)

    def may_win(self, q: Charter, r: int, chain: list[Charter]) -> bool:
        parent = chain[-1]
        return valid(q, chain) and parent.start <= q.start <= r

    def votes(self, member: Member, chain: list[Charter], t: float) -> dict[int, list[tuple[int, str]]]:
        """Rule 11: by round, (index, hash) of the votes on the next slot; the first is the vote."""
        parent, found = chain[-1], dict[int, list[tuple[int, str]]]()
        for i, body, time in self.timed(member.origin, chain, t):
            if isinstance(body, Vote) and body.parent == parent.hash and (time - MONDAY) // parent.round == body.round:
                found.setdefault(body.round, []).append((i, body.charter))
        return found

    def ayes(self, side: Side, q: str, r: int, chain: list[Charter], t: float) -> int:
        return sum(self.votes(m, chain, t).get(r, [(0, "")])[0][1] == q for m in side.members)

    def only(self, q: Charter, r: int, seen: list[Charter], chain: list[Charter], t: float) -> bool:
        """Tell whether nothing but q can still win in a round."""
        parent = chain[-1]
        cast = {v[r][0][1] for m in parent.members() if r in (v := self.votes(m, chain, t))}
        rivals = (cast | {"not seen"}) - {q.hash}
        rivals -= {p.hash for p in seen if not self.may_win(p, r, chain)}
        return all(any(self.against(s, p, r, chain, t) > len(s.members) - s.k for s in parent.sides) for p in rivals)

    def against(self, side: Side, p: str, r: int, chain: list[Charter], t: float) -> int:
        end, lost = MONDAY + (r + 1) * chain[-1].round, 0
        for m in side.members:
            vote = self.votes(m, chain, t).get(r)
            past = any(end <= time <= t for _, _, time, _ in self.stamps(m.origin, self.held(m.origin)))
            lost += vote[0][1] != p if vote else past
        return lost

    # the state

    def at(self, t: int) -> State:
        chain = [self.first]
        while (found := self.successor(chain, t)) is not None:
            chain.append(found)
        origins = named(chain)
        said = {(o, i): (body, time) for o in origins for i, body, time in self.timed(o, chain, t)}
        owner = {m.origin: m for c in chain for m in c.members()}
        keys = {o: {"statement": owner[o].statement} for o in origins}
        for (o, _), (body, _) in sorted(said.items(), key=lambda item: item[0]):
            if isinstance(body, Key):
                keys[o][body.use] = body.key
        frozen: dict[str, int] = {}
        for body, time in said.values():
            if isinstance(body, Freeze) and body.frozen in owner and body.signed == owner[body.frozen].recovery:
                frozen[body.frozen] = min(time, frozen.get(body.frozen, time))
        return State(
            chain=[c.hash for c in chain],
            times={where: time for where, (_, time) in said.items()},
            waiting={o for o in origins if not self.past(o, chain, t)},
            keys=keys,
            ended={o: size for c in chain for o, size, _ in c.ends},
            frozen=frozen,
            notices={where for where, (body, _) in said.items() if isinstance(body, Notice) and body.until >= t},
            inquiries={w: fate(w, b, said, owner, t) for w, (b, _) in said.items() if isinstance(b, Inquiry)},
            misconduct={
                (m.origin, i)
                for n, c in enumerate(chain)
                for m in c.members()
                for cast in self.votes(m, chain[: n + 1], t).values()
                for i, charter in cast[1:]
                if charter != cast[0][1]
            },
        )

    def past(self, origin: str, chain: list[Charter], t: int) -> bool:
        """Rule 9; of a log that was ended all that comes before its end must be here."""
        ends = [size for c in chain for o, size, _ in c.ends if o == origin]
        if ends and len(self.held(origin)) >= min(ends):
            return True
        return any(time > t for _, _, time, _ in self.stamps(origin, self.held(origin)))


def named(chain: list[Charter]) -> set[str]:
    return {m.origin for c in chain for m in c.members()}


def quorum(charter: Charter, keys: set[str]) -> bool:
    """Rule 3: one mirror counts once for a member, k in each side."""
    return all(sum(bool(m.mirrors & keys) for m in side.members) >= side.k for side in charter.sides)


def valid(q: Charter, chain: list[Charter]) -> bool:
    """Rule 10: well-formed, the next version, more than half in each side, new and re-keyed members consent."""
    parent = chain[-1]
    before = set(parent.members())
    gone = {m.origin for m in before} - {m.origin for m in q.members()}
    return (
        q.well_formed
        and (q.version, q.parent) == (parent.version + 1, parent.hash)
        and all(2 * side.k > len(side.members) >= side.k for side in q.sides)
        and {o for o, _, _ in q.ends} == gone
        and all(m in before or m.recovery in q.signed for m in q.members())
    )


def fate(where: tuple[str, int], inquiry: Inquiry, said: dict[Any, Any], owner: dict[str, Member], t: int) -> str:
    """Rule 16: answered in time, overdue, or open; the addressee may have got another log since."""
    for (origin, _), (body, time) in said.items():
        asked = isinstance(body, Answer) and (body.asker, body.index) == where and inquiry.to in owner
        if asked and owner[origin].name == owner[inquiry.to].name and time <= inquiry.deadline:
            return "answered"
    return "overdue" if t > inquiry.deadline else "open"
