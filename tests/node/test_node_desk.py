"""Cases decided over the API: by whom, how often, and what of it is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_tables import PASSWORD, Desk, case, open_desk

from tocsin.cases import Effect
from tocsin.node.stores import audit
from tocsin.node.stores.audit import audit_key

ONE = f"C-{1:015x}"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield from open_desk(tmp_path / "node")


def queue(desk: Desk, **query: object) -> list[str]:
    return [c["case_id"][-1] for c in desk.ask("GET", "/v1/cases", params=query).json()["cases"]]


def test_a_ban_takes_two_people_and_every_step_is_kept(desk: Desk) -> None:
    ada, ben = desk.person("ada"), desk.person("ben")
    desk.act(ONE, "claim", ada)
    proposed = desk.act(ONE, "decision", ada, effect="ban", reason="confirmed")
    assert (proposed["status"], proposed["effect"]) == ("proposed", None)
    number = proposed["proposed"]["decision"]
    desk.act(ONE, "approve", ada, 403, decision=number)
    desk.act(ONE, "approve", desk.program("decide"), 403, decision=number)
    banned = desk.act(ONE, "approve", ben, decision=number)
    assert (banned["status"], banned["effect"], banned["in_force"][0]["people"]) == ("decided", "ban", 2)
    shown = desk.ask("GET", f"/v1/cases/{ONE}").json()
    assert [(a["sort"], a["name"], a["is_person"]) for a in shown["acts"]] == [
        ("claim", "ada", True),
        ("decide", "ada", True),
        ("approve", "ben", True),
    ]
    actions = [e["action"] for e in desk.ask("GET", "/v1/audit", params={"subject": ONE}).json()["entries"]]
    assert actions == ["case.approve", "case.decide", "case.claim"]


def test_an_administrators_many_tokens_are_still_one_person(desk: Desk) -> None:
    ada = desk.person("ada", "read", "decide", "admin")
    second = desk.ask("POST", "/v1/tokens", ada, json={"name": "second", "scopes": ["decide"]}).json()["token"]
    proposed = desk.act(ONE, "decision", ada, effect="ban", reason="confirmed")
    desk.act(ONE, "approve", second, 403, decision=proposed["proposed"]["decision"])


def test_the_settings_say_what_is_severe(tmp_path: Path) -> None:
    for strict in open_desk(tmp_path / "strict", desk={"two_people": ("limit",)}):
        ada = strict.person("ada")
        assert strict.act(ONE, "decision", ada, effect="limit", reason="confirmed")["status"] == "proposed"
        other = f"C-{2:015x}"
        assert strict.act(other, "decision", ada, effect="ban", reason="confirmed")["effect"] == "ban"


def test_undo_and_appeal_go_their_way(desk: Desk) -> None:
    ada, ben = desk.person("ada"), desk.person("ben")
    warned = desk.act(ONE, "decision", ada, effect="warn", reason="confirmed")
    number = warned["in_force"][0]["decision"]
    appealed = desk.act(ONE, "appeal", desk.program("decide"), decision=number)
    assert (appealed["status"], appealed["effect"]) == ("appealed", "warn")
    desk.act(ONE, "decision", ada, 403, effect="dismiss", reason="appeal-upheld")
    answered = desk.act(ONE, "decision", ben, effect="dismiss", reason="appeal-upheld")
    undone = desk.act(ONE, "undo", ben, decision=answered["in_force"][-1]["decision"], reason="mistake")
    assert (undone["status"], undone["effect"]) == ("appealed", "warn")


def test_what_somebody_else_did_since_is_not_run_over(desk: Desk) -> None:
    ada, ben = desk.person("ada"), desk.person("ben")
    desk.act(ONE, "decision", ada, effect="warn", reason="confirmed", after=0)
    desk.act(ONE, "decision", ben, 409, effect="dismiss", reason="unfounded", after=0)
    desk.act(ONE, "decision", ada, 409, effect="warn", reason="confirmed", after=0)
    desk.act(ONE, "undo", ben, 409, decision=7, reason="mistake")


def test_the_queue_shows_first_who_waits_for_an_answer(desk: Desk) -> None:
    ada = desk.person("ada")
    assert queue(desk) == ["1", "2", "3"]
    three = desk.act(f"C-{3:015x}", "decision", ada, effect="warn", reason="confirmed")
    desk.act(f"C-{2:015x}", "decision", ada, effect="ban", reason="confirmed")
    assert queue(desk) == ["2", "1", "3"]
    desk.act(f"C-{3:015x}", "appeal", ada, decision=three["in_force"][0]["decision"])
    assert queue(desk) == ["3", "2", "1"]
    assert queue(desk, status=["open", "proposed"]) == ["2", "1"]
    assert queue(desk, effect="warn") == ["3"]
    assert queue(desk, kind="M02", severity=3, limit=2) == ["3", "2"]
    assert queue(desk, kind="M03") == queue(desk, severity=4) == queue(desk, account="h:x") == []


def test_pages_hold_every_case_once(tmp_path: Path) -> None:
    for desk in open_desk(tmp_path / "many", cases_there=9):
        ada = desk.person("ada")
        for n in (2, 5, 7):
            desk.act(f"C-{n:015x}", "decision", ada, effect="ban" if n < 7 else "warn", reason="confirmed")
        found, after = list[str](), None
        while True:
            page = desk.ask("GET", "/v1/cases", params={"limit": 2} | ({"after": after} if after else {})).json()
            found += [c["case_id"][-1] for c in page["cases"]]
            after = page["next"]
            if after is None:
                break
        assert found == ["2", "5", "1", "3", "4", "6", "8", "9", "7"]


def test_a_claim_is_shown_while_it_holds(desk: Desk) -> None:
    ada, ben = desk.person("ada"), desk.person("ben")
    desk.act(ONE, "claim", ada)
    desk.act(ONE, "claim", ben, 409)
    mine = desk.ask("GET", "/v1/cases", ada, params={"mine": True}).json()["cases"]
    assert [c["case_id"] for c in mine] == [ONE]
    desk.clock.now += 31 * 60
    assert desk.ask("GET", "/v1/cases", ada, params={"mine": True}).json()["cases"] == []
    assert desk.ask("GET", f"/v1/cases/{ONE}").json()["claimed_by"] is None
    desk.act(ONE, "claim", ben)


def test_a_decided_case_that_grows_is_open_again_and_its_effect_stays(desk: Desk) -> None:
    ada = desk.person("ada")
    desk.act(ONE, "decision", ada, effect="monitor", reason="too-little")
    desk.clock.now += 60
    desk.form(case(1, findings=7), case(2), case(3))
    assert queue(desk, status="decided") == ["1"]
    desk.form(case(1, findings=8), case(2), case(3))
    shown = desk.ask("GET", f"/v1/cases/{ONE}").json()
    assert (shown["status"], shown["effect"]) == ("open", "monitor")
    assert shown["acts"][-1]["sort"] == "grow"


def test_content_is_shown_to_those_who_may_and_every_reading_is_entered(desk: Desk) -> None:
    ada, ben = desk.person("ada", "read", "decide"), desk.person("ben", "read", "content")
    desk.act(ONE, "decision", ada, effect="warn", reason="confirmed", note="a quote from the text")
    plain = desk.ask("GET", f"/v1/cases/{ONE}", ben).json()
    assert plain["excerpt"] is None
    assert (plain["acts"][0]["noted"], plain["acts"][0]["note"]) == (True, None)
    assert desk.ask("GET", f"/v1/cases/{ONE}?content=true", ada).status_code == 403
    before = desk.ask("GET", "/v1/audit").json()["rows"]
    full = desk.ask("GET", f"/v1/cases/{ONE}?content=true", ben).json()
    assert full["excerpt"] == "⟦made-up excerpt⟧"
    assert full["acts"][0]["note"] == "a quote from the text"
    entry, *_ = desk.ask("GET", "/v1/audit").json()["entries"]
    assert (entry["id"], entry["action"], entry["subject"]) == (before + 1, "case.read", ONE)
    assert entry["who"] == desk.ask("GET", "/v1/me", ben).json()["person"]
    assert b"a quote from the text" not in (desk.node.home.folder / "node.db").read_bytes()


def test_what_is_not_there_is_told_and_leaves_no_trace(desk: Desk) -> None:
    ada = desk.person("ada", "read", "content", "decide")
    before = desk.ask("GET", "/v1/audit").json()["rows"]
    nobody = "C-000000000000999"
    assert desk.ask("GET", f"/v1/cases/{nobody}?content=true", ada).status_code == 404
    assert desk.ask("GET", f"/v1/cases/{nobody}/events", ada).status_code == 404
    desk.act(nobody, "decision", ada, 404, effect="warn", reason="confirmed")
    desk.act(ONE, "undo", ada, 409, decision=1, reason="mistake")
    assert desk.ask("GET", "/v1/audit").json()["rows"] == before


@pytest.mark.parametrize("effect", list(Effect))
def test_every_effect_can_be_decided_and_told_apart(desk: Desk, effect: Effect) -> None:
    ada, ben = desk.person("ada"), desk.person("ben")
    stands = desk.act(ONE, "decision", ada, effect=effect, reason="confirmed")
    if stands["proposed"]:
        stands = desk.act(ONE, "approve", ben, decision=stands["proposed"]["decision"])
    assert stands["effect"] == effect
    assert queue(desk, effect=effect) == ["1"]


def test_the_trail_shows_what_was_changed_moved_or_taken_out(desk: Desk) -> None:
    ada = desk.person("ada")
    desk.act(ONE, "claim", ada)
    desk.act(ONE, "decision", ada, effect="warn", reason="confirmed")
    key = audit_key(desk.node.keys.sealer.key)

    def broken() -> int | None:
        with desk.node.database.reading() as connection:
            return audit.first_broken(audit.rows(connection), key)

    assert broken() is None
    with desk.node.database.writing() as connection:
        last = audit.head(connection).rows
        connection.exec_driver_sql(f"UPDATE audit SET who = 'somebody' WHERE id = {last - 1}")
    assert broken() == last - 1
    with desk.node.database.writing() as connection:
        connection.exec_driver_sql(f"DELETE FROM audit WHERE id = {last - 1}")
    assert broken() == last


def test_a_password_is_changed_by_its_owner_alone(desk: Desk) -> None:
    ada = desk.person("ada")
    wrong = {"old": "not that", "new": "some other plain words"}
    assert desk.ask("POST", "/v1/me/password", ada, json=wrong).status_code == 401
    right = {"old": PASSWORD, "new": "some other plain words"}
    assert desk.ask("POST", "/v1/me/password", desk.token, json=right).status_code == 403
    assert desk.ask("POST", "/v1/me/password", ada, json=right | {"new": "short"}).status_code == 422
    assert desk.ask("POST", "/v1/me/password", ada, json=right).status_code == 204
    assert desk.client.post("/v1/login", json={"name": "ada", "password": PASSWORD}).status_code == 401
    assert desk.client.post("/v1/login", json={"name": "ada", "password": right["new"]}).status_code == 200
