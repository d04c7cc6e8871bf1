"""Lines of a recorded file: read together, they say what each of them says alone, or nothing is said."""

from __future__ import annotations

from itertools import starmap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.records import Report
from guard.wire.instants import InstantError, instant_ms, instants_ms
from guard.wire.reports import MAX_AHEAD_MS, decode_recorded, decode_reports
from tests.wire import strategies
from tests.wire.samples import NOW_MS, REPORT, Json, payload

LINE = {**REPORT, "switch": "sw1"}
LATEST_MS = NOW_MS + MAX_AHEAD_MS


def together(lines: list[bytes]) -> list[tuple[str, Report]] | None:
    """Each switch and its report; None: one of the lines is remarkable."""
    recorded = decode_recorded(b"\n".join(lines), LATEST_MS)
    if recorded is None:
        return None
    reports = list(starmap(Report, recorded.rows))
    assert [report.at_ms for report in reports] == recorded.times_ms
    assert [report.call for report in reports] == list(recorded.calls)
    assert [report.event for report in reports] == list(recorded.events)
    return list(zip(recorded.switches, reports, strict=True))


def alone(line: bytes) -> Report:
    """The one report of a line."""
    [report], refusals = decode_reports(line, NOW_MS)
    assert refusals == []
    return report


@given(st.lists(strategies.reports, min_size=1, max_size=5))
def test_lines_say_together_what_they_say_alone(messages: list[Json]) -> None:
    lines = [strategies.written({**message, "switch": "sw1"}) for message in messages]
    found = together(lines)
    assert found is None or found == [("sw1", alone(line)) for line in lines]


@given(strategies.damaged(st.lists(st.just(payload(LINE)), min_size=1, max_size=3).map(b"\n".join)))
def test_damaged_lines_are_remarkable(content: bytes) -> None:
    lines = content.split(b"\n")
    found = together(lines)
    assert found is None or [report for _, report in found] == [alone(line) for line in lines]


@pytest.mark.parametrize(
    "usual",
    [
        {},
        {"from": None, "emergency": None},
        {"to": "", "currency": "CAD", "source": "198.18.0.1", "cause": "busy"},
        {"event": "tick", "to": None, "duration_ms": 60_000},
        {"event": "failed", "duration_ms": None, "charge": None, "rate": None},
        {"event": "ended", "emergency": 1, "direction": "forwarded"},
        {"at": NOW_MS // 1_000},
        {"at": "1763781165.5"},
        {"unknown": 1},
        {"account": "Ä"},
        {"call": 'a,"b"'},
    ],
)
def test_what_is_right_is_read_at_once(usual: Json) -> None:
    """Nothing of it is worth a second look, although not all lines are alike."""
    lines = [payload(LINE), payload({**LINE, **usual}), payload(LINE)]
    assert together(lines) == [("sw1", alone(line)) for line in lines]


@pytest.mark.parametrize(
    "line",
    [
        payload({**LINE, "switch": None}),
        payload(REPORT),
        payload({**LINE, "event": "tick", "duration_ms": None}),
        payload({**LINE, "to": None}),
        payload({**LINE, "at": "2026-11-22T03:12:45"}),
        payload({**LINE, "at": "2126-11-22T03:12:45Z"}),
        payload({**LINE, "charge": "-1"}),
        payload({**LINE, "emergency": 2}),
        payload({**LINE, "account": "a\x7f"}),
        payload({**LINE, "call": "a\u0085"}),
        payload(LINE)[:-1] + b',"charge":"9.00"}',
        payload(LINE) + payload(LINE),
        payload(LINE) + b"," + payload(LINE),
        b"[" + payload(LINE) + b"]",
        b"",
    ],
)
def test_what_is_wrong_is_remarkable(line: bytes) -> None:
    """One line of it is enough; which rule it breaks is told by whoever looks at it alone."""
    assert together([payload(LINE), line, payload(LINE)]) is None


@given(st.lists(st.one_of(st.sampled_from(strategies.ODD_TEXT), st.integers(), st.booleans()), max_size=4))
def test_times_are_the_same_one_by_one(values: list[str | int]) -> None:
    """Whatever the notations, and whatever is wrong with one of them."""
    try:
        expected = [instant_ms(value) for value in values]
    except InstantError:
        with pytest.raises(InstantError):
            instants_ms(values)
    else:
        assert instants_ms(values) == expected
