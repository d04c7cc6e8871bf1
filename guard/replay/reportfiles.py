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
BATCH_REPORTS = 1_000
"""Handed on together: as many as the wire takes in one array."""
BLOCK_BYTES = 128 * 1024
"""Read at once: some hundreds of lines, few enough to stay in a processor's cache until they are decoded."""
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
    for batch in raw_batches(path, tally, cdr_map):
        yield from batch


def raw_batches(path: Path, tally: Tally, cdr_map: cdr.CdrMap = cdr.CONTRACT) -> Iterator[list[RawLine]]:
    """The same some lines at a time: of at most `BATCH_REPORTS` reports, or one line that has more."""
    name = path.name.removesuffix(".gz")
    if not name.endswith((".ndjson", ".jsonl", ".csv")):
        raise FileError(f"{path}: a report file ends in .ndjson, .ndjson.gz or .csv")
    try:
        with path.open("rb") as file, _unpacked(path, file) as stream:
            # Rows read as text close the file with their last one, which is handed on only then.
            tally.bytes_read = lambda: 0 if file.closed else file.tell()
            if name.endswith(".csv"):
                yield from _in_batches(_rows(path, stream, tally, cdr_map))
            else:
                for lines in _blocks(path, stream, tally):
                    for begin in range(0, len(lines), BATCH_REPORTS):
                        yield lines[begin : begin + BATCH_REPORTS]
        tally.bytes_read = int
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise FileError(f"{path}: cannot be read: {error}") from error


def _unpacked(path: Path, file: io.BufferedReader) -> Stream:
    """The file's bytes, unpacked when its name ends in .gz."""
    return gzip.GzipFile(fileobj=file, mode="rb") if path.name.endswith(".gz") else file


def _blocks(path: Path, stream: Stream, tally: Tally) -> Iterator[list[RawLine]]:
    """The lines of one block after another; what a block ends with is taken with the next one."""
    number, rest, passing = 1, b"", False
    while block := stream.read(BLOCK_BYTES):
        if passing:
            _, ends, block = block.partition(b"\n")
            passing = not ends
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        yield _numbered(path, lines, number, tally)
        number += len(lines)
        if len(rest) > MAX_LINE_BYTES:
            # What is still to come of it is passed over.
            _numbered(path, [rest], number, tally)
            number, rest, passing = number + 1, b"", True
    yield _numbered(path, [rest], number, tally)


def _numbered(path: Path, lines: Iterable[bytes], first: int, tally: Tally) -> list[RawLine]:
    """Lines that say something, with their numbers; those that are too long are noted."""
    numbered = [(number, [text]) for number, line in enumerate(lines, first) if (text := line.strip())]
    tally.lines += len(numbered)
    if max((len(texts[0]) for _, texts in numbered), default=0) > MAX_LINE_BYTES:
        for number, texts in numbered:
            if len(texts[0]) > MAX_LINE_BYTES:
                tally.note(str(path), number, f"longer than {MAX_LINE_BYTES} bytes")
        numbered = [line for line in numbered if len(line[1][0]) <= MAX_LINE_BYTES]
    return numbered


def _in_batches(lines: Iterable[RawLine]) -> Iterator[list[RawLine]]:
    batch: list[RawLine] = []
    reports = 0
    for line in lines:
        if batch and reports + len(line[1]) > BATCH_REPORTS:
            yield batch
            batch, reports = [], 0
        batch.append(line)
        reports += len(line[1])
    yield batch


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
