"""Numbers in words that come from outside are masked; what is no number is left as it is."""

from __future__ import annotations

import pytest

from guard.core.decisions import Action, Decision, Mode, Reason
from guard.core.money import Micros
from guard.core.privacy import without_details, without_numbers
from guard.core.records import Scope


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no dialog to +252617394085", "no dialog to +25261***"),
        ("sip:0011252617394085@pbx", "sip:00112***@pbx"),
        ("KeyError: '252617394085'", "KeyError: '25261***'"),
        ("call 613 555-0142 failed", "call 61355*** failed"),
        ("(647) 555-0100 and +1 (647) 555-0199", "(64755*** and +16475***"),
        ("two: 6135550142, 6135550143", "two: 61355***, 61355***"),
    ],
)
def test_a_number_keeps_its_beginning(said: str, shown: str) -> None:
    assert without_numbers(said) == shown


@pytest.mark.parametrize(
    "said", ["", "503 Service Unavailable", "timeout after 30000 ms", "10.0.113.94:5060 refused", "911"]
)
def test_what_is_no_number_stays(said: str) -> None:
    assert without_numbers(said) == said


def test_in_doubt_it_is_a_number() -> None:
    assert without_numbers("since 2026-11-23") == "since 2026***"


def test_masking_twice_is_masking_once() -> None:
    once = without_numbers("to +252617394085")
    assert without_numbers(once) == once


@pytest.mark.parametrize(
    ("key", "kept"),
    [
        ("credit_limit", "credit_limit"),
        ("international", "international"),
        ("DJ", "DJ"),
        ("1416", "1416"),
        ("+25261***#2cff", "+25261***#2cff"),
        ("203.0.113.9", "***"),
        ("sw1 a84b4c76", "***"),
    ],
)
def test_without_details_a_decision_keeps_a_key_that_names_nobody(key: str, kept: str) -> None:
    """A cause, a class, a country, a prefix; an address and the name of a call go."""
    decision = Decision(
        number=1,
        id="d1",
        at_ms=0,
        account="A1",
        action=Action.UNBLOCK,
        scope=Scope.ALL,
        mode=Mode.ENFORCE,
        reason=Reason.RELEASED,
        key=key,
        exposure_micros=Micros(0),
        limit_micros=None,
        currency="CAD",
        text="Released by ana: paid.",
    )
    assert without_details(decision).key == kept
