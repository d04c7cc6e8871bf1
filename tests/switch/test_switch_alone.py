"""What the contract asks of a switch, shown on the real one; the test plays guard.

Each test has accounts of its own on one running network without guard. `Guard` below sends commands and
waits for their acknowledgement, so what follows an acknowledgement needs no waiting.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

import pytest

from tests.switch.lab import PRICES, Lab, missing_programs
from tests.switch.programs import wait_for
from tests.switch.wire import PREFIX, SWITCH, Json

pytestmark = [
    pytest.mark.switch,
    pytest.mark.skipif(bool(missing_programs()), reason=f"not installed: {missing_programs()}"),
]

EMERGENCY = ("911", "112", "933", "988")
SCOPES = {
    "all": {"": True},
    "international": {"": True, "1": False, "1264": True},
    "premium": {"": False, "1900": True},
}
# Rates that show how the switch computes with 32-bit integers: large, periodic, and no fraction at all.
ODD_PRICES = {"991": "999999.999999", "992": "0.333333", "993": "7", "994": "0.000001", **PRICES}
CANADA = "+16475550100"
DJIBOUTI = "+25377123456"
ACK_SECONDS = 10.0

_ids = itertools.count(1)


class Guard:
    """Guard's side of the wire, by hand."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._seqs: dict[str, int] = {}

    def say(self, message: Mapping[str, Json]) -> Json:
        """Send one message on the commands topic; the acknowledgement."""
        number = f"n{next(_ids)}"
        since = self._lab.wire.mark()
        self._lab.wire.publish(f"{SWITCH}/commands", {"id": number, "at": "2026-11-22T03:12:45Z", **message})
        return wait_for(
            f"the acknowledgement of {number}",
            lambda: next(iter(self._lab.wire.acks(since=since, id=number)), None),
            seconds=ACK_SECONDS,
        )

    def command(
        self,
        action: str,
        account: str,
        *,
        seq: int | None = None,
        emergency: Sequence[str] = EMERGENCY,
        **fields: Json,
    ) -> Json:
        """A block or unblock; without a seq the next one of the account."""
        seq = self._seqs.get(account, 0) + 1 if seq is None else seq
        self._seqs[account] = max(seq, self._seqs.get(account, 0))
        message = {"seq": seq, "action": action, "account": account, "reason": "credit_limit", "until": None}
        return self.say({"scope": "all", "end_calls": True, "except": emergency, **message, **fields})

    def snapshot(self, entries: Sequence[Json], *, part: int = 1, of: int = 1, identity: str = "") -> Json:
        """One part of a snapshot."""
        identity = identity or f"s{next(_ids)}"
        since = self._lab.wire.mark()
        body = {"id": identity, "action": "snapshot", "part": part, "of": of, "at": "2026-11-22T03:12:45Z"}
        self._lab.wire.publish(f"{SWITCH}/commands", {**body, "blocked": entries, "except": EMERGENCY})
        return wait_for(
            f"the acknowledgement of part {part} of {identity}",
            lambda: next(iter(self._lab.wire.acks(since=since, id=identity, part=part)), None),
            seconds=ACK_SECONDS,
        )

    def explain_scopes(self, scopes: Mapping[str, Mapping[str, bool]] = SCOPES) -> None:
        """Publish what the scopes mean, and wait until a later command is acknowledged: order is kept."""
        self._lab.wire.publish(f"{SWITCH}/scopes", {"scopes": scopes, "version": f"v{next(_ids)}"}, retain=True)
        self.command("unblock", "nobody")


def entry(account: str, seq: int = 1, scope: str = "all") -> Json:
    """One blocked account of a snapshot."""
    return {"account": account, "seq": seq, "scope": scope, "end_calls": True}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Broker, telephones and switch, once for all tests."""
    with Lab(tmp_path_factory.mktemp("alone")) as lab:
        lab.start_broker()
        lab.start_callee()
        lab.start_subscriber()
        start_switch(lab)
        yield lab


def start_switch(
    lab: Lab,
    *,
    auth: bool = False,
    prices: Mapping[str, str] | None = ODD_PRICES,
    settings: Mapping[str, str] | None = None,
) -> None:
    """Start the switch; give it scopes and an empty snapshot as soon as it is on the broker."""
    since = lab.wire.mark()
    lab.start_switch(prices=prices, auth=auth, settings=settings)
    wait_for(
        "status up", lambda: {"status": "up"} in lab.wire.messages(f"{SWITCH}/status", since=since), seconds=ACK_SECONDS
    )
    guard = Guard(lab)
    guard.explain_scopes()
    guard.snapshot([])


@pytest.fixture
def lab(running: Lab, request: pytest.FixtureRequest) -> Iterator[Lab]:
    """The running lab; shows the ends of all logs when the test has failed."""
    failed = request.session.testsfailed
    yield running
    if request.session.testsfailed > failed:
        sys.stderr.write(running.logs())


@pytest.fixture
def guard(lab: Lab) -> Guard:
    """Guard's side of the wire."""
    return Guard(lab)


def start_call(lab: Lab, scenario: str, account: str, to: str, **options: Json) -> Json:
    """Start a call and wait until the switch has reported it as answered."""
    since = lab.wire.mark()
    call = lab.call(scenario, account, to, **options)
    lab.wire.report(since=since, event="answered", to=to)
    return call


def test_a_report_has_the_fields_of_the_contract(lab: Lab) -> None:
    """`answered`, `tick` and `ended` of one call, with types as the contract states them."""
    since = lab.wire.mark()
    lab.call("caller_hangs_up", "fields", DJIBOUTI, talk_ms=1_500).done()
    answered = lab.wire.report(since=since, event="answered", account="fields")
    ended = lab.wire.report(since=since, event="ended", account="fields")
    ticks = lab.wire.reports(since=since, event="tick", account="fields")
    assert ticks
    for report in (answered, ended, *ticks):
        assert report["call"] == answered["call"]
        assert report["to"] == DJIBOUTI
        assert report["from"] == "fields"
        assert report["source"] == "127.0.0.1"
        assert report["direction"] == "outgoing"
        assert report["emergency"] is False
        assert report["rate"] == "2.10"
        assert isinstance(report["duration_ms"], int)
        assert Decimal(report["at"]) > 0
    assert answered["charge"] == "0.000000"
    assert ended["charge"] == "0.070000"
    assert ended["cause"] == "party"
    assert ended["duration_ms"] >= 1_500


@pytest.mark.parametrize(
    ("to", "rate"),
    [("+99112345", "999999.999999"), ("99212345", "0.333333"), ("01199312345", "7"), ("0099412345", "0.000001")],
)
def test_charges_are_exact_to_the_millionth(lab: Lab, to: str, rate: str) -> None:
    """Started seconds at the stated rate, rounded half up, though the switch has only 32-bit integers."""
    since = lab.wire.mark()
    lab.call("caller_hangs_up", "exact", to, talk_ms=2_200).done()
    lab.wire.report(since=since, event="ended", to=to)
    for report in lab.wire.reports(since=since, to=to):
        seconds = -(-report["duration_ms"] // 1_000)
        charge = (Decimal(rate) * seconds / 60).quantize(Decimal("0.000001"), ROUND_HALF_UP)
        assert report["rate"] == rate
        assert report["charge"] == str(charge)


def test_a_number_without_a_price_is_left_to_guard(lab: Lab) -> None:
    """Neither rate nor charge is stated where the table has no prefix."""
    since = lab.wire.mark()
    lab.call("caller_hangs_up", "priceless", "+81312345678", talk_ms=100).done()
    ended = lab.wire.report(since=since, event="ended", account="priceless")
    assert not {"rate", "charge"} & set(ended)


def test_an_attempt_that_fails_says_why(lab: Lab) -> None:
    """A busy callee: `failed` with the SIP status as its cause."""
    since = lab.wire.mark()
    lab.call("caller_finds_busy", "unlucky", CANADA + "4860").done()
    failed = lab.wire.report(since=since, event="failed", account="unlucky")
    assert failed["cause"] == "486"
    assert failed["to"] == CANADA + "4860"


def test_many_calls_tick_in_one_message(lab: Lab) -> None:
    """Reports of calls that are up come as one array a second."""
    since = lab.wire.mark()
    calls = [lab.call("caller_hangs_up", "crowd", CANADA, talk_ms=2_500) for _ in range(4)]
    for call in calls:
        call.done()
    arrays = [body for body in lab.wire.messages(f"{SWITCH}/calls", since=since) if isinstance(body, list)]
    assert max(len(array) for array in arrays) == len(calls)


def test_a_block_ends_what_is_up_and_what_is_ringing(lab: Lab, guard: Guard) -> None:
    """BYE in both directions for the answered call, 487 for the ringing one; `failed` with the cause `blocked`."""
    since = lab.wire.mark()
    ringing = lab.call("caller_is_cancelled", "ends", CANADA + "7777")
    wait_for("the call to ring", lambda: "180 Ringing" in ringing.trace(), seconds=ACK_SECONDS)
    up = start_call(lab, "caller_is_cut_off", "ends", CANADA)
    ack = guard.command("block", "ends")
    assert (ack["ok"], ack["ended_calls"], ack["account"], ack["error"]) == (True, 2, "ends", "")
    up.done()
    ringing.done()
    wait_for("BYE at the callee", lambda: lab.byes_at_callee(up.call_id) == 1, seconds=ACK_SECONDS)
    assert lab.wire.report(since=since, event="ended", account="ends")["cause"] == "guard"
    assert lab.wire.report(since=since, event="failed", account="ends")["cause"] == "blocked"


def test_a_forwarded_call_is_ended_and_refused_like_an_outgoing_one(lab: Lab, guard: Guard) -> None:
    """Who diverts a call pays for it, so the block of the diverting account covers it."""
    diversion = "Diversion: <sip:diverter@lab>;reason=unconditional"
    call = start_call(lab, "caller_is_cut_off", "+4420", CANADA, header=diversion)
    assert guard.command("block", "diverter")["ended_calls"] == 1
    call.done()
    since = lab.wire.mark()
    lab.call("caller_is_refused", "+4420", CANADA, header=diversion).done()
    failed = lab.wire.report(since=since, event="failed", account="diverter")
    assert (failed["direction"], failed["from"], failed["cause"]) == ("forwarded", "+4420", "blocked")


def test_incoming_and_emergency_calls_outlive_a_block(lab: Lab, guard: Guard) -> None:
    """Both go on, new ones pass, and neither has a charge."""
    since = lab.wire.mark()
    incoming = start_call(lab, "caller_hangs_up", "+4420", "reachable", talk_ms=2_500, incoming=True)
    emergency = start_call(lab, "caller_hangs_up", "reachable", "+112", talk_ms=2_500)
    assert guard.command("block", "reachable")["ended_calls"] == 0
    for number in ("911", "112", "933", "988", "+911"):
        lab.call("caller_hangs_up", "reachable", number, talk_ms=50).done()
    incoming.done()
    emergency.done()
    lab.call("caller_hangs_up", "+4420", "reachable", talk_ms=50, incoming=True).done()
    ended = lab.wire.reports(since=since, event="ended", account="reachable")
    assert {report["cause"] for report in ended} == {"party"}
    assert {report["to"]: report["emergency"] for report in ended} == {
        "reachable": False,
        **dict.fromkeys(("911", "112", "+112", "933", "988", "+911"), True),
    }
    assert not [report for report in ended if "charge" in report]


def test_emergency_numbers_can_be_added_but_not_taken_away(lab: Lab, guard: Guard) -> None:
    """`except` adds to the numbers that are built in."""
    guard.command("block", "adder", emergency=["999111"])
    lab.call("caller_hangs_up", "adder", "999111", talk_ms=50).done()
    lab.call("caller_hangs_up", "adder", "911", talk_ms=50).done()
    lab.call("caller_is_refused", "adder", "9111").done()


def test_a_block_without_end_calls_only_refuses(lab: Lab, guard: Guard) -> None:
    """What is up stays up."""
    live = start_call(lab, "caller_hangs_up", "gentle", CANADA, talk_ms=2_500)
    assert guard.command("block", "gentle", end_calls=False)["ended_calls"] == 0
    lab.call("caller_is_refused", "gentle", CANADA).done()
    live.done()


@pytest.mark.parametrize(
    ("scope", "refused", "passed"),
    [
        ("international", [DJIBOUTI, "01125377123456", "0025377123456", "+12645550100", "1-264-555-0100"], [CANADA]),
        ("international", ["2645550100"], ["6475550100", "16475550100"]),
        ("premium", ["+19005550100", "9005550100"], [CANADA, DJIBOUTI]),
        ("all", [CANADA, DJIBOUTI], []),
        ("a|scope of tomorrow", [CANADA, DJIBOUTI], ["911"]),
    ],
)
def test_a_scope_covers_numbers_by_longest_prefix(
    lab: Lab, guard: Guard, scope: str, refused: list[str], passed: list[str]
) -> None:
    """However the number is dialled; a scope that the switch does not know covers all but emergency calls."""
    account = f"scope-{next(_ids)}"
    guard.command("block", account, scope=scope)
    assert [lab.try_call(account, number) for number in refused] == [403] * len(refused)
    assert [lab.try_call(account, number) for number in passed] == [200] * len(passed)


def test_a_narrower_block_replaces_a_wider_one(lab: Lab, guard: Guard) -> None:
    """A block is the whole desired state."""
    guard.command("block", "narrower", scope="all")
    assert lab.try_call("narrower", CANADA) == 403
    guard.command("block", "narrower", scope="international")
    assert lab.try_call("narrower", CANADA) == 200
    assert lab.try_call("narrower", DJIBOUTI) == 403


def test_new_scopes_replace_the_old(lab: Lab, guard: Guard) -> None:
    """What the last scopes message says, and nothing of the one before."""
    guard.command("block", "redefined", scope="premium")
    guard.explain_scopes({**SCOPES, "premium": {"": False, "1647": True}})
    assert lab.try_call("redefined", CANADA) == 403
    assert lab.try_call("redefined", "+19005550100") == 200
    guard.explain_scopes()
    assert lab.try_call("redefined", CANADA) == 200


@pytest.mark.parametrize("first", [5, 2**31 - 1, 10**17])
def test_an_older_seq_changes_nothing(lab: Lab, guard: Guard, first: int) -> None:
    """Acknowledged, but without effect, also after an unblock; numbers may be larger than an integer here."""
    account = f"order-{first}"
    guard.command("block", account, seq=first)
    assert guard.command("unblock", account, seq=first - 1)["ok"] is True
    assert lab.try_call(account, CANADA) == 403
    guard.command("unblock", account, seq=first + 1)
    assert guard.command("block", account, seq=first)["ok"] is True
    assert lab.try_call(account, CANADA) == 200
    guard.command("block", account, seq=first + 10)
    assert lab.try_call(account, CANADA) == 403


def test_a_snapshot_in_parts_takes_effect_when_it_is_whole(lab: Lab, guard: Guard) -> None:
    """Three parts of 500: nothing changes before the last one, then exactly those are blocked."""
    guard.command("block", "leftover")
    parts = [[entry(f"mass-{part}-{number}") for number in range(500)] for part in range(3)]
    assert guard.snapshot(parts[0], part=1, of=3, identity="whole")["ok"] is True
    assert guard.snapshot(parts[2], part=3, of=3, identity="whole")["ok"] is True
    assert lab.try_call("mass-0-0", CANADA) == 200
    assert lab.try_call("leftover", CANADA) == 403
    assert guard.snapshot(parts[1], part=2, of=3, identity="whole")["ok"] is True
    assert [lab.try_call(f"mass-{part}-499", CANADA) for part in range(3)] == [403] * 3
    assert lab.try_call("leftover", CANADA) == 200
    guard.snapshot([])
    assert lab.try_call("mass-0-0", CANADA) == 200


def test_a_part_as_large_as_the_contract_allows_is_understood(lab: Lab, guard: Guard) -> None:
    """500 accounts of 128 characters of four bytes: about 300 KB in one message."""
    entries = [entry(f"{number:03}" + "\N{TELEPHONE RECEIVER}" * 125) for number in range(499)]
    assert guard.snapshot([*entries, entry("at-the-end")])["ok"] is True
    assert lab.try_call("at-the-end", CANADA) == 403
    guard.snapshot([])


def test_what_is_newer_than_a_snapshot_survives_it(lab: Lab, guard: Guard) -> None:
    """A higher seq is kept, and so is what was commanded between two parts."""
    guard.command("unblock", "freed", seq=9)
    guard.command("block", "kept", seq=9, scope="all")
    guard.snapshot([entry("freed", seq=8), entry("kept", seq=8, scope="premium")], part=1, of=2, identity="older")
    guard.command("block", "between")
    guard.snapshot([], part=2, of=2, identity="older")
    assert lab.try_call("freed", CANADA) == 200
    assert lab.try_call("kept", CANADA) == 403
    assert lab.try_call("between", CANADA) == 403


def test_an_unfinished_snapshot_is_void_when_the_next_begins(lab: Lab, guard: Guard) -> None:
    """Parts of two snapshots never mix."""
    guard.snapshot([entry("void")], part=1, of=2, identity="unfinished")
    guard.snapshot([entry("valid")], part=2, of=2, identity="finished")
    guard.snapshot([], part=1, of=2, identity="finished")
    assert lab.try_call("void", CANADA) == 200
    assert lab.try_call("valid", CANADA) == 403


def test_a_snapshot_ends_the_calls_of_whom_it_blocks(lab: Lab, guard: Guard) -> None:
    """As a block does."""
    call = start_call(lab, "caller_is_cut_off", "swept", CANADA)
    assert guard.snapshot([entry("swept")])["ended_calls"] == 1
    call.done()
    guard.snapshot([])


@pytest.mark.parametrize(
    "account",
    ["a|b", "a/b#c+d", 'say "hi"', "50% \\ off", "Caf\N{LATIN SMALL LETTER E WITH ACUTE}", "x" * 128],
)
def test_an_account_may_have_any_characters(lab: Lab, guard: Guard, account: str) -> None:
    """Reported as it is, blocked as it is."""
    since = lab.wire.mark()
    lab.call("caller_hangs_up", account, CANADA, talk_ms=50).done()
    lab.wire.report(since=since, event="ended", account=account)
    assert guard.command("block", account)["account"] == account
    lab.call("caller_is_refused", account, CANADA).done()


@pytest.mark.parametrize("account", ["", "x" * 129, "a\x00b", "a\nb", "a\x7f", "a\u0085b"])
def test_a_caller_whose_reports_would_be_refused_gets_no_call(lab: Lab, account: str) -> None:
    """Only an emergency call passes: its report names another account instead."""
    assert lab.try_call(account, CANADA) == 403
    since = lab.wire.mark()
    assert lab.try_call(account, "911") == 200
    assert lab.wire.report(since=since, event="ended", to="911")["account"] == "emergency"


def test_junk_is_refused_with_a_reason_and_harms_nobody(lab: Lab, guard: Guard) -> None:
    """`ok` is false, `error` says what is wrong, and the next command works; without an id there is no answer."""
    refused = [
        guard.say({"action": "block", "seq": 1}),
        guard.say({"action": "block", "account": "junk", "seq": "soon"}),
        guard.say({"action": "block", "account": "junk"}),
        guard.say({"action": "dance", "account": "junk", "seq": 1}),
        guard.say({"action": "snapshot", "part": 1, "of": 1}),
        guard.say({"action": "snapshot", "part": 1, "of": 1, "blocked": [{"account": "junk"}]}),
    ]
    assert [ack["ok"] for ack in refused] == [False] * len(refused)
    assert all(ack["error"] for ack in refused)
    for payload in (b"junk", b'{"id":', b"[1]", b"\x00\xff"):
        lab.wire.publish(f"{SWITCH}/commands", payload)
    lab.wire.publish(f"{SWITCH}/scopes", b"junk")
    assert guard.command("block", "junk")["ok"] is True
    assert lab.try_call("junk", CANADA) == 403


def test_a_call_id_hides_no_second_call(lab: Lab) -> None:
    """While a call is up its Call-ID is taken; afterwards the same Call-ID makes another `call`."""
    live = start_call(lab, "caller_hangs_up", "twin", CANADA, talk_ms=1_500, call_id="twin-call")
    lab.call("caller_reuses_call_id", "twin", DJIBOUTI, call_id="twin-call").done()
    live.done()
    lab.call("caller_hangs_up", "twin", CANADA, talk_ms=50, call_id="twin-call").done()
    wait_for("two calls", lambda: len(lab.wire.reports(event="ended", account="twin")) == 2, seconds=ACK_SECONDS)
    assert len({report["call"] for report in lab.wire.reports(account="twin")}) == 2


def test_a_made_up_dialog_is_no_way_round_a_block(lab: Lab, guard: Guard) -> None:
    """An INVITE with a To tag that belongs to no call is refused with 481, not relayed."""
    guard.command("block", "faker")
    lab.call("caller_fakes_a_dialog", "faker", CANADA).done()


def test_a_call_may_be_renegotiated(lab: Lab) -> None:
    """An INVITE within a call (hold, session timer) passes and is no second call."""
    since = lab.wire.mark()
    lab.call("caller_renegotiates", "holder", CANADA + "5555", talk_ms=100).done()
    lab.wire.report(since=since, event="ended", account="holder")
    assert len(lab.wire.reports(since=since, event="answered", account="holder")) == 1


def test_both_sides_get_bye_however_fast_the_caller_answers_it(lab: Lab, guard: Guard) -> None:
    """The dialog module alone would lose about one BYE in ten to the callee here."""
    calls = [start_call(lab, "caller_is_cut_off_at_once", "fast", CANADA) for _ in range(20)]
    assert guard.command("block", "fast")["ended_calls"] == len(calls)
    for call in calls:
        call.done()
    wait_for(
        "one BYE for each at the callee",
        lambda: [lab.byes_at_callee(call.call_id) for call in calls] == [1] * len(calls),
        seconds=ACK_SECONDS,
    )


def test_a_switch_that_dies_leaves_its_last_will(lab: Lab) -> None:
    """`{"status":"down"}` when it is killed; `{"status":"up"}` when it is back."""
    since = lab.wire.mark()
    lab.kill("kamailio")
    wait_for(
        "the last will",
        lambda: lab.wire.messages(f"{SWITCH}/status", since=since) == [{"status": "down"}],
        seconds=ACK_SECONDS,
    )
    start_switch(lab)


def test_blocks_outlast_an_absence_of_the_broker(lab: Lab, guard: Guard) -> None:
    """The switch keeps what it knows, reports what happened meanwhile, and says `status up` again."""
    guard.command("block", "steady")
    since = lab.wire.mark()
    lab.stop("mosquitto")
    lab.call("caller_is_refused", "steady", CANADA).done()
    lab.call("caller_hangs_up", "steady-neighbour", CANADA, talk_ms=50).done()
    lab.start_broker()
    lab.wire.report(since=since, event="failed", account="steady", seconds=30)
    lab.wire.report(since=since, event="ended", account="steady-neighbour", seconds=30)
    assert {"status": "up"} in lab.wire.messages(f"{SWITCH}/status", since=since)
    assert lab.try_call("steady", CANADA) == 403


def test_with_authentication_the_account_is_who_has_proved_it(lab: Lab) -> None:
    """407 first; the block follows the digest user; an emergency call needs no password."""
    lab.stop("kamailio")
    start_switch(lab, auth=True)
    guard = Guard(lab)
    lab.call("caller_authenticates", "proved", CANADA, talk_ms=50).done()
    lab.call("caller_hangs_up", "proved", "911", talk_ms=50).done()
    guard.command("block", "proved")
    lab.call("caller_authenticates_refused", "proved", CANADA).done()
    lab.stop("kamailio")
    start_switch(lab)


def test_the_switch_itself_ends_a_call_that_lasts_too_long(lab: Lab) -> None:
    """After MAX_CALL_SECONDS both sides get BYE and the report says who did it."""
    lab.stop("kamailio")
    start_switch(lab, settings={"MAX_CALL_SECONDS": "2"})
    since = lab.wire.mark()
    call = lab.call("caller_is_cut_off", "endless", CANADA)
    call.done()
    wait_for("BYE at the callee", lambda: lab.byes_at_callee(call.call_id) == 1, seconds=ACK_SECONDS)
    assert lab.wire.report(since=since, event="ended", account="endless")["cause"] == "switch"
    lab.stop("kamailio")
    start_switch(lab)


def test_without_a_price_table_the_switch_states_no_money(lab: Lab) -> None:
    """Then guard rates the calls."""
    lab.stop("kamailio")
    start_switch(lab, prices=None)
    since = lab.wire.mark()
    lab.call("caller_hangs_up", "unpriced", CANADA, talk_ms=1_200).done()
    lab.wire.report(since=since, event="ended", account="unpriced")
    assert not [r for r in lab.wire.reports(since=since, account="unpriced") if {"rate", "charge"} & set(r)]


def test_every_topic_is_one_of_the_contract(lab: Lab) -> None:
    """Under the prefix nothing else was said in all of the above."""
    topics = {f"{PREFIX}/{topic}" for topic in lab.wire.topics()}
    assert topics == {f"{PREFIX}/{SWITCH}/{name}" for name in ("calls", "status", "commands", "acks", "scopes")}
