"""Decisions as the world reads them."""

from __future__ import annotations

import dataclasses
import json

from hypothesis import given

from guard.core.decisions import Decision
from guard.wire.decisions import decision_object, encode_decision
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
def test_a_decision_is_one_line(decision: Decision) -> None:
    """Files of decisions have one a line, whatever a name or a sentence holds."""
    written = encode_decision(decision)
    assert b"\n" not in written
    assert json.loads(written) == decision_object(decision)
