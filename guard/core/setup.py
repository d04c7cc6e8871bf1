"""The setup: all that guard is configured with, as one thing that is made whole and taken up in one step.

It is an input like any other. Whoever replays what came in replays the change of setup in its place between two
reports, and comes to the same decisions.
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.rating import Rating
from guard.core.rules.rule import Rule
from guard.core.scopes import Scopes
from guard.core.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an operator's files say, as far as the engine is concerned."""

    settings: Settings
    scopes: Scopes
    rating: Rating
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reload:
    """Somebody has the setup read anew, and it is free of errors."""

    setup: Setup
    by: str
    """A token's name, or what told guard to, such as a signal."""
    what: str
    """What is another now, in a sentence; kept in the history. Empty: whoever reloads many engines notes it once."""
