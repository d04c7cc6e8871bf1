"""What must survive of the rules' state: flat rows of plain values, for a store that need not know what they mean.

A counter is named by what it counts, not by its place (`counters`), so rows fit after a reload or an upgrade exactly
if they still mean the same; what fits no counter is left out when rows are read. Columns are only ever added, at the
end, with a default.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class DistinctRow(NamedTuple):
    """Different things within a window."""

    seen: tuple[tuple[str, int], ...]
    cells: bytes


class TallyRow(NamedTuple):
    """One counter and key."""

    counter: str
    key: str
    head: int
    cells: tuple[int, ...]
    sets: tuple[DistinctRow, ...]
    marks: tuple[tuple[str, int], ...]
    """(rule, standing)."""


class CrowdRow(NamedTuple):
    """One counter across accounts and key."""

    tally: TallyRow
    owners: tuple[tuple[str, str], ...]
    """(rule, account): whom the warning was about."""
    since: tuple[tuple[str, int], ...]
    """(rule, time): since when it has stood where accounts are blocked."""


class StandingRow(NamedTuple):
    """What a partition has heard of a rule on a crowd that is counted elsewhere."""

    rule: str
    key: str
    counter: str = ""
    """What was counted when the mark was reached."""
    since_ms: int = 0
    """Of the newest standing where accounts are blocked that it has heard of; 0: of none."""
    stands: bool = False
    value: int = 0
    """Accounts, when the mark was crossed."""
    estimated: bool = False
    warned: str = ""
    """An account of this partition whose warning has not cleared; empty: none."""
    warned_ms: int = 0
    """When one was warned last."""
    until_ms: int = 0
    """For later calls it does not stand."""


class LiveRow(NamedTuple):
    """A call that is up."""

    switch: str
    call: str
    direction: str
    kind: str
    number: str
    rate_micros: int
    net_micros: int
    joined: tuple[tuple[str, str], ...]
    """(counter, key)."""
    marks: tuple[tuple[str, int], ...]


class PresenceRow(NamedTuple):
    """Marks that stand on calls that are up."""

    counter: str
    key: str
    marks: tuple[tuple[str, int], ...]


class SeenRow(NamedTuple):
    """A recent call or attempt, kept as evidence."""

    at_ms: int
    failed: bool
    switch: str
    call: str
    direction: str
    kind: str
    country: str
    prefix: str
    number: str
    dialled: str
    place: str
    source: str
    rate_micros: int
    opened_ms: int | None


class DayRow(NamedTuple):
    """A day that the profile has not learned yet."""

    day: int
    spend: tuple[tuple[int, int], ...]
    """(hour of the day, micros)."""
    called: tuple[tuple[int, str], ...]
    """(kind of habit, what)."""
    top_rate_micros: int
    peak_calls: int
    spoken_ms: int = 0


class ProfileRow(NamedTuple):
    """What is usual for an account."""

    first_day: int
    today: int
    next_day: int
    samples: tuple[int, ...]
    spend_mills: tuple[int, ...]
    """168 hours of the week; empty: nothing in any of them."""
    habits: tuple[tuple[tuple[str, int], ...], ...]
    """Countries, prefixes, sources, numbers, each with the last day on which it was called."""
    top_rate_micros: int
    peak_thousandths: int
    excess_micros: int
    spent_micros: int
    days: tuple[DayRow, ...]
    past: tuple[tuple[int, int], ...] = ()
    """Spans of days learned from history."""
    busiest_ms: int = 0
    rings: tuple[tuple[str, int], ...] = ()
    """Ranges abroad of which somebody rang and nobody talked, and when."""


class SubjectRow(NamedTuple):
    """All that rules know about one account."""

    account: str
    timezone: str
    sweep_ms: int
    """When to look for what can be freed; 0: nothing is left but the profile."""
    rules: str
    """The counters of the present that `live` is about."""
    profile: ProfileRow
    tallies: tuple[TallyRow, ...]
    live: tuple[LiveRow, ...]
    present: tuple[PresenceRow, ...]
    drifts: tuple[tuple[str, int], ...]
    """(rule, standing)."""
    across: tuple[tuple[str, str, int], ...]
    """(rule, key, since) of counters across accounts: the block of this account was asked for."""
    seen: tuple[SeenRow, ...]


def in_tuples(read: list[Any]) -> tuple[Any, ...]:
    """A row that came through JSON, which knows lists only, as it was."""
    return tuple(in_tuples(each) if isinstance(each, list) else each for each in read)
