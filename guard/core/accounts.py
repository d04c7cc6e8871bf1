"""One account: what it owes, its limit, where it stands, why it is blocked.

An account knows no other account. Its live calls hang on it by their flights; its block is a set of causes; its
thresholds are kept ready (`up_scaled`, `down_scaled`) so that judging a report is two comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from guard.core.books import Books
from guard.core.cycles import Cycle, cycle_of, midnight_ms
from guard.core.decisions import Reason
from guard.core.marks import TOP, climb_threshold, fall_threshold
from guard.core.money import MS_PER_MINUTE, Micros
from guard.core.pools import appraise, gross_scaled
from guard.core.records import Scope
from guard.core.rows import AccountRow, CauseRow, CommandRow
from guard.core.scopes import width
from guard.core.settings import SECOND_MS
from guard.core.views import AccountState

if TYPE_CHECKING:
    from guard.core.calls import Call
    from guard.core.flights import Flight
    from guard.core.switches import Switch

Shown = tuple[int, int, int]
"""Its pools in the totals of all accounts: value (scaled), rate, rate x time."""

NOT_SHOWN: Shown = (0, 0, 0)


@lru_cache(maxsize=65_536)
def _first_moment_ms(day: str, timezone: str) -> int | None:
    try:
        return midnight_ms(date.fromisoformat(day), timezone)
    except ValueError:
        return None


AUTOMATIC = frozenset({Reason.CREDIT_LIMIT, Reason.RULE, Reason.ANOMALY})
"""Causes that `allow` covers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason why an account is blocked; each lifts alone."""

    reason: Reason
    rule: str
    scope: Scope
    end_calls: bool
    since_ms: int
    until_ms: int | None
    text: str
    decision_id: str


@dataclass(frozen=True, slots=True)
class Desired:
    """What the switches are to do with an account."""

    scope: Scope
    end_calls: bool
    until_ms: int | None


class Account:
    """One account. Money in micros of `currency`."""

    __slots__ = (
        "allow_until_ms",
        "books",
        "cap_micros",
        "causes",
        "closed",
        "command",
        "currency",
        "cycle",
        "cycles_micros",
        "decisions",
        "defying",
        "down_scaled",
        "due_ms",
        "flights",
        "floor_micros",
        "forgotten",
        "id",
        "level",
        "lifted_at_ms",
        "limit_micros",
        "limit_source",
        "live",
        "name",
        "opened",
        "owed_micros",
        "pending_micros",
        "plan",
        "pooled",
        "provisional",
        "seq",
        "shown",
        "spoken",
        "state",
        "tariff",
        "timezone",
        "trusted_micros",
        "until_limit_micros",
        "until_ms",
        "up_scaled",
    )

    def __init__(self, account_id: str, currency: str, limit_micros: int | None) -> None:
        self.id = account_id
        self.name = ""
        self.currency = currency
        self.timezone = ""
        self.opened = ""
        self.plan = ""
        self.tariff = ""
        self.provisional = True
        self.closed = False
        self.forgotten = False
        self.owed_micros = 0
        self.pending_micros = 0
        self.trusted_micros = 0
        self.limit_micros = limit_micros
        self.limit_source = "default"
        self.cycles_micros: int | None = None
        self.floor_micros: int | None = None
        self.cap_micros: int | None = None
        self.until_limit_micros: int | None = None
        self.until_ms: int | None = None
        self.level = 0
        self.spoken = 0
        self.allow_until_ms: int | None = None
        self.seq = 0
        self.decisions = 0
        self.lifted_at_ms = 0
        self.command: CommandRow | None = None
        # Empty tuples stand for "none": most accounts have neither calls nor causes most of the time, and an empty
        # dict costs 64 bytes each.
        self.causes: tuple[Cause, ...] = ()
        self.flights: tuple[Flight, ...] = ()
        self.live: dict[tuple[str, str], Call] | None = None
        self.books: Books | None = None
        # Live calls under its plan, the cycle that was last looked up, its pools as they are counted in the totals.
        self.pooled = 0
        self.cycle: Cycle | None = None
        self.shown: Shown = NOT_SHOWN
        self.defying = 0
        self.due_ms: int | None = None
        self.state = AccountState.ACTIVE
        self.up_scaled: int | None = None
        self.down_scaled: int | None = None
        self.set_thresholds()

    # -- limit and marks

    @property
    def limit_in_force(self) -> int | None:
        """The limit that counts now: the one for the time being, else the one for good."""
        return self.until_limit_micros if self.until_ms is not None else self.limit_micros

    def set_thresholds(self) -> None:
        """Keep the thresholds of the present level at hand; to be called when limit or level has changed."""
        limit = self.limit_in_force
        if limit is None:
            self.up_scaled = None
            # Without a limit there is no mark to stand on: whatever level there was is left at once.
            self.down_scaled = None
            return
        self.up_scaled = climb_threshold(limit, self.level + 1) if self.level < TOP else None
        self.down_scaled = fall_threshold(limit, self.level) if self.level else None

    def exposure_scaled(self, now_ms: int) -> int:
        """Owed + in flight - trusted pending payments, in scaled micros."""
        value = self.settled_scaled(now_ms)
        return value + appraise(self, now_ms).net_scaled if self.pooled else value

    def settled_scaled(self, now_ms: int) -> int:
        """The same without what its calls under a plan come to beyond `connect`."""
        value = (self.owed_micros - self.trusted_micros) * MS_PER_MINUTE
        for flight in self.flights:
            value += flight.value_scaled(now_ms)
        return value

    def in_flight_gross_scaled(self, now_ms: int) -> int:
        """What its live calls would be worth without any plan, in scaled micros."""
        value = gross_scaled(self, now_ms) if self.pooled else 0
        for flight in self.flights:
            value += flight.value_scaled(now_ms) + flight.over_micros * MS_PER_MINUTE
        return value

    @property
    def opened_ms(self) -> int | None:
        """When it was opened, as far as billing has said so."""
        return _first_moment_ms(self.opened, self.timezone) if self.opened else None

    def burn_micros(self, now_ms: int) -> int:
        """Rate at which exposure grows now, micros per minute."""
        rate = sum(flight.line()[1] for flight in self.flights)
        if self.pooled:
            rate += (appraise(self, now_ms + SECOND_MS).net_scaled - appraise(self, now_ms).net_scaled) // SECOND_MS
        return rate

    def cycle_at(self, at_ms: int) -> Cycle:
        """The billing cycle that a moment belongs to, in its own time zone."""
        cycle = self.cycle
        if cycle is None or not cycle.start_ms <= at_ms < cycle.end_ms:
            cycle = self.cycle = cycle_of(at_ms, self.timezone)
        return cycle

    # -- calls

    def flight_at(self, switch: Switch) -> Flight | None:
        """Its sums at a switch, if it has calls there."""
        for flight in self.flights:
            if flight.switch is switch:
                return flight
        return None

    @property
    def lagging(self) -> bool:
        """Whether a switch that carries its calls is reading a backlog."""
        return any(flight.switch.lagging for flight in self.flights)

    def open_books(self) -> Books:
        """Its books, begun when needed."""
        if self.books is None:
            self.books = Books()
        return self.books

    # -- causes

    def cause(self, reason: Reason, rule: str = "") -> Cause | None:
        """Its cause of that kind, if there is one."""
        for cause in self.causes:
            if cause.reason is reason and cause.rule == rule:
                return cause
        return None

    def put_cause(self, cause: Cause) -> None:
        """Add a cause, or put it in place of the one of its kind."""
        self.drop_cause(cause.reason, cause.rule)
        self.causes = (*self.causes, cause)

    def drop_cause(self, reason: Reason, rule: str = "") -> None:
        """Take a cause away."""
        self.causes = tuple(c for c in self.causes if c.reason is not reason or c.rule != rule)

    def desired(self) -> Desired | None:
        """What its causes want of the switches: the widest scope; calls end if any cause ends them."""
        if not self.causes:
            return None
        scope = max((cause.scope for cause in self.causes), key=width)
        untils = [cause.until_ms for cause in self.causes]
        known = [until for until in untils if until is not None]
        until_ms = max(known) if len(known) == len(untils) else None
        return Desired(scope, any(cause.end_calls for cause in self.causes), until_ms)

    def present_state(self) -> AccountState:
        """Its state in one word."""
        if self.closed:
            return AccountState.CLOSED
        if self.causes:
            return AccountState.BLOCKED
        return AccountState.WARNED if self.level else AccountState.ACTIVE

    # -- rows

    def row(self) -> AccountRow:
        """What must survive of it."""
        return AccountRow(
            self.id,
            self.name,
            self.currency,
            self.timezone,
            self.opened,
            self.plan,
            self.tariff,
            self.provisional,
            self.closed,
            self.owed_micros,
            self.pending_micros,
            self.trusted_micros,
            self.limit_micros,
            self.limit_source,
            self.cycles_micros,
            self.floor_micros,
            self.cap_micros,
            self.until_limit_micros,
            self.until_ms,
            self.level,
            self.spoken,
            self.allow_until_ms,
            self.seq,
            self.decisions,
            self.lifted_at_ms,
            self.command,
            tuple(
                CauseRow(
                    c.reason.value,
                    c.rule,
                    c.scope.value,
                    c.end_calls,
                    c.since_ms,
                    c.until_ms,
                    c.text,
                    c.decision_id,
                )
                for c in self.causes
            ),
            None if self.books is None else self.books.row(),
            self.forgotten,
        )

    @classmethod
    def from_row(cls, row: AccountRow) -> Account:
        """The account that `row()` wrote, without its calls."""
        account = cls(row.id, row.currency, row.limit_micros)
        account.name = row.name
        account.timezone = row.timezone
        account.opened = row.opened
        account.plan = row.plan
        account.tariff = row.tariff
        account.provisional = bool(row.provisional)
        account.closed = bool(row.closed)
        account.forgotten = bool(row.forgotten)
        account.owed_micros = Micros(row.owed_micros)
        account.pending_micros = row.pending_micros
        account.trusted_micros = row.trusted_micros
        account.limit_source = row.limit_source
        account.cycles_micros = row.cycles_micros
        account.floor_micros = row.floor_micros
        account.cap_micros = row.cap_micros
        account.until_limit_micros = row.until_limit_micros
        account.until_ms = row.until_ms
        account.level = row.level
        account.spoken = row.spoken
        account.allow_until_ms = row.allow_until_ms
        account.seq = row.seq
        account.decisions = row.decisions
        account.lifted_at_ms = row.lifted_at_ms
        account.command = row.command
        account.causes = tuple(
            Cause(
                reason=Reason(c.reason),
                rule=c.rule,
                scope=Scope(c.scope),
                end_calls=bool(c.end_calls),
                since_ms=c.since_ms,
                until_ms=c.until_ms,
                text=c.text,
                decision_id=c.decision_id,
            )
            for c in row.causes
        )
        account.books = None if row.books is None else Books.from_row(row.books)
        account.state = account.present_state()
        account.set_thresholds()
        return account
