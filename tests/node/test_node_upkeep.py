"""What is forgotten is nowhere; what is held stays; a backup brings everything back, into either database."""

import os
import sqlite3
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from node_opened import DAY, Loaded, Opened, sample
from sqlalchemy import select, update

from tocsin.cases import Act, Actor, Effect, Reason, Seen, Sort
from tocsin.forms import ConfigError, FormatError, PolicyError
from tocsin.node import back_up, migrate_node, open_node, restore
from tocsin.node.config import read_config
from tocsin.node.db import head_of, migrate, open_database, revision_of
from tocsin.node.db.schema import ACTS, OUTBOX, PARCELS
from tocsin.node.forgetting import forget
from tocsin.node.home import Home, held
from tocsin.node.jobs import casing
from tocsin.node.joining import FEW
from tocsin.node.leads import Lead, Sighting
from tocsin.node.stores import acts, events, holds, leads, outbox, removal, totals
from tocsin.node.stores.holds import Hold
from tocsin.node.stores.times import moment

LINES = sample(6)


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return Loaded.load()


@pytest.fixture
def node(tmp_path: Path, loaded: Loaded, url: str) -> Iterator[Opened]:
    made = Opened(tmp_path / "node", loaded, url if url.startswith("postgresql") else "")
    yield made
    made.node.close()


@pytest.fixture
def plain(tmp_path: Path, loaded: Loaded) -> Iterator[Opened]:
    """With SQLite alone: where the database makes no difference."""
    made = Opened(tmp_path / "node", loaded)
    yield made
    made.node.close()


def bare(cases: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in case.items() if name not in ("opened", "changed")} for case in cases]


def told_of(cases: list[dict[str, Any]], lines: list[dict[str, Any]], node: Opened) -> str:
    """An account that has a case."""
    hashed = {node.hash(line["account"]): line["account"] for line in lines}
    return str(next(hashed[case["account"]] for case in cases if case["account"]))


def test_what_is_forgotten_is_nowhere_and_does_not_come_again(node: Opened) -> None:
    node.send(LINES[:500])
    account = told_of(node.settle(), LINES, node)
    node.send(LINES[500:])  # these wait to be screened while their account is forgotten
    theirs = [line["id"] for line in LINES if line["account"] == account]
    assert node.naming(account) > len(theirs)
    done = forget(node.node, node.hash(account))
    assert done.parcels and done.parts and done.cases
    assert node.naming(account) == 0
    cases = node.settle()
    assert node.hash(account) not in {case["account"] for case in cases}
    assert node.send(LINES) == 0, "ids stay known"
    assert node.naming(account) == 0
    assert node.texts().keys() == {line["id"] for line in LINES} - set(theirs)


def test_forgetting_takes_what_was_noted_and_told_of_an_account(node: Opened) -> None:
    node.send(LINES)
    account = node.hash(told_of(node.settle(), LINES, node))
    about = Lead("lead-1", "account", account, "M02", "friends")
    case = next(one["case_id"] for one in node.cases() if one["account"] == account)
    with node.node.database.writing() as connection:
        leads.add(connection, [about], 1)
        leads.see(connection, 9, [Sighting("lead-1", account, 1, 1, 1)])
        act = Act(1, Sort.DECIDE, Actor("P-1", is_person=True), moment(1), Effect.WARN, Reason.CONFIRMED)
        acts.add(connection, case, act, "ada", Seen(3, frozenset(), 1), b"sealed note")
        for state in (outbox.SENT, outbox.DEAD, outbox.WAITING):
            outbox.add(connection, state, case, b"{}", 1)
        for row in connection.execute(select(OUTBOX.c.id, OUTBOX.c.sink)).all():
            if row.sink != outbox.WAITING:
                outbox.settle(connection, row.id, row.sink, 2)
    forget(node.node, account)
    with node.node.database.reading() as connection:
        assert outbox.counts(connection) == {outbox.WAITING: 1}, "the receiver must still hear of it"
        assert connection.execute(select(ACTS.c.note, ACTS.c.effect)).all() == [(None, "warn")]
        assert leads.met_by(connection, [account]) == {} and leads.in_force(connection, 1) == ()


def test_forgetting_leaves_all_others_as_they_were(node: Opened, tmp_path: Path, loaded: Loaded) -> None:
    node.send(LINES)
    account = told_of(node.settle(), LINES, node)
    forget(node.node, node.hash(account))
    after = node.settle()
    other = Opened(tmp_path / "other", loaded)
    other.node.keys.__dict__["identity"] = node.node.keys.identity
    other.send([line for line in LINES if line["account"] != account])
    assert bare(other.settle()) == bare(after), "as if it had never been there"
    other.node.close()


def test_a_worker_that_was_at_it_writes_nothing_of_what_was_forgotten(plain: Opened) -> None:
    plain.send(LINES[:300])
    account = LINES[0]["account"]
    rows = plain.screening._claim(plain.node)
    opened, _ = plain.screening._opened(plain.node, rows)
    forget(plain.node, plain.hash(account))
    plain.screening._screen(plain.node, opened)
    assert plain.parts() == [] and plain.naming(account) == 0
    plain.settle()
    assert plain.parts() and plain.naming(account) == 0


def test_a_worker_that_was_forming_cases_brings_no_forgotten_case_back(
    plain: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.send(LINES)
    account = plain.hash(told_of(plain.settle(), LINES, plain))
    plain.restart("another")
    formed = casing.build_cases

    def forgotten_meanwhile(*given: Any, **more: Any) -> Any:
        found = formed(*given, **more)
        forget(plain.node, account)
        return found

    monkeypatch.setattr(casing, "build_cases", forgotten_meanwhile)
    plain.now += 3600
    plain.settle()
    monkeypatch.undo()
    with plain.node.database.reading() as connection:
        assert removal.remains(connection, account) == 0
    assert account not in {case["account"] for case in plain.settle()}


def test_the_file_itself_holds_nothing_of_a_forgotten_case(plain: Opened) -> None:
    plain.send(LINES)
    quoted = [case for case in plain.settle() if case["account"] and case["excerpt"]]
    said = [case["excerpt"] for case in quoted]
    case = next(case for case in quoted if said.count(case["excerpt"]) == 1)
    excerpt = case["excerpt"].encode()
    files = [plain.folder / "node.db", plain.folder / "node.db-wal"]
    assert any(excerpt in path.read_bytes() for path in files)
    other = sqlite3.connect(files[0])  # the server has it open too
    assert other.execute("SELECT count(*) FROM cases").fetchone()
    forget(plain.node, case["account"])
    assert not any(excerpt in path.read_bytes() for path in files)
    other.close()


def test_what_is_under_legal_hold_is_not_forgotten_and_outlives_retention(node: Opened) -> None:
    node.send(LINES)
    account = told_of(node.settle(), LINES, node)
    digest = node.hash(account)
    with node.node.database.writing() as connection:
        holds.put(connection, Hold(digest, node.node.now(), None, "the legal department", "file 4"))
    before = node.naming(account)
    with pytest.raises(PolicyError, match="file 4"):
        forget(node.node, digest)
    assert node.naming(account) == before
    now = 400 * DAY  # days behind the clock of the database, which PostgreSQL's nodes go by
    with node.node.database.writing() as connection:
        connection.execute(update(PARCELS).values(received=PARCELS.c.received - int((1_800_000_000 + now) * 1e6)))
    node.settings("retention", traffic_days=30)
    node.let_go()
    theirs = {line["id"] for line in LINES if line["account"] == account}
    assert {name for name, text in node.texts().items() if text} == theirs
    with node.node.database.writing() as connection:
        assert holds.end(connection, digest) and not holds.end(connection, digest)
    node.let_go()
    assert node.texts() == {}
    assert node.send(LINES[:5]) == 0, "their ids are known still"


def test_findings_go_when_their_time_is_over(plain: Opened) -> None:
    plain.send(LINES)
    assert plain.settle()
    plain.now += 366 * DAY
    plain.let_go()
    assert plain.parts() == [] and plain.texts() == {}
    assert plain.settle() == []
    with plain.node.database.reading() as connection:
        assert totals.read(connection) | {"findings": 0} == {
            "events": len(LINES), "cased": 0, "outlived": len(LINES), "findings": 0,
        }  # fmt: skip
    assert plain.send(LINES[:5]) == 5, "and then ids are forgotten too"


def test_with_no_days_texts_go_once_they_are_screened(plain: Opened) -> None:
    plain.settings("retention", traffic_days=0)
    plain.send(LINES[:300])
    assert len(plain.texts()) == 300
    plain.settle()
    assert plain.texts() == {}


def test_of_customers_who_withhold_their_content_only_places_and_hashes_stay(node: Opened) -> None:
    lines = [line | {"org": "clinic" if n % 2 else "shop"} for n, line in enumerate(LINES)]
    node.settings("screening", withhold_orgs=("clinic",))
    node.send(lines)
    cases = node.settle()
    clinic = {line["id"] for line in lines if line["org"] == "clinic"}
    assert {name for name, text in node.texts().items() if not text} == clinic
    kept = [finding for finding in _findings(node) if finding["event_id"] in clinic]
    others = [finding for finding in _findings(node) if finding["event_id"] not in clinic]
    assert kept and all(finding["evidence"].startswith("blake2b:") for finding in kept)
    assert others and all("⟦" in finding["evidence"] for finding in others)
    assert all(finding["span_end"] for finding in kept if finding["rule"])
    assert cases


def _findings(node: Opened) -> list[dict[str, Any]]:
    from tocsin.node.stores import parts

    with node.node.database.reading() as connection:
        loaded = [parts.load(connection, part, node.node.keys.sealer) for part in node.parts()]
    return [finding for one in loaded if one for finding in one.findings.to_pylist()]


def test_many_small_parts_are_joined_and_the_cases_stay_the_same(node: Opened, tmp_path: Path, loaded: Loaded) -> None:
    for n in range(0, 2 * FEW * 5, 5):
        node.send(LINES[n : n + 5])
        assert node.screening.run(node.node)
    assert len(node.parts()) == 2 * FEW
    cases = node.settle()
    assert len(node.parts()) == 2
    assert bare(node.settle()) == bare(cases)
    node.restart("another")
    node.now += 3600
    assert bare(node.settle()) == bare(cases), "a worker that reads the joined parts says the same"
    with node.node.database.reading() as connection:
        total = totals.read(connection)
    assert total["cased"] == total["events"] == 2 * FEW * 5


def test_a_parcel_that_was_altered_is_set_aside_and_told_of(plain: Opened) -> None:
    from tocsin.forms import VerificationError

    plain.send(LINES[:100])
    plain.send(LINES[100:200])
    with plain.node.database.writing() as connection:
        first = min(row.id for row in connection.execute(PARCELS.select()))
        right = connection.execute(PARCELS.select().where(PARCELS.c.id == first)).one().traffic
        wrong = right[:50] + bytes([right[50] ^ 1]) + right[51:]
        connection.execute(update(PARCELS).where(PARCELS.c.id == first).values(traffic=wrong))
    with pytest.raises(VerificationError, match="1 parcels were set aside"):
        plain.screening.run(plain.node)
    plain.settle()
    with plain.node.database.writing() as connection:
        assert (events.count_failed(connection), events.waiting(connection)) == (100, 0)
        assert totals.read(connection)["events"] == 100
        connection.execute(update(PARCELS).where(PARCELS.c.id == first).values(traffic=right))
        assert events.take_up_again(connection) == 100
    plain.settle()
    with plain.node.database.reading() as connection:
        assert totals.read(connection)["events"] == 200


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_a_backup_comes_back_into_either_database(
    node: Opened, target: str, tmp_path: Path, loaded: Loaded, request: pytest.FixtureRequest
) -> None:
    node.send(LINES[:600])
    cases = node.settle()
    node.send(LINES[600:700])
    (node.folder / "policy.yaml").write_text("mine")
    file, counted = tmp_path / "backup", list[int]()
    manifest = back_up(node.folder, file, counted.append, lambda: 1_800_000_000)
    assert file.stat().st_mode & 0o777 == 0o600
    assert sum(counted) == sum(manifest.rows.values()) > 700
    url = "" if target == "sqlite" else request.getfixturevalue("postgres_server").database()
    restore(file, tmp_path / "back", url, counted.append)
    assert (tmp_path / "back/policy.yaml").read_text() == "mine"
    assert read_config(Home(tmp_path / "back").settings).database.url == url
    back = Opened(tmp_path / "back", loaded, now=node.now)
    assert back.cases() == cases
    assert back.texts() == node.texts()
    assert back.send(LINES) == len(LINES) - 700
    assert bare(back.settle()) == bare((node.send(LINES), node.settle())[1])
    back.node.close()


def test_what_is_no_whole_backup_is_refused_and_leaves_nothing(plain: Opened, tmp_path: Path) -> None:
    plain.send(LINES[:300])
    file = tmp_path / "backup"
    back_up(plain.folder, file, lambda _: None, lambda: 0)
    whole = file.read_bytes()
    for n, broken in enumerate((b"", whole[:700], whole[: len(whole) // 2], os.urandom(2000))):
        (tmp_path / f"broken{n}").write_bytes(broken)
        with pytest.raises(FormatError):
            restore(tmp_path / f"broken{n}", tmp_path / "back", None, lambda _: None)
    with pytest.raises(ConfigError, match="not empty"):
        restore(file, plain.folder, None, lambda _: None)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["node"]


def test_a_backup_writes_nowhere_but_into_its_folder(plain: Opened, tmp_path: Path) -> None:
    file, evil = tmp_path / "backup", tmp_path / "evil"
    back_up(plain.folder, file, lambda _: None, lambda: 0)
    with tarfile.open(file) as source, tarfile.open(evil, "w") as target:
        for member in source.getmembers():
            target.addfile(member, source.extractfile(member) if member.isfile() else None)
        for name, link in (("home/../../outside", None), ("home/way", "/etc")):
            member = tarfile.TarInfo(name)
            if link:
                member.type, member.linkname = tarfile.SYMTYPE, link
            target.addfile(member)
    with pytest.raises(FormatError):
        restore(evil, tmp_path / "back", None, lambda _: None)
    assert not (tmp_path / "outside").exists() and not (tmp_path / "back").exists()


def test_older_tables_are_brought_up_and_newer_ones_refused(tmp_path: Path, plain: Opened) -> None:
    settings = plain.folder / "tocsin.toml"
    old = f"sqlite:///{tmp_path / 'old.db'}"
    settings.write_text(settings.read_text().replace('url = ""', f'url = "{old}"', 1))
    database = open_database(old)
    migrate(database, "0001")
    with database.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO parcels (id, received, source, rows, size, state) VALUES (7, 1, 'api', 1, 1, 'waiting')"
        )
    with pytest.raises(ConfigError, match="of revision '0001'") as told:
        open_node(plain.folder)
    assert "tocsin node migrate" in told.value.hint
    with held(plain.folder), pytest.raises(PolicyError, match="being served"):
        migrate_node(plain.folder)
    assert migrate_node(plain.folder) == ("0001", head_of())
    assert migrate_node(plain.folder) == (head_of(), head_of())
    open_node(plain.folder).close()
    with database.writing() as connection:
        assert events.waiting(connection) == 1
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for attempt in (open_node, migrate_node):
        with pytest.raises(ConfigError, match="knows") as newer:
            attempt(plain.folder)
        assert "newer version" in newer.value.hint
    assert revision_of(database) == "9999"
    database.close()
