"""Reading one member of an object at a time: a value of any JSON type goes in, a valid one or `RuleError` comes out.

A reader takes the value of a member; `need` and `may` take it from the object and name it when it breaks the rule.
An explicit `null` counts as absent, everywhere: many serialisers write one for what they do not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from guard.core.money import Micros, MoneyError, parse_money
from guard.wire import rules
from guard.wire.amounts import NegativeError, unsigned_micros
from guard.wire.instants import InstantError, checked_date, instant_ms
from guard.wire.rules import RuleError

MAX_IDENTIFIER: Final = 128
MAX_TEXT: Final = 256
MAX_DURATION_MS: Final = 10**10
"""115 days: longer than any call, and far inside a 64-bit integer."""
MAX_COUNT: Final = 10**9

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")

Members = Mapping[str, object]
T = TypeVar("T")
Reader = Callable[[object], T]


def need(members: Members, name: str, read: Reader[T]) -> T:
    """The member `name`, which must be there and not null; `RuleError` names it."""
    value = members.get(name)
    if value is None:
        raise RuleError(rules.REQUIRED, f".{name}")
    try:
        return read(value)
    except RuleError as error:
        raise error.under(name) from None


def may(members: Members, name: str, read: Reader[T]) -> T | None:
    """The member `name`, or None when it is absent or null; `RuleError` names it."""
    value = members.get(name)
    if value is None:
        return None
    try:
        return read(value)
    except RuleError as error:
        raise error.under(name) from None


def has_control_character(text: str) -> bool:
    """Whether text holds a character of the Unicode category Cc."""
    return not text.isprintable() and _CONTROL.search(text) is not None


def _unicode(value: object) -> str:
    if not isinstance(value, str):
        raise RuleError(rules.NOT_TEXT)
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise RuleError(rules.NOT_UNICODE) from None
    return value


def identifier(value: object) -> str:
    """1 to 128 characters, none of them a control character."""
    text_ = _unicode(value)
    if not 1 <= len(text_) <= MAX_IDENTIFIER:
        raise RuleError(rules.IDENTIFIER_LENGTH)
    if has_control_character(text_):
        raise RuleError(rules.CONTROL_CHARACTER)
    return text_


def text(value: object) -> str:
    """At most 256 characters of any kind."""
    text_ = _unicode(value)
    if len(text_) > MAX_TEXT:
        raise RuleError(rules.TEXT_TOO_LONG)
    return text_


def clipped_text(value: object) -> str:
    """Text of any length, of which the first 256 characters are kept."""
    return _unicode(value)[:MAX_TEXT]


def instant(value: object) -> int:
    """Milliseconds of a time in any notation of the contract."""
    if not isinstance(value, str | float | int):
        raise RuleError(rules.NOT_AN_INSTANT)
    try:
        return instant_ms(value)
    except InstantError:
        raise RuleError(rules.NOT_AN_INSTANT) from None


def date(value: object) -> str:
    """A date `YYYY-MM-DD`, kept as text."""
    try:
        return checked_date(_unicode(value))
    except InstantError:
        raise RuleError(rules.NOT_A_DATE) from None


def money(value: object) -> Micros:
    """A decimal string, of either sign."""
    if not isinstance(value, str):
        raise RuleError(rules.NOT_MONEY)
    try:
        return parse_money(value)
    except MoneyError:
        raise RuleError(rules.NOT_MONEY) from None


def unsigned_money(value: object) -> Micros:
    """A decimal string that is not negative."""
    if not isinstance(value, str):
        raise RuleError(rules.NOT_MONEY)
    try:
        return unsigned_micros(value)
    except NegativeError:
        raise RuleError(rules.NEGATIVE) from None
    except MoneyError:
        raise RuleError(rules.NOT_MONEY) from None


def positive_money(value: object) -> Micros:
    """A decimal string greater than zero."""
    micros = money(value)
    if micros <= 0:
        raise RuleError(rules.NOT_POSITIVE)
    return micros


def flag(value: object) -> bool:
    """True, false, 1 or 0."""
    if isinstance(value, bool | int | float) and value in (0, 1):
        return bool(value)
    raise RuleError(rules.NOT_A_FLAG)


def integer(most: int, rule: str) -> Reader[int]:
    """A reader of integers from 0 to `most`; `5000.0` is one, as in JSON Schema."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most or value % 1:
            raise RuleError(rule)
        return int(value)

    return read


duration = integer(MAX_DURATION_MS, rules.NOT_A_DURATION)
"""Milliseconds from 0 to 10,000,000,000."""

count = integer(MAX_COUNT, rules.NOT_A_COUNT)
"""An integer from 0 to 1,000,000,000."""


def one_of(words: Mapping[str, T], rule: str) -> Reader[T]:
    """A reader of one word out of a table, which says what it stands for."""

    def read(value: object) -> T:
        if not isinstance(value, str) or value not in words:
            raise RuleError(rule)
        return words[value]

    return read
