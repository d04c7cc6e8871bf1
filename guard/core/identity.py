"""Derived ids: the same cause always has the same id, so a repeat is recognised for what it is.

An id looks like a ULID: 48 bits of time and 80 bits that name the cause, in Crockford's base 32, so ids sort by time.
Nothing is drawn by chance: a decision that is computed again after a crash and had been stored keeps its id.
"""

from __future__ import annotations

from hashlib import blake2b

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TIME_BITS = 48
_CAUSE_BYTES = 10
_LENGTH = 26


def derived_id(at_ms: int, *cause: object) -> str:
    """26 characters that depend on nothing but the time and the cause."""
    named = "\x1f".join(map(str, cause)).encode("utf-8", "surrogatepass")
    digest = blake2b(named, digest_size=_CAUSE_BYTES).digest()
    value = ((at_ms & ((1 << _TIME_BITS) - 1)) << (8 * _CAUSE_BYTES)) | int.from_bytes(digest)
    return "".join(_ALPHABET[(value >> (5 * place)) & 31] for place in reversed(range(_LENGTH)))
