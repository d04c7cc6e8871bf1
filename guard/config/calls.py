"""`[calls]`, four time spans that only make sense in order; and `[privacy]`, a fifth that depends on the last of them.

The order is `stale_after < blind_carry < lost_after <= remember`. A call is first silent, then
carried blind, then lost, and what is lost must still be remembered when it comes back. The order is
checked among the spans that the file states. A default in the way of a stated span gives way to it:
who writes `remember = "1h"` need not know that three other keys have defaults.
"""

from __future__ import annotations

from itertools import pairwise

from guard.config import values
from guard.config.problems import RejectedError
from guard.config.sections import CallsSection, PrivacySection
from guard.config.table import Table

_ORDER = ("stale_after", "blind_carry", "lost_after", "remember")


def read_calls(table: Table) -> CallsSection:
    """Read the section and check the order of what it states."""
    default = CallsSection()
    spans = {
        "stale_after": default.stale_after_ms,
        "blind_carry": default.blind_carry_ms,
        "lost_after": default.lost_after_ms,
        "remember": default.remember_ms,
    }
    stated: list[str] = []
    for key in _ORDER:
        # What is rejected is not stated: it would only draw a second, misleading message.
        if (span := table.read(key, None, values.duration_ms)) is not None:
            spans[key] = span
            stated.append(key)
    _check_order(table, stated, spans)
    _give_way(stated, spans)
    return CallsSection(
        stale_after_ms=spans["stale_after"],
        blind_carry_ms=spans["blind_carry"],
        lost_after_ms=spans["lost_after"],
        remember_ms=spans["remember"],
    )


def _check_order(table: Table, stated: list[str], spans: dict[str, int]) -> None:
    for shorter, longer in pairwise(stated):
        may_equal = (shorter, longer) == ("lost_after", "remember")
        if spans[shorter] < spans[longer] or (may_equal and spans[shorter] == spans[longer]):
            continue
        relation = "longer than" if may_equal else "not shorter than"
        accepted = "stale_after < blind_carry < lost_after <= remember"
        table.reject(shorter, RejectedError(f"is {relation} {longer}", accepted))


def _give_way(stated: list[str], spans: dict[str, int]) -> None:
    """Move each default to the nearest stated span that it would otherwise lie beyond."""
    for position, key in enumerate(_ORDER):
        if key in stated:
            continue
        above = [spans[other] for other in _ORDER[position + 1 :] if other in stated]
        below = [spans[other] for other in _ORDER[:position] if other in stated]
        spans[key] = max([min([spans[key], *above]), *below])


def read_privacy(table: Table, calls: CallsSection) -> PrivacySection:
    """Read `[privacy]`: details of calls that are still remembered cannot be deleted."""
    kept = table.read("keep_call_details", PrivacySection().keep_call_details_ms, _duration_or_ever)
    if kept is None or kept >= calls.remember_ms:
        return PrivacySection(keep_call_details_ms=kept)
    if "keep_call_details" in table:
        accepted = 'at least `[calls] remember`, or "" to keep them for ever'
        table.reject("keep_call_details", RejectedError("is shorter than `[calls] remember`", accepted))
    return PrivacySection(keep_call_details_ms=calls.remember_ms)


def _duration_or_ever(value: object) -> int | None:
    return None if value == "" else values.duration_ms(value)
