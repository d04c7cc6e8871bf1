"""What an operator can set about the engine, as one frozen object (the file format is `guard.config`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guard.core.emergency import EmergencyNumbers
from guard.core.money import Micros

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DEFAULT_LIMIT_MICROS = Micros(100_000_000)
"""Of an account that billing has not spoken of (contract 4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchSettings:
    """What is declared about one switch."""

    ticks: bool = True
    """Whether it sends ticks; without them a silent call is not a dead one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the engine is told from outside. Defaults are the contract's."""

    default_limit_micros: Micros = DEFAULT_LIMIT_MICROS
    default_currency: str = "CAD"
    unknown_rate_micros: int = 1_000_000
    """Per minute, for a call that states neither charge nor rate."""
    emergency: EmergencyNumbers = field(default_factory=EmergencyNumbers)
    stale_after_ms: int = 90 * SECOND_MS
    blind_carry_ms: int = 30 * MINUTE_MS
    lost_after_ms: int = 4 * HOUR_MS
    remember_ms: int = 7 * DAY_MS
    fuse_blocks: int = 20
    """Blocks by rules or the model let through within `fuse_window_ms`, at least."""
    fuse_window_ms: int = 10 * MINUTE_MS
    trust: Mapping[str, int] = field(default_factory=dict)
    """Part of a pending payment that counts, per method, in millionths (default none)."""
    switches: Mapping[str, SwitchSettings] = field(default_factory=dict)
