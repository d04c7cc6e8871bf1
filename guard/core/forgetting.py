"""Forgetting an account: what only says who it was goes, what says what it owed and why it was blocked stays.

An account can be forgotten once billing has closed it and its last call is over. Its name, since when it is a customer,
its card, and all that rules know of it go at once, with the batch. The details of its calls in the store are more than
a batch may hold; they follow in small steps (`Changes.forgotten`).

The account itself stays, by its id: its ledger must add up to what it owes, the numbers of its commands must go on
growing or switches would ignore the next one, and the history of its blocks is evidence. It stays closed, and so
blocked, until somebody calls or is called under its id: then it opens anew, like an account that nobody has spoken of
yet, under the default limit. A message by which billing opens it does the same with billing's word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core import limits
from guard.core.decisions import Reason
from guard.core.records import IntentResult

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.detection import Detection
    from guard.core.judge import Judge
    from guard.core.world import World


def forget(account: Account, world: World, detection: Detection | None, now_ms: int) -> IntentResult:
    """Let go of who it was. Once more changes nothing but what has come since."""
    if not account.closed:
        return IntentResult.NOT_CLOSED
    if account.live:
        return IntentResult.CALLS_UP
    account.forgotten = True
    account.name = account.opened = ""
    if account.books is not None:
        account.books.file_card(None)
    if detection is not None:
        detection.forget(account.id)
    world.touch(account)
    world.changes.forgotten.append((account.id, now_ms, world.last_line))
    return IntentResult.DONE


def open_anew(account: Account, world: World, judge: Judge, now_ms: int) -> None:
    """Somebody calls under its id: nobody knows who that is."""
    account.forgotten = account.closed = False
    world.strangers.count += not account.provisional
    account.provisional = True
    account.plan = account.tariff = account.timezone = ""
    limits.set_default(account, world)
    world.replan(account)
    cause = account.cause(Reason.CLOSED)
    if cause is not None:
        text = "Unblocked: the account had been closed and forgotten, and opens anew with a call."
        judge.lift(account, cause, Reason.RELEASED, now_ms, text)
    world.count_state(account)
    # What it owes may be more than somebody nobody knows is let run up.
    judge.judge(account, now_ms, now_ms, Reason.LIMIT_RAISED)
