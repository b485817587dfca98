"""One contract for every store, held on SQLite and on PostgreSQL."""

import os
import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tocsin.forms import TRAFFIC
from tocsin.node.db import Database
from tocsin.node.db.schema import EVENTS, METADATA, PARCELS
from tocsin.node.intake import Intake, Receipt
from tocsin.node.keys import Keys, Sealer
from tocsin.node.stores import events, leases, totals
from tocsin.node.stores.leases import Lease

KEYS = Keys(b"identity", Sealer(bytes(32)), bytes(32))
NOW = 1_800_000_000_000_000
SECOND = 1_000_000
LEASE = Lease(NOW, 10 * SECOND)


def traffic(*ids: str, text: str = "words") -> pa.RecordBatch:
    start = datetime(2026, 11, 1, tzinfo=UTC)
    given = {
        "event_id": list(ids),
        "time": [start + timedelta(seconds=n) for n in range(len(ids))],
        "account": [f"account {name[0]}" for name in ids],
        "role": ["user"] * len(ids),
        "text": [f"{text} {name}" for name in ids],
    }
    columns = [pa.array(given.get(field.name, [None] * len(ids)), field.type) for field in TRAFFIC]
    return pa.RecordBatch.from_arrays(columns, schema=TRAFFIC)


@pytest.fixture
def intake(database: Database) -> Intake:
    return Intake(database, KEYS, lambda: NOW)


def kept(database: Database) -> dict[str, tuple[int, int]]:
    """All texts that are kept by event id, each with its parcel and row; the rows that the ids name must agree."""
    found: dict[str, tuple[int, int]] = {}
    with database.reading() as connection:
        for parcel in connection.execute(select(PARCELS.c.id, PARCELS.c.rows, PARCELS.c.traffic)):
            batch = events.unpack(parcel.traffic, KEYS.sealer, parcel.id)
            assert batch.num_rows == parcel.rows
            found |= {name: (parcel.id, row) for row, name in enumerate(batch["event_id"].to_pylist())}
        noted = {bytes(row.key): (row.parcel, row.row) for row in connection.execute(select(EVENTS))}
    assert noted == {KEYS.event_key(name): place for name, place in found.items()}
    return found


def test_the_migrations_lead_to_the_tables_of_the_code(database: Database) -> None:
    with database.reading() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []


def test_what_comes_twice_counts_once(database: Database, intake: Intake) -> None:
    assert intake.accept_batch(traffic("a", "b", "a"), "one") == Receipt(2, 1)
    assert intake.accept_batch(traffic("b", "c", "a", "d"), "two") == Receipt(2, 2)
    assert intake.accept_batch(traffic("d", "a"), "two") == Receipt(0, 2)
    assert kept(database).keys() == {"a", "b", "c", "d"}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6), min_size=1, max_size=8))
def test_many_at_once_are_counted_as_one_after_the_other(intake: Intake, calls: list[list[int]]) -> None:
    """However calls share transactions and parcels, each id is new to one of them alone."""
    salt = os.urandom(8).hex()  # the database stays
    named = [[f"{salt} {n}" for n in call] for call in calls]
    with intake.database.reading() as connection:
        before = len(connection.execute(select(EVENTS.c.key)).all())
    with ThreadPoolExecutor(8) as pool:
        receipts = list(pool.map(lambda names: intake.accept_batch(traffic(*names), "api"), named))
    assert [r.accepted + r.duplicates for r in receipts] == [len(names) for names in named]
    assert (
        sum(r.accepted for r in receipts)
        == len({name for names in named for name in names})
        == (len(kept(intake.database)) - before)
    )


def test_calls_that_come_together_share_a_parcel(database: Database, intake: Intake) -> None:
    lots = [intake._lot(traffic(f"{n}", f"{n}0", "same"), "api") for n in range(5)]
    assert intake._write(lots) == [3, 2, 2, 2, 2]
    assert len({parcel for parcel, _ in kept(database).values()}) == 1


def test_two_nodes_never_claim_the_same(url: str, opened: Callable[[str], Database]) -> None:
    first, second = opened(url), opened(url)
    intake = Intake(first, KEYS, lambda: NOW)
    for n in range(6):
        intake.accept_batch(traffic(f"{n}", f"{n}0"), "api")
    with first.writing() as connection:
        mine = {row.id for row in events.claim(connection, "A", LEASE, 6, 1 << 20)}
    with second.writing() as connection:
        theirs = {row.id for row in events.claim(connection, "B", LEASE, 100, 1 << 20)}
        assert events.claim(connection, "B", LEASE, 100, 1 << 20) == []
    assert (len(mine), len(theirs), mine & theirs) == (3, 3, set())
    with second.writing() as connection:
        assert not events.settle(connection, list(mine), "B", 1, {}), "not B's to settle"
    with first.writing() as connection:
        assert events.settle(connection, list(mine), "A", 1, {min(mine): None})
        assert not events.settle(connection, list(mine), "A", 2, {}), "once"
        assert events.waiting(connection) == 6


@pytest.mark.parametrize("later", [LEASE.span, -3600 * SECOND])
def test_a_claim_ends_with_its_time_and_when_the_clock_is_set_back(
    database: Database, intake: Intake, later: int
) -> None:
    intake.accept_batch(traffic("a"), "api")
    with database.writing() as connection:
        assert events.claim(connection, "A", LEASE, 10, 1 << 20)
        assert not events.claim(connection, "B", Lease(NOW + LEASE.span - 1, LEASE.span), 10, 1 << 20)
        assert leases.take(connection, "job", "A", LEASE)
        assert not leases.take(connection, "job", "B", LEASE)
        assert leases.take(connection, "job", "A", LEASE), "renewed"
    then = Lease(NOW + later, LEASE.span)
    with database.writing() as connection:
        (row,) = events.claim(connection, "B", then, 10, 1 << 20)
        assert not events.settle(connection, [row.id], "A", 1, {}), "who lost a claim writes nothing"
        assert leases.take(connection, "job", "B", then)
        leases.seize(connection, "job", "C", then)
        assert not leases.take(connection, "job", "B", then)
        leases.give_back(connection, "job", "C")
        assert leases.take(connection, "job", "B", then)


def test_nodes_go_by_the_clock_of_the_database(database: Database) -> None:
    with database.reading() as connection:
        lease = leases.lease_of(connection, 5, 7)
    if database.is_sqlite:
        assert (lease.now, lease.until) == (5, 12)
    else:
        assert abs(lease.now / SECOND - datetime.now(UTC).timestamp()) < 600


def test_what_cannot_be_screened_is_taken_alone_and_then_given_up(database: Database, intake: Intake) -> None:
    for name in "ab":
        intake.accept_batch(traffic(name), "api")
    with database.writing() as connection:
        sizes = []
        for _ in range(events.ALONE + 1):
            sizes.append(len(events.claim(connection, "A", LEASE, 10, 1 << 20)))
            events.release(connection, "A")
        assert sizes == [2] * events.ALONE + [1]
        (row,) = events.claim(connection, "A", LEASE, 10, 1 << 20)
        events.set_aside(connection, row.id, "B", "not B's")
        assert events.count_failed(connection) == 0
        events.set_aside(connection, row.id, "A", "it is so")
        assert (events.count_failed(connection), events.waiting(connection)) == (1, 1)
        assert events.take_up_again(connection) == 1
        assert (events.count_failed(connection), events.waiting(connection)) == (0, 2)


def test_a_transaction_that_fails_leaves_nothing(database: Database, intake: Intake) -> None:
    with pytest.raises(RuntimeError), database.writing() as connection:
        totals.add(connection, "events", 7)
        raise RuntimeError
    with database.writing() as connection:
        assert totals.read(connection) == {}
        totals.add(connection, "events", 7)
        totals.add(connection, "events", 2)
        totals.put(connection, "cased", 5)
    with database.reading() as connection:
        assert totals.read(connection) == {"events": 9, "cased": 5}


def test_texts_are_sealed_to_their_place(intake: Intake, database: Database) -> None:
    text = f"secret {random.Random(os.urandom(8)).random()}"
    intake.accept_batch(traffic("a", text=text), "api")
    with database.reading() as connection:
        row = connection.execute(select(PARCELS)).one()
    assert text.encode() not in row.traffic and b"account a" not in row.traffic
    with pytest.raises(Exception, match="altered"):
        events.unpack(row.traffic, KEYS.sealer, row.id + 1)


def test_a_worker_that_is_started_again_lets_go_of_its_own_alone(database: Database, intake: Intake) -> None:
    for name in "xy":
        intake.accept_batch(traffic(name), name)
    with database.writing() as connection:
        (own,) = events.claim(connection, "A", LEASE, 1, 1)
        (others,) = events.claim(connection, "B", LEASE, 1, 1)
        events.release(connection, "A")
        assert [row.id for row in events.claim(connection, "C", LEASE, 9, 1 << 20)] == [own.id] != [others.id]


def test_what_is_confirmed_was_synced_to_the_disk(tmp_path: Path, opened: Callable[[str], Database]) -> None:
    """A test cannot cut the power; with FULL, SQLite syncs its log before a commit returns, else it does not."""
    database = opened(f"sqlite:///{tmp_path / 'node.db'}")
    for using in (database.reading, database.writing, database.erasing, database.writing):
        with using() as connection:
            said = [
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("synchronous", "journal_mode")
            ]
            assert said == [2, "wal"]
