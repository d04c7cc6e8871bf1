"""What rules say, word for word, and that a called number never shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from guard.core.rules.rule import Per
from guard.core.rules.sentences import span_in_words
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from tests.core.rules.builders import UNIT, calls, rule, seen, told

ONE = "to +25261*** (Somalia) at 3.40 a minute"
LAST = "the last to +25261*** (Somalia) at 3.40 a minute"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"per": Per.NUMBER, "window_ms": 15 * MINUTE_MS}, f"5 calls in 15 minutes {ONE}; 5 is the mark."),
        ({}, f"5 calls in 1 hour, {LAST}; 5 is the mark."),
        ({"per": Per.COUNTRY}, f"5 calls in 1 hour to Somalia, {LAST}; 5 is the mark."),
        ({"per": Per.CLASS}, f"5 calls in 1 hour to international numbers, {LAST}; 5 is the mark."),
        ({"per": Per.PREFIX}, f"5 calls in 1 hour to 252 (Somalia), {LAST}; 5 is the mark."),
        (
            {"per": Per.SOURCE, "window_ms": 90_000},
            f"5 calls in 1 minute 30 seconds from 203.0.113.9, {LAST}; 5 is the mark.",
        ),
        ({"measure": "gross", "warn": 5 * UNIT}, f"Calls worth 5.00 ¤ in 1 hour, {LAST}; 5.00 ¤ is the mark."),
        ({"measure": "net", "warn": 5 * UNIT}, f"Calls for 5.00 ¤ net in 1 hour, {LAST}; 5.00 ¤ is the mark."),
        ({"measure": "in_flight", "warn": 5 * UNIT}, f"5.00 ¤ in flight, {LAST}; 5.00 ¤ is the mark."),
        (
            {"measure": "rate", "warn": 17 * UNIT},
            f"Calls that cost 17.00 ¤ a minute together, {LAST}; 17.00 ¤ is the mark.",
        ),
        ({"measure": "concurrent"}, f"5 calls at once, {LAST}; 5 is the mark."),
        ({"measure": "attempts"}, f"5 attempts in 1 hour, {LAST}; 5 is the mark."),
        ({"measure": "numbers", "warn": 1}, f"1 number called in 1 hour, {LAST}; 1 is the mark."),
        ({"measure": "new_countries", "warn": 1}, f"1 country not called before in 1 hour, {LAST}; 1 is the mark."),
        ({"measure": "new_prefixes", "warn": 1}, f"1 destination not called before in 1 hour, {LAST}; 1 is the mark."),
        ({"measure": "variants", "warn": 1}, f"1 way of dialling one number in 1 hour {ONE}; 1 is the mark."),
        (
            {"measure": "growth", "warn": 5 * UNIT, "floor_micros": UNIT},
            f"5 times what is usual for these hours in 1 hour, {LAST}; 5 times is the mark.",
        ),
    ],
)
def test_each_measure_has_its_sentence(fields: dict[str, object], text: str) -> None:
    measure = str(fields.pop("measure", "calls"))
    watch = Watch([rule(measure, **({"block": None} | fields))])
    (hit, *_) = told(watch, calls(5, every_ms=1_000, gross_micros=UNIT, net_micros=UNIT))
    assert hit.text == text


def test_evidence_names_the_calls_that_count() -> None:
    watch = Watch([rule(per=Per.COUNTRY, block=None)])
    others = calls(3, country="GM", place="Gambia", number="2203345678")
    mixed = [replace(each, call=("sw1", f"g{at}")) for at, each in enumerate(others)]
    numbers = [replace(each, number=f"25261234567{at}") for at, each in enumerate(calls(5))]
    (hit,) = told(watch, mixed + numbers)
    assert [(each.what, each.value, each.threshold) for each in hit.evidence] == [
        ("calls", "5", "5"),
        ("call", "+25261*** (Somalia) at 3.40 a minute", ""),
    ]


def test_failed_attempts_say_so() -> None:
    (hit,) = told(Watch([rule("failed", warn=1, block=None)]), [seen("failed", place="", country="SO")])
    assert hit.text == "1 failed attempt in 1 hour, the last to +25261*** (SO), not answered; 1 is the mark."


def test_numbers_are_masked_and_can_still_be_told_apart() -> None:
    shown = set[str]()
    for number in ("252612345678", "252612345679"):
        (hit,) = told(Watch([rule(per=Per.NUMBER, warn=1, block=None)]), [seen(number=number, dialled=number)])
        assert hit.key == number
        assert number[5:] not in repr((hit.shown_key, hit.text, hit.evidence))
        shown.add(hit.shown_key)
    assert len(shown) == 2


def test_an_estimate_says_about() -> None:
    watch = Watch([rule("numbers", warn=70, block=None)])
    (hit,) = told(watch, [replace(each, number=f"2526{at:08d}") for at, each in enumerate(calls(90, every_ms=1))])
    assert hit.estimated
    assert hit.text.startswith("About 7")
    assert hit.evidence[0].value.startswith("about 7")


def test_spans() -> None:
    assert span_in_words(DAY_MS + 2 * HOUR_MS + MINUTE_MS) == "1 day 2 hours"
    assert span_in_words(0) == "0 seconds"
