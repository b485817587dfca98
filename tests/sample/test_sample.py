"""The sample: deterministic, large, bilingual, and with nothing usable or real in it."""

import json
import re
from collections import Counter, defaultdict
from datetime import datetime
from itertools import pairwise

import pytest

from tocsin.forms.errors import ConfigError
from tocsin.forms.schemas import ROLES, STATUSES, TRAFFIC
from tocsin.traffic.sample import CAMPAIGNS, Event, Sample, build_sample
from tocsin.traffic.sample.everyday import Role
from tocsin.traffic.sample.phrases import read_bank

SEEDS = (1, 2, 7, 20)


@pytest.fixture(scope="module", params=SEEDS)
def sample(request: pytest.FixtureRequest) -> Sample:
    return build_sample(request.param)


def lines(events: tuple[Event, ...]) -> list[str]:
    return [json.dumps(event, ensure_ascii=False) for event in events]


def planted_accounts(sample: Sample) -> set[str]:
    return {account for campaign in sample.planted for account in campaign.accounts}


def user_texts(sample: Sample) -> dict[str, list[str]]:
    texts = defaultdict(list)
    for event in sample.events:
        if event["role"] == "user":
            texts[str(event["account"])].append(str(event["text"]))
    return texts


def test_a_seed_always_gives_the_same_bytes() -> None:
    assert lines(build_sample(3).events) == lines(build_sample(3).events)


def test_another_seed_changes_accounts_texts_times_and_sizes() -> None:
    one, two = build_sample(1), build_sample(2)
    for column in ("id", "account", "session"):
        assert not {event[column] for event in one.events} & {event[column] for event in two.events}
    assert len(one.events) != len(two.events)
    assert [len(plot.accounts) for plot in one.planted] != [len(plot.accounts) for plot in two.planted]
    shared = {event["time"] for event in one.events} & {event["time"] for event in two.events}
    assert len(shared) < len(one.events) / 10


@pytest.mark.parametrize("name", CAMPAIGNS)
def test_leaving_a_campaign_out_moves_nothing_else(name: str) -> None:
    whole, part = build_sample(5), build_sample(5, without=[name])
    gone = next(set(plot.accounts) for plot in whole.planted if plot.name == name)
    assert lines(part.events) == lines(tuple(event for event in whole.events if event["account"] not in gone))
    assert part.planted == tuple(plot for plot in whole.planted if plot.name != name)


def test_an_unknown_campaign_is_refused() -> None:
    with pytest.raises(ConfigError, match="no-such"):
        build_sample(without=["no-such"])


def test_sizes(sample: Sample) -> None:
    accounts = {event["account"] for event in sample.events}
    assert 6_000 <= len(sample.events) <= 9_000
    assert len(accounts) >= 300
    assert len(planted_accounts(sample)) < len(accounts) / 3
    first, last = (datetime.fromisoformat(str(sample.events[at]["time"])) for at in (0, -1))
    assert 19 <= (last - first).days < 21


def test_events_are_native_lines_in_order(sample: Sample) -> None:
    columns = ({*TRAFFIC.names} - {"event_id"}) | {"id"}
    for event in sample.events:
        assert set(event) <= columns
        assert event["role"] in ROLES
        assert event["status"] in STATUSES
        assert event["text"]
        assert str(event["signed_up"]) <= str(event["time"])
    assert len({event["id"] for event in sample.events}) == len(sample.events)
    times = [str(event["time"]) for event in sample.events]
    assert times == sorted(times)


def test_both_languages_about_evenly(sample: Sample) -> None:
    langs = Counter(event["lang"] for event in sample.events if event["role"] == "user")
    assert set(langs) == {"en", "zh"}
    assert 0.4 < langs["zh"] / langs.total() < 0.6
    for event in sample.events:
        assert (re.search(r"[\u4e00-\u9fff]", str(event["text"])) is not None) == (event["lang"] == "zh"), event["text"]


def test_six_campaigns_of_different_kinds(sample: Sample) -> None:
    assert tuple(plot.name for plot in sample.planted) == CAMPAIGNS
    assert len({plot.kind for plot in sample.planted}) == 6
    texts = user_texts(sample)
    for plot in sample.planted:
        assert 8 <= len(set(plot.accounts)) == len(plot.accounts) <= 25
        assert plot.story.en and plot.story.zh
        assert all(texts[account] for account in plot.accounts)
    assert len(planted_accounts(sample)) == sum(len(plot.accounts) for plot in sample.planted)


def test_templates_are_filled_to_the_end(sample: Sample) -> None:
    for event in sample.events:
        assert not re.search(r"[{}|]|<|>|undefined|None", str(event["text"])), event["text"]


def test_nothing_that_looks_like_an_address_a_link_or_a_phone(sample: Sample) -> None:
    reachable = re.compile(r"\S@\S|https?:|www\.|\b[a-z0-9-]+\.(?:com|net|org|cn|io|info)\b|\d[\d -]{6,}\d", re.ASCII)
    for event in sample.events:
        assert not reachable.search(str(event["text"])), event["text"]


def test_ordinary_accounts_do_not_repeat_each_other(sample: Sample) -> None:
    planted = planted_accounts(sample)
    owners = defaultdict(set)
    texts = {account: {text for text in said if len(text) > 40} for account, said in user_texts(sample).items()}
    for account, said in texts.items():
        for text in said:
            owners[text].add(account)
    for account, said in texts.items():
        if account not in planted and len(said) > 2:
            others = Counter(other for text in said for other in owners[text] if other != account)
            assert not others or others.most_common(1)[0][1] <= 0.8 * len(said)


def test_ordinary_sharing_is_there(sample: Sample) -> None:
    """Rules on behaviour alone meet class-mates, colleagues and readers of one page."""
    planted = planted_accounts(sample)
    ordinary = [event for event in sample.events if event["account"] not in planted]
    by_text, by_device, by_client = defaultdict(set), defaultdict(set), defaultdict(set)
    for event in ordinary:
        if event["role"] == "user" and len(str(event["text"])) > 80:
            by_text[event["text"]].add(event["account"])
        by_device[event["device"]].add(event["account"])
        by_client[event["client"]].add(event["account"])
    assert max(map(len, by_text.values())) >= 10
    assert max(map(len, by_device.values())) >= 2
    assert 12 <= len(by_client["desk-assist/1.4"]) <= 18


def test_a_campaign_shares_what_its_story_says(sample: Sample) -> None:
    events = {plot.name: [e for e in sample.events if e["account"] in plot.accounts] for plot in sample.planted}
    farm = events["seat-farm"]
    assert len({e["device"] for e in farm}) == 3
    assert len({e["payment"] for e in farm}) == 1
    joined = sorted(datetime.fromisoformat(str(e["signed_up"])) for e in farm)
    assert (joined[-1] - joined[0]).total_seconds() <= 3600
    for name in ("night-builders", "patient-suitors", "slow-copy"):
        assert len({e["client"] for e in events[name]}) == 1


def test_slow_copy_is_even_day_and_night(sample: Sample) -> None:
    copiers = next(plot.accounts for plot in sample.planted if plot.name == "slow-copy")
    assert 8 <= len(copiers) <= 10
    for account in copiers:
        times = [
            datetime.fromisoformat(str(e["time"]))
            for e in sample.events
            if e["account"] == account and ("reasoning" in str(e["text"]))
        ]
        gaps = [(b - a).total_seconds() for a, b in pairwise(times)]
        assert len(times) >= 100
        assert max(gaps) < 1.1 * min(gaps)
        assert len({time.hour for time in times}) == 24


def test_many_ordinary_accounts_sound_alarming(sample: Sample) -> None:
    """The banks' alarming roles, two accounts each, are an eighth of all accounts."""
    accounts = {event["account"] for event in sample.events}
    assert 2 * len(read_bank("alarming", tuple[Role, ...])) >= 0.12 * len(accounts)
