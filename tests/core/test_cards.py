"""The card on file: when it counts as bad, what is said of it, and that the calendar needs no message."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from guard.core import pace
from guard.core.accounts import Account
from guard.core.cards import card_text
from guard.core.decisions import Action, Decision
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import AccountMessage, AdjustmentMessage, CardMessage, CardStatus, Credit
from guard.core.restored import Restored
from guard.core.rows import CardRow
from guard.core.scopes import Scopes
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, Settings

UNIT = 1_000_000


def moment(text: str) -> int:
    """Milliseconds of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


OCTOBER_MS = moment("2026-10-20T12:00")


def an_engine(status: CardStatus, expires: str = "", limit: int = 500 * UNIT) -> Engine:
    """An engine in which A1 in Toronto owes 100.00, grows by 10.00 a day, and has such a card."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), OCTOBER_MS)
    credit = Credit(limit_micros=Micros(limit))
    message = AccountMessage(id="a", account="A1", timezone="America/Toronto", credit=credit)
    engine.billing(message, OCTOBER_MS)
    engine.billing(AdjustmentMessage(id="b", account="A1", amount_micros=Micros(100 * UNIT)), OCTOBER_MS)
    books = engine.world.accounts["A1"].open_books()
    books.pace_micros = books.pace_at_ms = books.pace_since_ms = 0
    for day in range(100, 0, -1):
        pace.note(books, 10 * UNIT, OCTOBER_MS - day * DAY_MS)
    engine.billing(CardMessage(id="k", account="A1", status=status, expires=expires), OCTOBER_MS)
    return engine


def told(engine: Engine) -> list[Decision]:
    """Decisions about the card since the last time."""
    return [decision for decision in engine.take().decisions if decision.key == "card"]


def test_the_warning_is_a_sentence_with_a_forecast() -> None:
    """What is wrong with the card, how fast the balance grows, and when it will be too late."""
    (decision,) = told(an_engine(CardStatus.EXPIRED, "2026-09"))
    assert decision.action is Action.WARN
    assert decision.text == (
        "Warning: the card on file expired in September 2026 and the balance grows by 9.51 CAD a day: "
        "it reaches its limit of 500.00 CAD in about 42 days at the present pace."
    )


def test_an_expiring_card_is_bad_when_its_month_is_over_in_the_account_s_zone() -> None:
    """October ends in Toronto at 04:00 UTC; the card is looked at once a day, so within a day of it."""
    engine = an_engine(CardStatus.EXPIRING, "2026-10")
    account = engine.world.accounts["A1"]
    books = account.open_books()
    assert books.card is not None
    end_ms = moment("2026-11-01T04:00")
    assert card_text(account, books.card, end_ms - 1) == "Card on file: expires October 2026."
    assert card_text(account, books.card, end_ms).startswith("Card on file: expired in October 2026; the balance grows")
    engine.advance(end_ms)
    assert not told(engine)
    engine.advance(end_ms + DAY_MS)
    (decision,) = told(engine)
    assert decision.at_ms == moment("2026-11-01T12:00")


def test_an_expiring_card_comes_due_though_guard_was_restarted() -> None:
    """The moments follow from the card itself."""
    engine = an_engine(CardStatus.EXPIRING, "2026-10")
    row = engine.world.accounts["A1"].row()
    again = Engine(Settings(), Scopes.of_country_code("1"), OCTOBER_MS + HOUR_MS)
    again.restore(Restored(accounts=[row]), OCTOBER_MS + HOUR_MS)
    again.advance(moment("2026-11-01T11:59"))
    assert not told(again)
    again.advance(moment("2026-11-01T12:00"))
    assert [decision.action for decision in told(again)] == [Action.WARN]


def test_billing_that_says_it_again_warns_once() -> None:
    """Also when it says it in other words."""
    engine = an_engine(CardStatus.EXPIRED, "2026-09")
    engine.billing(CardMessage(id="k2", account="A1", status=CardStatus.DECLINED), OCTOBER_MS + MINUTE_MS)
    assert len(told(engine)) == 1
    engine.billing(
        CardMessage(id="k3", account="A1", status=CardStatus.EXPIRING, expires="2026-12"), OCTOBER_MS + DAY_MS
    )
    (decision,) = told(engine)
    assert (decision.action, decision.text) == (Action.CLEARED, "Cleared: the card on file is good again.")


def test_an_account_at_its_limit_is_told_so() -> None:
    """There is no day to forecast any more."""
    (decision,) = told(an_engine(CardStatus.DECLINED, limit=90 * UNIT))
    assert decision.text == (
        "Warning: the card on file was declined and the balance grows by 9.51 CAD a day: "
        "it has reached its limit of 90.00 CAD."
    )


@pytest.mark.parametrize(
    ("status", "expires", "text"),
    [
        ("ok", "", "Card on file: ok."),
        ("ok", "2028-01", "Card on file: expires January 2028."),
        ("expiring", "", "Card on file: expiring."),
        ("expiring", "2026-12", "Card on file: expires December 2026."),
        ("expired", "2026-09", "Card on file: expired in September 2026."),
        ("expired", "", "Card on file: has expired."),
        ("declined", "2028-01", "Card on file: was declined."),
    ],
)
def test_the_state_of_the_card_in_words(status: str, expires: str, text: str) -> None:
    """As a clerk reads it out."""
    account = Account("A1", "CAD", None)
    assert card_text(account, CardRow(status, expires, OCTOBER_MS, warned=False), OCTOBER_MS) == text
