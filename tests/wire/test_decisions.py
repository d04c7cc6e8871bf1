"""Decisions as the world reads them, and as the store reads them back."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.decisions import Decision
from guard.wire.decisions import DecisionError, decision_object, decode_decision, encode_decision
from tests.wire import strategies
from tests.wire.pictures import DECISION, decisions


def test_a_decision_is_written_as_the_contract_shows_it() -> None:
    """Name by name, in the contract's order; `by` only when somebody is named."""
    assert encode_decision(DECISION) == (
        b'{"id":"01JD","at":"2026-11-22T03:12:45.120Z","account":"A1001","action":"block","scope":"all",'
        b'"mode":"enforce","reason":"credit_limit","rule":"","key":"","mark":"100","exposure":"512.10",'
        b'"limit":"500.00","currency":"CAD",'
        b'"evidence":[{"what":"exposure","value":"512.10","threshold":"500.00"}],'
        b'"text":"Blocked: exposure 512.10 CAD has reached the limit of 500.00 CAD."}'
    )


def test_no_limit_is_null_and_who_ordered_it_is_named() -> None:
    """`limit` is null without a limit; `by` follows the contract's fields."""
    members = decision_object(dataclasses.replace(DECISION, limit_micros=None, by="ana"))
    assert members["limit"] is None
    assert list(members)[-1] == "by"
    assert members["by"] == "ana"


@given(decisions)
def test_a_decision_is_read_back_whole(decision: Decision) -> None:
    """Nothing is lost between writing and reading; the number is kept beside it."""
    written = encode_decision(decision)
    assert b"\n" not in written
    assert decode_decision(written, decision.number) == decision
    assert decode_decision(written.decode(), decision.number) == decision


@given(
    st.one_of(
        st.binary(max_size=100),
        strategies.json_values.map(strategies.written),
        strategies.damaged(st.just(encode_decision(DECISION))),
        strategies.mutated((decision_object(DECISION),)).map(strategies.written),
    )
)
def test_anything_else_is_a_decision_error(content: bytes) -> None:
    """A damaged store says so, and the message does not repeat what it holds."""
    try:
        decode_decision(content, 1)
    except DecisionError as error:
        message = str(error)
    else:
        return
    assert message == "not a decision as guard writes it"


@pytest.mark.parametrize("name", sorted(set(decision_object(DECISION)) - {"rule", "key", "mark", "evidence"}))
def test_a_decision_must_be_whole(name: str) -> None:
    """A missing field is not guessed."""
    members = json.loads(encode_decision(DECISION))
    del members[name]
    with pytest.raises(DecisionError):
        decode_decision(json.dumps(members), 1)
