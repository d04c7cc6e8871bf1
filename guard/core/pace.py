"""Pace: what an account spends a day, from the charges posted lately, in constant time and memory.

A charge counts half after seven days, a quarter after fourteen: the sum of what is left of all of them is one number
in the books. Charges that come evenly at `r` a day make that sum

    S = r x H / ln 2 x (1 - 2^(-T/H))        H = 7 days, T = time since the first charge

so `r` follows from `S`, and an account that was first seen yesterday is not taken for a small one. T counts as at least
a day, or a single call would make a fortune a day.

It is an estimate and moves no money, but the same charges must give the same estimate everywhere, so there is no float
in it: time goes in 256 steps to the half-life (39 min 22.5 s each), and what is left after so many steps is a table of
powers of the 256th root of one half, in parts of 2^64, made by square roots of integers.
"""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

from guard.core.settings import DAY_MS

if TYPE_CHECKING:
    from guard.core.books import Books

HALF_LIFE_MS = 7 * DAY_MS
_STEPS = 256
"""To the half-life; a power of two, because its root is taken by square roots."""
STEP_MS = HALF_LIFE_MS // _STEPS
_BITS = 64
_ONE = 1 << _BITS
_GONE_AFTER = 64
"""Half-lives after which nothing is left of any amount."""
_LN2_MILLIONTHS = 693_147
_MILLION = 1_000_000
_LEAST_SPAN_MS = DAY_MS


def _powers_of_the_root() -> tuple[int, ...]:
    root, degree = _ONE // 2, 1
    while degree < _STEPS:
        root, degree = isqrt(root << _BITS), 2 * degree
    powers = [_ONE]
    for _ in range(_STEPS - 1):
        powers.append(powers[-1] * root >> _BITS)
    return tuple(powers)


_LEFT = _powers_of_the_root()


def _left(steps: int) -> int:
    """What is left of one after so many steps, in parts of 2^64."""
    halves, part = divmod(steps, _STEPS)
    return _LEFT[part] >> halves if halves < _GONE_AFTER else 0


def note(books: Books, amount_micros: int, at_ms: int) -> None:
    """A charge was posted with this time; times may come in any order."""
    since_ms = at_ms - books.pace_at_ms
    if 0 <= since_ms < STEP_MS:
        # Nearly always: the same step as the charge before.
        books.pace_micros += amount_micros
    elif not books.pace_at_ms:
        books.pace_micros, books.pace_at_ms, books.pace_since_ms = amount_micros, at_ms, at_ms
    elif since_ms > 0:
        steps = since_ms // STEP_MS
        books.pace_micros = (books.pace_micros * _left(steps) >> _BITS) + amount_micros
        books.pace_at_ms += steps * STEP_MS
    else:
        books.pace_micros += amount_micros * _left(-since_ms // STEP_MS) >> _BITS
        books.pace_since_ms = min(books.pace_since_ms, at_ms)


def per_day(books: Books, now_ms: int) -> int:
    """What the account spends a day at the present pace, in micros, rounded down."""
    if books.pace_micros <= 0:
        return 0
    left = books.pace_micros * _left(max(0, now_ms - books.pace_at_ms) // STEP_MS) >> _BITS
    span_ms = max(_LEAST_SPAN_MS, now_ms - books.pace_since_ms)
    seen = _ONE - _left(span_ms // STEP_MS)
    return left * _LN2_MILLIONTHS * DAY_MS * _ONE // (_MILLION * HALF_LIFE_MS * seen)


def known_days(books: Books, now_ms: int) -> int:
    """For how many whole days the account's charges have been seen."""
    return max(0, now_ms - books.pace_since_ms) // DAY_MS if books.pace_since_ms else 0


def days_to_limit(exposure_micros: int, limit_micros: int | None, per_day_micros: int) -> int | None:
    """In about how many days an exposure that grows so much a day reaches the limit (the nearest whole number).

    0: it has reached it, or will within half a day. None: never, or there is no limit.
    """
    if limit_micros is None or per_day_micros <= 0:
        return None
    return (2 * max(0, limit_micros - exposure_micros) + per_day_micros) // (2 * per_day_micros)
