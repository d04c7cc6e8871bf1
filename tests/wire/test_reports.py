"""Reports: every rule of the contract, one example at a time."""

from __future__ import annotations

import itertools
import json

import pytest

from guard.core.money import parse_money
from guard.core.records import Direction, Event, Refusal, Report
from guard.wire import rules
from guard.wire.reports import MAX_AHEAD_MS, DecodedReports, decode_reports
from tests.wire.samples import MISSING, NOW_MS, REPORT, Json, assert_says_nothing, changed, payload

TICK = changed(REPORT, event="tick", to=MISSING, duration_ms=1000)


def decode(value: object) -> DecodedReports:
    return decode_reports(payload(value), NOW_MS)


def refusal_of(message: object) -> Refusal:
    """The one refusal of a message, which must be the same alone, in an array, and beside a good neighbour."""
    alone = decode(message)
    assert alone.reports == []
    [refusal] = alone.refusals
    assert_says_nothing(refusal)
    among = decode([REPORT, message, TICK])
    assert [report.event for report in among.reports] == [Event.ANSWERED, Event.TICK]
    assert among.refusals == [Refusal(f"$[1]{refusal.key[1:]}", refusal.rule)]
    return refusal


def accepted(message: Json) -> Report:
    """The one report of a message, which must be the same alone, in an array, and beside an unusual neighbour."""
    [report], refusals = decode(message)
    assert refusals == []
    assert decode([message, message]) == ([report, report], [])
    assert decode([message, {**message, "unknown": {"a": [1, 2]}}]) == ([report, report], [])
    return report


def test_the_report_of_the_contract_is_read_whole() -> None:
    """Every field of the contract's example arrives in the record."""
    assert accepted(REPORT) == Report(
        call="a84b4c76e66710",
        event=Event.ANSWERED,
        account="A1001",
        at_ms=NOW_MS,
        duration_ms=0,
        to="+25377123456",
        charge_micros=parse_money("0.35"),
        rate_micros=2_100_000,
        emergency=False,
        direction=Direction.OUTGOING,
        caller="+16475550100",
    )


def test_the_smallest_reports() -> None:
    """What is not required may be missing; the record then says that the switch did not say."""
    base = {"call": "c", "account": "A", "at": NOW_MS / 1000}
    for word, event in (("failed", Event.FAILED), ("answered", Event.ANSWERED)):
        assert accepted({**base, "event": word, "to": "911"}) == Report("c", event, "A", NOW_MS, 0, "911")
    for word, event in (("tick", Event.TICK), ("ended", Event.ENDED)):
        assert accepted({**base, "event": word, "duration_ms": 7}) == Report("c", event, "A", NOW_MS, 7)


@pytest.mark.parametrize("name", ["call", "event", "account", "at"])
@pytest.mark.parametrize("value", [MISSING, None])
def test_required_always(name: str, value: object) -> None:
    """call, event, account and at are required; null counts as absent."""
    assert refusal_of(changed(REPORT, **{name: value})) == Refusal(f"$.{name}", rules.REQUIRED)


@pytest.mark.parametrize("value", [MISSING, None])
@pytest.mark.parametrize(
    ("event", "name"), [("failed", "to"), ("answered", "to"), ("tick", "duration_ms"), ("ended", "duration_ms")]
)
def test_required_by_event(event: str, name: str, value: object) -> None:
    """`to` is required on answered and failed, `duration_ms` on tick and ended."""
    message = changed(REPORT, event=event)
    accepted(message)
    assert refusal_of(changed(message, **{name: value})) == Refusal(f"$.{name}", rules.REQUIRED)


@pytest.mark.parametrize("name", ["from", "source", "cause", "currency", "charge", "rate", "emergency", "direction"])
def test_null_counts_as_absent(name: str) -> None:
    """An explicit null of an optional field is the same as none."""
    assert accepted({**REPORT, name: None}) == accepted(changed(REPORT, **{name: MISSING}))


def test_an_empty_number_or_currency_is_not_stated() -> None:
    """A switch that cannot tell the number still tells the charge: an empty `to` is taken for unknown."""
    assert accepted(changed(REPORT, to="")).to is None
    assert accepted(changed(TICK, to="")).to is None
    assert accepted(changed(REPORT, currency="")).currency is None


@pytest.mark.parametrize("name", ["account", "call"])
def test_identifiers_hold_anything_but_control_characters(name: str) -> None:
    """1 to 128 characters, counted as characters; slashes, wildcards, quotes and blanks are just characters."""
    for text in ("/ + # \" < % \\ ' , {}[]", "x" * 128, "é" * 128, "😀" * 128, "\xa0\u200d", " ", "\ufeff"):
        assert getattr(accepted({**REPORT, name: text}), name) == text
    for text in ("", "x" * 129, "😀" * 129):
        assert refusal_of({**REPORT, name: text}) == Refusal(f"$.{name}", rules.IDENTIFIER_LENGTH)
    value: object
    for value in (1, 1.5, True, [], {}, ["A"]):
        assert refusal_of({**REPORT, name: value}) == Refusal(f"$.{name}", rules.NOT_TEXT)


@pytest.mark.parametrize("name", ["account", "call"])
@pytest.mark.parametrize("character", [*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0))])
def test_every_control_character_is_refused(name: str, character: str) -> None:
    """All of Unicode's Cc are refused, escaped or not."""
    message = {**REPORT, name: f"A{character}1"}
    assert refusal_of(message) == Refusal(f"$.{name}", rules.CONTROL_CHARACTER)
    raw = json.dumps(message, ensure_ascii=False).encode()
    if character >= "\x7f":
        assert decode_reports(raw, NOW_MS).refusals == [Refusal(f"$.{name}", rules.CONTROL_CHARACTER)]


@pytest.mark.parametrize("name", ["call", "account", "to", "from", "source", "cause", "currency"])
def test_half_a_surrogate_pair_is_no_text(name: str) -> None:
    """What UTF-8 cannot express is refused alone, and a whole pair is one character."""
    assert refusal_of({**REPORT, name: "A\ud800"}) == Refusal(f"$.{name}", rules.NOT_UNICODE)
    assert refusal_of({**REPORT, name: "\udc00\ud800"}) == Refusal(f"$.{name}", rules.NOT_UNICODE)
    accepted({**REPORT, name: "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16")})


@pytest.mark.parametrize(
    ("name", "attribute"), [("to", "to"), ("from", "caller"), ("source", "source"), ("cause", "cause")]
)
def test_texts_are_bounded(name: str, attribute: str) -> None:
    """Other texts have up to 256 characters of any kind."""
    for text in ("x" * 256, "😀" * 256, "a\tb\x00"):
        assert getattr(accepted({**REPORT, name: text}), attribute) == text
    assert refusal_of({**REPORT, name: "x" * 257}) == Refusal(f"$.{name}", rules.TEXT_TOO_LONG)
    assert refusal_of({**REPORT, name: 16475550100}) == Refusal(f"$.{name}", rules.NOT_TEXT)


@pytest.mark.parametrize("value", ["", "start", "Tick", " tick", 2, True, [], {}])
def test_events_are_words(value: object) -> None:
    """Only the four words are events."""
    assert refusal_of(changed(REPORT, event=value)) == Refusal("$.event", rules.NOT_AN_EVENT)


@pytest.mark.parametrize("value", ["", "out", "OUTGOING", 0, False, []])
def test_directions_are_words(value: object) -> None:
    """Only the four words are directions."""
    assert refusal_of(changed(REPORT, direction=value)) == Refusal("$.direction", rules.NOT_A_DIRECTION)
    for direction in Direction:
        assert accepted(changed(REPORT, direction=direction.value)).direction is direction


@pytest.mark.parametrize("name", ["charge", "rate"])
def test_money_is_a_decimal_string_that_is_not_negative(name: str) -> None:
    """Exact to a millionth, never a JSON number, never negative."""
    attribute = f"{name}_micros"
    for text, micros in (
        ("0", 0),
        ("0.000001", 1),
        ("2.1", 2_100_000),
        ("999999999.999999", 999_999_999_999_999),
        ("-0.00", 0),
    ):
        assert getattr(accepted({**REPORT, name: text}), attribute) == micros
    value: object
    for value in (
        1,
        0,
        2.1,
        True,
        [],
        {},
        "",
        "1.",
        ".5",
        "+1",
        "1e3",
        "1 ",
        "1,5",
        "1_0",
        "١",
        "1000000000",
        "0.0000001",
        "NaN",
        "--1",
    ):
        assert refusal_of({**REPORT, name: value}) == Refusal(f"$.{name}", rules.NOT_MONEY)
    for text in ("-1", "-0.000001"):
        assert refusal_of({**REPORT, name: text}) == Refusal(f"$.{name}", rules.NEGATIVE)


@pytest.mark.parametrize("event", ["answered", "failed", "tick", "ended"])
def test_durations_are_whole_milliseconds(event: str) -> None:
    """An integer from 0 to 10^10, in whatever way JSON writes integers."""
    message = changed(REPORT, event=event)
    for value, expected in ((0, 0), (10**10, 10**10), (5000.0, 5000), (1e3, 1000)):
        assert accepted(changed(message, duration_ms=value)).duration_ms == expected
    wrong: object
    for wrong in (-1, 10**10 + 1, 10**30, -(10**30), 0.5, 1e300, "1", True, [], {}):
        assert refusal_of(changed(message, duration_ms=wrong)) == Refusal("$.duration_ms", rules.NOT_A_DURATION)


def test_a_number_beyond_floating_point_is_out_of_range() -> None:
    """1e999 is JSON; it is too large for every field, and no matter in an unknown one."""
    text = payload(REPORT).decode()
    for name, old, rule in (
        ("duration_ms", '"duration_ms":0', rules.NOT_A_DURATION),
        ("at", '"at":"2026-11-22T03:12:45.120Z"', rules.NOT_AN_INSTANT),
        ("emergency", '"emergency":false', rules.NOT_A_FLAG),
    ):
        for number in ("1e999", "-1e999", "9" * 5000):
            broken = text.replace(old, f'"{name}":{number}').encode()
            assert decode_reports(broken, NOW_MS) == ([], [Refusal(f"$.{name}", rule)])
    unknown = text.replace('"duration_ms":0', '"duration_ms":0,"x":1e999').encode()
    assert decode_reports(unknown, NOW_MS) == ([accepted(REPORT)], [])


def test_emergency_is_a_boolean_or_0_or_1() -> None:
    """Booleans may come as 0 and 1, not as words."""
    for value, expected in ((True, True), (False, False), (1, True), (0, False), (1.0, True)):
        assert accepted(changed(REPORT, emergency=value)).emergency is expected
    wrong: object
    for wrong in (2, -1, 0.5, "true", "1", "", [], {}, 10**30):
        assert refusal_of(changed(REPORT, emergency=wrong)) == Refusal("$.emergency", rules.NOT_A_FLAG)


@pytest.mark.parametrize(
    "at",
    ["2026-11-22T03:12:45.120Z", "2026-11-21T22:12:45.120-05:00", NOW_MS / 1000, "1795317165.120", "1795317165.12"],
)
def test_at_in_every_notation(at: object) -> None:
    """RFC 3339 with offset, epoch seconds as a number, epoch seconds in digits: one and the same time."""
    assert accepted(changed(REPORT, at=at)).at_ms == NOW_MS


@pytest.mark.parametrize(
    "at", ["2026-11-22T03:12:45", "", "now", "1969-12-31T23:59:59Z", -1, 1795317165120, 1e300, True, False, [], {}]
)
def test_at_must_be_a_time(at: object) -> None:
    """No offset, wrong unit, wrong type: refused."""
    assert refusal_of(changed(REPORT, at=at)) == Refusal("$.at", rules.NOT_AN_INSTANT)


def test_at_may_be_15_minutes_ahead() -> None:
    """A switch's clock may be 15 minutes ahead of ours, and no millisecond more; how old a report is, is not asked."""
    assert accepted(changed(REPORT, at=(NOW_MS + MAX_AHEAD_MS) / 1000)).at_ms == NOW_MS + 15 * 60_000
    assert refusal_of(changed(REPORT, at=(NOW_MS + MAX_AHEAD_MS + 1) / 1000)) == Refusal("$.at", rules.TOO_FAR_AHEAD)
    assert accepted(changed(REPORT, at=0)).at_ms == 0


def test_currency_is_only_bounded_here() -> None:
    """Whether it is the account's is the engine's question, so that the report is quarantined and not lost."""
    assert accepted(changed(REPORT, currency="cad")).currency == "cad"
    assert refusal_of(changed(REPORT, currency="C" * 257)) == Refusal("$.currency", rules.TEXT_TOO_LONG)


def test_unknown_fields_are_ignored() -> None:
    """Whatever else a message holds does not matter, nested, huge or halved."""
    value: object
    for value in (None, 1, 10**400, "x" * 10_000, "\ud800", {"call": "other", "a": {}}, [[[]]], ["call", "call"]):
        assert accepted({**REPORT, "vendor": value}) == accepted(REPORT)
    assert accepted({**REPORT, "": 1, "Call": 2, "at ": 3, "\ud800": 4}) == accepted(REPORT)


@pytest.mark.parametrize("element", [1, None, "text", True, [], [REPORT], 1.5])
def test_an_element_must_be_an_object(element: object) -> None:
    """An element of another type is refused alone."""
    assert decode([REPORT, element, REPORT]).refusals == [Refusal("$[1]", rules.NOT_AN_OBJECT)]
    assert len(decode([REPORT, element, REPORT]).reports) == 2


@pytest.mark.parametrize("name", sorted({**REPORT, "vendor": 1}))
def test_a_repeated_key_is_refused(name: str) -> None:
    """Two parsers might believe another one each, so neither is believed, even if they agree."""
    value = json.dumps({**REPORT, "vendor": 1}[name])
    text = json.dumps({**REPORT, "vendor": 1})
    for twin in (json.dumps(name), f'"\\u{ord(name[0]):04x}{name[1:]}"'):
        doubled = f"{text[:-1]}, {twin}: {value}}}"
        assert decode_reports(doubled.encode(), NOW_MS) == ([], [Refusal("$", rules.KEY_TWICE)])
        among = decode_reports(f"[{text},{doubled},{text}]".encode(), NOW_MS)
        assert len(among.reports) == 2
        assert among.refusals == [Refusal("$[1]", rules.KEY_TWICE)]


OPTIONAL = {name: value for name, value in REPORT.items() if name not in {"call", "event", "account", "at"}} | {
    "source": "192.0.2.7",
    "cause": "busy",
    "currency": "CAD",
}


@pytest.mark.parametrize("name", OPTIONAL)
@pytest.mark.parametrize("event", ["answered", "tick"])
def test_each_optional_field_is_counted_once(name: str, event: str) -> None:
    """Whichever fields a report has, one key too many is noticed, in an array as well."""
    needed = {"to": "911"} if event == "answered" else {"duration_ms": 5}
    message = {"call": "c", "event": event, "account": "A", "at": 0, **needed, name: OPTIONAL[name]}
    accepted(message)
    text = json.dumps(message)
    doubled = f'{text[:-1]}, "call": "c"}}'
    assert decode_reports(doubled.encode(), NOW_MS) == ([], [Refusal("$", rules.KEY_TWICE)])
    assert decode_reports(f"[{text},{doubled}]".encode(), NOW_MS).refusals == [Refusal("$[1]", rules.KEY_TWICE)]


def test_a_repeated_key_cannot_hide_behind_the_count_of_commas() -> None:
    """A missing optional field in one report does not outweigh a repeated one in the next."""
    text = json.dumps(REPORT)
    doubled = f'{text[:-1]}, "charge": "9"}}'
    for count in range(len(REPORT)):
        fewer = json.dumps(dict(itertools.islice(TICK.items(), count)))
        decoded = decode_reports(f"[{fewer},{doubled},{text}]".encode(), NOW_MS)
        assert Refusal("$[1]", rules.KEY_TWICE) in decoded.refusals


def test_a_repeated_key_inside_an_unknown_field_is_ignored() -> None:
    """Unknown fields are not looked into."""
    text = json.dumps(REPORT)
    nested = f'{text[:-1]}, "vendor": {{"a": 1, "a": 2}}}}'
    assert decode_reports(nested.encode(), NOW_MS) == ([accepted(REPORT)], [])


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", rules.PAYLOAD_NOT_JSON),
        (b"null", rules.PAYLOAD_NOT_OBJECTS),
        (b"7", rules.PAYLOAD_NOT_OBJECTS),
        (b'"call"', rules.PAYLOAD_NOT_OBJECTS),
        (b"[{},", rules.PAYLOAD_NOT_JSON),
        (b'[{"call":NaN}]', rules.PAYLOAD_NOT_JSON),
        (b'[{"call":"\xff"}]', rules.PAYLOAD_NOT_UTF8),
        (b'[{"vendor":"\xff"}]', rules.PAYLOAD_NOT_UTF8),
        (b"[" * 500_000, rules.PAYLOAD_TOO_DEEP),
        (b'{"vendor":' + b"[" * 200_000 + b"]" * 200_000 + b"}", rules.PAYLOAD_TOO_DEEP),
        (b" " * (1 << 20) + b" ", rules.PAYLOAD_TOO_LONG),
    ],
)
def test_a_payload_that_is_none_is_one_refusal(content: bytes, rule: str) -> None:
    """However long it is, a payload without elements counts once."""
    assert decode_reports(content, NOW_MS) == ([], [Refusal("$", rule)])


def test_invalid_bytes_in_an_unknown_field_spoil_the_payload() -> None:
    """The fast reading does not look into unknown fields, but what is no UTF-8 is no JSON."""
    content = payload([REPORT, {**REPORT, "vendor": "?"}]).replace(b"?", b"\xff")
    assert decode_reports(content, NOW_MS) == ([], [Refusal("$", rules.PAYLOAD_NOT_UTF8)])


def test_arrays_have_up_to_1000_reports() -> None:
    """1,000 are taken, of 1,001 none is; an empty array says nothing."""
    assert len(decode([REPORT] * 1000).reports) == 1000
    assert decode([REPORT] * 1001) == ([], [Refusal("$", rules.PAYLOAD_TOO_MANY)])
    assert decode([]) == ([], [])
    assert decode_reports(b" [ ] ", NOW_MS) == ([], [])


def test_an_array_of_1000_broken_reports_is_1000_refusals() -> None:
    """Every element is judged alone."""
    decoded = decode([changed(REPORT, charge=1)] * 1000)
    assert decoded.reports == []
    assert decoded.refusals == [Refusal(f"$[{index}].charge", rules.NOT_MONEY) for index in range(1000)]


def test_the_first_broken_rule_is_named() -> None:
    """One refusal for one message, however many rules it breaks."""
    assert decode({}).refusals == [Refusal("$.call", rules.REQUIRED)]
    assert len(decode({"call": 1, "event": 2, "account": 3, "at": []}).refusals) == 1


def test_blanks_between_members_do_not_matter() -> None:
    """JSON may be written with any white space; text may hold commas and colons."""
    message = changed(REPORT, account="a,b:,c", cause=",,,")
    spaced = json.dumps([message, REPORT], indent=3).encode()
    assert decode_reports(spaced, NOW_MS) == ([accepted(message), accepted(REPORT)], [])
