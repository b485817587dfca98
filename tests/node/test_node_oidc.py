"""Log-in with an identity provider: one on this machine, and all that may be wrong with what it sends."""

import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from desk_tables import Desk, open_desk

from tocsin.node.people import OPERATOR

CLIENT = "tocsin-node"
KEY, OTHER = (rsa.generate_private_key(65537, 2048) for _ in range(2))
Change = Callable[[dict[str, Any]], dict[str, Any]]


@dataclass
class Issuer:
    """An identity provider: it lets everybody in as `subject`, and checks the code's proof."""

    subject: str = "u-17"
    change: Change = field(default=lambda claims: claims)
    sign: Callable[[dict[str, Any]], str] | None = None
    challenges: dict[str, tuple[str, str]] = field(default_factory=dict)
    names_itself: str = ""
    asked_for_keys: int = 0

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answer(self, 200, outer.page(self.path))

            def do_POST(self) -> None:
                form = parse_qs(self.rfile.read(int(self.headers["content-length"])).decode())
                outer.answer(self, *outer.token(form, self.headers.get("authorization", "")))

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler, status: int, value: Any) -> None:
        body = json.dumps(value).encode()
        request.send_response(status)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def page(self, path: str) -> Any:
        if path == "/.well-known/openid-configuration":
            ends = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
            return {"issuer": self.names_itself or self.url} | {k: self.url + v for k, v in ends.items()}
        self.asked_for_keys += 1
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
        return {"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]}

    def let_in(self, where: str) -> dict[str, str]:
        """What the person's browser brings back after they have shown who they are."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(where).query).items()}
        assert asked["code_challenge_method"] == "S256" and asked["scope"] == "openid"
        code = f"code-{len(self.challenges)}"
        self.challenges[code] = (asked["code_challenge"], asked["nonce"])
        return {"code": code, "state": asked["state"]}

    def token(self, form: dict[str, list[str]], authorization: str) -> tuple[int, Any]:
        challenge, nonce = self.challenges.pop(form["code"][0], ("", ""))
        shown = urlsafe_b64encode(sha256(form["code_verifier"][0].encode()).digest()).decode().rstrip("=")
        if shown != challenge or not authorization.startswith("Basic "):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": self.subject, "nonce": nonce, "iat": now, "exp": now + 60}
        return 200, {"id_token": (self.sign or signed)(self.change(claims))}


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256", kid: str = "one") -> str:
    return jwt.encode(claims, key, algorithm, headers={"kid": kid})


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def desk(tmp_path: Path, issuer: Issuer) -> Iterator[Desk]:
    (tmp_path / "secret").write_text("the client's secret\n")
    redirect = "http://testserver/v1/login/oidc/back"
    settings = {"issuer": issuer.url, "client_id": CLIENT, "secret": "../secret", "redirect": redirect}
    for opened in open_desk(tmp_path / "node", oidc=settings):
        opened.app.state.door.add_person(OPERATOR, "ada", ("read", "decide"), subject="u-17")
        yield opened


def begin(desk: Desk) -> str:
    answer = desk.client.get("/v1/login/oidc", follow_redirects=False)
    assert answer.status_code == 302
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=lax" in cookie
    return str(answer.headers["location"])


def log_in(desk: Desk, issuer: Issuer) -> Any:
    return desk.client.get("/v1/login/oidc/back", params=issuer.let_in(begin(desk)))


def test_whom_the_provider_names_is_let_in_as_a_person(desk: Desk, issuer: Issuer) -> None:
    token = log_in(desk, issuer).json()["token"]
    me = desk.ask("GET", "/v1/me", token).json()
    assert (me["name"], me["scopes"]) == ("ada", ["decide", "read"])
    assert me["person"]
    assert log_in(desk, issuer).status_code == 200
    assert issuer.asked_for_keys == 1, "what is known is not asked for at every log-in"


def test_nobody_is_let_in_whom_nobody_here_knows(desk: Desk, issuer: Issuer) -> None:
    issuer.subject = "u-18"
    assert log_in(desk, issuer).status_code == 401


def test_an_answer_counts_once_and_in_the_browser_that_asked(desk: Desk, issuer: Issuer) -> None:
    brought = issuer.let_in(begin(desk))
    desk.client.cookies.clear()
    assert desk.client.get("/v1/login/oidc/back", params=brought).status_code == 401, "somebody else's log-in"
    again = issuer.let_in(begin(desk))
    assert desk.client.get("/v1/login/oidc/back", params=again).status_code == 200
    assert desk.client.get("/v1/login/oidc/back", params=again).status_code == 401, "a second time"


WRONG: dict[str, Change] = {
    "another issuer": lambda c: c | {"iss": "https://evil.example"},
    "for somebody else": lambda c: c | {"aud": "other-client"},
    "given on by somebody else": lambda c: c | {"aud": [CLIENT, "x"], "azp": "x"},
    "of another log-in": lambda c: c | {"nonce": "other"},
    "over": lambda c: c | {"exp": int(time.time()) - 3600},
    "not yet": lambda c: c | {"iat": int(time.time()) + 3600},
    "without end": lambda c: {k: v for k, v in c.items() if k != "exp"},
    "without a nonce": lambda c: {k: v for k, v in c.items() if k != "nonce"},
    "of nobody": lambda c: {k: v for k, v in c.items() if k != "sub"},
}


@pytest.mark.parametrize("wrong", sorted(WRONG))
def test_a_token_that_does_not_hold_lets_nobody_in(desk: Desk, issuer: Issuer, wrong: str) -> None:
    issuer.change = WRONG[wrong]
    assert log_in(desk, issuer).status_code == 401


PUBLIC = KEY.public_key().public_numbers()
FORGED: dict[str, Callable[[dict[str, Any]], str]] = {
    "under another key": lambda c: signed(c, OTHER),
    "under a key that is not named": lambda c: signed(c, KEY, kid="two"),
    "without a signature": lambda c: jwt.encode(c, None, "none", headers={"kid": "one"}),
    "with the public key as secret": lambda c: signed(c, str(PUBLIC.n).zfill(64).encode(), "HS256"),
    "nothing": lambda _c: "",
    "no token": lambda _c: "a.b.c",
}


@pytest.mark.parametrize("forged", sorted(FORGED))
def test_a_forged_token_lets_nobody_in(desk: Desk, issuer: Issuer, forged: str) -> None:
    issuer.sign = FORGED[forged]
    assert log_in(desk, issuer).status_code == 401


def test_a_provider_that_calls_itself_otherwise_is_not_used(desk: Desk, issuer: Issuer) -> None:
    issuer.names_itself = "https://evil.example"
    assert desk.client.get("/v1/login/oidc", follow_redirects=False).status_code == 422


def test_a_provider_that_is_away_is_told(desk: Desk, issuer: Issuer) -> None:
    issuer.server.shutdown()
    issuer.server.server_close()
    assert desk.client.get("/v1/login/oidc", follow_redirects=False).status_code == 503


def test_without_a_provider_there_is_no_such_log_in(tmp_path: Path) -> None:
    for bare in open_desk(tmp_path / "bare"):
        assert bare.client.get("/v1/login/oidc").status_code == 404
