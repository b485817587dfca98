from datetime import UTC, datetime

import pyarrow as pa
import pytest

from tocsin.forms import TRAFFIC, ConfigError
from tocsin.traffic import hash_identities

HASHED = ("account", "session", "org", "key_id", "end_user", "device", "payment")


def batch(*accounts: str | None) -> pa.RecordBatch:
    row = {"event_id": "e", "time": datetime(2025, 3, 1, tzinfo=UTC), "role": "user", "text": "t", "client": "c"}
    row |= dict.fromkeys(HASHED, "who")
    return pa.RecordBatch.from_pylist([row | {"account": account} for account in accounts], TRAFFIC)


def test_identities_are_hashed_and_the_rest_is_kept() -> None:
    hashed = hash_identities(batch("a", None, "a", "b"), b"key")
    hashed.validate(full=True)
    assert hashed.schema.equals(TRAFFIC)
    accounts = hashed["account"].to_pylist()
    assert accounts[1] is None and accounts[0] == accounts[2] != accounts[3]
    for name in HASHED:
        assert all(len(value) == 20 and int(value, 16) for value in hashed[name].drop_null().to_pylist())
    rest = [name for name in TRAFFIC.names if name not in HASHED]
    assert hashed.select(rest).equals(batch("a", None, "a", "b").select(rest))


@pytest.mark.parametrize("key", [b"k", b"k" * 64, b"k" * 65, b"k" * 1000])
def test_the_key_decides(key: bytes) -> None:
    hashed = [hash_identities(batch("a"), some)["account"][0].as_py() for some in (key, key, key + b"x")]
    assert hashed[0] == hashed[1] != hashed[2]


def test_equal_identities_stay_equal_across_batches_and_columns() -> None:
    one, two = hash_identities(batch("x", "who"), b"key"), hash_identities(batch("who"), b"key")
    assert one["account"][1] == two["account"][0] == two["device"][0]


def test_an_empty_key_is_refused() -> None:
    with pytest.raises(ConfigError):
        hash_identities(batch("a"), b"")
