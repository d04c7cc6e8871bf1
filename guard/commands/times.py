"""Times as an operator types them, made into what the API takes: RFC 3339 with an offset.

Accepted: a span from now (`90m`, `2h`, `3d`), a date (its midnight here), a date and time (here), or RFC 3339 with an
offset. `here` is the time zone of the machine on which the command runs. A cycle is a month; whose, the daemon knows.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from guard.commands.output import WRONG, CommandError
from guard.core.cycles import next_month

_SPAN = re.compile(r"([0-9]{1,6})(s|m|h|d)")
_CYCLE = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
ACCEPTED = "a span such as 2h, a date, a date and time, or RFC 3339"


def read_time(option: str, text: str, *, now: datetime | None = None) -> str:
    """RFC 3339 of what was typed; `CommandError` names the option."""
    present = now or datetime.now().astimezone()
    span = _SPAN.fullmatch(text.strip())
    if span is not None:
        moment = present + timedelta(**{_UNITS[span.group(2)]: int(span.group(1))})
        return moment.replace(microsecond=0).isoformat()
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise CommandError(f"{option}: {text!r} is not a time; accepted: {ACCEPTED}", WRONG) from None
    return (moment if moment.tzinfo is not None else moment.astimezone()).isoformat()


def read_past_time(option: str, text: str) -> str:
    """The same for the end of a stretch of history: a span counts backwards from now."""
    span = _SPAN.fullmatch(text.strip())
    if span is None:
        return read_time(option, text)
    ago = timedelta(**{_UNITS[span.group(2)]: int(span.group(1))})
    return (datetime.now().astimezone() - ago).replace(microsecond=0).isoformat()


def read_cycle(option: str, text: str) -> tuple[date, date]:
    """The 1st of a month such as `2026-10` and the next 1st; `CommandError` names the option."""
    if _CYCLE.fullmatch(text.strip()) is None or not date.min.year < int(text[:4]) < date.max.year:
        raise CommandError(f"{option}: {text!r} is not a month; write it like 2026-10", WRONG)
    first = date(int(text[:4]), int(text[5:7]), 1)
    return first, next_month(first)
