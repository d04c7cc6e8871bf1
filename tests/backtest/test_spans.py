"""What a labelled span has lost until the block that stops it, and which spans are one incident."""

from __future__ import annotations

from dataclasses import replace

from guard.backtest.spans import Reach, SpanTally, incidents
from guard.backtest.summary import fraud
from guard.backtest.tally import Tally
from guard.core.records import Scope
from tests.backtest.histories import DAY, HOUR, MINUTE, T0, span
from tests.backtest.test_tally import decision

ABROAD: Reach = frozenset({Scope.ALL, Scope.INTERNATIONAL})
PREMIUM: Reach = frozenset({Scope.ALL, Scope.PREMIUM})
HOME: Reach = frozenset({Scope.ALL})


def blocked(at_ms: int, scope: Scope, account: str = "A") -> Tally:
    """A fraud of an hour abroad: 10 before and 20 after that block, and 30 that it prevents."""
    tally = Tally([span(account, 0, HOUR)])
    tally.charged(account, T0 + at_ms - 1, 10, ABROAD)
    tally.decided(decision(account, at_ms, "r", scope=scope))
    tally.charged(account, T0 + at_ms + 1, 20, ABROAD)
    return tally


def losses(tally: Tally) -> tuple[int, int, int | None]:
    (entry,) = tally.spans
    return entry.before_micros, entry.after_micros, None if entry.blocked_ms is None else entry.blocked_ms - T0


def test_a_block_whose_scope_misses_the_fraud_stops_nothing() -> None:
    tally = blocked(MINUTE, Scope.PREMIUM)
    assert losses(tally) == (30, 0, None)
    tally.decided(decision("A", 2 * MINUTE, "s", scope=Scope.INTERNATIONAL))
    tally.charged("A", T0 + 3 * MINUTE, 40, ABROAD)
    assert losses(tally) == (30, 40, 2 * MINUTE)
    assert fraud(tally.spans)["caught"] == 1


def test_a_wider_block_does() -> None:
    assert losses(blocked(MINUTE, Scope.ALL)) == losses(blocked(MINUTE, Scope.INTERNATIONAL)) == (10, 20, MINUTE)


def test_what_an_account_calls_anyway_is_not_what_the_fraud_calls() -> None:
    tally = Tally([span("A", DAY, DAY + HOUR)])
    for hour in range(24):
        tally.charged("A", T0 + hour * HOUR, 100, HOME)
    tally.charged("A", T0 + DAY, 100, HOME)
    tally.charged("A", T0 + DAY + 1, 50, ABROAD)
    tally.decided(decision("A", DAY + MINUTE, "r", scope=Scope.INTERNATIONAL))
    assert losses(tally) == (150, 0, DAY + MINUTE)


def test_what_was_prevented_says_what_the_fraud_calls_too() -> None:
    tally = Tally([span("A", 0, HOUR)])
    tally.charged("A", T0, 5, PREMIUM)
    tally.charged("A", T0 + 1, 1, ABROAD)
    tally.decided(decision("A", MINUTE, "r", scope=Scope.INTERNATIONAL))
    assert losses(tally) == (6, 0, None)
    tally.prevented("A", T0 + 2 * MINUTE, 500, ABROAD)
    assert losses(tally) == (6, 0, MINUTE)


def test_where_no_money_moves_any_block_will_do() -> None:
    tally = Tally([span("A", 0, HOUR)])
    tally.decided(decision("A", MINUTE, "r", scope=Scope.PREMIUM))
    assert losses(tally) == (0, 0, MINUTE)


def test_the_accounts_of_a_wave_are_one_incident() -> None:
    entries = [SpanTally(replace(span(account, 0, HOUR), case="wave")) for account in "ABC"]
    entries += [SpanTally(span(account, 0, HOUR)) for account in "DE"]
    entries[1].blocked(T0 + MINUTE, Scope.ALL, "r", acts=True)
    assert [len(each) for each in incidents(entries)] == [3, 1, 1]
    told = fraud(entries)
    assert (told["spans"], told["caught"], told["incidents"], told["incidents_caught"]) == (5, 1, 3, 1)
