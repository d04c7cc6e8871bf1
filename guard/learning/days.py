"""The day book: observations of a history made into days of accounts, kept on disk until all of it has been read.

History comes in the order of time, so a day is over for an account once its clock shows the next but one (a report may
be a little late). What is over goes to a temporary file, so memory is that of two days of all accounts, however long
the history is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from types import TracebackType
from typing import Self

import msgspec

from guard.core.rules.local import quarter_at
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.rules.rows import DayRow
from guard.core.rules.rule import OWN_CALLS

LATE_DAYS = 1
"""So long a day stays open for late reports."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(DayRow).decode


class DayBook:
    """Days of all accounts; a context manager that removes its file."""

    def __init__(self) -> None:
        # An empty name is a file of SQLite's own, which is gone when it is closed.
        self._file = sqlite3.connect("", isolation_level=None)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("CREATE TABLE day (account TEXT, timezone TEXT, day INTEGER, row BLOB)")
        self._open: dict[str, tuple[str, Profile]] = {}
        """Time zone, and a profile that learns nothing but takes down the days that are not over."""
        self._swept_day = 0

    def __enter__(self) -> Self:
        """Ready."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the file."""
        self._file.close()

    def take(self, seen: Observation, _profile: Profile, live_calls: int) -> None:
        """Take down one observation; the engine's listener."""
        if seen.direction not in OWN_CALLS:
            return
        quarter = quarter_at(seen.at_ms, seen.timezone)
        if quarter.day > self._swept_day:
            self._sweep(quarter.day)
        known = self._open.get(seen.account)
        if known is None:
            # Day 0 is over for ever, so that every day is taken down as one that has not been learned.
            known = self._open[seen.account] = (seen.timezone, Profile(0))
        known[1].note(seen, quarter, live_calls)

    def _sweep(self, today: int) -> None:
        """A new day has begun somewhere: put away what is over."""
        self._swept_day = today
        self._put_away(today - LATE_DAYS)

    def _put_away(self, before: int) -> None:
        rows: list[tuple[str, str, int, bytes]] = []
        for account, (timezone, taken) in list(self._open.items()):
            over = [number for number in taken.days if number < before]
            rows += [(account, timezone, number, _encode(taken.days.pop(number).row(number))) for number in over]
            if not taken.days:
                del self._open[account]
        self._file.execute("BEGIN")
        self._file.executemany("INSERT INTO day VALUES (?, ?, ?, ?)", rows)
        self._file.execute("COMMIT")

    def accounts(self) -> int:
        """How many there are, once all has been read."""
        self._put_away(2**62)
        self._file.execute("CREATE INDEX by_account ON day (account, day)")
        (count,) = self._file.execute("SELECT COUNT(DISTINCT account) FROM day").fetchone()
        return int(count)

    def __iter__(self) -> Iterator[tuple[str, str, list[DayRow]]]:
        """Each account with its time zone and its days, in order."""
        with closing(self._file.execute("SELECT account, timezone, row FROM day ORDER BY account, day")) as rows:
            account, zone, days = "", "", list[DayRow]()
            for name, timezone, row in rows:
                if name != account and days:
                    yield account, zone, days
                    days = []
                account, zone = name, timezone
                _add(days, _decode(row))
            if days:
                yield account, zone, days


def _add(days: list[DayRow], row: DayRow) -> None:
    """A day that was told of again after it had been put away is one day."""
    if not days or days[-1].day != row.day:
        days.append(row)
        return
    before = days[-1]
    spend = dict(before.spend)
    for hour, micros in row.spend:
        spend[hour] = spend.get(hour, 0) + micros
    days[-1] = DayRow(
        row.day,
        tuple(spend.items()),
        tuple(sorted({*before.called, *row.called})),
        max(before.top_rate_micros, row.top_rate_micros),
        max(before.peak_calls, row.peak_calls),
        before.spoken_ms + row.spoken_ms,
    )
