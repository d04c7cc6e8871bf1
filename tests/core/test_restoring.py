"""A large store is taken up in steps, so that whoever has to renew a lease meanwhile can."""

from __future__ import annotations

from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Event, Report
from guard.core.restoring import STEP
from guard.core.rules.rule import Rule
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from tests.core.rules.builders import rule
from tests.scenarios.store import DictStore

NOW_MS = 1_800_000_000_000
ACCOUNTS = 2 * STEP + 1
RULES: tuple[Rule, ...] = (rule("calls"),)


def engine() -> Engine:
    return Engine(Settings(), Scopes.of_country_code("1"), NOW_MS, rules=RULES)


def test_a_step_is_some_hundred_rows_and_all_of_them_come_to_the_same() -> None:
    before, store = engine(), DictStore()
    for number in range(ACCOUNTS):
        report = Report(
            f"c{number}",
            Event.TICK,
            f"A{number}",
            NOW_MS,
            1_000,
            to="+252612345678",
            charge_micros=Micros(number),
            rate_micros=Micros(60),
        )
        before.report("sw1", report, NOW_MS)
    store.commit(before.take())
    store.commit(before.keepsakes())

    at_once, in_steps = engine(), engine()
    at_once.restore(store.restored(), NOW_MS)
    steps = sum(1 for _ in in_steps.restoring(store.restored(), NOW_MS))

    assert steps >= 4 * (ACCOUNTS // STEP), "accounts, calls, what rules know of each, alarms"
    for number in range(ACCOUNTS):
        assert in_steps.picture(f"A{number}", NOW_MS) == at_once.picture(f"A{number}", NOW_MS)
    assert in_steps.next_wake_ms == at_once.next_wake_ms
