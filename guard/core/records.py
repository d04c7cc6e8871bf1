"""What enters the engine: one record type for each kind of input, in the words of the contract.

Everything that changes state comes through one door as one of these: reports, billing messages, acknowledgements,
switch status, operator intents. Each is validated once, at the edge (`guard.wire`), so the engine may rely on the
ranges named here. Times are milliseconds since 1970-01-01 UTC (`*_ms`), money is micros (`*_micros`).

`Report` is a plain slotted dataclass, not a frozen one: it is made a hundred thousand times a second and freezing
triples its price. Nobody changes one after it is made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, IntEnum

from guard.core.money import Micros


class Event(IntEnum):
    """Where a call stands; the order is the order in which a call can live through them."""

    FAILED = 0
    ANSWERED = 1
    TICK = 2
    ENDED = 3


class Direction(Enum):
    """Which way a call goes, seen from the account."""

    __hash__ = object.__hash__
    """As good as an enumeration's own, and not written in Python: every call is looked up by it."""

    OUTGOING = "outgoing"
    INCOMING = "incoming"
    FORWARDED = "forwarded"
    INTERNAL = "internal"


class Scope(Enum):
    """Which calls a block stops. What the named ones mean is published to the switches as prefix sets."""

    __hash__ = object.__hash__
    """As of `Direction`."""

    ALL = "all"
    INTERNATIONAL = "international"
    PREMIUM = "premium"


@dataclass(slots=True)
class Report:
    """One message about one call (contract 1, Report). `None` means: the switch did not say."""

    call: str
    event: Event
    account: str
    at_ms: int
    duration_ms: int = 0
    to: str | None = None
    charge_micros: Micros | None = None
    rate_micros: int | None = None
    emergency: bool | None = None
    direction: Direction | None = None
    caller: str = ""
    source: str = ""
    cause: str = ""
    currency: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Credit:
    """A credit limit as stated: an amount, none at all (`limit_micros` is None), or cycles of the mean invoice."""

    limit_micros: Micros | None = None
    cycles_micros: int | None = None
    """Number of cycles in millionths; when set, `floor_micros` and `cap_micros` bound the result."""
    floor_micros: Micros | None = None
    cap_micros: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMessage:
    """Billing opens or changes an account; it completes a provisional one."""

    id: str
    account: str
    name: str | None = None
    currency: str | None = None
    timezone: str | None = None
    opened: str | None = None
    plan: str | None = None
    tariff: str | None = None
    credit: Credit | None = None
    at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceMessage:
    """Billing states what was owed at a time; the difference becomes a ledger line.

    `posted_since_micros` is what the ledger holds with a later time. The wire does not know it; the shell looks it up
    in the store before the message enters the engine.
    """

    id: str
    account: str
    owed_micros: Micros
    as_of_ms: int
    at_ms: int | None = None
    posted_since_micros: Micros | None = None


class PaymentStatus(Enum):
    """How far a payment has come."""

    PENDING = "pending"
    POSTED = "posted"
    REJECTED = "rejected"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMessage:
    """A payment in one of its states; `amount_micros` is positive."""

    id: str
    account: str
    amount_micros: Micros
    method: str
    status: PaymentStatus
    at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentMessage:
    """A charge (positive) or a credit (negative) that is not a call."""

    id: str
    account: str
    amount_micros: Micros
    reason: str = ""
    at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditMessage:
    """A new credit limit, for good or until a time."""

    id: str
    account: str
    credit: Credit
    until_ms: int | None = None
    by: str = ""
    reason: str = ""
    at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseMessage:
    """The account is closed: calls still post, outgoing ones are blocked."""

    id: str
    account: str
    at_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceMessage:
    """Billing has sent an invoice: it moves nothing, it says which part of owed is invoiced."""

    id: str
    account: str
    amount_micros: Micros
    period_start: str = ""
    """First day, `YYYY-MM-DD`, in the account's time zone; empty: not said."""
    period_end: str = ""
    """The day after the last; empty: not said."""
    payload: str = ""
    """The message in one canonical form, as it is kept."""
    at_ms: int | None = None


class CardStatus(Enum):
    """What billing knows of the card on file."""

    OK = "ok"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True, kw_only=True)
class CardMessage:
    """The state of the pre-authorised card on file."""

    id: str
    account: str
    status: CardStatus
    expires: str = ""
    """Last month in which it is good, `YYYY-MM`; empty: not said."""
    payload: str = ""
    at_ms: int | None = None


BillingMessage = (
    AccountMessage
    | BalanceMessage
    | PaymentMessage
    | AdjustmentMessage
    | CreditMessage
    | CloseMessage
    | InvoiceMessage
    | CardMessage
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """A switch's answer to one command or to one part of a snapshot."""

    switch: str
    id: str
    ok: bool
    account: str = ""
    ended_calls: int = 0
    at_ms: int | None = None
    error: str = ""
    part: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchStatus:
    """A switch says that it is up, or its last will says that it is down."""

    switch: str
    up: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """An operator blocks an account."""

    account: str
    by: str
    reason: str
    scope: Scope = Scope.ALL
    until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """An operator lifts what blocks an account and allows it for a while."""

    account: str
    by: str
    reason: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """An operator allows an account until a time, whatever automatic causes say."""

    account: str
    by: str
    reason: str
    until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetLimit:
    """An operator sets the limit of an account by hand, for good or until a time."""

    account: str
    by: str
    reason: str
    limit_micros: Micros | None
    """None: no limit. Not looked at when `suggested` is set."""
    until_ms: int | None = None
    suggested: bool = False
    """Take the limit that the last invoices ask for and that waits for an operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approve:
    """An operator lets a block that the fuse holds happen."""

    account: str
    held: str
    """Id of the `held` decision."""
    by: str
    reason: str
    until_ms: int | None = None
    """Not used: a held block lasts as its rule says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject:
    """An operator drops a block that the fuse holds: a false alarm."""

    account: str
    held: str
    by: str
    reason: str
    until_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """An operator lets a closed account be forgotten (`guard.core.forgetting`)."""

    account: str
    by: str
    reason: str
    until_ms: int | None = None
    """Not used: what is forgotten is forgotten for good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseFuse:
    """An operator closes the fuse: blocks by rules act at once again. What is held stays held."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something was done that concerns no account and that the engine had no part in: it belongs in the history."""

    by: str
    what: str
    reason: str


AboutAccount = Block | Release | Allow | SetLimit | Approve | Reject | Forget
"""Intents about one account."""
Intent = AboutAccount | CloseFuse | Note


class IntentResult(Enum):
    """What became of an operator's intent."""

    DONE = "done"
    UNKNOWN_ACCOUNT = "unknown_account"
    AT_LIMIT = "at_limit"
    """A credit block still at its limit is only released with `until` or a new limit."""
    CLOSED = "closed"
    """The account is closed: nothing to release."""
    UNTIL_PAST = "until_past"
    """`until` is not in the future."""
    UNKNOWN_HELD = "unknown_held"
    """No block of that id is held: it has been approved, rejected or has lapsed, or there never was one."""
    NO_SUGGESTION = "no_suggestion"
    """No limit is waiting to be approved."""
    NOT_CLOSED = "not_closed"
    """Only a closed account can be forgotten."""
    CALLS_UP = "calls_up"
    """Nor one that still has calls."""


class Outcome(Enum):
    """What became of a report; the order of checking is the order here, ACCEPTED last (contract 1)."""

    INVALID = "invalid"
    DUPLICATE = "duplicate"
    LATE = "late"
    TOO_OLD = "too_old"
    QUARANTINED = "quarantined"
    ACCEPTED = "accepted"


class BillingOutcome(Enum):
    """What became of a billing message."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A message that broke a rule: where and which, never its content."""

    key: str
    rule: str
    account: str = field(default="", repr=False)
