"""The straight way of plain ticks comes to what the careful way comes to, report by report, in all that is stored."""

from __future__ import annotations

from unittest.mock import PropertyMock, patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.core.calls import Call
from guard.core.engine import Engine
from guard.core.money import MAX_MICROS, Micros
from guard.core.plans import Plan, Quota, Reach
from guard.core.rating import Rating
from guard.core.records import AccountMessage, Direction, Event, Outcome, PaymentMessage, PaymentStatus, Report
from guard.core.rules.rule import RuleMode
from guard.core.scopes import Scopes
from guard.core.settings import MINUTE_MS, SECOND_MS, Settings
from guard.core.tariff import CallClass, Destination, Tariff
from tests.core.rules.builders import UNIT, rule
from tests.scenarios.stage import START_MS

SETTINGS = Settings(blind_carry_ms=5 * MINUTE_MS, lost_after_ms=20 * MINUTE_MS)
RULES = (
    rule("calls", window_ms=2 * MINUTE_MS, warn=2, block=4),
    rule("net", window_ms=5 * MINUTE_MS, warn=2 * UNIT, block=20 * UNIT, release_after_ms=MINUTE_MS),
    rule("rate", warn=2 * UNIT, block=9 * UNIT, mode=RuleMode.SHADOW),
    rule("duration", warn=30_000, block=90_000, mode=RuleMode.SHADOW),
    rule("drift", warn=UNIT, block=None, floor_micros=UNIT, mode=RuleMode.SHADOW),
)
KINDS = frozenset({CallClass.INTERNATIONAL, CallClass.DOMESTIC})
PRICED = Rating(
    unknown_rate_micros=UNIT,
    tariff=Tariff([Destination(prefix="252", name="Somalia", kind=CallClass.INTERNATIONAL, rate_micros=3 * UNIT)]),
    plans={"hour": Plan("hour", "", [Quota(key="hour/quota", reach=Reach(kinds=KINDS), seconds=60)], [])},
)
ACCOUNTS = ("A1", "A2")

Step = tuple[int, int, Event, dict[str, object]]
"""Seconds after the one before, number of the call, what, and what makes the report another than a plain tick."""

usual: st.SearchStrategy[dict[str, object]] = st.just({})
odd: st.SearchStrategy[dict[str, object]] = st.sampled_from(
    [
        {"charge_micros": None},
        {"rate_micros": None},
        {"rate_micros": 0},
        {"charge_micros": 0},
        {"charge_micros": MAX_MICROS},
        {"to": None},
        {"to": "911"},
        {"emergency": True},
        {"currency": "USD"},
        {"account": "A2"},
        {"direction": Direction.INCOMING},
        {"source": "192.0.2.1", "caller": "+16135550100"},
        {"late_ms": 20_000},
        {"late_ms": -20_000},
        {"late_ms": 8 * 24 * 60 * MINUTE_MS},
        {"duration_ms": 5_000},
        {"billing": "payment"},
        {"billing": "plan"},
    ]
)
steps = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 20, 30, 30, 30, 100, 400]),
        st.integers(0, 3),
        st.sampled_from([Event.TICK] * 6 + [Event.ANSWERED, Event.ENDED, Event.FAILED]),
        st.one_of(usual, usual, odd),
    ),
    max_size=50,
)


def played(made: list[Step], rating: Rating | None) -> list[tuple[Outcome, str]]:
    """What became of each report, and all that it has changed."""
    engine, now_ms = Engine(SETTINGS, Scopes.of_country_code("1"), START_MS, rating, RULES), START_MS
    begun, found = dict[int, int](), list[tuple[Outcome, str]]()
    for number, (after_s, call, event, other) in enumerate(made):
        now_ms += after_s * SECOND_MS
        while engine.next_wake_ms <= now_ms:
            engine.advance(engine.next_wake_ms)
        account = ACCOUNTS[call % 2]
        if other.get("billing") == "payment":
            payment = PaymentMessage(
                id=f"p{number}", account=account, amount_micros=Micros(UNIT), method="card", status=PaymentStatus.POSTED
            )
            engine.billing(payment, now_ms)
        elif other.get("billing") == "plan":
            engine.billing(AccountMessage(id=f"m{number}", account=account, plan="hour"), now_ms)
        lasted_ms = now_ms - begun.setdefault(call, now_ms)
        stated: dict[str, object] = {
            "account": account,
            "duration_ms": lasted_ms,
            "to": "+252612345678" if call < 3 else "+16135550100",
            "charge_micros": Micros(lasted_ms * 70),
            "rate_micros": 4_200_000,
        }
        late_ms = other.get("late_ms", 0)
        assert isinstance(late_ms, int)
        stated |= {key: value for key, value in other.items() if key not in {"late_ms", "billing"}}
        report = Report(call=f"c{call}", event=event, at_ms=now_ms - late_ms, **stated)  # type: ignore[arg-type]
        outcome = engine.report("sw1", report, now_ms)
        found.append((outcome, repr(engine.take())))
    found.append((Outcome.ACCEPTED, repr(engine.keepsakes())))
    return found


@pytest.mark.interpreted
@given(steps, st.sampled_from([None, PRICED]))
@settings(max_examples=150, deadline=None)
def test_both_ways_come_to_the_same(made: list[Step], rating: Rating | None) -> None:
    straight = played(made, rating)
    with patch.object(Call, "is_plain", PropertyMock(return_value=False)):
        careful = played(made, rating)
    assert straight == careful


@pytest.mark.interpreted
def test_most_ticks_go_the_straight_way() -> None:
    """Or the test above would compare the careful way with itself."""
    plain: list[Step] = [(30, 0, Event.ANSWERED, {}), *[(30, 0, Event.TICK, dict[str, object]())] * 5]
    with patch("guard.core.calls.Call.take_newest", autospec=True, side_effect=Call.take_newest) as careful:
        assert {outcome for outcome, _ in played(plain, None)} == {Outcome.ACCEPTED}
    assert careful.call_count == 1
