"""A ledger so simple that it is plainly right: it keeps every message and works everything out anew when asked.

It shares nothing with the engine but the records that enter it. Money is a `Fraction` of micros, time is milliseconds
of our clock (the switches here have true clocks), calls are lists of the reports received about them.

What it leaves out, the machine that drives it avoids: calls that fall silent, memory that ends, clocks that are wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    BalanceMessage,
    BillingMessage,
    CreditMessage,
    Direction,
    Event,
    PaymentMessage,
    PaymentStatus,
    Report,
)

DEFAULT_LIMIT = 100_000_000
DEFAULT_CURRENCY = "CAD"
UNKNOWN_RATE = 1_000_000
TRUST = {"cheque": Fraction(2, 5)}
DIALLED_IN_NEED = {"911", "112", "933", "988", "+911", "+112", "+933", "+988"}
LAG_MS, QUIET_MS = 5_000, 2_000


@dataclass(frozen=True)
class Heard:
    """A report from a switch, and when it was received."""

    switch: str
    report: Report
    received_ms: int


@dataclass(frozen=True)
class Billed:
    """A billing message, and when it was received."""

    message: BillingMessage
    received_ms: int


Message = Heard | Billed


@dataclass
class Line:
    """Money that moved."""

    account: str
    at_ms: int
    micros: Fraction


@dataclass
class NaiveCall:
    """A call as its reports tell it."""

    account: str
    heard: list[Report] = field(default_factory=list)
    """All reports about it, in the order of arrival, but not those that were held back."""
    posted: Fraction | None = None
    """What was posted; None while it is up."""

    @property
    def free(self) -> bool:
        """An emergency, or incoming or internal without a stated charge."""
        if any(report.emergency or report.to in DIALLED_IN_NEED for report in self.heard):
            return True
        ways = {report.direction for report in self.heard}
        stated = any(report.charge_micros is not None for report in self.heard)
        return bool(ways & {Direction.INCOMING, Direction.INTERNAL}) and not stated

    @property
    def newest(self) -> Report:
        """The one that ended it, else the one with the longest duration."""
        ended = [report for report in self.heard if report.event is Event.ENDED]
        return ended[0] if ended else max(self.heard, key=lambda report: (report.duration_ms, report.event))

    def rate(self) -> Fraction:
        """Per minute: the last one stated, whatever the order in which reports came."""
        before_the_end = self.heard
        for i, report in enumerate(self.heard):
            if report.event is Event.ENDED:
                before_the_end = self.heard[: i + 1]
                break
        stated = [report for report in before_the_end if report.rate_micros is not None]
        if not stated:
            return Fraction(UNKNOWN_RATE)
        return Fraction(max(stated, key=lambda report: report.duration_ms).rate_micros or 0)

    def charge(self) -> Fraction:
        """By the newest report: as stated, else whole seconds at the rate."""
        newest = self.newest
        if self.free:
            return Fraction(0)
        if newest.charge_micros is not None:
            return Fraction(newest.charge_micros)
        billed_s = -(-newest.duration_ms // 1_000)
        return Fraction((self.rate() * billed_s / 60 + Fraction(1, 2)).__floor__())

    def worth(self, now_ms: int, *, lagging: bool) -> Fraction:
        """Carried forward to now, unless its switch lags."""
        if self.free:
            return Fraction(0)
        grown = Fraction(0) if lagging else self.rate() * (now_ms - self.newest.at_ms) / 60_000
        return self.charge() + grown


@dataclass
class NaiveAccount:
    """An account as billing tells it."""

    limit: int | None = DEFAULT_LIMIT
    until_limit: int | None = None
    until_ms: int | None = None
    currency: str = DEFAULT_CURRENCY
    provisional: bool = True


class Books:
    """Everything that follows from a list of messages."""

    def __init__(self, messages: list[Message]) -> None:
        self.lines: list[Line] = []
        self.calls: dict[tuple[str, str], NaiveCall] = {}
        self.accounts: dict[str, NaiveAccount] = {}
        self.payments: dict[str, list[PaymentMessage]] = {}
        self.seen: dict[str, tuple[object, ...]] = {}
        self.outcome = ""
        """What became of the last message."""
        for message in messages:
            self.outcome = self._hear(message) if isinstance(message, Heard) else self._bill(message)

    # -- answers

    def owed(self, account: str) -> Fraction:
        """Sum of its lines."""
        return sum((line.micros for line in self.lines if line.account == account), Fraction(0))

    def live(self) -> Iterator[tuple[str, str, NaiveCall]]:
        """(switch, call id, call) of calls that are up."""
        for (switch, call_id), call in self.calls.items():
            if call.posted is None and any(report.event is not Event.FAILED for report in call.heard):
                yield switch, call_id, call

    def pending(self, account: str) -> list[PaymentMessage]:
        """Payments of which nothing final is known."""
        return [
            told[0]
            for told in self.payments.values()
            if told[0].account == account and all(message.status is PaymentStatus.PENDING for message in told)
        ]

    def trusted(self, account: str) -> Fraction:
        """The part of them that counts, in whole micros."""
        parts = [Fraction(p.amount_micros) * TRUST.get(p.method, 0) for p in self.pending(account)]
        return Fraction(sum(part.__floor__() for part in parts))

    def exposure(self, account: str, now_ms: int, lagging: set[str]) -> Fraction:
        """Owed + in flight - the trusted part of pending payments."""
        flying = (
            call.worth(now_ms, lagging=switch in lagging) for switch, _, call in self.live() if call.account == account
        )
        return self.owed(account) + sum(flying, Fraction(0)) - self.trusted(account)

    def limit(self, account: str, now_ms: int) -> int | None:
        """The limit that counts now."""
        known = self.accounts[account]
        if known.until_ms is not None and now_ms < known.until_ms:
            return known.until_limit
        return known.limit

    # -- reports

    def _hear(self, heard: Heard) -> str:
        report = heard.report
        key = heard.switch, report.call
        call = self.calls.get(key)
        attempts_only = call is not None and all(each.event is Event.FAILED for each in call.heard)
        if call is not None:
            old = self._old(call, report, attempts_only=attempts_only)
            if old:
                if report.account == call.account and not attempts_only:
                    self._describe(call, report)
                return old
        account = self.accounts.setdefault(report.account, NaiveAccount())
        if call is not None and not attempts_only and call.account != report.account:
            return "quarantined"
        if report.currency not in {None, account.currency}:
            return "quarantined"
        if call is None or (attempts_only and report.event is not Event.FAILED):
            call = self.calls[key] = NaiveCall(report.account)
        call.heard.append(report)
        if report.event is Event.ENDED:
            call.posted = call.charge()
            self.lines.append(Line(call.account, report.at_ms, call.posted))
        return "accepted"

    @staticmethod
    def _old(call: NaiveCall, report: Report, *, attempts_only: bool) -> str:
        """`duplicate` or `late`; empty when it is news."""
        newest = call.newest
        same = (report.duration_ms, report.event) == (newest.duration_ms, newest.event)
        if attempts_only:
            if report.event is not Event.FAILED:
                return ""
            return "duplicate" if same and report.account == call.account else "late"
        if call.posted is not None:
            return "duplicate" if same and report.account == call.account else "late"
        if report.event is Event.ENDED:
            return ""
        if report.event is Event.FAILED:
            return "late"
        if same:
            return "duplicate"
        older = (report.duration_ms, report.event) < (newest.duration_ms, newest.event)
        return "late" if older else ""

    def _describe(self, call: NaiveCall, report: Report) -> None:
        """What an old report says about the call still counts; money that was posted for a free call goes back."""
        if report.event is Event.FAILED:
            return
        call.heard.append(report)
        if call.posted and call.free:
            newest_ms = max(each.at_ms for each in call.heard)
            self.lines.append(Line(call.account, newest_ms, -call.posted))
            call.posted = Fraction(0)

    # -- billing

    def _bill(self, billed: Billed) -> str:
        message = billed.message
        amount = getattr(message, "amount_micros", getattr(message, "owed_micros", None))
        if isinstance(message, CreditMessage):
            amount = message.credit.limit_micros
        judged_by = (message.account, type(message), amount, getattr(message, "method", ""))
        if self.seen.get(message.id, judged_by) != judged_by:
            return "refused"
        repeated = message.id in self.seen
        if isinstance(message, PaymentMessage):
            return self._pay(message, billed.received_ms, judged_by)
        if repeated:
            return "duplicate"
        account = self.accounts.get(message.account)
        if isinstance(message, AccountMessage) and not self._may_be_in(account, message.currency):
            return "refused"
        self.seen[message.id] = judged_by
        known = self.accounts.setdefault(message.account, NaiveAccount())
        self._change(known, message, billed.received_ms)
        return "accepted"

    @staticmethod
    def _may_be_in(account: NaiveAccount | None, currency: str | None) -> bool:
        return account is None or account.provisional or currency in {None, account.currency}

    def _change(self, known: NaiveAccount, message: BillingMessage, received_ms: int) -> None:
        at_ms = message.at_ms if message.at_ms is not None else received_ms
        match message:
            case AccountMessage():
                known.provisional = False
                known.currency = message.currency or known.currency
                if message.credit is not None:
                    known.limit, known.until_ms = message.credit.limit_micros, None
            case CreditMessage(until_ms=None):
                known.limit, known.until_ms = message.credit.limit_micros, None
            case CreditMessage(until_ms=until_ms) if until_ms is not None and until_ms > received_ms:
                known.until_limit, known.until_ms = message.credit.limit_micros, until_ms
            case AdjustmentMessage():
                self.lines.append(Line(message.account, at_ms, Fraction(message.amount_micros)))
            case BalanceMessage():
                since = sum(
                    (
                        line.micros
                        for line in self.lines
                        if line.account == message.account and line.at_ms >= message.as_of_ms
                    ),
                    Fraction(0),
                )
                difference = message.owed_micros + since - self.owed(message.account)
                self.lines.append(Line(message.account, message.as_of_ms - 1, difference))
            case _:
                pass

    def _pay(self, message: PaymentMessage, received_ms: int, judged_by: tuple[object, ...]) -> str:
        told = self.payments.get(message.id, [])
        statuses = [each.status for each in told]
        final = next((status for status in statuses if status is not PaymentStatus.PENDING), None)
        if message.status in statuses or (message.status is PaymentStatus.PENDING and statuses):
            return "duplicate"
        reversed_before = PaymentStatus.REVERSED in statuses
        if message.status is PaymentStatus.POSTED and reversed_before:
            return "duplicate"
        rejected = PaymentStatus.REJECTED
        if final is not None and (final is rejected) != (message.status is rejected):
            return "refused"
        self.seen[message.id] = judged_by
        self.accounts.setdefault(message.account, NaiveAccount())
        self.payments.setdefault(message.id, []).append(message)
        at_ms = message.at_ms if message.at_ms is not None else received_ms
        amount = Fraction(message.amount_micros)
        posts = message.status is PaymentStatus.POSTED
        reverses = message.status is PaymentStatus.REVERSED
        if posts or (reverses and final is None):
            self.lines.append(Line(message.account, at_ms, -amount))
        if reverses:
            self.lines.append(Line(message.account, at_ms, amount))
        return "accepted"


class Lag:
    """Which switches read a backlog, told from the ages of their reports and from when guard has heard them."""

    def __init__(self) -> None:
        self._until: dict[str, int | None] = {}
        self._hears_since: dict[str, int] = {}

    def met(self, switch: str, now_ms: int) -> None:
        """It says something, perhaps for the first time."""
        self._hears_since.setdefault(switch, now_ms)

    def heard(self, switch: str, age_ms: int, now_ms: int) -> None:
        """A report that is so old."""
        self.met(switch, now_ms)
        waited = now_ms - age_ms < self._hears_since[switch] and switch in self.at(now_ms)
        if age_ms > LAG_MS or waited:
            self._until[switch] = now_ms + QUIET_MS
        else:
            self._until.pop(switch, None)

    def restarted(self, live: set[str]) -> None:
        """Guard starts: what happened meanwhile is not known before it can hear."""
        self._until = dict.fromkeys(live)

    def subscribed(self, known: set[str], now_ms: int) -> None:
        """Guard can hear: what waits at the broker is about to be read."""
        self._hears_since = dict.fromkeys(known, now_ms)
        self._until.update(dict.fromkeys(known, now_ms + QUIET_MS))

    def at(self, now_ms: int) -> set[str]:
        """The switches that lag now."""
        return {name for name, until in self._until.items() if until is None or now_ms < until}
