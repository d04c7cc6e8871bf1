"""Silence in words: what on-call is told of a switch, or of the broker, that is not heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.expectation import THOUSANDTHS, hour_of_week
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

if TYPE_CHECKING:
    from guard.core.switches import Switch


def blind(switch: Switch, now_ms: int, *, composed: bool) -> str:
    """It is silent or down with calls up. `composed`: how many are up elsewhere nobody knows at once."""
    fact = f"has been silent for {_span(now_ms - switch.last_heard_ms)}" if switch.up else "is down"
    calls = "1 call" if len(switch.calls) == 1 else f"{len(switch.calls):,} calls"
    if composed:
        calls = "calls"
    return f"Switch {switch.name} {fact} with {calls} up; what they cost is carried forward by estimate."


def unusual(switch: Switch, now_ms: int) -> str:
    """It has brought no call at an hour at which it usually does."""
    hour = (now_ms - 1) // HOUR_MS
    usual = (switch.expectation.usual(hour) or 0) // THOUSANDTHS
    return (
        f"Switch {switch.name} has brought no call for {_span(now_ms - switch.last_heard_ms)}; "
        f"{usual:,} are usual in this hour of the week ({hour_of_week(hour)})."
    )


def absent(switch: Switch, now_ms: int) -> str:
    """It does not answer."""
    return (
        f"Switch {switch.name} has said nothing for {_span(now_ms - switch.last_word_ms)} and does not answer: "
        "blocks count as confirmed without it until it does."
    )


def away(after_ms: int, *, composed: bool) -> str:
    """Guard cannot hear."""
    after = _span(after_ms)
    fact = f"Guard has not been subscribed at the broker for {after}: it hears no calls and sends no commands."
    if composed:
        fact = f"No ingest has been heard for {after}, by some partitions at least: no calls come in there."
    return f"{fact} Calls that are up go on growing by estimate."


def _span(ms: int) -> str:
    """In words, as coarse as it may be: `90 s`, `12 min`, `25 h`, `3 days`."""
    for unit_ms, least, word in ((DAY_MS, 3, "days"), (HOUR_MS, 3, "h"), (MINUTE_MS, 3, "min")):
        if ms >= least * unit_ms:
            return f"{ms // unit_ms} {word}"
    return f"{ms // SECOND_MS} s"
