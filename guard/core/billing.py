r"""Billing messages: accounts, balances, payments, adjustments, limits, closing. Each id counts once.

A message is judged by its id first: the same again is a duplicate; the same id with another account, type, amount or
method is refused. Payments are keyed by id and status; the table below says what a status does after another. A row
that is missing would be a bug, a combination that no bank can mean is refused.

| before \ comes | pending | posted | rejected | reversed |
|---|---|---|---|---|
| (nothing) | hold | post | note | post and reverse |
| pending | duplicate | release, post | release | release, post and reverse |
| posted | duplicate | duplicate | refuse | reverse |
| rejected | duplicate | refuse | duplicate | refuse |
| reversed | duplicate | duplicate | refuse | duplicate |

`balance` says what was owed at a time. What the ledger holds since then stays owed on top; the difference becomes a
line, dated one millisecond before that time: it belongs to the period that had ended, and a second statement for the
same time corrects the first instead of adding to it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from guard.core.decisions import Audit, BillingEntry, LineKind, Reason
from guard.core.invariants import invariant
from guard.core.money import fits
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    BalanceMessage,
    BillingMessage,
    BillingOutcome,
    CloseMessage,
    Credit,
    CreditMessage,
    KeptMessage,
    PaymentMessage,
    PaymentStatus,
)

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.judge import Judge
    from guard.core.world import World

_MILLION = 1_000_000

_HOLD, _RELEASE, _POST, _REVERSE = "hold", "release", "post", "reverse"
_DUPLICATE: tuple[str, ...] = ("duplicate",)
_REFUSE: tuple[str, ...] = ("refuse",)
_PENDING, _POSTED = PaymentStatus.PENDING, PaymentStatus.POSTED
_REJECTED, _REVERSED = PaymentStatus.REJECTED, PaymentStatus.REVERSED

PAYMENT_STEPS: dict[tuple[PaymentStatus | None, PaymentStatus], tuple[str, ...]] = {
    (None, _PENDING): (_HOLD,),
    (None, _POSTED): (_POST,),
    (None, _REJECTED): (),
    (None, _REVERSED): (_POST, _REVERSE),
    (_PENDING, _PENDING): _DUPLICATE,
    (_PENDING, _POSTED): (_RELEASE, _POST),
    (_PENDING, _REJECTED): (_RELEASE,),
    (_PENDING, _REVERSED): (_RELEASE, _POST, _REVERSE),
    (_POSTED, _PENDING): _DUPLICATE,
    (_POSTED, _POSTED): _DUPLICATE,
    (_POSTED, _REJECTED): _REFUSE,
    (_POSTED, _REVERSED): (_REVERSE,),
    (_REJECTED, _PENDING): _DUPLICATE,
    (_REJECTED, _POSTED): _REFUSE,
    (_REJECTED, _REJECTED): _DUPLICATE,
    (_REJECTED, _REVERSED): _REFUSE,
    (_REVERSED, _PENDING): _DUPLICATE,
    (_REVERSED, _POSTED): _DUPLICATE,
    (_REVERSED, _REJECTED): _REFUSE,
    (_REVERSED, _REVERSED): _DUPLICATE,
}


def entry_of(message: BillingMessage, now_ms: int) -> BillingEntry:
    """What is kept of a message so that a later one with its id can be judged."""
    amount: int | None = None
    method = status = payload = ""
    match message:
        case PaymentMessage():
            amount, method, status, kind = message.amount_micros, message.method, message.status.value, "payment"
        case AdjustmentMessage():
            amount, kind = message.amount_micros, "adjustment"
        case BalanceMessage():
            amount, kind = message.owed_micros, "balance"
        case CreditMessage():
            amount, kind = message.credit.limit_micros, "credit"
        case KeptMessage():
            amount, payload, kind = message.amount_micros, message.payload, message.type
        case AccountMessage():
            kind = "account"
        case CloseMessage():
            kind = "close"
        case _:
            assert_never(message)
    at_ms = message.at_ms if message.at_ms is not None else now_ms
    return BillingEntry(
        id=message.id,
        account=message.account,
        type=kind,
        amount_micros=amount,
        method=method,
        status=status,
        at_ms=at_ms,
        payload=payload,
    )


class Billing:
    """Takes billing messages."""

    __slots__ = ("_judge", "_world")

    def __init__(self, world: World, judge: Judge) -> None:
        self._world = world
        self._judge = judge

    def take(self, message: BillingMessage, now_ms: int) -> BillingOutcome:
        """Apply one message, once."""
        world = self._world
        entry = entry_of(message, now_ms)
        known = world.billing.get(message.id)
        outcome = self._apply(message, entry, known, now_ms)
        if outcome is BillingOutcome.ACCEPTED:
            world.billing[message.id] = without_payload(entry)
            world.changes.billing.append(entry)
        counted = (entry.type, outcome.value)
        world.billed[counted] = world.billed.get(counted, 0) + 1
        return outcome

    def _apply(
        self, message: BillingMessage, entry: BillingEntry, known: BillingEntry | None, now_ms: int
    ) -> BillingOutcome:
        if known is not None and (known.account, known.type, known.amount_micros, known.method) != (
            entry.account,
            entry.type,
            entry.amount_micros,
            entry.method,
        ):
            return BillingOutcome.REFUSED
        if isinstance(message, PaymentMessage):
            return self._payment(message, entry, known, now_ms)
        if known is not None:
            return BillingOutcome.DUPLICATE
        existing = self._world.accounts.get(message.account)
        if not self._acceptable(message, existing):
            return BillingOutcome.REFUSED
        # From here on it must succeed.
        self._enter(self._world.open_account(message.account), message, entry, now_ms)
        return BillingOutcome.ACCEPTED

    def _enter(
        self,
        account: Account,
        message: AccountMessage | BalanceMessage | AdjustmentMessage | CreditMessage | CloseMessage | KeptMessage,
        entry: BillingEntry,
        now_ms: int,
    ) -> None:
        """Let a message that has passed every guard change its account."""
        match message:
            case AccountMessage():
                self._account(account, message, now_ms)
            case BalanceMessage():
                self._balance(account, message, now_ms)
            case AdjustmentMessage():
                self._world.line(
                    account,
                    LineKind.ADJUSTMENT,
                    message.amount_micros,
                    entry.at_ms,
                    ref=message.id,
                    text=message.reason,
                )
                self._judge.judge(account, now_ms, now_ms, Reason.PAYMENT)
            case CreditMessage():
                self._limit(account, message, now_ms)
            case CloseMessage():
                self._close(account, now_ms)
            case KeptMessage():
                pass
            case _:
                assert_never(message)

    def _acceptable(self, message: BillingMessage, account: Account | None) -> bool:
        """Whether a message fits what is known: sums within bounds, no change of currency under posted money."""
        owed = account.owed_micros if account else 0
        match message:
            case AdjustmentMessage():
                return fits(owed + message.amount_micros)
            case BalanceMessage():
                return fits(message.owed_micros + (message.posted_since_micros or 0))
            case AccountMessage():
                return (
                    account is None
                    or account.provisional
                    or message.currency is None
                    or message.currency == account.currency
                )
            case _:
                return True

    # -- accounts and limits

    def _account(self, account: Account, message: AccountMessage, now_ms: int) -> None:
        if message.currency is not None and message.currency != account.currency:
            self._world.change_currency(account, message.currency)
        account.provisional = False
        for field in ("name", "timezone", "opened", "plan", "tariff"):
            value = getattr(message, field)
            if value is not None:
                setattr(account, field, value)
        self._world.touch(account)
        if account.closed:
            account.closed = False
            cause = account.cause(Reason.CLOSED)
            if cause is not None:
                text = "Unblocked: billing has opened the account again."
                self._judge.lift(account, cause, Reason.RELEASED, now_ms, text)
            self._world.count_state(account)
        if message.credit is not None:
            self._set_credit(account, message.credit)
        # A new name is no money event: only a stated limit lets a credit block lift at any time.
        self._judge.judge(account, now_ms, now_ms, Reason.LIMIT_RAISED if message.credit is not None else None)

    def _set_credit(self, account: Account, credit: Credit) -> None:
        account.cycles_micros = credit.cycles_micros
        account.floor_micros, account.cap_micros = credit.floor_micros, credit.cap_micros
        account.until_ms = account.until_limit_micros = None
        account.limit_micros = self._amount(credit)
        if credit.cycles_micros is not None:
            account.limit_source = "cycles"
        else:
            account.limit_source = "amount" if credit.limit_micros is not None else "none"
        account.set_thresholds()
        self._world.touch(account)

    def _amount(self, credit: Credit) -> int | None:
        """The limit a credit comes to; None: no limit."""
        if credit.cycles_micros is None:
            return credit.limit_micros
        # Invoices are kept but not yet read: without them the floor counts, else the default (contract 1).
        floor = credit.floor_micros
        return floor if floor is not None else self._world.settings.default_limit_micros

    def _limit(self, account: Account, message: CreditMessage, now_ms: int) -> None:
        until_ms = message.until_ms
        if until_ms is None:
            self._set_credit(account, message.credit)
        elif until_ms > now_ms:
            account.until_limit_micros = self._amount(message.credit)
            account.until_ms = until_ms
            account.set_thresholds()
        self._world.touch(account)
        self._world.changes.audit.append(Audit(account.id, now_ms, message.by or "billing", "credit", message.reason))
        self._judge.judge(account, now_ms, now_ms, Reason.LIMIT_RAISED)

    def _close(self, account: Account, now_ms: int) -> None:
        if account.closed:
            return
        account.closed = True
        self._judge.block(account, Reason.CLOSED, now_ms, "Blocked: billing has closed the account.")
        self._world.count_state(account)

    # -- money

    def _balance(self, account: Account, message: BalanceMessage, now_ms: int) -> None:
        since = message.posted_since_micros
        invariant(since is not None, "a balance enters with what the ledger holds since")
        difference = message.owed_micros + (since or 0) - account.owed_micros
        reconciled = self._world.reconciled_micros
        reconciled[account.currency] = reconciled.get(account.currency, 0) + abs(difference)
        self._world.line(account, LineKind.BALANCE, difference, message.as_of_ms - 1, ref=message.id)
        self._judge.judge(account, now_ms, now_ms, Reason.PAYMENT)

    def _payment(
        self, message: PaymentMessage, entry: BillingEntry, known: BillingEntry | None, now_ms: int
    ) -> BillingOutcome:
        before = PaymentStatus(known.status) if known is not None else None
        steps = PAYMENT_STEPS[before, message.status]
        if steps is _DUPLICATE:
            return BillingOutcome.DUPLICATE
        if steps is _REFUSE or not self._bearable(message, steps):
            return BillingOutcome.REFUSED
        # From here on it must succeed.
        world = self._world
        account = world.open_account(message.account)
        amount = message.amount_micros
        trusted = self.trusted(message.method, amount)
        for step in steps:
            if step == _HOLD:
                world.trust(account, amount, trusted)
            elif step == _RELEASE:
                world.trust(account, -amount, -trusted)
            elif step == _POST:
                world.line(account, LineKind.PAYMENT, -amount, entry.at_ms, ref=message.id, method=message.method)
            elif step == _REVERSE:
                world.line(account, LineKind.REVERSAL, amount, entry.at_ms, ref=message.id, method=message.method)
        self._judge.judge(account, now_ms, now_ms, Reason.PAYMENT)
        return BillingOutcome.ACCEPTED

    def _bearable(self, message: PaymentMessage, steps: tuple[str, ...]) -> bool:
        """Whether every sum on the way stays within the bound of money."""
        account = self._world.accounts.get(message.account)
        owed, pending = (account.owed_micros, account.pending_micros) if account else (0, 0)
        amount = message.amount_micros
        for step in steps:
            owed += {_POST: -amount, _REVERSE: amount}.get(step, 0)
            pending += {_HOLD: amount, _RELEASE: -amount}.get(step, 0)
            if not (fits(owed) and fits(pending)):
                return False
        return True

    def trusted(self, method: str, amount_micros: int) -> int:
        """The part of a pending payment that counts, rounded down to a micro."""
        return amount_micros * self._world.settings.trust.get(method, 0) // _MILLION

    def restore(self, entries: list[BillingEntry]) -> None:
        """Take up the ids seen; what is pending is summed anew, by the trust that is configured now."""
        world = self._world
        for entry in entries:
            world.billing[entry.id] = without_payload(entry)
        for account in world.accounts.values():
            if account.pending_micros or account.trusted_micros:
                world.trust(account, -account.pending_micros, -account.trusted_micros)
        for entry in world.billing.values():
            if entry.type == "payment" and entry.status == "pending" and entry.amount_micros is not None:
                account = world.accounts[entry.account]
                world.trust(account, entry.amount_micros, self.trusted(entry.method, entry.amount_micros))


def without_payload(entry: BillingEntry) -> BillingEntry:
    """The entry as memory keeps it: the payload stays in the store."""
    return replace(entry, payload="") if entry.payload else entry
