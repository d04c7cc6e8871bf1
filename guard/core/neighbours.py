"""What an engine is told that decides for some of the accounts only, while others decide for the rest.

Each sees only the reports about its own accounts, and knows only a part of what a switch is to be told. So it hears
from whoever receives for all of them that a switch talks at all, and from whoever puts the parts together that one is
missing. A single daemon is never told either.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentioned:
    """A switch has reported something, about whichever accounts: if it is silent here, it has nothing to say."""

    switch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotWanted:
    """A switch is to be told the whole truth, and this engine's part of it is missing."""

    switch: str
