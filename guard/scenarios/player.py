"""Plays a scenario through the engine and compares what the rules said with what was expected.

No rule acts while a scenario is played: all are in shadow, and the one that the file is about is played even if it is
off. What a rule asks for is the same, and the next line is not about a customer who has been blocked meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import assert_never

from guard.core.decisions import Action, Decision, Reason, SnapshotPart
from guard.core.engine import Engine
from guard.core.money import format_cents
from guard.core.rating import Rating
from guard.core.records import AccountMessage, Ack, Credit, SwitchStatus
from guard.core.rules.rule import Rule, RuleMode
from guard.core.scopes import Scopes
from guard.core.settings import DAY_MS, SECOND_MS, Settings
from guard.core.tariff import Destination
from guard.scenarios.script import MONDAY_MS, Expectation, Line, Scenario, Verdict
from guard.scenarios.traffic import SWITCH, Call, calls_of, reports_of

OPENED_MS = 5 * 365 * DAY_MS
"""How long an account has been a customer unless the scenario says."""

Numbering = Callable[[str, Sequence[Destination]], tuple[Rating, Scopes]]
"""How numbers are read in a country with such a tariff: libphonenumber is not this package's business."""


@dataclass(frozen=True, slots=True)
class Unmet:
    """An expectation that was not met."""

    place: str
    rule: str
    title: str
    expected: str
    got: str

    def __str__(self) -> str:
        """One line, as `guard check` prints it."""
        return f"{self.place}: rule {self.rule}: {self.title}: expected {self.expected}; got {self.got}"


def play(scenario: Scenario, rule_id: str, rules: Iterable[Rule], numbering: Numbering) -> list[Unmet]:
    """What was expected of the rule and did not come; nothing: it is as it says."""
    rating, scopes = numbering(scenario.country, scenario.tariff)
    reports = reports_of(scenario)
    engine = Engine(Settings(), scopes, reports[0].at_ms, rating=rating, rules=_in_shadow(rule_id, rules))
    _meet_switch(engine, reports[0].at_ms)
    for account in sorted({report.account for report in reports}):
        engine.billing(_customer(scenario, account), reports[0].at_ms)
    for report in reports:
        engine.advance(report.at_ms)
        engine.report(SWITCH, report, report.at_ms)
    decided = [each for each in engine.take().decisions if each.reason is Reason.RULE]
    return [
        Unmet(f"{scenario.path}:{line.number}", rule_id, scenario.title, expected.text, got)
        for line in scenario.lines
        for expected in line.expected
        if (got := _differs(expected, line, rule_id, decided))
    ]


def _meet_switch(engine: Engine, now_ms: int) -> None:
    """The switch has understood that nobody is blocked; nothing else will be said to it."""
    engine.control(SwitchStatus(switch=SWITCH, up=True), now_ms)
    for send in engine.take().sends:
        if isinstance(send.message, SnapshotPart):
            ack = Ack(switch=SWITCH, id=send.message.id, ok=True, part=send.message.part, at_ms=now_ms)
            engine.control(ack, now_ms)


def _in_shadow(rule_id: str, rules: Iterable[Rule]) -> list[Rule]:
    return [
        replace(rule, mode=RuleMode.SHADOW) for rule in rules if rule.mode is not RuleMode.OFF or rule.id == rule_id
    ]


def _customer(scenario: Scenario, account: str) -> AccountMessage:
    opened_ms = MONDAY_MS - scenario.opened_ms.get(account, OPENED_MS)
    return AccountMessage(
        id=f"account-{account}",
        account=account,
        opened=datetime.fromtimestamp(opened_ms // SECOND_MS, tz=UTC).date().isoformat(),
        credit=Credit(limit_micros=None),
    )


def _differs(expected: Expectation, line: Line, rule_id: str, decided: Sequence[Decision]) -> str:
    """What came instead; empty: it is as expected."""
    calls = calls_of(line)
    accounts = {call.account for call in calls}
    begins_ms, ends_ms = calls[0].begins_ms, max(call.ends_ms for call in calls)
    about = [each for each in decided if each.account in accounts and begins_ms <= each.at_ms <= ends_ms]
    own = [each for each in about if each.rule == rule_id]
    blocks = [each for each in own if each.action is Action.BLOCK]
    warns = [each for each in own if each.action is Action.WARN]
    wrong: list[Decision]
    match expected.verdict:
        case Verdict.BLOCK:
            if blocks:
                return _too_late(expected, blocks[0], calls)
            return _told(warns, calls)
        case Verdict.WARN:
            return "" if warns and not blocks else _told(blocks, calls)
        case Verdict.NO_BLOCK:
            wrong = blocks
        case Verdict.SILENT:
            wrong = warns + blocks
        case Verdict.FREE:
            wrong = [each for each in about if each.action is Action.BLOCK]
        case _:
            assert_never(expected.verdict)
    return _told(wrong, calls) if wrong else ""


def _too_late(expected: Expectation, block: Decision, calls: Sequence[Call]) -> str:
    late = expected.within_ms is not None and block.at_ms - calls[0].begins_ms > expected.within_ms
    dear = expected.before_micros is not None and _spent_micros(calls, block.at_ms) >= expected.before_micros
    return _told([block], calls) if late or dear else ""


def _told(decisions: Sequence[Decision], calls: Sequence[Call]) -> str:
    """The first of them, with its time and what had been spent by then."""
    if not decisions:
        return "nothing of it"
    first = decisions[0]
    after_s = (first.at_ms - calls[0].begins_ms) // SECOND_MS
    spent = format_cents(_spent_micros(calls, first.at_ms))
    return f"{first.action.value} by {first.rule} after {after_s} s and {spent} spent ({first.text})"


def _spent_micros(calls: Iterable[Call], at_ms: int) -> int:
    return sum(call.cost_micros(at_ms) for call in calls)
