"""Limits: how a credit limit comes about, who may move it, and whether it still fits what the account spends.

Billing states a limit: an amount, none, or cycles of the mean invoice (contract 1, `credit`):

    limit = cycles x mean of the last three invoices, half up to a micro, at least `floor`, at most `cap`

Without invoices it is the floor, else the default; the cap binds these too. Each invoice makes the limit anew. Once
three are known, **a step up of more than half waits** for an operator (`Books.step_micros`): an invoice inflated by
fraud must not raise the limit that stops the fraud. The next invoice makes the step anew, and may make it go away. A
`credit` message and an operator set the limit in full; whatever waited is gone then. An `account` message that only
repeats the terms in force is treated like an invoice, or the nightly copy of a customer base would let every step pass.

A limit for the time being stands in front of the one for good and ends by itself (`Judge._expire`).

**The review.** A limit is meant to cover two to three cycles of what an account spends, because payments come late.
What it spends a cycle is the mean of its last invoices; without invoices its pace, once that has been seen for 14 days.
The suggestion is 2.5 cycles, rounded up to an amount that can be read out: a multiple of 5, from 100 on two digits and
zeros.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from guard.core import pace
from guard.core.books import KEPT_INVOICES
from guard.core.cycles import day_text
from guard.core.decisions import Audit, Notice, NoticeKind
from guard.core.money import MAX_MICROS, MICROS_PER_UNIT, Micros, clamp_for_show, format_cents, format_money
from guard.core.records import Credit
from guard.core.rows import InvoiceRow

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.settings import Settings
    from guard.core.world import World

_MILLION = 1_000_000
_FEWEST_CYCLES, _MOST_CYCLES = 2 * _MILLION, 3 * _MILLION
_CYCLES_TO_SUGGEST_TENTHS = 25
_CYCLE_HUNDREDTHS_OF_A_DAY = 3_044
"""The mean month: 30.44 days."""
_KNOWN_ENOUGH_DAYS = 14


def mean_half_up(invoices: Sequence[InvoiceRow]) -> int:
    """Mean amount of some invoices (at least one), in micros."""
    total, count = sum(invoice.amount_micros for invoice in invoices), len(invoices)
    return (2 * total + count) // (2 * count)


def amount_of(credit: Credit, invoices: Sequence[InvoiceRow], settings: Settings) -> int | None:
    """The limit that a stated credit comes to; None: no limit."""
    if credit.cycles_micros is None:
        return credit.limit_micros
    if invoices:
        total, unit = sum(invoice.amount_micros for invoice in invoices), len(invoices) * _MILLION
        # The one rounding: half up to one micro.
        amount = (2 * credit.cycles_micros * total + unit) // (2 * unit)
        amount = max(amount, credit.floor_micros or 0)
    else:
        amount = settings.default_limit_micros if credit.floor_micros is None else credit.floor_micros
    return min(amount, MAX_MICROS if credit.cap_micros is None else credit.cap_micros)


def terms_of(account: Account) -> Credit:
    """The credit in force for good, as it was stated."""
    if account.cycles_micros is None:
        return Credit(limit_micros=None if account.limit_micros is None else Micros(account.limit_micros))
    floor, cap = account.floor_micros, account.cap_micros
    return Credit(
        cycles_micros=account.cycles_micros,
        floor_micros=None if floor is None else Micros(floor),
        cap_micros=None if cap is None else Micros(cap),
    )


# -- setting it


def set_for_good(account: Account, credit: Credit, world: World, *, by: str = "") -> None:
    """Billing has stated the credit anew: in full, whatever the limit was and whatever waited."""
    account.cycles_micros = credit.cycles_micros
    account.floor_micros, account.cap_micros = credit.floor_micros, credit.cap_micros
    if credit.cycles_micros is not None:
        account.limit_source = "cycles"
    else:
        account.limit_source = "amount" if credit.limit_micros is not None else "none"
    _put(account, amount_of(credit, _invoices(account), world.settings), world, by=by)


def set_by_hand(account: Account, limit_micros: int | None, world: World, *, by: str) -> None:
    """An operator has set the limit for good, in place of whatever billing had stated."""
    account.cycles_micros = account.floor_micros = account.cap_micros = None
    account.limit_source = "operator"
    _put(account, limit_micros, world, by=by)


def set_default(account: Account, world: World) -> None:
    """Nobody has stated a limit, or whoever did is forgotten: the default one."""
    account.cycles_micros = account.floor_micros = account.cap_micros = None
    account.limit_source = "default"
    _put(account, world.settings.default_limit_micros, world, by="")


def _put(account: Account, limit_micros: int | None, world: World, *, by: str) -> None:
    account.limit_micros = limit_micros
    account.until_ms = account.until_limit_micros = None
    if account.books is not None or by:
        books = account.open_books()
        books.step_micros, books.limit_by, books.until_by = None, by, ""
    account.set_thresholds()
    world.touch(account)


def set_until(account: Account, limit_micros: int | None, until_ms: int, world: World, *, by: str) -> None:
    """A limit for the time being stands in front of the one for good."""
    account.until_limit_micros, account.until_ms = limit_micros, until_ms
    if account.books is not None or by:
        account.open_books().until_by = by
    account.set_thresholds()
    world.touch(account)


def take_step(account: Account, world: World) -> bool:
    """An operator approves of the limit that waits; False: none does."""
    books = account.books
    if books is None or books.step_micros is None:
        return False
    account.limit_micros, books.step_micros = books.step_micros, None
    account.set_thresholds()
    world.touch(account)
    return True


def refresh(account: Account, world: World, now_ms: int) -> bool:
    """Make a limit by cycles anew from the last invoices; True: it has changed."""
    books, present = account.books, account.limit_micros
    if account.limit_source != "cycles" or books is None or present is None:
        return False
    wanted = amount_of(terms_of(account), books.invoices, world.settings) or 0
    if len(books.invoices) >= KEPT_INVOICES and 2 * wanted > 3 * present:
        if wanted != books.step_micros:
            books.step_micros = wanted
            _tell_of_step(account, wanted, world, now_ms)
        return False
    books.step_micros = None
    account.limit_micros = wanted
    account.set_thresholds()
    return wanted != present


def follow_default(account: Account, settings: Settings) -> bool:
    """Where nothing else says how much, the limit is the default that is configured now; True: it has changed."""
    if account.limit_source == "default":
        wanted: int | None = settings.default_limit_micros
    elif account.limit_source == "cycles" and account.floor_micros is None and not _invoices(account):
        wanted = amount_of(terms_of(account), (), settings)
    else:
        return False
    if account.limit_micros == wanted:
        return False
    account.limit_micros = wanted
    account.set_thresholds()
    return True


def _tell_of_step(account: Account, wanted: int, world: World, now_ms: int) -> None:
    text = (
        f"The last {KEPT_INVOICES} invoices ask for a limit of {format_cents(wanted)} {account.currency} in place of "
        f"{format_cents(account.limit_micros or 0)}: more than half as much again, so it waits for an operator."
    )
    world.changes.audit.append(Audit(account.id, now_ms, "guard", "limit", text))
    world.notice(Notice(kind=NoticeKind.LIMIT, at_ms=now_ms, switch="", account=account.id, text=text))


def _invoices(account: Account) -> tuple[InvoiceRow, ...]:
    return () if account.books is None else account.books.invoices


# -- saying how it came about


def limit_text(account: Account, settings: Settings) -> str:
    """How the limit in force came about, in one sentence without its stop."""
    books = account.books
    for_good = _for_good_text(account, settings)
    if books is not None and books.step_micros is not None:
        for_good += (
            f"; {format_cents(books.step_micros)} waits for an operator, because it is more than half as much again as "
            f"the present {_shown(account.limit_micros)}"
        )
    if account.until_ms is None:
        return for_good
    by = books.until_by if books is not None and books.until_by else "billing"
    return f"set by {by} until {day_text(account.until_ms, account.timezone)}, then {_then(account, for_good)}"


def _then(account: Account, for_good: str) -> str:
    if account.limit_micros is None:
        return "no limit"
    shown = _shown(account.limit_micros)
    return f"{shown} ({for_good})" if account.limit_source == "cycles" else shown


def _for_good_text(account: Account, settings: Settings) -> str:
    by = account.books.limit_by if account.books is not None else ""
    if account.limit_source == "cycles":
        return _cycles_text(account, settings)
    if account.limit_source == "default":
        return "the default: billing has not stated one"
    if account.limit_source == "operator":
        return f"set by {by}" if account.limit_micros is not None else f"no limit, set by {by}"
    if account.limit_micros is None:
        return "no limit"
    return f"fixed by billing ({by})" if by else "fixed by billing"


def _cycles_text(account: Account, settings: Settings) -> str:
    invoices = _invoices(account)
    bounds = [
        f"at {word} {format_cents(bound)}"
        for word, bound in (("least", account.floor_micros), ("most", account.cap_micros))
        if bound is not None
    ]
    times = _times(account.cycles_micros or 0)
    if invoices:
        amounts = ", ".join(format_cents(invoice.amount_micros) for invoice in invoices)
        known = f"the last {len(invoices)} invoices" if len(invoices) > 1 else "the one invoice known"
        return ", ".join([f"{times} of the mean of {known} ({amounts})", *bounds])
    if account.floor_micros is not None:
        instead = f"the least of {format_cents(account.floor_micros)}"
    else:
        instead = f"the default of {format_cents(settings.default_limit_micros)}"
        if account.cap_micros is not None and account.cap_micros < settings.default_limit_micros:
            instead = f"the most of {format_cents(account.cap_micros)}"
    return f"{times} of the mean invoice; no invoice is known yet, so {instead}"


def _times(cycles_micros: int) -> str:
    number = format_money(cycles_micros).rstrip("0").rstrip(".")
    return "1 cycle" if number == "1" else f"{number} cycles"


def _shown(micros: int | None) -> str:
    return "no limit" if micros is None else format_cents(micros)


# -- reviewing it


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitReview:
    """An account whose limit no longer covers two to three cycles of what it spends."""

    account: str
    name: str
    currency: str
    limit_micros: Micros | None
    """The one for good."""
    limit_source: str
    spend_per_cycle_micros: Micros
    cycles_covered_millionths: int | None
    suggested_micros: Micros
    why: str
    """In a sentence, as a clerk would say it."""


def review(account: Account, now_ms: int) -> LimitReview | None:
    """What there is to say about its limit for good; None: nothing, it fits, or nothing is known of what it spends."""
    limit = account.limit_micros
    if limit is None or account.closed:
        return None
    spend, known_from = _spend(account, now_ms)
    if spend <= 0:
        return None
    covered = limit * _MILLION // spend
    suggested = readable_up(spend * _CYCLES_TO_SUGGEST_TENTHS // 10)
    if _FEWEST_CYCLES <= covered <= _MOST_CYCLES or suggested == limit:
        return None
    return LimitReview(
        account=account.id,
        name=account.name,
        currency=account.currency,
        limit_micros=clamp_for_show(limit),
        limit_source=account.limit_source,
        spend_per_cycle_micros=clamp_for_show(spend),
        cycles_covered_millionths=covered,
        suggested_micros=suggested,
        why=_why(account, limit, covered, f"{known_from} is {format_cents(spend)}"),
    )


def _spend(account: Account, now_ms: int) -> tuple[int, str]:
    """What it spends a cycle, and where that is known from; 0: not known."""
    books = account.books
    if books is None:
        return 0, ""
    if books.invoices:
        count = len(books.invoices)
        words = f"the mean of the last {count} invoices" if count > 1 else "the one invoice known"
        return mean_half_up(books.invoices), words
    if pace.known_days(books, now_ms) < _KNOWN_ENOUGH_DAYS:
        return 0, ""
    per_cycle = pace.per_day(books, now_ms) * _CYCLE_HUNDREDTHS_OF_A_DAY // 100
    return per_cycle, "no invoice is known, but at the present pace a month"


def readable_up(micros: int) -> Micros:
    """The next amount that can be read out: a multiple of 5, from 100 on two digits and zeros."""
    units = -(-micros // MICROS_PER_UNIT)
    step = max(5, 10 ** (len(str(units)) - 2))
    return clamp_for_show(-(-units // step) * step * MICROS_PER_UNIT)


def _why(account: Account, limit: int, covered: int, spends: str) -> str:
    less = covered < _FEWEST_CYCLES
    why = f"It covers {'only ' if less else ''}{format_cents(covered)} cycles, where 2 to 3 are meant: {spends}"
    if account.limit_source == "cycles":
        if less and account.cap_micros is not None and limit >= account.cap_micros:
            why += f"; the cap of {format_cents(account.cap_micros)} holds it down"
        elif not less and account.floor_micros is not None and limit <= account.floor_micros:
            why += f"; the floor of {format_cents(account.floor_micros)} holds it up"
        elif account.books is not None and account.books.step_micros is not None:
            why += f"; {format_cents(account.books.step_micros)} waits for an operator"
        else:
            why += f"; billing has stated {_times(account.cycles_micros or 0)}"
    elif account.limit_source == "default":
        why += "; it is the default"
    return f"{why}."
