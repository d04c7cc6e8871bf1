"""Report files: recorded calls read line by line, checked, and brought into the order of their times.

Two formats (contract 3): NDJSON of reports with a `switch` field, plain or gzipped, and CDR CSV,
each row of which is played as answered, a tick every 30 s, and ended (`guard.replay.cdr`). A file may
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
    unowned: int = 0
    """Call records of no account."""
    bytes_read: Callable[[], int] = field(default=int, repr=False)
    """How far the file that is being read has been read, as it lies on disk; 0 when none is."""
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

RawLine = tuple[int, list[bytes]]
"""A line's number and its reports as JSON: one of NDJSON, all of a call record."""

CheckReport = Callable[[bytes], tuple[int, str, bytes]]
"""Checks a report with a `switch` field: its `at` in ms, its switch, its text as sent; `BadLineError` otherwise."""


def read_reports(path: Path, check: CheckReport, tally: Tally, cdr_map: cdr.CdrMap = cdr.CONTRACT) -> Iterator[Timed]:
    """All good reports of a file, in the order of the file."""
    for number, texts in raw_lines(path, tally, cdr_map):
        try:
            # All of a line or nothing of it.
            checked = [check(text) for text in texts]
        except BadLineError as error:
            tally.note(str(path), number, str(error))
            continue
        for at_ms, switch, payload in checked:
            tally.reports += 1
            yield Timed(at_ms, tally.reports, switch, payload)


def raw_lines(path: Path, tally: Tally, cdr_map: cdr.CdrMap = cdr.CONTRACT) -> Iterator[RawLine]:
    """Each line's reports as text, not yet checked; the kind of file is told by its name."""
    name = path.name.removesuffix(".gz")
    if not name.endswith((".ndjson", ".jsonl", ".csv")):
        raise FileError(f"{path}: a report file ends in .ndjson, .ndjson.gz or .csv")
    try:
        with path.open("rb") as file, _unpacked(path, file) as stream:
            tally.bytes_read = file.tell
            if name.endswith(".csv"):
                yield from _rows(path, stream, tally, cdr_map)
            else:
                yield from _lines(path, stream, tally)
        tally.bytes_read = int
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: cannot be read: {error}") from error


def _unpacked(path: Path, file: io.BufferedReader) -> Stream:
    """The file's bytes, unpacked when its name ends in .gz."""
    return gzip.GzipFile(fileobj=file, mode="rb") if path.name.endswith(".gz") else file


def _lines(path: Path, stream: Stream, tally: Tally) -> Iterator[RawLine]:
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
        yield number, [text]


def _rows(path: Path, stream: Stream, tally: Tally, cdr_map: cdr.CdrMap) -> Iterator[RawLine]:
    with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        rows = csv.reader(text, strict=True, delimiter=cdr_map.delimiter)
        try:
            player = cdr.RowPlayer(next(rows, []) if cdr_map.header else [], cdr_map)
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
                played = list(player.play(row))
            except cdr.RowError as error:
                tally.note(str(path), rows.line_num, str(error))
                continue
            except csv.Error as error:
                tally.lines += 1
                tally.note(str(path), rows.line_num, str(error))
                continue
            if played:
                yield rows.line_num, played
            else:
                tally.unowned += 1


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
