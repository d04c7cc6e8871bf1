"""Times on the wire: RFC 3339 with a mandatory offset, or epoch seconds; inside, milliseconds since 1970 UTC.

A time without an offset is refused: it would mean another moment on each machine. Digits below the millisecond are cut
off in every notation, so that the same moment written in two ways is the same number. The range is 1970 to 9999: what
lies outside is a mistake of unit (milliseconds sent as seconds) or of sign, never a call. A leap second (`23:59:60`
UTC) counts as the first second of the next day, as POSIX clocks do.

Reports come a hundred thousand times a second and mostly within the same few seconds: a time is split behind its
seconds, and both halves are remembered.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from guard.wire.memo import Memo

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001 -- only ever added to, and written with a Z of its own

MAX_MS: Final = (date(9999, 12, 31).toordinal() - _EPOCH_DAY + 1) * DAY_MS - 1
"""9999-12-31T23:59:59.999Z."""

_HEAD_LENGTH: Final = len("2026-11-22T03:12:45")
_DATE_LENGTH: Final = len("2026-11-22")
_MINUTE_LENGTH: Final = len("2026-11-22T03:12")
_MINUTE: Final = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([01][0-9]|2[0-3]):([0-5][0-9])", re.ASCII)
_SECOND: Final = re.compile(r":[0-5][0-9]", re.ASCII)
_TAIL: Final = re.compile(r"(?:\.([0-9]{1,32}))?(?:[Zz]|([+-])([01][0-9]|2[0-3]):([0-5][0-9]))", re.ASCII)
_EPOCH_SECONDS: Final = re.compile(r"([0-9]{1,12})(?:\.([0-9]{1,32}))?", re.ASCII)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_MONTH: Final = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])", re.ASCII)
_NO_OFFSET: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9:.]+)?( [0-9]{2}:[0-9]{2})?", re.ASCII)


class InstantError(ValueError):
    """Text or a number that is no time by the contract; the message never repeats it."""


def _milliseconds(fraction: str | None) -> int:
    return int(fraction[:3].ljust(3, "0")) if fraction else 0


def _minute_ms(text: str) -> int:
    """Milliseconds of `YYYY-MM-DDTHH:MM` as if it were UTC."""
    match = _MINUTE.fullmatch(text)
    if match is None:
        raise InstantError("not an RFC 3339 time")
    year, month, day, hour, minute = map(int, match.groups())
    try:
        days = date(year, month, day).toordinal() - _EPOCH_DAY
    except ValueError:
        raise InstantError("there is no such date") from None
    return days * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS


def _second_ms(text: str) -> int:
    """Milliseconds of `:SS`."""
    if _SECOND.fullmatch(text) is None:
        raise InstantError("not an RFC 3339 time")
    return int(text[1:]) * SECOND_MS


def _head_ms(text: str) -> int:
    """Milliseconds of `YYYY-MM-DDTHH:MM:SS` as if it were UTC."""
    return _minutes[text[:_MINUTE_LENGTH]] + _seconds[text[_MINUTE_LENGTH:]]


def _tail_ms(text: str) -> int:
    """Milliseconds that a fraction and an offset add to what stands before them."""
    match = _TAIL.fullmatch(text)
    if match is None:
        raise InstantError("not an RFC 3339 time with an offset")
    fraction, sign, hours, minutes = match.groups()
    ms = _milliseconds(fraction)
    if sign is None:
        return ms
    offset = int(hours) * HOUR_MS + int(minutes) * MINUTE_MS
    return ms - offset if sign == "+" else ms + offset


_minutes: Final = Memo(_minute_ms)
_seconds: Final = Memo(_second_ms)
_heads: Final = Memo(_head_ms)
"""Within a second all reports hit this one; history with few reports a second hits the two above."""
_tails: Final = Memo(_tail_ms)


def _in_range(ms: int) -> int:
    if 0 <= ms <= MAX_MS:
        return ms
    raise InstantError("outside the years 1970 to 9999")


def _leap_second_ms(text: str) -> int:
    """The one exception to the rule that a minute has 60 seconds."""
    ms = _head_ms(text[: _HEAD_LENGTH - 2] + "59") + _tail_ms(text[_HEAD_LENGTH:]) + SECOND_MS
    if ms % DAY_MS >= SECOND_MS:
        raise InstantError("a leap second only ends a day of UTC")
    return ms


def epoch_text_ms(text: str) -> int:
    """Milliseconds of epoch seconds in digits, `1763781165.123456` (Kamailio's `$TV(Sn)`); `InstantError` otherwise."""
    match = _EPOCH_SECONDS.fullmatch(text)
    if match is None:
        raise InstantError("not epoch seconds")
    seconds, fraction = match.groups()
    return _in_range(int(seconds) * SECOND_MS + _milliseconds(fraction))


def epoch_number_ms(seconds: float) -> int:
    """Milliseconds of epoch seconds as a JSON number; `InstantError` outside 1970 to 9999, for inf and nan."""
    if not 0 <= seconds <= MAX_MS / SECOND_MS:
        raise InstantError("outside the years 1970 to 9999")
    if isinstance(seconds, int):
        return _in_range(seconds * SECOND_MS)
    # A float cannot hold 0.123 exactly: to the nearest microsecond first, or the cut would lose a millisecond.
    return _in_range(round(seconds * 1_000_000) // 1_000)


def instant_ms(value: str | float) -> int:
    """Milliseconds of a time in any notation of the contract; `InstantError` otherwise. `True` is not a number here."""
    if isinstance(value, str):
        # The fifth character of a date is a hyphen; that of epoch seconds never is.
        if value[4:5] != "-":
            return epoch_text_ms(value)
        try:
            ms = _heads[value[:_HEAD_LENGTH]] + _tails[value[_HEAD_LENGTH:]]
        except InstantError:
            if value[_HEAD_LENGTH - 3 : _HEAD_LENGTH] != ":60":
                raise
            ms = _leap_second_ms(value)
        return ms if 0 <= ms <= MAX_MS else _in_range(ms)
    if isinstance(value, bool):
        raise InstantError("not a time")
    return epoch_number_ms(value)


def instants_ms(values: Sequence[str | float]) -> list[int]:
    """`instant_ms` of each; made for history, of which hardly two share a second: it remembers nothing so fine."""
    try:
        times = [_minutes[each[:16]] + _seconds[each[16:19]] + _tails[each[19:]] for each in values]  # type: ignore[index]
    except (TypeError, InstantError):
        return [instant_ms(value) for value in values]
    return times if times and min(times) >= 0 and max(times) <= MAX_MS else [_in_range(ms) for ms in times]


def rfc3339_ms(text: str) -> int:
    """Milliseconds of an RFC 3339 time such as `2026-11-22T03:12:45.120Z`; `InstantError` otherwise."""
    if text[4:5] != "-":
        raise InstantError("not an RFC 3339 time")
    return instant_ms(text)


def until_ms(text: str) -> int:
    """Milliseconds of a time that an operator typed; the error says what is missing.

    Accepts what `rfc3339_ms` does, and a date with an offset (`2026-11-01-05:00`, `2026-11-01Z`), which is the midnight
    with which that day begins there. A bare date or a time without an offset is refused: the daemon would have to
    guess whose midnight is meant.
    """
    day, rest = text[:_DATE_LENGTH], text[_DATE_LENGTH:]
    try:
        if rest.startswith(("Z", "z", "+", "-")):
            return rfc3339_ms(f"{day}T00:00:00{rest}")
        return rfc3339_ms(text)
    except InstantError as error:
        unfinished = _NO_OFFSET.fullmatch(text)
        if unfinished is None:
            raise InstantError(f"{error}; write it like 2026-11-01T18:00:00-05:00 or 2026-11-01-05:00") from None
        hint = "; in a URL write + as %2B" if unfinished.group(1) else ""
        raise InstantError(f"the offset from UTC is missing: end it with Z or an offset such as -05:00{hint}") from None


def format_instant(ms: int) -> str:
    """RFC 3339 text in UTC with milliseconds, `2026-11-22T03:12:45.120Z`; `InstantError` outside 1970 to 9999."""
    moment = _EPOCH + timedelta(milliseconds=_in_range(ms))
    return moment.isoformat(timespec="milliseconds") + "Z"


def format_optional_instant(ms: int | None) -> str | None:
    """`format_instant`, or None for None."""
    return None if ms is None else format_instant(ms)


def checked_date(text: str) -> str:
    """The text itself when it is a date `YYYY-MM-DD` from 1970 on; `InstantError` otherwise."""
    if _DATE.fullmatch(text) is None:
        raise InstantError("not a date")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise InstantError("there is no such date") from None
    if day.toordinal() < _EPOCH_DAY:
        raise InstantError("outside the years 1970 to 9999")
    return text


def checked_month(text: str) -> str:
    """The text itself when it is a month `YYYY-MM` from 1970 on; `InstantError` otherwise."""
    if _MONTH.fullmatch(text) is None or text < "1970":
        raise InstantError("not a month")
    return text
