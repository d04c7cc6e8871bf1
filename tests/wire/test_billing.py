"""Billing messages: every rule of the contract, one example at a time."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from guard.core.decisions import BillingEntry
from guard.core.money import parse_money
from guard.core.records import (
    AccountMessage,
    AdjustmentMessage,
    BalanceMessage,
    BillingMessage,
    BillingOutcome,
    CardMessage,
    CardStatus,
    CloseMessage,
    Credit,
    CreditMessage,
    InvoiceMessage,
    PaymentMessage,
    PaymentStatus,
    Refusal,
)
from guard.core.views import InvoiceView
from guard.wire import rules
from guard.wire.billing import METHODS, DecodedBilling, decode_billing, kept_invoice
from guard.wire.instants import rfc3339_ms
from tests.wire import strategies
from tests.wire.samples import BILLING, MISSING, NOW_MS, Json, assert_says_nothing, changed, payload

CLOSE = BILLING["close"]
PAYMENT = BILLING["payment"]
CREDIT = changed(BILLING["credit"], limit=MISSING, until=MISSING)
VISA = "4111111111111111"


def decode(value: object) -> DecodedBilling:
    return decode_billing(payload(value))


def accepted(message: Json) -> BillingMessage:
    [record], refusals = decode(message)
    assert refusals == []
    assert decode([message, {**message, "vendor": {"a": [1]}}]) == ([record, record], [])
    return record


def refused(message: object, outcome: BillingOutcome = BillingOutcome.INVALID) -> Refusal:
    """The one refusal of a message, which must be the same between good neighbours."""
    messages, [entry] = decode(message)
    assert messages == []
    assert_says_nothing(entry.refusal)
    among = decode([CLOSE, message, CLOSE])
    assert len(among.messages) == 2
    [other] = among.refusals
    assert other.refusal == Refusal(f"$[1]{entry.refusal.key[1:]}", entry.refusal.rule)
    assert entry.outcome is other.outcome is outcome
    assert entry.type == other.type
    return entry.refusal


EXPECTED: dict[str, BillingMessage] = {
    "account": AccountMessage(
        id="m1",
        account="A1001",
        name="Acme Ltd",
        currency="CAD",
        timezone="America/Toronto",
        opened="2024-05-01",
        plan="office-2000",
        tariff="retail",
        credit=Credit(cycles_micros=2_500_000, floor_micros=parse_money("100"), cap_micros=parse_money("5000")),
    ),
    "balance": BalanceMessage(
        id="s1",
        account="A1001",
        owed_micros=parse_money("83.2"),
        as_of_ms=rfc3339_ms("2026-11-01T04:00:00Z"),
    ),
    "payment": PaymentMessage(
        id="p7",
        account="A1001",
        amount_micros=parse_money("120"),
        method="card",
        status=PaymentStatus.POSTED,
        at_ms=NOW_MS,
    ),
    "invoice": InvoiceMessage(
        id="i11",
        account="A1001",
        amount_micros=parse_money("118.4"),
        period_start="2026-10-01",
        period_end="2026-11-01",
        payload='{"account":"A1001","amount":"118.40","id":"i11","period_end":"2026-11-01","period_start":"2026-10-01",'
        '"type":"invoice"}',
    ),
    "adjustment": AdjustmentMessage(
        id="a3",
        account="A1001",
        amount_micros=parse_money("-15"),
        reason="goodwill",
        at_ms=NOW_MS,
    ),
    "credit": CreditMessage(
        id="c9",
        account="A1001",
        credit=Credit(limit_micros=parse_money("800")),
        until_ms=rfc3339_ms("2026-12-05T05:00:00Z"),
        by="ana",
        reason="EFT promised",
    ),
    "card": CardMessage(
        id="k2",
        account="A1001",
        status=CardStatus.EXPIRING,
        expires="2026-12",
        payload='{"account":"A1001","expires":"2026-12","id":"k2","status":"expiring","type":"card"}',
    ),
    "close": CloseMessage(id="z1", account="A1001"),
}


@pytest.mark.parametrize("kind", BILLING)
def test_the_messages_of_the_contract_are_read_whole(kind: str) -> None:
    """Every field of each of the contract's examples arrives in its record."""
    record = accepted(BILLING[kind])
    assert record == EXPECTED[kind]


@pytest.mark.parametrize("kind", BILLING)
@pytest.mark.parametrize("name", ["id", "account"])
def test_id_and_account_are_identifiers(kind: str, name: str) -> None:
    """Every message has an id and an account of 1 to 128 characters, none a control character."""
    message = BILLING[kind]
    for text in ('/ + # " < %', "x" * 128, "😀" * 128):
        assert getattr(accepted({**message, name: text}), name) == text
    for value, rule in (
        (MISSING, rules.REQUIRED),
        (None, rules.REQUIRED),
        ("", rules.IDENTIFIER_LENGTH),
        ("x" * 129, rules.IDENTIFIER_LENGTH),
        ("a\x85", rules.CONTROL_CHARACTER),
        ("\ud800", rules.NOT_UNICODE),
        (7, rules.NOT_TEXT),
    ):
        assert refused(changed(message, **{name: value})) == Refusal(f"$.{name}", rule)


@pytest.mark.parametrize("kind", BILLING)
def test_at_is_optional_everywhere(kind: str) -> None:
    """Without `at` the record has none; a stated one is read in any notation, and may lie anywhere."""
    message = BILLING[kind]
    assert accepted(changed(message, at=MISSING)).at_ms is None
    assert accepted(changed(message, at=None)).at_ms is None
    assert accepted(changed(message, at=NOW_MS / 1000)).at_ms == NOW_MS
    assert accepted(changed(message, at="2099-01-01T00:00:00Z")).at_ms == rfc3339_ms("2099-01-01T00:00:00Z")
    assert refused(changed(message, at="2026-11-01")) == Refusal("$.at", rules.NOT_AN_INSTANT)


@pytest.mark.parametrize("value", [MISSING, None, "", "Payment", "refund", 1, [], {}])
def test_the_type_is_a_word(value: object) -> None:
    """A message without a known type is refused and counted under none."""
    message = changed(CLOSE, type=value)
    rule = rules.REQUIRED if value is MISSING or value is None else rules.NOT_A_BILLING_TYPE
    assert refused(message) == Refusal("$.type", rule)
    assert decode(message).refusals[0].type == ""


def test_an_account_message_may_say_little() -> None:
    """Only id and account are required; what is not said is None."""
    assert accepted({"type": "account", "id": "m", "account": "A"}) == AccountMessage(id="m", account="A")


@pytest.mark.parametrize(
    ("kind", "name", "values", "rule"),
    [
        ("account", "currency", ("", "cad", "CA", "CADX", "C D", "ÇAD", "CA1", 1, []), rules.NOT_A_CURRENCY),
        ("account", "timezone", ("", "Toronto", "america/toronto", "../UTC", "UTC\x00", 5, {}), rules.NOT_A_TIMEZONE),
        ("account", "opened", ("", "2024-5-1", "2024-02-30", "1969-12-31", "2024-05-01T00:00:00Z"), rules.NOT_A_DATE),
        ("account", "opened", (20240501, True), rules.NOT_TEXT),
        ("account", "name", ("x" * 257,), rules.TEXT_TOO_LONG),
        ("account", "plan", (1,), rules.NOT_TEXT),
        ("account", "tariff", ("\ud800",), rules.NOT_UNICODE),
        ("account", "credit", ("500", 500, [], True), rules.NOT_AN_OBJECT),
        ("account", "credit", ({}, {"floor": "1"}, {"max": "1"}), rules.NOT_A_CREDIT),
        ("balance", "owed", (MISSING, None), rules.REQUIRED),
        ("balance", "owed", (83.2, 83, "", "1e3", "1.2345678"), rules.NOT_MONEY),
        ("balance", "as_of", (MISSING, None), rules.REQUIRED),
        ("balance", "as_of", ("2026-11-01", "", True), rules.NOT_AN_INSTANT),
        ("payment", "amount", (MISSING, None), rules.REQUIRED),
        ("payment", "amount", (120, "", "1,000.00", "$5"), rules.NOT_MONEY),
        ("payment", "amount", ("0", "0.00", "-0", "-5.00"), rules.NOT_POSITIVE),
        ("payment", "method", (MISSING, None), rules.REQUIRED),
        ("payment", "method", ("", "Card", "cash", 1, []), rules.NOT_A_METHOD),
        ("payment", "status", (MISSING, None), rules.REQUIRED),
        ("payment", "status", ("", "done", "POSTED", 2), rules.NOT_A_PAYMENT_STATUS),
        ("invoice", "amount", (MISSING,), rules.REQUIRED),
        ("invoice", "amount", ("0.00", "-1"), rules.NOT_POSITIVE),
        ("invoice", "period_start", ("2026-10", "10/01/2026"), rules.NOT_A_DATE),
        ("invoice", "period_end", ("2026-09-30",), rules.PERIOD_BACKWARDS),
        ("adjustment", "amount", (MISSING,), rules.REQUIRED),
        ("adjustment", "amount", (-15, ""), rules.NOT_MONEY),
        ("adjustment", "reason", ("x" * 257,), rules.TEXT_TOO_LONG),
        ("credit", "limit", ("-1", "-0.01"), rules.NEGATIVE),
        ("credit", "limit", (800, "", "none"), rules.NOT_MONEY),
        ("credit", "until", ("2026-12-05", "tomorrow", True), rules.NOT_AN_INSTANT),
        ("credit", "by", (1,), rules.NOT_TEXT),
        ("card", "status", (MISSING, None), rules.REQUIRED),
        ("card", "status", ("", "OK", "stolen", 1), rules.NOT_A_CARD_STATUS),
        ("card", "expires", ("12/26", "2026-13", "2026-12-01"), rules.NOT_A_MONTH),
    ],
)
def test_each_field_has_its_rule(kind: str, name: str, values: tuple[object, ...], rule: str) -> None:
    """A broken field is named with its rule and nothing else."""
    for value in values:
        refusal = refused(changed(BILLING[kind], **{name: value}))
        assert refusal == Refusal(f"$.{name}", rule)


@pytest.mark.parametrize(
    ("stated", "credit"),
    [
        ({"limit": "500.00"}, Credit(limit_micros=parse_money("500"))),
        ({"limit": None}, Credit()),
        ({"limit": "0"}, Credit(limit_micros=parse_money("0"))),
        ({"cycles": "2"}, Credit(cycles_micros=2_000_000)),
        ({"cycles": "0.5", "floor": "1"}, Credit(cycles_micros=500_000, floor_micros=parse_money("1"))),
        ({"cycles": "1", "cap": "0"}, Credit(cycles_micros=1_000_000, cap_micros=parse_money("0"))),
        (
            {"cycles": "1", "floor": "7", "cap": "7"},
            Credit(cycles_micros=1_000_000, floor_micros=parse_money("7"), cap_micros=parse_money("7")),
        ),
        ({"limit": None, "cycles": "1", "floor": None, "cap": None}, Credit(cycles_micros=1_000_000)),
        ({"limit": "1", "cycles": None, "floor": None, "cap": None}, Credit(limit_micros=parse_money("1"))),
    ],
)
def test_credit_is_a_limit_or_cycles(stated: Json, credit: Credit) -> None:
    """A limit (null: none at all), or cycles with an optional floor and cap, wherever credit is stated."""
    message = accepted({**CREDIT, **stated})
    assert isinstance(message, CreditMessage)
    assert message.credit == credit
    account = accepted(changed(BILLING["account"], credit=stated))
    assert isinstance(account, AccountMessage)
    assert account.credit == credit


@pytest.mark.parametrize(
    ("stated", "key", "rule"),
    [
        ({}, "", rules.NOT_A_CREDIT),
        ({"limit": "5", "cycles": "1"}, "", rules.NOT_A_CREDIT),
        ({"limit": "5", "floor": "1"}, "", rules.NOT_A_CREDIT),
        ({"limit": None, "cap": "1"}, "", rules.NOT_A_CREDIT),
        ({"floor": "1", "cap": "2"}, "", rules.NOT_A_CREDIT),
        ({"cycles": None}, "", rules.NOT_A_CREDIT),
        ({"cycles": "0"}, ".cycles", rules.NOT_POSITIVE),
        ({"cycles": "-1"}, ".cycles", rules.NOT_POSITIVE),
        ({"cycles": 2.5}, ".cycles", rules.NOT_MONEY),
        ({"cycles": "1", "floor": "-1"}, ".floor", rules.NEGATIVE),
        ({"cycles": "1", "cap": 5}, ".cap", rules.NOT_MONEY),
        ({"cycles": "1", "floor": "2", "cap": "1.999999"}, ".floor", rules.FLOOR_ABOVE_CAP),
    ],
)
def test_credit_that_is_neither_is_refused(stated: Json, key: str, rule: str) -> None:
    """Both, none, a floor above the cap, or a JSON number: refused, in a credit message and in an account's credit."""
    assert refused({**CREDIT, **stated}) == Refusal(f"${key}", rule)
    assert refused(changed(BILLING["account"], credit=stated)) == Refusal(f"$.credit{key}", rule)


def test_an_account_message_cannot_lend_for_a_while() -> None:
    """`until` in an account's credit is refused: ignored, it would make the limit permanent."""
    stated = {"limit": "800", "until": "2026-12-05T00:00:00-05:00"}
    assert refused(changed(BILLING["account"], credit=stated)) == Refusal("$.credit.until", rules.UNTIL_MISPLACED)
    assert accepted(changed(BILLING["account"], credit={**stated, "until": None})) is not None


def test_an_invoice_need_not_say_its_period() -> None:
    """Each end may be missing; what is not said is empty."""
    record = accepted(changed(BILLING["invoice"], period_start=MISSING, period_end=None))
    assert isinstance(record, InvoiceMessage)
    assert (record.period_start, record.period_end) == ("", "")


@pytest.mark.parametrize("changes", [{}, {"period_start": MISSING}, {"period_start": None, "period_end": None}])
def test_a_kept_invoice_is_found_with_its_period(changes: Json) -> None:
    """What the store keeps of an invoice says what the message said."""
    record = accepted(changed(BILLING["invoice"], **changes))
    assert isinstance(record, InvoiceMessage)
    entry = BillingEntry(
        id=record.id,
        account=record.account,
        type="invoice",
        amount_micros=record.amount_micros,
        method="",
        status="",
        at_ms=NOW_MS,
        payload=record.payload,
    )
    assert kept_invoice(entry) == InvoiceView(
        id="i11",
        amount_micros=record.amount_micros,
        period_start=record.period_start,
        period_end=record.period_end,
        at_ms=NOW_MS,
    )


def test_kept_messages_keep_their_known_fields_only() -> None:
    """An invoice or card is kept as canonical JSON of what the contract names, whatever order it came in."""
    for kind in ("invoice", "card"):
        message = BILLING[kind]
        turned = {"vendor": VISA, **dict(reversed(message.items())), "note": None}
        record = accepted(turned)
        assert record == EXPECTED[kind]
        assert isinstance(record, InvoiceMessage | CardMessage)
        assert json.loads(record.payload) == message


def test_amounts_have_their_signs() -> None:
    """Payments and invoices are positive; adjustments and balances may be negative or zero."""
    for text, micros in (("-15.00", -15_000_000), ("0", 0), ("15", 15_000_000)):
        adjustment = accepted(changed(BILLING["adjustment"], amount=text))
        assert isinstance(adjustment, AdjustmentMessage)
        assert adjustment.amount_micros == micros
        balance = accepted(changed(BILLING["balance"], owed=text))
        assert isinstance(balance, BalanceMessage)
        assert balance.owed_micros == micros


def test_every_method_and_status_is_known() -> None:
    """All of the contract's words are accepted."""
    for method in METHODS:
        for status in PaymentStatus:
            record = accepted(changed(PAYMENT, method=method, status=status.value))
            assert isinstance(record, PaymentMessage)
            assert (record.method, record.status) == (method, status)


@pytest.mark.parametrize("name", ["method", "amount"])
@pytest.mark.parametrize("value", [VISA, "4111 1111 1111 1111", 4111111111111111, {"a": [VISA]}, f"card {VISA}"])
def test_a_card_number_in_a_payment_field_is_refused(name: str, value: object) -> None:
    """Not merely invalid: counted as refused, and the refusal does not say it."""
    refusal = refused(changed(PAYMENT, **{name: value}), BillingOutcome.REFUSED)
    assert refusal == Refusal(f"$.{name}", rules.CARD_NUMBER)


@pytest.mark.parametrize(
    "extra",
    [
        {"card": VISA},
        {"note": "paid with 3782-822463-10005"},
        {VISA: True},
        {"a": [{"b": {"4111 1111 1111 1111": 1}}]},
        {"pan": 4111111111111111},
        {"pan": 4111111111111111.0},
        {"reason": VISA},
    ],
)
def test_a_card_number_in_an_unknown_field_is_refused(extra: Json) -> None:
    """Unknown fields of a payment are searched: values, keys and numbers, however nested; their names are not told."""
    refusal = refused({**PAYMENT, **extra}, BillingOutcome.REFUSED)
    assert refusal == Refusal("$", rules.CARD_NUMBER_UNKNOWN_FIELD)


def test_a_card_number_outweighs_whatever_else_is_wrong() -> None:
    """A broken payment with a card number counts as refused, also when a key occurs twice."""
    assert refused({"type": "payment", "x": VISA}, BillingOutcome.REFUSED).rule == rules.CARD_NUMBER_UNKNOWN_FIELD
    for content in (
        f'{{"type":"payment","method":"{VISA}","method":"card"}}',
        f'{{"type":"close","x":"{VISA}","x":1,"type":"payment"}}',
    ):
        [entry] = decode_billing(content.encode()).refusals
        assert (entry.type, entry.outcome) == ("payment", BillingOutcome.REFUSED)


def test_ids_and_other_messages_are_not_searched() -> None:
    """Ids of payments and every other message may hold any digits."""
    assert accepted(changed(PAYMENT, id=VISA, account=VISA)).id == VISA
    assert accepted(changed(BILLING["adjustment"], reason=VISA, vendor=VISA)) is not None
    assert refused(changed(PAYMENT, status=VISA)).rule == rules.NOT_A_PAYMENT_STATUS
    assert refused(changed(CLOSE, type=VISA)).rule == rules.NOT_A_BILLING_TYPE


@pytest.mark.parametrize("kind", BILLING)
def test_a_repeated_key_is_refused(kind: str) -> None:
    """Money does not hang on which of two parsers is asked."""
    text = json.dumps(BILLING[kind])
    for name, value in BILLING[kind].items():
        doubled = f"{text[:-1]}, {json.dumps(name)}: {json.dumps(value)}}}"
        [entry] = decode_billing(doubled.encode()).refusals
        assert entry.refusal == Refusal("$", rules.KEY_TWICE)
        assert (entry.type, entry.outcome) == (kind, BillingOutcome.INVALID)
    credit = '{"type":"account","id":"m","account":"A","credit":{"limit":"1","limit":"9"}}'
    assert decode_billing(credit.encode()).refusals[0].refusal == Refusal("$.credit", rules.KEY_TWICE)


def test_arrays_keep_their_order() -> None:
    """Up to 1,000 messages in the order of the array; more are one refusal, none are nothing."""
    messages = [changed(CLOSE, id=f"z{number}") for number in range(1000)]
    assert [record.id for record in decode(messages).messages] == [f"z{number}" for number in range(1000)]
    [entry] = decode([*messages, CLOSE]).refusals
    assert (entry.type, entry.refusal) == ("", Refusal("$", rules.PAYLOAD_TOO_MANY))
    assert decode([]) == ([], [])


@pytest.mark.parametrize("element", [1, None, "text", True, [], [CLOSE]])
def test_an_element_must_be_an_object(element: object) -> None:
    """An element of another type is refused alone."""
    decoded = decode([CLOSE, element])
    assert len(decoded.messages) == 1
    assert [entry.refusal for entry in decoded.refusals] == [Refusal("$[1]", rules.NOT_AN_OBJECT)]


RECORDS = {type(record) for record in EXPECTED.values()}


def check(content: bytes) -> DecodedBilling:
    decoded = decode_billing(content)
    for entry in decoded.refusals:
        assert_says_nothing(entry.refusal)
        assert entry.type in {"", *BILLING}
        assert entry.outcome in {BillingOutcome.INVALID, BillingOutcome.REFUSED}
    assert {type(record) for record in decoded.messages} <= RECORDS
    return decoded


@given(st.one_of(st.binary(max_size=300), strategies.json_values.map(strategies.written)))
def test_any_bytes(content: bytes) -> None:
    """Random bytes and JSON of any shape are at most a refusal."""
    check(content)


@given(st.lists(st.one_of(strategies.billing_messages, strategies.json_values), max_size=4))
@settings(max_examples=400)
def test_mutated_messages(messages: list[object]) -> None:
    """Of an array each element is a message or one refusal, as it would be alone."""
    decoded = check(strategies.written(messages))
    assert len(decoded.messages) + len(decoded.refusals) == len(messages)
    alone = [check(strategies.written([message])) for message in messages]
    assert decoded.messages == [record for part in alone for record in part.messages]


@given(strategies.damaged(strategies.billing_messages.map(strategies.written)))
@settings(max_examples=400)
def test_damaged_payloads(content: bytes) -> None:
    """A valid payload of which some bytes were changed is at most refused."""
    check(content)


@given(st.sampled_from(sorted(BILLING)), st.data())
@settings(max_examples=400)
def test_every_type_at_every_field(kind: str, data: st.DataObject) -> None:
    """A field may hold anything JSON can express: a valid value, or a refusal that begins with the field's name."""
    message = BILLING[kind]
    name = data.draw(st.sampled_from(sorted(set(message) - {"type"})))
    decoded = check(strategies.written({**message, name: data.draw(strategies.json_values)}))
    for entry in decoded.refusals:
        assert entry.refusal.key.startswith(f"$.{name}") or entry.refusal.rule in {
            rules.NOT_A_CREDIT,
            rules.PERIOD_BACKWARDS,
        }
