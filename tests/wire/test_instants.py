"""Times on the wire."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from guard.wire.instants import (
    MAX_MS,
    InstantError,
    checked_date,
    checked_month,
    epoch_number_ms,
    epoch_text_ms,
    format_instant,
    format_optional_instant,
    instant_ms,
    rfc3339_ms,
    until_ms,
)
from tests.wire.strategies import ODD_TEXT

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-22T03:12:45.120Z", 1_795_317_165_120),
        ("2026-11-22t03:12:45.120z", 1_795_317_165_120),
        ("2026-11-21T22:12:45.120-05:00", 1_795_317_165_120),
        ("2026-11-22T08:42:45.12+05:30", 1_795_317_165_120),
        ("2026-11-22T03:12:45.1209999Z", 1_795_317_165_120),
        ("2026-11-22T03:12:45-00:00", 1_795_317_165_000),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("9999-12-31T23:59:59.999Z", MAX_MS),
        ("1970-01-01T01:00:00+01:00", 0),
        ("1969-12-31T23:00:00-01:00", 0),
        ("2016-12-31T23:59:60Z", 1_483_228_800_000),
        ("2016-12-31T18:59:60.5-05:00", 1_483_228_800_500),
    ],
)
def test_reads_rfc_3339(text: str, ms: int) -> None:
    """A time with an offset is milliseconds since 1970 UTC, finer digits cut off."""
    assert rfc3339_ms(text) == instant_ms(text) == ms


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-11-22",
        "2026-11-22T03:12:45",
        "2026-11-22 03:12:45Z",
        "2026-11-22T03:12Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T03:60:00Z",
        "2026-11-22T03:12:60Z",
        "2026-11-22T03:12:61Z",
        "2026-11-22T03:12:45.Z",
        "2026-11-22T03:12:45,1Z",
        "2026-11-22T03:12:45+5:00",
        "2026-11-22T03:12:45+0500",
        "2026-11-22T03:12:45+24:00",
        "2026-11-22T03:12:45+05:60",
        "2026-11-22T03:12:45Z ",
        "2026-11-22T03:12:45Z\n",
        " 2026-11-22T03:12:45Z",
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "0000-01-01T00:00:00Z",
        "1969-12-31T23:59:59.999Z",
        "1970-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "٢026-11-22T03:12:45Z",
        "2026-11-22T03:12:45.١Z",
        "2026-W47-7T03:12:45Z",
        "1763781165",
    ],
)
def test_refuses_what_is_not_rfc_3339(text: str) -> None:
    """Nothing is guessed: no missing offset, no other separators, no date that does not exist."""
    with pytest.raises(InstantError):
        rfc3339_ms(text)


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        ("0", 0),
        ("1763781165", 1_763_781_165_000),
        ("1763781165.123456", 1_763_781_165_123),
        ("1763781165.1239", 1_763_781_165_123),
        ("1763781165.5", 1_763_781_165_500),
        ("253402300799.999", MAX_MS),
        (0, 0),
        (1763781165, 1_763_781_165_000),
        (1763781165.0, 1_763_781_165_000),
        (1763781165.123, 1_763_781_165_123),
        (1763781165.1239, 1_763_781_165_123),
    ],
)
def test_reads_epoch_seconds(value: str | float, ms: int) -> None:
    """Epoch seconds come as a number or in digits, with the same meaning."""
    assert instant_ms(value) == ms


@pytest.mark.parametrize(
    "value",
    [
        "-1",
        "1e9",
        "1763781165.",
        ".5",
        "1763781165123",
        "253402300800",
        "1_000",
        " 1",
        "1 ",
        "١",
        "NaN",
        -1,
        -0.001,
        253402300800,
        1763781165123,
        1e300,
        10**400,
        float("inf"),
        float("nan"),
        True,
        False,
    ],
)
def test_refuses_what_is_not_epoch_seconds(value: str | float) -> None:
    """Milliseconds sent as seconds, signs, exponents and booleans are refused."""
    with pytest.raises(InstantError):
        instant_ms(value)


@given(st.integers(0, MAX_MS), st.integers(-23 * 60 - 59, 23 * 60 + 59))
@example(0, 0)
@example(MAX_MS, 0)
def test_every_offset_means_the_same_moment(ms: int, offset_minutes: int) -> None:
    """A moment written with any offset is read as the same number, wherever the local date still exists."""
    local = EPOCH.replace(tzinfo=None) + timedelta(milliseconds=ms)
    try:
        local += timedelta(minutes=offset_minutes)
    except OverflowError:
        return
    zone = timezone(timedelta(minutes=offset_minutes))
    assert rfc3339_ms(local.replace(tzinfo=zone).isoformat(timespec="milliseconds")) == ms


@given(st.integers(0, MAX_MS))
def test_a_written_time_is_read_back(ms: int) -> None:
    """What guard writes, guard reads as the same millisecond."""
    assert rfc3339_ms(format_instant(ms)) == ms
    seconds, rest = divmod(ms, 1000)
    assert epoch_text_ms(f"{seconds}.{rest:03d}") == ms


@given(st.integers(0, 4_102_444_800_000))
def test_an_epoch_number_is_exact_to_the_millisecond(ms: int) -> None:
    """A floating-point number of seconds does not lose its last millisecond, in this century at least."""
    assert epoch_number_ms(ms / 1000) == ms


@given(st.one_of(st.text(), st.sampled_from(ODD_TEXT), st.floats(), st.integers()))
def test_anything_else_is_an_instant_error(value: str | float) -> None:
    """Any text and any number is a time in range or an `InstantError`, whose message does not repeat it."""
    try:
        assert 0 <= instant_ms(value) <= MAX_MS
    except InstantError as error:
        message = str(error)
    else:
        return
    assert message in {
        "not a time",
        "not an RFC 3339 time",
        "not an RFC 3339 time with an offset",
        "not epoch seconds",
        "there is no such date",
        "outside the years 1970 to 9999",
        "a leap second only ends a day of UTC",
    }


def test_writes_utc_with_milliseconds() -> None:
    """Times go out in one form: UTC, three decimals, Z."""
    assert format_instant(1_795_317_165_120) == "2026-11-22T03:12:45.120Z"
    assert format_instant(1_795_317_165_000) == "2026-11-22T03:12:45.000Z"
    assert format_optional_instant(None) is None
    assert format_optional_instant(0) == "1970-01-01T00:00:00.000Z"


@pytest.mark.parametrize("ms", [-1, MAX_MS + 1, 10**30])
def test_writes_no_time_out_of_range(ms: int) -> None:
    """A number that is no time of the contract is not written as one."""
    with pytest.raises(InstantError):
        format_instant(ms)


@pytest.mark.parametrize(
    ("text", "same_as"),
    [
        ("2026-11-01T18:00:00-05:00", "2026-11-01T23:00:00Z"),
        ("2026-11-01Z", "2026-11-01T00:00:00Z"),
        ("2026-11-01-05:00", "2026-11-01T05:00:00Z"),
        ("2026-11-01+05:30", "2026-10-31T18:30:00Z"),
    ],
)
def test_an_operator_may_name_a_day(text: str, same_as: str) -> None:
    """A date with an offset means the midnight with which the day begins there."""
    assert until_ms(text) == rfc3339_ms(same_as)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("2026-11-01", "the offset from UTC is missing"),
        ("2026-11-01T18:00:00", "the offset from UTC is missing"),
        ("2026-11-01 18:00", "the offset from UTC is missing"),
        ("2026-11-01T18:00:00 05:00", "write + as %2B"),
        ("tomorrow", "write it like 2026-11-01T18:00:00-05:00"),
        ("", "write it like 2026-11-01T18:00:00-05:00"),
        ("2026-02-30Z", "there is no such date"),
        ("1763781165", "write it like"),
    ],
)
def test_an_operator_is_told_what_is_missing(text: str, part: str) -> None:
    """A time without an offset is refused with what to add."""
    with pytest.raises(InstantError, match=part.replace("+", r"\+")):
        until_ms(text)


def test_dates_and_months_must_exist() -> None:
    """A date is YYYY-MM-DD and a month YYYY-MM, from 1970 on."""
    assert checked_date("2024-02-29") == "2024-02-29"
    assert checked_month("2026-12") == "2026-12"
    for text in ("2026-02-29", "20260101", "2026-1-1", "1969-12-31", "2026-11-22T00:00:00Z", "", "٢026-01-01"):
        with pytest.raises(InstantError):
            checked_date(text)
    for text in ("2026-13", "2026-00", "2026", "1969-12", "2026-12-01", "12/26", ""):
        with pytest.raises(InstantError):
            checked_month(text)
