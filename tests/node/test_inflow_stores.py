"""Cursors and leads keep their contract on SQLite and on PostgreSQL."""

from tocsin.node.db import Database
from tocsin.node.leads import Lead, Sighting
from tocsin.node.leads.shelf import AGAIN_US, LOOK_US, LeadShelf
from tocsin.node.stores import cursors, leads

NOW = 1_800_000_000_000_000


def lead(number: int, form: str = "client", source: str = "friends", until: int | None = None) -> Lead:
    return Lead(f"lead-{number}", form, f"value {number}", "M02", source, f"note {number}", until)


def test_places_are_put_read_by_prefix_and_forgotten(database: Database) -> None:
    with database.writing() as connection:
        for name, place in (("a/1", "x"), ("a/2", "y"), ("ab/1", "z"), ("a%/1", "w"), ("a/1", "later")):
            cursors.put(connection, name, place, NOW)
        cursors.forget(connection, "a/2")
    with database.reading() as connection:
        assert cursors.below(connection, "a/") == {"1": "later"}
        assert cursors.below(connection, "a%/") == {"1": "w"}


def test_leads_are_added_once_read_in_force_and_removed_by_source(database: Database) -> None:
    with database.writing() as connection:
        assert leads.add(connection, [lead(1), lead(2, until=NOW + 5), lead(1)], NOW) == 2
        assert leads.add(connection, [lead(1), lead(3, "text", "others")], NOW + 1) == 1
    with database.reading() as connection:
        assert leads.in_force(connection, NOW) == (lead(1), lead(2, until=NOW + 5), lead(3, "text", "others"))
        assert leads.in_force(connection, NOW + 5) == (lead(1), lead(3, "text", "others"))
        assert (leads.count(connection, "text"), leads.newest(connection)) == (1, NOW + 1)
        version = leads.version(connection)
    with database.writing() as connection:
        leads.looked_back(connection, [lead(1), lead(2)])
        assert leads.in_force(connection, NOW, leads.NEW) == (lead(3, "text", "others"),)
        assert leads.remove(connection, source="nobody") == 0
        assert leads.remove(connection, source="friends") == 2
        assert leads.version(connection) == version + 1
        assert leads.remove(connection, lead="lead-3") == 1


def test_what_met_a_lead_counts_once_a_parcel_and_goes_with_it(database: Database) -> None:
    seen = [Sighting("lead-1", "a", 2, NOW, NOW + 9), Sighting("lead-2", "b", 1, NOW, NOW)]
    with database.writing() as connection:
        leads.add(connection, [lead(1), lead(2, source="others")], NOW)
        for _ in range(2):
            leads.see(connection, 7, seen)
        leads.see(connection, 8, [Sighting("lead-1", "a", 3, NOW - 5, NOW), Sighting("lead-1", "b", 1, NOW, NOW)])
        leads.see(connection, 9, [])
    with database.reading() as connection:
        met = leads.met_by(connection, ["a", "b", "nobody"])
        assert [(row["id"], row["events"], row["first"], row["last"]) for row in met["a"]] == [
            ("lead-1", 5, NOW - 5, NOW + 9)
        ]
        assert [row["id"] for row in met["b"]] == ["lead-1", "lead-2"] and met.keys() == {"a", "b"}
        rows = leads.page(connection, 10)
        assert [(row["id"], row["accounts"], row["events"]) for row in rows] == [("lead-1", 2, 6), ("lead-2", 1, 1)]
        assert [row["id"] for row in leads.page(connection, 10, "lead-1")] == ["lead-2"]
        assert [row["id"] for row in leads.page(connection, 10, source="friends")] == ["lead-1"]
    with database.writing() as connection:
        leads.forget(connection, "b")
        assert leads.met_by(connection, ["b"]) == {}
        leads.remove(connection, source="friends")
        assert leads.met_by(connection, ["a"]) == {}


def test_forgetting_an_account_forgets_leads_about_it(database: Database) -> None:
    with database.writing() as connection:
        about = Lead("lead-9", "account", "hash", "M02", "friends")
        leads.add(connection, [about, lead(1)], NOW)
        leads.forget(connection, "hash")
        assert leads.in_force(connection, NOW) == (lead(1),)


def test_the_shelf_sees_a_change_and_what_ran_out(database: Database) -> None:
    shelf = LeadShelf(database)
    assert shelf.book(NOW).leads == ()
    with database.writing() as connection:
        leads.add(connection, [lead(1, until=NOW + LOOK_US + AGAIN_US)], NOW)
    assert shelf.book(NOW + LOOK_US - 1).leads == ()
    book = shelf.book(NOW + LOOK_US)
    assert [one.id for one in book.leads] == ["lead-1"]
    assert shelf.book(NOW + LOOK_US + AGAIN_US - 1) is book
    assert shelf.book(NOW + LOOK_US + AGAIN_US + LOOK_US).leads == ()
