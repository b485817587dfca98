"""Decide cases: claim, decision, a second person where the effect is severe, undo, appeal.

A case's standing is the fold of its acts and nothing else. An act that may not be done raises and leaves no trace; all
others are kept. Nothing comes in force but through `decide`, `approve` and `undo`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.forms import PolicyError

TWO = 2  # people that a severe effect takes


class Effect(StrEnum):
    """What a decision does to the account, from nothing to the gravest."""

    DISMISS = "dismiss"
    MONITOR = "monitor"
    WARN = "warn"
    LIMIT = "limit"
    BAN = "ban"
    REFER = "refer"
    REPORT = "report"


class Reason(StrEnum):
    """Why, from a closed list: it is counted, it is shown in both languages, and it can hold no content."""

    CONFIRMED = "confirmed"
    REPEATED = "repeated"
    COORDINATED = "coordinated"
    LEGAL_DUTY = "legal-duty"
    BENIGN = "benign"
    UNFOUNDED = "unfounded"
    TOO_LITTLE = "too-little"
    APPEAL_UPHELD = "appeal-upheld"
    APPEAL_REJECTED = "appeal-rejected"
    MISTAKE = "mistake"


class Sort(StrEnum):
    """What can be done with a case; `grow` is done by the node when more is found after a decision."""

    CLAIM = "claim"
    RELEASE = "release"
    DECIDE = "decide"
    APPROVE = "approve"
    DECLINE = "decline"
    UNDO = "undo"
    APPEAL = "appeal"
    GROW = "grow"


class State(StrEnum):
    """What a case waits for."""

    OPEN = "open"
    PROPOSED = "proposed"
    APPEALED = "appealed"
    DECIDED = "decided"


@dataclass(frozen=True)
class Actor:
    """Whoever acts: a person, or a program by its token. Several tokens of a person are one actor."""

    id: str
    is_person: bool


@dataclass(frozen=True)
class Terms:
    """What a member has set: which effects take two people, and how long a claim holds."""

    severe: frozenset[Effect] = frozenset({Effect.BAN, Effect.REFER, Effect.REPORT})
    claim_for: timedelta = timedelta(minutes=30)


@dataclass(frozen=True)
class Act:
    """One act; `number` counts the case's acts from 1, `of` names the act that it speaks of.

    `takes` (people) and `until` are set by `perform` from the terms of that day, so that later terms change no history.
    """

    number: int
    sort: Sort
    by: Actor
    at: datetime
    effect: Effect | None = None
    reason: Reason | None = None
    of: int | None = None
    takes: int = 1
    until: datetime | None = None


@dataclass(frozen=True)
class Appeal:
    """An appeal that waits: the act that it is, and the decision that it is against."""

    number: int
    of: int


@dataclass(frozen=True)
class Decision:
    """An effect and who stands behind it; `undoes` names the decision that it takes back."""

    number: int
    effect: Effect | None  # None: as before any decision
    reason: Reason
    takes: int
    actors: frozenset[str]
    people: frozenset[str]
    undoes: int | None = None
    answers: Appeal | None = None


@dataclass(frozen=True)
class Standing:
    """How a case stands after its acts: who holds it, what is in force, what waits for a second person or an answer."""

    acts: int = 0
    holder: str | None = None
    held_until: datetime | None = None
    force: tuple[Decision, ...] = ()  # the last one counts; those below are what undo goes back to
    proposal: Decision | None = None
    appeal: Appeal | None = None
    grown: bool = False  # more was found after the decision

    @property
    def effect(self) -> Effect | None:
        """What is in force now."""
        return self.force[-1].effect if self.force else None

    @property
    def state(self) -> State:
        """What the case waits for."""
        if self.proposal:
            return State.PROPOSED
        if self.appeal:
            return State.APPEALED
        return State.DECIDED if self.force and not self.grown else State.OPEN


class RefusedError(PolicyError):
    """Raise when an act does not fit how the case stands now; the same act may fit another standing."""


URGENCY = {State.APPEALED: 3, State.PROPOSED: 2, State.OPEN: 1, State.DECIDED: 0}
"""First who waits for an answer, then what waits for a second person, then what nobody has decided."""


@dataclass(frozen=True)
class Step:
    """An act as it is to be kept, and how the case stands after it."""

    act: Act
    standing: Standing


def standing_of(acts: Iterable[Act]) -> Standing:
    """Fold a case's acts, as `perform` gave them."""
    standing = Standing()
    for act in acts:
        standing = _apply(standing, act)
    return standing


def perform(standing: Standing, act: Act, terms: Terms) -> Step:
    """Do an act.

    Errors: RefusedError where it does not fit the standing; PolicyError where this actor may not.
    """
    if act.number != standing.acts + 1:
        raise RefusedError(f"act {act.number} does not follow act {standing.acts}", hint="read the case again")
    _MAY[act.sort](standing, act)
    until = act.at + terms.claim_for if act.sort is Sort.CLAIM else None
    done = replace(act, takes=_takes(standing, act, terms), until=until)
    return Step(done, _apply(standing, done))


def _apply(standing: Standing, act: Act) -> Standing:
    return replace(_DONE[act.sort](standing, act), acts=act.number)


def _takes(standing: Standing, act: Act, terms: Terms) -> int:
    """Count the people that an act takes: two where a severe effect would come, or come back."""
    comes = {Sort.DECIDE: act.effect, Sort.UNDO: _below(standing)}.get(act.sort)
    return TWO if comes in terms.severe else 1


def _below(standing: Standing) -> Effect | None:
    return standing.force[-2].effect if len(standing.force) > 1 else None


def _free_to_claim(standing: Standing, act: Act) -> None:
    held = standing.held_until is not None and standing.held_until > act.at
    if held and standing.holder != act.by.id:
        raise RefusedError("the case is claimed by somebody else", hint="take another one, or wait for the claim's end")


def _holds(standing: Standing, act: Act) -> None:
    if standing.holder != act.by.id:
        raise RefusedError("the case is not claimed by you", hint="nothing is to be released")


def _may_decide(standing: Standing, act: Act) -> None:
    _free_to_claim(standing, act)
    if act.effect is None or act.reason is None:
        raise RefusedError("a decision names its effect and its reason", hint="give both")
    if standing.proposal:
        number = standing.proposal.number
        raise RefusedError(f"decision {number} waits for a second person", hint="approve it or decline it first")
    if standing.appeal and (not act.by.is_person or act.by.id in _appealed(standing, standing.appeal)):
        raise PolicyError("an appeal is answered by a person who did not decide", hint="let a colleague decide")


def _appealed(standing: Standing, appeal: Appeal) -> frozenset[str]:
    """Name those who made what is appealed against, or decided since."""
    return frozenset().union(*(d.actors for d in standing.force if d.number >= appeal.of))


def _may_approve(standing: Standing, act: Act) -> None:
    proposal = _proposal(standing, act)
    if not act.by.is_person:
        raise PolicyError("a program cannot be the second person", hint="let a person approve with an own token")
    if act.by.id in proposal.people:
        raise PolicyError("a severe effect takes two people", hint="let a colleague approve")


def _may_decline(standing: Standing, act: Act) -> None:
    _proposal(standing, act)


def _proposal(standing: Standing, act: Act) -> Decision:
    if standing.proposal is None or standing.proposal.number != act.of:
        waits = standing.proposal.number if standing.proposal else "none"
        raise RefusedError(f"decision {act.of} does not wait, but {waits}", hint="read the case again")
    return standing.proposal


def _may_undo(standing: Standing, act: Act) -> None:
    if standing.proposal:
        raise RefusedError(f"decision {standing.proposal.number} waits for a second person", hint="decline it first")
    _check_in_force(standing, act)
    if act.reason is None:
        raise RefusedError("an undo names its reason", hint="give one")


def _may_appeal(standing: Standing, act: Act) -> None:
    if standing.appeal:
        raise RefusedError(f"appeal {standing.appeal.number} waits for its answer", hint="answer it first")
    _check_in_force(standing, act)


def _check_in_force(standing: Standing, act: Act) -> None:
    last = standing.force[-1].number if standing.force else None
    if act.of is None or last != act.of:
        raise RefusedError(f"decision {act.of} is not in force, but {last or 'none'}", hint="read the case again")


def _may_grow(standing: Standing, _act: Act) -> None:
    if standing.state is not State.DECIDED:
        raise RefusedError("the case is not decided", hint="it is in the queue as it is")


def _claim(standing: Standing, act: Act) -> Standing:
    return replace(standing, holder=act.by.id, held_until=act.until)


def _release(standing: Standing, _act: Act) -> Standing:
    return replace(standing, holder=None, held_until=None)


def _decide(standing: Standing, act: Act) -> Standing:
    made = replace(_voice(act, act.effect), answers=standing.appeal)
    return _put_in_force(_release(standing, act), made)


def _undo(standing: Standing, act: Act) -> Standing:
    return _put_in_force(standing, replace(_voice(act, _below(standing)), undoes=act.of))


def _approve(standing: Standing, act: Act) -> Standing:
    made = standing.proposal
    assert made is not None
    joined = replace(made, people=made.people | {act.by.id}, actors=made.actors | {act.by.id})
    return _put_in_force(standing, joined)


def _voice(act: Act, effect: Effect | None) -> Decision:
    assert act.reason is not None
    people = frozenset({act.by.id} if act.by.is_person else ())
    return Decision(act.number, effect, act.reason, act.takes, frozenset({act.by.id}), people)


def _put_in_force(standing: Standing, made: Decision) -> Standing:
    """Put a decision in force, or let it wait while too few people stand behind it."""
    if made.takes > 1 and len(made.people) < made.takes:
        return replace(standing, proposal=made)
    standing = replace(standing, proposal=None, grown=False)
    if made.undoes is not None:
        return _take_back(standing)
    answered = made.answers is not None and made.answers == standing.appeal
    return replace(standing, force=(*standing.force, made), appeal=None if answered else standing.appeal)


def _take_back(standing: Standing) -> Standing:
    """Take the last decision out of force; the appeal against it falls, the one that it answered waits again."""
    *rest, top = standing.force
    falls = standing.appeal is not None and standing.appeal.of == top.number
    return replace(standing, force=tuple(rest), appeal=top.answers or (None if falls else standing.appeal))


def _decline(standing: Standing, _act: Act) -> Standing:
    return replace(standing, proposal=None)


def _appeal(standing: Standing, act: Act) -> Standing:
    assert act.of is not None
    return replace(standing, appeal=Appeal(act.number, act.of))


def _grow(standing: Standing, _act: Act) -> Standing:
    return replace(standing, grown=True)


_MAY = {
    Sort.CLAIM: _free_to_claim,
    Sort.RELEASE: _holds,
    Sort.DECIDE: _may_decide,
    Sort.APPROVE: _may_approve,
    Sort.DECLINE: _may_decline,
    Sort.UNDO: _may_undo,
    Sort.APPEAL: _may_appeal,
    Sort.GROW: _may_grow,
}
_DONE = {
    Sort.CLAIM: _claim,
    Sort.RELEASE: _release,
    Sort.DECIDE: _decide,
    Sort.APPROVE: _approve,
    Sort.DECLINE: _decline,
    Sort.UNDO: _undo,
    Sort.APPEAL: _appeal,
    Sort.GROW: _grow,
}


@dataclass(frozen=True)
class Seen:
    """What a case held when it was decided."""

    severity: int
    kinds: frozenset[str]
    findings: int


MUCH_MORE = 2  # times the findings that were there


def has_grown(then: Seen, now: Seen) -> bool:
    """Say whether a decided case must be looked at again: graver, of a new kind, or twice as much of the same."""
    return now.severity > then.severity or not now.kinds <= then.kinds or now.findings >= MUCH_MORE * then.findings
