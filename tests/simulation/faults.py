"""Faults: which of them a seed has, and how often they strike. Each seed has some, few have all, some have none.

A world with every fault at once is a storm in which hardly anything gets through; a subset of them, each often enough
to meet the others, finds more.
"""

from __future__ import annotations

from random import Random

STRIKES = {
    "tick lost": 0.2,
    "answered lost": 0.1,
    "end lost": 0.1,
    "report doubled": 0.15,
    "report late": 0.1,
    "report replayed": 0.05,
    "command lost": 0.3,
    "command doubled": 0.2,
    "command refused": 0.2,
    "command ignored": 0.2,
    "ack lost": 0.3,
    "billing doubled": 0.3,
}
"""How often each strikes, in a seed that has it."""

EVENTS = (
    "guard dies",
    "guard is cut off",
    "disk full",
    "disk failing",
    "disk failing late",
    "disk locked",
    "switch offline",
    "switch reboots",
    "receivers ill",
    "clock stepped",
    "clock drifts",
    "switch clock wrong",
    "reload",
    "operators",
    "accounts close",
    "balances",
    "junk",
    "plans",
    "invoices",
    "cards",
    "model",
    "history",
    "records",
    "forgetting",
)
"""What happens at moments of its own."""

HARMLESS = frozenset({"operators", "balances", "plans", "invoices", "cards", "history", "records", "forgetting"})
"""What people do is no fault; but it is drawn as well, so that some worlds are simple."""

CALM_PERCENT = 20
"""Of the seeds in which nothing goes wrong, so that promises in time are held to the letter."""


class Faults:
    """Of one seed."""

    def __init__(self, random: Random, always: frozenset[str] = frozenset()) -> None:
        """`always` are there whatever is drawn."""
        self._random = random
        self.healed = False
        share = 0.0 if random.randrange(100) < CALM_PERCENT else random.choice((0.15, 0.3, 0.5, 0.8))
        names = [*STRIKES, *EVENTS]
        self.on = {name for name in names if random.random() < share}
        self.struck: dict[str, int] = {}
        if not self.on:
            self.on = {what for what in sorted(HARMLESS) if random.random() < 0.5}
        self.on |= always

    @property
    def calm(self) -> bool:
        """Nothing ever goes wrong here: promises in time hold to the letter."""
        return self.on <= HARMLESS

    def strikes(self, what: str) -> bool:
        """Whether this goes wrong this time."""
        if self.healed or what not in self.on or self._random.random() >= STRIKES[what]:
            return False
        self.note(what)
        return True

    def has(self, what: str) -> bool:
        """Whether this happens in this seed."""
        return what in self.on

    def note(self, what: str) -> None:
        """It has happened."""
        self.struck[what] = self.struck.get(what, 0) + 1
