"""How `guard train` is called: its options, apart from the command line's others because they are many.

What it does is `guard.commands.train`, which is imported when it runs, like that of every other command.
"""

# ruff: noqa: PLR0913, PLR0917, FBT002 - a command's parameters are its options

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.commands.options import Config, Format


def train(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the model goes.")],
    reports: Annotated[
        list[Path] | None,
        typer.Option("--reports", metavar="FILE", help="Reports (.ndjson, .ndjson.gz) or call records (.csv)."),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Instead: the store of a daemon, which may be running (guard.db)."),
    ] = None,
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="More files of reports.")] = None,
    billing: Annotated[Path | None, typer.Option(metavar="FILE", help="Billing messages (.ndjson).")] = None,
    labels: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What was fraud, and what was not: CSV account,start,end,label."),
    ] = None,
    previous: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The model in use: how far traffic has moved from it.")
    ] = None,
    adopt: Annotated[
        bool,
        typer.Option(
            "--adopt", help="Into a new folder of DIR; if it passes its checks, the link DIR/current points to it."
        ),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, metavar="S", help="The same seed and input make the same model.")] = 1,
    record_format: Format = None,
    config: Config = None,
) -> None:
    """Fit the anomaly model to history: what good accounts do, and how rare the rest is.

    Writes the model with its card, and report.html. The same input gives the same bytes.
    """
    from guard.commands import train as command  # noqa: PLC0415 - `guard --help` must not wait for it

    command.train(
        command.TrainOptions(
            reports=[*(reports or []), *(more or [])],
            store=store,
            billing=billing,
            labels=labels,
            previous=previous,
            seed=seed,
            record_format=record_format.value if record_format else None,
            config=config,
            out=out,
            adopt=adopt,
        )
    )
