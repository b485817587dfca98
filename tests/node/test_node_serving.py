"""The servers, asked over HTTP by a client that may be hostile."""

import gzip
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.types import ASGIApp

from tocsin.forms.errors import TransportError
from tocsin.ledger import FileStore, Log, LogLine, Mirror, Policy, Witness, new_key
from tocsin.node import HttpTransport, listen, log_app, mirror_app, witness_app

ORIGIN = "log.example.org/a"
HASH = sha256(ORIGIN.encode()).hexdigest()
KEY = new_key(ORIGIN, lambda n: bytes(range(n)))
W = new_key("w", lambda n: bytes(range(1, n + 1)), 4)


class Serving:
    def __init__(self) -> None:
        self._servers: list[tuple[uvicorn.Server, threading.Thread]] = []

    def __call__(self, app: ASGIApp) -> str:
        opened = listen("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [opened.socket]}, daemon=True)
        thread.start()
        self._servers.append((server, thread))
        return opened.url

    def close(self) -> None:
        for server, thread in self._servers:
            server.should_exit = True
            thread.join(10)


@pytest.fixture
def serving() -> Iterator[Serving]:
    started = Serving()
    yield started
    started.close()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    from tocsin.ledger.leaves import LeafIndex

    (tmp_path / "log").mkdir()
    log = Log(FileStore(tmp_path / "log"), LeafIndex(":memory:"), ORIGIN)
    log.append([f"entry {n}".encode() for n in range(300)])
    log.publish(log.sign(KEY, 0))
    return log


def follows() -> Policy:
    return Policy((LogLine(KEY[0].key),))


def make_mirror(tmp_path: Path) -> tuple[Mirror, FileStore]:
    (tmp_path / "m").mkdir()
    store = FileStore(tmp_path / "m")
    return Mirror(store, follows, W, lambda: 1_800_000_000, bytes(32)), store


def checkpoint_body(log: Log, old: int = 0) -> bytes:
    note = log.published()
    assert note
    return f"old {old}\n\n".encode() + note.encode()


def test_a_log_is_served_as_static_files(log: Log, serving: Serving, tmp_path: Path) -> None:
    url = serving(log_app(FileStore(tmp_path / "log")))
    checkpoint = httpx.get(f"{url}/checkpoint")
    assert checkpoint.headers["content-type"] == "text/plain; charset=utf-8"
    assert checkpoint.headers["cache-control"] == "no-cache"
    for name in ("tile/0/000", "tile/0/001.p/44", "tile/1/000.p/1", "tile/entries/000", "tile/entries/001.p/44"):
        answer = httpx.get(f"{url}/{name}")
        assert answer.content == (tmp_path / "log" / "public" / name).read_bytes()
        assert answer.headers["content-type"] == "application/octet-stream"
        assert "immutable" in answer.headers["cache-control"]
    assert httpx.get(f"{url}/tile/entries/000").headers["content-encoding"] == "gzip"
    assert httpx.head(f"{url}/tile/0/000").status_code == 200
    assert httpx.post(f"{url}/checkpoint").status_code == 405


@pytest.mark.parametrize(
    "path",
    [
        "key",
        "../key",
        "log/head",
        "tile/0/001",
        "tile/0/001.p/43",
        "%2e%2e/key",
        "tile/../../key",
        "",
        ".lock",
        "tile/0/000%00",
    ],
)
def test_nothing_else_is_served(log: Log, serving: Serving, tmp_path: Path, path: str) -> None:
    (tmp_path / "log" / "key").write_text("secret")
    url = serving(log_app(FileStore(tmp_path / "log")))
    with httpx.Client() as client:
        request = client.build_request("GET", url)
        request.url = request.url.copy_with(raw_path=f"/{path}".encode())
        assert client.send(request).status_code == 404


def test_a_witness_over_http(log: Log, serving: Serving, tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    ready = threading.Event()
    witness = Witness(FileStore(tmp_path / "w"), "witness", follows, W, lambda: 1_800_000_000)
    url = serving(witness_app(witness, ready.is_set))
    assert httpx.post(f"{url}/add-checkpoint", content=checkpoint_body(log)).status_code == 503
    ready.set()
    assert httpx.get(f"{url}/{HASH}/checkpoint").status_code == 404
    answer = httpx.post(f"{url}/add-checkpoint", content=checkpoint_body(log))
    assert answer.status_code == 200 and answer.text.startswith("\u2014 w ")
    again = httpx.post(f"{url}/add-checkpoint", content=checkpoint_body(log))
    assert (again.status_code, again.text, again.headers["content-type"]) == (409, "300\n", "text/x.tlog.size")
    latest = httpx.get(f"{url}/{HASH}/checkpoint")
    assert latest.text == (log.published() or log.signed()).encode().decode() + answer.text  # type: ignore[union-attr]
    assert httpx.get(f"{url}/{HASH.upper()}/checkpoint").status_code == 404
    assert httpx.get(f"{url}/add-checkpoint").status_code == 405
    assert httpx.post(f"{url}/add-checkpoint", content=b"x" * 10_000_000).status_code == 413
    assert httpx.post(f"{url}/add-checkpoint", content=b"old 0\n").status_code == 400


def pushed(log: Log, start: int, end: int) -> bytes:
    from tocsin.ledger import Tender
    from tocsin.ledger.gather import packages
    from tocsin.ledger.upload import UploadHead

    note = log.published()
    assert note
    tender = Tender(note, log.tree.hashes(), log.tree.entries)
    body = UploadHead(ORIGIN, start, end).encode()
    return body + b"".join(package.encode() for package in packages(tender, start, end))


def test_a_mirror_over_http(log: Log, serving: Serving, tmp_path: Path) -> None:
    mirror, store = make_mirror(tmp_path)
    ready = threading.Event()
    url = serving(mirror_app(mirror, store, ready.is_set))
    assert httpx.post(f"{url}/add-entries", content=b"").status_code == 503
    ready.set()
    body = pushed(log, 0, 300)
    assert httpx.post(f"{url}/add-entries", content=body).status_code == 422, "no checkpoint yet"
    added = httpx.post(f"{url}/add-checkpoint", content=checkpoint_body(log))
    assert (added.status_code, added.content) == (200, b"")
    half = httpx.post(f"{url}/add-entries", content=body[:-5])
    assert half.status_code == 202 and half.text.startswith("300\n256\n")
    assert half.headers["content-type"] == "text/x.tlog.mirror-info"
    assert half.headers["accept-encoding"] == "gzip"
    more = httpx.post(
        f"{url}/add-entries", content=gzip.compress(pushed(log, 256, 300)), headers={"Content-Encoding": "gzip"}
    )
    assert more.status_code == 200 and more.text.startswith("\u2014 w ")
    served = httpx.get(f"{url}/{HASH}/checkpoint")
    assert served.text.endswith(more.text)
    assert (
        httpx.get(f"{url}/{HASH}/tile/entries/001.p/44").content
        == (tmp_path / "log/public/tile/entries/001.p/44").read_bytes()
    )
    assert httpx.get(f"{url}/nothing/checkpoint").status_code == 404
    assert httpx.get(f"{url}/{HASH}/head").status_code == 404


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda body: b"", 400),
        (lambda body: body[:9], 400),
        (lambda body: body[:200], 400),
        (lambda body: body.replace(b"entry 7\0", b"entry 9\0"), 422),
        (lambda body: body + b"more", 202),
        (lambda body: body.replace(ORIGIN.encode(), b"log.example.org/b"), 404),
        (lambda body: b"\xff" * 100_000, 400),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_an_upload_that_is_not_right(
    log: Log, serving: Serving, tmp_path: Path, change: object, status: int, packed: bool
) -> None:
    mirror, store = make_mirror(tmp_path)
    url = serving(mirror_app(mirror, store, lambda: True))
    httpx.post(f"{url}/add-checkpoint", content=checkpoint_body(log))
    body = change(pushed(log, 0, 300))  # type: ignore[operator]
    headers = {"Content-Encoding": "gzip"} if packed else {}
    answer = httpx.post(f"{url}/add-entries", content=gzip.compress(body) if packed else body, headers=headers)
    assert answer.status_code == status
    assert mirror.served(ORIGIN) is None


def test_a_packed_bomb_and_what_is_not_packed_are_refused(log: Log, serving: Serving, tmp_path: Path) -> None:
    mirror, store = make_mirror(tmp_path)
    url = serving(mirror_app(mirror, store, lambda: True))
    httpx.post(f"{url}/add-checkpoint", content=checkpoint_body(log))
    bomb = gzip.compress(pushed(log, 0, 300)[:28] + bytes(200_000_000), 9)
    for body in (bomb, b"not packed", gzip.compress(pushed(log, 0, 300))[:-40]):
        answer = httpx.post(f"{url}/add-entries", content=body, headers={"Content-Encoding": "gzip"})
        assert answer.status_code in (202, 400, 422)
    assert mirror.served(ORIGIN) is None


class Broken(FileStore):
    def get(self, name: str) -> bytes | None:
        if name.endswith("000"):
            return super().get("../outside")
        raise TransportError("the disk is gone")


def test_a_store_that_fails_is_told_without_detail(serving: Serving, tmp_path: Path) -> None:
    url = serving(log_app(Broken(tmp_path)))
    down, odd = httpx.get(f"{url}/checkpoint"), httpx.get(f"{url}/tile/0/000")
    assert (down.status_code, down.text) == (503, "the store cannot be used now\n")
    assert (odd.status_code, odd.text) == (500, "the store holds what it should not\n")


def test_a_transport_is_bounded_and_says_what_is_wrong(log: Log, serving: Serving, tmp_path: Path) -> None:
    url = serving(log_app(FileStore(tmp_path / "log")))
    transport = HttpTransport(connect=2, answer=5)
    assert transport("GET", f"{url}/tile/0/000", b"", {}, 8192).status == 200
    with pytest.raises(TransportError, match="above 8191 bytes"):
        transport("GET", f"{url}/tile/0/000", b"", {}, 8191)
    for address in ("http://127.0.0.1:1/x", "http://[::bad/", "nonsense"):
        with pytest.raises(TransportError, match="no answer"):
            transport("GET", address, b"", {}, 10)
    transport.close()


def test_a_port_that_is_taken_is_told() -> None:
    opened = listen("127.0.0.1", 0)
    with pytest.raises(TransportError, match="cannot be opened"):
        listen("127.0.0.1", int(opened.url.rpartition(":")[2]))
    opened.socket.close()


def test_an_address_of_the_new_kind_is_written_as_urls_want_it() -> None:
    try:
        opened = listen("::1", 0)
    except TransportError:
        pytest.skip("no IPv6 here")
    assert opened.url.startswith("http://[::1]:")
    opened.socket.close()
