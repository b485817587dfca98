"""The jobs that follow: kept first, then confirmed, whatever fails in between."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tocsin.forms import TransportError
from tocsin.node import Node, init_node, open_node
from tocsin.node.inflow.folder import Folder
from tocsin.node.jobs import following as following_jobs
from tocsin.node.jobs.following import FollowFolder, TakeMessages, following
from tocsin.node.stores import cursors, events, totals


@pytest.fixture
def node(tmp_path: Path) -> Iterator[Node]:
    init_node(tmp_path / "node")
    opened = open_node(tmp_path / "node")
    yield opened
    opened.close()


def line(number: int) -> bytes:
    event = {"id": f"e{number}", "time": "2026-01-01", "account": "a", "role": "user", "text": f"words {number}"}
    return json.dumps(event).encode()


def waiting(node: Node) -> int:
    with node.database.reading() as connection:
        return events.waiting(connection)


def follower(node: Node, logs: Path, worker: str = "W") -> FollowFolder:
    return FollowFolder(worker, Folder(logs, ("*.jsonl",), 10.0))


def test_a_folder_is_followed_from_the_place_that_was_kept(node: Node, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    log = logs / "a.jsonl"
    log.write_bytes(line(1) + b"\n" + line(2)[:9])
    assert follower(node, logs).run(node)
    with log.open("ab") as file:
        file.write(line(2)[9:] + b"\nnot JSON\n")
    again = follower(node, logs)
    assert (again.run(node), again.run(node), waiting(node)) == (True, False, 2)
    with node.database.reading() as connection:
        assert totals.read(connection)["refused"] == 1
        assert len(cursors.below(connection, "follow folder/")) == 1
    log.unlink()
    later = follower(node, logs)  # never had it open: there is nothing to read, and nobody misses it
    assert not later.run(node)


def test_only_one_process_follows_a_folder(node: Node, tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "a.jsonl").write_bytes(line(1) + b"\n")
    first, second = follower(node, logs), follower(node, logs, "V")
    assert (first.run(node), second.run(node), waiting(node)) == (True, False, 1)


class Stream:
    """Messages in memory that come again until they are confirmed."""

    name = "stream"

    def __init__(self, messages: Sequence[bytes]) -> None:
        self.messages, self.fetched, self.rested = list(messages), 0, 0

    def fetch(self) -> Sequence[bytes]:
        some = self.messages[self.fetched : self.fetched + 2]
        self.fetched += len(some)
        return some

    def confirm(self) -> None:
        self.messages, self.fetched = self.messages[self.fetched :], 0

    def rest(self) -> None:
        self.rested += 1

    def close(self) -> None:
        self.fetched = 0


def test_messages_are_confirmed_once_they_are_kept(node: Node) -> None:
    stream = Stream([line(1), line(2), line(1), b"broken"])
    job = TakeMessages("stream", lambda: stream)
    assert job.run(node) and (waiting(node), len(stream.messages)) == (2, 2)
    assert job.run(node) and (waiting(node), stream.messages) == (2, [])
    assert not job.run(node)


def test_nothing_is_confirmed_while_the_database_is_away(node: Node) -> None:
    stream = Stream([line(1)])
    job = TakeMessages("stream", lambda: stream)
    with node.database.writing() as connection:
        connection.execute(text("ALTER TABLE parcels RENAME TO away"))
    with pytest.raises(TransportError):
        job.run(node)
    assert len(stream.messages) == 1 and not job.run(node), "it waits before it tries again"
    with node.database.writing() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO parcels"))
    job._next = float("-inf")
    assert job.run(node) and (waiting(node), stream.messages) == (1, [])


def test_a_place_in_a_file_moves_once_what_is_before_it_is_kept(
    node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that dies in between reads it again."""
    (tmp_path / "a.jsonl").write_bytes(line(1) + b"\n")
    seen: list[int] = []
    kept = following_jobs.keep_lines

    def look(*given: Any) -> None:
        with node.database.reading() as connection:
            seen.append(len(cursors.below(connection, "follow folder/")))
        kept(*given)

    monkeypatch.setattr(following_jobs, "keep_lines", look)
    assert follower(node, tmp_path).run(node)
    assert (seen, waiting(node)) == ([0], 1)


def test_nothing_is_confirmed_before_it_is_kept(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies in between brings it again."""
    stream = Stream([line(1)])
    seen: list[int] = []
    kept = following_jobs.keep_lines

    def look(*given: Any) -> None:
        seen.append(len(stream.messages))
        kept(*given)

    monkeypatch.setattr(following_jobs, "keep_lines", look)
    assert TakeMessages("stream", lambda: stream).run(node)
    assert (seen, stream.messages) == ([1], [])


def test_sources_rest_while_the_queue_is_full(node: Node, tmp_path: Path) -> None:
    full = open_node(node.home.folder)
    limits = full.config.server.model_copy(update={"most_waiting": 2})
    object.__setattr__(full, "config", full.config.model_copy(update={"server": limits}))
    full.intake.accept_raw([line(1)], "test")
    stream = Stream([line(2)])
    job = TakeMessages("stream", lambda: stream)
    assert (job.run(full), stream.rested, stream.fetched) == (False, 1, 0)
    (tmp_path / "a.jsonl").write_bytes(line(3) + b"\n")
    assert not follower(full, tmp_path).run(full)
    full.close()


def test_the_settings_say_what_is_followed(node: Node, tmp_path: Path) -> None:
    assert following(node, "W") == () and not node.config.follows
    changed = {
        "folder": node.config.folder.model_copy(update={"path": str(tmp_path)}),
        "kafka": node.config.kafka.model_copy(update={"servers": "127.0.0.1:1"}),
        "nats": node.config.nats.model_copy(update={"url": "nats://127.0.0.1:1"}),
    }
    object.__setattr__(node, "config", node.config.model_copy(update=changed))
    assert [job.name for job in following(node, "W")] == ["folder", "kafka", "nats"] and node.config.follows
