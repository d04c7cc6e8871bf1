"""Who takes part in the demonstration and what happens when, in milliseconds from the start at speed 1."""

from __future__ import annotations

from dataclasses import dataclass, field

from guard.replay.attacks import RevenueShareFraud, ScriptedCall, scripted
from guard.replay.attempts import Stream, merge
from guard.replay.customers import DEMO_CUSTOMERS, Customer
from guard.replay.traffic import traffic

HACKED = "A1002"
HACKED_AT_MS = 8_000
EMERGENCY_AT_MS = 13_000
SECOND_EMERGENCY_AT_MS = 32_000
BUSY = 10.0
"""Calls come so many times as often as in life: a minute has to show what a morning would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """The customers, the fraud, and the calls that must come at a certain moment."""

    seed: int = 7
    customers: tuple[Customer, ...] = DEMO_CUSTOMERS
    fraud: RevenueShareFraud = field(default_factory=lambda: RevenueShareFraud(account=HACKED, starts_ms=HACKED_AT_MS))
    script: tuple[ScriptedCall, ...] = (
        ScriptedCall(account=HACKED, at_ms=EMERGENCY_AT_MS, to="911", talk_ms=1_800_000, emergency=True),
        ScriptedCall(account=HACKED, at_ms=SECOND_EMERGENCY_AT_MS, to="911", talk_ms=1_800_000),
    )
    """The second emergency call is not flagged as one: the number alone must do."""

    @property
    def hacked(self) -> Customer:
        """The customer whose telephone system is broken into."""
        return next(each for each in self.customers if each.account == self.fraud.account)

    def attempts(self) -> Stream:
        """Everything that is dialled, in the order of its time."""
        normal = [stream for each in self.customers for stream in traffic(each, seed=self.seed, busy=BUSY)]
        return merge([*normal, self.fraud.attempts(seed=self.seed), scripted(self.script)])
