"""Histories for commands that read any number of report files: sorted, with their bad lines told, and with progress."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from guard.backtest.history import History, Sorter
from guard.commands.output import WRONG, CommandError, say
from guard.replay.cdr import CdrMap
from guard.replay.reportfiles import MAX_BAD_PERCENT, Tally


def sorted_history(sorter: Sorter, files: Sequence[Path], cdr_map: CdrMap) -> History:
    """Read all files, and bring their reports into order."""
    with progress_bars() as progress:
        for file in files:
            task = progress.add_task(f"reading {file.name}", total=file.stat().st_size if file.is_file() else None)
            already = sorter.tally.reports

            def told(tally: Tally, task: TaskID = task, already: int = already) -> None:
                progress.update(task, completed=tally.bytes_read(), reports=tally.reports - already)

            sorter.add(file, cdr_map, told)
            progress.update(task, completed=file.stat().st_size, reports=sorter.tally.reports - already)
        return sorter.history()


def judge_lines(lines: Tally, what: str, outcome: str) -> None:
    """Tell the bad lines; too many of them stop everything (contract 3)."""
    for problem in lines.problems:
        say(problem)
    if lines.bad > len(lines.problems):
        say(f"and {lines.bad - len(lines.problems)} more bad lines")
    if lines.too_bad:
        raise CommandError(
            f"{lines.bad} of {lines.lines} lines of {what} are bad, more than {MAX_BAD_PERCENT} %: {outcome}",
            WRONG,
        )


class _Rate(ProgressColumn):
    """Reports a second."""

    def render(self, task: Task) -> Text:
        """The present speed, as soon as there is one."""
        reports = task.fields.get("reports", task.completed)
        return Text(f"{reports / task.elapsed:,.0f}/s" if task.elapsed and reports else "")


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """Bars with speed and time left, where somebody watches."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        yield progress
