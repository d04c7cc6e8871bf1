"""The simulated switch: what it reports, what it refuses, what a block ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.emergency import EmergencyNumbers
from guard.core.records import Direction, Event, Scope
from guard.replay.scopes import ScopeTables
from guard.replay.switch import SimulatedSwitch
from guard.replay.truth import Truth
from tests.replay.builders import FAR, NEAR, T0, attempt, block, part, told, unblock

ABROAD = ScopeTables({"all": {"": True}, "international": {"": True, "1": False, "1264": True}})


def switch(*, gate: bool = False, tick_ms: int = 10_000) -> SimulatedSwitch:
    return SimulatedSwitch("sw1", truth=Truth(["A1"]), gate=gate, tick_ms=tick_ms)


def test_a_call_is_answered_ticks_and_ends_with_cumulative_charges() -> None:
    sut = switch()
    reports = sut.attempt("C1", attempt(talk_ms=25_000), T0) + sut.advance(T0 + 60_000)
    assert [(report.event, report.duration_ms, report.charge_micros) for report in reports] == [
        (Event.ANSWERED, 0, 0),
        (Event.TICK, 10_000, 1_000_000),
        (Event.TICK, 20_000, 2_000_000),
        (Event.ENDED, 25_000, 2_500_000),
    ]
    assert [report.at_ms - T0 for report in reports] == [0, 10_000, 20_000, 25_000]
    assert sut.truth.account("A1").posted_micros == 2_500_000
    assert sut.live_calls == 0


@given(looks=st.lists(st.integers(1, 90_000), max_size=20), rate=st.integers(0, 30_000_000))
def test_reports_do_not_depend_on_how_often_the_switch_is_asked(looks: list[int], rate: int) -> None:
    def play(moments: list[int]) -> list[object]:
        sut = switch()
        reports = sut.attempt("C1", attempt(talk_ms=61_001, rate_micros=rate), T0)
        reports += sut.attempt("C2", attempt(talk_ms=40_000, to=NEAR, rate_micros=12_345), T0)
        for moment in moments:
            reports += sut.advance(T0 + moment)
        return list(reports)

    assert play([*sorted(looks), 90_000]) == play([90_000])


@given(rate=st.integers(0, 30_000_000), talk_ms=st.integers(1, 10_000_000))
def test_a_charge_is_exact_and_rounded_down(rate: int, talk_ms: int) -> None:
    sut = switch(tick_ms=10_000_000)
    sut.attempt("C1", attempt(rate_micros=rate, talk_ms=talk_ms), T0)
    charge = sut.advance(T0 + talk_ms)[-1].charge_micros
    assert charge is not None
    assert charge * 60_000 <= rate * talk_ms < (charge + 1) * 60_000


def test_an_attempt_that_is_not_answered_is_reported_as_failed() -> None:
    (report,) = switch().attempt("C1", attempt(answered=False), T0)
    assert (report.event, report.cause, report.to) == (Event.FAILED, "busy", FAR)


def test_no_more_calls_than_lines() -> None:
    sut = switch()
    assert told(sut.attempt("C1", attempt(lines=1), T0)) == [("C1", Event.ANSWERED)]
    assert sut.attempt("C2", attempt(lines=1), T0) == []


def test_a_block_ends_outgoing_and_forwarded_calls_only() -> None:
    sut = switch()
    for call, direction in (
        ("out", Direction.OUTGOING),
        ("forwarded", Direction.FORWARDED),
        ("in", Direction.INCOMING),
        ("internal", Direction.INTERNAL),
    ):
        sut.attempt(call, attempt(direction=direction), T0)
    sut.attempt("other account", attempt("A2"), T0)
    obeyed = sut.obey(block(1), T0 + 30_000)
    assert told(obeyed.reports) == [("out", Event.ENDED), ("forwarded", Event.ENDED)]
    assert obeyed.ack is not None
    assert (obeyed.ack.id, obeyed.ack.ok, obeyed.ack.ended_calls) == ("c1", True, 2)
    assert sut.live_calls == 3


def test_what_a_block_saved_is_what_the_calls_would_still_have_cost() -> None:
    sut = switch()
    sut.attempt("C1", attempt(rate_micros=6_000_000, talk_ms=600_000), T0)
    sut.obey(block(1), T0 + 60_000)
    truth = sut.truth.account("A1")
    assert (truth.posted_micros, truth.saved_micros, truth.ended_by_block) == (6_000_000, 54_000_000, 1)


@pytest.mark.parametrize(
    ("dialled", "flag"),
    [("911", False), ("+911", False), ("112", False), ("988", False), ("+14165550199", True)],
)
def test_an_emergency_call_passes_everything_and_nothing_ends_it(dialled: str, *, flag: bool) -> None:
    """Neither the gate, nor a block, nor the lines, nor a snapshot, whether flagged or told by its number."""
    sut = switch(gate=True)
    before = sut.attempt("before", attempt(to=dialled, emergency=flag, lines=1, talk_ms=600_000), T0)
    assert told(before) == [("before", Event.ANSWERED)]
    sut.obey(part(("A1", 3)), T0 + 1_000)
    sut.obey(block(4), T0 + 2_000)
    after = sut.attempt("after", attempt(to=dialled, emergency=flag, lines=1, talk_ms=600_000), T0 + 3_000)
    assert told(after) == [("after", Event.ANSWERED)]
    assert sut.live_calls == 2
    ended = [report for report in sut.advance(T0 + 700_000) if report.event is Event.ENDED]
    assert [(report.charge_micros, report.emergency) for report in ended] == [(0, True), (0, True)]


def test_numbers_that_guard_adds_to_the_exemption_count_at_once() -> None:
    sut = SimulatedSwitch("sw1", emergency=EmergencyNumbers(["999"]))
    assert sut.attempt("C1", attempt(to="999"), T0)[0].emergency
    assert not sut.attempt("C2", attempt(to="911"), T0)[0].emergency
    sut.obey(block(1), T0)
    assert sut.attempt("C3", attempt(to="911"), T0)[0].emergency


def test_a_refused_attempt_says_that_it_was_blocked() -> None:
    sut = switch()
    sut.obey(block(1), T0)
    (report,) = sut.attempt("C1", attempt(), T0)
    assert (report.event, report.cause) == (Event.FAILED, "blocked")
    assert sut.truth.account("A1").refused == 1


def test_a_late_block_cannot_undo_an_unblock() -> None:
    sut = switch()
    sut.obey(block(1), T0)
    sut.obey(unblock(2), T0)
    late = sut.obey(block(1), T0)
    assert late.ack is not None
    assert late.ack.ok
    assert told(sut.attempt("C1", attempt(), T0)) == [("C1", Event.ANSWERED)]


def test_the_same_command_again_changes_nothing_and_is_acknowledged_again() -> None:
    sut = switch()
    sut.attempt("C1", attempt(), T0)
    assert sut.obey(block(1), T0 + 1_000).ack is not None
    again = sut.obey(block(1), T0 + 2_000)
    assert again.reports == []
    assert again.ack is not None
    assert again.ack.ok


def test_a_block_replaces_the_one_before_it() -> None:
    """It states the whole desired state: a narrower scope frees what the wider one stopped."""
    sut = switch()
    sut.learn_scopes(ABROAD, T0)
    sut.obey(block(1, scope=Scope.ALL), T0)
    sut.obey(block(2, scope=Scope.INTERNATIONAL), T0)
    assert told(sut.attempt("home", attempt(to=NEAR), T0)) == [("home", Event.ANSWERED)]
    assert told(sut.attempt("abroad", attempt(to=FAR), T0)) == [("abroad", Event.FAILED)]


@pytest.mark.parametrize(
    ("dialled", "stopped"),
    [
        ("+25377123456", True),
        ("01125377123456", True),
        ("0025377123456", True),
        ("+14165550123", False),
        ("4165550123", False),
        ("+12645550123", True),
        ("2645550123", True),
    ],
)
def test_the_longest_prefix_decides_what_a_scope_means(dialled: str, *, stopped: bool) -> None:
    sut = switch()
    sut.learn_scopes(ABROAD, T0)
    sut.obey(block(1, scope=Scope.INTERNATIONAL), T0)
    (report,) = sut.attempt("C1", attempt(to=dialled), T0)
    assert (report.event is Event.FAILED) is stopped


def test_a_scope_that_is_not_known_is_refused_until_it_is() -> None:
    sut = switch()
    sut.attempt("C1", attempt(), T0)
    refused = sut.obey(block(1, scope=Scope.INTERNATIONAL), T0)
    assert refused.ack is not None
    assert not refused.ack.ok
    assert "international" in refused.ack.error
    assert told(sut.learn_scopes(ABROAD, T0 + 1_000)) == [("C1", Event.ENDED)]
    again = sut.obey(block(1, scope=Scope.INTERNATIONAL), T0 + 2_000)
    assert again.ack is not None
    assert again.ack.ok


def test_a_block_without_end_calls_only_stops_new_ones() -> None:
    sut = switch()
    sut.attempt("C1", attempt(), T0)
    assert sut.obey(block(1, end_calls=False), T0).reports == []
    assert told(sut.attempt("C2", attempt(), T0)) == [("C2", Event.FAILED)]


def test_the_gate_lets_only_what_cannot_wait_through_until_the_first_snapshot() -> None:
    sut = switch(gate=True)
    (refused,) = sut.attempt("C1", attempt(), T0)
    assert (refused.event, refused.cause) == (Event.FAILED, "not_ready")
    assert told(sut.attempt("in", attempt(direction=Direction.INCOMING), T0)) == [("in", Event.ANSWERED)]
    sut.obey(part(), T0)
    assert told(sut.attempt("C2", attempt(), T0)) == [("C2", Event.ANSWERED)]


def test_a_snapshot_ends_calls_and_each_part_is_acknowledged() -> None:
    sut = switch()
    sut.attempt("C1", attempt(), T0)
    first = sut.obey(part(("A1", 5), number=1, of=2), T0 + 1_000)
    assert first.reports == []
    second = sut.obey(part(("A2", 1), number=2, of=2), T0 + 1_000)
    assert told(second.reports) == [("C1", Event.ENDED)]
    assert [(each.ack.id, each.ack.part) for each in (first, second) if each.ack] == [("s1", 1), ("s1", 2)]


def test_a_case_has_lines_of_its_own_and_its_own_truth() -> None:
    """Who comes in over his own line does not wait for the office's, and the office not for his."""
    sut = switch()
    office = attempt(lines=1, talk_ms=600_000)
    hacker = replace(attempt(lines=1, talk_ms=600_000), case="c1")
    assert [len(sut.attempt(f"C{number}", each, T0)) for number, each in enumerate([office, hacker, hacker])] == [
        1,
        1,
        0,
    ]
    sut.obey(block(1), T0 + 60_000)
    sut.attempt("C9", hacker, T0 + 90_000)
    truth = sut.truth.cases()["c1", "A1"]
    assert (truth.attempts, truth.calls, truth.refused) == (2, 1, 1)
    assert (truth.spent_micros, truth.saved_micros) == (6_000_000, 54_000_000 + 60_000_000)
    assert (truth.first_at_ms, truth.last_at_ms) == (T0, T0 + 90_000)


def test_a_switch_that_does_not_price_leaves_it_to_guard_and_still_knows() -> None:
    sut = SimulatedSwitch("sw1", priced=False)
    reports = sut.attempt("C1", attempt(talk_ms=25_000), T0) + sut.advance(T0 + 60_000)
    assert {(report.charge_micros, report.rate_micros) for report in reports} == {(None, None)}
    assert sut.truth.account("A1").posted_micros == 2_500_000


def test_shutting_down_ends_every_call() -> None:
    sut = switch()
    sut.attempt("C1", attempt(), T0)
    sut.attempt("C2", attempt(to="911", emergency=True), T0)
    assert told(sut.shut_down(T0 + 5_000)) == [("C1", Event.ENDED), ("C2", Event.ENDED)]
    assert sut.live_calls == 0
    assert sut.advance(T0 + 600_000) == []
