"""Decide cases: the act, how the case then stands, the audit and what is told about it, in one transaction."""

from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy.engine import Connection, RowMapping

from tocsin.cases import (
    Act,
    Actor,
    Decision,
    Effect,
    Reason,
    RefusedError,
    Seen,
    Sort,
    Standing,
    Step,
    Terms,
    has_grown,
    perform,
    standing_of,
)
from tocsin.node.access import Caller
from tocsin.node.config import SinkSection
from tocsin.node.node import Node
from tocsin.node.refusals import NotFoundError
from tocsin.node.sinks import About, Message, write_message
from tocsin.node.stores import acts, audit, cases, outbox
from tocsin.node.stores.audit import Entry, audit_key
from tocsin.node.stores.times import micros, moment


@dataclass(frozen=True)
class Wish:
    """What somebody wants done with a case.

    `of` names the decision that it speaks of. `after` counts the acts that they have seen; where there are more,
    nothing is done.
    """

    sort: Sort
    effect: Effect | None = None
    reason: Reason | None = None
    of: int | None = None
    note: str = ""
    after: int | None = None


@dataclass(frozen=True)
class Desk:
    """Do what is wished with the cases of a node."""

    node: Node

    @property
    def terms(self) -> Terms:
        """What the settings say."""
        desk = self.node.config.desk
        return Terms(frozenset(desk.two_people), timedelta(minutes=desk.claim_minutes))

    def do(self, case_id: str, wish: Wish, caller: Caller) -> Standing:
        """Do it, or raise and leave everything as it was.

        Errors: NotFoundError; RefusedError where it does not fit how the case stands; PolicyError where this caller may
        not; IntegrityError where somebody else was faster.
        """
        now = self.node.now()
        with self.node.database.writing() as connection:
            row = cases.get(connection, case_id, lock=True)
            if row is None:
                raise NotFoundError("no such case", hint="GET /v1/cases lists them")
            before = standing_of(kept.act for kept in acts.load(connection, case_id))
            step = perform(before, _act(before, wish, caller, now), self.terms)
            self._keep(connection, row, step, wish.note, caller.name)
            self._tell(connection, row, before, step)
            self._audit(connection, case_id, step, caller)
        return step.standing

    def _keep(self, connection: Connection, row: RowMapping, step: Step, note: str, name: str) -> None:
        case_id, act = row["case_id"], step.act
        place = acts.note_place(case_id, act.number)
        sealed = self.node.keys.sealer.seal(note.encode(), place) if note else None
        acts.add(connection, case_id, act, name, seen_of(row), sealed)
        acts.put_standing(connection, case_id, step.standing, micros(act.at))

    def _tell(self, connection: Connection, row: RowMapping, before: Standing, step: Step) -> None:
        message = message_of(row, before, step, self.node.config.desk.name)
        if message is None:
            return
        for sink in self.node.config.sinks:
            if is_wanted(message, sink):
                told = message if sink.identifiers else message.without_accounts()
                outbox.add(connection, sink.name, message.case, write_message(told), message.time)

    def _audit(self, connection: Connection, case_id: str, step: Step, caller: Caller) -> None:
        act = step.act
        details = {"act": act.number, "effect": act.effect, "reason": act.reason, "of": act.of, "token": caller.id}
        told = {name: value for name, value in details.items() if value is not None}
        entry = Entry(caller.actor, f"case.{act.sort}", case_id, told)
        audit.append(connection, audit_key(self.node.keys.sealer.key), entry, micros(act.at))


def _act(standing: Standing, wish: Wish, caller: Caller, now: int) -> Act:
    if wish.after is not None and wish.after != standing.acts:
        raise RefusedError(f"the case has {standing.acts} acts, not {wish.after}", hint="read the case again")
    by = Actor(caller.actor, caller.person is not None)
    return Act(standing.acts + 1, wish.sort, by, moment(now), wish.effect, wish.reason, wish.of)


def seen_of(row: RowMapping) -> Seen:
    """What a case holds now."""
    return Seen(row["severity"], frozenset(row["kinds"]), row["findings"])


def message_of(row: RowMapping, before: Standing, step: Step, node: str) -> Message | None:
    """Say what an act changed for others; None for nothing."""
    about = _about(before, step)
    if about is None:
        return None
    behind = _behind(about, before, step)
    return Message(
        id=f"msg_{row['case_id']}_{step.act.number}",
        about=about,
        time=micros(step.act.at),
        node=node,
        case=row["case_id"],
        sequence=step.act.number,
        effect=behind.effect if behind and about is About.PROPOSED else step.standing.effect,
        before=before.effect,
        reason=behind.reason if behind else step.act.reason,
        people=len(behind.people) if behind else int(about is About.UNDONE and step.act.by.is_person),
        kinds=tuple(row["kinds"]),
        severity=row["severity"],
        accounts=(row["account"],) if row["account"] else (),
    )


def _behind(about: About, before: Standing, step: Step) -> Decision | None:
    """Find the decision that a message is about, with all who stand behind it; an undo by one person has none."""
    if about is About.MADE:
        return step.standing.force[-1]
    if about is About.PROPOSED:
        return step.standing.proposal
    waited = before.proposal if about is About.UNDONE else None
    return replace(waited, people=waited.people | {step.act.by.id}) if waited else None


def _about(before: Standing, step: Step) -> About | None:
    after = step.standing
    if len(after.force) != len(before.force):
        return About.MADE if len(after.force) > len(before.force) else About.UNDONE
    if step.act.sort is Sort.APPEAL:
        return About.APPEALED
    return About.PROPOSED if after.proposal and not before.proposal else None


def is_wanted(message: Message, sink: SinkSection) -> bool:
    """Say whether a sink is told: it hears of an effect's end as it heard of its beginning."""
    spoken_of = {message.effect, message.before}
    return message.about in sink.on and (not sink.effects or not spoken_of.isdisjoint(sink.effects))


def reopen_grown(connection: Connection, now: int) -> int:
    """Let decided cases that changed just now into the queue again, where much more was found; return how many."""
    return sum(_reopen(connection, row, now) for row in cases.decided_and_changed(connection, now))


def _reopen(connection: Connection, row: RowMapping, now: int) -> bool:
    standing = standing_of(kept.act for kept in acts.load(connection, row["case_id"]))
    then = acts.last_seen(connection, row["case_id"], standing.force[-1].number) if standing.force else None
    if then is None or not has_grown(then, seen_of(row)):
        return False
    act = Act(standing.acts + 1, Sort.GROW, Actor("node", is_person=False), moment(now))
    step = perform(standing, act, Terms())
    acts.add(connection, row["case_id"], step.act, "node", seen_of(row))
    acts.put_standing(connection, row["case_id"], step.standing, now)
    return True
