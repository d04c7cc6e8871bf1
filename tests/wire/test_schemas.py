"""The JSON Schemas that guard ships say what the code does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import guard
from guard.core.decisions import (
    Command,
    CommandAction,
    Decision,
    Notice,
    NoticeKind,
    Reason,
    SnapshotEntry,
    SnapshotPart,
)
from guard.core.emergency import EmergencyNumbers
from guard.core.events import Event
from guard.core.records import Ack, Scope, SwitchStatus
from guard.core.views import AccountView
from guard.wire import rules
from guard.wire.billing import decode_billing
from guard.wire.commands import encode_message, encode_scopes
from guard.wire.control import decode_ack, decode_status
from guard.wire.decisions import encode_decision
from guard.wire.instants import MAX_MS
from guard.wire.reports import decode_reports
from guard.wire.views import account_object, encode_json
from guard.wire.webhooks import encode_event
from tests.wire import pictures, strategies
from tests.wire.pictures import decisions
from tests.wire.samples import ACK, BILLING, NOW_MS, REPORT, STATUS

FOLDER = Path(guard.__file__).parent / "share" / "schemas"
NAMES = ("account", "ack", "billing", "command", "decision", "report", "scopes", "status", "webhook")

DECISIONS = decisions.filter(lambda decision: bool(decision.id) and decision.account.isprintable() and decision.account)

BEYOND_A_SCHEMA = {
    rules.TOO_FAR_AHEAD,
    rules.NOT_AN_INSTANT,
    rules.NOT_A_DATE,
    rules.NOT_A_MONTH,
    rules.NOT_A_TIMEZONE,
    rules.PERIOD_BACKWARDS,
    rules.FLOOR_ABOVE_CAP,
    rules.CARD_NUMBER,
    rules.CARD_NUMBER_UNKNOWN_FIELD,
}
"""What a schema cannot say: clocks, calendars, the tz database, two fields compared, check digits."""


@cache
def validator(name: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(json.loads((FOLDER / f"{name}.json").read_text()))


def is_expressible(value: object) -> bool:
    """Whether the validator can be asked at all (it knows no half surrogate pairs)."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def agree(name: str, message: Any, broken_rule: str | None) -> None:
    """What the code accepts the schema accepts; what the schema accepts the code accepts, within what it can say."""
    if not is_expressible(message):
        return
    valid = validator(name).is_valid(message)
    if broken_rule is None:
        assert valid, f"{name}.json must accept what the code accepts"
    elif broken_rule not in BEYOND_A_SCHEMA:
        assert not valid, f"{name}.json must refuse what the code refuses: {broken_rule}"


def test_there_is_a_schema_for_each_message() -> None:
    """Nine files, each a valid schema of draft 2020-12 with its own name."""
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted(NAMES)
    for name in NAMES:
        schema = json.loads((FOLDER / f"{name}.json").read_text())
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"] == f"urn:guard:v1:{name}"
        assert schema["title"]
        assert schema["description"]
        assert jsonschema_rs.meta.is_valid(schema)


@given(strategies.reports)
@settings(max_examples=500)
def test_reports(message: Any) -> None:
    """report.json and the decoder judge every report alike."""
    decoded = decode_reports(strategies.written(message), NOW_MS)
    agree("report", message, decoded.refusals[0].rule if decoded.refusals else None)


@pytest.mark.parametrize("name", [*REPORT, "source", "cause", "currency"])
@given(value=strategies.json_values)
def test_every_field_of_a_report(name: str, value: object) -> None:
    """report.json and the decoder judge every field alike, whatever it holds."""
    message = {**REPORT, name: value}
    decoded = decode_reports(strategies.written(message), NOW_MS)
    agree("report", message, decoded.refusals[0].rule if decoded.refusals else None)


@given(strategies.billing_messages)
@settings(max_examples=500)
def test_billing_messages(message: Any) -> None:
    """billing.json and the decoder judge every billing message alike."""
    decoded = decode_billing(strategies.written(message))
    agree("billing", message, decoded.refusals[0].refusal.rule if decoded.refusals else None)


@pytest.mark.parametrize("kind", BILLING)
@given(data=st.data())
def test_every_field_of_a_billing_message(kind: str, data: st.DataObject) -> None:
    """billing.json and the decoder judge every field alike, whatever it holds."""
    name = data.draw(st.sampled_from(sorted(BILLING[kind])))
    message = {**BILLING[kind], name: data.draw(strategies.json_values)}
    decoded = decode_billing(strategies.written(message))
    agree("billing", message, decoded.refusals[0].refusal.rule if decoded.refusals else None)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            name: st.sampled_from([None, "0", "0.00", "-0", "1", "2.5", "-1", 5, "x", ""])
            for name in ("limit", "cycles", "floor", "cap", "until")
        },
    )
)
@settings(max_examples=300)
def test_every_kind_of_credit(credit: dict[str, object]) -> None:
    """billing.json and the decoder judge every combination of limit, cycles, floor and cap alike."""
    for message in ({**BILLING["account"], "credit": credit}, {"type": "credit", "id": "c", "account": "A", **credit}):
        decoded = decode_billing(strategies.written(message))
        agree("billing", message, decoded.refusals[0].refusal.rule if decoded.refusals else None)


@given(strategies.acks)
@settings(max_examples=300)
def test_acknowledgements(message: Any) -> None:
    """ack.json and the decoder judge every acknowledgement alike."""
    decoded = decode_ack(strategies.written(message), "sw1")
    agree("ack", message, None if isinstance(decoded, Ack) else decoded.rule)


@given(strategies.statuses)
def test_statuses(message: Any) -> None:
    """status.json and the decoder judge every status alike."""
    decoded = decode_status(strategies.written(message), "sw1")
    agree("status", message, None if isinstance(decoded, SwitchStatus) else decoded.rule)


@pytest.mark.parametrize(
    ("name", "message"),
    [("report", REPORT), ("ack", ACK), ("status", STATUS), *(("billing", m) for m in BILLING.values())],
)
def test_the_examples_of_the_contract(name: str, message: object) -> None:
    """What the contract shows is valid."""
    validator(name).validate(message)


emergency_numbers = st.lists(st.text("0123456789", min_size=1, max_size=15), min_size=1, max_size=4, unique=True).map(
    EmergencyNumbers
)

commands = st.builds(
    Command,
    id=pictures.identifiers,
    seq=st.integers(0, 10**9),
    action=st.sampled_from(CommandAction),
    account=pictures.identifiers,
    scope=st.sampled_from(Scope),
    end_calls=st.booleans(),
    emergency=emergency_numbers,
    reason=st.sampled_from(Reason),
    at_ms=st.integers(0, MAX_MS),
    until_ms=st.none() | st.integers(0, MAX_MS),
)
snapshot_parts = st.builds(
    SnapshotPart,
    id=pictures.identifiers,
    part=st.integers(1, 10),
    of=st.integers(1, 10),
    at_ms=st.integers(0, MAX_MS),
    blocked=st.lists(
        st.builds(
            SnapshotEntry,
            account=pictures.identifiers,
            seq=st.integers(0, 10**9),
            scope=st.sampled_from(Scope),
            end_calls=st.booleans(),
        ),
        max_size=3,
    ).map(tuple),
    emergency=emergency_numbers,
)


def described(schema: Any, root: Any) -> set[str]:
    """Names that a schema describes, through its references and alternatives."""
    if "$ref" in schema:
        return described(root["$defs"][schema["$ref"].removeprefix("#/$defs/")], root)
    names = set(schema.get("properties", ()))
    for alternative in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        names |= described(alternative, root)
    return names


def fits(name: str, content: bytes) -> Any:
    """What guard writes is valid, and holds no name that the schema does not describe."""
    message = json.loads(content)
    validator(name).validate(message)
    schema = json.loads((FOLDER / f"{name}.json").read_text())
    assert set(message) <= described(schema, schema)
    return message


@given(commands | snapshot_parts)
def test_commands(message: Command | SnapshotPart) -> None:
    """Every command and snapshot that guard can write fits command.json."""
    fits("command", encode_message(message))


def test_a_command_without_emergency_numbers_is_invalid() -> None:
    """The schema holds what the type promises: `except` is never empty."""
    command = Command(
        id="c",
        seq=1,
        action=CommandAction.BLOCK,
        account="A",
        scope=Scope.ALL,
        end_calls=False,
        emergency=EmergencyNumbers(),
        reason=Reason.RULE,
        at_ms=0,
    )
    message = fits("command", encode_message(command))
    assert not validator("command").is_valid({**message, "except": []})


@given(
    st.dictionaries(
        st.sampled_from(Scope), st.dictionaries(st.text("0123456789", max_size=15), st.booleans(), max_size=4)
    )
)
def test_scopes(stated: dict[Scope, dict[str, bool]]) -> None:
    """Every scopes message that guard can write fits scopes.json."""
    scopes = {scope: {"": True, **stated.get(scope, {})} for scope in Scope}
    fits("scopes", encode_scopes(scopes, "v1"))


@given(DECISIONS)
def test_decisions(decision: Decision) -> None:
    """Every decision that guard can write fits decision.json."""
    fits("decision", encode_decision(decision))


@given(pictures.accounts)
def test_accounts(view: AccountView) -> None:
    """Every account that guard can show fits account.json."""
    fits("account", encode_json(account_object(view, [])))


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        yield from walk(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from walk(item)


def test_every_word_of_a_choice_is_the_codes() -> None:
    """Reasons, scopes and directions are listed in full wherever they are listed."""
    for name in NAMES:
        schema = json.loads((FOLDER / f"{name}.json").read_text())
        for part in walk(schema):
            words = set(part.get("enum", ()))
            if "international" in words:
                assert words == {scope.value for scope in Scope}
            if "released" in words:
                assert words == {reason.value for reason in Reason}


@given(DECISIONS)
def test_webhooks_of_decisions(decision: Decision) -> None:
    """webhook.json accepts the body of every decision."""
    fits("webhook", encode_event(Event(number=1, told=decision)))


@pytest.mark.parametrize("kind", NoticeKind)
def test_webhooks_of_notices(kind: NoticeKind) -> None:
    """webhook.json accepts the body of every notice."""
    told = Notice(kind=kind, at_ms=NOW_MS, switch="sw1", text="Look at it.")
    fits("webhook", encode_event(Event(number=1, told=told)))
