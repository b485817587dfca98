"""What links cases into campaigns, what does not, and how cases rank."""

import pytest
from cases_tables import Row, behaviour, campaigns, cases, finding, names, uses

from tocsin.standard import Standard

FOUR = names(range(4))


def grave(accounts: list[str], **fields: object) -> list[Row]:
    return [finding(a, **fields) for a in accounts]


@pytest.mark.parametrize("measure", ["template", "device", "payment", "client", "network"])
def test_what_hardly_anybody_else_has_links(measure: str, bells: Standard) -> None:
    made = cases(bells, grave(names(range(5))), uses(measure, "v", FOUR))
    assert campaigns(made) == [FOUR]
    linked = [c for c in made if c["campaign_id"]]
    assert {(c["reach"], tuple(c["links"])) for c in linked} == {(4, (f"{measure}:v",))}
    assert [(c["reach"], c["links"]) for c in made if not c["campaign_id"]] == [(1, [])]


@pytest.mark.parametrize(("others", "linked"), [(0, True), (4, True), (5, False), (80, False)])
def test_an_office_network_that_mostly_others_use_links_nobody(others: int, linked: bool, bells: Standard) -> None:
    for measure in ("network", "client", "device"):
        everyone = FOUR + names(range(others), "colleague")
        made = cases(bells, grave(FOUR), uses(measure, "AS1/XA", everyone))
        assert campaigns(made) == ([FOUR] if linked else [])


@pytest.mark.parametrize("measure", ["client", "network"])
def test_strangers_on_a_client_or_network_are_linked_from_three_of_one_kind(measure: str, bells: Standard) -> None:
    pair, mixed = grave(FOUR[:2]), grave(FOUR[:2]) + grave(FOUR[2:], kind="M03")
    assert campaigns(cases(bells, pair, uses(measure, "v", FOUR[:2]))) == []
    assert campaigns(cases(bells, mixed, uses(measure, "v", FOUR))) == []
    assert campaigns(cases(bells, mixed, uses("device", "v", FOUR))) == [FOUR]
    assert campaigns(cases(bells, pair, uses("device", "v", FOUR[:2]))) == [FOUR[:2]]


def test_one_value_in_two_measures_is_two_things(bells: Standard) -> None:
    shared = uses("device", "v", FOUR[:1]) + uses("payment", "v", FOUR[1:2]) + uses("hour", "v", FOUR)
    assert campaigns(cases(bells, grave(FOUR), shared)) == []
    crowded = uses("device", "v", FOUR) + uses("network", "v", FOUR + names(range(90), "other"))
    assert campaigns(cases(bells, grave(FOUR), crowded)) == [FOUR]


def test_links_chain(bells: Standard) -> None:
    shared = uses("device", "d", FOUR[:2]) + uses("payment", "p", FOUR[1:3]) + uses("template", "T-1", FOUR[2:])
    made = cases(bells, grave(FOUR), shared)
    assert campaigns(made) == [FOUR]
    links = {c["accounts"][0]: c["links"] for c in made}
    assert links["acc0"] == ["device:d"]
    assert links["acc1"] == ["device:d", "payment:p"]
    assert links["acc3"] == ["template:T-1"]


def test_accounts_without_a_case_belong_to_no_campaign(bells: Standard) -> None:
    made = cases(bells, [*grave(FOUR[:3]), behaviour(FOUR[3], severity=1)], uses("device", "d", FOUR))
    assert campaigns(made) == [FOUR[:3]]
    assert campaigns(cases(bells, grave(FOUR[:1]), uses("device", "d", FOUR[:1]))) == []


def test_a_campaigns_id_is_its_accounts(bells: Standard) -> None:
    by_device = cases(bells, grave(FOUR), uses("device", "d", FOUR))
    by_card = cases(bells, grave(FOUR, severity=5), uses("payment", "p", FOUR))
    fewer = cases(bells, grave(FOUR[:3]), uses("device", "d", FOUR[:3]))
    assert by_device[0]["campaign_id"] == by_card[0]["campaign_id"] != fewer[0]["campaign_id"]
    assert by_device[0]["campaign_id"].startswith("K-")


def ranked(bells: Standard, said: list[Row], shared: list[Row] | None = None) -> list[str]:
    return [c["accounts"][0] for c in cases(bells, said, shared or [])]


def test_the_graver_case_ranks_first(bells: Standard) -> None:
    assert ranked(bells, [finding("a", severity=3), finding("b", severity=5), finding("c", severity=4)]) == [*"bca"]


def test_of_equal_severity_the_stronger_ranks_first(bells: Standard) -> None:
    said = [finding("a", score=0.4), finding("b", score=0.95), finding("c", score=0.6)]
    assert ranked(bells, said) == [*"bca"]
    assert ranked(bells, [finding("a"), finding("b"), behaviour("b", severity=1)]) == [*"ba"]
    same_voice = [finding("a"), finding("a", 2), finding("b"), finding("b", 2, rule="M12.other")]
    assert ranked(bells, same_voice) == [*"ba"]


def test_of_equal_strength_the_wider_campaign_ranks_first(bells: Standard) -> None:
    pair, crowd = names(range(2), "p"), names(range(6), "c")
    order = ranked(bells, grave(["a", *pair, *crowd]), uses("device", "d", pair) + uses("device", "e", crowd))
    assert sorted(order[:6]) == crowd and sorted(order[6:8]) == pair and order[8] == "a"


def test_equals_rank_by_their_ids(bells: Standard) -> None:
    made = cases(bells, grave(names(range(20))))
    assert [c["case_id"] for c in made] == sorted(c["case_id"] for c in made)


def test_the_weight_is_severity_strength_and_reach(bells: Standard) -> None:
    """A campaign of ten of severity 3 weighs 3.8 + 0.3 · log2(10), as much as severity 4 alone with strength 0.8."""
    ten, eleven = names(range(10)), names(range(11))
    lone = finding("lone", severity=4)
    assert ranked(bells, [*grave(ten), lone], uses("device", "d", ten))[0] == "lone"
    assert ranked(bells, [*grave(eleven), lone], uses("device", "d", eleven))[-1] == "lone"
