"""What rules cost: nanoseconds a report for having any, and for each shipped rule by itself on top of that.

Having any means that reports are told to the rules at all and profiles are kept: measured with a rule that looks at
none of these calls. `all` is the whole shipped set beside no rules.

The traffic is that of an office: calls at home and, one in four, abroad at a price that rules look at; each is
answered, goes on for six ticks and ends. All variants run in turn, several times over, and the quickest turn of each
counts: whatever else the machine does only ever makes one slower.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

from guard.config.rules import read_rules
from guard.config.shipped import shipped as shipped_folder
from guard.core.money import Micros
from guard.core.records import Direction, Event, Report
from guard.core.rules.rule import Measure, Per, Rule, RuleMode, Where
from guard.core.settings import HOUR_MS
from guard.shell.interpreter import settle_interpreter
from tests.bench.engine import START_MS, TICK_MS, engine_with

ACCOUNTS, CALLS, TICKS, TIMES = 200, 1_000, 6, 5
ABROAD_EVERY = 4
FIGURE = "rule_ns_"
"""What the names of its figures begin with."""
RATE_MICROS = 400_000
"""A minute abroad: above the price from which the shipped rules look at a call."""

_IDLE = Rule(
    id="idle",
    title="Looks at calls that there are none of",
    mode=RuleMode.SHADOW,
    measure=Measure.CALLS,
    window_ms=HOUR_MS,
    per=Per.ACCOUNT,
    where=Where(directions=frozenset({Direction.INTERNAL})),
    warn=1,
)


def traffic() -> list[tuple[int, list[Report]]]:
    """The reports of each moment."""
    moments = []
    for step in range(TICKS + 2):
        event = Event.ANSWERED if step == 0 else Event.ENDED if step == TICKS + 1 else Event.TICK
        at_ms = START_MS + step * TICK_MS
        moments.append((at_ms, [_report(call, event, at_ms) for call in range(CALLS)]))
    return moments


def _report(call: int, event: Event, at_ms: int) -> Report:
    abroad = call % ABROAD_EVERY == 0
    rate_micros, duration_ms = RATE_MICROS if abroad else 1_000, at_ms - START_MS
    return Report(
        f"c{call:07d}",
        event,
        f"A{call % ACCOUNTS:07d}",
        at_ms,
        duration_ms,
        to=f"+252{call:08d}" if abroad else f"+1613{call:07d}",
        charge_micros=Micros(rate_micros * duration_ms // 60_000),
        rate_micros=rate_micros,
    )


def spent_ns(rules: tuple[Rule, ...], moments: list[tuple[int, list[Report]]]) -> float:
    """Nanoseconds of the processor a report."""
    engine = engine_with(ACCOUNTS, rules)
    settle_interpreter()
    began = time.process_time_ns()
    for now_ms, reports in moments:
        engine.advance(now_ms)
        for report in reports:
            engine.report("sw1", report, now_ms)
        engine.take()
    spent = time.process_time_ns() - began
    gc.unfreeze()
    return spent / (CALLS * (TICKS + 2))


def run(show: Callable[[str], None]) -> dict[str, float]:
    """Having rules, each rule by itself, and all of them."""
    every = read_rules(shipped_folder("rules"))
    variants = {"none": (), "any": (_IDLE,), "all": every} | {rule.id: (rule,) for rule in every}
    moments = traffic()
    best = dict.fromkeys(variants, float("inf"))
    for _ in range(TIMES):
        for name, rules in variants.items():
            best[name] = min(best[name], spent_ns(rules, moments))
    none, any_rule, total = best.pop("none"), best.pop("any"), best.pop("all")
    added = {"any": any_rule - none, "all": total - none} | {name: spent - any_rule for name, spent in best.items()}
    show(f"rules: {none:,.0f} nanoseconds a report without any, one call in {ABROAD_EVERY} abroad; more with")
    for name, spent in added.items():
        show(f"  {name}: {spent:+,.0f}")
    return {FIGURE + name: spent for name, spent in added.items()}
