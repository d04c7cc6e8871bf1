"""How `guard worker` and `guard cluster` are called. What they do is imported when they run."""

# ruff: noqa: FBT002, PLC0415 - a flag is a boolean, and `guard --help` must not wait for what a command needs

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from guard.commands.options import Config, Json


class QuestionName(Enum):
    """What can be asked about a cluster."""

    STATUS = "status"


def worker(config: Config = None) -> None:
    """Decide for a share of a cluster's accounts, until a signal says to stop."""
    from guard.commands import worker as command

    command.worker(config)


def cluster(
    question: Annotated[QuestionName, typer.Argument(metavar="status", help="Who lives and who holds what.")],
    config: Config = None,
    every: Annotated[bool, typer.Option("--partitions", help="Also list every partition.")] = False,
    as_json: Json = False,
) -> None:
    """Show which workers of a cluster live and which partitions they hold, as its database says."""
    from guard.commands import cluster as command

    del question  # there is one
    command.status(config, as_json=as_json, every=every)
