"""A replay skips the moments at which nothing happens: what happens is the same as with a look at each of them."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from guard.core.decisions import Changes
from guard.core.engine import Engine
from guard.core.records import Event, Report
from guard.core.scopes import Scopes
from guard.core.settings import HOUR_MS, MINUTE_MS, SECOND_MS, Settings, SwitchSettings
from tests.scenarios.stage import START_MS

SETTINGS = Settings(
    blind_carry_ms=5 * MINUTE_MS, lost_after_ms=20 * MINUTE_MS, switches={"mute": SwitchSettings(ticks=False)}
)
CALLS = [("sw1", "C1", "A1"), ("sw1", "C2", "A2"), ("sw2", "C3", "A1"), ("mute", "C4", "A2")]
Step = tuple[int, int, bool]
"""Seconds after the one before, number of the call, whether it ends."""


def played(steps: list[Step], *, skipping: bool) -> tuple[list[Changes], int, list[object]]:
    """All that happens, how often the engine was advanced, and how the accounts stand at the end."""
    engine = Engine(SETTINGS, Scopes.of_country_code("1"), START_MS)
    happened, looks, begun = list[Changes](), 0, dict[str, int]()

    def pass_time(until_ms: int) -> int:
        looked = 0
        while True:
            due_ms = engine.next_due_by(until_ms) if skipping else engine.next_wake_ms
            if due_ms is None or due_ms > until_ms:
                return looked
            engine.advance(due_ms)
            happened.append(engine.facts())
            looked += 1

    now_ms = START_MS
    for after_s, number, ends in steps:
        now_ms += after_s * SECOND_MS
        looks += pass_time(now_ms)
        switch, name, account = CALLS[number]
        lasted_ms = now_ms - begun.setdefault(name, now_ms)
        event = Event.ENDED if ends else Event.TICK
        report = Report(name, event, account, now_ms, lasted_ms, "+252611234567", rate_micros=5_000_000)
        engine.report(switch, report, now_ms)
        happened.append(engine.facts())
    now_ms += HOUR_MS // 2
    looks += pass_time(now_ms)
    stands: list[object] = [engine.picture(account, now_ms) for account in ("A1", "A2")]
    return [each for each in happened if each != Changes()], looks, stands


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(0, 300), st.integers(0, 3), st.booleans()), max_size=20))
def test_what_is_skipped_would_have_changed_nothing(steps: list[Step]) -> None:
    """Calls that go on, end, fall silent with and without their switch, and are lost, at limits of 100."""
    skipped, few, stand = played(steps, skipping=True)
    looked, many, stood = played(steps, skipping=False)
    assert skipped == looked
    assert stand == stood
    assert few <= many


def test_calls_that_go_on_need_no_look() -> None:
    steps = [(29, 0, False)] * 100
    assert played(steps, skipping=False)[1] - played(steps, skipping=True)[1] >= 20
