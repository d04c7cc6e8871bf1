"""Billing messages: accounts, balances, payments, adjustments, invoices, limits, cards, closing. Each id counts once.

A message is judged by its id first: the same again is a duplicate; the same id with another account, type, amount or
method is refused. Payments are keyed by id and status (`guard.core.payments`).

`balance` says what was owed at a time. What the ledger holds since then stays owed on top; the difference becomes a
line, dated one millisecond before that time: it belongs to the period that had ended, and a second statement for the
same time corrects the first instead of adding to it.

An invoice moves nothing: it says which part of owed is invoiced (`guard.core.books`), and it may move a limit that
billing has stated in cycles (`guard.core.limits`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, assert_never

from guard.core import cards, limits, pace
from guard.core.decisions import Audit, BillingEntry, LineKind, Notice, NoticeKind, Reason
from guard.core.invariants import invariant
from guard.core.money import fits, format_cents
from guard.core.payments import Payments
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    BalanceMessage,
    BillingMessage,
    BillingOutcome,
    CardMessage,
    CloseMessage,
    Credit,
    CreditMessage,
    InvoiceMessage,
    PaymentMessage,
)
from guard.core.rows import InvoiceRow

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.judge import Judge
    from guard.core.world import World

ButPayments = (
    AccountMessage | BalanceMessage | AdjustmentMessage | CreditMessage | CloseMessage | InvoiceMessage | CardMessage
)


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
        case InvoiceMessage():
            amount, payload, kind = message.amount_micros, message.payload, "invoice"
        case CardMessage():
            payload, kind = message.payload, "card"
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

    __slots__ = ("_judge", "_payments", "_world")

    def __init__(self, world: World, judge: Judge) -> None:
        self._world = world
        self._judge = judge
        self._payments = Payments(world, judge)

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
            return self._payments.take(message, entry, known, now_ms)
        if known is not None:
            return BillingOutcome.DUPLICATE
        existing = self._world.accounts.get(message.account)
        if not self._acceptable(message, existing):
            return BillingOutcome.REFUSED
        # From here on it must succeed.
        self._enter(self._world.open_account(message.account), message, entry, now_ms)
        return BillingOutcome.ACCEPTED

    def _enter(self, account: Account, message: ButPayments, entry: BillingEntry, now_ms: int) -> None:
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
                if message.amount_micros > 0:
                    # A fee that is dated ahead must not make the time until then look idle.
                    pace.note(account.open_books(), message.amount_micros, min(entry.at_ms, now_ms))
                self._judge.judge(account, now_ms, now_ms, Reason.PAYMENT)
            case CreditMessage():
                self._limit(account, message, now_ms)
            case CloseMessage():
                self._close(account, now_ms)
            case InvoiceMessage():
                self._invoice(account, message, entry.at_ms, now_ms)
            case CardMessage():
                cards.put_on_file(account, message, self._world, now_ms)
                cards.look(account, self._judge, now_ms)
                self._judge.alarms.set(account, now_ms)
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
            self._relabel(account, message.currency, message.id, now_ms)
        if account.provisional:
            self._world.strangers.known(account.id, self._world, now_ms)
        account.provisional = account.forgotten = False
        before = account.plan, account.timezone, account.opened
        for field in ("name", "timezone", "opened", "plan", "tariff"):
            value = getattr(message, field)
            if value is not None:
                setattr(account, field, value)
        if (account.plan, account.timezone, account.opened) != before:
            self._world.replan(account)
        self._check_plan(account, now_ms)
        self._world.touch(account)
        if account.closed:
            account.closed = False
            cause = account.cause(Reason.CLOSED)
            if cause is not None:
                text = "Unblocked: billing has opened the account again."
                self._judge.lift(account, cause, Reason.RELEASED, now_ms, text)
            self._world.count_state(account)
        if message.credit is not None:
            self._credit_of_account(account, message.credit, now_ms)
        # A new name is no money event: only a stated limit lets a credit block lift at any time.
        self._judge.judge(account, now_ms, now_ms, Reason.LIMIT_RAISED if message.credit is not None else None)

    def _relabel(self, account: Account, currency: str, ref: str, now_ms: int) -> None:
        """A provisional account is in another currency than was thought, and its amounts were in that one all along.

        Lines that are posted stay as they are. What is owed is taken out in the one currency and put in again in the
        other, so that the ledger adds up in each; and as it may be money that guard's own tariff named, it is told.
        """
        world, before, owed = self._world, account.currency, account.owed_micros
        moved = owed != 0 or bool(account.live)
        if owed:
            world.line(account, LineKind.BALANCE, -owed, now_ms, ref=ref, text=f"the account is in {currency}")
        world.change_currency(account, currency)
        if owed:
            world.line(account, LineKind.BALANCE, owed, now_ms, ref=ref, text=f"was taken for {before}")
        if moved:
            text = (
                f"Billing says that the account is in {currency}; its calls had opened it in {before}. What they cost "
                f"is taken for {currency} all along, {format_cents(owed)} of it posted: if guard's tariff priced them, "
                "state the balance."
            )
            notice = Notice(kind=NoticeKind.QUARANTINED, at_ms=now_ms, switch="", account=account.id, text=text)
            world.notice_once(notice, "currency")

    def _check_plan(self, account: Account, now_ms: int) -> None:
        """A plan that nobody has configured costs the customer money: on-call is told once."""
        plan = account.plan
        if not plan or plan in self._world.rating.plans:
            return
        text = f"Billing names the plan {plan!r}, which is not configured: its calls are charged without a plan."
        notice = Notice(kind=NoticeKind.PLAN, at_ms=now_ms, switch="", account=account.id, text=text)
        self._world.notice_once(notice, plan)

    def _credit_of_account(self, account: Account, credit: Credit, now_ms: int) -> None:
        if credit.cycles_micros is not None and credit == limits.terms_of(account):
            # It repeats what is in force: no reason to let a step pass that waits for an operator.
            limits.refresh(account, self._world, now_ms)
        else:
            limits.set_for_good(account, credit, self._world)

    def _limit(self, account: Account, message: CreditMessage, now_ms: int) -> None:
        world, credit, until_ms = self._world, message.credit, message.until_ms
        if until_ms is None:
            limits.set_for_good(account, credit, world, by=message.by)
        elif until_ms > now_ms:
            invoices = () if account.books is None else account.books.invoices
            amount = limits.amount_of(credit, invoices, world.settings)
            limits.set_until(account, amount, until_ms, world, by=message.by)
        world.changes.audit.append(Audit(account.id, now_ms, message.by or "billing", "credit", message.reason))
        self._judge.judge(account, now_ms, now_ms, Reason.LIMIT_RAISED)

    def _invoice(self, account: Account, message: InvoiceMessage, at_ms: int, now_ms: int) -> None:
        row = InvoiceRow(message.id, message.period_start, message.period_end, message.amount_micros, at_ms)
        account.open_books().invoice(row, account.timezone)
        self._world.touch(account)
        if limits.refresh(account, self._world, now_ms):
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
        # What was used since then is not in it: an invoice that is still to come contains that.
        account.open_books().reconcile(min(message.owed_micros, account.owed_micros))
        self._judge.judge(account, now_ms, now_ms, Reason.PAYMENT)

    def restore(self, entries: list[BillingEntry]) -> None:
        """Take up the ids seen; what is pending is summed anew, by the trust that is configured now."""
        world = self._world
        for entry in entries:
            world.billing[entry.id] = without_payload(entry)
        self._payments.restore()


def without_payload(entry: BillingEntry) -> BillingEntry:
    """The entry as memory keeps it: the payload stays in the store."""
    return replace(entry, payload="") if entry.payload else entry
