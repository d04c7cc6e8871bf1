"""The replay: what would have happened to the calls, and to the money."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.backtest.replay import Assumptions
from guard.core.rating import Rating
from guard.core.tariff import CallClass, Destination, Tariff
from tests.backtest.histories import ABROAD, DAY, HOME, HOUR, MINUTE, SECOND, call, limit, play, span

UNIT = 1_000_000


def test_a_call_is_cut_at_the_moment_of_the_block_and_its_rest_is_prevented() -> None:
    """6.00 a minute reaches 100.00 after 1,000 s, between two ticks."""
    played = play(call("c1", "A", start_ms=0, lasts_s=3_600))
    assert played.told() == [(1_000 * SECOND, "A", "block", "credit_limit")]
    assert played.owed("A") == 100 * UNIT
    assert played.prevented("A") == 260 * UNIT
    assert played.engine.world.accounts["A"].live is None
    assert played.tally.withheld_reports == 87


def test_the_charge_at_the_cut_lies_on_the_line_between_the_calls_own_reports() -> None:
    """Another call brings the account to its limit; this one's switch charges ever more and states no rate."""
    dearer = call("c2", "A", start_ms=10 * SECOND, lasts_s=1_200)
    for number, report in enumerate(dearer):
        del report["rate"]
        report["charge"] = f"0.{number * number:04d}"
    played = play(dearer + call("c1", "A", start_ms=0, lasts_s=3_600))
    ((at_ms, *_), *_) = played.told()
    number, after_ms = divmod(at_ms - 10 * SECOND, 30 * SECOND)
    assert after_ms > 0
    before, after = number * number * 100, (number + 1) * (number + 1) * 100
    posted = {past.call: past.posted_micros for past in played.engine.world.switches["sw1"].remembered.values()}
    assert posted["c2"] == before + (after - before) * after_ms // (30 * SECOND)


def test_a_silent_call_counts_what_it_last_stated() -> None:
    """It was never heard of again: its switch would have posted no more."""
    silent = call("c2", "A", start_ms=940 * SECOND, lasts_s=40, ends=False)
    played = play(silent + call("c1", "A", start_ms=0, lasts_s=1_200))
    assert played.told()[0][0] < 1_000 * SECOND
    assert played.owed("A") + played.prevented("A") == 123 * UNIT


def test_new_calls_of_a_blocked_account_are_not_placed_at_all() -> None:
    late = call("c2", "A", start_ms=2 * HOUR, lasts_s=600) + call("c3", "B", start_ms=2 * HOUR, lasts_s=600)
    attempt = call("c4", "A", start_ms=3 * HOUR, lasts_s=0)[:1]
    attempt[0]["event"] = "failed"
    played = play(call("c1", "A", start_ms=0, lasts_s=1_200) + late + attempt)
    assert played.owed("A") == 100 * UNIT
    assert played.prevented("A") == 20 * UNIT + 60 * UNIT
    assert played.owed("B") == 60 * UNIT
    assert played.tally.withheld_calls == 1
    assert played.tally.refused_attempts == 1


@pytest.mark.parametrize(
    "passes",
    [{"direction": "incoming"}, {"direction": "internal"}, {"emergency": True}, {"to": "911"}],
    ids=["incoming", "internal", "emergency", "emergency number"],
)
def test_what_no_block_stops_goes_on(passes: dict[str, object]) -> None:
    others = call("c2", "A", start_ms=0, lasts_s=3_600, rate=0) + call("c3", "A", start_ms=HOUR, lasts_s=60, rate=0)
    played = play([*call("c1", "A", start_ms=0, lasts_s=3_600), *(each | passes for each in others)])
    assert played.told()[0] == (1_000 * SECOND, "A", "block", "credit_limit")
    durations = {past.call: past.duration_ms for past in played.engine.world.switches["sw1"].remembered.values()}
    assert durations == {"c1": 1_000 * SECOND, "c2": 3_600 * SECOND, "c3": 60 * SECOND}


def test_a_withheld_call_that_turns_out_to_be_an_emergency_was_never_prevented() -> None:
    late = call("c2", "A", start_ms=HOUR, lasts_s=120)
    late[-1]["emergency"] = True
    played = play(call("c1", "A", start_ms=0, lasts_s=1_000) + late)
    assert played.prevented("A") == 0
    assert played.owed("A") == 100 * UNIT


def test_an_operator_releases_and_whoever_is_still_at_the_limit_gets_an_hour() -> None:
    later = call("c2", "A", start_ms=DAY + 30 * MINUTE, lasts_s=600) + call(
        "c3", "A", start_ms=DAY + 2 * HOUR, lasts_s=60
    )
    played = play(call("c1", "A", start_ms=0, lasts_s=1_200) + later)
    block_ms = 1_000 * SECOND
    assert played.told() == [
        (block_ms, "A", "block", "credit_limit"),
        (block_ms + DAY, "A", "unblock", "released"),
        (block_ms + DAY + HOUR, "A", "block", "credit_limit"),
    ]
    assert played.owed("A") == 160 * UNIT
    assert played.prevented("A") == 20 * UNIT + 6 * UNIT


def test_release_after_can_be_set() -> None:
    more = call("c2", "B", start_ms=DAY, lasts_s=60)
    played = play(call("c1", "A", start_ms=0, lasts_s=1_200) + more, assumptions=Assumptions(release_after_ms=2 * HOUR))
    assert played.told()[1] == (1_000 * SECOND + 2 * HOUR, "A", "unblock", "released")


def test_billing_acts_at_its_time_and_a_payment_lifts_the_block() -> None:
    payment = {"type": "payment", "id": "p", "account": "A", "amount": "50.00", "method": "card", "status": "posted"}
    later = call("c2", "A", start_ms=2 * HOUR, lasts_s=60)
    played = play(
        call("c1", "A", start_ms=0, lasts_s=1_200) + later,
        [limit("A", "60.00"), payment | {"at": later[0]["at"]}],
    )
    assert played.told() == [(600 * SECOND, "A", "block", "credit_limit"), (2 * HOUR, "A", "unblock", "payment")]
    assert played.owed("A") == 66 * UNIT


def test_an_account_that_is_at_its_limit_before_any_switch_is_known_is_blocked_all_the_same() -> None:
    balance = {"type": "balance", "id": "b", "account": "A", "owed": "80.00", "as_of": limit("A", "50.00")["at"]}
    played = play(call("c1", "A", start_ms=MINUTE, lasts_s=60), [limit("A", "50.00"), balance])
    assert played.owed("A") == 0
    assert played.prevented("A") == 6 * UNIT


def test_calls_that_are_up_at_the_end_count_what_they_last_stated() -> None:
    played = play(call("c1", "A", start_ms=0, lasts_s=100, ends=False))
    assert played.owed("A") == 9 * UNIT


def test_a_call_that_guard_rates_is_prevented_at_the_tariffs_price() -> None:
    somalia = Destination(prefix="252", name="Somalia", kind=CallClass.INTERNATIONAL, rate_micros=6 * UNIT)
    rating = Rating(unknown_rate_micros=UNIT, tariff=Tariff([somalia]))
    played = play(call("c1", "A", start_ms=0, lasts_s=3_600, stated=False), rating=rating)
    assert played.owed("A") + played.prevented("A") == 360 * UNIT
    assert played.owed("A") == 100 * UNIT


def test_at_hang_up_a_call_goes_on_and_only_the_next_is_refused() -> None:
    calls = call("c1", "A", start_ms=0, lasts_s=3_600) + call("c2", "A", start_ms=2 * HOUR, lasts_s=60)
    played = play(calls, assumptions=Assumptions(at_hang_up=True))
    assert played.told() == [(HOUR, "A", "block", "credit_limit")]
    assert played.owed("A") == 360 * UNIT
    assert played.prevented("A") == 6 * UNIT


# -- labels


def test_loss_is_split_at_the_block() -> None:
    """Blocked at 1,000 s: 100.00 before. The hour after the release costs more, within the span and outside of it."""
    fraud = call("c1", "A", start_ms=0, lasts_s=3_600)
    again = call("c2", "A", start_ms=DAY + 20 * MINUTE, lasts_s=600)
    outside = call("c3", "A", start_ms=DAY + 40 * MINUTE, lasts_s=60)
    played = play(fraud + again + outside, spans=[span("A", 0, DAY + 35 * MINUTE)])
    (entry,) = played.tally.spans
    assert entry.blocked_ms is not None
    assert (entry.before_micros, entry.after_micros, entry.prevented_micros) == (100 * UNIT, 60 * UNIT, 260 * UNIT)
    assert played.owed("A") == 166 * UNIT


def test_a_block_at_the_limit_is_no_false_block_but_is_counted_where_there_was_no_fraud() -> None:
    played = play(
        call("c1", "A", start_ms=0, lasts_s=1_200) + call("c2", "B", start_ms=0, lasts_s=1_200),
        spans=[span("A", 0, HOUR), span("B", 0, HOUR, fraud=False)],
    )
    counts = {name: played.tally.accounts[name].limit_blocks_without_fraud for name in ("A", "B")}
    assert counts == {"A": 0, "B": 1}
    assert not any(entry.false_blocks for entry in played.tally.accounts.values())


# -- what must hold for every history

Drawn = tuple[str, int, int, int, str, str, bool]
CALLS = st.lists(
    st.tuples(
        st.sampled_from("AB"),
        st.integers(0, 2_000),
        st.integers(0, 900),
        st.integers(0, 9_000_000),
        st.sampled_from([ABROAD, HOME, "911", "5551234"]),
        st.sampled_from(["outgoing", "forwarded", "incoming"]),
        st.booleans(),
    ),
    max_size=12,
)


def drawn(calls: list[Drawn]) -> list[dict[str, object]]:
    return [
        report
        for number, (account, start_s, lasts_s, rate, to, direction, ends) in enumerate(calls)
        for report in call(
            f"c{number}",
            account,
            start_ms=start_s * SECOND,
            lasts_s=lasts_s,
            rate=rate,
            to=to,
            ends=ends,
            direction=direction,
        )
    ]


@given(calls=CALLS, hang_up=st.booleans(), limit_units=st.integers(1, 100))
def test_owed_and_prevented_are_what_the_calls_have_cost(
    calls: list[Drawn], *, hang_up: bool, limit_units: int
) -> None:
    reports = drawn(calls)
    played = play(
        reports,
        [limit("A", f"{limit_units}.00")],
        assumptions=Assumptions(at_hang_up=hang_up, release_after_ms=5 * MINUTE),
    )
    final: dict[object, int] = {}
    for report in reports:
        if report["to"] != "911":
            whole, _, fraction = str(report["charge"]).partition(".")
            final[report["call"]] = int(whole) * UNIT + int(fraction.ljust(6, "0"))
    assert played.tally.owed_micros + played.tally.prevented_micros == sum(final.values())


@given(calls=CALLS, seed=st.integers(0, 1_000))
def test_the_order_in_the_file_changes_nothing(calls: list[Drawn], seed: int) -> None:
    reports = drawn(calls)
    shuffled = random.Random(seed).sample(reports, len(reports))
    first, second = play(reports), play(shuffled, run_reports=3)
    assert first.decisions == second.decisions
    assert first.tally.accounts == second.tally.accounts


@given(calls=CALLS)
def test_reports_that_come_twice_change_nothing(calls: list[Drawn]) -> None:
    reports = drawn(calls)
    once, twice = play(reports), play([*reports, *reports])
    assert once.decisions == twice.decisions
    assert (once.tally.owed_micros, once.tally.prevented_micros) == (
        twice.tally.owed_micros,
        twice.tally.prevented_micros,
    )
