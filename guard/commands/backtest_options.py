"""How `guard backtest` is called: its options, apart from the command line's others because they are many.

What it does is `guard.commands.backtest`, which is imported when it runs, like that of every other command.
"""

# ruff: noqa: FBT002, PLR0913, PLR0917 - a command's parameters are its options, and a flag is a boolean

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guard.commands.options import Config, Format
from guard.core.settings import ModelMode


def backtest(
    reports: Annotated[
        list[Path],
        typer.Option("--reports", metavar="FILE", help="Reports (.ndjson, .ndjson.gz) or call records (.csv)."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")],
    more: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="More files of reports.")] = None,
    billing: Annotated[Path | None, typer.Option(metavar="FILE", help="Billing messages (.ndjson).")] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What was fraud: CSV account,start,end,label.")
    ] = None,
    cases: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Names of the labels (guard simulate --record).")
    ] = None,
    config: Config = None,
    release_after: Annotated[
        str, typer.Option(metavar="SPAN", help="When an operator is assumed to release a block.")
    ] = "24h",
    record_format: Format = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="What if: RULE.block=8, limits.default=200; 4,6,8 is a sweep."
        ),
    ] = None,
    against: Annotated[Path | None, typer.Option(metavar="DIR", help="Also run these rules, side by side.")] = None,
    model: Annotated[
        ModelMode | None,
        typer.Option(help="Whether the anomaly model acts [default: as [model] of the configuration, else off]."),
    ] = None,
    peers: Annotated[bool, typer.Option(help="Also run what others would have done.")] = True,
) -> None:
    """Replay history in event time: who is blocked, when, why."""
    from guard.commands import backtest as command  # noqa: PLC0415 - `guard --help` must not wait for it

    command.backtest(
        command.BacktestOptions(
            reports=[*reports, *(more or [])],
            billing=billing,
            labels=labels,
            cases=cases,
            config=config,
            out=out,
            release_after=release_after,
            record_format=record_format.value if record_format else None,
            settings=settings or [],
            against=against,
            peers=peers,
            model=model,
        )
    )
