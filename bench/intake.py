"""Measure the ways into a node: `python bench/intake.py [--rows N]`; part of `make bench`.

One process takes events in and stores them durably in SQLite, as a node's follower does; nothing is screened beside
it. What stands in the result is the median of three runs. bench/intake_table.py puts it into docs/intake.md.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from cost import keep
from generate import blocks
from run import commit, machine
from tocsin.node import Node, init_node, open_node
from tocsin.node.inflow.folder import Folder
from tocsin.node.jobs.following import FollowFolder, TakeMessages
from tocsin.node.leads import Lead, LeadBook
from tocsin.node.stores import events
from tocsin.traffic import decode_protobuf, tell

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "node"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "traffic"))
from brokers import NATS, nats_server
from span_exports import bot, call, export, user

RESULT = Path(__file__).parent / "results" / "intake.json"
RUNS = 3
SPANS = 100  # in an export
LEADS = 5000


def rows_of(count: int) -> list[dict[str, Any]]:
    """Give events of the bench's ordinary traffic as native lines hold them."""
    table = pa.concat_tables(blocks(count)).slice(0, count)
    names = ["time", "account", "session", "role", "text"]
    made = []
    for number, row in enumerate(table.select(names).to_pylist()):
        time_ = row["time"]
        made.append(row | {"id": f"e{number}", "time": time_ if isinstance(time_, str) else time_.isoformat()})
    return made


@contextmanager
def fresh() -> Iterator[tuple[Node, Path]]:
    with TemporaryDirectory(prefix="tocsin-bench-") as name:
        init_node(Path(name) / "node")
        node = open_node(Path(name) / "node")
        try:
            yield node, Path(name)
        finally:
            node.close()


def waiting(node: Node) -> int:
    with node.database.reading() as connection:
        return events.waiting(connection)


def timed(run: Callable[[Node, Path], tuple[int, int]]) -> dict[str, Any]:
    """Run a few times on a new node each; `run` tells events and bytes, and must leave them waiting."""
    rates, sizes = [], []
    for _ in range(RUNS):
        with fresh() as (node, folder):
            taken = run(node, folder)
            rates.append(taken[0])
            sizes.append(taken[1])
    return {"events_per_s": round(statistics.median(rates)), "mb_per_s": round(statistics.median(sizes) / 1e6, 1)}


def folder_of(lines: Sequence[bytes], count: int) -> Callable[[Node, Path], tuple[int, int]]:
    def run(node: Node, folder: Path) -> tuple[int, int]:
        logs = folder / "logs"
        logs.mkdir()
        data = b"\n".join(lines) + b"\n"
        (logs / "a.jsonl").write_bytes(data)
        job = FollowFolder("bench", Folder(logs, ("*.jsonl",), 10.0))
        begun = time.perf_counter()
        while job.run(node):
            pass
        spent = time.perf_counter() - begun
        assert waiting(node) == count, (waiting(node), count)
        return round(count / spent), round(len(data) / spent)

    return run


def chats(rows: Sequence[dict[str, Any]]) -> list[bytes]:
    """Ten turns a conversation, each call sending all that came before."""
    lines = []
    for at in range(0, len(rows), 10):
        talk = [
            {"role": ("user", "assistant")[n % 2], "content": f"{n} {row['text']}"}
            for n, row in enumerate(rows[at : at + 10])
        ]
        for upto in range(1, len(talk), 2):
            answer = [{"message": talk[upto]}]
            made = {
                "user": rows[at]["account"],
                "session_id": f"s{at}",
                "time": rows[at]["time"],
                "messages": talk[:upto],
            }
            lines.append(json.dumps(made | {"choices": answer}, ensure_ascii=False).encode())
    return lines


def exports(rows: Sequence[dict[str, Any]]) -> list[bytes]:
    pairs = [(rows[n]["text"], rows[n + 1]["text"]) for n in range(0, len(rows) - 1, 2)]
    spans = [
        call([user(f"{n} {asked}")], [bot(f"{n} {said}")], **{"gen_ai.conversation.id": f"c{n}"})
        for n, (asked, said) in enumerate(pairs)
    ]
    return [export(*spans[at : at + SPANS]).SerializeToString() for at in range(0, len(spans), SPANS)]


def traces(bodies: Sequence[bytes], count: int) -> Callable[[Node, Path], tuple[int, int]]:
    def run(node: Node, _folder: Path) -> tuple[int, int]:
        begun = time.perf_counter()
        for body in bodies:
            node.intake.accept_batch(tell(decode_protobuf(body)).piece.traffic, "bench")
        spent = time.perf_counter() - begun
        assert waiting(node) == count, (waiting(node), count)
        return round(count / spent), round(sum(map(len, bodies)) / spent)

    return run


def stream(lines: Sequence[bytes]) -> Callable[[Node, Path], tuple[int, int]]:
    def run(node: Node, folder: Path) -> tuple[int, int]:
        import asyncio

        from tocsin.node.inflow.nats import NatsStream

        with nats_server(folder) as (_, url):
            asyncio.run(_published(url, lines))
            job = TakeMessages("nats", lambda: NatsStream(url, "traffic", "traffic.>", "bench"))
            begun = time.perf_counter()
            while waiting(node) < len(lines):
                if not job.run(node):
                    time.sleep(0.001)
            spent = time.perf_counter() - begun
        return round(len(lines) / spent), round(sum(map(len, lines)) / spent)

    return run


async def _published(url: str, lines: Sequence[bytes]) -> None:
    import nats

    client = await nats.connect(url)
    await client.jetstream().add_stream(name="traffic", subjects=["traffic.>"])
    for line in lines:
        await client.publish("traffic.a", line)
    await client.flush()
    while (await client.jetstream().stream_info("traffic")).state.messages < len(lines):
        pass
    await client.close()


def looked_up(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """What 5,000 texts and as many clients cost beside the screening of a batch."""
    from tocsin.traffic import read_lines

    batch = read_lines([json.dumps(row, ensure_ascii=False).encode() for row in rows[:16_384]]).traffic
    texts = [
        Lead(f"t{n}", "text", f"the template number {n * 7919} of a long list", "M02", "bench") for n in range(LEADS)
    ]
    clients = [Lead(f"c{n}", "client", f"client {n}", "M02", "bench") for n in range(LEADS)]
    book = LeadBook((*texts, *clients))
    book.sightings(batch)
    spent = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        book.sightings(batch)
        spent.append(time.perf_counter() - begun)
    return {"rows": batch.num_rows, "leads": 2 * LEADS, "batch_ms": round(1000 * statistics.median(spent), 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=40_000)
    count = parser.parse_args().rows // 20 * 20
    rows = rows_of(count)
    native = [json.dumps(row, ensure_ascii=False).encode() for row in rows]
    pieces: dict[str, Any] = {
        "folder": timed(folder_of(native, count)),
        "chats": timed(folder_of(chats(rows), count)),
        "traces": timed(traces(exports(rows), count)),
        "leads": looked_up(rows),
    }
    if shutil.which("nats-server") or os.access(NATS, os.X_OK):
        pieces["nats"] = timed(stream(native))
    made = time.strftime("%Y-%m-%d", time.gmtime())
    load = round(os.getloadavg()[0], 1)
    keep(
        RESULT, {"made": made, "commit": commit(), "machine": machine(), "load": load, "rows": count, "pieces": pieces}
    )


if __name__ == "__main__":
    main()
