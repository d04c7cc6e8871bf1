"""Rules as the HTTP side shows them: every mark as a rule file would have it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.config import values
from guard.config.thresholds import reader_of
from guard.core.records import Scope
from guard.core.rules.rule import Measure, Per, Rule, RuleMode, Unit
from guard.wire.rulebook import format_mark, format_span, rule_object

RULE = Rule(
    id="dear-night",
    title="Dear calls at night",
    mode=RuleMode.ENFORCE,
    measure=Measure.GROSS,
    window_ms=3_600_000,
    per=Per.COUNTRY,
    block=25_000_000,
    scope=Scope.PREMIUM,
)
MEASURES = {
    Unit.COUNT: Measure.CALLS,
    Unit.MONEY: Measure.GROSS,
    Unit.TIME: Measure.DURATION,
    Unit.SHARE: Measure.SHORT_SHARE,
    Unit.MULTIPLE: Measure.GROWTH,
}


def test_a_rule_is_shown_with_its_own_hits() -> None:
    """A mode in which it has not fired is 0, a mark that it does not have null."""
    hits = {("dear-night", "enforce"): 2, ("other", "shadow"): 7}
    assert rule_object(RULE, hits) == {
        "id": "dear-night",
        "title": "Dear calls at night",
        "mode": "enforce",
        "measure": "gross",
        "window": "1h",
        "per": "country",
        "warn": None,
        "block": "25.00",
        "scope": "premium",
        "hits": {"enforce": 2, "shadow": 0},
    }
    assert rule_object(replace(RULE, measure=Measure.RATE, window_ms=None), {})["window"] is None


@pytest.mark.parametrize(
    ("unit", "value", "written"),
    [
        (Unit.COUNT, 5, "5"),
        (Unit.MONEY, 20_000_000, "20.00"),
        (Unit.TIME, 5_400_000, "90m"),
        (Unit.SHARE, 300_000, "30%"),
        (Unit.SHARE, 125_000, "12.50%"),
        (Unit.MULTIPLE, 5_000_000, "5"),
        (Unit.MULTIPLE, 2_500_000, "2.50"),
    ],
)
def test_a_mark_is_written_as_in_a_rule_file(unit: Unit, value: int, written: str) -> None:
    assert format_mark(unit, value) == written


@given(st.sampled_from(Unit), st.integers(1, 1_000_000))
def test_a_mark_that_is_shown_can_be_put_into_a_rule_file(unit: Unit, value: int) -> None:
    written = format_mark(unit, value)
    assert reader_of(MEASURES[unit])(int(written) if unit is Unit.COUNT else written) == value


@given(st.integers(1, 3_660 * 86_400_000))
def test_a_span_is_exact(span_ms: int) -> None:
    if span_ms < 10**9 or span_ms % 1_000 == 0:  # a rule file takes nine digits
        assert values.duration_ms(format_span(span_ms)) == span_ms
