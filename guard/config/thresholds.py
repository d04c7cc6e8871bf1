"""Reading the marks of a rule: what kind of number `warn` and `block` are follows from its measure.

Counts are whole numbers, money is a decimal string, time has its unit, a share is part of one, and how many times the
usual something is may be any decimal number. All become whole numbers in the units of `guard.core.rules.rule`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from guard.config import values
from guard.config.problems import RejectedError
from guard.core.rules.rule import ONE, UNITS, Measure, Unit

_MULTIPLE = 'how many times the usual, such as 5, "2.5" or "250%"'
_MOST_TIMES = 1_000_000

Reader = Callable[[object], int | None]


def reader_of(measure: Measure | None) -> Reader:
    """The reader of a measure's marks; without a measure anything is accepted, because nothing can be said of it."""
    if measure is None:
        return _anything
    return _READERS[UNITS[measure]]


def above_nothing(reader: Callable[[object], int], example: str) -> Reader:
    """A reader that refuses nothing at all: a mark of 0 stands always."""

    def read(value: object) -> int:
        number = reader(value)
        if number == 0:
            raise RejectedError("is 0", f"more than that, such as {example}")
        return number

    return read


def _anything(_value: object) -> None:
    return None


def multiple(value: object) -> int:
    """How many times something, in millionths."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        raise RejectedError(f"is {values.kind(value)}", _MULTIPLE)
    try:
        text = str(value)
        times = Decimal(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except (ArithmeticError, ValueError):
        raise RejectedError(f"{values.shown(value)} is no multiple", _MULTIPLE) from None
    if not times.is_finite() or not 0 <= times <= _MOST_TIMES:
        raise RejectedError(f"{values.shown(value)} is out of range", _MULTIPLE)
    return int(times * ONE)


_READERS: dict[Unit, Reader] = {
    Unit.COUNT: above_nothing(values.count, "5"),
    Unit.MONEY: above_nothing(values.money, '"20.00"'),
    Unit.TIME: values.duration_ms,
    Unit.SHARE: above_nothing(values.part, '"30%"'),
    Unit.MULTIPLE: above_nothing(multiple, "5"),
}
