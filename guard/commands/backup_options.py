"""How `guard backup` is called: its options and their help; `guard.commands.backup` does the work."""

# ruff: noqa: FBT002 - a command's parameters are its options, and a flag is a boolean

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.commands.options import Config


def backup(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The backup; in a folder that is there: named after the time.")
    ],
    force: Annotated[bool, typer.Option("--force", help="Replace FILE if it is there.")] = False,
    keep: Annotated[
        int | None,
        typer.Option("--keep", min=1, metavar="N", help="In a folder: then delete all but the newest N backups."),
    ] = None,
    config: Config = None,
) -> None:
    """Copy the store while the daemon runs, and prove the copy."""
    from guard.commands import backup as command  # noqa: PLC0415 - `guard --help` must not wait for it

    command.backup(file, config, force=force, keep=keep)
