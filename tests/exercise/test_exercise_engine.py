"""The engine: what must hold whatever the numbers."""

import json
from typing import Any

import numpy as np
import pytest
from exercise_scenes import lively, provider, scenario

from tocsin.exercise import Result, Scenario, results_table, run_exercise, summarise
from tocsin.exercise import run as running
from tocsin.exercise.desk import Desk
from tocsin.exercise.dice import Dice
from tocsin.exercise.engine import Fates, play
from tocsin.exercise.ranges import Draws
from tocsin.exercise.scenario import Policy
from tocsin.exercise.subjects import Births, People, draw_births, draw_people
from tocsin.exercise.world import World, build_world

NONE, ALL, SIDE = Policy(share="none"), Policy(share="all"), Policy(share="side")
REVIEW, TWO = Policy(share="all", act="review"), Policy(share="all", act="corroborated")


def parts(scene: Scenario, runs: int = 20, seed: int = 1) -> tuple[World, Dice, Births, People, range]:
    world, block = build_world(scene, Draws(scene, runs, seed)), range(runs)
    return world, Dice(seed), draw_births(world, block, seed), draw_people(world, block, seed), block


def fates(scene: Scenario, policy: Policy, runs: int = 20) -> Fates:
    world, dice, births, people, block = parts(scene, runs)
    return play(world, policy, dice, births, people, block)


def same(a: Result, b: Result) -> bool:
    return json.dumps(summarise(a, "", "")) == json.dumps(summarise(b, "", "")) and results_table(a) == results_table(b)


def test_the_same_seed_gives_the_same_result_and_another_one_not() -> None:
    one = run_exercise(lively(), 5, 30)
    assert same(one, run_exercise(lively(), 5, 30))
    assert not same(one, run_exercise(lively(), 6, 30))


@pytest.mark.parametrize("at_once", [1, 500, 10**9])
def test_how_many_runs_are_held_at_once_changes_nothing(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run_exercise(lively(), 5, 12)
    monkeypatch.setattr(running, "SUBJECTS_AT_ONCE", at_once)
    assert same(run_exercise(lively(), 5, 12), whole)


def test_progress_counts_to_the_end() -> None:
    told: list[tuple[int, int]] = []
    run_exercise(lively(), 1, 3, lambda done, of: told.append((done, of)))
    assert [done for done, _ in told] == list(range(1, 8)) and {of for _, of in told} == {7}


def test_policies_that_come_to_the_same_give_the_same_fates() -> None:
    """With one provider a side, sharing inside a side is sharing with nobody; with one side, with everybody."""
    apart = scenario(providers=[provider("a"), provider("b")])
    assert (fates(apart, SIDE).inside == fates(apart, NONE).inside).all()
    together = scenario(providers=[provider("a", count=4, heed={"a": 0.5})])
    assert (fates(together, SIDE).inside == fates(together, ALL).inside).all()


def test_nobody_who_heeds_is_nobody_who_shares() -> None:
    deaf = scenario(providers=[provider(s, count=3, heed={"a": 0, "b": 0}) for s in "ab"])
    for policy in (ALL, REVIEW, TWO):
        assert (fates(deaf, policy).inside == fates(deaf, NONE).inside).all()


def test_a_campaign_that_no_alarm_can_reach_meets_the_same_chances() -> None:
    """Campaigns that were never found inside, or live outside, have the same fate under every policy."""
    scene = lively()
    alone, shared = fates(scene, NONE), fates(scene, ALL)
    never_banned = alone.inside == 0
    assert never_banned.any() and (alone.outside[never_banned] == shared.outside[never_banned]).all()


def test_a_campaign_is_never_active_longer_than_it_lives() -> None:
    world, dice, births, people, block = parts(lively())
    for policy in (NONE, ALL, SIDE, REVIEW, TWO):
        told = play(world, policy, dice, births, people, block)
        assert ((told.inside >= 0) & (told.outside >= 0)).all()
        assert (told.inside + told.outside <= births.until - births.start).all()
        assert (told.at <= world.providers).all()


def test_certain_finders_who_all_share_stop_everything_in_a_day() -> None:
    sure = scenario(providers=[provider(s, count=3, recall={"M01": 1}) for s in "ab"])
    assert (fates(sure, ALL).inside == 1).all()
    assert fates(sure, NONE).inside.max() == 6


def test_blind_providers_find_nothing() -> None:
    blind = scenario(providers=[provider(s, recall={"M01": 0}) for s in "ab"])
    world, dice, births, people, block = parts(blind)
    told = play(world, ALL, dice, births, people, block)
    assert (told.inside == births.until - births.start).all()


def test_a_provider_closes_its_own_door_at_once_though_an_alarm_is_still_on_its_way() -> None:
    """An alarm that takes long must not keep a provider from acting on its own finding."""
    slow: Any = {"recall": {"M01": 0.5}, "count": 2, "delay": 50}
    late = scenario(begin="together", providers=[provider(s, **slow) for s in "ab"])
    assert fates(late, ALL).inside.max() < 50
    assert fates(late, ALL).inside.mean() == pytest.approx(fates(late, NONE).inside.mean(), rel=0.05)


def test_a_member_that_lies_closes_accounts_where_alarms_are_believed_and_none_where_two_must_agree() -> None:
    scene = scenario(innocents={"people": 1000, "accounts": 3}, poison={"side": "b", "rate": 1})
    assert fates(scene, ALL).hit.sum() > 1000
    assert fates(scene, SIDE).hit.sum() > 100
    for policy in (NONE, TWO):
        assert fates(scene, policy).hit.sum() == 0


def test_two_members_that_lie_together_overcome_the_rule_of_two() -> None:
    scene = scenario(innocents={"people": 1000, "accounts": 3}, poison={"side": "b", "rate": 1, "members": 2})
    assert fates(scene, TWO).hit.sum() > 1000
    assert fates(scene, Policy(share="all", act="corroborated", need=3)).hit.sum() == 0


def test_reviewers_who_clear_everybody_close_no_account_and_those_who_confirm_nothing_no_door() -> None:
    careful = scenario(
        innocents={"people": 1000, "accounts": 3}, poison={"side": "b", "rate": 1}, review={"clears": 1, "confirms": 0}
    )
    told = fates(careful, REVIEW)
    assert told.hit.sum() == 0 and told.reviews.sum() > 0
    assert (told.inside == fates(careful, NONE).inside).all()


def test_without_capacity_no_alarm_is_ever_acted_on() -> None:
    idle = scenario(providers=[provider(s, count=3, capacity=0) for s in "ab"])
    told = fates(idle, REVIEW)
    assert (told.inside == fates(idle, NONE).inside).all()
    assert (told.backlog == told.reviews).all() and told.backlog.sum() > 0


def test_queues_are_served_in_turn() -> None:
    """Two alarms a day and one reviewed: the n-th waits n days."""
    scene = scenario(providers=[provider("a", count=2, capacity=1, heed={"a": 1})])
    world, dice, births, people, block = parts(scene, 1)
    desk = Desk(world, REVIEW, dice, births, people, block)
    for day in range(1, 6):
        desk.hear(day, np.array([2 * day, 2 * day + 1]), np.array([0, 0]))
        desk.close_day()
    assert desk.due[2:12, 1].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert desk.due[2:12, 0].tolist() == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    assert desk.backlog[0].tolist() == [0, 5]


def test_an_exercise_without_campaigns_or_people_is_empty_and_not_an_error() -> None:
    empty = run_exercise(scenario(campaigns=[{"kind": "M01", "rate": 0}]), 1, 2)
    assert set(np.unique(empty.measures["harm"])) == {0.0}
    assert np.isfinite(empty.curves).all()
    summarise(empty, "", "")
