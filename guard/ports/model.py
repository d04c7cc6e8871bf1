"""The anomaly model as the shell drives it: it follows what the engine observes and says later what it found.

Its rows are its own affair; the shell only carries them. Whatever goes wrong in it must not stop the money
(`guard.shell.sentinel`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from guard.core.anomaly import Finding
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.rules.usual import UsualRow
from guard.core.settings import ModelMode


class Model(Protocol):
    """The anomaly model, as the shell drives it (`guard.anomaly.lookout`)."""

    @property
    def next_due_ms(self) -> int | None:
        """When `due` has something to tell."""
        ...

    def observe(self, seen: Observation, profile: Profile, up: int) -> None:
        """For `Engine.listen`: constant work."""
        ...

    def due(self, now_ms: int) -> Sequence[Any]:
        """Rows whose moment has come, in its order; each has an `account` and its `at_ms`, the rest is the model's."""
        ...

    def score(self, rows: Sequence[Any]) -> tuple[Sequence[float], Sequence[Finding]]:
        """Scores of rows, and what is found in them; on any thread, one at a time."""
        ...

    def heed(self, findings: Sequence[Finding]) -> None:
        """These are on their way to the engine."""
        ...

    def take_changed(self) -> Sequence[tuple[str, UsualRow]]:
        """What is to be stored of accounts, by their ids."""
        ...

    def drift(self) -> float:
        """How far traffic has moved from that of the training: 0.1 is little, 0.25 much."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """Which model it is, and what it has learned from."""

    name: str
    digest: str
    """Of its manifest, and through it of all of it."""
    first: str
    last: str
    """The span of the history, as its manifest says it."""
    accounts: int
    mark: float
    """In decades; what scores above it is unusual."""
    silence: str
    """Why it says nothing of accounts known for less than two weeks; empty: it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelView:
    """How it stands with the anomaly model."""

    mode: ModelMode
    """What the configuration in force wants."""
    folder: str
    false_alarms_per_1000_account_days: float
    """What it is held to."""
    trained: Trained | None
    """Of the one that is in force; None: there is none."""
    up: bool
    """Whether it scores."""
    wrong: str
    """Why it does not, or why the one that was read last was refused; empty: nothing is wrong."""
    scored: int
    skipped: int
    """Rows since the start."""
    lag_s: float
    """Age of the newest row that was scored last."""
    drift: float
    """0.1 is little, 0.25 much."""
