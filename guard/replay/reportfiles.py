"""Report files: recorded calls read line by line, checked, and brought into the order of their times.

Two formats (contract 3): NDJSON of reports with a `switch` field, plain or gzipped, and CDR CSV
with a header, each row of which is played as answered, a tick every 30 s, and ended. A file may
be larger than memory: what is good is sorted in runs on disk and merged (`OrderedReports`). A bad
line is noted with its number and the rule it breaks, never with its content, and passed over.
"""

from __future__ import annotations

import csv
import gzip
import heapq
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, NamedTuple, Self

from guard.replay import cdr

RUN_LINES = 200_000
"""Reports sorted in memory at once: at some 600 bytes each about 120 MB."""
MAX_PROBLEMS_KEPT = 20
"""Bad lines told one by one; the rest are only counted."""
MAX_LINE_BYTES = 1024 * 1024
"""The contract's bound for a payload is also the bound for a line."""
MAX_BAD_PERCENT = 1
"""More bad lines than this say that the file is something else (contract 3)."""


class FileError(Exception):
    """A file cannot be used at all; the text names it and says why."""


class Timed(NamedTuple):
    """One report ready to be sent: when it happened, at which switch, and its JSON text."""

    at_ms: int
    order: int
    switch: str
    payload: bytes


class BadLineError(ValueError):
    """A line breaks a rule; the text names the rule, not the line's content."""


@dataclass(slots=True)
class Tally:
    """What reading a file came to."""

    lines: int = 0
    bad: int = 0
    reports: int = 0
    problems: list[str] = field(default_factory=list)

    def note(self, file: str, line: int, rule: str) -> None:
        """Count a bad line and keep the first few."""
        self.bad += 1
        if len(self.problems) < MAX_PROBLEMS_KEPT:
            self.problems.append(f"{file}:{line}: {rule}")

    @property
    def too_bad(self) -> bool:
        """Whether more than the allowed part of the lines is bad."""
        return self.bad * 100 > self.lines * MAX_BAD_PERCENT


Stream = gzip.GzipFile | io.BufferedReader
"""Bytes of a file, as they are or unpacked."""

CheckReport = Callable[[bytes], tuple[int, str, bytes]]
"""Checks a report with a `switch` field: its `at` in ms, its switch, its text as sent; `BadLineError` otherwise."""


def read_reports(path: Path, check: CheckReport, tally: Tally) -> Iterator[Timed]:
    """All good reports of a file, in the order of the file; the kind of file is told by its name."""
    name = path.name.removesuffix(".gz")
    if not name.endswith((".ndjson", ".jsonl", ".csv")):
        raise FileError(f"{path}: a report file ends in .ndjson, .ndjson.gz or .csv")
    try:
        with _open(path) as stream:
            reader = _csv_reports if name.endswith(".csv") else _ndjson_reports
            yield from reader(path, stream, check, tally)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: cannot be read: {error}") from error


def _open(path: Path) -> Stream:
    """The file's bytes, unpacked when its name ends in .gz."""
    if path.name.endswith(".gz"):
        return gzip.open(path, "rb")
    return path.open("rb")


def _ndjson_reports(path: Path, stream: Stream, check: CheckReport, tally: Tally) -> Iterator[Timed]:
    number = 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        text = line.strip()
        if not text:
            continue
        tally.lines += 1
        if len(line) > MAX_LINE_BYTES:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE_BYTES)
            tally.note(str(path), number, f"longer than {MAX_LINE_BYTES} bytes")
            continue
        try:
            at_ms, switch, payload = check(text)
        except BadLineError as error:
            tally.note(str(path), number, str(error))
            continue
        tally.reports += 1
        yield Timed(at_ms, tally.reports, switch, payload)


def _csv_reports(path: Path, stream: Stream, check: CheckReport, tally: Tally) -> Iterator[Timed]:
    with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text, strict=True)
        try:
            player = cdr.RowPlayer(next(rows, []))
        except (cdr.HeaderError, csv.Error) as error:
            raise FileError(f"{path}:1: {error}") from error
        while True:
            try:
                row = next(rows, None)
                if row is None:
                    return
                if not row:
                    continue
                tally.lines += 1
                # All of a row or nothing of it.
                played = [check(report) for report in player.play(row)]
            except (cdr.RowError, BadLineError) as error:
                tally.note(str(path), rows.line_num, str(error))
                continue
            except csv.Error as error:
                tally.lines += 1
                tally.note(str(path), rows.line_num, str(error))
                continue
            for at_ms, switch, payload in played:
                tally.reports += 1
                yield Timed(at_ms, tally.reports, switch, payload)


class OrderedReports:
    """Reports in the order of their times, sorted on disk; a context manager that removes its files."""

    def __init__(self, run_lines: int = RUN_LINES) -> None:
        """Sort at most `run_lines` reports in memory at once."""
        self._run_lines = run_lines
        self._run: list[Timed] = []
        self._stack = ExitStack()
        self._files: list[IO[bytes]] = []

    def __enter__(self) -> Self:
        """Be ready to take reports."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Remove the files."""
        self._stack.close()

    def add(self, reports: Iterable[Timed]) -> None:
        """Take reports in any order."""
        for report in reports:
            self._run.append(report)
            if len(self._run) >= self._run_lines:
                self._put_aside()

    def __iter__(self) -> Iterator[Timed]:
        """All of them by time; equal times in the order in which they were taken."""
        self._run.sort()
        return heapq.merge(*(_read_run(file) for file in self._files), self._run)

    def _put_aside(self) -> None:
        """Write the run to disk, sorted."""
        file = self._stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115 - the stack closes it
        for at_ms, order, switch, payload in sorted(self._run):
            head = b"%d %d %d %d\n" % (at_ms, order, len(switch.encode()), len(payload))
            file.write(head + switch.encode() + payload)
        self._files.append(file)
        self._run = []


def _read_run(file: IO[bytes]) -> Iterator[Timed]:
    """A run, from its beginning."""
    file.seek(0)
    while head := file.readline():
        at_ms, order, switch_bytes, payload_bytes = map(int, head.split())
        switch = file.read(switch_bytes).decode()
        yield Timed(at_ms, order, switch, file.read(payload_bytes))
