"""The outside oracle: Go's golang.org/x/mod/sumdb reads what we write, and we read what it writes."""

import json
import os
import random
import shutil
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ledger_worlds import ORIGIN, key

from tocsin.ledger.audit import partial_tiles
from tocsin.ledger.checkpoint import Checkpoint, parse_checkpoint
from tocsin.ledger.edge import Edge, Growth, grow
from tocsin.ledger.keys import parse_key, sign_text, verify_note
from tocsin.ledger.merkle import leaf_hash, verify_consistency, verify_inclusion
from tocsin.ledger.note import parse_note
from tocsin.ledger.prove import prove_consistency, prove_inclusion, root_of
from tocsin.ledger.tiles import ENTRIES, TileHashes, tile_name

GO = shutil.which("go") or "/usr/lib/go-1.19/bin/go"
MOD = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")
TREES = 520
pytestmark = pytest.mark.skipif(
    not (Path(GO).exists() and MOD.is_dir()),
    reason="Debian's golang-1.19-go and golang-golang-x-mod-dev are not installed",
)


class Oracle:
    def __init__(self, program: Path) -> None:
        self._process = subprocess.Popen([str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found

    def close(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(10)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Oracle]:
    folder = tmp_path_factory.mktemp("go")
    program = folder / "oracle"
    environment = {**os.environ, "GOPATH": "/usr/share/gocode", "GO111MODULE": "off", "GOCACHE": str(folder / "cache")}
    source = Path(__file__).parent / "oracle" / "oracle.go"
    subprocess.run([GO, "build", "-o", str(program), str(source)], env=environment, check=True, timeout=300)
    opened = Oracle(program)
    yield opened
    opened.close()


def tiles_of(growth: Growth) -> dict[str, bytes]:
    full = {tile_name(*place): raw for place, raw in growth.full.items() if place[0] != ENTRIES}
    partial = partial_tiles(growth.edge)
    return full | {tile_name(level, index, len(raw) // 32): raw for level, index, raw in partial}


def hashes_of(tiles: dict[str, bytes], size: int) -> TileHashes:
    return TileHashes(lambda level, index, width: tiles[tile_name(level, index, width)], size)


def b64(raw: bytes) -> str:
    return b64encode(raw).decode()


def proof_in(found: dict[str, Any]) -> list[bytes]:
    return [b64decode(hash_) for hash_ in found["Proof"]]


def sizes() -> Iterator[int]:
    """Every small size, those round the full tiles, and others by chance up to a tile of the second level."""
    draw = random.Random(6962)
    yield from range(1, 300)
    yield from (511, 512, 513, 65_535, 65_536, 65_537)
    yield from (int(2 ** draw.uniform(8, 12)) for _ in range(TREES - 305))


def request_for(size: int, draw: random.Random) -> tuple[dict[str, Any], list[bytes]]:
    entries = [draw.randbytes(draw.randrange(40)) for _ in range(size)]
    growth = grow(Edge(), entries)
    tiles = tiles_of(growth)
    hashes = hashes_of(tiles, size)
    signers = key(ORIGIN)
    ours = {
        "Vkey": signers[0].key.encode(),
        "Note": sign_text(Checkpoint(ORIGIN, size, growth.edge.root()).text(), signers, 0).encode().decode(),
        "Root": b64(growth.edge.root()),
        "Tiles": {name: b64(raw) for name, raw in tiles.items()},
        "Inclusion": [
            {"Index": i, "Proof": [b64(h) for h in prove_inclusion(hashes, i, size)]}
            for i in {0, size - 1, draw.randrange(size)}
        ],
        "Consistency": [
            {
                "Old": old,
                "Root": b64(root_of(hashes, 0, old)),
                "Proof": [b64(h) for h in prove_consistency(hashes, old, size)],
            }
            for old in {1, size, draw.randrange(1, size + 1)}
        ],
    }
    return {"Origin": ORIGIN, "Entries": [b64(e) for e in entries], "Ours": ours}, entries


def check_theirs(theirs: dict[str, Any], entries: list[bytes]) -> None:
    size, root = len(entries), b64decode(theirs["Root"])
    note = parse_note(theirs["Note"].encode())
    verify_note(note, [parse_key(theirs["Vkey"])])
    assert note.encode().decode() == theirs["Note"]
    assert parse_checkpoint(note.text) == Checkpoint(ORIGIN, size, root)
    for proof in theirs["Inclusion"]:
        verify_inclusion(proof["Index"], size, leaf_hash(entries[proof["Index"]]), proof_in(proof), root)
    for proof in theirs["Consistency"]:
        verify_consistency(proof["Old"], size, proof_in(proof), b64decode(proof["Root"]), root)


def test_go_and_we_read_each_other_on_520_trees(oracle: Oracle) -> None:
    draw = random.Random(1)
    checked = 0
    for size in sizes():
        request, entries = request_for(size, draw)
        answer = oracle.ask(request)
        assert answer["Problems"] is None, (size, answer["Problems"])
        check_theirs(answer["Theirs"], entries)
        checked += 1
    assert checked == TREES


def test_the_oracle_finds_faults(oracle: Oracle) -> None:
    request, _ = request_for(300, random.Random(2))
    request["Ours"]["Inclusion"][0]["Index"] = 7
    request["Ours"]["Tiles"]["tile/0/000"] = b64(bytes(8192))
    request["Ours"]["Note"] = request["Ours"]["Note"].replace("\n300\n", "\n301\n")
    assert len(oracle.ask(request)["Problems"]) == 3
