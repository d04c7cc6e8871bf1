"""Moments as JetStream writes them (RFC 3339, to the nanosecond) and as guard keeps them: nanoseconds since 1970.

The library's and Python's own ways keep microseconds, and here a moment has to be the very same one to count.
"""

from __future__ import annotations

from datetime import UTC, datetime

NS_PER_S = 1_000_000_000
_DIGITS = 9


def ns_of(text: str) -> int:
    """Of `2026-11-23T16:44:00.123456789Z`; `ValueError` for what is no moment."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(f"{whole}+00:00").timestamp())
    return seconds * NS_PER_S + int(fraction.ljust(_DIGITS, "0") or 0)


def text_of(ns: int) -> str:
    """The other way round."""
    seconds, fraction = divmod(ns, NS_PER_S)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{fraction:0{_DIGITS}d}Z"
