"""What the engine shows of itself: frozen pictures of an account, made when somebody asks.

These are answers, not state: nothing in the engine reads them. Money is micros, times are milliseconds; the wire
writes them in the contract's format (contract 6).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from guard.core.decisions import Reason
from guard.core.money import Micros
from guard.core.records import Direction, Scope


class AccountState(Enum):
    """An account's state in one word; blocked wins over warned, closed over both."""

    ACTIVE = "active"
    WARNED = "warned"
    BLOCKED = "blocked"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveCall:
    """A call that is up."""

    switch: str
    call: str
    to: str
    caller: str
    direction: Direction
    emergency: bool
    answered_at_ms: int
    last_report_at_ms: int
    duration_ms: int
    charge_micros: Micros
    """By its last report."""
    value_micros: Micros
    """Carried forward to the time of asking."""
    rate_micros: int
    gross_micros: Micros
    """Carried forward, without any plan."""
    destination: str
    """What the place is called: by the tariff, else by its country; empty: not known."""
    silent: bool
    """It has stopped reporting and stopped growing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseView:
    """One cause of a block."""

    reason: Reason
    rule: str
    scope: Scope
    since_ms: int
    until_ms: int | None
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockView:
    """Why and how an account is blocked, and whether the switches obey."""

    scope: Scope
    since_ms: int
    confirmed: bool
    effective: bool
    text: str
    causes: tuple[CauseView, ...]
    errors: tuple[tuple[str, str], ...]
    """(switch, error) of switches that refused the command."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceView:
    """One invoice."""

    id: str
    amount_micros: Micros
    period_start: str
    period_end: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CardView:
    """The card on file."""

    status: str
    expires: str
    text: str
    """Its state in a sentence, with the forecast if there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UseView:
    """How much of one quota or discount is used."""

    key: str
    what: str
    """In words: `1,240 of 2,000 minutes used (domestic)`."""
    used: int
    """Quota: seconds; discount: in units of its tiers."""
    of: int | None
    """Seconds of the quota; None: it is a discount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """Everything the engine knows about one account (its decisions and ledger are in the store)."""

    account: str
    name: str
    currency: str
    timezone: str
    state: AccountState
    provisional: bool
    limit_micros: Micros | None
    limit_source: str
    limit_until_ms: int | None
    exposure_micros: Micros
    owed_micros: Micros
    invoiced_micros: Micros
    unbilled_micros: Micros
    opening_micros: Micros
    """Of what is unbilled: left of a balance that billing stated; no invoice that is still to come contains it."""
    in_flight_micros: Micros
    pending_payments_micros: Micros
    trusted_payments_micros: Micros
    """The part of them that counts already."""
    in_flight_gross_micros: Micros
    """Value in flight without any plan."""
    burn_micros_per_minute: int
    """Rate at which exposure is growing now."""
    reaches_limit_at_ms: int | None
    live_calls: tuple[LiveCall, ...]
    """At most 1,000, or as few as were asked for; `live_call_count` is the true number."""
    live_call_count: int
    block: BlockView | None
    allow_until_ms: int | None
    plan: str
    tariff: str
    opened: str
    limit_text: str
    """How the limit came about, in a sentence."""
    limit_suggested_micros: Micros | None
    """A limit that waits for an operator's approval."""
    invoices: tuple[InvoiceView, ...]
    """The last three, oldest first."""
    card: CardView | None
    use: tuple[UseView, ...]
    """Of the plan, in the present cycle."""
    spends_micros_per_day: int
    """At the present pace."""
    reaches_limit_in_days: int | None
    """At that pace, if it goes on; None: never, or it has no limit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldView:
    """A block that the fuse holds."""

    id: str
    account: str
    name: str
    reason: Reason
    rule: str
    scope: Scope
    at_ms: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchView:
    """One known switch."""

    name: str
    up: bool
    last_heard_ms: int
    live_calls: int
    unconfirmed: int
    synced: bool
    """It has acknowledged the whole truth since it last came up."""
    lagging: bool
    blind: bool
    """It is silent although calls are up."""
    silence: str = ""
    """What on-call was told of its silence: `calls_up`, `unusual`, `absent`; empty: nothing, or that it is over."""
    usual_calls: int | None = None
    """Calls that this hour of the week usually brings; None: not learned yet."""
    skew_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyTotal:
    """All accounts of one currency together."""

    currency: str
    exposure_micros: Micros
    in_flight_micros: Micros
    burn_micros_per_minute: int
    """Rate at which the calls that are up add to it; of calls under a plan as when each was judged last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsView:
    """The whole of what guard watches, in a few numbers; taking it visits no account and no call."""

    accounts: Mapping[AccountState, int]
    live_calls: int
    currencies: tuple[CurrencyTotal, ...]
    last_decision: int
    """Number of the newest decision; 0: there is none yet."""
