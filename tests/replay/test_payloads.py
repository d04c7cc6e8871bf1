"""The switch's side of the contract against guard's side: each reads what the other writes."""

from __future__ import annotations

import json

import pytest

from guard.core.decisions import Command, CommandAction, Reason, SnapshotPart
from guard.core.records import Ack, Direction, Report, Scope
from guard.replay import payloads
from guard.wire.reports import decode_reports
from tests.replay.builders import T0, attempt
from tests.replay.test_switch import switch

COMMAND = {
    "id": "01JD",
    "seq": 7,
    "action": "block",
    "account": 'A/1 +#"<%',
    "scope": "international",
    "end_calls": True,
    "except": ["911", "112"],
    "reason": "credit_limit",
    "at": "2026-11-22T03:12:45.120Z",
    "until": None,
}


def test_guard_reads_every_report_of_a_call_as_it_was_meant() -> None:
    sut = switch()
    sut.attempt("C1", attempt(direction=Direction.FORWARDED, talk_ms=25_000), T0)
    reports = [*sut.advance(T0 + 60_000), *sut.attempt("C2", attempt(answered=False), T0 + 60_000)]
    reports += sut.attempt("C3", attempt(to="911", emergency=True), T0 + 60_000)
    ((payload, count),) = payloads.batches(payloads.encode_report(report) for report in reports)
    decoded = decode_reports(payload, T0 + 60_000)
    assert decoded.refusals == []
    assert count == len(reports)
    assert [_meaning(report) for report in decoded.reports] == [_meaning(report) for report in reports]


def _meaning(report: Report) -> Report:
    """Not emergency and nothing said about it mean the same."""
    if not report.emergency:
        report.emergency = None
    return report


def test_arrays_stay_within_the_contract() -> None:
    sizes = [count for _, count in payloads.batches([b"{}"] * 2_500)]
    assert sizes == [1_000, 1_000, 500]
    heavy = list(payloads.batches([b'"' + b"x" * 300_000 + b'"'] * 7))
    assert [count for _, count in heavy] == [3, 3, 1]
    assert all(len(payload) <= 1 << 20 for payload, _ in heavy)
    assert list(payloads.batches([])) == []


def test_a_command_is_read() -> None:
    order = payloads.decode_order(json.dumps(COMMAND).encode())
    assert isinstance(order, Command)
    assert (order.id, order.seq, order.action) == ("01JD", 7, CommandAction.BLOCK)
    assert (order.account, order.scope, order.end_calls) == (COMMAND["account"], Scope.INTERNATIONAL, True)
    assert (tuple(order.emergency), order.reason) == (("911", "112"), Reason.CREDIT_LIMIT)
    assert order.at_ms == 1_795_317_165_120


@pytest.mark.parametrize(
    "change",
    [
        {"except": []},
        {"except": None},
        {"seq": "7"},
        {"seq": True},
        {"action": "explode"},
        {"scope": "moon"},
        {"account": ""},
        {"at": "yesterday"},
        {"at": "2026-11-22T03:12:45"},
    ],
)
def test_a_command_that_cannot_be_carried_out_is_refused_by_its_id(change: dict[str, object]) -> None:
    """Above all one without its emergency numbers."""
    with pytest.raises(payloads.PayloadError) as refused:
        payloads.decode_order(json.dumps(COMMAND | change).encode())
    assert refused.value.id == "01JD"


@pytest.mark.parametrize("payload", [b"", b"\xff", b"[]", b"{}", b'{"id":7}', b'{"id":""}'])
def test_a_command_without_an_id_can_only_be_ignored(payload: bytes) -> None:
    with pytest.raises(payloads.PayloadError) as refused:
        payloads.decode_order(payload)
    assert refused.value.id == ""


def test_a_snapshot_part_is_read() -> None:
    stated = {
        "id": "s1",
        "action": "snapshot",
        "part": 1,
        "of": 2,
        "at": "2026-11-22T03:12:45.120Z",
        "blocked": [{"account": "A1", "seq": 7, "scope": "all", "end_calls": True}],
        "except": ["911"],
    }
    order = payloads.decode_order(json.dumps(stated).encode())
    assert isinstance(order, SnapshotPart)
    assert (order.part, order.of, [entry.account for entry in order.blocked]) == (1, 2, ["A1"])
    with pytest.raises(payloads.PayloadError):
        payloads.decode_order(json.dumps(stated | {"part": 3}).encode())


def test_scopes_are_read() -> None:
    tables = payloads.decode_scopes(b'{"scopes":{"premium":{"":false,"1900":true}},"version":"v"}')
    assert tables.covers(Scope.PREMIUM, "+19005550100")
    assert not tables.covers(Scope.PREMIUM, "+14165550100")
    assert not tables.known(Scope.INTERNATIONAL)
    for payload in (b"{}", b'{"scopes":[]}', b'{"scopes":{"all":{"":1}}}'):
        with pytest.raises(payloads.PayloadError):
            payloads.decode_scopes(payload)


def test_an_acknowledgement_says_which_part() -> None:
    ack = Ack(switch="sw1", id="s1", ok=True, part=2, at_ms=T0)
    assert json.loads(payloads.encode_ack(ack)) == {
        "id": "s1",
        "ok": True,
        "part": 2,
        "ended_calls": 0,
        "at": "2025-11-24T16:00:00.000Z",
        "error": "",
    }


def test_times_are_exact_to_the_millisecond() -> None:
    assert payloads.time_text(1_795_317_165_007) == "2026-11-22T03:12:45.007Z"
