"""`guard learn`: what is usual for each account, taught to a live daemon from history.

Files are read and sorted on disk, and played through an engine of this process (`guard.learning`); the daemon is only
given the days that came of it, some accounts at a time, so its own work is not held up. It takes what is news to it:
days that it has seen itself, or was told of before, it passes over, so a file can be told again, in part or whole.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from rich.progress import Progress

from guard.backtest.history import History, Sorter
from guard.backtest.inputs import Span, read_labels
from guard.commands.client import Api
from guard.commands.configured import configuration
from guard.commands.histories import judge_lines, progress_bars, sorted_history
from guard.commands.options import daemon_at
from guard.commands.output import WRONG, CommandError, say
from guard.commands.records import map_of
from guard.config import Config, ConfigError
from guard.core.rules.past import Past
from guard.core.rules.rule import LEARNING_DAYS
from guard.learning.days import DayBook
from guard.learning.lesson import Lesson, parts_of
from guard.replay.reportfiles import FileError
from guard.setup import setup_of
from guard.wire.decisions import JsonObject
from guard.wire.pasts import past_object

PAGE = 200
"""Accounts whose time zones are asked for at once."""
MOST_BYTES = 40_000
"""Of one request; the daemon takes 64 KiB."""
MOST_AT_ONCE = 20
"""Accounts in one request: some milliseconds of the daemon's time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnOptions:
    """What is to be learned from."""

    reports: Sequence[Path]
    labels: Path | None
    record_format: str | None
    config: Path | None
    url: str


@dataclass(slots=True)
class Learned:
    """What came of it, by account."""

    days: dict[str, int] = field(default_factory=dict)
    """How many were news."""
    known_days: dict[str, int] = field(default_factory=dict)


def learn(options: LearnOptions) -> None:
    """Read, play, tell the daemon."""
    config = configuration(options.config)
    cdr_map = map_of(config.cdr, options.record_format)
    with daemon_at(options.url) as api:
        try:
            labels = () if options.labels is None else read_labels(options.labels)
            timezones = _timezones(api)
            with tempfile.TemporaryDirectory(prefix="guard-learn-") as folder, Sorter(Path(folder)) as sorter:
                history = sorted_history(sorter, options.reports, cdr_map)
                judge_lines(sorter.tally, "reports", "nothing was learned")
                if not history.count:
                    raise CommandError("there are no reports in these files", WRONG)
                learned = _teach(api, config, history, labels, timezones)
        except FileError as error:
            raise CommandError(str(error), WRONG) from error
    _tell(learned)


def _timezones(api: Api) -> dict[str, str]:
    """Where the accounts are that the daemon knows: their days and hours are those of their own clock."""
    found: dict[str, str] = {}
    after: str | None = None
    while True:
        page = api.get("/api/v1/accounts", {"limit": str(PAGE), "after": after})
        found |= {each["account"]: each["timezone"] for each in page["accounts"] if each["timezone"]}
        after = page["next"]
        if after is None:
            return found


def _teach(api: Api, config: Config, history: History, labels: Sequence[Span], timezones: dict[str, str]) -> Learned:
    try:
        lesson = Lesson(setup_of(config), timezones, time.time_ns() // 1_000_000)
    except ConfigError as error:
        raise CommandError(str(error), WRONG) from error
    with progress_bars() as progress, DayBook() as book:
        task = progress.add_task("looking at the calls", total=history.count)
        played = lesson.play(history, book, lambda done: progress.update(task, completed=done))
        if played.too_old:
            say(f"{played.too_old:,} reports are older than the eight weeks that a profile remembers")
        return _send(api, lesson.pasts(book, labels), book.accounts(), progress)


def _send(api: Api, pasts: Iterator[Past], count: int, progress: Progress) -> Learned:
    learned = Learned()
    task = progress.add_task("teaching the daemon", total=count)
    for batch in _batches(pasts):
        answer: Any = api.post("/api/v1/profiles", {"profiles": batch})
        for each in answer["learned"]:
            account = each["account"]
            learned.days[account] = learned.days.get(account, 0) + each["days"]
            learned.known_days[account] = each["known_days"]
        progress.update(task, completed=len(learned.days))
    return learned


def _batches(pasts: Iterator[Past]) -> Iterator[list[JsonObject]]:
    """What goes into one request each. The parts of one account come in their order."""
    batch: list[JsonObject] = []
    size = 0
    for past in pasts:
        for part in parts_of(past, MOST_BYTES, _size):
            stated = past_object(part)
            bytes_ = len(msgspec.json.encode(stated))
            if batch and (size + bytes_ > MOST_BYTES or len(batch) >= MOST_AT_ONCE):
                yield batch
                batch, size = [], 0
            batch.append(stated)
            size += bytes_
    if batch:
        yield batch


def _size(past: Past) -> int:
    return len(msgspec.json.encode(past_object(past)))


def _tell(learned: Learned) -> None:
    news = sum(days > 0 for days in learned.days.values())
    mature = sum(days >= LEARNING_DAYS for days in learned.known_days.values())
    sys.stdout.write(
        f"{sum(learned.days.values()):,} days of {news:,} accounts learned;"
        f" {mature:,} of the {len(learned.days):,} accounts are known for {LEARNING_DAYS} days or more\n"
    )
