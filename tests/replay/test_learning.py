"""A history made into days: which days, of whom, what of them; in parts that fit into a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from guard.backtest.history import Sorter
from guard.backtest.inputs import Span
from guard.config import Config
from guard.core.rules.past import PAST_DAYS, Past
from guard.core.rules.profile import COUNTRY, PREFIX
from guard.core.rules.rows import DayRow
from guard.core.settings import DAY_MS, HOUR_MS
from guard.learning.days import DayBook
from guard.learning.lesson import Lesson, parts_of
from guard.setup import setup_of
from guard.wire.pasts import past_object, pasts_of

TODAY = 20_605
"""2026-06-01, a Monday."""
NOW_MS = TODAY * DAY_MS + 12 * HOUR_MS
LONDON, TORONTO = "+442071234567", "+14165550100"


@pytest.fixture
def book() -> Iterator[DayBook]:
    """An empty one."""
    with DayBook() as made:
        yield made


def call(account: str, day: int, hour: int = 9, **more: object) -> str:
    """A call of two minutes for 0.50."""
    at_s = (day * DAY_MS + hour * HOUR_MS) // 1_000
    body = {"switch": "sw1", "call": f"{account}-{day}-{hour}", "event": "ended", "account": account, "at": at_s}
    return json.dumps(body | {"to": LONDON, "duration_ms": 120_000, "charge": "0.50"} | more)


def learned(folder: Path, book: DayBook, lines: list[str], *fraud: Span, **timezones: str) -> dict[str, Past]:
    """What accounts are to learn of these lines."""
    file = folder / "calls.ndjson"
    file.write_text("\n".join(lines))
    lesson = Lesson(setup_of(Config()), timezones, NOW_MS)
    with Sorter(folder) as sorter:
        sorter.add(file)
        lesson.play(sorter.history(), book, lambda _done: None)
    book.accounts()
    return {past.account: past for past in lesson.pasts(book, fraud)}


def test_days_have_what_a_profile_would_have_noted(tmp_path: Path, book: DayBook) -> None:
    lines = [call("A1", TODAY - 9), call("A1", TODAY - 9, 10), call("A1", TODAY - 7, to=TORONTO), call("B1", TODAY - 5)]
    pasts = learned(tmp_path, book, lines)
    first, second = pasts["A1"].days
    assert (first.day, dict(first.spend), first.spoken_ms) == (TODAY - 9, {9: 500_000, 10: 500_000}, 240_000)
    assert {(COUNTRY, "GB"), (PREFIX, "")} <= set(first.called)
    assert (first.peak_calls, second.day, (COUNTRY, "CA") in second.called) == (1, TODAY - 7, True)
    spans = {account: (past.from_day, past.until_day) for account, past in pasts.items()}
    assert spans == {"A1": (TODAY - 9, TODAY - 4), "B1": (TODAY - 5, TODAY - 4)}, "quiet days are days, too"


def test_days_and_hours_are_those_of_the_account(tmp_path: Path, book: DayBook) -> None:
    lines = [call("A1", TODAY - 9, 2), call("A2", TODAY - 9, 2), call("A3", TODAY - 9, 20)]
    pasts = learned(tmp_path, book, lines, A1="America/Toronto", A3="Asia/Kolkata")
    assert [(row.day, dict(row.spend)) for row in pasts["A1"].days] == [(TODAY - 10, {22: 500_000})]
    assert [(row.day, dict(row.spend)) for row in pasts["A2"].days] == [(TODAY - 9, {2: 500_000})]
    assert [(row.day, dict(row.spend)) for row in pasts["A3"].days] == [(TODAY - 8, {1: 500_000})]
    assert pasts["A1"].timezone == "America/Toronto"


def test_a_long_weekend_is_quiet_and_a_fortnight_is_a_gap(tmp_path: Path, book: DayBook) -> None:
    days = [TODAY - 40, TODAY - 35, TODAY - 20, TODAY - 19]
    past = learned(tmp_path, book, [call("A1", day) for day in days])["A1"]
    assert past.left_out == set(range(TODAY - 34, TODAY - 20))


def test_fraud_is_left_out_by_the_days_that_it_touched(tmp_path: Path, book: DayBook) -> None:
    start_ms = (TODAY - 8) * DAY_MS + 23 * HOUR_MS
    fraud = Span(account="A1", start_ms=start_ms, end_ms=start_ms + 2 * HOUR_MS, fraud=True)
    good = replace(fraud, account="B1", fraud=False)
    lines = [call(account, day) for account in ("A1", "B1") for day in range(TODAY - 12, TODAY - 4)]
    pasts = learned(tmp_path, book, lines, fraud, good)
    assert pasts["A1"].left_out == {TODAY - 8, TODAY - 7}
    assert pasts["B1"].left_out == frozenset()


def test_what_no_profile_remembers_is_not_played(tmp_path: Path, book: DayBook) -> None:
    file = tmp_path / "calls.ndjson"
    file.write_text("\n".join([call("A1", TODAY - PAST_DAYS - 30), call("A1", TODAY - 9), call("B1", TODAY - 500)]))
    lesson = Lesson(setup_of(Config()), {}, NOW_MS)
    with Sorter(tmp_path) as sorter:
        sorter.add(file)
        played = lesson.play(sorter.history(), book, lambda _done: None)
    assert (played.taken, played.too_old, book.accounts()) == (1, 2, 1)


def test_calls_without_a_price_are_rated_as_the_daemon_would(tmp_path: Path, book: DayBook) -> None:
    past = learned(tmp_path, book, [call("A1", TODAY - 9, charge=None)])["A1"]
    assert dict(past.days[0].spend) == {9: 2_000_000}


def test_a_past_survives_its_way_to_the_daemon_in_parts_that_fit() -> None:
    days = tuple(
        DayRow(day, ((9, 1_234_567),), tuple((COUNTRY, f"{each:02}") for each in range(20)), 7, 3, 60_000)
        for day in range(TODAY - 40, TODAY, 2)
    )
    past = Past(
        account="A/1",
        timezone="America/Toronto",
        from_day=TODAY - 40,
        until_day=TODAY,
        days=days,
        left_out=frozenset({TODAY - 39, TODAY - 1}),
    )

    def size(each: Past) -> int:
        return len(msgspec.json.encode(past_object(each)))

    parts = parts_of(past, 1_500, size)
    assert len(parts) > 2
    assert all(size(part) <= 1_500 for part in parts)
    assert [part.from_day for part in parts] == sorted((part.from_day for part in parts), reverse=True)
    sent = msgspec.json.decode(msgspec.json.encode({"profiles": [past_object(part) for part in parts]}))
    assert pasts_of(sent, "") == tuple(parts)
    ordered = parts[::-1]
    assert tuple(row for part in ordered for row in part.days) == days
    assert frozenset.union(*(part.left_out for part in ordered)) == past.left_out
    assert (ordered[0].from_day, ordered[-1].until_day) == (past.from_day, past.until_day)
