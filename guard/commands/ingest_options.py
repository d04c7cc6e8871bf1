"""How `guard ingest` is called. What it does is `guard.commands.ingest`, which is imported when it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from guard.commands.options import Config


def ingest(
    config: Config = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Of this ingest [default: [ingest] name, else the machine's]."),
    ] = None,
) -> None:
    """Carry a broker's messages into a cluster's log, until a signal says to stop."""
    from guard.commands import ingest as command  # noqa: PLC0415 - `guard --help` must not wait for it

    command.ingest(config, name)
