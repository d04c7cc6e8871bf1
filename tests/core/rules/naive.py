"""The same rules counted in the plainest way: anew from all observations, each time.

No buckets that are dropped, no shared counters, no sums: a list of everything that happened, and for each question a
walk over all of it. What a rule looks at and counts is written down here a second time, from the contract's words.
"""

from __future__ import annotations

from collections.abc import Callable

from guard.core.rules.observation import Observation, What
from guard.core.rules.rule import OWN_CALLS, Measure, Per, Rule

SIXTIETHS = 60
_TRIED = (What.FAILED, What.BEGINS)
_MOVES = {
    Measure.ATTEMPTS: _TRIED,
    Measure.FAILED: (What.FAILED,),
    Measure.CALLS: (What.BEGINS,),
    Measure.NUMBERS: _TRIED,
    Measure.VARIANTS: _TRIED,
    Measure.NEW_COUNTRIES: _TRIED,
    Measure.NEW_PREFIXES: _TRIED,
    Measure.SHORT_SHARE: (What.ENDS,),
}
_UP = (What.BEGINS, What.GOES_ON, What.ENDS)


def looks_at(rule: Rule, each: Observation) -> bool:
    """Whether the rule looks at that report."""
    where = rule.where
    return (
        each.direction in where.directions
        and each.direction in OWN_CALLS
        and (not where.kinds or each.kind in where.kinds)
        and (not where.countries or each.country in where.countries)
        and each.country not in where.not_countries
        and (not where.prefixes or each.number.startswith(where.prefixes))
        and not each.number.startswith(where.not_prefixes)
        and each.rate_micros >= where.rate_from_micros
    )


def key_of(rule: Rule, each: Observation) -> str:
    """What it counts under."""
    if rule.measure is Measure.VARIANTS:
        return each.number[-8:]
    return {
        Per.ACCOUNT: "",
        Per.COUNTRY: each.country,
        Per.CLASS: each.kind.value,
        Per.PREFIX: each.prefix,
        Per.NUMBER: each.number,
        Per.RANGE: each.number[:-4],
        Per.SOURCE: each.source,
    }[rule.per]


def moved_by(rule: Rule, each: Observation) -> bool:
    """Whether that kind of report can change the rule's value."""
    return each.what in _MOVES.get(rule.measure, _UP)


def value(rule: Rule, key: str, observations: list[Observation], until_ms: int) -> int:
    """The rule's value in the window that ends then."""
    width_ms = (rule.window_ms or 0) // SIXTIETHS
    last = until_ms // width_ms
    within = [
        each
        for each in observations
        if last - SIXTIETHS < each.at_ms // width_ms <= last and looks_at(rule, each) and key_of(rule, each) == key
    ]
    begun = sum(each.what is What.BEGINS for each in within)
    ended = [each for each in within if each.what is What.ENDS]
    if rule.min_calls > (len(ended) if rule.measure is Measure.SHORT_SHARE else begun):
        return 0
    if rule.min_numbers > len({each.number for each in within if each.what in _TRIED}):
        return 0
    return _COUNTS[rule.measure](within)


_Reports = list[Observation]


def _of(*whats: What) -> Callable[[_Reports], _Reports]:
    return lambda within: [each for each in within if each.what in whats]


_tried, _up, _ended = _of(*_TRIED), _of(*_UP), _of(What.ENDS)
_COUNTS: dict[Measure, Callable[[_Reports], int]] = {
    Measure.ATTEMPTS: lambda within: len(_tried(within)),
    Measure.FAILED: lambda within: len(_of(What.FAILED)(within)),
    Measure.CALLS: lambda within: len(_of(What.BEGINS)(within)),
    Measure.MINUTES: lambda within: sum(each.spoken_ms for each in _up(within)) // 60_000,
    Measure.GROSS: lambda within: sum(each.gross_micros for each in _up(within)),
    Measure.NET: lambda within: sum(each.net_micros for each in _up(within)),
    Measure.NUMBERS: lambda within: len({each.number for each in _tried(within)}),
    Measure.VARIANTS: lambda within: len({each.dialled for each in _tried(within)}),
    Measure.NEW_COUNTRIES: lambda within: len({each.country for each in _tried(within)}),
    Measure.NEW_PREFIXES: lambda within: len({each.prefix for each in _tried(within)}),
    Measure.SHORT_SHARE: lambda within: (
        sum(each.duration_ms <= 6_000 for each in _ended(within)) * 1_000_000 // max(1, len(_ended(within)))
    ),
}


def present(rule: Rule, key: str, observations: list[Observation]) -> int:
    """The value of a rule of the present, after all these reports."""
    newest: dict[tuple[str, str], Observation] = {}
    worth: dict[tuple[str, str], int] = {}
    for each in observations:
        newest[each.call] = each
        worth[each.call] = worth.get(each.call, 0) + each.net_micros
    up = [
        each
        for each in newest.values()
        if each.what in (What.BEGINS, What.GOES_ON) and looks_at(rule, each) and key_of(rule, each) == key
    ]
    if rule.min_calls > len(up):
        return 0
    match rule.measure:
        case Measure.CONCURRENT:
            return len(up)
        case Measure.RATE:
            return sum(each.rate_micros for each in up)
        case _:
            return sum(worth[each.call] for each in up)


def crossings(rule: Rule, observations: list[Observation]) -> list[tuple[int, str, str, int]]:
    """(which report, key, what is said, value) for reports in order of time, looking only when reports come."""
    level: dict[str, int] = {}
    warned: dict[str, bool] = {}
    said: list[tuple[int, str, str, int]] = []
    for at, each in enumerate(observations):
        if not (looks_at(rule, each) and moved_by(rule, each)):
            continue
        key = key_of(rule, each)
        now = value(rule, key, observations[: at + 1], each.at_ms)
        before = level.get(key, 0)
        lowest = rule.warn if rule.warn is not None else rule.block or 0
        after = 2 if rule.block is not None and now >= rule.block else 1 if now >= lowest else 0
        if before == 2 and rule.block is not None and 10 * now >= 9 * rule.block:
            after = 2
        if before and 10 * now >= 9 * lowest:
            after = max(after, 1)
        level[key] = after
        if after > before:
            said.append((at, key, "block" if after == 2 else "warn", now))
            warned[key] = warned.get(key, False) or after == 1
        elif after == 0 and warned.pop(key, False):
            said.append((at, key, "cleared", now))
    return said
