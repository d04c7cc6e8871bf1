"""The shape in which accounts, calls and switches are kept: flat rows of plain values.

The engine's objects are made for speed and refer to each other; a row is what of them must survive. A store keeps
rows by their key and gives them back; it need not know what a column means. Columns are only ever added, at the end,
with a schema migration in the store.
"""

from __future__ import annotations

from typing import NamedTuple


class CauseRow(NamedTuple):
    """One cause of a block."""

    reason: str
    rule: str
    scope: str
    end_calls: bool
    since_ms: int
    until_ms: int | None
    text: str
    decision_id: str


class CommandRow(NamedTuple):
    """The last command given for an account."""

    id: str
    action: str
    scope: str
    end_calls: bool
    reason: str
    at_ms: int
    until_ms: int | None


class UseRow(NamedTuple):
    """How much of a plan was used in one cycle."""

    cycle_ms: int
    """Start of the cycle."""
    key: str
    """Of the quota or discount (`guard.core.plans`)."""
    used: int
    """Quota: seconds. Discount: in units of its tiers."""


class InvoiceRow(NamedTuple):
    """One of the last invoices."""

    id: str
    start: str
    """First day of its period, `YYYY-MM-DD`; empty: not said."""
    end: str
    """The day after its period; empty: not said."""
    amount_micros: int
    at_ms: int


class CardRow(NamedTuple):
    """The card on file."""

    status: str
    """`ok`, `expiring`, `expired`, `declined`."""
    expires: str
    """Last month in which it is good, `YYYY-MM`; empty: not said."""
    at_ms: int
    warned: bool
    """On-call was told that the balance grows without a good card, and it has not been cleared."""


class BooksRow(NamedTuple):
    """What an account has to do with billing beyond its balance; most of it changes once a month."""

    use: tuple[UseRow, ...] = ()
    invoices: tuple[InvoiceRow, ...] = ()
    """The last three, oldest first."""
    invoiced_micros: int = 0
    """Invoiced and not paid yet."""
    opening_micros: int = 0
    """Owed by a `balance` message and not paid yet: no invoice that is still to come contains it."""
    advance_micros: int = 0
    """Paid before it was invoiced: the next invoice contains it."""
    card: CardRow | None = None
    pace_micros: int = 0
    """Charges posted lately, older ones counting less (`guard.core.pace`)."""
    pace_at_ms: int = 0
    pace_since_ms: int = 0
    step_micros: int | None = None
    """A limit that the last invoices ask for and that waits for an operator, because it is so much higher."""
    limit_by: str = ""
    """Who set the limit for good; empty: billing, which did not say who."""
    until_by: str = ""
    """Who set the limit for the time being."""


class AccountRow(NamedTuple):
    """One account. Key: `id`."""

    id: str
    name: str
    currency: str
    timezone: str
    opened: str
    plan: str
    tariff: str
    provisional: bool
    closed: bool
    owed_micros: int
    pending_micros: int
    """Sum of pending payments."""
    trusted_micros: int
    """The part of them that counts already."""
    limit_micros: int | None
    """The limit for good; None: no limit."""
    limit_source: str
    cycles_micros: int | None
    floor_micros: int | None
    cap_micros: int | None
    until_limit_micros: int | None
    """A limit for the time being (None with `until_ms` set: no limit for the time being)."""
    until_ms: int | None
    level: int
    """Highest mark reached: 0 none, 1 50 %, 2 80 %, 3 100 %."""
    spoken: int
    """Bits of the marks whose warning was told and not yet cleared."""
    allow_until_ms: int | None
    seq: int
    decisions: int
    """How many decisions this account has had: decision ids are derived from it."""
    lifted_at_ms: int
    """When a credit block last lifted without a money event; 0: never."""
    command: CommandRow | None
    causes: tuple[CauseRow, ...]
    books: BooksRow | None = None
    forgotten: bool = False
    """Who it was is forgotten (`guard.core.forgetting`)."""


class CallRow(NamedTuple):
    """One live call. Key: (`switch`, `call`)."""

    switch: str
    call: str
    account: str
    event: int
    at_ms: int
    newest_at_ms: int
    answered_at_ms: int
    duration_ms: int
    charge_micros: int
    """Value by the last report."""
    stated_charge_micros: int
    """As the switch stated it; -1: it never did."""
    rate_micros: int
    rate_known: int
    """Where the rate is from: 0 unknown rate, 1 implied by two charges, 2 stated."""
    posted_micros: int
    """What was posted when it was taken for lost, then came back."""
    to: str
    caller: str
    direction: str
    """Empty: never said (counts as outgoing)."""
    emergency: bool
    source: str
    silent_carry_scaled: int
    """Growth granted while silent, scaled micros; -1: not silent."""
    defies: bool
    """Ticked on although the switch had acknowledged the block."""
    stated_duration_ms: int = -1
    """How long it had lasted when its charge was last stated; -1: not kept (a row of an earlier version)."""
    posted_gross_micros: int | None = None
    """Gross of what was posted when it was taken for lost, then came back; None: as much as `posted_micros`."""
    posted_billed_s: int = 0
    posted_covered_s: int = 0


class SwitchRow(NamedTuple):
    """One known switch. Key: `name`."""

    name: str
    up: bool
    first_heard_ms: int
    last_heard_ms: int
    skew_ms: int
    last_seen_ms: int = 0
    """When it last said anything at all; 0: not kept (a row of an earlier version)."""
    down_at_ms: int = 0
    """When it last said that it was down."""
    silence: str = ""
    """What on-call was told of its silence (`guard.core.switches.Silence`); empty: nothing, or that it is over."""
    told_at_ms: int | None = None
    """When on-call was last told that commands wait there; None: since then none has waited."""


class ClockRow(NamedTuple):
    """How our own clock stood. There is one."""

    boot: str
    """Which start of the machine it was; empty: it cannot be told."""
    ahead_ms: int
    """The wall clock, less the time since that start."""


class CarriedRow(NamedTuple):
    """An operator's intent that was carried out lately, should it come again. Key: its id."""

    at_ms: int
    result: str
    """A value of `IntentResult`."""
    days: tuple[int, ...] = ()
    """What was learned by it, of each account."""


class ToldRow(NamedTuple):
    """What on-call knows to be amiss with nobody to keep it with. Key: the matter (`guard.core.matters`)."""

    switch: str
    """That was named; empty: none."""


class ExpectationRow(NamedTuple):
    """What is usual for a switch. Key: its name."""

    usual: tuple[int, ...]
    """Thousandths of a call, for each hour of the week."""
    learned: tuple[int, ...]
    """In how many weeks each of them was learned."""


class Rated(NamedTuple):
    """How a call that is over was rated, as far as it may have to be taken back: its use of the plan, its number."""

    to: str
    """As dialled; empty: not known yet, so that it was rated at the unknown rate."""
    at_ms: int
    rate_micros: int
    rate_known: int
    gross_micros: int
    cycle_ms: int = 0
    quota: str = ""
    """Key of the quota that it used; empty: none."""
    covered_s: int = 0
    discount: str = ""
    counted: int = 0
    billed_s: int = 0
