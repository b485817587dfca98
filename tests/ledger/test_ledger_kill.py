"""kill -9 at random points, with several writers and a signer: what was acknowledged is there, and once."""

import multiprocessing
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_worlds import ORIGIN, key, make_log

from tocsin.ledger.audit import walk
from tocsin.ledger.checkpoint import parse_checkpoint
from tocsin.ledger.merkle import leaf_hash, verify_inclusion
from tocsin.ledger.note import parse_note
from tocsin.ledger.source import folder_source

WRITERS = 3
FORK = multiprocessing.get_context("fork")


def write_until_killed(folder: Path, run: int, writer: int) -> None:
    """Append batches, some of whose entries others append too; tell each index only once it is acknowledged."""
    log, draw = make_log(folder), random.Random(f"{run} {writer}")
    told = os.open(folder / f"told-{run}-{writer}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for n in range(100_000):
        own = [f"{run} {writer} {n} {i}".encode() for i in range(draw.choice((0, 1, 3, 40, 300)))]
        batch = [*own, f"shared {run} {n}".encode(), f"shared {draw.randrange(run + 1)} {n}".encode()]
        indexes = log.append(batch)
        os.write(told, b"".join(b"%d %s\n" % pair for pair in zip(indexes, batch, strict=True)))


def sign_until_killed(folder: Path, run: int) -> None:
    log = make_log(folder)
    while True:
        log.publish(log.sign(key(ORIGIN), run))


def one_run(folder: Path, run: int, draw: random.Random) -> None:
    jobs: list[tuple[Callable[..., None], tuple[object, ...]]] = [
        *((write_until_killed, (folder, run, n)) for n in range(WRITERS)),
        (sign_until_killed, (folder, run)),
    ]
    processes = [FORK.Process(target=act, args=given) for act, given in jobs]
    for process in processes:
        process.start()
    draw.shuffle(processes)
    for process in processes:
        process.join(draw.uniform(0.01, 0.3))
        process.kill()
        process.join(30)
        assert process.exitcode == -9, "it ended before it was killed"


def acknowledged(folder: Path) -> dict[bytes, int]:
    """What was told; a line that the kill cut short was not."""
    found: dict[bytes, int] = {}
    for path in folder.glob("told-*"):
        for line in path.read_bytes().split(b"\n")[:-1]:
            index, _, entry = line.partition(b" ")
            assert found.setdefault(entry, int(index)) == int(index), "an entry was told two indexes"
    return found


def check(folder: Path) -> int:
    log = make_log(folder)
    size = log.tree.head().size
    kept = log.tree.entries(0, size)
    assert len(set(kept)) == size, "an entry is in twice"
    told = acknowledged(folder)
    assert [entry for entry, index in told.items() if kept[index] != entry] == []
    served = (folder / "public" / "checkpoint").exists()
    if served:
        walk(
            folder_source(folder),
            parse_checkpoint(parse_note((folder / "public/checkpoint").read_bytes()).text),
            lambda _: None,
        )
    note = log.sign(key(ORIGIN), 0)
    log.publish(note)
    tree = parse_checkpoint(note.text)
    walk(folder_source(folder), tree, lambda _: None)
    for index in random.Random(size).sample(range(size), min(size, 50)):
        verify_inclusion(index, size, leaf_hash(kept[index]), log.prove(index).path, tree.root)
    return len(told)


def kill_often(folder: Path, runs: int) -> int:
    draw = random.Random(9)
    told = 0
    for run in range(runs):
        one_run(folder, run, draw)
        if run % 10 == 9 or run < 10:
            told = check(folder)
    return told


def test_nothing_acknowledged_is_lost_to_kill_9(tmp_path: Path) -> None:
    assert kill_often(tmp_path, 3) > 0


@pytest.mark.minutes
def test_nothing_acknowledged_is_lost_to_kill_9_for_two_minutes(tmp_path: Path) -> None:
    assert kill_often(tmp_path, 100) > 100


@pytest.mark.soak
def test_nothing_acknowledged_is_lost_to_kill_9_over_200_runs(tmp_path: Path) -> None:
    assert kill_often(tmp_path, 200) > 200
