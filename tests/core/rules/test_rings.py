"""Rings: who rang from abroad when nobody talked, and the rule that asks for it."""

from __future__ import annotations

from dataclasses import replace

from guard.core.records import Direction
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.rules.rings import KEPT_MS, MOST_RUNG, Rings
from guard.core.rules.watch import Watch
from guard.core.settings import HOUR_MS, MINUTE_MS
from tests.core.rules.builders import ABROAD, MONDAY, brief, rule, seen, told

BAIT = rule("accounts", warn=None, block=2, where=replace(ABROAD, rung_within_ms=HOUR_MS))


def rung(account: str, at_ms: int = MONDAY, number: str = "252612340000") -> Observation:
    """Somebody of the range of the builders' number rings in vain."""
    fields = {"account": account, "direction": Direction.INCOMING, "rung_from": number}
    return replace(seen("failed", at_ms), call=("sw1", f"ring {account}"), **fields)  # type: ignore[arg-type] # by name


def calls_back(account: str, at_ms: int = MONDAY + MINUTE_MS) -> Observation:
    return seen("begins", at_ms, account=account, call=("sw1", f"back {account}"))


def test_who_was_rung_and_calls_back_counts() -> None:
    watch = Watch([BAIT])
    hits = told(watch, [rung("A1"), rung("A2"), calls_back("A1"), calls_back("A2")])
    assert brief(hits) == [("accounts", "block", 2)] * 2, "the call of A1 is up"


def test_who_was_not_rung_from_that_range_does_not() -> None:
    watch = Watch([BAIT])
    rings = [rung("A1", number="252612350000"), rung("A2")]
    assert told(watch, [*rings, calls_back("A1"), calls_back("A2"), calls_back("A3")]) == []


def test_a_ring_of_long_ago_does_not() -> None:
    watch = Watch([BAIT])
    later = [calls_back(account, MONDAY + HOUR_MS + 1) for account in ("A1", "A2")]
    assert told(watch, [rung("A1"), rung("A2"), *later]) == []


def test_the_newest_ranges_are_kept_and_none_for_long() -> None:
    rings = Rings()
    for each in range(MOST_RUNG + 1):
        rings.note(f"2526100{each:02}0000", MONDAY + each)
    assert not rings.within("25261000000000", MONDAY, HOUR_MS)
    assert rings.within("2526100010000", MONDAY + 1, HOUR_MS)
    rings.fade(MONDAY + KEPT_MS + 2)
    assert len(rings.row()) == MOST_RUNG - 2


def test_they_survive_with_the_profile() -> None:
    profile = Profile(20_605)
    profile.rings.note("252612340000", MONDAY)
    for again in (Profile.from_row(profile.row()), Profile.unpack(profile.pack())):
        assert again.rings.within("252612349999", MONDAY + 1, HOUR_MS)
