"""The X25519 keys that open what is sealed for a member, and their files."""

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from tocsin.forms.errors import FormatError

_FIRST = b"tocsin-box/v1\nseed "
_SEED_BYTES = 32


def write_box(seed: bytes) -> bytes:
    """Write the file of a box key from 32 random bytes."""
    return _FIRST + seed.hex().encode() + b"\n"


def read_box(raw: bytes) -> X25519PrivateKey:
    """Read the file of a box key.

    Errors: FormatError.
    """
    try:
        seed = bytes.fromhex(raw.removeprefix(_FIRST).decode())
    except ValueError:
        seed = b""
    if len(seed) != _SEED_BYTES or write_box(seed) != raw:
        raise FormatError("the file is no box key", hint="make one with `tocsin key new --type box`")
    return X25519PrivateKey.from_private_bytes(seed)


def box_public(raw: bytes) -> str:
    """Tell the public side of a box key's file, as a charter names it: 64 hexadecimal digits."""
    return read_box(raw).public_key().public_bytes_raw().hex()
