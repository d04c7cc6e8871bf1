r"""Payments: each is keyed by its id and status, and counts once in whatever order the bank speaks.

The table says what a status does after another. A row that is missing would be a bug, a combination that no bank can
mean is refused.

| before \ comes | pending | posted | rejected | reversed |
|---|---|---|---|---|
| (nothing) | hold | post | note | post and reverse |
| pending | duplicate | release, post | release | release, post and reverse |
| posted | duplicate | duplicate | refuse | reverse |
| rejected | duplicate | refuse | duplicate | refuse |
| reversed | duplicate | duplicate | refuse | duplicate |

A part of a pending payment may be trusted (`[payments] trust`): it counts against exposure until the bank has spoken.
When the payment is rejected the part is gone, exposure is back where it was, and the account is judged in the same
breath. Posted money first pays what is invoiced (`guard.core.books`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.decisions import BillingEntry, LineKind, Reason
from guard.core.money import fits
from guard.core.records import BillingOutcome, PaymentMessage, PaymentStatus

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


class Payments:
    """Takes payments whose id belongs to no other message."""

    __slots__ = ("_judge", "_world")

    def __init__(self, world: World, judge: Judge) -> None:
        self._world = world
        self._judge = judge

    def take(
        self, message: PaymentMessage, entry: BillingEntry, known: BillingEntry | None, now_ms: int
    ) -> BillingOutcome:
        """Apply one status of a payment, once; `known` is what was taken of it before."""
        before = PaymentStatus(known.status) if known is not None else None
        steps = PAYMENT_STEPS[before, message.status]
        if steps is _DUPLICATE:
            return BillingOutcome.DUPLICATE
        if steps is _REFUSE or not self._bearable(message, steps):
            return BillingOutcome.REFUSED
        # From here on it must succeed.
        account = self._world.open_account(message.account)
        for step in steps:
            self._carry_out(step, account, message, entry.at_ms)
        self._judge.judge(account, now_ms, now_ms, Reason.PAYMENT)
        return BillingOutcome.ACCEPTED

    def _carry_out(self, step: str, account: Account, message: PaymentMessage, at_ms: int) -> None:
        world, amount, method = self._world, message.amount_micros, message.method
        if step == _HOLD:
            world.trust(account, amount, self.trusted(method, amount))
        elif step == _RELEASE:
            world.trust(account, -amount, -self.trusted(method, amount))
        elif step == _POST:
            world.line(account, LineKind.PAYMENT, -amount, at_ms, ref=message.id, method=method)
            account.open_books().pay(amount)
        elif step == _REVERSE:
            world.line(account, LineKind.REVERSAL, amount, at_ms, ref=message.id, method=method)
            account.open_books().take_back(amount)

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

    def restore(self) -> None:
        """Sum what is pending anew, by the trust that is configured now."""
        world = self._world
        for account in world.accounts.values():
            if account.pending_micros or account.trusted_micros:
                world.trust(account, -account.pending_micros, -account.trusted_micros)
        for entry in world.billing.values():
            if entry.type == "payment" and entry.status == "pending" and entry.amount_micros is not None:
                account = world.accounts[entry.account]
                world.trust(account, entry.amount_micros, self.trusted(entry.method, entry.amount_micros))
