"""Each rule switched off makes some scenario fail; docs/coalition.md holds the table."""

from collections.abc import Callable
from pathlib import Path

import pytest
import test_coalition_attacks as attacks
from coalition_worlds import World, found, member, side

import tocsin.coalition.chain as chain
import tocsin.coalition.charter as charter
import tocsin.coalition.fold as fold
import tocsin.coalition.reading as reading
from tocsin.coalition.timing import Counted, Timeline

PAGE = (Path(__file__).parents[2] / "docs" / "coalition.md").read_text("utf-8")
Off = Callable[[pytest.MonkeyPatch], None]


def last_vote(patch: pytest.MonkeyPatch) -> None:
    def cast(ballots, entry, origin, time, head):  # type: ignore[no-untyped-def]
        form = entry.form
        if form.parent == head.hash and head.round_of(time) == form.round:
            ballots[origin, form.round] = chain.Ballot(origin, entry.index, time, form.round, form.charter)

    patch.setattr(chain, "_cast", cast)


def no_dead_rounds(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(chain.Slot, "_alone", lambda *_: True)


def any_threshold(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(charter, "_check_text", lambda _: None)


def one_side(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(chain.Slot, "_has_won", lambda s, n, r: any(s._votes(x, n, r) >= x.k for x in s._sides))


def no_consent(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(charter, "_check_consents", lambda *_: None)


def loose_stamps(*, order: bool, stall: bool) -> Off:
    """Count stamps without one of their rules."""

    def count(prefix, known, clock):  # type: ignore[no-untyped-def]
        found: list[Counted] = []
        for stamp in prefix.stamps:
            if stamp.version >= len(known):
                if stall:
                    break
                continue
            time = clock(stamp, known[stamp.version])
            if time is not None and (not order or not found or time >= found[-1].time):
                found.append(Counted(stamp.size, time, stamp.version, time > known[stamp.version].text.expiry, 0))
        return Timeline(tuple(found if order else sorted(found, key=lambda s: s.time)))

    return lambda patch: patch.setattr(fold, "count_stamps", count)


def no_expiry(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fold.Timeline, "line", lambda t, slot=None, until=None: LINE(unlate(t), slot, until))


LINE = Timeline.line


def unlate(timeline: Timeline) -> Timeline:
    return Timeline(tuple(Counted(s.size, s.time, s.version, False, s.index) for s in timeline.stamps))


def no_ends(patch: pytest.MonkeyPatch) -> None:
    items = fold._items
    patch.setattr(fold, "_items", lambda known, chained, _, time: items(known, chained, {}, time))


def anyone_rotates(patch: pytest.MonkeyPatch) -> None:
    rotate = reading.LogReader._rotate

    def loose(reader, form, envelope):  # type: ignore[no-untyped-def]
        reader._recovery = reader._statement
        return rotate(reader, form, envelope)

    patch.setattr(reading.LogReader, "_rotate", loose)


def anyone_freezes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fold, "is_frozen_by", lambda *_: True)


def blind_to_forks(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(fold, "choose", lambda branches, *_: attacks_chosen(branches))


def attacks_chosen(branches):  # type: ignore[no-untyped-def]
    from tocsin.coalition.forks import Chosen

    return Chosen(branches[0]) if branches else None


RULES: dict[str, tuple[Off, Callable[..., None]]] = {
    "the first vote of a round is the vote (11)": (
        last_vote,
        attacks.test_a_second_vote_in_a_round_counts_for_nothing_and_shows_its_author,
    ),
    "nothing else can win in an earlier round (12)": (
        no_dead_rounds,
        attacks.test_a_split_vote_decides_nothing_and_the_next_round_does,
    ),
    "k is more than half of n (10)": (any_threshold, attacks.test_a_charter_of_less_than_half_is_refused),
    "every side must agree (12)": (one_side, attacks.test_one_side_alone_decides_nothing),
    "new members consent (10)": (
        no_consent,
        attacks.test_a_charter_without_its_new_members_consent_does_not_succeed,
    ),
    "a log's times never fall (7)": (
        loose_stamps(order=False, stall=True),
        attacks.test_votes_backdated_by_their_author_count_for_nothing,
    ),
    "a stamp of an unknown charter is waited for (7, 8)": (
        loose_stamps(order=True, stall=False),
        attacks.test_a_stamp_of_a_charter_not_yet_known_does_not_let_a_later_one_count,
    ),
    "after expiry only votes on the successor count (7)": (
        no_expiry,
        attacks.test_an_expired_charter_lets_only_its_successor_through,
    ),
    "entries past a log's end are void (14)": (
        no_ends,
        attacks.test_a_stolen_log_ends_at_a_size_and_what_the_thief_wrote_is_void,
    ),
    "recovery signs a new statement key (14)": (
        anyone_rotates,
        attacks.test_a_stolen_statement_key_ends_at_its_replacement,
    ),
    "recovery signs a freeze (14)": (anyone_freezes, attacks.test_a_freeze_in_malice_needs_the_recovery_key),
    "proved branches stop their author (21)": (blind_to_forks, attacks.test_two_proved_branches_stop_their_author),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_switched_off_is_missed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    off, scenario = RULES[rule]
    world = World(found([side(s, [member(f"{s}{i}") for i in range(3)]) for s in "ab"]))
    given = (world,) if "world" in scenario.__annotations__ else ()
    scenario(*given)
    fresh = World(world.first)
    off(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        scenario(*((fresh,) if given else ()))


@pytest.mark.parametrize("rule", RULES)
def test_the_page_holds_the_rule(rule: str) -> None:
    assert f"| {rule} | `{RULES[rule][1].__name__}` |" in PAGE
