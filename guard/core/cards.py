"""The pre-authorised card: what billing says of it, and a warning when the balance grows without a good one.

A card is bad when billing says that it was declined or has expired, or when it was expiring and its last month is over
in the account's own time zone. A bad card with a balance that grows is a block in sight: nobody will pay in time. So
on-call is told once, with a forecast from the pace of spending, and told again when the card is good (`cleared`, same
key). Without a limit, or with one that is more than a year away, there is nothing to fear.

A card that is not `ok` is looked at when billing speaks of it and once a day from then on, because the balance and the
calendar move without a message. The moments follow from the time of the message alone, so that they need no memory and
a thousand cards do not come due in the same millisecond.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from guard.core import pace
from guard.core.cycles import MONTHS, midnight_ms, next_month
from guard.core.decisions import Action, Reason
from guard.core.money import floor_from_scaled, format_cents
from guard.core.records import CardMessage, CardStatus
from guard.core.rows import CardRow
from guard.core.settings import DAY_MS

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.judge import Judge
    from guard.core.world import World

KEY = "card"
"""Of the decisions about it, so that a `cleared` finds its `warn`."""
_FARTHEST_DAYS = 365


def put_on_file(account: Account, message: CardMessage, world: World, now_ms: int) -> None:
    """Billing has spoken of the card; that on-call was told about the one before is kept until it is cleared."""
    books = account.open_books()
    warned = books.card is not None and books.card.warned
    books.file_card(CardRow(message.status.value, message.expires, now_ms, warned))
    world.touch(account)


def next_look_ms(account: Account, now_ms: int) -> int | None:
    """When a card that is not `ok` is to be looked at next."""
    books = account.books
    if books is None or books.card is None or not books.card_watched:
        return None
    return now_ms + DAY_MS - (now_ms - books.card.at_ms) % DAY_MS


def look(account: Account, judge: Judge, now_ms: int) -> None:
    """Warn of a bad card with a balance that grows, once; clear the warning when the card is good."""
    books = account.books
    if books is None or books.card is None:
        return
    card = books.card
    bad = _is_bad(card, account.timezone, now_ms)
    if card.warned and not bad:
        books.card = card._replace(warned=False)
        text = "Cleared: the card on file is good again."
        judge.decide(account, Action.CLEARED, Reason.CREDIT_LIMIT, now_ms, now_ms, text, key=KEY)
    elif bad and not card.warned and not account.closed:
        forecast = _forecast(account, now_ms)
        if forecast:
            books.card = card._replace(warned=True)
            text = f"Warning: the card on file {_what_is_wrong(card)} and {forecast}."
            judge.decide(account, Action.WARN, Reason.CREDIT_LIMIT, now_ms, now_ms, text, key=KEY)


def card_text(account: Account, card: CardRow, now_ms: int) -> str:
    """The state of the card in a sentence, with the forecast if there is one."""
    if _is_bad(card, account.timezone, now_ms):
        forecast = _forecast(account, now_ms)
        return f"Card on file: {_what_is_wrong(card)}{f'; {forecast}' if forecast else ''}."
    return f"Card on file: {f'expires {_month_text(card.expires)}' if card.expires else card.status}."


def _is_bad(card: CardRow, timezone: str, now_ms: int) -> bool:
    if card.status in {CardStatus.EXPIRED.value, CardStatus.DECLINED.value}:
        return True
    if card.status == CardStatus.OK.value or not card.expires:
        return False
    return now_ms >= midnight_ms(next_month(date.fromisoformat(f"{card.expires}-01")), timezone)


def _what_is_wrong(card: CardRow) -> str:
    if card.status == CardStatus.DECLINED.value:
        return "was declined"
    return f"expired in {_month_text(card.expires)}" if card.expires else "has expired"


def _forecast(account: Account, now_ms: int) -> str:
    """When the limit will be reached at the present pace; empty: nothing to fear within a year."""
    limit, currency = account.limit_in_force, account.currency
    per_day = 0 if account.books is None else pace.per_day(account.books, now_ms)
    exposure = floor_from_scaled(account.exposure_scaled(now_ms))
    days = pace.days_to_limit(exposure, limit, per_day)
    if limit is None or days is None or days > _FARTHEST_DAYS or account.owed_micros <= 0:
        return ""
    growth = f"the balance grows by {format_cents(per_day)} {currency} a day"
    its_limit = f"its limit of {format_cents(limit)} {currency}"
    if exposure >= limit:
        return f"{growth}: it has reached {its_limit}"
    in_days = "within a day" if days == 0 else f"in about {days} day{'s' if days > 1 else ''}"
    return f"{growth}: it reaches {its_limit} {in_days} at the present pace"


def _month_text(month: str) -> str:
    first = date.fromisoformat(f"{month}-01")
    return f"{MONTHS[first.month - 1]} {first.year}"
