"""Sentences: why guard did what it did, without what identifies the person called."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.decisions import Action
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.plans import Discount, Quota, Reach, Tier, TierBy
from guard.core.records import Block, Credit, CreditMessage, Event, Report
from guard.core.scopes import Scopes
from guard.core.sentences import discount_reached, masked, quota_used
from guard.core.settings import Settings
from guard.core.tariff import CallClass

NOW_MS = 1_800_000_000_000


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+25377123456", "+25377***"),
        ("16135550100", "16135***"),
        ("12345678", "1234***"),
        ("12345", "1***"),
        ("1234", "***"),
        ("911", "***"),
        ("+1", "+***"),
        ("", ""),
        ("+", ""),
    ],
)
def test_a_number_keeps_its_prefix_and_loses_the_rest(number: str, shown: str) -> None:
    """At most five digits are shown, and at least four are hidden."""
    assert masked(number) == shown


@given(st.from_regex(r"\+?[0-9]{1,20}", fullmatch=True))
def test_a_masked_number_never_tells_its_last_digits(number: str) -> None:
    """Whatever is left is the beginning, and never more than five digits of it."""
    rest = masked(number).removesuffix("***")
    assert number.startswith(rest)
    digits = rest.removeprefix("+")
    assert len(digits) <= 5
    assert len(number.removeprefix("+")) - len(digits) >= min(4, len(number.removeprefix("+")))


def engine_with_a_limit(limit: int) -> Engine:
    """An engine in which A1 has a limit."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS)
    credit = Credit(limit_micros=Micros(limit))
    engine.billing(CreditMessage(id="c", account="A1", credit=credit), NOW_MS)
    return engine


def call(number: int, to: str, rate: int) -> Report:
    """An answered call."""
    return Report(f"C{number}", Event.ANSWERED, "A1", NOW_MS, to=to, rate_micros=rate)


def texts(engine: Engine) -> list[tuple[Action, str]]:
    """Decisions since the last time, as action and sentence."""
    return [(decision.action, decision.text) for decision in engine.take().decisions]


def test_a_block_says_how_much_of_what_and_what_is_in_flight() -> None:
    """As a clerk would read it out: amounts in cents, calls, their rate, the dearest of them, masked."""
    engine = engine_with_a_limit(500_000_000)
    engine.report("sw1", call(1, "+25377123456", 2_100_000), NOW_MS)
    engine.report("sw1", call(2, "+16135550100", 12_345), NOW_MS)
    report = Report("C3", Event.ENDED, "A1", NOW_MS, 60_000, charge_micros=Micros(512_104_999))
    engine.report("sw1", report, NOW_MS)
    ((action, text),) = texts(engine)
    assert action is Action.BLOCK
    assert text == (
        "Blocked: exposure 512.10 CAD has reached the limit of 500.00 CAD; "
        "2 calls in flight at 2.11 a minute, the dearest to +25377***."
    )


def test_every_decision_says_why_in_one_sentence_and_masks_the_number() -> None:
    """Warnings, clearings, blocks and their ends: text, and nowhere in a decision the number that was called."""
    engine = engine_with_a_limit(6_000_000)
    engine.report("sw1", call(1, "+25377123456", 60_000_000), NOW_MS)
    engine.advance(NOW_MS + 60_000)
    credit = Credit(limit_micros=Micros(600_000_000))
    engine.billing(CreditMessage(id="d", account="A1", credit=credit), NOW_MS + 60_000)
    engine.intent(Block(account="A1", by="ana", reason="odd calls"), NOW_MS + 60_000)
    decisions = engine.take().decisions
    assert [decision.action.value for decision in decisions] == [
        "warn",
        "warn",
        "block",
        "unblock",
        "cleared",
        "cleared",
        "block",
    ]
    for decision in decisions:
        assert re.fullmatch(r"[A-Z].*\.", decision.text), decision.text
        assert "123456" not in repr(decision)
        assert all("123456" not in evidence.value for evidence in decision.evidence)


def test_without_calls_a_sentence_says_so() -> None:
    """No empty words about a call that is not there."""
    engine = engine_with_a_limit(1_000_000)
    report = Report("C1", Event.ENDED, "A1", NOW_MS, 60_000, charge_micros=Micros(500_000))
    engine.report("sw1", report, NOW_MS)
    ((_, text),) = texts(engine)
    assert text == "Warning: exposure 0.50 CAD has reached 50 % of the limit of 1.00 CAD; no call is in flight."


def test_a_decision_carries_its_evidence() -> None:
    """What was seen and what it was compared with, as money."""
    engine = engine_with_a_limit(1_000_000)
    report = Report("C1", Event.ENDED, "A1", NOW_MS, 60_000, charge_micros=Micros(1_250_000))
    engine.report("sw1", report, NOW_MS)
    (decision,) = engine.take().decisions
    (evidence,) = decision.evidence
    assert (evidence.what, evidence.value, evidence.threshold) == ("exposure", "1.25", "1.00")


@pytest.mark.parametrize(
    ("used_s", "reach", "words"),
    [
        (0, Reach(kinds=frozenset({CallClass.DOMESTIC})), "0 of 2,000 minutes used (domestic)"),
        (74_400, Reach(kinds=frozenset({CallClass.DOMESTIC})), "1,240 of 2,000 minutes used (domestic)"),
        (61, Reach(prefixes=("44", "353")), "2 of 2,000 minutes used (to +44, +353)"),
        (
            120_000,
            Reach(kinds=frozenset({CallClass.PREMIUM, CallClass.INTERNATIONAL}), prefixes=("44",)),
            "2,000 of 2,000 minutes used (international and premium to +44)",
        ),
    ],
)
def test_what_is_used_of_a_quota(used_s: int, reach: Reach, words: str) -> None:
    """In minutes, a begun one counted, and what it is for."""
    assert quota_used(Quota(key="q", reach=reach, seconds=120_000), used_s) == words


@pytest.mark.parametrize(
    ("by", "used", "words"),
    [
        (TierBy.MINUTES, 0, "0 minutes: 0 % off, 10 % from 500 (international)"),
        (TierBy.MINUTES, 610 * 60, "610 minutes: 10 % off, 12.5 % from 2,000 (international)"),
        (TierBy.MINUTES, 3_000 * 60, "3,000 minutes: 12.5 % off (international)"),
        (TierBy.MONEY, 0, "0.00 of charges: 0 % off, 10 % from 500.00 (international)"),
        (TierBy.MONEY, 610_250_000 * 60, "610.25 of charges: 10 % off, 12.5 % from 2000.00 (international)"),
    ],
)
def test_how_far_a_discount_has_come(by: TierBy, used: int, words: str) -> None:
    """In what counts towards its tiers, with what is off now and next."""
    unit = 60 if by is TierBy.MINUTES else 60_000_000
    tiers = (Tier(0, 0), Tier(500 * unit, 100_000), Tier(2_000 * unit, 125_000))
    reach = Reach(kinds=frozenset({CallClass.INTERNATIONAL}))
    assert discount_reached(Discount(key="d", reach=reach, by=by, tiers=tiers), used) == words
