"""How `guard store` is called: its options and their help; `guard.commands.store` does the work."""

# ruff: noqa: FBT002 - a command's parameters are its options, and a flag is a boolean

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer


class WorkName(Enum):
    """What can be done with a store."""

    COPY = "copy"


def store(
    work: Annotated[WorkName, typer.Argument(metavar="copy", help="Copy all of it into another, empty one.")],
    origin: Annotated[
        str,
        typer.Option("--from", metavar="STORE", help="A daemon's configuration (*.toml), or its store's address."),
    ],
    target: Annotated[
        str,
        typer.Option("--to", metavar="STORE", help="The configuration of the new one (*.toml), or postgresql://..."),
    ],
    partitions: Annotated[
        bool, typer.Option("--partitions", help="Spread it over the 256 partitions of a cluster.")
    ] = False,
) -> None:
    """Copy a daemon's store into an empty database: all of it, proved, or nothing. All guards are stopped before."""
    from guard.commands import store as command  # noqa: PLC0415 - `guard --help` must not wait for it

    del work  # there is one
    command.copy(origin, target, partitions=partitions)
