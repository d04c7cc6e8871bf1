"""A switch that is silent at an hour at which it usually talks is told once, with what is usual; so is its end."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from guard.core.decisions import Notice, NoticeKind
from guard.core.pictures import switch_picture
from guard.core.records import Event, Report, SwitchStatus
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, Settings, SwitchSettings
from tests.scenarios.stage import Happened, Stage

MONDAY_MS = 1_800_000_000_000 - 8 * HOUR_MS + 3 * DAY_MS
"""Monday, 18 January 2027, 00:00 UTC."""
WEEK_MS = 7 * DAY_MS
PAUSE_MS = MINUTE_MS
"""Of the customers of sw1, on Mondays from eight to one."""


@dataclass
class Play:
    """A stage on which one switch brings a call a minute, Mondays from 08:00 to 13:00 UTC."""

    stage: Stage = field(default_factory=lambda: Stage(Settings(), now_ms=MONDAY_MS))
    made: int = 0

    def to(self, at_ms: int) -> None:
        """Nothing comes until then."""
        self.stage.advance_to(at_ms)

    def call(self, at_ms: int, switch: str = "sw1") -> None:
        """An attempt, now."""
        self.made += 1
        report = Report(call=f"c{self.made}", event=Event.FAILED, account="A1", at_ms=at_ms, to="+16135550100")
        self.stage.report(switch, report)

    def traffic(self, from_ms: int, to_ms: int) -> None:
        """The usual calls."""
        for at_ms in range(from_ms, to_ms, PAUSE_MS):
            self.to(at_ms)
            self.call(at_ms)

    def weeks(self, count: int) -> int:
        """So many ordinary weeks; returns when the next Monday begins."""
        for week in range(count):
            monday_ms = MONDAY_MS + week * WEEK_MS
            self.traffic(monday_ms + 8 * HOUR_MS, monday_ms + 13 * HOUR_MS)
        self.stage.happened = Happened()
        return MONDAY_MS + count * WEEK_MS

    def told(self) -> list[Notice]:
        """What on-call was told since the last time of asking."""
        happened, self.stage.happened = self.stage.happened, Happened()
        return [notice for notice in happened.notices if notice.kind is NoticeKind.BLIND]


def with_silent_after(span_ms: int) -> Play:
    """The same with another word in the configuration."""
    declared = Settings(switches={"sw1": SwitchSettings(silent_after_ms=span_ms)})
    return Play(Stage(declared, now_ms=MONDAY_MS))


def test_silence_at_a_busy_hour_is_told_with_what_is_usual() -> None:
    play = Play()
    monday_ms = play.weeks(2)
    play.traffic(monday_ms + 8 * HOUR_MS, monday_ms + 10 * HOUR_MS + 1)
    play.to(monday_ms + 10 * HOUR_MS + 14 * MINUTE_MS - 1)
    assert play.told() == []
    play.to(monday_ms + 11 * HOUR_MS)
    [notice] = play.told()
    assert (notice.at_ms, notice.switch) == (monday_ms + 10 * HOUR_MS + 14 * MINUTE_MS, "sw1")
    assert notice.text == (
        "Switch sw1 has brought no call for 14 min; 60 are usual in this hour of the week (Monday 10:00 UTC)."
    )
    view = switch_picture(play.stage.engine.world.switches["sw1"], play.stage.now_ms)
    assert (view.silence, view.blind, view.up, view.usual_calls) == ("unusual", False, True, 60)


def test_its_end_is_told_once() -> None:
    play = Play()
    monday_ms = play.weeks(2)
    play.traffic(monday_ms + 8 * HOUR_MS, monday_ms + 10 * HOUR_MS + 1)
    play.traffic(monday_ms + 11 * HOUR_MS, monday_ms + 12 * HOUR_MS)
    began, ended = play.told()
    assert (began.over, ended.over) == (False, True)
    assert (ended.at_ms, ended.switch) == (monday_ms + 11 * HOUR_MS, "sw1")


def test_what_was_told_before_a_restart_ends_after_it() -> None:
    play = Play()
    monday_ms = play.weeks(2)
    play.traffic(monday_ms + 8 * HOUR_MS, monday_ms + 10 * HOUR_MS + 1)
    play.to(monday_ms + 11 * HOUR_MS)
    play.stage.restart(crash=True)
    play.stage.subscribed()
    play.to(monday_ms + 12 * HOUR_MS)
    play.call(play.stage.now_ms)
    assert [notice.over for notice in play.told()] == [False, True]


@pytest.mark.parametrize("crash", [True, False])
def test_what_is_usual_survives_a_restart_and_a_crash(crash: bool) -> None:  # noqa: FBT001 -- a parameter of the test
    play = Play()
    monday_ms = play.weeks(2)
    play.traffic(monday_ms + 8 * HOUR_MS, monday_ms + 9 * HOUR_MS + 1)
    play.stage.restart(crash=crash)
    play.to(monday_ms + 10 * HOUR_MS)
    play.stage.subscribed()
    play.to(monday_ms + 11 * HOUR_MS)
    [notice] = play.told()
    # Silence is counted from where guard could hear again.
    assert notice.at_ms == monday_ms + 10 * HOUR_MS + 14 * MINUTE_MS


def test_a_quiet_night_and_a_quiet_week_are_no_alarm() -> None:
    play = Play()
    monday_ms = play.weeks(3)
    play.to(monday_ms + 9 * HOUR_MS)
    assert play.told() == []


def test_nothing_is_unusual_before_two_weeks_were_seen() -> None:
    play = Play()
    monday_ms = play.weeks(1)
    play.to(monday_ms + WEEK_MS + 8 * HOUR_MS - 1)
    assert play.told() == []
    play.to(monday_ms + WEEK_MS + 8 * HOUR_MS)
    assert [notice.switch for notice in play.told()] == ["sw1"]


def test_a_shorter_silence_than_the_operators_word_is_never_unusual() -> None:
    play = with_silent_after(40 * MINUTE_MS)
    monday_ms = play.weeks(2)
    play.traffic(monday_ms + 8 * HOUR_MS, monday_ms + 10 * HOUR_MS + 1)
    play.to(monday_ms + 11 * HOUR_MS)
    [notice] = play.told()
    assert notice.at_ms == monday_ms + 10 * HOUR_MS + 40 * MINUTE_MS


def test_an_operator_can_turn_it_off() -> None:
    play = with_silent_after(0)
    monday_ms = play.weeks(2)
    play.to(monday_ms + 20 * HOUR_MS)
    assert play.told() == []


def test_no_switch_is_blamed_while_guard_cannot_hear() -> None:
    play = Play()
    monday_ms = play.weeks(2)
    play.traffic(monday_ms + 8 * HOUR_MS, monday_ms + 9 * HOUR_MS + 1)
    play.stage.cut_off()
    play.to(monday_ms + 11 * HOUR_MS)
    play.stage.subscribed()
    play.to(monday_ms + 11 * HOUR_MS + 13 * MINUTE_MS)
    assert [(notice.switch, notice.over) for notice in play.told()] == [("", False), ("", True)]


def test_a_backlog_is_no_silence_and_teaches_nothing() -> None:
    """What was sent from eight to eleven comes at eleven: no hour of it is learned."""
    play = Play()
    monday_ms = play.weeks(2)
    usual = play.stage.engine.world.switches["sw1"].expectation.row()
    play.stage.cut_off()
    play.to(monday_ms + 11 * HOUR_MS)
    play.stage.subscribed()
    for at_ms in range(monday_ms + 8 * HOUR_MS, monday_ms + 11 * HOUR_MS, PAUSE_MS):
        play.call(at_ms)
    play.traffic(monday_ms + 11 * HOUR_MS, monday_ms + 12 * HOUR_MS + 1)
    assert not [notice for notice in play.told() if notice.switch]
    after = play.stage.engine.world.switches["sw1"].expectation.row()
    hours = [(monday_ms // HOUR_MS + hour) % len(usual.usual) for hour in range(8, 12)]
    assert [after.learned[hour] for hour in hours] == [usual.learned[hour] for hour in hours]
    assert [after.usual[hour] for hour in hours] == [usual.usual[hour] for hour in hours]


@pytest.mark.parametrize("step_ms", [HOUR_MS, -HOUR_MS, 3 * HOUR_MS + 1])
def test_a_step_of_our_clock_is_no_silence(step_ms: int) -> None:
    play = Play()
    monday_ms = play.weeks(2)
    play.traffic(monday_ms + 8 * HOUR_MS, monday_ms + 9 * HOUR_MS + 30 * MINUTE_MS)
    play.stage.set_clock(play.stage.now_ms + step_ms)
    play.to(play.stage.now_ms + 13 * MINUTE_MS)
    assert play.told() == []


def test_a_switch_that_is_down_is_down_and_not_silent_and_its_hours_teach_nothing() -> None:
    play = Play()
    monday_ms = play.weeks(2)
    usual = play.stage.engine.world.switches["sw1"].expectation.row()
    play.to(monday_ms + 8 * HOUR_MS)
    play.stage.control(SwitchStatus(switch="sw1", up=False))
    play.to(monday_ms + 12 * HOUR_MS)
    assert play.told() == []
    hours = [(monday_ms // HOUR_MS + hour) % len(usual.usual) for hour in range(8, 12)]
    after = play.stage.engine.world.switches["sw1"].expectation.row()
    assert [after.usual[hour] for hour in hours] == [usual.usual[hour] for hour in hours]
    play.stage.control(SwitchStatus(switch="sw1", up=True))
    play.to(monday_ms + 12 * HOUR_MS + 13 * MINUTE_MS)
    assert play.told() == []


def test_one_switch_that_is_silent_says_nothing_of_another() -> None:
    play = Play()
    monday_ms = play.weeks(2)
    play.to(monday_ms + 7 * HOUR_MS)
    for at_ms in range(monday_ms + 8 * HOUR_MS, monday_ms + 11 * HOUR_MS, PAUSE_MS):
        play.to(at_ms)
        play.call(at_ms, switch="sw2")
    assert [notice.switch for notice in play.told()] == ["sw1"]


def test_ticks_are_not_counted_as_calls() -> None:
    """A long call reports each second; it is one call."""
    play = Play()
    for second in range(0, 3_600, 20):
        play.to(MONDAY_MS + HOUR_MS + second * 1_000)
        report = Report(
            call="long",
            event=Event.TICK,
            account="A1",
            at_ms=play.stage.now_ms,
            duration_ms=second * 1_000,
        )
        play.stage.report("sw1", report)
    play.to(MONDAY_MS + 3 * HOUR_MS)
    switch = play.stage.engine.world.switches["sw1"]
    assert sum(switch.expectation.row().usual) == 0


def test_nothing_wakes_the_engine_more_than_a_few_times_an_hour_for_silence() -> None:
    """Moments are computed: a quiet night costs one look an hour and the memory's sweep each minute."""
    play = Play()
    monday_ms = play.weeks(2)
    play.to(monday_ms + HOUR_MS)
    presence = play.stage.engine._presence
    looks = 0
    while presence.next_due_ms < monday_ms + 7 * HOUR_MS:
        looks += 1
        presence.advance(presence.next_due_ms)
    assert looks <= 2 * 6
