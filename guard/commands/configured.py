"""The configuration as a command gets it: every mistake in it is told, then exit 2."""

from __future__ import annotations

from pathlib import Path

from guard.commands.output import WRONG, CommandError
from guard.config import Config, ConfigError, load_config


def configuration(path: Path | None) -> Config:
    """Read it, or tell all that is wrong with it."""
    try:
        return load_config(path)
    except ConfigError as error:
        raise CommandError(str(error), WRONG) from error
