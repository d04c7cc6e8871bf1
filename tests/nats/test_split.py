"""Splitting: every element reaches one partition as the bytes that were sent, and is judged there as in the whole."""

from __future__ import annotations

import json
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.partitions import PARTITIONS, partition_of
from guard.wire.billing import decode_billing
from guard.wire.reports import decode_reports
from guard.wire.split import CARD_STAND_IN, EVERY, Part, split
from guard.wire.topics import Topics

NOW_MS = 1_795_000_000_000
TOPICS = Topics("guard/v1")
HOME = partition_of("sw1")


def parts_of(name: str, payload: bytes) -> list[Part]:
    topic = TOPICS.parse(f"guard/v1/{name}")
    assert topic is not None
    return split(topic, payload)


def report(call: str = "c1", account: str = "A1", **more: object) -> dict[str, object]:
    return {"call": call, "event": "tick", "account": account, "at": NOW_MS // 1000, "duration_ms": 5, **more}


def dumped(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def full_hash(text: str) -> int:
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 % (1 << 32)
    return value


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_the_partition_is_the_fnv_1a_hash_modulo_256(text: str) -> None:
    assert partition_of(text) == full_hash(text) % PARTITIONS


def test_an_array_is_sorted_by_account_and_keeps_its_bytes() -> None:
    pieces = [b'{"account": "A1", "x" :1.50}', b'{"account":"B2"}', b'{ "account":"A1","y":"\\u00e9"}']
    parts = parts_of("sw1/calls", b" [" + b" ,\n".join(pieces) + b" ] ")
    assert parts == [
        Part(partition_of("A1"), pieces[0], joins=True),
        Part(partition_of("B2"), pieces[1], joins=True),
        Part(partition_of("A1"), pieces[2], joins=True),
    ]


def test_one_report_alone_stays_what_it_is() -> None:
    payload = dumped(report(account="Zoë"))
    assert parts_of("sw1/calls", payload) == [Part(partition_of("Zoë"), payload, joins=True)]


@pytest.mark.parametrize(
    "element",
    [
        b"7",
        b"null",
        b"[]",
        b'["a"]',
        b"[" + dumped(report()) + b"]",
        b"{}",
        b'{"account":null}',
        b'{"account":7}',
        b'{"account":"\\ud800"}',
    ],
)
def test_an_element_without_an_account_is_the_switchs_own(element: bytes) -> None:
    good = dumped(report())
    parts = parts_of("sw1/calls", b"[" + element + b", " + good + b"]")
    alone = element if element.startswith(b"{") else b"[" + element + b"]"
    assert [(part.partition, part.payload) for part in parts] == [(HOME, alone), (partition_of("A1"), good)]
    assert not decode_reports(alone, NOW_MS).reports


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"nonsense",
        b"7",
        b'"x"',
        b"[" + b"0," * 1_000 + b"0]",
        b"[" + dumped(report()) + b",",
        b'[{"account":"A1","x":"\xff"}]',
        b'[{"account":"A1","x":NaN}]',
        b"[" * 90_000,
        b"[" + b" " * (1 << 20) + b"]",
    ],
)
def test_what_is_broken_as_a_whole_is_refused_once_by_the_same_rule_and_leaves_no_junk(payload: bytes) -> None:
    parts = parts_of("sw1/calls", payload)
    assert [part.partition for part in parts] == [HOME]
    whole, told = decode_reports(payload, NOW_MS), decode_reports(parts[0].payload, NOW_MS)
    assert not told.reports
    assert told.refusals == whole.refusals


TEXT = st.text(max_size=6) | st.sampled_from(["A1", "A2", "\ud800", 'q"[{', "é", ""])
VALUES = st.none() | st.booleans() | st.integers() | TEXT
ELEMENTS = (
    st.builds(report, call=TEXT, account=TEXT, charge=VALUES)
    | st.dictionaries(st.sampled_from(["account", "call", "x", "at"]), VALUES, max_size=4)
    | st.recursive(VALUES, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
)
BLANKS = st.sampled_from(["", " ", "\n\t ", "\r"])


@st.composite
def payloads(draw: st.DrawFn) -> bytes:
    """Arrays and objects with odd blanks, odd members and, now and then, a blemish."""
    elements = draw(st.lists(ELEMENTS, max_size=8))
    texts = [draw(BLANKS) + json.dumps(each, ensure_ascii=draw(st.booleans())) + draw(BLANKS) for each in elements]
    text = draw(BLANKS) + (texts[0] if len(texts) == 1 and draw(st.booleans()) else f"[{','.join(texts)}]")
    payload = text.encode(errors="replace")
    if draw(st.integers(0, 4)) == 0:
        position = draw(st.integers(0, len(payload)))
        payload = payload[:position] + draw(st.sampled_from([b"\xff", b"\x00", b",", b'"', b"]"])) + payload[position:]
    return payload


@given(payloads())
def test_the_parts_together_say_what_the_whole_says(payload: bytes) -> None:
    whole = decode_reports(payload, NOW_MS)
    parts = parts_of("sw1/calls", payload)
    told = [decode_reports(part.payload, NOW_MS) for part in parts]
    assert sorted(map(repr, (each for some in told for each in some.reports))) == sorted(map(repr, whole.reports))
    assert sorted(each.rule for some in told for each in some.refusals) == sorted(each.rule for each in whole.refusals)
    of_account: dict[str, list[object]] = defaultdict(list)
    for part, some in zip(parts, told, strict=True):
        for each in some.reports:
            assert part.partition == partition_of(each.account)
            of_account[each.account].append(each)
    for account, reports in of_account.items():
        assert reports == [each for each in whole.reports if each.account == account]


@given(payloads())
def test_the_bytes_of_the_parts_are_those_of_the_whole(payload: bytes) -> None:
    parts = parts_of("sw1/calls", payload)
    end = 0
    for part in parts:
        if decode_reports(part.payload, NOW_MS).reports:
            begin = payload.index(part.payload.strip(), end)
            end = begin + len(part.payload.strip())


def test_a_switchs_status_is_for_all_and_a_broken_one_for_its_home() -> None:
    up = b'{"status":"up"}'
    assert parts_of("sw1/status", up) == [Part(partition, up) for partition in EVERY]
    assert parts_of("sw1/status", b'{"status":"?"}') == [Part(HOME, b'{"status":"?"}')]


def test_an_ack_goes_to_its_account_one_of_a_snapshot_home_and_one_of_neither_to_all() -> None:
    of_account = dumped({"id": "1", "ok": True, "account": "A1"})
    of_snapshot = dumped({"id": "1", "ok": True, "part": 1})
    of_neither = dumped({"id": "1", "ok": True})
    assert parts_of("sw1/acks", of_account) == [Part(partition_of("A1"), of_account)]
    assert parts_of("sw1/acks", of_snapshot) == [Part(HOME, of_snapshot)]
    assert parts_of("sw1/acks", of_neither) == [Part(partition, of_neither) for partition in EVERY]
    assert parts_of("sw1/acks", b"{}") == [Part(HOME, b"{}")]


def test_billing_goes_to_its_account_message_by_message() -> None:
    first, second = dumped({"type": "close", "id": "1", "account": "A1"}), dumped({"type": "nothing"})
    parts = parts_of("billing", b"[" + first + b"," + second + b"]")
    assert parts == [Part(partition_of("A1"), first), Part(partition_of(""), second)]


def test_a_payment_with_a_card_number_leaves_a_stand_in_that_is_refused_alike() -> None:
    payment = {"type": "payment", "id": "p", "account": "A1", "amount": "1.00", "method": "card", "status": "posted"}
    secret = dumped({**payment, "note": "5500 0000 0000 0004"})
    parts = parts_of("billing", b"[" + secret + b"," + dumped(payment) + b"]")
    assert [part.payload for part in parts] == [CARD_STAND_IN, dumped(payment)]
    whole, stand_in = decode_billing(secret).refusals[0], decode_billing(CARD_STAND_IN).refusals[0]
    assert (whole.type, whole.outcome) == (stand_in.type, stand_in.outcome)


def test_broken_billing_is_not_written_down() -> None:
    (part,) = parts_of("billing", b'{"type":"payment","method":"5500000000000004"')
    assert b"5500" not in part.payload
    assert decode_billing(part.payload).refusals[0].refusal.rule == "the payload is not JSON"


def test_deeply_nested_reports_do_not_join() -> None:
    deep = dumped(report(x=json.loads("[" * 150 + "]" * 150)))
    assert [part.joins for part in parts_of("sw1/calls", b"[" + deep + b"," + dumped(report()) + b"]")] == [False] * 2


def test_nothing_comes_of_an_empty_array_or_of_a_topic_that_is_none_of_ours_to_read() -> None:
    assert parts_of("sw1/calls", b"[]") == []
    assert parts_of("sw1/commands", b"{}") == []
