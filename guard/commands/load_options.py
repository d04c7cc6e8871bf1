"""How `guard load` is called. What it does is `guard.commands.load`, which is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.commands.options import Config, Format


def load(
    reports: Annotated[
        list[Path],
        typer.Option("--reports", metavar="FILE", help="Reports (.ndjson, .ndjson.gz) or call records (.csv)."),
    ],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="More files of reports.")] = None,
    config: Config = None,
    record_format: Format = None,
) -> None:
    """Bring calls that never came by MQTT into a live daemon."""
    from guard.commands import load as command  # noqa: PLC0415 - `guard --help` must not wait for it

    command.load([*reports, *(more or [])], config, record_format.value if record_format else None)
