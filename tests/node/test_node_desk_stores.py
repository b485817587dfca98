"""The desk's stores on SQLite and PostgreSQL: many at once, in order, and never in a torn state."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
from desk_tables import Desk, open_desk

from tocsin.cases import Effect, Reason, RefusedError, Sort
from tocsin.node.access import Caller
from tocsin.node.db import Database
from tocsin.node.desk import Desk as Doing
from tocsin.node.desk import Wish
from tocsin.node.sinks.retrying import FARTHEST, SECOND, wait_after
from tocsin.node.stores import acts, audit, outbox
from tocsin.node.stores.audit import Entry, audit_key

ONE, TWO = (f"C-{n:015x}" for n in (1, 2))
THREADS = 8
KEY = audit_key(bytes(32))


@pytest.fixture
def desk(tmp_path: Path, url: str) -> Iterator[Desk]:
    sinks = ({"name": "one", "url": "http://127.0.0.1:9/in"}, {"name": "two", "url": "http://127.0.0.1:9/in"})
    yield from open_desk(tmp_path / "node", url=url, sinks=sinks)


def together(work: Callable[[int], None], count: int) -> Counter[str]:
    """Do work in threads that begin together; count how it ended."""

    def one(number: int) -> str:
        try:
            work(number)
        except RefusedError:
            return "refused"
        return "done"

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(one, range(count)))


def caller(number: int) -> Caller:
    return Caller(f"T-{number}", f"person {number}", frozenset(), f"P-{number}")


def test_of_many_who_decide_at_once_one_is_first(desk: Desk) -> None:
    doing = Doing(desk.node)
    wish = Wish(Sort.DECIDE, Effect.WARN, Reason.CONFIRMED, after=0)
    assert together(lambda n: doing.do(ONE, wish, caller(n)) and None, 16) == {"done": 1, "refused": 15}
    with desk.node.database.reading() as connection:
        assert len(acts.load(connection, ONE)) == 1
        assert outbox.counts(connection) == {"waiting": 2}
        assert audit.first_broken(audit.rows(connection), audit_key(desk.node.keys.sealer.key)) is None


def test_two_people_who_approve_at_once_are_one_approval(desk: Desk) -> None:
    doing = Doing(desk.node)
    doing.do(ONE, Wish(Sort.DECIDE, Effect.BAN, Reason.CONFIRMED), caller(99))
    assert together(lambda n: doing.do(ONE, Wish(Sort.APPROVE, of=1), caller(n)) and None, 8)["done"] == 1
    with desk.node.database.reading() as connection:
        assert [one.act.sort for one in acts.load(connection, ONE)] == [Sort.DECIDE, Sort.APPROVE]


def test_the_trail_of_many_at_once_is_one_chain(database: Database) -> None:
    def write(number: int) -> None:
        with database.writing() as connection:
            audit.append(connection, KEY, Entry(f"P-{number}", "case.read", ONE, {"token": "T"}), number)

    assert together(write, 40) == {"done": 40}
    with database.reading() as connection:
        found = list(audit.rows(connection))
        assert [row["id"] for row in found] == list(range(1, 41))
        assert audit.first_broken(found, KEY) is None
        assert audit.first_broken(found, bytes(32)) == 1
        assert audit.head(connection) == audit.Head(40, found[-1]["chain"])
        assert [r["id"] for r in audit.page(connection, 3, before=10, subject=ONE)] == [9, 8, 7]


@pytest.mark.parametrize(
    "failing", [(audit, "append"), (outbox, "add"), (acts, "put_standing")], ids=lambda one: one[1]
)
def test_what_fails_leaves_neither_act_nor_message_nor_entry(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, failing: tuple[ModuleType, str]
) -> None:
    def broken(*_given: object) -> int:
        raise OSError("no room")

    monkeypatch.setattr(*failing, broken)
    with pytest.raises(OSError, match="no room"):
        Doing(desk.node).do(ONE, Wish(Sort.DECIDE, Effect.WARN, Reason.CONFIRMED), caller(1))
    with desk.node.database.reading() as connection:
        assert acts.load(connection, ONE) == []
        assert outbox.counts(connection) == {}
        assert [row for row in audit.rows(connection) if row["subject"] == ONE] == []
    assert desk.ask("GET", f"/v1/cases/{ONE}").json()["status"] == "open"


def test_the_outbox_keeps_the_order_within_a_case(database: Database) -> None:
    with database.writing() as connection:
        for n, case in enumerate((ONE, TWO, ONE, TWO)):
            outbox.add(connection, "sink", case, b"%d" % n, 1000)
        assert [row.body for row in outbox.due(connection, "sink", 1000, 10)] == [b"0", b"1", b"2", b"3"]
        first, *_ = outbox.due(connection, "sink", 1000, 10)
        outbox.put_off(connection, first.id, 5000, "no")
        assert [row.body for row in outbox.due(connection, "sink", 1000, 10)] == [b"1", b"3"]
        assert outbox.due_sinks(connection, 1000) == {"sink"}
        outbox.settle(connection, first.id, outbox.DEAD, 5000, "no")
        assert [row.body for row in outbox.due(connection, "sink", 5000, 10)] == [b"1", b"2", b"3"]
        outbox.rest(connection, "sink", 9000)
        assert outbox.due_sinks(connection, 8999) == set()
        assert outbox.revive(connection, first.id, 9000)
        assert outbox.counts(connection) == {"waiting": 4}


def test_a_clock_that_was_set_back_buries_nothing(database: Database) -> None:
    year = 365 * 24 * 3600 * SECOND
    with database.writing() as connection:
        outbox.add(connection, "sink", ONE, b"", year)
        assert outbox.due_sinks(connection, 1000) == {"sink"}
        assert len(outbox.due(connection, "sink", 1000, 10)) == 1


def test_waits_grow_to_an_hour_and_no_further() -> None:
    assert [wait_after(n, 0.5) // SECOND for n in (1, 2, 3, 4, 5, 6, 99)] == [5, 20, 80, 320, 1280, 3600, 3600]
    assert {wait_after(1, chance) for chance in (0.0, 1.0)} == {4 * SECOND, 6 * SECOND}
    assert wait_after(1, 0.5, asked=900 * SECOND) == 900 * SECOND
    assert wait_after(99, 1.0, asked=10**15) <= FARTHEST


def test_every_filter_of_the_queue_works_on_both(desk: Desk) -> None:
    Doing(desk.node).do(ONE, Wish(Sort.CLAIM), caller(1))
    Doing(desk.node).do(TWO, Wish(Sort.DECIDE, Effect.WARN, Reason.CONFIRMED), caller(1))

    def found(**query: object) -> list[str]:
        answer = desk.ask("GET", "/v1/cases", params=query)
        assert answer.status_code == 200, answer.text
        return [c["case_id"][-1] for c in answer.json()["cases"]]

    assert found() == ["1", "3", "2"]
    assert found(kind="M02", severity=3, status=["open", "decided"], limit=1) == ["1"]
    assert found(after=f"1~{desk.ask('GET', f'/v1/cases/{ONE}').json()['weight']!r}~{ONE}") == ["3", "2"]
    assert found(effect="warn", account="h:0000000000000002") == ["2"]
    assert found(kind="M01") == found(campaign="K-1") == found(severity=4) == []
