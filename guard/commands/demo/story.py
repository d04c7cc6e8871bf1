"""What has happened in the demonstration so far. Pure: reports, decisions, commands and pictures go in with their time.

Screens and summary read it. Money and limits are the daemon's words (pictures over HTTP, decisions over MQTT); calls,
their number and their rates are the switch's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from guard.commands.demo.cast import Cast
from guard.core.decisions import Command, CommandAction
from guard.core.money import MS_PER_MINUTE, format_cents, parse_money
from guard.core.records import Event, Report
from guard.replay.catalog import destination_of
from guard.replay.link import Heard
from guard.replay.switch import CAUSE_BLOCKED, CAUSE_ENDED


@dataclass(slots=True)
class AccountLine:
    """One account as last seen."""

    account: str
    name: str
    state: str = "active"
    exposure_micros: int = 0
    limit_micros: int | None = None
    reaches_limit_at_ms: int | None = None
    """As the daemon has computed it."""
    rates: dict[str, int] = field(default_factory=dict)
    """Rate of each call that is up, by the switch's reports."""

    @property
    def burn_micros(self) -> int:
        """What it is being charged a minute."""
        return sum(self.rates.values())

    @property
    def percent(self) -> int:
        """Part of the limit that is used, rounded down."""
        return self.exposure_micros * 100 // self.limit_micros if self.limit_micros else 0


@dataclass(frozen=True, slots=True)
class Moment:
    """Something worth a line."""

    after_ms: int
    """Since the story began."""
    mood: str
    """`calm`, `warn`, `bad` or `good`: how to colour it."""
    text: str


@dataclass(slots=True)
class Turning:
    """The times that decide how well guard did, and what was up when the block came; milliseconds since 1970."""

    hacked_at_ms: int | None = None
    warned_at_ms: dict[str, int] = field(default_factory=dict)
    decided_at_ms: int | None = None
    obeyed_at_ms: int | None = None
    breach_at_ms: int | None = None
    """When the true value of the calls reached the limit, by the switch's own meter."""
    released_at_ms: int | None = None
    """When somebody lifted the block again, by hand."""
    ended_calls: int = 0
    cut_burn_micros: int = 0
    """What the calls that were ended cost a minute, together."""
    block_text: str = ""
    fraud_calls: int = 0
    places: dict[str, None] = field(default_factory=dict)
    """Where the fraudulent calls went, in the order of the first ones."""
    fraud_micros: int = 0
    """What the fraudulent calls that are over have cost."""
    refused: int = 0


@dataclass(slots=True)
class Emergency:
    """An emergency call of the hacked customer."""

    answered_at_ms: int
    ended_at_ms: int | None = None
    cut: bool = False
    """A block ended it: must never be."""


class Story:
    """Collects what happens."""

    def __init__(self, cast: Cast, started_at_ms: int) -> None:
        self.cast = cast
        self.started_at_ms = started_at_ms
        self.accounts = {each.account: AccountLine(each.account, each.name) for each in cast.customers}
        self.moments: list[Moment] = []
        """In the order in which they became known, which is not always that of their times."""
        self.turning = Turning()
        self.emergencies: dict[str, Emergency] = {}
        """Emergency calls of the hacked customer, by call."""
        self.reports = 0
        self._decided: set[str] = set()
        self._introduced: set[str] = set()
        self.tell(
            started_at_ms, "calm", f"{len(self.accounts)} customers make their usual calls; guard watches each one"
        )

    @property
    def hacked(self) -> AccountLine:
        """The account that is broken into."""
        return self.accounts[self.cast.fraud.account]

    def tell(self, at_ms: int, mood: str, text: str) -> None:
        """Add a line."""
        self.moments.append(Moment(max(0, at_ms - self.started_at_ms), mood, text))

    # -- the switch ------------------------------------------------------------------------------

    def see_reports(self, reports: Iterable[Report]) -> None:
        """What the switch says about its calls."""
        for report in reports:
            self.reports += 1
            rates = self.accounts[report.account].rates
            if report.event is Event.ANSWERED:
                rates[report.call] = report.rate_micros or 0
                self._see_ordinary(report)
            elif report.event is Event.ENDED:
                rate_micros = rates.pop(report.call, 0)
                if report.cause == CAUSE_ENDED:
                    self.turning.ended_calls += 1
                    self.turning.cut_burn_micros += rate_micros
            if report.account == self.cast.fraud.account:
                self._see_hacked(report)

    def _see_ordinary(self, report: Report) -> None:
        """The first call of each customer that costs something, so that one sees what is usual."""
        place = destination_of(report.to or "")
        if place is None or not report.rate_micros or report.account in self._introduced:
            return
        self._introduced.add(report.account)
        if self.turning.hacked_at_ms is None and report.caller != self.cast.fraud.caller:
            name = self.accounts[report.account].name
            self.tell(report.at_ms, "calm", f"{name} calls {place.name}, {place.rate} a minute")

    def _see_hacked(self, report: Report) -> None:
        if report.emergency:
            self._see_emergency(report)
        elif report.caller == self.cast.fraud.caller:
            self._see_fraud(report)

    def _see_emergency(self, report: Report) -> None:
        if report.event is Event.ANSWERED:
            self.emergencies[report.call] = Emergency(report.at_ms)
            blocked = "is blocked and dials" if self.turning.obeyed_at_ms else "dials"
            text = f"{self.hacked.name} {blocked} {report.to}: an emergency call always goes through"
            self.tell(report.at_ms, "good", text)
        elif report.event is Event.ENDED:
            emergency = self.emergencies[report.call]
            emergency.ended_at_ms, emergency.cut = report.at_ms, report.cause == CAUSE_ENDED

    def _see_fraud(self, report: Report) -> None:
        turning = self.turning
        if report.event is Event.ANSWERED:
            turning.fraud_calls += 1
            place = destination_of(report.to or "")
            where = place.name if place else "far away"
            turning.places[where] = None
            if turning.hacked_at_ms is None:
                turning.hacked_at_ms = report.at_ms
                rate = format_cents(report.rate_micros or 0)
                self.tell(
                    report.at_ms,
                    "bad",
                    f"{self.hacked.name} is hacked: first call to {where}, {rate} a minute",
                )
        elif report.event is Event.ENDED:
            turning.fraud_micros += report.charge_micros or 0
        elif report.event is Event.FAILED and report.cause == CAUSE_BLOCKED:
            turning.refused += 1
            if turning.refused == 1:
                self.tell(report.at_ms, "good", "the fraudster dials on: from now on the switch refuses every call")

    def see_heard(self, heard: Heard, breach_at_ms: int | None) -> None:
        """What the switch was told and has done, and when the limit was truly reached."""
        message, turning = heard.message, self.turning
        if not isinstance(message, Command) or message.account != self.cast.fraud.account:
            return
        if message.action is not CommandAction.BLOCK or turning.obeyed_at_ms is not None:
            return
        turning.obeyed_at_ms, turning.breach_at_ms = heard.received_at_ms, breach_at_ms
        calls = "call" if heard.ended_calls == 1 else "calls"
        text = f"the switch has the block and ends {heard.ended_calls} {calls}"
        if breach_at_ms is not None:
            text += f", {max(0, heard.received_at_ms - breach_at_ms)} ms after the limit was truly reached"
        self.tell(heard.received_at_ms, "good", text)

    # -- the daemon ------------------------------------------------------------------------------

    def see_decision(self, decision: Mapping[str, Any], now_ms: int) -> None:
        """A decision as published; the same one again (at least once) says nothing."""
        if decision["id"] in self._decided:
            return
        self._decided.add(decision["id"])
        at_ms = milliseconds(decision.get("at")) or now_ms
        action, account = decision["action"], decision["account"]
        if decision["mode"] == "shadow":
            why = decision["rule"] or decision["reason"]
            self.tell(at_ms, "calm", f"{account}  recorded only ({why}): {decision['text']}")
            return
        if account == self.cast.fraud.account:
            self._see_decided(decision, at_ms)
        moods = {"warn": "warn", "block": "bad", "held": "warn"}
        self.tell(at_ms, moods.get(action, "calm"), f"{account}  {decision['text']}")

    def _see_decided(self, decision: Mapping[str, Any], at_ms: int) -> None:
        """What was done about the hacked account."""
        turning, action = self.turning, decision["action"]
        if action == "warn" and decision["reason"] == "credit_limit":
            turning.warned_at_ms[str(decision["mark"])] = at_ms
        elif action == "block" and turning.decided_at_ms is None:
            turning.decided_at_ms, turning.block_text = at_ms, decision["text"]
        elif action in {"unblock", "allow"}:
            turning.released_at_ms = at_ms

    def see_picture(self, picture: Mapping[str, Any]) -> None:
        """An account as the API shows it."""
        line = self.accounts.get(picture["account"])
        if line is None:
            return
        line.state = picture["state"]
        line.exposure_micros = parse_money(picture["exposure"])
        line.limit_micros = None if picture["limit"] is None else parse_money(picture["limit"])
        line.reaches_limit_at_ms = milliseconds(picture["reaches_limit_at"])

    # -- derived ---------------------------------------------------------------------------------

    @property
    def live_calls(self) -> int:
        """Calls of all accounts that are up."""
        return sum(len(line.rates) for line in self.accounts.values())

    def saved_micros(self, now_ms: int) -> int:
        """What the calls that were ended would have cost since, at the rate at which they burned."""
        turning = self.turning
        if turning.obeyed_at_ms is None:
            return 0
        until_ms = now_ms if turning.released_at_ms is None else min(now_ms, turning.released_at_ms)
        return turning.cut_burn_micros * max(0, until_ms - turning.obeyed_at_ms) // MS_PER_MINUTE


def milliseconds(text: object) -> int | None:
    """Milliseconds of a time of the contract."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int(moment.timestamp()) * 1_000 + moment.microsecond // 1_000
