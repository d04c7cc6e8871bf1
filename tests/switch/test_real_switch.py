"""A real switch, a real broker, real calls: guard and Kamailio together.

SIPp's scenarios are the expectations of the telephones (a scenario that does not run as written fails the
test), the observer's messages those of the wire, and the switch's own log is the truth about what calls
cost. In the lab a call to 999... costs 10.00 a second, one to 1... 0.01 a second, each started second
counting.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.switch.lab import GATE_SECONDS, GUARD, PRICES, Lab, missing_programs
from tests.switch.programs import wait_for
from tests.switch.wire import Json

pytestmark = [
    pytest.mark.switch,
    pytest.mark.skipif(bool(missing_programs()), reason=f"not installed: {missing_programs()}"),
    pytest.mark.skipif(not GUARD.exists(), reason="guard's console script is not installed"),
]

DEAR = "+99912345678"
CHEAP = "+16475550100"
# Whole seconds' worth of a dear call: the switch charges started seconds, so what guard carries forward between
# two reports is up to a second ahead, and at another limit the final charge could be just below it again.
LIMIT = "20.00"
DECISION_SECONDS = 15.0
HEAL_SECONDS = 60.0

_ids = itertools.count(1)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The lab with everything started, once for all tests: each has customers of its own."""
    with Lab(tmp_path_factory.mktemp("lab")) as lab:
        lab.start()
        yield lab


@pytest.fixture
def lab(running: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The running lab; shows the ends of all logs when the test has failed."""
    failed = request.session.testsfailed
    running.start()
    yield running
    if request.session.testsfailed > failed:
        sys.stderr.write(running.logs())


def open_account(lab: Lab, account: str, limit: str) -> None:
    """What billing says about a new customer."""
    number = next(_ids)
    lab.wire.publish(
        "billing",
        {
            "type": "account",
            "id": f"m{number}",
            "account": account,
            "name": account,
            "currency": "CAD",
            "timezone": "America/Toronto",
            "opened": "2024-05-01",
            "credit": {"limit": "100.00"},
        },
    )
    lab.wire.publish("billing", {"type": "credit", "id": f"c{number}", "account": account, "limit": limit, "by": "lab"})
    wait_for(
        f"the limit of {account}",
        lambda: lab.knows(account) and Decimal(lab.account(account)["limit"]) == Decimal(limit),
        seconds=DECISION_SECONDS,
    )


def pay(lab: Lab, account: str, amount: str) -> None:
    """A payment that has arrived."""
    lab.wire.publish(
        "billing",
        {
            "type": "payment",
            "id": f"p{next(_ids)}",
            "account": account,
            "amount": amount,
            "method": "card",
            "status": "posted",
        },
    )


def reach_the_limit(lab: Lab, account: str) -> None:
    """Open an account with LIMIT and let a dear call run into it."""
    open_account(lab, account, LIMIT)
    lab.call("caller_is_cut_off", account, DEAR).done()
    await_confirmed_block(lab, account)


def await_confirmed_block(lab: Lab, account: str) -> None:
    """Wait until guard knows that the switch blocks the account."""

    def confirmed() -> bool:
        block = lab.account(account)["block"]
        return block is not None and bool(block["confirmed"])

    wait_for(f"a confirmed block of {account}", confirmed, seconds=DECISION_SECONDS)


def await_answer(lab: Lab, account: str, since: int) -> Json:
    """The `answered` report of the account's next call."""
    return lab.wire.report(since=since, event="answered", account=account)


def test_a_call_at_the_limit_is_ended_by_bye_in_both_directions(lab: Lab) -> None:
    """A limit of 20.00 at 10.00 a second: guard ends the call, and the switch sends BYE to both sides."""
    open_account(lab, "both", LIMIT)
    call = lab.call("caller_is_cut_off", "both", DEAR)
    call.done()
    wait_for("BYE at the callee", lambda: lab.byes_at_callee(call.call_id) == 1, seconds=5)
    ended = lab.wire.report(event="ended", account="both")
    assert ended["cause"] == "guard"
    assert ended["rate"] == "600"
    assert Decimal(ended["charge"]) >= Decimal(LIMIT)
    await_confirmed_block(lab, "both")
    assert lab.account("both")["state"] == "blocked"


def test_the_next_call_of_a_blocked_customer_is_refused(lab: Lab) -> None:
    """403, and the attempt is reported as `failed` with the cause `blocked`."""
    reach_the_limit(lab, "refused")
    since = lab.wire.mark()
    lab.call("caller_is_refused", "refused", CHEAP).done()
    failed = lab.wire.report(since=since, event="failed", account="refused")
    assert failed["cause"] == "blocked"


def test_emergency_calls_of_a_blocked_customer_go_on_and_pass(lab: Lab) -> None:
    """A 911 call that is up when the block comes lasts until its caller hangs up; a new one passes."""
    since = lab.wire.mark()
    live = lab.call("caller_hangs_up", "urgent", "911", talk_ms=5_000)
    assert await_answer(lab, "urgent", since)["emergency"] is True
    reach_the_limit(lab, "urgent")
    assert live.child.running
    lab.call("caller_hangs_up", "urgent", "+911", talk_ms=100).done()
    live.done()
    ended = lab.wire.report(since=since, event="ended", account="urgent", to="911")
    assert ended["cause"] == "party"
    assert ended["duration_ms"] >= 5_000


def test_another_customer_is_untouched(lab: Lab) -> None:
    """The neighbour's call goes on while a customer is blocked, and new ones pass."""
    open_account(lab, "neighbour", "100.00")
    since = lab.wire.mark()
    live = lab.call("caller_hangs_up", "neighbour", CHEAP, talk_ms=4_000)
    await_answer(lab, "neighbour", since)
    reach_the_limit(lab, "spender")
    assert live.child.running
    lab.call("caller_hangs_up", "neighbour", CHEAP, talk_ms=100).done()
    live.done()
    causes = {r["cause"] for r in lab.wire.reports(since=since, event="ended", account="neighbour")}
    assert causes == {"party"}


def test_after_a_payment_calls_pass_again(lab: Lab) -> None:
    """The payment brings the exposure below 90 % of the limit; guard unblocks, the switch lets calls pass."""
    reach_the_limit(lab, "payer")
    since = lab.wire.mark()
    pay(lab, "payer", "100.00")
    wait_for(
        "the acknowledgement of the unblock",
        lambda: lab.wire.acks(since=since, account="payer", ok=True),
        seconds=DECISION_SECONDS,
    )
    lab.call("caller_hangs_up", "payer", CHEAP, talk_ms=100).done()
    assert lab.account("payer")["state"] == "active"


def test_after_a_restart_of_the_switch_the_block_is_back_before_an_ordinary_call_passes(lab: Lab) -> None:
    """A switch forgets its blocks; until guard's snapshot is there nobody gets through, then all but the blocked."""
    reach_the_limit(lab, "returning")
    lab.stop("kamailio")
    lab.start_switch(prices=PRICES)
    blocked: set[int] = set()

    def ordinary_call_passes() -> bool:
        passed = lab.try_call("bystander", CHEAP) == 200
        blocked.add(lab.try_call("returning", CHEAP))
        return passed

    wait_for("an ordinary call to pass", ordinary_call_passes, seconds=HEAL_SECONDS)
    assert blocked <= {403, 503}
    assert lab.try_call("returning", CHEAP) == 403


def test_with_the_broker_away_nothing_is_lost(lab: Lab) -> None:
    """Ten seconds without a broker, calls begin and end meanwhile: guard's ledger is what the switch charged."""
    accounts = ["outage-1", "outage-2", "outage-3"]
    for account in accounts:
        open_account(lab, account, "100.00")
    since = lab.wire.mark()
    calls = [
        lab.call("caller_hangs_up", account, CHEAP, talk_ms=talk_ms)
        for account, talk_ms in zip(accounts, (3_000, 5_000, 16_000), strict=True)
    ]
    for account in accounts:
        await_answer(lab, account, since)
    lab.stop("mosquitto")
    calls += [
        lab.call("caller_hangs_up", account, CHEAP, talk_ms=talk_ms)
        for account, talk_ms in zip(accounts, (4_000, 8_000, 14_000), strict=True)
    ]
    outage = lab.call("caller_hangs_up", accounts[0], CHEAP, talk_ms=10_000)
    outage.done()
    lab.start_broker()
    for call in calls:
        call.done()

    def charged() -> dict[str, Decimal]:
        return {call: charge for call, (account, charge) in lab.charged().items() if account in accounts}

    wait_for("the switch's own record of 7 calls", lambda: len(charged()) == 7, seconds=5)

    def posted() -> dict[str, Decimal]:
        return {call: charge for account in accounts for call, charge in lab.posted(account).items()}

    wait_for("guard's ledger to hold 7 calls", lambda: len(posted()) == 7, seconds=HEAL_SECONDS)
    assert posted() == charged()
    assert sum(posted().values()) >= Decimal("0.60")


def test_nothing_that_the_switch_said_was_refused(lab: Lab) -> None:
    """Every report of this file so far was one that guard understood."""
    lab.call("caller_hangs_up", "plain", CHEAP, talk_ms=100).done()
    lab.call("caller_finds_busy", "plain", CHEAP + "4860").done()
    wait_for("the posted call", lambda: lab.knows("plain") and lab.posted("plain"), seconds=DECISION_SECONDS)
    outcomes = lab.report_outcomes()
    assert outcomes["accepted"] > 0
    assert {name: outcomes[name] for name in ("invalid", "too_old", "quarantined")} == {
        "invalid": 0,
        "too_old": 0,
        "quarantined": 0,
    }


def test_a_switch_without_guard_refuses_ordinary_calls_for_a_while_only(lab: Lab) -> None:
    """Until its first snapshot 503, but never for an emergency or incoming call; after GATE_SECONDS calls pass."""
    open_account(lab, "waiting", "100.00")
    lab.stop("guard")
    lab.stop("kamailio")
    lab.start_switch(prices=PRICES)
    lab.call("caller_must_wait", "waiting", CHEAP).done()
    lab.call("caller_hangs_up", "waiting", "911", talk_ms=100).done()
    lab.call("caller_hangs_up", "+4420", "waiting", talk_ms=100, incoming=True).done()
    assert lab.try_call("waiting", CHEAP) == 503
    wait_for(
        "the gate to open by itself",
        lambda: lab.try_call("waiting", CHEAP) == 200,
        seconds=GATE_SECONDS + 2,
    )
    assert "calls pass unchecked" in lab.log_of("kamailio")


def test_in_the_end_guard_has_posted_what_the_switch_charged(lab: Lab) -> None:
    """Every call of this file by the switch's own record, also those made while guard was away: none lost or twice."""
    charged: dict[str, dict[str, Decimal]] = {}
    for call, (account, charge) in lab.charged().items():
        charged.setdefault(account, {})[call] = charge

    def posted() -> dict[str, dict[str, Decimal]]:
        return {account: lab.posted(account) for account in charged if lab.knows(account)}

    assert charged
    wait_for(
        "guard's ledgers to hold every call",
        lambda: (
            {account: set(calls) for account, calls in posted().items()}
            == {account: set(calls) for account, calls in charged.items()}
        ),
        seconds=HEAL_SECONDS,
    )
    assert posted() == charged
