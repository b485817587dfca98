"""The view against a plain one, written from the rules' text, on random histories of sealed statements."""

import random

from hypothesis import given
from hypothesis import strategies as st
from sealed_worlds import DAY, START, SUBJECT, Room, alarm, box, founding, terms, told_time_of
from test_coalition_properties import cases

from tocsin.coalition import hear_said, read_box, view
from tocsin.forms.bodies import Agreement, Alarm, BodyForm, Ending, Opinion, Retraction, Sighting
from tocsin.forms.terms import parse_terms

NAMES = ("a0", "a1", "b0", "b1")
BUDGET = 3
FRESH = DAY


@st.composite
def rooms(draw: st.DrawFn) -> Room:
    """Members that agree, issue, revise, retract, end, see and disagree, in any order, stamped or not."""
    room, at = Room(founding(budget=BUDGET)), 0
    deals = [terms("a0", "b0"), terms("a0", "b0", "b1", nonce="2" * 64, expiry=START + 5 * DAY)]
    for deal in deals:
        for name in deal.parties if draw(st.integers(0, 5)) else deal.parties[1:]:
            room.say(name, Agreement(deal.encode()), tuple(p for p in deal.parties if p != name), 1)
    for _ in range(draw(st.integers(5, 16))):
        at += draw(st.sampled_from((0, 5, 5, DAY // 8)))
        deal = draw(st.sampled_from(deals))
        name = draw(st.sampled_from((*deal.parties, *deal.parties, "a1")))
        others = tuple(n for n in deal.parties if n != name)
        to = draw(st.sampled_from((others, others, others, others[:1], tuple(n for n in NAMES if n != name))))
        own = [d for d, b in room.bodies.items() if b.value("author") == name and b.value("type") == "alarm"]
        target = draw(st.sampled_from(own or sorted(room.bodies)))
        room.say(name, draw(forms(deal.hash, target)), to, 2 + at if draw(st.integers(0, 5)) else None)
    return room


@st.composite
def forms(draw: st.DrawFn, deal: str, target: str) -> BodyForm:
    what = draw(
        st.sampled_from(
            ("alarm",) * 6 + ("short", "kind", "version", "version", "version", "echo", "back", "end", "see", "say")
        )
    )
    return {
        "alarm": alarm(deal),
        "short": alarm(deal, expiry=START + 2 * DAY),
        "kind": alarm(deal, kind="M05"),
        "version": alarm(deal, replaces=target),
        "echo": alarm(deal, derived=target),
        "back": Retraction(target, ""),
        "end": Ending(deal, ""),
        "see": Sighting(SUBJECT, draw(st.integers(0, 2)), START, draw(st.sampled_from(("", target)))),
        "say": Opinion(target, draw(st.sampled_from(("agree", "disagree"))), ""),
    }[what]


class Naive:
    """What one member sees, rule by rule, over the plain list of what it can open."""

    def __init__(self, room: Room, viewer: str, held: set[str], now: int) -> None:
        self.now, self.said, self.last, self.sealed = START + now, [], {}, 0
        for origin, book in sorted(room.world.books.items()):
            times = [(s.size, told_time_of(s, room.first)) for s in book.stamps]
            author = next(m.name for m in room.first.members.values() if m.origin == origin)
            self.last[author] = max((t for _, t in times), default=-1)
            for entry in book.entries:
                digest = getattr(entry.form, "digest", "")
                time = next((t for size, t in times if size > entry.index), None)
                if time is not None and time > self.now:
                    break  # what stands after it is later still
                self.sealed += 1
                if digest in held:
                    what = hear_said(room.bodies[digest])
                    if viewer == author or viewer in what.audience:
                        self.said.append((author, entry.index, time, digest, what.audience, what.form))

    def force(self, name: str, time: int) -> bool:
        """Rule 17."""
        deal, accepted, ended = None, {}, []
        for author, _, at, _, audience, form in self.said:
            if isinstance(form, Agreement) and at is not None and parse_terms(form.terms).hash == name:
                deal = parse_terms(form.terms)
                if {author, *audience} == set(deal.parties):
                    accepted[author] = min(at, accepted.get(author, at))
        for author, _, at, _, _, form in self.said:
            if (
                isinstance(form, Ending)
                and form.agreement == name
                and at is not None
                and deal
                and author in deal.parties
            ):
                ended.append(at)
        if deal is None or accepted.keys() != set(deal.parties):
            return False
        return max(accepted.values()) <= time < min([deal.expiry, *ended])

    def deal(self, name: str):  # type: ignore[no-untyped-def]
        forms = (f for *_, f in self.said if isinstance(f, Agreement))
        return next(t for t in map(parse_terms, (f.terms for f in forms)) if t.hash == name)

    def statuses(self) -> dict[str, str]:
        alarms = [one for one in self.said if isinstance(one[5], Alarm)]
        counted: dict[tuple[str, int], list[str]] = {}
        for author, _, time, digest, _, _ in sorted(alarms, key=lambda a: (a[2] or 0, a[1])):
            if time is not None:
                counted.setdefault((author, time // DAY), []).append(digest)
        surplus = {d for digests in counted.values() for d in digests[BUDGET:]}
        found = {}
        for author, _, time, digest, audience, form in alarms:
            if time is None:
                found[digest] = "waiting"
            elif digest in surplus:
                found[digest] = "surplus"
            elif not self.force(form.agreement, time) or not self.allowed(author, audience, form, time):
                found[digest] = "outside"
        heard = [one for one in alarms if one[3] not in found]
        for author, index, _, digest, _, form in heard:
            first = form.replaces or digest
            versions = [o for o in heard if o[0] == author and (o[5].replaces or o[3]) == first]
            every = {first} | {o[3] for o in alarms if o[0] == author and (o[5].replaces or o[3]) == first}
            gone = [o[2] for o in self.said if o[0] == author and isinstance(o[5], Retraction) and o[5].target in every]
            if any(time is not None for time in gone):
                found[digest] = "retracted"
            elif max(v[1] for v in versions) != index:
                found[digest] = "replaced"
            elif form.expiry <= self.now:
                found[digest] = "expired"
            elif gone:
                found[digest] = "stopped"
            else:
                found[digest] = "heard" if self.last[author] >= self.now - FRESH else "stale"
        return found

    def allowed(self, author, audience, form, time) -> bool:  # type: ignore[no-untyped-def]
        deal = self.deal(form.agreement)
        known = {author, *audience} <= set(deal.parties)
        return known and form.kind in deal.kinds and form.expiry <= time + deal.retention * DAY

    def independent(self, statuses: dict[str, str]) -> set[str]:
        """Rule 24 for the one subject, where nobody anchors or acknowledges: whose word is never after another's."""
        words = [o for o in self.said if isinstance(o[5], Alarm | Sighting) and o[2] is not None]
        gone = {(o[0], o[5].target) for o in self.said if isinstance(o[5], Retraction) and o[2] is not None}
        last = {o[0]: o for o in sorted(words, key=lambda w: w[1]) if isinstance(o[5], Sighting)}
        found = set()
        for author, _, time, digest, _, form in words:
            if isinstance(form, Alarm):
                own = statuses[digest] in ("heard", "stale", "replaced") and not form.derived
            else:
                now = last[author]
                own = form.count > 0 and not form.derived and now[5].count > 0 and (author, now[3]) not in gone
            if own and all(time <= o[2] for o in words if o[0] != author and author in o[4]):
                found.add(author)
        return found

    def opinions(self) -> dict[tuple[str, str], str]:
        found = {}
        for author, _, time, digest, _, form in sorted(self.said, key=lambda s: s[1]):
            if isinstance(form, Opinion) and time is not None:
                found[author, form.target] = digest
        gone = {(o[0], o[5].target) for o in self.said if isinstance(o[5], Retraction) and o[2] is not None}
        return {key: digest for key, digest in found.items() if (key[0], digest) not in gone}


@cases(25)
@given(rooms(), st.sampled_from(NAMES), st.sampled_from((3, DAY, 3 * DAY, 9 * DAY)), st.randoms())
def test_both_views_say_the_same(room: Room, viewer: str, now: int, rnd: random.Random) -> None:
    held = {digest for digest in room.bodies if rnd.random() < 0.9}
    bodies = [room.bodies[digest] for digest in held]
    rnd.shuffle(bodies)
    shown = view(room.known(), START + now, bodies, [read_box(box(viewer))], clock=told_time_of)
    naive = Naive(room, viewer, held, now)
    statuses = naive.statuses()
    assert {one.said.digest: one.status for one in shown.alarms} == statuses
    assert all(set(one.independent) == naive.independent(statuses) for one in shown.alarms)
    assert {(o.author, o.form.target): o.digest for o in shown.opinions} == naive.opinions()  # type: ignore[attr-defined]
    assert len(shown.sealed) + len(naive.said) == naive.sealed
