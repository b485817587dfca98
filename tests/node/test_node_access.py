"""Every route by every role; and what people try with names, headers, paths and bodies."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from desk_tables import PASSWORD, Desk, open_desk
from hypothesis import given
from hypothesis import strategies as st

from tocsin.node.access import SCOPES
from tocsin.node.limits import Rate, depth_of

ONE = f"C-{1:015x}"
A_PERSON, A_TOKEN = "P-" + "0" * 16, "T-" + "0" * 16
ANYBODY, NOBODY_NEEDED = "any token", "none"
# Which scope a route needs. A route that is not in the table fails a test.
TABLE: dict[tuple[str, str], str] = {
    ("POST", "/v1/check"): "check",
    ("POST", "/v1/moderations"): "check",
    ("POST", "/v1/events"): "ingest",
    ("GET", "/v1/stats"): "read",
    ("GET", "/v1/cases"): "read",
    ("GET", "/v1/cases/{case_id}"): "read",
    ("GET", "/v1/cases/{case_id}/events"): "content",
    ("POST", "/v1/cases/{case_id}/claim"): "decide",
    ("POST", "/v1/cases/{case_id}/release"): "decide",
    ("POST", "/v1/cases/{case_id}/decision"): "decide",
    ("POST", "/v1/cases/{case_id}/approve"): "decide",
    ("POST", "/v1/cases/{case_id}/undo"): "decide",
    ("POST", "/v1/cases/{case_id}/appeal"): "decide",
    ("POST", "/v1/traces"): "ingest",
    ("POST", "/v1/leads"): "admin",
    ("GET", "/v1/leads"): "read",
    ("DELETE", "/v1/leads"): "admin",
    ("DELETE", "/v1/leads/{lead}"): "admin",
    ("GET", "/v1/me"): ANYBODY,
    ("POST", "/v1/login"): NOBODY_NEEDED,
    ("GET", "/v1/login/oidc"): NOBODY_NEEDED,
    ("GET", "/v1/login/oidc/back"): NOBODY_NEEDED,
    ("POST", "/v1/logout"): ANYBODY,
    ("POST", "/v1/me/password"): ANYBODY,
    ("GET", "/v1/people"): "admin",
    ("POST", "/v1/people"): "admin",
    ("DELETE", "/v1/people/{person_id}"): "admin",
    ("GET", "/v1/tokens"): "admin",
    ("POST", "/v1/tokens"): "admin",
    ("DELETE", "/v1/tokens/{token_id}"): "admin",
    ("GET", "/v1/audit"): "admin",
    ("GET", "/v1/outbox"): "admin",
    ("POST", "/v1/outbox/{message_id}/retry"): "admin",
    ("GET", "/healthz"): NOBODY_NEEDED,
    ("GET", "/readyz"): NOBODY_NEEDED,
    ("GET", "/metrics"): "metrics",
}
NEEDS_TOO = {("GET", "/v1/cases/{case_id}/events"): {"read"}}
BODIES: dict[str, Any] = {
    "/v1/check": {"messages": []},
    "/v1/moderations": {"input": 1},
    "/v1/events": {"events": []},
    "/v1/cases/{case_id}/decision": {"effect": "warn", "reason": "confirmed"},
    "/v1/cases/{case_id}/approve": {"decision": 1},
    "/v1/cases/{case_id}/undo": {"decision": 1, "reason": "mistake"},
    "/v1/cases/{case_id}/appeal": {"decision": 1},
    "/v1/login": {"name": "nobody", "password": "x"},
    "/v1/me/password": {"old": "x", "new": "y"},
    "/v1/people": {"name": "carl", "scopes": ["admin"], "password": PASSWORD},
    "/v1/tokens": {"name": "t", "scopes": ["admin"]},
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    yield from open_desk(tmp_path_factory.mktemp("access") / "node")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Desk]:
    yield from open_desk(tmp_path / "node")


def test_the_table_names_every_route(desk: Desk) -> None:
    paths = desk.app.openapi()["paths"]
    there = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    assert there == set(TABLE)


def status(desk: Desk, method: str, path: str, token: str | None) -> int:
    filled = path.format(case_id=ONE, person_id=A_PERSON, token_id=A_TOKEN, message_id=1, lead="lead-1")
    body = {"json": BODIES[path]} if path in BODIES else {}
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return desk.client.request(method, filled, headers=headers, **body).status_code  # type: ignore[arg-type]


@pytest.mark.parametrize(("method", "path"), sorted(TABLE), ids=str)
def test_each_route_opens_to_its_scope_alone(desk: Desk, method: str, path: str) -> None:
    needed = TABLE[method, path]
    too = NEEDS_TOO.get((method, path), set())
    if path not in ("/v1/login", "/v1/logout") and needed != NOBODY_NEEDED:
        assert status(desk, method, path, None) == 401
        assert status(desk, method, path, "tocsin_nobody") == 401
        assert status(desk, method, path, desk.token) not in (401, 403) or path == "/v1/me/password"
    for scope in SCOPES:
        got = status(desk, method, path, desk.program(scope))
        if needed in (ANYBODY, NOBODY_NEEDED):
            assert got != 403 or path == "/v1/me/password", (scope, got)
        elif scope == needed and not too:
            assert got not in (401, 403), (scope, got)
        else:
            assert got == 403, (scope, got)
    if too:
        assert status(desk, method, path, desk.program(needed, *too)) == 200


def test_tokens_end_are_revoked_and_fall_with_their_person(own: Desk) -> None:
    ada = own.person("ada")
    assert own.ask("GET", "/v1/me", ada).status_code == 200
    own.clock.now += 13 * 3600
    assert own.ask("GET", "/v1/me", ada).status_code == 401
    again = own.client.post("/v1/login", json={"name": "ada", "password": PASSWORD}).json()["token"]
    assert own.ask("POST", "/v1/logout", again).status_code == 204
    assert own.ask("GET", "/v1/me", again).status_code == 401
    third = own.client.post("/v1/login", json={"name": "ada", "password": PASSWORD}).json()["token"]
    (person,) = own.ask("GET", "/v1/people").json()["people"]
    assert own.ask("DELETE", f"/v1/people/{person['id']}").status_code == 204
    assert own.ask("GET", "/v1/me", third).status_code == 401
    assert own.client.post("/v1/login", json={"name": "ada", "password": PASSWORD}).status_code == 401


def test_a_revoked_token_stops_at_once(own: Desk) -> None:
    program = own.program("read")
    assert own.ask("GET", "/v1/cases", program).status_code == 200
    (named,) = [t for t in own.ask("GET", "/v1/tokens").json()["tokens"] if program.startswith(t["start"])]
    assert own.ask("DELETE", f"/v1/tokens/{named['id']}").status_code == 204
    assert own.ask("GET", "/v1/cases", program).status_code == 401


def test_nobody_gives_what_they_lack(own: Desk) -> None:
    admin = own.program("admin")
    for path, body in (("/v1/tokens", {"name": "t"}), ("/v1/people", {"name": "eve", "password": PASSWORD})):
        answer = own.ask("POST", path, admin, json=body | {"scopes": ["admin", "content"]})
        assert answer.status_code == 403
        assert "content" in answer.json()["error"]["message"]


def test_passwords_are_stored_hashed_and_tokens_as_digests(own: Desk) -> None:
    ada = own.person("ada")
    raw = b"".join(p.read_bytes() for p in own.node.home.folder.glob("node.db*"))
    assert PASSWORD.encode() not in raw and ada.encode() not in raw and own.token.encode() not in raw
    assert b"$argon2id$" in raw


def test_a_name_that_is_tried_too_often_must_wait(own: Desk) -> None:
    own.person("ada")
    wrong = {"name": "ada", "password": "not that"}
    for _ in range(10):
        assert own.client.post("/v1/login", json=wrong).status_code == 401
    assert own.client.post("/v1/login", json=wrong).status_code == 429
    assert own.client.post("/v1/login", json={"name": "ada", "password": PASSWORD}).status_code == 429
    assert own.client.post("/v1/login", json=wrong | {"name": "ben"}).status_code == 401
    own.clock.now += 901
    assert own.client.post("/v1/login", json={"name": "ada", "password": PASSWORD}).status_code == 200


def test_two_people_never_have_one_name(own: Desk) -> None:
    own.person("ada")
    twin = {"name": "ada", "scopes": ["read"], "password": PASSWORD}
    assert own.ask("POST", "/v1/people", json=twin).status_code == 409
    assert own.ask("POST", "/v1/people", json=twin | {"name": "eve", "password": "short"}).status_code == 422
    assert own.ask("POST", "/v1/people", json={"name": "eve", "scopes": ["read"]}).status_code == 422


INJECTED = [
    "' OR '1'='1",
    "1; DROP TABLE cases; --",
    '" UNION SELECT token FROM tokens --',
    "../../etc/passwd",
    "%2e%2e%2fkeys%2ftraffic",
    "${jndi:ldap://127.0.0.1/x}",
    "{{7*7}}",
    "C-1\r\nx-injected: 1",
    "\x00",
    "C-1\n<0>1 forged",
    "\u202ecba",
    "a" * 5000,
]


@pytest.mark.parametrize("text", INJECTED)
def test_what_is_injected_is_a_name_of_nothing(desk: Desk, text: str) -> None:
    def refused(answer: Any) -> None:
        assert answer.status_code in (200, 400, 404, 422), answer.status_code
        assert "x-injected" not in answer.headers
        assert "Traceback" not in answer.text and "sqlite" not in answer.text.lower()
        if answer.status_code == 200:
            assert answer.json()["cases"] == []

    for name in ("campaign", "account", "kind", "status", "effect"):
        refused(desk.ask("GET", "/v1/cases", params={name: text}))
    for place in (text, f"1~{text}~x", f"1~1.0~{text}"):
        answer = desk.ask("GET", "/v1/cases", params={"after": place})
        assert answer.status_code in (200, 400, 422)
    for path in (f"/v1/cases/{quote(text, safe='')}", f"/v1/cases/{quote(text, safe='')}/events"):
        assert desk.ask("GET", path).status_code in (400, 404, 422)
    assert desk.ask("GET", "/v1/audit", params={"subject": text}).status_code in (200, 422)
    assert desk.client.post("/v1/login", json={"name": text[:90], "password": text}).status_code in (401, 422)
    assert len(desk.ask("GET", "/v1/cases").json()["cases"]) == 3


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Basic dTpw", "Bearer \xff\xfe", "Bearer a b", "bearer  ", "Bearer " + "x" * 4000, "Digest"],
)
def test_no_odd_header_opens_anything(desk: Desk, header: str) -> None:
    answer = desk.client.get("/v1/cases", headers={"authorization": header.encode("latin-1")})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/v1/events", "/v1/cases/C-1/decision", "/v1/login", "/v1/people"])
def test_large_and_deep_bodies_are_refused_before_they_are_read(desk: Desk, path: str) -> None:
    large = b'{"events": [' + b'"x",' * 2_500_000 + b'""]}'
    assert desk.ask("POST", path, content=large).status_code == 413

    def pieces() -> Iterator[bytes]:
        yield from (large[at : at + 65536] for at in range(0, len(large), 65536))

    assert desk.ask("POST", path, content=pieces()).status_code == 413
    for deep in (b"[" * 100_000, b'{"a":' * 40_000, b'{"events":[{"id":' + b"[" * 40 + b"]" * 40 + b"}]}"):
        answer = desk.ask("POST", path, content=deep)
        assert answer.status_code == 400, answer.text
        assert "nested deeper than 32" in answer.text
    fine = {"events": [{"attributes": {"text": "[[[[" * 50 + '"{{{{' * 50}}]}
    assert desk.ask("POST", path, json=fine).status_code in (200, 404, 422)


def test_a_path_names_all_that_may_be_asked_of_it(desk: Desk) -> None:
    for path in ("/v1/tokens", "/v1/people"):
        answer = desk.ask("OPTIONS", path)
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert desk.ask("PUT", f"/v1/cases/{ONE}/decision").headers["allow"] == "POST"


def test_refusals_never_echo_what_was_sent(desk: Desk) -> None:
    marked = "zebra-stripes-9127"
    fine = {"effect": "warn", "reason": "confirmed"}
    for body in ({"effect": marked}, fine | {"reason": marked}, fine | {"x": marked}, fine | {"note": [marked]}):
        answer = desk.ask("POST", f"/v1/cases/{ONE}/decision", json=body)
        assert answer.status_code == 422
        assert marked not in answer.text
        assert set(answer.json()) == {"error"}


def test_every_answer_carries_what_browsers_heed(desk: Desk) -> None:
    for answer in (desk.client.get("/healthz"), desk.client.get("/v1/cases"), desk.ask("GET", "/v1/nothing")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "server" not in answer.headers


def test_requests_a_minute_are_counted_by_token_and_by_address(tmp_path: Path) -> None:
    for desk in open_desk(tmp_path / "node", access={"requests_a_minute": 30, "limit_loopback": True}):
        program = desk.program("read")
        answers = [desk.ask("GET", "/v1/cases", program).status_code for _ in range(32)]
        assert answers[:30] == [200] * 30
        assert 429 in answers[30:]
        assert desk.ask("GET", "/v1/cases").status_code == 200, "another token has its own minute"
        guesses = [desk.ask("GET", "/v1/cases", f"tocsin_guess{n}").status_code for n in range(40)]
        assert guesses[0] == 401 and guesses[-1] == 429, "guessing new tokens is counted by address"


def test_this_machine_is_not_limited_unless_told_so(tmp_path: Path) -> None:
    for desk in open_desk(tmp_path / "node", access={"requests_a_minute": 1}):
        assert {desk.client.get("/healthz").status_code for _ in range(20)} == {200}


def test_a_bucket_fills_evenly() -> None:
    now = [0.0]
    rate = Rate(60, lambda: now[0])
    assert [rate.take("a") for _ in range(61)] == [True] * 60 + [False]
    now[0] = 1.0
    assert [rate.take("a"), rate.take("a"), rate.take("b")] == [True, False, True]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.sampled_from('[]{}"\\x')),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.sampled_from('[{"\\')), inner, max_size=3),
    max_leaves=20,
)


def depth(value: Any) -> int:
    """The slow reference: walk what was parsed."""
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


@given(json_values, st.sampled_from([None, 1]))
def test_depth_is_that_of_the_parsed_value(value: Any, indent: int | None) -> None:
    assert depth_of(json.dumps(value, indent=indent).encode()) == depth(value)


@given(st.text(st.sampled_from('[]{}",:\\1 ')))
def test_no_text_hides_its_depth_from_a_reader(text: str) -> None:
    try:
        parsed = json.loads(text)
    except ValueError:
        return
    assert depth_of(text.encode()) == depth(parsed)


def test_the_description_asks_for_a_token_where_one_is_needed(desk: Desk) -> None:
    described = desk.app.openapi()
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    for (method, path), needed in TABLE.items():
        secured = "security" in described["paths"][path][method.lower()]
        assert secured is (needed != NOBODY_NEEDED), (method, path)
    assert re.search("[A-Z]", described["info"]["title"])
