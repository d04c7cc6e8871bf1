"""What leaves the engine: decisions, commands, ledger lines, and the bundle in which a batch hands them to the store.

Everything here is frozen once made. A decision is what the operator reads; a command is what a switch obeys; a ledger
line is money that moved. `Changes` is all that one batch did: the store writes it in one transaction, and only then
is anything acknowledged, sent or shown.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from guard.core.emergency import EmergencyNumbers, carries_numbers
from guard.core.identity import derived_id
from guard.core.invariants import invariant
from guard.core.money import Micros
from guard.core.neighbours import Said
from guard.core.records import Scope
from guard.core.rows import AccountRow, CallRow, Rated, SwitchRow


class Action(Enum):
    """What a decision does."""

    WARN = "warn"
    CLEARED = "cleared"
    BLOCK = "block"
    UNBLOCK = "unblock"
    HELD = "held"
    ALLOW = "allow"


class Mode(Enum):
    """Whether a decision acts or is only recorded."""

    ENFORCE = "enforce"
    SHADOW = "shadow"


class Reason(Enum):
    """Why a decision was taken. The first five are causes of a block, the rest say why one ended."""

    CREDIT_LIMIT = "credit_limit"
    RULE = "rule"
    ANOMALY = "anomaly"
    OPERATOR = "operator"
    CLOSED = "closed"
    PAYMENT = "payment"
    LIMIT_RAISED = "limit_raised"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One observation that led to a decision; values are text as shown, called numbers masked."""

    what: str
    value: str
    threshold: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One change of a cause, told once (contract 5)."""

    number: int
    """Position among all decisions of this store: increasing, without meaning outside."""
    id: str
    at_ms: int
    account: str
    action: Action
    scope: Scope
    mode: Mode
    reason: Reason
    rule: str = ""
    key: str = ""
    mark: str = ""
    exposure_micros: Micros
    limit_micros: Micros | None
    currency: str
    evidence: tuple[Evidence, ...] = ()
    text: str
    by: str = ""


class CommandAction(Enum):
    """What a switch is told to do with an account."""

    BLOCK = "block"
    UNBLOCK = "unblock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """The whole desired state of one account at a switch; `emergency` cannot be left out."""

    id: str
    seq: int
    action: CommandAction
    account: str
    scope: Scope
    end_calls: bool
    emergency: EmergencyNumbers
    reason: Reason
    at_ms: int
    until_ms: int | None = None

    def __post_init__(self) -> None:
        """It cannot be built without its emergency numbers, whatever the types of its maker were (contract 1)."""
        invariant(carries_numbers(self.emergency), "a command carries its emergency numbers")


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotEntry:
    """One blocked account in a snapshot."""

    account: str
    seq: int
    scope: Scope
    end_calls: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotPart:
    """One part of the whole truth for a switch (at most 500 entries; parts of one snapshot share its id)."""

    id: str
    part: int
    of: int
    at_ms: int
    blocked: tuple[SnapshotEntry, ...]
    emergency: EmergencyNumbers

    def __post_init__(self) -> None:
        """As little as a command can it be built without its emergency numbers."""
        invariant(carries_numbers(self.emergency), "a snapshot carries its emergency numbers")


@dataclass(frozen=True, slots=True)
class Send:
    """A message for one switch, to be published after the commit."""

    switch: str
    message: Command | SnapshotPart


class LineKind(Enum):
    """What a ledger line is."""

    CALL = "call"
    LOST = "lost"
    CORRECTION = "correction"
    PAYMENT = "payment"
    REVERSAL = "reversal"
    ADJUSTMENT = "adjustment"
    BALANCE = "balance"


@dataclass(slots=True, kw_only=True)
class LedgerLine:
    """Money that moved, signed by its effect on what is owed: a call is positive, a payment negative.

    Nobody changes one. It is not frozen, for what that costs: each call that ends makes one.
    """

    number: int
    account: str
    at_ms: int
    kind: LineKind
    amount_micros: Micros
    currency: str
    switch: str = ""
    call: str = ""
    to: str = ""
    direction: str = ""
    duration_ms: int = 0
    emergency: bool = False
    ref: str = ""
    """Id of the billing message."""
    method: str = ""
    text: str = ""
    gross_micros: Micros | None = None
    """Of a call: its price without any plan, or the change of it that this line makes."""
    billed_s: int = 0
    """Of a call that guard rated: seconds charged for, those in the plan included."""
    covered_s: int = 0
    """Of these: seconds that the plan's quota covers."""
    kind_of_call: str = ""
    """Class of its destination in the tariff; empty: not a call, or none is configured."""
    destination: str = ""
    """Name of its destination in the tariff."""


class Remembered(NamedTuple):
    """A call that is over: what `duplicate` and `late` are judged by, until the memory ends (contract: `remember`).

    A tuple, because there are millions of them and a restart makes them all again.
    """

    switch: str
    call: str
    account: str
    newest_at_ms: int
    event: int
    duration_ms: int
    charge_micros: int
    """Charge as last stated; -1 when the switch never stated one."""
    posted_micros: Micros
    lost: bool = False
    emergency: bool = False
    direction: str = ""
    """Empty: never said."""
    rated: Rated | None = None
    """None: the switch stated its charge, or nothing that may still come could change its price."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """A report that is kept and shown but moves no money."""

    switch: str
    call: str
    account: str
    received_at_ms: int
    at_ms: int
    rule: str
    """`too_old`, `currency`, `account`, or `strangers`."""
    event: str
    charge_micros: Micros | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingEntry:
    """A billing message that was taken; a later one with the same id is judged by it."""

    id: str
    account: str
    type: str
    amount_micros: int | None
    method: str
    status: str
    at_ms: int
    payload: str = ""


NEWEST = 2**63 - 1
"""Above every number that a store gives."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What somebody did outside of decisions: who, when, what, why."""

    account: str
    """Empty: it concerned no single account."""
    at_ms: int
    by: str
    what: str
    reason: str
    number: int = field(default=0, compare=False)
    """Its place in the history, once the store has given it one."""


class NoticeKind(Enum):
    """What on-call is told that is not a decision about an account."""

    UNCONFIRMED = "unconfirmed"
    REFUSED = "refused"
    BLIND = "blind"
    QUARANTINED = "quarantined"
    LIMIT = "limit"
    """The last invoices ask for a limit that is so much higher that it waits for an operator."""
    FUSE = "fuse"
    """The fuse has opened or closed."""
    RULES = "rules"
    """The fraud rules failed on something, which is a fault of guard's; limits go on without them."""
    STORE = "store"
    """The store is slow, or short of room."""
    PLAN = "plan"
    """Billing names a calling plan that nobody has configured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something on-call should know, in a sentence."""

    kind: NoticeKind
    at_ms: int
    switch: str
    account: str = ""
    text: str
    over: bool = False
    """What an earlier notice of this kind told of has ended."""

    @property
    def id(self) -> str:
        """Derived, like a decision's: the same notice again has the same."""
        return derived_id(self.at_ms, "notice", self.kind.value, self.switch, self.account, self.text)


class HeldRow(NamedTuple):
    """A block by rule or model that the fuse holds for an operator."""

    id: str
    """Of its `held` decision."""
    account: str
    reason: str
    rule: str
    key: str
    """As rules count it (`guard.core.rules`)."""
    scope: str
    end_calls: bool
    at_ms: int
    lasts_ms: int | None
    """How long the block will last once it is approved; None: until an operator releases."""
    text: str


class KeptRow(NamedTuple):
    """State that is stored as one blob, because nobody asks for a part of it: the rules', the fuse's, what is held."""

    kind: str
    """`subject`, `crowds`, `crowd`, `standing`, `fuse`, `fuse_share`, `fuse_home`, `held`, `suspicion`, `usual`,
    `expectation`, `told`, `spoken`, `matters`, `carried`."""
    key: str
    """The account of a `subject`, `suspicion` or `usual`, the switch of an `expectation`, a matter `told`, an intent
    `carried`; or empty."""
    row: object
    """A tuple of plain values, of the type that belongs to the kind; None: it is no more."""


@dataclass(slots=True)
class Changes:
    """All that one batch did. The store commits it whole or not at all."""

    accounts: list[AccountRow] = field(default_factory=list)
    """Present state of each account touched, as `Account.row()`."""
    calls: list[CallRow] = field(default_factory=list)
    """Present state of each live call touched, as `Call.row()`."""
    calls_over: list[tuple[str, str]] = field(default_factory=list)
    """(switch, call) of calls that are no longer live."""
    switches: list[SwitchRow] = field(default_factory=list)
    remembered: list[Remembered] = field(default_factory=list)
    forgotten_before_ms: int | None = None
    """Memory of ended calls whose newest `at` lies before this is gone."""
    ledger: list[LedgerLine] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    quarantine: list[Quarantined] = field(default_factory=list)
    billing: list[BillingEntry] = field(default_factory=list)
    audit: list[Audit] = field(default_factory=list)
    pending: list[tuple[str, str, int]] = field(default_factory=list)
    """(switch, account, seq): the switch has not yet acknowledged this command."""
    settled: list[tuple[str, str]] = field(default_factory=list)
    """(switch, account): nothing is waiting there any more."""
    kept: list[KeptRow] = field(default_factory=list)
    forgotten: list[tuple[str, int, int]] = field(default_factory=list)
    """(account, when, last ledger line): the details of its calls up to there are to be deleted."""
    says: list[Said] = field(default_factory=list)
    """For the engines of other partitions, to be said before the commit: nobody would know afterwards."""
    sends: list[Send] = field(default_factory=list)
    """To be published after the commit; not stored (desired state and `pending` are)."""
    notices: list[Notice] = field(default_factory=list)
    """To be told after the commit."""

    def __bool__(self) -> bool:
        """Whether there is anything to commit (sends alone are not)."""
        return bool(
            self.accounts
            or self.calls
            or self.calls_over
            or self.switches
            or self.remembered
            or self.ledger
            or self.decisions
            or self.quarantine
            or self.billing
            or self.audit
            or self.pending
            or self.settled
            or self.kept
            or self.forgotten
            or self.notices
            or self.says
            or self.forgotten_before_ms is not None
        )
