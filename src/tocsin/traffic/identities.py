"""Replace identifiers by keyed hashes, so that who a row is about is known only to those who hold the key."""

from hashlib import blake2b

import pyarrow as pa

from tocsin.forms import ConfigError

IDENTITIES = ("account", "session", "org", "key_id", "end_user", "device", "payment")
_DIGEST_BYTES = 10


def hash_identities(batch: pa.RecordBatch, key: bytes) -> pa.RecordBatch:
    """Return a TRAFFIC batch whose identifying columns hold keyed BLAKE2b digests of 20 hex digits, nulls as they were.

    Equal identifiers get equal digests in every batch, column and run with the same key. Raises ConfigError for an
    empty key.
    """
    short = _short(key)
    for name in IDENTITIES:
        at = batch.schema.get_field_index(name)
        batch = batch.set_column(at, batch.schema.field(at), _hashed(batch.column(at), short))
    return batch


def hash_identifier(name: str, key: bytes) -> str:
    """Hash one identifier as `hash_identities` does."""
    return blake2b(name.encode(), key=_short(key), digest_size=_DIGEST_BYTES).hexdigest()


def _short(key: bytes) -> bytes:
    if not key:
        raise ConfigError("the id key is empty", hint="write at least 16 random bytes into the key file")
    return key if len(key) <= blake2b.MAX_KEY_SIZE else blake2b(key).digest()


def _hashed(column: pa.Array, key: bytes) -> pa.Array:
    if column.null_count == len(column):
        return column
    coded = column.dictionary_encode()
    digests = [
        value if value is None else blake2b(value.encode(), key=key, digest_size=_DIGEST_BYTES).hexdigest()
        for value in coded.dictionary.to_pylist()
    ]
    return pa.array(digests, pa.string()).take(coded.indices)
