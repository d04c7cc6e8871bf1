"""The switchboard: what a block in force stops, and what it does not."""

from __future__ import annotations

import pytest

from guard.backtest.meter import Meter
from guard.backtest.switchboard import Switchboard
from guard.core.emergency import EmergencyNumbers
from guard.core.rating import Rating
from guard.core.records import Direction, Event, Report, Scope
from guard.core.rows import CommandRow
from guard.core.scopes import Scopes
from tests.backtest.histories import ABROAD, HOME, T0


def board(scope: str, *, end_calls: bool = True) -> Switchboard:
    made = Switchboard(
        Rating(unknown_rate_micros=1), Scopes.of_country_code("1"), EmergencyNumbers(), lambda *_about: None
    )
    made.obey("A", CommandRow("id", "block", scope, end_calls, "rule", T0, None))
    return made


def report(to: str, **more: object) -> Report:
    made = Report("c1", Event.ANSWERED, "A", T0, to=to)
    for name, value in more.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize(
    ("scope", "to", "refused"),
    [
        ("all", HOME, True),
        ("international", HOME, False),
        ("international", ABROAD, True),
        ("international", "+12645550100", True),
        ("premium", ABROAD, False),
        ("premium", "+19005550100", True),
        ("all", "911", False),
    ],
)
def test_only_calls_in_scope_are_refused(scope: str, to: str, *, refused: bool) -> None:
    assert board(scope).refuses(report(to)) is refused


def test_another_account_another_direction_and_an_unblocked_account_are_not_refused() -> None:
    made = board("all")
    assert not made.refuses(report(HOME, account="B"))
    assert not made.refuses(report(HOME, direction=Direction.INCOMING))
    assert made.refuses(report(HOME, direction=Direction.FORWARDED))
    made.obey("A", CommandRow("id", "unblock", "all", end_calls=False, reason="released", at_ms=T0, until_ms=None))
    assert not made.refuses(report(HOME))


def test_what_a_scope_reaches_is_told_anew_once_the_number_is_known() -> None:
    made, rating = board("all"), Rating(unknown_rate_micros=1)
    meter = Meter("A", rating)
    meter.take(report("", event=Event.TICK, duration_ms=1_000))
    assert made.reach(meter) == frozenset(Scope), "a number that is not known may lie anywhere"
    meter.take(report(HOME, event=Event.TICK, duration_ms=2_000))
    assert made.reach(meter) == {Scope.ALL}
    meter.take(report(ABROAD, event=Event.TICK, duration_ms=3_000))
    assert made.reach(meter) == {Scope.ALL}, "a call goes where it was first said to go"
