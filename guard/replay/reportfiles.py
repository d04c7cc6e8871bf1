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
import re
import tempfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
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
GATHERED_REPORTS = 1_000
"""Of call records, handed on together."""
BLOCK_BYTES = 128 * 1024
"""Read at once: some hundreds of lines, few enough to stay in a processor's cache until they are decoded."""
MAX_BAD_PERCENT = 1
"""More bad lines than this say that the file is something else (contract 3)."""

_BLANK_LINE = re.compile(rb"\n\s*\n")


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


class Block(NamedTuple):
    """Some reports as JSON, one a line: to be read in one go, or line by line where that does not work."""

    numbers: Sequence[int]
    """For each report, the number of the file's line that it comes from."""
    text: bytes

    def lines(self) -> Iterator[RawLine]:
        """The file's lines, each with its reports."""
        for number, each in groupby(zip(self.numbers, self.text.split(b"\n"), strict=True), itemgetter(0)):
            yield number, [text.strip() for _, text in each]


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
    for block in raw_blocks(path, tally, cdr_map):
        yield from block.lines()


def raw_blocks(path: Path, tally: Tally, cdr_map: cdr.CdrMap = cdr.CONTRACT) -> Iterator[Block]:
    """The same some lines at a time."""
    name = path.name.removesuffix(".gz")
    if not name.endswith((".ndjson", ".jsonl", ".csv")):
        raise FileError(f"{path}: a report file ends in .ndjson, .ndjson.gz or .csv")
    try:
        with path.open("rb") as file, _unpacked(path, file) as stream:
            # Rows read as text close the file with their last one, which is handed on only then.
            tally.bytes_read = lambda: 0 if file.closed else file.tell()
            if name.endswith(".csv"):
                yield from _gathered(_rows(path, stream, tally, cdr_map))
            else:
                yield from _blocks(path, stream, tally)
        tally.bytes_read = int
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        raise FileError(f"{path}: cannot be read: {error}") from error


def _unpacked(path: Path, file: io.BufferedReader) -> Stream:
    """The file's bytes, unpacked when its name ends in .gz."""
    return gzip.GzipFile(fileobj=file, mode="rb") if path.name.endswith(".gz") else file


def _blocks(path: Path, stream: Stream, tally: Tally) -> Iterator[Block]:
    """The lines of one block after another; what a block ends with is taken with the next one."""
    number, rest, passing = 1, b"", False
    while block := stream.read(BLOCK_BYTES):
        if passing:
            _, ends, block = block.partition(b"\n")
            passing = not ends
        text, ends, rest = (rest + block).rpartition(b"\n")
        if ends:
            yield from _told(path, number, text, tally)
            number += text.count(b"\n") + 1
        if len(rest) > MAX_LINE_BYTES:
            # What is still to come of it is passed over.
            yield from _told(path, number, rest, tally)
            number, rest, passing = number + 1, b"", True
    yield from _told(path, number, rest, tally)


def _told(path: Path, first: int, text: bytes, tally: Tally) -> Iterator[Block]:
    """Lines that say something, from that number on; those that are too long are noted."""
    numbers: Sequence[int] = range(first, first + text.count(b"\n") + 1)
    if len(text) > MAX_LINE_BYTES or _BLANK_LINE.search(b"\n%b\n" % text):
        stripped = map(bytes.strip, text.split(b"\n"))
        lines = [(number, line) for number, line in zip(numbers, stripped, strict=True) if line]
        tally.lines += len(lines)
        for number, line in lines:
            if len(line) > MAX_LINE_BYTES:
                tally.note(str(path), number, f"longer than {MAX_LINE_BYTES} bytes")
        lines = [(number, line) for number, line in lines if len(line) <= MAX_LINE_BYTES]
        numbers, text = [number for number, _ in lines], b"\n".join(line for _, line in lines)
    else:
        tally.lines += len(numbers)
    if numbers:
        yield Block(numbers, text)


def _gathered(lines: Iterable[RawLine]) -> Iterator[Block]:
    """Lines that were made, some together, or one that has more reports than that."""
    numbers: list[int] = []
    reports: list[bytes] = []
    for number, texts in lines:
        if reports and len(reports) + len(texts) > GATHERED_REPORTS:
            yield Block(numbers, b"\n".join(reports))
            numbers, reports = [], []
        numbers += [number] * len(texts)
        reports += texts
    if reports:
        yield Block(numbers, b"\n".join(reports))


def _rows(path: Path, stream: Stream, tally: Tally, cdr_map: cdr.CdrMap) -> Iterator[RawLine]:
    with io.TextIOWrapper(stream, encoding="utf-8-sig", newline="") as text:
        lines = _Lines(path, text)
        rows = csv.reader(lines, strict=True, delimiter=cdr_map.delimiter)
        try:
            player = cdr.RowPlayer(next(rows, []) if cdr_map.header else [], cdr_map)
        except (cdr.HeaderError, csv.Error) as error:
            raise FileError(f"{path}:1: {error}") from error
        while True:
            lines.row_begins()
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


class _Lines:
    """Lines for rows of CSV, with a bound for the text of one row: a quote that never closes takes in all that follows.

    A small packed file may hold a line as long as the disk.
    """

    def __init__(self, path: Path, text: io.TextIOWrapper) -> None:
        self._path = path
        self._text = text
        self._number = 0
        self._left = MAX_LINE_BYTES

    def row_begins(self) -> None:
        """All that came before has been read."""
        self._left = MAX_LINE_BYTES

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._left + 1)
        if not line:
            raise StopIteration
        self._number += 1
        self._left -= len(line)
        if self._left < 0:
            raise FileError(
                f"{self._path}:{self._number}: a row of more than {MAX_LINE_BYTES} characters: is a quote not closed?"
            )
        return line


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
