"""A switch's clock, its pace and its pauses, as the engine estimates them from reports alone."""

from __future__ import annotations

import pytest

from guard.core.switches import LAG_MS, PACE_WINDOW_MS, Switch

NOW_MS = 1_800_000_000_000
PAUSE_MS = 90_000


def switch() -> Switch:
    """A switch nobody has heard yet."""
    return Switch("sw1", ticks=True, now_ms=NOW_MS)


def hear(heard: Switch, distances_ms: list[int], every_ms: int = 500, since_ms: int = NOW_MS) -> list[int]:
    """Reports at an even pace, whose `at` lies so far from ours; how old each seemed."""
    return [heard.clock(since_ms + i * every_ms + far, since_ms + i * every_ms) for i, far in enumerate(distances_ms)]


@pytest.mark.parametrize("ahead_ms", [1, 400, 60_000, 900_000])
def test_a_report_from_the_future_proves_that_the_clock_is_ahead(ahead_ms: int) -> None:
    """At once: no report can be from the future."""
    heard = switch()
    assert hear(heard, [ahead_ms]) == [0]
    assert heard.skew_ms == ahead_ms


@pytest.mark.parametrize("delay_ms", [0, 1, 300, LAG_MS])
def test_ordinary_delay_is_no_offset(delay_ms: int) -> None:
    """Up to five seconds behind, reports have merely taken their time."""
    heard = switch()
    ages = hear(heard, [-delay_ms] * 20)
    assert heard.skew_ms == 0
    assert set(ages) == {delay_ms}


@pytest.mark.parametrize("behind_ms", [LAG_MS + 1, 600_000, 86_400_000])
def test_a_clock_that_is_behind_is_told_by_its_pace(behind_ms: int) -> None:
    """A live switch's reports arrive as fast as its clock runs; after a window of that the distance is its offset."""
    heard = switch()
    ages = hear(heard, [-behind_ms] * 6)
    assert ages[0] == behind_ms
    assert ages[-1] == 0
    assert heard.skew_ms == -behind_ms


def test_a_backlog_is_no_clock_that_is_behind() -> None:
    """It arrives faster than its clock runs: the distance shrinks within every window."""
    heard = switch()
    for i in range(200):
        heard.clock(NOW_MS - 600_000 + i * 2_500, NOW_MS + i * 50)
        assert heard.skew_ms == 0


def test_reports_that_take_longer_and_longer_are_no_clock_that_is_behind() -> None:
    """A line that fills up: the distance grows within every window."""
    heard = switch()
    assert min(hear(heard, [-6_000 - 300 * i for i in range(40)])) == 6_000
    assert heard.skew_ms == 0


def test_a_clock_that_was_set_back_is_learned_anew() -> None:
    """After a window in which all reports agree."""
    heard = switch()
    hear(heard, [300_000] * 3)
    assert heard.skew_ms == 300_000
    hear(heard, [0] * 20, since_ms=NOW_MS + 10_000)
    assert heard.skew_ms == 0


def test_within_a_window_the_best_estimate_so_far_stands() -> None:
    """Reports that took longer do not move it; only a closed window does."""
    heard = switch()
    hear(heard, [200, 0, -300, 100], every_ms=PACE_WINDOW_MS // 8)
    assert heard.skew_ms == 200


@pytest.mark.parametrize("step_ms", [3_600_000, -3_600_000])
def test_when_our_clock_is_set_its_distance_from_ours_is_known_at_once(step_ms: int) -> None:
    """A report in the time that its clock has had all along is not old, however long there has been none."""
    heard = switch()
    hear(heard, [-100] * 20)
    heard.our_clock_stepped(step_ms)
    later_ms = NOW_MS + 600_000
    assert 0 <= heard.clock(later_ms - 100, later_ms + step_ms) <= 100
    ages = hear(heard, [-step_ms - 100] * 20, since_ms=later_ms + step_ms + 500)
    assert set(ages) <= {0, 100}


def test_a_pause_begins_a_new_stretch_of_talking() -> None:
    """Longer than the pause that counts as silence; a shorter one changes nothing."""
    heard = switch()
    heard.heard(NOW_MS + PAUSE_MS, PAUSE_MS)
    assert heard.talking_since_ms == NOW_MS
    heard.heard(NOW_MS + 2 * PAUSE_MS + 1, PAUSE_MS)
    assert heard.talking_since_ms == NOW_MS + 2 * PAUSE_MS + 1
