"""Reports: whatever bytes arrive, the answer is reports and named refusals."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from guard.core.records import Report
from guard.wire import rules
from guard.wire.fields import has_control_character
from guard.wire.instants import MAX_MS
from guard.wire.reports import MAX_AHEAD_MS, DecodedReports, _decode_carefully, decode_reports
from tests.wire import strategies
from tests.wire.samples import NOW_MS, REPORT, assert_says_nothing, payload

MICROS = 10**15


def check(content: bytes) -> DecodedReports:
    """Decode; every record must be in range, and every refusal must be free of the message."""
    decoded = decode_reports(content, NOW_MS)
    for report in decoded.reports:
        assert_in_range(report)
    for refusal in decoded.refusals:
        assert_says_nothing(refusal)
    assert decoded == _decode_carefully(content, NOW_MS + MAX_AHEAD_MS), "the two readings must agree"
    return decoded


def assert_in_range(report: Report) -> None:
    for text in (report.call, report.account):
        assert 1 <= len(text) <= 128
        assert not has_control_character(text)
    for bounded in (report.to, report.caller, report.source, report.cause, report.currency):
        assert bounded is None or len(bounded) <= 256
    for text in (report.call, report.account, report.to or "", report.caller, report.source, report.cause):
        text.encode()
    assert 0 <= report.at_ms <= min(MAX_MS, NOW_MS + MAX_AHEAD_MS)
    assert type(report.at_ms) is int
    assert 0 <= report.duration_ms <= 10**10
    assert type(report.duration_ms) is int
    for micros in (report.charge_micros, report.rate_micros):
        assert micros is None or 0 <= micros < MICROS
    assert report.emergency in (None, True, False)
    assert report.emergency is None or type(report.emergency) is bool


@given(st.binary(max_size=400))
def test_any_bytes(content: bytes) -> None:
    """Random bytes are at most a refusal."""
    check(content)


@given(st.text(max_size=200))
def test_any_text(content: str) -> None:
    """Random text is at most a refusal."""
    check(content.encode("utf-8", "surrogatepass"))


@given(strategies.json_values)
def test_any_json(value: object) -> None:
    """JSON of any shape is at most a refusal."""
    check(strategies.written(value))


@given(st.one_of(strategies.reports, st.lists(st.one_of(strategies.reports, strategies.json_values), max_size=4)))
@settings(max_examples=400)
def test_mutated_reports(value: object) -> None:
    """Of an array each element is a report or one refusal."""
    decoded = check(strategies.written(value))
    count = len(value) if isinstance(value, list) else 1
    assert len(decoded.reports) + len(decoded.refusals) == count


@given(strategies.damaged(st.lists(strategies.reports, min_size=1, max_size=3).map(strategies.written)))
@settings(max_examples=400)
@example(b"[{},]")
@example(b'[{"call":"\\ud8')
def test_damaged_payloads(content: bytes) -> None:
    """A valid payload of which some bytes were changed is at most refused."""
    check(content)


@given(st.lists(strategies.reports, max_size=4))
def test_neighbours_do_not_matter(messages: list[dict[str, object]]) -> None:
    """An array is exactly what its elements are alone."""
    together = decode_reports(strategies.written(messages), NOW_MS)
    alone = [decode_reports(strategies.written(message), NOW_MS) for message in messages]
    assert together.reports == [report for decoded in alone for report in decoded.reports]
    assert [refusal.rule for refusal in together.refusals] == [
        refusal.rule for decoded in alone for refusal in decoded.refusals
    ]


@pytest.mark.parametrize("name", [*REPORT, "source", "cause", "currency"])
@given(value=strategies.json_values)
def test_every_type_at_every_field(name: str, value: object) -> None:
    """A field may hold anything JSON can express: a valid value, or a refusal that names the field."""
    decoded = check(strategies.written({**REPORT, name: value}))
    assert all(refusal.key == f"$.{name}" for refusal in decoded.refusals)


def test_no_word_of_the_message_is_repeated() -> None:
    """Canaries in every value, in unknown keys and in places where parsers quote their input."""
    canary = "CANARY4111"
    messages: list[object] = [{**REPORT, name: f"{canary}\x00{'x' * 300}"} for name in REPORT]
    messages += [{**REPORT, name: {canary: canary}} for name in REPORT]
    messages += [{canary: 1}, [canary], canary, {**REPORT, canary: canary, "charge": canary}]
    contents = [payload(message) for message in messages]
    contents += [f'{{"call": "{canary}", "call": "{canary}"}}'.encode(), canary.encode(), f'{{"{canary}"'.encode()]
    contents += [b'{"call":"' + canary.encode() + b'\xff"}', b'{"call":"\\u' + canary.encode() + b'"}']
    for content in contents:
        decoded = check(content)
        assert decoded.reports == []
        assert canary not in repr(decoded)


HARD = {
    "unknown field of text": json.dumps({**REPORT, "x": "x" * 1_000_000}).encode(),
    "array of nothing": b"[" + b"{}," * 340_000 + b"{}]",
    "array of numbers": b"[" + b"1," * 520_000 + b"1]",
    "an object of many members": b"{" + b",".join(b'"%d":1' % number for number in range(80_000)) + b"}",
    "an object of one key": b"{" + b",".join([b'"a":1'] * 170_000) + b"}",
    "objects in an unknown field": b'{"x":[' + b"{}," * 340_000 + b"{}]}",
    "one number": b'{"at":' + b"9" * 1_000_000 + b"}",
    "one fraction": b'{"at":0.' + b"9" * 1_000_000 + b"}",
    "one exponent": b'{"at":1e' + b"9" * 1_000_000 + b"}",
    "a time of digits": b'{"at":"2026-11-22T03:12:45.' + b"9" * 1_000_000 + b'Z"}',
    "a charge of digits": json.dumps({**REPORT, "charge": "9" * 1_000_000}).encode(),
    "escapes": b'{"call":"' + b"\\u0000" * 170_000 + b'"}',
    "blanks": b"[" + b" " * 1_000_000 + b"]",
    "opening brackets": b"[" * (1 << 20),
    "opening braces": b'{"a":' * 200_000,
    "too long": b"[" * (1 << 25),
    "1000 broken reports": payload([{**REPORT, "charge": 1, "x": "y" * 500}] * 1000),
}


@pytest.mark.parametrize("content", HARD.values(), ids=HARD.keys())
def test_time_is_bounded(content: bytes) -> None:
    """The worst that fits into 1 MiB takes well under a second; quadratic work would take hours."""
    started = time.process_time()
    check(content)
    assert time.process_time() - started < 10


def test_the_deepest_nesting_never_escapes_as_an_error() -> None:
    """Around the interpreter's limit the answer changes from ignored to refused, and nothing else happens."""
    for depth in range(1, 1500, 7):
        for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
            nested = payload(REPORT)[:-1] + b',"x":' + opening * depth + b"1" + closing * depth + b"}"
            decoded = decode_reports(nested, NOW_MS)
            assert len(decoded.reports) == 1 or decoded.refusals[0].rule == rules.PAYLOAD_TOO_DEEP
