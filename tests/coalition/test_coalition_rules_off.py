"""Each rule switched off lets an attack through; docs/coalition.md holds the table, in this order.

A rule is switched off in the first fold alone; the second, which keeps it, does not look on.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import scenes
import sealed_worlds
import test_coalition_attacks as attacks
import test_coalition_mirrors as mirrors
import test_coalition_replays as replays
import test_coalition_thefts as thefts
import test_coalition_view as views
from scenes import fresh_world
from simulator import World

import tocsin.coalition.chain as chain
import tocsin.coalition.charter as charter
import tocsin.coalition.fold as fold
import tocsin.coalition.forks as forks
import tocsin.coalition.hearing as hearing
import tocsin.coalition.opening as opening
import tocsin.coalition.reading as reading
import tocsin.coalition.timing as timing
from tocsin.coalition.timing import Counted, Timeline
from tocsin.forms.errors import VerificationError
from tocsin.forms.statements import parse_statement
from tocsin.ledger import Peers, Policy, quorum_time

PAGE = (Path(__file__).parents[2] / "docs" / "coalition.md").read_text("utf-8")
Off = Callable[[pytest.MonkeyPatch], None]


def put(where: object, name: str, value: object) -> Off:
    return lambda patch: patch.setattr(where, name, value)


# -- reading


def take(*, named: bool = True, signed: bool = True, once: bool = True):  # type: ignore[no-untyped-def]
    """Read an entry without one of its checks."""

    def feed(reader, entries):  # type: ignore[no-untyped-def]
        for raw in entries:
            index = reader.size
            reader._leaves += reading.leaf_hash(raw)
            envelope = reading.parse_envelope(raw, reading.IN_TOTO)
            statement = parse_statement(envelope.payload)
            said = reading.sha256(envelope.payload).digest()
            own = (statement.coalition, statement.form.origin) == (reader._coalition, reader.origin)
            right = not signed or envelope.signed_by(reader._statement)
            if (own or not named) and right and (not once or said not in reader._seen):
                reader._count(reading._Candidate(index, statement.form, envelope, said))

    return put(reading.LogReader, "feed", feed)


def anyone_rotates(patch: pytest.MonkeyPatch) -> None:
    rotate = reading.LogReader._rotate

    def loose(reader, form, envelope):  # type: ignore[no-untyped-def]
        reader._recovery = reader._statement
        return rotate(reader, form, envelope)

    patch.setattr(reading.LogReader, "_rotate", loose)


# -- time


def stamps(*, order: bool = True, version: bool = True, stall: bool = True, expiry: bool = True) -> Off:
    """Count stamps without one of their rules."""

    def advance(counter, found, known, clock):  # type: ignore[no-untyped-def]
        for stamp in found:
            if stamp.version < len(known):
                counter._take(stamp, known[stamp.version], clock)
            elif stall:
                break
        counter._prove()

    def taken(counter, stamp, one, clock):  # type: ignore[no-untyped-def]
        time, last = clock(stamp, one), counter._last
        if time is None or one.hash != stamp.charter or (version and stamp.version < last.version):
            return
        if time >= last.time or not order:
            late = expiry and time > one.text.expiry
            counter._cosigned.append(Counted(stamp.size, time, stamp.version, late, stamp.index))

    def off(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(timing.StampCounter, "_take", taken)
        patch.setattr(timing.StampCounter, "advance", advance)

    return off


def unproved(counter) -> None:  # type: ignore[no-untyped-def]
    counter.counted = list(counter._cosigned)


def least_time(policy: Policy, times: Mapping[str, int], band: int) -> int | None:
    latest = quorum_time(policy, times, band)
    return latest and min(time for time in times.values() if latest - band <= time)


def by_key(policy: Policy, times: Mapping[str, int], _: int) -> int | None:
    """Count keys, not members."""
    sides = [g for g in policy.groups if g.name.startswith("side/")]
    counts = [sum(name.split("/")[0] in g.members for name in times) >= g.least for g in sides]
    return max(times.values()) if all(counts) else None


def any_side(policy: Policy, times: Mapping[str, int], _: int) -> int | None:
    sides = [g for g in policy.groups if g.name.startswith("side/")]
    return max(times.values()) if any(sum(n in g.members for n in times) >= g.least for g in sides) else None


def endless(patch: pytest.MonkeyPatch) -> None:
    line = Timeline.line
    patch.setattr(Timeline, "line", lambda t, slot=None, until=None, end=None: line(t, slot, until))


# -- the chain


def cast(*, first: bool = True, due: bool = True):  # type: ignore[no-untyped-def]
    def count(ballots, entry, origin, time, head):  # type: ignore[no-untyped-def]
        form = entry.form
        if form.parent == head.hash and (not due or head.round_of(time) == form.round):
            ballot = chain.Ballot(origin, entry.index, time, form.round, form.charter)
            ballots[origin, form.round] = ballots.get((origin, form.round), ballot) if first else ballot

    return put(chain, "_cast", count)


def one_side(slot, name, number):  # type: ignore[no-untyped-def]
    return any(slot._votes(side, name, number) >= side.k for side in slot._sides)


def lost_by_silence(slot, side, name, number):  # type: ignore[no-untyped-def]
    found = (slot.ballots.get((m.origin, number)) for m in side.members)
    return sum(ballot is None or ballot.charter != name for ballot in found)


def only_seen_may_win(patch: pytest.MonkeyPatch) -> None:
    can_win = chain.Slot.can_win
    patch.setattr(chain.Slot, "can_win", lambda slot, name, number: name in slot.seen and can_win(slot, name, number))


def due_at_once(patch: pytest.MonkeyPatch) -> None:
    judge = chain._judge

    def early(raw, known):  # type: ignore[no-untyped-def]
        found = judge(raw, known)
        return found and replace(found, text=msgspec.structs.replace(found.text, start=0))

    patch.setattr(chain, "_judge", early)


def any_rounds(patch: pytest.MonkeyPatch) -> None:
    check = charter.check_successor

    def loose(one, known):  # type: ignore[no-untyped-def]
        try:
            check(one, known)
        except VerificationError as error:
            if "length of rounds" not in str(error):
                raise

    patch.setattr(chain, "check_successor", loose)


# -- the state


def endless_items(patch: pytest.MonkeyPatch) -> None:
    items = fold._items
    patch.setattr(fold, "_items", lambda known, chained, _, time: items(known, chained, {}, time))


def soon_settled(timeline, whole, time):  # type: ignore[no-untyped-def]
    return timeline is not None and timeline.line().last >= time


def settled_by_stamps_alone(timeline, whole, time):  # type: ignore[no-untyped-def]
    return timeline is not None and timeline.line().last > time


def anybody_answers(asked, said, known, time):  # type: ignore[no-untyped-def]
    for item in asked:
        found = [i for i in said if (i.form.asker, i.form.index) == (item.origin, item.index)]
        yield fold.Asked(item, tuple(found), fold._status(item.form, found, time))


def as_long_as_it_is(prefix, known, clock) -> Timeline:  # type: ignore[no-untyped-def]
    return Timeline((), False, prefix.size)


def blind(branches, known, clock):  # type: ignore[no-untyped-def]
    return forks.Chosen(branches[0]) if branches else None


# -- the view


def any_audience(patch: pytest.MonkeyPatch) -> None:
    hear = opening.hear_said
    patch.setattr(opening, "hear_said", lambda body: replace(hear(body), audience=("a0", "a1", "b0", "b1")))


RULES: dict[str, tuple[Off, Callable[..., None]]] = {
    "a statement names its coalition and log (1)": (
        take(named=False),
        thefts.test_replay_into_another_coalition_log_or_place_counts_for_nothing,
    ),
    "a second copy counts for nothing (1)": (
        take(once=False),
        thefts.test_replay_into_another_coalition_log_or_place_counts_for_nothing,
    ),
    "a statement is its log's author's (1)": (
        take(signed=False),
        thefts.test_a_body_whose_author_is_not_the_logs_counts_for_nothing,
    ),
    "one mirror counts once, whatever its keys (3)": (
        put(timing, "quorum_time", by_key),
        attacks.test_two_keys_of_one_mirror_are_not_two_mirrors,
    ),
    "mirrors of all sides are needed (3)": (
        put(timing, "quorum_time", any_side),
        mirrors.test_rogue_mirrors_of_one_side_fork_nothing,
    ),
    "a restored mirror asks its peers first (4)": (
        put(Peers, "catch_up", lambda *_: {}),
        mirrors.test_a_mirror_restored_from_backup_does_not_cosign_a_second_branch,
    ),
    "a stamp counts once a later one proves it (6)": (
        put(timing.StampCounter, "_prove", unproved),
        attacks.test_a_stamp_that_is_shown_to_some_only_gives_no_time,
    ),
    "a stamp's root is recomputed (7)": (
        put(reading.LogReader, "_is_prefix", lambda *_: True),
        attacks.test_a_stamp_of_other_entries_than_those_before_it_counts_for_nothing,
    ),
    "a stamp of an unknown charter is waited for (7, 8)": (
        stamps(stall=False),
        attacks.test_a_stamp_of_a_charter_not_yet_known_does_not_let_a_later_one_count,
    ),
    "no older charter than the stamp before (7)": (
        stamps(version=False),
        attacks.test_a_stamp_by_mirrors_that_were_retired_counts_for_nothing,
    ),
    "clocks of a quorum lie within the band (7)": (
        put(timing, "quorum_time", lambda policy, times, _: quorum_time(policy, times, 10**9)),
        attacks.test_a_clock_that_is_ahead_moves_no_time,
    ),
    "the greatest time of the quorum (7)": (
        put(timing, "quorum_time", least_time),
        attacks.test_mirrors_of_one_side_cannot_backdate,
    ),
    "a log's times never fall (7)": (
        stamps(order=False),
        attacks.test_a_vote_backdated_by_a_later_stamp_counts_for_nothing,
    ),
    "after expiry only the next slot counts (7)": (
        stamps(expiry=False),
        attacks.test_an_expired_charter_lets_only_its_successor_through,
    ),
    "settled is what a later second has passed (9)": (
        put(fold, "_is_settled", soon_settled),
        attacks.test_a_state_is_not_settled_in_the_second_of_the_last_stamp,
    ),
    "a log that was ended settles there (9)": (
        put(fold, "_is_settled", settled_by_stamps_alone),
        thefts.test_a_log_that_was_ended_where_it_was_lost_settles,
    ),
    "a state knows what was decided by its time (9)": (
        put(fold, "chain_at", lambda known, _: (known.chain, known.decisions)),
        attacks.test_who_joins_later_changes_no_settled_state,
    ),
    "k is more than half of n (10)": (
        put(charter, "_check_text", lambda _: None),
        attacks.test_half_of_a_side_can_never_be_enough,
    ),
    "new and re-keyed members consent (10)": (
        put(charter, "_check_consents", lambda *_: None),
        attacks.test_a_charter_without_its_new_members_consent_does_not_succeed,
    ),
    "a charter ends the logs that it drops, no others (10)": (
        put(charter, "_check_ends", lambda *_: None),
        thefts.test_a_charter_ends_exactly_the_logs_that_it_drops,
    ),
    "a log that was ended never comes back (10)": (
        put(charter, "_lifelong", lambda _: None),
        thefts.test_a_log_that_was_ended_never_comes_back,
    ),
    "rounds keep their length (11)": (any_rounds, attacks.test_rounds_cannot_be_made_shorter_to_vote_again),
    "a vote's time lies in its round (11)": (
        cast(due=False),
        attacks.test_a_vote_for_a_round_that_is_over_counts_for_nothing,
    ),
    "the first vote of a round is the vote (11)": (
        cast(first=False),
        attacks.test_a_second_vote_in_a_round_counts_for_nothing_and_shows_its_author,
    ),
    "every side must agree (12)": (
        put(chain.Slot, "_has_won", one_side),
        attacks.test_one_side_alone_decides_nothing,
    ),
    "a charter is due in the round that decides it (12)": (
        due_at_once,
        attacks.test_a_charter_that_is_not_due_does_not_succeed,
    ),
    "nothing else can win in an earlier round (12)": (
        put(chain.Slot, "_alone", lambda *_: True),
        attacks.test_a_vote_revealed_late_reopens_nothing,
    ),
    "who is not stamped past a round may have voted in it (12)": (
        put(chain.Slot, "_lost", lost_by_silence),
        attacks.test_a_vote_revealed_late_reopens_nothing,
    ),
    "a proposal not seen may win (12)": (
        only_seen_may_win,
        attacks.test_a_charter_that_nobody_has_seen_may_still_win,
    ),
    "recovery signs a new statement key (14)": (
        anyone_rotates,
        thefts.test_a_stolen_statement_key_ends_at_its_replacement,
    ),
    "keys change in the log's own order (14)": (
        put(reading.LogReader, "_rotate", lambda *_: True),
        thefts.test_a_stolen_statement_key_ends_at_its_replacement,
    ),
    "recovery signs a freeze (14)": (
        put(fold, "is_frozen_by", lambda *_: True),
        thefts.test_a_freeze_in_malice_needs_the_recovery_key_and_unsays_nothing,
    ),
    "entries past a log's end are void (14)": (
        endless_items,
        thefts.test_a_stolen_log_ends_at_a_size_and_what_the_thief_wrote_is_void,
    ),
    "stamps past a log's end are void (14)": (endless, thefts.test_a_thiefs_stamp_past_the_end_gives_no_time),
    "an answer is in time (16)": (
        put(fold, "_status", lambda form, answers, _: "answered" if answers else "open"),
        attacks.test_an_answer_by_another_or_too_late_leaves_an_inquiry_overdue,
    ),
    "an answer is the addressee's (16)": (
        put(fold, "_inquiries", anybody_answers),
        attacks.test_an_answer_by_another_or_too_late_leaves_an_inquiry_overdue,
    ),
    "proved branches stop their author (21)": (
        put(fold, "choose", blind),
        thefts.test_two_proved_branches_stop_their_author,
    ),
    "a branch that no quorum proves stops nobody (21)": (
        put(forks, "count_stamps", as_long_as_it_is),
        thefts.test_a_branch_without_a_quorum_stops_nobody,
    ),
    "a charter that ends a log heals it (21)": (
        put(forks, "_healed", lambda branches, _: branches),
        thefts.test_a_charter_that_ends_a_log_says_which_branch_it_was,
    ),
    "a body is of its entry's author and log": (
        put(opening, "check_body", lambda *_: None),
        replays.test_a_body_copied_into_another_log_is_not_its_authors,
    ),
    "a body opens for the audience that it names (19)": (
        any_audience,
        replays.test_a_body_replayed_to_another_audience_is_refused,
    ),
    "an anchor shows what its author had heard (20, 24)": (
        put(hearing, "_had", lambda *_: False),
        views.test_an_echo_that_is_stamped_first_shows_itself_by_its_anchor,
    ),
}


def play(scenario: Callable[..., None], folder: Path) -> None:
    """Run a scenario on a world of its own; of those that come in two ways, the harder one."""
    folder.mkdir()
    made = {
        World: fresh_world,
        mirrors.Room: lambda: mirrors.fresh_room(folder),
        sealed_worlds.Room: sealed_worlds.Room,
        bool: lambda: False,
    }
    wanted = {name: kind for name, kind in scenario.__annotations__.items() if name != "return"}
    scenario(**{name: made[kind]() for name, kind in wanted.items()})


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_switched_off_is_missed(rule: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    off, scenario = RULES[rule]
    monkeypatch.setattr(scenes, "compare", lambda *_: None)
    play(scenario, tmp_path / "on")
    off(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        play(scenario, tmp_path / "off")


def test_the_page_holds_every_rule_and_its_scenario() -> None:
    table = PAGE.partition("## Each rule switched off")[2].partition("Of the view, ")[0]
    rows = re.findall(r"^\| (.+) \| `(test_\w+)` \|$", table, re.MULTILINE)
    assert rows == [(rule, scenario.__name__) for rule, (_, scenario) in RULES.items()]
