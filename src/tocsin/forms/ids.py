"""Deterministic identifiers."""

from hashlib import blake2b


def digest_id(prefix: str, *parts: str) -> str:
    """Name a thing by a digest of its parts, so that the same thing gets the same id in every run.

    Parts are length-prefixed: no two lists of parts collide by concatenation. 60 bits after the prefix.
    """
    h = blake2b(digest_size=8)
    for part in parts:
        raw = part.encode()
        h.update(len(raw).to_bytes(8, "big"))
        h.update(raw)
    return f"{prefix}-{h.hexdigest()[:15]}"
