"""How `guard learn` is called. What it does is `guard.commands.learn`, which is imported when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.commands.options import DEFAULT_URL, Config, Format, Url


def learn(
    reports: Annotated[
        list[Path],
        typer.Option("--reports", metavar="FILE", help="Reports (.ndjson, .ndjson.gz) or call records (.csv)."),
    ],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="More files of reports.")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What was fraud, and is not learned: CSV account,start,end,label."),
    ] = None,
    record_format: Format = None,
    config: Config = None,
    url: Url = DEFAULT_URL,
) -> None:
    """Teach the daemon from history what is usual for each account.

    Rules that ask what is new can then block at once, without waiting for 14 days. Telling it twice changes nothing.
    """
    from guard.commands import learn as command  # noqa: PLC0415 - `guard --help` must not wait for it

    command.learn(
        command.LearnOptions(
            reports=[*reports, *(more or [])],
            labels=labels,
            record_format=record_format.value if record_format else None,
            config=config,
            url=url,
        )
    )
