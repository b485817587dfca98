"""Signed webhooks, as Standard Webhooks describes them: id, time and body under HMAC-SHA256."""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from collections.abc import Sequence
from hmac import compare_digest, digest

from tocsin.forms import ConfigError
from tocsin.node.sinks.message import Message, data_of, iso
from tocsin.node.sinks.request import JSON, Request, Told, as_json

PREFIX = "whsec_"
LEAST_BYTES, MOST_BYTES = 24, 64
TOLERANCE = 300  # seconds


def write_secret(key: bytes) -> str:
    """Write a key as receivers' libraries read it."""
    return PREFIX + b64encode(key).decode()


def read_secret(text: str) -> bytes:
    """Read `whsec_` and base64, or hexadecimal as in keys/webhook.

    Errors: ConfigError for anything else, or a key that is not of 24 to 64 bytes.
    """
    try:
        key = b64decode(text[len(PREFIX) :], validate=True) if text.startswith(PREFIX) else bytes.fromhex(text)
    except (NotBase64, ValueError) as error:
        hint = "write whsec_ and base64, or hexadecimal"
        raise ConfigError("a webhook's secret is neither base64 nor hexadecimal", hint=hint) from error
    if not LEAST_BYTES <= len(key) <= MOST_BYTES:
        hint = "take 32 random bytes"
        raise ConfigError(f"a webhook's secret has {len(key)} bytes, not {LEAST_BYTES} to {MOST_BYTES}", hint=hint)
    return key


def sign(keys: Sequence[bytes], message_id: str, seconds: int, body: bytes) -> str:
    """Sign id, time and body with every key in force; more than one while a receiver changes keys."""
    signed = f"{message_id}.{seconds}.".encode() + body
    return " ".join(f"v1,{b64encode(digest(key, signed, 'sha256')).decode()}" for key in keys)


def verify(key: bytes, message_id: str, seconds: int, body: bytes, signatures: str, now: int) -> bool:
    """Check a delivery as a receiver does: any one signature, and a time within five minutes."""
    own = sign([key], message_id, seconds, body)
    fresh = abs(now - seconds) <= TOLERANCE
    return fresh and any(compare_digest(own, given) for given in signatures.split(" "))


def webhook(message: Message, told: Told) -> Request:
    """Write a message for a provider's enforcement."""
    body = as_json({"type": message.about, "timestamp": iso(message.when), "data": data_of(message)})
    keys = [read_secret(secret) for secret in told.secrets]
    headers = {
        "content-type": JSON,
        "webhook-id": message.id,
        "webhook-timestamp": str(told.now),
        "webhook-signature": sign(keys, message.id, told.now, body),
    }
    return Request(told.url, body, headers)
