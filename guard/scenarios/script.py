"""The language of scenario files: text in, lines out; what is wrong is told with its line.

    # a comment
    country CA                            the numbering plan, for the whole file; CA unless said
    == a hacked exchange rings one number all night
    tariff  1900 premium Chat lines       a prefix that the numbering plan alone would not tell
    account A opened=12d                  a customer for twelve days; unless said, for five years
    workdays -16..-1 09:00-17:00  A calls 5 to=+1416555#### lasts=3m rate=0.02
    sat 02:00                     A calls 8 to=+252612345678 every=1m lasts=20m rate=3.40   -> block within=10m

**When.** `sat 02:00` is a moment of the week that is watched, `day 12 14:00` one of its twelfth day (day 0 is its
Monday). `days`, `workdays` and `weekends` with two days and two hours mean every such day: there so many calls a day
are spread over the hours. Days before 0 are the past. All times are the account's own.

**What.** `calls` are answered, tick each minute and end; `attempts` are not answered. `to`, `lasts`, `rate`, `source`
and `from` may list several values with commas between them, which take turns. `#` in `to` and in the account's name is
a running number: `+1416555####` are many numbers, `C##` many accounts.

**Expectations**, separated by ` ; `, are about the line's own accounts from its first call to its last:

    block      the rule of this file asks for a block; within=10m: so soon; before=40.00: before so much is spent
    warn       it warns and does not ask for a block
    no block   it may warn
    silent     it does neither
    free       no rule at all asks for a block
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import TypeVar

from guard.config import values
from guard.config.problems import RejectedError
from guard.core.money import Micros
from guard.core.records import Direction
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from guard.core.tariff import CallClass, Destination

MONDAY_MS = 1_767_571_200_000
"""Monday, 5 January 2026, 00:00 UTC: day 0 of every scenario."""
DEFAULT_COUNTRY = "CA"
MOST_CALLS = 20_000
"""Of one line: more are a slip, and `guard check` is to answer in seconds."""
MOST_MINUTES = 1_000_000
"""The same: each minute of a call is a report."""
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SATURDAY = 5
_RANGES: Mapping[str, Callable[[int], bool]] = {
    "days": lambda _weekday: True,
    "workdays": lambda weekday: weekday < _SATURDAY,
    "weekends": lambda weekday: weekday >= _SATURDAY,
}
_WHEN = (
    f"a time: {', '.join(WEEKDAYS)} and HH:MM, `day 12 14:00`, or days, workdays or weekends"
    " such as `days -28..-1 09:00-17:00`"
)
_CLOCK = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
_DAYS = re.compile(r"(-?[0-9]{1,3})\.\.(-?[0-9]{1,3})", re.ASCII)
_DAY = re.compile(r"-?[0-9]{1,3}", re.ASCII)
_PREFIX = re.compile(r"[0-9]{1,15}", re.ASCII)
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)
_LAST_DAY = 1_000
_FIELD = re.compile(r"([a-z_]+)=(.+)", re.ASCII)
_HAPPENS = ("calls", "attempts")
_FIELDS = frozenset({"to", "lasts", "every", "rate", "direction", "source", "from"})


T = TypeVar("T")


class ScriptError(ValueError):
    """A file that cannot be understood; the text begins with file and line."""


class Verdict(Enum):
    """What is expected of a line."""

    BLOCK = "block"
    WARN = "warn"
    NO_BLOCK = "no block"
    SILENT = "silent"
    FREE = "free"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """A verdict and, for a block, its bounds."""

    verdict: Verdict
    within_ms: int | None = None
    before_micros: Micros | None = None
    text: str
    """As it was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many calls or attempts, each with its moment."""

    number: int
    account: str
    answered: bool
    moments: tuple[int, ...]
    """When each begins, milliseconds since day 0, 00:00."""
    to: tuple[str, ...]
    lasts_ms: tuple[int, ...] = (MINUTE_MS,)
    rates_micros: tuple[Micros, ...] = (Micros(0),)
    sources: tuple[str, ...] = ("",)
    callers: tuple[str, ...] = ("",)
    direction: Direction = Direction.OUTGOING
    expected: tuple[Expectation, ...] = ()

    @property
    def ticks(self) -> bool:
        """The past is told in fewer reports: what it leaves behind is the same."""
        return not self.moments or self.moments[0] >= 0


@dataclass(slots=True)
class Scenario:
    """One scenario."""

    path: Path
    number: int
    title: str
    country: str
    opened_ms: dict[str, int] = field(default_factory=dict)
    """How long each account has been a customer, where that is said."""
    tariff: list[Destination] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


def read_scenarios(path: Path) -> list[Scenario]:
    """All scenarios of a file; `ScriptError` with its first mistake."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise ScriptError(f"{path}: cannot be read: {error}") from error
    country = DEFAULT_COUNTRY
    scenarios: list[Scenario] = []
    for number, raw in enumerate(text.splitlines(), 1):
        words = raw.split()
        if not words or words[0].startswith("#"):
            continue
        try:
            if words[0] == "country":
                country = _country(words, scenarios)
            elif words[0] == "==":
                scenarios.append(Scenario(path, number, " ".join(words[1:]), country))
            else:
                _add(scenarios, number, words)
        except RejectedError as error:
            told = f"{path}:{number}: {error.found}"
            raise ScriptError(f"{told}; accepted: {error.accepted}" if error.accepted else told) from error
    for scenario in scenarios:
        if not any(line.expected for line in scenario.lines):
            raise ScriptError(f"{path}:{scenario.number}: expects nothing; accepted: -> and what is expected of a line")
    if not scenarios:
        raise ScriptError(f"{path}: has no scenario; accepted: == and a title, then its lines")
    return scenarios


def _country(words: Sequence[str], scenarios: Sequence[Scenario]) -> str:
    if scenarios:
        raise RejectedError("country is for the whole file", "before the first scenario")
    return values.country(" ".join(words[1:]))


def _add(scenarios: Sequence[Scenario], number: int, words: list[str]) -> None:
    if not scenarios:
        raise RejectedError(f"{words[0]} stands before the first scenario", "== and a title")
    scenario = scenarios[-1]
    if words[0] == "account":
        fields = _fields(words[2:], frozenset({"opened"}))
        if len(words) < 3:  # noqa: PLR2004 -- `account`, its name, a field
            raise RejectedError("says nothing about an account", "account A opened=12d")
        scenario.opened_ms[words[1]] = values.duration_ms(fields["opened"])
    elif words[0] == "tariff":
        if len(words) < 3 or not _PREFIX.fullmatch(words[1]):  # noqa: PLR2004 -- `tariff`, a prefix, a class
            raise RejectedError("is no row of a tariff", "tariff, a prefix in digits, a class, and perhaps a name")
        kind = values.choice(CallClass)(words[2])
        row = Destination(prefix=words[1], name=" ".join(words[3:]), kind=kind, rate_micros=0)
        scenario.tariff.append(row)
    else:
        scenario.lines.append(_line(number, words))


def _line(number: int, words: Sequence[str]) -> Line:
    given, expected = _parted(words)
    moments_of, rest = _when(given)
    if len(rest) < 3 or rest[1] not in _HAPPENS or not _COUNT.fullmatch(rest[2]) or not int(rest[2]):  # noqa: PLR2004
        raise RejectedError("does not say who calls how often", "a time, an account, calls or attempts, and how many")
    account, what, count = rest[0], rest[1], int(rest[2])
    fields = _fields(rest[3:], _FIELDS)
    if "to" not in fields:
        raise RejectedError("does not say where to", "to=+252612345678")
    every_ms = values.duration_ms(fields["every"]) if "every" in fields else 0
    moments = moments_of(count, every_ms)
    lasts_ms = _each(fields, "lasts", values.duration_ms, MINUTE_MS)
    minutes = len(moments) * max(lasts_ms) // MINUTE_MS
    if minutes > MOST_MINUTES:
        raise RejectedError(f"{minutes:,} minutes are too many", f"at most {MOST_MINUTES:,} of one line")
    return Line(
        number=number,
        account=account,
        answered=what == "calls",
        moments=moments,
        to=tuple(fields["to"].split(",")),
        lasts_ms=lasts_ms,
        rates_micros=_each(fields, "rate", values.money, Micros(0)),
        sources=tuple(fields.get("source", "").split(",")),
        callers=tuple(fields.get("from", "").split(",")),
        direction=values.choice(Direction)(fields.get("direction", "outgoing")),
        expected=expected,
    )


def _parted(words: Sequence[str]) -> tuple[Sequence[str], tuple[Expectation, ...]]:
    """What happens, and what is expected of it."""
    if "->" not in words:
        return words, ()
    arrow = words.index("->")
    texts = " ".join(words[arrow + 1 :]).split(" ; ")
    return words[:arrow], tuple(_expectation(text) for text in texts)


def _expectation(text: str) -> Expectation:
    names = [word for word in text.split() if "=" not in word]
    fields = _fields([word for word in text.split() if "=" in word], frozenset({"within", "before"}))
    verdict = values.choice(Verdict)(" ".join(names))
    if fields and verdict is not Verdict.BLOCK:
        raise RejectedError(f"{verdict.value} has no bounds", "within and before with block")
    return Expectation(
        verdict=verdict,
        within_ms=values.duration_ms(fields["within"]) if "within" in fields else None,
        before_micros=values.money(fields["before"]) if "before" in fields else None,
        text=text,
    )


def _fields(words: Sequence[str], known: frozenset[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in words:
        match = _FIELD.fullmatch(word)
        if match is None or match[1] not in known or match[1] in found:
            raise RejectedError(f"{word} is not understood", ", ".join(f"{name}=..." for name in sorted(known)))
        found[match[1]] = match[2]
    return found


def _each(fields: Mapping[str, str], name: str, read: Callable[[object], T], default: T) -> tuple[T, ...]:
    return tuple(read(text) for text in fields[name].split(",")) if name in fields else (default,)


# -- when


def _when(words: Sequence[str]) -> tuple[Callable[[int, int], tuple[int, ...]], Sequence[str]]:
    """A function from the number of calls and their distance to their moments; and the words that follow."""
    match words:
        case [name, clock, *rest] if name in WEEKDAYS:
            return _from(WEEKDAYS.index(name) * DAY_MS + _clock_ms(clock)), rest
        case ["day", day, clock, *rest] if _DAY.fullmatch(day):
            return _from(int(day) * DAY_MS + _clock_ms(clock)), rest
        case [name, days, hours, *rest] if name in _RANGES and (span := _DAYS.fullmatch(days)):
            first, last = int(span[1]), int(span[2])
            begin, _, end = hours.partition("-")
            begin_ms, end_ms = _clock_ms(begin), _clock_ms(end)
            if last < first or end_ms <= begin_ms:
                raise RejectedError(f"{days} {hours} runs backwards", "from the earlier to the later")
            chosen = [day for day in range(first, last + 1) if _RANGES[name](day % len(WEEKDAYS))]
            return _spread(chosen, begin_ms, end_ms), rest
    raise RejectedError(f"{' '.join(words[:3])} is no time", _WHEN)


def _from(begin_ms: int) -> Callable[[int, int], tuple[int, ...]]:
    def moments(count: int, every_ms: int) -> tuple[int, ...]:
        _check_calls(count)
        if begin_ms + count * every_ms > _LAST_DAY * DAY_MS:
            raise RejectedError("goes on for years", f"calls until day {_LAST_DAY}")
        return tuple(begin_ms + number * every_ms for number in range(count))

    return moments


def _spread(days: Sequence[int], begin_ms: int, end_ms: int) -> Callable[[int, int], tuple[int, ...]]:
    def moments(count: int, every_ms: int) -> tuple[int, ...]:
        if every_ms:
            raise RejectedError("every does not go with days", "so many calls a day, which are spread over the hours")
        _check_calls(count * len(days))
        step_ms = (end_ms - begin_ms) // count
        return tuple(day * DAY_MS + begin_ms + number * step_ms for day in days for number in range(count))

    return moments


def _check_calls(count: int) -> None:
    """Before there are any: a slip of the finger must not fill the memory."""
    if count > MOST_CALLS:
        raise RejectedError(f"{count:,} calls are too many", f"at most {MOST_CALLS:,} of one line")


def _clock_ms(text: str) -> int:
    match = _CLOCK.fullmatch(text)
    at_ms = int(match[1]) * HOUR_MS + int(match[2]) * MINUTE_MS if match else DAY_MS + 1
    if at_ms > DAY_MS:
        raise RejectedError(f"{text} is no time of day", "00:00 to 24:00")
    return at_ms
