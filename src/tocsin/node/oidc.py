"""Log in with an identity provider: OpenID Connect's code flow with PKCE, a nonce, and a state bound to the browser.

Sources: OpenID Connect Core 1.0 (sections 3.1.2, 3.1.3.7), RFC 7636, RFC 9700.
"""

import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from tocsin.forms import ConfigError, TransportError
from tocsin.ledger import Answer
from tocsin.node.config import OidcSection
from tocsin.node.keys import Random
from tocsin.node.refusals import NoTokenError

Transport = Callable[[str, str, bytes, Mapping[str, str], int], Answer]
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")  # never one whose key the provider would share
LEEWAY = 60  # seconds
_STARTED_SECONDS = 600.0
_KNOWN_SECONDS = 3600.0
_MOST_STARTED = 1000
_MOST_BYTES = 1 << 18
_FORM = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}


@dataclass(frozen=True)
class _Started:
    """A log-in that was begun."""

    at: float
    nonce: str
    verifier: str


@dataclass
class Provider:
    """An identity provider, asked over `transport`. What was begun is remembered in this process."""

    settings: OidcSection
    secret: str
    transport: Transport
    random: Random
    clock: Callable[[], float] = time.monotonic
    _started: dict[str, _Started] = field(default_factory=dict)
    _known: dict[str, tuple[float, Mapping[str, Any]]] = field(default_factory=dict)

    def start(self) -> tuple[str, str]:
        """Begin a log-in; return where to send the person, and the state to keep in their browser.

        Errors: TransportError, ConfigError.
        """
        now = self.clock()
        self._started = {key: one for key, one in self._started.items() if now - one.at < _STARTED_SECONDS}
        if len(self._started) >= _MOST_STARTED:
            self._started.pop(next(iter(self._started)))
        state, nonce, verifier = (self._word() for _ in range(3))
        self._started[state] = _Started(now, nonce, verifier)
        asked = {
            "response_type": "code",
            "scope": "openid",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect,
            "state": state,
            "nonce": nonce,
            "code_challenge": _word(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        where = self._endpoint("authorization_endpoint")
        return f"{where}{'&' if '?' in where else '?'}{urlencode(asked)}", state

    def finish(self, code: str, state: str, kept: str) -> str:
        """End a log-in by what the provider sent back; return what the provider calls the person.

        Errors: NoTokenError where it is not the log-in that this browser began, or the provider's word does not hold.
        """
        started = self._started.pop(state, None) if state == kept else None
        if started is None or self.clock() - started.at >= _STARTED_SECONDS:
            raise NoTokenError("this log-in was not begun here, or too long ago", hint="begin again at /v1/login/oidc")
        asked = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect,
            "client_id": self.settings.client_id,
            "code_verifier": started.verifier,
        }
        answer = self._ask("POST", self._endpoint("token_endpoint"), urlencode(asked).encode(), self._as_client())
        return self._subject(str(answer.get("id_token", "")), started.nonce)

    def _as_client(self) -> Mapping[str, str]:
        """Say who asks: RFC 6749, section 2.3.1."""
        if not self.secret:
            return _FORM
        pair = f"{quote(self.settings.client_id, safe='')}:{quote(self.secret, safe='')}"
        return {**_FORM, "authorization": f"Basic {b64encode(pair.encode()).decode()}"}

    def _subject(self, token: str, nonce: str) -> str:
        """Check an identity token. Errors: NoTokenError."""
        import jwt  # an extra: only where it is used

        try:
            key = self._key(jwt.get_unverified_header(token))
            claims = jwt.decode(
                token,
                key,
                algorithms=list(ALGORITHMS),
                audience=self.settings.client_id,
                issuer=self.settings.issuer,
                leeway=LEEWAY,
                options={"require": ["exp", "iat", "aud", "iss", "sub"]},
            )
        except (jwt.PyJWTError, ValueError, KeyError, TypeError) as error:
            why = f"the provider's token does not hold: {type(error).__name__}"
            raise NoTokenError(why, hint="begin again; look at `oidc` in the settings") from error
        if claims.get("nonce") != nonce or claims.get("azp", self.settings.client_id) != self.settings.client_id:
            raise NoTokenError("the provider's token is of another log-in", hint="begin again at /v1/login/oidc")
        return str(claims["sub"])

    def _key(self, header: Mapping[str, Any]) -> Any:
        """Find the key that a token names; look again, for the provider may have changed them."""
        import jwt

        if header.get("alg") not in ALGORITHMS:
            raise ValueError("no such algorithm is taken")
        for fresh in (False, True):
            found = jwt.PyJWKSet.from_dict(dict(self._read(self._endpoint("jwks_uri"), fresh=fresh)))
            kids = [key for key in found.keys if key.key_id == header.get("kid")]
            fitting = [key for key in kids if key.algorithm_name in ALGORITHMS]  # not by a key that all may read
            if fitting:
                return fitting[0]
        raise ValueError("the provider does not name the key")

    def _endpoint(self, name: str) -> str:
        issuer = self.settings.issuer
        described = self._read(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if described.get("issuer") != issuer:
            raise ConfigError("the identity provider calls itself otherwise", hint="set oidc.issuer as it does")
        url = str(described.get(name, ""))
        if urlsplit(url).scheme != "https" and urlsplit(url).hostname != urlsplit(issuer).hostname:
            raise ConfigError(f"the identity provider's {name} is not https", hint="ask who runs it")
        return url

    def _read(self, url: str, *, fresh: bool = False) -> Mapping[str, Any]:
        at, known = self._known.get(url, (float("-inf"), {}))
        if not fresh and self.clock() - at < _KNOWN_SECONDS:
            return known
        answer = self._ask("GET", url, b"", {"accept": "application/json"})
        self._known[url] = (self.clock(), answer)
        return answer

    def _ask(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Mapping[str, Any]:
        answer = self.transport(method, url, body, headers, _MOST_BYTES)
        if answer.status != 200:
            why = f"the identity provider answered {answer.status}"
            raise (NoTokenError if method == "POST" else TransportError)(why, hint="begin again; look at `oidc`")
        try:
            return msgspec.json.decode(answer.body, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise TransportError("the identity provider's answer is no JSON", hint="check oidc.issuer") from error

    def _word(self) -> str:
        return _word(self.random(32))


def _word(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")
