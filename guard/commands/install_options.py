"""How `guard install` is called: its options and their help; `guard.commands.install` does the work."""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs
# ruff: noqa: FBT002 - a command's parameters are its options, and a flag is a boolean

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def install(
    root: Annotated[
        Path | None, typer.Option("--root", metavar="DIR", help="Lay below DIR, and change nothing else [default: /].")
    ] = None,
    program: Annotated[
        Path | None, typer.Option("--program", metavar="PATH", help="What the unit starts [default: this guard].")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be laid.")] = False,
) -> None:
    """Lay unit, user, configuration and rules for systemd, and say what to do next."""
    from guard.commands import install as command

    command.install(root=root, program=program, dry_run=dry_run)
