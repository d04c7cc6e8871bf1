"""The state of the last commit, as a store gives it back and the engine takes it up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from guard.core.decisions import BillingEntry, Decision, KeptRow, Remembered
from guard.core.rows import AccountRow, CallRow, SwitchRow


@dataclass(slots=True)
class Restored:
    """The whole state as of the last commit."""

    accounts: list[AccountRow] = field(default_factory=list)
    calls: list[CallRow] = field(default_factory=list)
    switches: list[SwitchRow] = field(default_factory=list)
    remembered: list[Remembered] = field(default_factory=list)
    billing: list[BillingEntry] = field(default_factory=list)
    pending: list[tuple[str, str, int]] = field(default_factory=list)
    kept: Iterable[KeptRow] = ()
    """To be gone through once: rows may be made as they are asked for, and let go."""
    last_line: int = 0
    last_decision: int = 0
    forgotten_before_ms: int = 0
    unpublished: list[Decision] = field(default_factory=list)
    """Decisions that may not have reached the `decisions` topic."""
