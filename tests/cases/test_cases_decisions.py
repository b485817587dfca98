"""Acts on a case in any order: no severe effect by one person, undo goes back, appeals reach fresh eyes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.cases import (
    Act,
    Actor,
    Effect,
    Reason,
    RefusedError,
    Seen,
    Sort,
    Standing,
    State,
    Terms,
    has_grown,
    perform,
    standing_of,
)
from tocsin.forms import PolicyError

NOON = datetime(2026, 11, 3, 12, tzinfo=UTC)
ADA, BEN, CHEN = (Actor(name, is_person=True) for name in ("ada", "ben", "chen"))
BOT = Actor("bot", is_person=False)
TERMS = Terms()
SEVERE = TERMS.severe

Plan = tuple[Sort, Actor, Effect, int, int]
plans = st.lists(
    st.tuples(
        st.sampled_from(list(Sort)),
        st.sampled_from([ADA, BEN, CHEN, BOT]),
        st.sampled_from(list(Effect)),
        st.integers(-1, 2),  # which act is named, beside the one that fits
        st.integers(0, 40),  # minutes that pass
    ),
    max_size=30,
)


def act(standing: Standing, sort: Sort, by: Actor, effect: Effect = Effect.WARN, minutes: float = 0) -> Act:
    """Make the act of this sort that fits the standing."""
    named = {
        Sort.APPROVE: standing.proposal.number if standing.proposal else 1,
        Sort.DECLINE: standing.proposal.number if standing.proposal else 1,
        Sort.UNDO: standing.force[-1].number if standing.force else 1,
        Sort.APPEAL: standing.force[-1].number if standing.force else 1,
    }.get(sort)
    at = NOON + timedelta(minutes=minutes)
    chosen = effect if sort is Sort.DECIDE else None
    return Act(standing.acts + 1, sort, by, at, chosen, Reason.CONFIRMED, named)


def do(standing: Standing, sort: Sort, by: Actor, effect: Effect = Effect.WARN, minutes: float = 0) -> Standing:
    return perform(standing, act(standing, sort, by, effect, minutes), TERMS).standing


def run(plan: Sequence[Plan], check: Callable[[Standing, Act, Standing], None] = lambda a, b, c: None) -> list[Act]:
    """Try every act of a plan; give those that were done."""
    standing, done, minutes = Standing(), list[Act](), 0
    for sort, by, effect, off, wait in plan:
        minutes += wait
        tried = act(standing, sort, by, effect, minutes)
        tried = replace(tried, of=tried.of + off) if tried.of is not None and off > 0 else tried
        try:
            step = perform(standing, tried, TERMS)
        except PolicyError:
            continue
        check(standing, step.act, step.standing)
        done.append(step.act)
        standing = step.standing
    return done


def voices(done: Sequence[Act], number: int) -> set[str]:
    """The people who decided or approved act `number`, counted from the acts alone."""
    spoke = [a for a in done if a.number == number or (a.sort is Sort.APPROVE and a.of == number)]
    return {a.by.id for a in spoke if a.by.is_person}


@given(plans)
def test_no_sequence_of_acts_reaches_a_severe_effect_with_one_person(plan: list[Plan]) -> None:
    reached: list[Act] = []

    def check(before: Standing, done: Act, after: Standing) -> None:
        reached.append(done)
        came = after.effect in SEVERE and (after.effect is not before.effect or len(after.force) > len(before.force))
        if came:
            asked = done.of if done.sort is Sort.APPROVE else done.number
            assert asked is not None
            assert len(voices(reached, asked)) >= 2

    run(plan, check)


@given(plans)
def test_undo_goes_back_to_what_was_in_force(plan: list[Plan]) -> None:
    effects: dict[int, Effect | None] = {}  # by decision: what was in force before it
    undone: dict[int, int] = {}  # by undo: the decision that it takes back

    def check(before: Standing, done: Act, after: Standing) -> None:
        if len(after.force) > len(before.force):
            effects[after.force[-1].number] = before.effect
        if done.sort is Sort.UNDO:
            assert done.of is not None
            undone[done.number] = done.of
        if len(after.force) < len(before.force):
            number = done.of if done.sort is Sort.APPROVE else done.number
            assert number is not None
            assert after.effect is effects[undone[number]]

    run(plan, check)


@given(plans)
def test_every_act_leaves_a_record_and_the_records_are_the_standing(plan: list[Plan]) -> None:
    last = Standing()

    def check(before: Standing, done: Act, after: Standing) -> None:
        nonlocal last
        last = after
        assert after.acts == before.acts + 1 == done.number

    done = run(plan, check)
    assert [a.number for a in done] == list(range(1, len(done) + 1))
    assert standing_of(done) == last


@given(plans)
def test_nothing_but_decide_approve_and_undo_changes_what_is_in_force(plan: list[Plan]) -> None:
    def check(before: Standing, done: Act, after: Standing) -> None:
        if before.force != after.force:
            assert done.sort in (Sort.DECIDE, Sort.APPROVE, Sort.UNDO)

    run(plan, check)


@given(plans)
def test_an_appeal_is_answered_by_none_of_those_it_is_against(plan: list[Plan]) -> None:
    def check(before: Standing, done: Act, after: Standing) -> None:
        assert after.appeal is None or after.force
        if before.appeal and done.sort is Sort.DECIDE:
            against = next(d for d in before.force if d.number == before.appeal.of)
            assert done.by.is_person
            assert done.by.id not in against.actors

    run(plan, check)


@given(plans)
def test_no_claim_is_taken_from_somebody_before_it_ends(plan: list[Plan]) -> None:
    def check(before: Standing, done: Act, after: Standing) -> None:
        held = before.held_until is not None and before.held_until > done.at
        if held and done.sort in (Sort.CLAIM, Sort.DECIDE):
            assert done.by.id == before.holder

    run(plan, check)


def test_the_plans_reach_every_sort_of_act_and_every_state() -> None:
    """A property that never sees a severe effect, an appeal or an undo of one would prove nothing."""
    standing, seen = Standing(), list[State]()
    for sort, by, effect in _grand_tour():
        standing = do(standing, sort, by, effect)
        seen.append(standing.state)
    assert set(seen) == set(State)
    assert [d.effect for d in standing.force] == [Effect.BAN]


def _grand_tour() -> Iterator[tuple[Sort, Actor, Effect]]:
    yield from ((Sort.CLAIM, ADA, Effect.BAN), (Sort.RELEASE, ADA, Effect.BAN), (Sort.DECIDE, BOT, Effect.BAN))
    yield from ((Sort.APPROVE, ADA, Effect.BAN), (Sort.APPROVE, BEN, Effect.BAN), (Sort.APPEAL, BOT, Effect.BAN))
    yield from ((Sort.DECIDE, CHEN, Effect.DISMISS), (Sort.GROW, BOT, Effect.BAN), (Sort.DECIDE, ADA, Effect.WARN))
    yield from ((Sort.UNDO, ADA, Effect.BAN), (Sort.UNDO, CHEN, Effect.BAN), (Sort.DECLINE, BEN, Effect.BAN))
    yield from ((Sort.UNDO, CHEN, Effect.BAN), (Sort.APPROVE, BEN, Effect.BAN))


@pytest.mark.parametrize("effect", list(Effect))
def test_only_severe_effects_wait_for_a_second_person(effect: Effect) -> None:
    standing = do(Standing(), Sort.DECIDE, ADA, effect)
    if effect in SEVERE:
        assert (standing.state, standing.effect) == (State.PROPOSED, None)
        standing = do(standing, Sort.APPROVE, BEN)
    assert (standing.state, standing.effect) == (State.DECIDED, effect)


def test_a_person_is_not_the_second_one_to_an_own_proposal() -> None:
    proposed = do(Standing(), Sort.DECIDE, ADA, Effect.BAN)
    with pytest.raises(PolicyError, match="two people"):
        do(proposed, Sort.APPROVE, ADA)


def test_a_program_proposes_but_is_nobody() -> None:
    proposed = do(Standing(), Sort.DECIDE, BOT, Effect.BAN)
    with pytest.raises(PolicyError, match="program"):
        do(proposed, Sort.APPROVE, BOT)
    once = do(proposed, Sort.APPROVE, ADA)
    assert once.state is State.PROPOSED
    assert do(once, Sort.APPROVE, BEN).effect is Effect.BAN


def test_a_ban_that_was_lifted_comes_back_by_two_people_only() -> None:
    banned = do(do(Standing(), Sort.DECIDE, ADA, Effect.BAN), Sort.APPROVE, BEN)
    lifted = do(banned, Sort.DECIDE, ADA, Effect.DISMISS)
    waiting = do(lifted, Sort.UNDO, ADA)
    assert (waiting.effect, waiting.state) == (Effect.DISMISS, State.PROPOSED)
    assert do(waiting, Sort.APPROVE, CHEN).effect is Effect.BAN


def test_a_claim_ends_by_itself_and_holds_others_off_until_then() -> None:
    claimed = do(Standing(), Sort.CLAIM, ADA)
    with pytest.raises(RefusedError):
        do(claimed, Sort.CLAIM, BEN, minutes=29)
    with pytest.raises(RefusedError):
        do(claimed, Sort.DECIDE, BEN, minutes=29)
    assert do(claimed, Sort.CLAIM, BEN, minutes=30).holder == "ben"


def test_an_appeal_waits_again_when_its_answer_is_undone() -> None:
    warned = do(Standing(), Sort.DECIDE, ADA, Effect.WARN)
    appealed = do(warned, Sort.APPEAL, BOT)
    with pytest.raises(PolicyError, match="did not decide"):
        do(appealed, Sort.DECIDE, ADA, Effect.WARN)
    answered = do(appealed, Sort.DECIDE, BEN, Effect.DISMISS)
    assert (answered.state, answered.appeal) == (State.DECIDED, None)
    again = do(answered, Sort.UNDO, CHEN)
    assert (again.state, again.effect, again.appeal) == (State.APPEALED, Effect.WARN, appealed.appeal)


def test_an_appeal_outlives_a_decision_that_was_proposed_before_it() -> None:
    warned = do(Standing(), Sort.DECIDE, ADA, Effect.WARN)
    appealed = do(do(warned, Sort.DECIDE, ADA, Effect.BAN), Sort.APPEAL, BOT)
    banned = do(appealed, Sort.APPROVE, BEN)
    assert (banned.effect, banned.state) == (Effect.BAN, State.APPEALED)
    assert do(banned, Sort.UNDO, BEN).appeal == appealed.appeal


def test_later_terms_change_no_history() -> None:
    step = perform(Standing(), act(Standing(), Sort.DECIDE, ADA, Effect.LIMIT), TERMS)
    stricter = Terms(severe=SEVERE | {Effect.LIMIT})
    assert standing_of([step.act]).effect is Effect.LIMIT
    assert perform(step.standing, act(step.standing, Sort.DECIDE, BEN, Effect.LIMIT), stricter).standing.proposal


def test_an_approval_names_what_was_read() -> None:
    """Between reading and approving, the proposal was replaced by a graver one."""
    read = do(Standing(), Sort.DECIDE, ADA, Effect.BAN)
    replaced = do(do(read, Sort.DECLINE, ADA), Sort.DECIDE, ADA, Effect.REPORT)
    with pytest.raises(RefusedError, match="decision 1 does not wait, but 3"):
        perform(replaced, Act(4, Sort.APPROVE, BEN, NOON, of=1), TERMS)


def test_two_acts_with_one_number_are_not_both_done() -> None:
    first = act(Standing(), Sort.DECIDE, ADA, Effect.WARN)
    standing = perform(Standing(), first, TERMS).standing
    with pytest.raises(RefusedError, match="does not follow"):
        perform(standing, replace(first, by=BEN), TERMS)


@pytest.mark.parametrize(
    ("now", "grown"),
    [
        (Seen(3, frozenset({"M02"}), 4), False),
        (Seen(3, frozenset({"M02"}), 7), False),
        (Seen(3, frozenset({"M02"}), 8), True),
        (Seen(4, frozenset({"M02"}), 4), True),
        (Seen(3, frozenset({"M02", "M03"}), 5), True),
        (Seen(2, frozenset[str](), 1), False),
    ],
)
def test_a_decided_case_comes_back_when_it_is_graver_new_or_twice_as_much(now: Seen, grown: bool) -> None:
    assert has_grown(Seen(3, frozenset({"M02"}), 4), now) is grown
