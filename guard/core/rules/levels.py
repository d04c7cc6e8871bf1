"""How high a rule stands on a key, and when it says so: once per crossing, with a gap against chattering.

A rule climbs when its value reaches a mark and falls when the value drops below nine tenths of it (contract 2). Marks
that are crossed together speak once, as the highest. Only a warning that was told is told to have cleared: a block
ends by an operator or by the rule's own time, not by the value.

While a rule of novelty does not know the account yet it warns where it would block (`may_block`), and says so once;
as soon as it may, the next report that finds the value still there blocks.
"""

from __future__ import annotations

from enum import Enum

from guard.core.rules.rule import Rule

CALM, WARNED, BLOCKED = 0, 1, 2
_TOLD = 4
_LEVEL = 3
"""A standing is a level, plus `_TOLD` if a warning was told and has not cleared."""


class Level(Enum):
    """What a hit says."""

    WARN = "warn"
    BLOCK = "block"
    CLEARED = "cleared"


def settle(rule: Rule, value: int, standing: int, *, may_block: bool) -> tuple[int, Level | None]:
    """The new standing, and what is to be said."""
    before = standing & _LEVEL
    level = max(_reached(rule, value, may_block=may_block), _kept(rule, value, before))
    if level == CALM:
        return CALM, Level.CLEARED if standing & _TOLD else None
    if level <= before:
        return level | standing & _TOLD, None
    if level == BLOCKED:
        return BLOCKED | standing & _TOLD, Level.BLOCK
    return WARNED | _TOLD, Level.WARN


def level_of(standing: int) -> int:
    """`CALM`, `WARNED` or `BLOCKED`."""
    return standing & _LEVEL


def was_told(standing: int) -> bool:
    """Whether a warning was told that has not cleared."""
    return bool(standing & _TOLD)


def _reached(rule: Rule, value: int, *, may_block: bool) -> int:
    if may_block and rule.block is not None and value >= rule.block:
        return BLOCKED
    return WARNED if value >= rule.lowest else CALM


def _kept(rule: Rule, value: int, before: int) -> int:
    """The level that nine tenths of its mark are still enough for."""
    if before == BLOCKED and rule.block is not None and value * 10 >= rule.block * 9:
        return BLOCKED
    return WARNED if before and value * 10 >= rule.lowest * 9 else CALM
