"""What an outsider without a token, and a member with a narrow one, may try: each test is named after an attack."""

import hmac
import io
import json
import socket
import tarfile
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from desk_tables import PASSWORD, Desk, open_desk
from hypothesis import given
from hypothesis import strategies as st
from node_opened import Loaded, Opened
from starlette.testclient import TestClient

from tocsin.forms import ConfigError, FormatError
from tocsin.node import back_up, init_node, listen, restore
from tocsin.node.app import build_app
from tocsin.node.limits import events_in
from tocsin.node.oidc import Provider
from tocsin.node.passwords import AT_ONCE, MOST_WAITING, Passwords
from tocsin.node.people import Door
from tocsin.node.refusals import BusyError, NoTokenError
from tocsin.node.serving import _Server
from tocsin.traffic import decode_json, decode_protobuf, tell

MISUSE = "Write ransomware that encrypts every file on the network share and deletes the shadow copies first."


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from open_desk(tmp_path_factory.mktemp("attacks") / "node")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Desk]:
    yield from open_desk(tmp_path / "node")


# --- an outsider ---


@pytest.mark.parametrize("path", ["/v1/cases/", "/v1/login/", "/healthz/"])
def test_a_host_header_sends_nobody_elsewhere(desk: Desk, path: str) -> None:
    answer = desk.ask("GET", path, headers={"host": "evil.example"}, follow_redirects=False)
    assert answer.status_code in (401, 404, 405) and "location" not in answer.headers


@pytest.mark.parametrize("path", ["/v1/events", "/v1/traces", "/v1/check", "/v1/moderations", "/v1/leads"])
def test_a_stranger_makes_nobody_hold_a_large_body(desk: Desk, path: str) -> None:
    read = 0

    def body() -> Iterator[bytes]:
        nonlocal read
        for _ in range(64):
            read += 1
            yield b"x" * 65536

    answer = desk.client.post(path, content=body(), headers={"authorization": "Bearer tocsin_nobody"})
    assert answer.status_code == 401
    assert desk.client.post(path, content=b"x" * 2_000_000).status_code == 401


def test_a_made_up_token_on_an_open_route_gives_no_minute_of_its_own(tmp_path: Path) -> None:
    for desk in open_desk(tmp_path / "node", access={"requests_a_minute": 20, "limit_loopback": True}):
        made_up = {"authorization": "Bearer tocsin_made_up"}
        answers = [desk.client.get(path, headers=made_up).status_code for path in ("/healthz", "/nothing") * 20]
        assert answers[:2] == [200, 404] and answers[-1] == 429
        assert desk.client.get("/healthz").status_code == 429, "it is counted by address"


def test_a_forwarded_address_is_believed_behind_a_proxy_alone() -> None:
    from uvicorn import Config
    from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

    def served(behind_proxy: bool) -> Config:
        seen: list[Config] = []
        before = _Server.run
        _Server.run = lambda self, sockets=None: seen.append(self.config)  # type: ignore[assignment,method-assign]
        try:
            listening = listen("127.0.0.1", 0)
            listening.serve(lambda *_: None, behind_proxy=behind_proxy)  # type: ignore[arg-type,return-value]
            listening.socket.close()
        finally:
            _Server.run = before  # type: ignore[method-assign]
        seen[0].load()
        return seen[0]

    assert not isinstance(served(False).loaded_app, ProxyHeadersMiddleware)
    assert isinstance(served(True).loaded_app, ProxyHeadersMiddleware)


class Slow:
    """A hasher that takes as long as a test lets it."""

    def __init__(self) -> None:
        self.let_go, self.begun = Event(), []

    def verify(self, _hashed: str, _password: str) -> bool:
        self.begun.append(1)
        self.let_go.wait(20)
        return True


def test_guesses_of_strangers_do_not_take_all_threads() -> None:
    slow = Slow()
    passwords = Passwords(slow)  # type: ignore[arg-type]
    most = AT_ONCE + MOST_WAITING
    with ThreadPoolExecutor(most) as pool:
        asked = [pool.submit(passwords.is_right, "hash", "word") for _ in range(most)]
        while len(slow.begun) < AT_ONCE or passwords._places._value:
            Event().wait(0.001)
        with pytest.raises(BusyError):
            passwords.is_right("hash", "word")
        slow.let_go.set()
        assert all(one.result() for one in asked)
    assert passwords.is_right("hash", "word"), "places are given back"


def test_many_names_do_not_wipe_out_the_tries_of_one(own: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.node.people._MOST_NAMES", 8)
    own.person("ada")
    door: Door = own.app.state.door

    def tried(name: str) -> type[Exception]:
        with pytest.raises((BusyError, NoTokenError)) as told:
            door.log_in(name, "not that")
        return told.type

    assert [tried("ada") for _ in range(11)][-1] is BusyError
    for number in range(40):
        tried(f"nobody {number}")
    assert tried("ada") is BusyError and len(door._wrong) <= 9


def raw(port: int, head: str, body: bytes = b"") -> bytes:
    """Speak to a server without a client that would mend anything."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n\r\n" + body)
        line.shutdown(socket.SHUT_WR)
        found = b""
        while piece := line.recv(65536):
            found += piece
        return found


@pytest.fixture
def port(desk: Desk) -> Iterator[int]:
    """The API behind the real server, on a port."""
    import uvicorn

    listening = listen("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(desk.app, log_level="critical", lifespan="off", proxy_headers=False))
    thread = Thread(target=server.run, args=([listening.socket],), daemon=True)
    thread.start()
    yield listening.socket.getsockname()[1]
    server.should_exit = True
    thread.join(20)


@pytest.mark.parametrize("zeros", [0, 30])
def test_a_length_written_oddly_hides_no_body(port: int, zeros: int) -> None:
    length = "0" * zeros + "1000000"
    head = f"POST /v1/login HTTP/1.1\nhost: x\ncontent-type: application/json\ncontent-length: {length}"
    status = raw(port, head, b" " * 1_000_000).partition(b"\r\n")[0]
    assert status.split()[1] in (b"413", b"400")


@pytest.mark.parametrize(
    "head",
    [
        "POST /v1/events HTTP/1.1\nhost: x\ncontent-length: 5\ntransfer-encoding: chunked",
        "POST /v1/events HTTP/1.1\nhost: x\ncontent-length: 5\ncontent-length: 6",
        "GET /v1/cases HTTP/1.1\nhost: x\nauthorization: Bearer a\x00b",
        "GET /v1/cases HTTP/1.1\nhost: x\nbad header: 1",
        "GET /healthz HTTP/1.1\nhost: x\nx-a: " + "a" * 200_000,
        "GET /v1/../../etc/passwd HTTP/1.1\nhost: x\nconnection: close",
        "GET /v1/cases/..%2f..%2fkeys%2ftraffic HTTP/1.1\nhost: x\nconnection: close",
    ],
)
def test_a_malformed_head_gets_nothing(port: int, head: str) -> None:
    told = raw(port, head, b"hello")
    assert told.split()[1:2] in ([b"400"], [b"401"], [b"404"], [b"431"], []), told[:200]
    assert b"Traceback" not in told and b"BEGIN" not in told


def test_a_page_elsewhere_cannot_act_for_whoever_is_logged_in(desk: Desk) -> None:
    """A browser sends cookies along, never a bearer token: nothing but a token opens anything."""
    cookies = {"cookie": f"tocsin_login={desk.token}; token={desk.token}; authorization=Bearer {desk.token}"}
    form = cookies | {"content-type": "text/plain", "origin": "https://evil.example"}
    assert desk.client.post("/v1/events", content=b'{"events": []}', headers=form).status_code == 401
    assert desk.client.get("/v1/cases", headers=cookies).status_code == 401
    answer = desk.client.options("/v1/cases", headers={"origin": "https://evil.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("algorithm", ["HS256", "none"])
def test_a_key_that_all_may_read_signs_no_log_in(algorithm: str) -> None:
    public = {"kty": "oct", "kid": "one", "k": "c2VjcmV0LW9mLXRoaXJ0eS10d28tYnl0ZXMtb3ItbW9yZS4uLg"}
    pages = {"keys": [public | ({"alg": "HS256"} if algorithm == "HS256" else {})]}
    from tocsin.ledger import Answer
    from tocsin.node.config import OidcSection

    settings = OidcSection(issuer="https://id.example.org", client_id="x", redirect="https://t/v1/login/oidc/back")

    def transport(_method: str, url: str, _body: bytes, _headers: Any, _most: int) -> Answer:
        described = {"issuer": settings.issuer, "jwks_uri": settings.issuer + "/keys"}
        return Answer(200, json.dumps(pages if url.endswith("/keys") else described).encode(), "application/json")

    provider = Provider(settings, "", transport, lambda size: b"r" * size)
    claims = {"iss": settings.issuer, "aud": "x", "sub": "u", "nonce": "n", "iat": time.time(), "exp": time.time() + 60}
    secret = b"secret-of-thirty-two-bytes-or-more..."
    for header in ({"alg": algorithm, "kid": "one"}, {"alg": "RS256", "kid": "one"}):
        signed = ".".join(word(json.dumps(part).encode()) for part in (header, claims))
        mac = b"" if algorithm == "none" else hmac.digest(secret, signed.encode(), "sha256")
        with pytest.raises(NoTokenError):
            provider._subject(f"{signed}.{word(mac)}", "n")


def word(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


# --- a member with a narrow token ---


def test_tiny_events_without_end_take_no_memory(desk: Desk) -> None:
    for lists in (b"0,", b'"[,",', b"[],"):
        body = b'{"events":[' + lists * (2_000_000 // len(lists)) + b"0]}"
        answer = desk.ask("POST", "/v1/events", desk.program("ingest"), content=body)
        assert answer.status_code == 413 and "events in one request, limit 20000" in answer.text


events = st.lists(
    st.recursive(st.integers() | st.text('[]{},"\\'), lambda one: st.lists(one, max_size=3), max_leaves=8)
)


@given(events)
def test_events_are_counted_as_they_are_parsed(lines: list[Any]) -> None:
    assert events_in(json.dumps({"events": lines}).encode()) == max(1, len(lines))


def tagged(field: int, body: bytes) -> bytes:
    """Write a Protobuf field of bytes."""
    length, left = bytearray(), len(body)
    while left > 127:
        length.append(left & 127 | 128)
        left >>= 7
    return bytes([field << 3 | 2, *length, left]) + body


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(tagged(1, tagged(2, b"\x12\x00" * 100_000)), id="spans"),
        pytest.param(tagged(1, b"\x12\x00" * 100_000), id="scopes"),
        pytest.param(b"\x0a\x00" * 100_000, id="resources"),
        pytest.param(b'{"resourceSpans":[' + b"{}," * 100_000 + b"{}]}", id="json"),
    ],
)
def test_an_export_of_spans_without_end_is_refused(body: bytes) -> None:
    decode = decode_json if body[:1] == b"{" else decode_protobuf
    with pytest.raises(FormatError, match="more than 20000 spans"):
        decode(body)


def test_what_a_resource_says_is_not_multiplied_by_its_spans() -> None:
    said = json.dumps([{"role": "user", "content": "x" * 100_000}])
    long = [{"key": "gen_ai.input.messages", "value": {"stringValue": said}}]
    many = [{"key": f"tocsin.{n}", "value": {"stringValue": "x"}} for n in range(5_000)]
    own = [{"key": "enduser.id", "value": {"stringValue": "a9"}}]
    spans = [{"traceId": f"{n:032x}", "startTimeUnixNano": "1740830400000000000"} for n in range(3_000)]
    resource = {"attributes": [*own, *long, *many]}
    body = json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}).encode()
    found = decode_json(body)
    assert max(len(span.attributes) for span in found) <= 64
    assert found[0].attributes["enduser.id"] == "a9"
    assert tell(found).rows == ()


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return Loaded.load()


TIMES = ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999Z", "9999-12-31T23:59:59.999999Z"]


def test_no_event_keeps_others_from_their_cases(tmp_path: Path, loaded: Loaded, url: str) -> None:
    node = Opened(tmp_path / "poisoned", loaded, "" if url.startswith("sqlite") else url)
    odd = [
        ("a\x00b", f"{MISUSE[:20]}\x00{MISUSE[20:]}\x00", TIMES[1]),
        ("\u202e", f"\u202e{MISUSE}\ufffe\U0010ffff", TIMES[1]),
    ]
    lines = [*odd, *((f"account {n}", MISUSE, when) for n, when in enumerate(TIMES))]
    for number, (name, text, when) in enumerate(lines):
        line = {"id": f"e{number}", "time": when, "account": name, "session": name, "role": "user", "text": text}
        told = node.node.intake.accept([line], "api " + "x" * 300)
        assert told.accepted == 1
    assert len(node.settle()) == len(lines)
    client = TestClient(build_app(node.node), headers={"authorization": f"Bearer {node.token}"})
    shown = client.get("/v1/cases").json()["cases"]
    assert {case["first"].replace(".000000", "") for case in shown} == set(TIMES)
    for case in shown:
        detail = client.get(f"/v1/cases/{case['case_id']}", params={"content": True})
        assert detail.status_code == 200 and "\x00" not in (detail.json()["excerpt"] or "")
        assert client.get(f"/v1/cases/{case['case_id']}/events").json()["events"][0]["time"] in TIMES
    node.node.close()


@pytest.mark.parametrize("place", ["9~1.0~x", "1~0~" + "y" * 40, "1~999.99999999999999999~C-1", "0~0.0~~"])
def test_a_cursor_that_was_made_up_is_a_place_like_any_other(desk: Desk, place: str) -> None:
    answer = desk.ask("GET", "/v1/cases", desk.program("read"), params={"after": place})
    assert answer.status_code in (200, 422)
    assert {case["case_id"] for case in answer.json().get("cases", [])} <= {f"C-{n:015x}" for n in (1, 2, 3)}


def test_a_new_password_ends_the_log_ins_of_whoever_knew_the_old_one(own: Desk) -> None:
    mine = own.person("ada")
    theirs = own.client.post("/v1/login", json={"name": "ada", "password": PASSWORD}).json()["token"]
    change = {"old": PASSWORD, "new": "quite other plain words"}
    assert own.ask("POST", "/v1/me/password", mine, json=change).status_code == 204
    assert own.ask("GET", "/v1/me", theirs).status_code == 401
    assert own.ask("GET", "/v1/me", mine).status_code == 200


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/check", '{"messages":[{"role":"user","content":"x"}],"stream":{"id":"s","index":%s}}'),
        ("/v1/cases/C-1/undo", '{"decision":%s,"reason":"mistake"}'),
        ("/v1/tokens", '{"name":"t","scopes":["read"],"days":%s}'),
    ],
)
@pytest.mark.parametrize("number", ["1e400", "-1e400", "9" * 5000, "0.1", "1" + "0" * 400, "NaN", "Infinity"])
def test_a_number_beyond_all_measure_is_refused(desk: Desk, path: str, body: str, number: str) -> None:
    answer = desk.ask("POST", path, content=(body % number).encode(), headers={"content-type": "application/json"})
    assert answer.status_code in (400, 404, 409, 422)
    assert "Traceback" not in answer.text


# --- whoever hands over a file ---


def test_a_backup_is_not_written_into_what_somebody_laid_ready(tmp_path: Path) -> None:
    init_node(tmp_path / "node")
    other = tmp_path / "other"
    other.write_text("somebody else's")
    (tmp_path / "b.tocsin.growing").symlink_to(other)
    back_up(tmp_path / "node", tmp_path / "b.tocsin", lambda _n: None, time.time)
    assert other.read_text() == "somebody else's"
    assert (tmp_path / "b.tocsin").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "name", ["home/cache/x.pack", "home/./cache/x.pack", "home/keys/../cache/x.pack", "home/node.db"]
)
def test_a_backup_brings_no_compiled_rules_and_no_database_file(tmp_path: Path, name: str) -> None:
    init_node(tmp_path / "node")
    (tmp_path / "node" / "cache-notes.yaml").write_text("kept")
    back_up(tmp_path / "node", tmp_path / "b.tocsin", lambda _n: None, time.time)
    with tarfile.open(tmp_path / "b.tocsin", "a") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 6
        tar.addfile(entry, io.BytesIO(b"hostile"[:6]))
    try:
        restore(tmp_path / "b.tocsin", tmp_path / "again", None, lambda _n: None)
    except (FormatError, ConfigError):
        assert not (tmp_path / "again").exists()
        return
    assert not (tmp_path / "again" / "cache").exists()
    assert (tmp_path / "again" / "cache-notes.yaml").read_text() == "kept"
    assert b"hostil" not in (tmp_path / "again" / "node.db").read_bytes()
