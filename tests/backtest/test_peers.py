"""Peers: counters as OpenSIPS has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guard.backtest.history import Sorter
from guard.backtest.inputs import Span
from guard.backtest.peers import Counters
from guard.backtest.tally import Tally
from guard.core.emergency import EmergencyNumbers
from guard.core.rating import Rating
from guard.core.scopes import Scopes
from tests.backtest.histories import DAY, HOME, HOUR, MINUTE, SECOND, call, span, written

UNIT = 1_000_000


def counted(folder: Path, reports: list[dict[str, Any]], spans: list[Span] | None = None) -> Tally:
    tally = Tally(spans or [])
    with Sorter(folder) as sorter:
        sorter.add(written(folder, reports))
        peer = Counters(Rating(unknown_rate_micros=UNIT), Scopes.of_country_code("1"), EmergencyNumbers(), tally)
        peer.run(sorter.history())
    return tally


def calls(number: int, every_ms: int, *, lasts_s: int = 60, from_ms: int = 0, **more: Any) -> list[dict[str, Any]]:
    return [
        report
        for each in range(number)
        for report in call(f"c{each}", "A", start_ms=from_ms + each * every_ms, lasts_s=lasts_s, **more)
    ]


@pytest.mark.parametrize(
    ("reports", "why"),
    [
        (calls(5, 10 * SECOND, lasts_s=5), "calls per minute"),
        (calls(5, 2 * MINUTE, lasts_s=1_200), "concurrent calls"),
        (calls(20, 2 * MINUTE), "sequential calls"),
        (calls(2, 4 * HOUR, lasts_s=13_200, from_ms=4 * HOUR), "length of a call"),
    ],
)
def test_a_critical_value_refuses_the_call(tmp_path: Path, reports: list[dict[str, Any]], why: str) -> None:
    tally = counted(tmp_path, reports)
    assert dict(tally.rules).keys() == {why}
    assert tally.withheld_calls == 1
    assert tally.prevented_micros > 0
    assert tally.owed_micros + tally.prevented_micros == sum(
        6 * UNIT * report["duration_ms"] // 60_000 for report in reports if report["event"] == "ended"
    )


def test_local_calls_are_not_counted_and_counts_begin_anew_each_day(tmp_path: Path) -> None:
    assert not counted(tmp_path, calls(40, SECOND, to=HOME)).rules
    many = calls(19, 2 * MINUTE)
    next_day = [
        report for each in range(19) for report in call(f"d{each}", "A", start_ms=DAY + each * 2 * MINUTE, lasts_s=60)
    ]
    assert not counted(tmp_path, many + next_day).rules


def test_a_call_that_is_up_goes_on_and_counts_as_lost(tmp_path: Path) -> None:
    tally = counted(tmp_path, calls(6, 2 * MINUTE, lasts_s=1_200), [span("A", 0, HOUR)])
    (entry,) = tally.spans
    assert entry.blocked_ms is not None
    assert entry.before_micros + entry.after_micros == 4 * 120 * UNIT
    assert entry.prevented_micros == 2 * 120 * UNIT
