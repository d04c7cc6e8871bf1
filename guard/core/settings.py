"""What an operator can set about the engine, as one frozen object (the file format is `guard.config`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from guard.core.emergency import EmergencyNumbers
from guard.core.money import Micros

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DEFAULT_LIMIT_MICROS = Micros(100_000_000)
"""Of an account that billing has not spoken of (contract 4)."""


class ModelMode(Enum):
    """Whether the anomaly model scores, and whether its scores act."""

    OFF = "off"
    SHADOW = "shadow"
    ENFORCE = "enforce"


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchSettings:
    """What is declared about one switch."""

    ticks: bool = True
    """Whether it sends ticks; without them a silent call is not a dead one."""
    silent_after_ms: int = 5 * MINUTE_MS
    """Shorter silence than this is never unusual; 0: none is."""
    absent_after_ms: int = DAY_MS
    """Without a word for so long, it is asked whether it is there; 0: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the engine is told from outside. Defaults are the contract's."""

    default_limit_micros: Micros = DEFAULT_LIMIT_MICROS
    default_currency: str = "CAD"
    max_provisional: int = 100_000
    """Accounts open at once that billing has not spoken of (`guard.core.strangers`)."""
    max_provisional_per_switch: int = 50_000
    """Of these, opened by one switch since the start."""
    unknown_rate_micros: int = 1_000_000
    """Per minute, for a call that states neither charge nor rate."""
    emergency: EmergencyNumbers = field(default_factory=EmergencyNumbers)
    stale_after_ms: int = 90 * SECOND_MS
    blind_carry_ms: int = 30 * MINUTE_MS
    lost_after_ms: int = 4 * HOUR_MS
    remember_ms: int = 7 * DAY_MS
    away_after_ms: int = MINUTE_MS
    """On-call is told when guard has not been subscribed at the broker for so long."""
    fuse_blocks: int = 20
    """Blocks by rules or the model let through within `fuse_window_ms`, at least."""
    fuse_window_ms: int = 10 * MINUTE_MS
    model_mode: ModelMode = ModelMode.SHADOW
    model_min_rate_micros: int = 2_000_000
    """The model blocks only an account whose calls together cost so much a minute, without any plan."""
    model_min_in_flight_micros: int = 2_000_000
    """And have come to so much."""
    keep_details_ms: int | None = 90 * DAY_MS
    """So long profiles remember which numbers were called and from where; None: for ever."""
    trust: Mapping[str, int] = field(default_factory=dict)
    """Part of a pending payment that counts, per method, in millionths (default none)."""
    switches: Mapping[str, SwitchSettings] = field(default_factory=dict)

    @property
    def keep_details_days(self) -> int | None:
        """The same in whole days, begun ones counted."""
        return None if self.keep_details_ms is None else -(-self.keep_details_ms // DAY_MS)
