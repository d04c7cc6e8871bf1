"""History: any number of reports in any order, sorted by their times on disk, to be read again and again.

Reports are decoded and checked once, some hundred lines at a time. Most files are in order already: what follows on
what came before goes straight to disk, to a run that is sorted as it grows. All else is gathered, and put aside in
sorted runs of `RUN_REPORTS`. A run lies on disk in blocks. Reading merges them: of all that is loaded, what is not
later than the end of the block that ends first can be sorted as a whole and handed on, so that sorting is the work of a
few large sorts.

The order is total and does not depend on the order in the files: time, switch, call, event, then what the report says.
So a shuffled file gives the same decisions to the byte. Memory is that of a gathered run while sorting, of a block for
each run while reading.
"""

from __future__ import annotations

import shutil
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import fields
from itertools import starmap
from operator import attrgetter, itemgetter
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from guard.config.addresses import switch_name
from guard.config.problems import RejectedError
from guard.core.records import Report
from guard.replay.cdr import CONTRACT, CdrMap
from guard.replay.reportfiles import BadLineError, Block, RawLine, Tally, raw_blocks
from guard.wire.reports import MAX_AHEAD_MS, Recorded, ReportRow, decode_recorded, decode_reports

RUN_REPORTS = 250_000
"""Sorted in memory at once: about 400 bytes each, 100 MB."""
BLOCK_REPORTS = 500
"""Few enough to stay in a processor's cache until they are taken."""
EARLIEST_MS = 946_684_800_000
LATEST_MS = 4_102_444_800_000
"""2000 and 2100: a time outside of them is a mistake, and the clock would have to walk there minute by minute."""

Entry = tuple[int, str, str, int, bytes]
"""Time, switch, call, event, and the whole report packed: what it is sorted by, in this order."""
_BEFORE_ALL: Entry = (0, "", "", 0, b"")

_encode = msgspec.msgpack.Encoder().encode
_decode_row = msgspec.msgpack.Decoder(ReportRow).decode
_decode_block = msgspec.msgpack.Decoder(list[Entry]).decode
_row_of: Callable[[Report], ReportRow] = attrgetter(*(field.name for field in fields(Report)))
_SIZE_BYTES = 4


def entry_of(switch: str, report: Report) -> Entry:
    """A report as it is sorted and kept."""
    return report.at_ms, switch, report.call, report.event, _encode(_row_of(report))


def entries_of(recorded: Recorded) -> list[Entry]:
    """Reports as they are sorted and kept."""
    packed = map(_encode, recorded.rows)
    return list(zip(recorded.times_ms, recorded.switches, recorded.calls, recorded.events, packed, strict=True))


def reports_of(entries: Collection[Entry]) -> list[tuple[str, Report]]:
    """The reports that were kept, each with its switch."""
    rows = map(_decode_row, map(itemgetter(4), entries))
    return list(zip(map(itemgetter(1), entries), starmap(Report, rows), strict=True))


class History:
    """Sorted reports in a folder; picklable, so that several processes can read the same one."""

    def __init__(self, runs: tuple[Path, ...], count: int, first_ms: int, last_ms: int) -> None:
        self._runs = runs
        self.count = count
        self.first_ms = first_ms
        self.last_ms = last_ms

    def batches(self) -> Iterator[list[Entry]]:
        """All reports in their order, some thousands at a time."""
        blocks = [_blocks(run) for run in self._runs]
        loaded = [next(each, []) for each in blocks]
        while any(loaded):
            bound = min(block[-1] for block in loaded if block)
            batch: list[Entry] = []
            for number, block in enumerate(loaded):
                cut = bisect_right(block, bound)
                if cut:
                    batch += block[:cut]
                    loaded[number] = block[cut:] or next(blocks[number], [])
            batch.sort()
            yield batch

    def __iter__(self) -> Iterator[tuple[str, Report]]:
        """Each report with its switch, in order."""
        for batch in self.batches():
            yield from reports_of(batch)


def _blocks(run: Path) -> Iterator[list[Entry]]:
    with run.open("rb") as file:
        while size := file.read(_SIZE_BYTES):
            yield _decode_block(file.read(int.from_bytes(size)))


class Sorter:
    """Takes report files and makes a history of them; a context manager that removes what lies on disk."""

    def __init__(self, folder: Path, run_reports: int = RUN_REPORTS) -> None:
        """Sort in a folder of its own within `folder`, which must exist."""
        self.tally = Tally()
        self._folder = Path(tempfile.mkdtemp(prefix=".sorting-", dir=folder))
        self._run_reports = run_reports
        self._run: list[Entry] = []
        self._runs: list[Path] = []
        self._straight = self._folder / "in-order"
        self._straight_ends = _BEFORE_ALL
        self._first_ms, self._last_ms = LATEST_MS, 0
        self._switches: set[str] = set()

    def __enter__(self) -> Self:
        """Be ready to take files."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the runs."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def add(self, path: Path, cdr_map: CdrMap = CONTRACT, told: Callable[[Tally], None] = lambda _tally: None) -> None:
        """Read a file; bad lines are noted in `tally`, a file that cannot be read is a `FileError`."""
        for block in raw_blocks(path, self.tally, cdr_map):
            self._take(path, block)
            told(self.tally)

    def add_reports(self, switch: str, reports: Iterable[Report]) -> None:
        """Take reports that are in no file."""
        self._keep([entry_of(switch, report) for report in reports])

    def history(self) -> History:
        """What has been taken, in order."""
        self._put_aside()
        runs = (self._straight, *self._runs) if self._straight.exists() else ()
        return History(runs, self.tally.reports, min(self._first_ms, self._last_ms), self._last_ms)

    def _take(self, path: Path, block: Block) -> None:
        recorded = decode_recorded(block.text, LATEST_MS)
        if recorded is not None and self._plausible(recorded):
            self._keep(entries_of(recorded))
        else:
            self._keep([entry_of(switch, report) for switch, report in self._take_carefully(path, block.lines())])

    def _plausible(self, recorded: Recorded) -> bool:
        """Whether all is as usual: switches known by name, times of this age."""
        return self._switches.issuperset(recorded.switches) and min(recorded.times_ms) >= EARLIEST_MS

    def _take_carefully(self, path: Path, lines: Iterable[RawLine]) -> Iterator[tuple[str, Report]]:
        for number, texts in lines:
            try:
                yield from [self._check(text) for text in texts]
            except BadLineError as error:
                self.tally.note(str(path), number, str(error))

    def _check(self, text: bytes) -> tuple[str, Report]:
        """One report by the daemon's own rules, and its switch."""
        decoded = decode_reports(text, LATEST_MS - MAX_AHEAD_MS)
        if decoded.refusals:
            refusal = decoded.refusals[0]
            place = refusal.key.removeprefix("$").removeprefix(".")
            raise BadLineError(f"{place}: {refusal.rule}" if place else refusal.rule)
        if len(decoded.reports) != 1 or not text.startswith(b"{"):
            raise BadLineError("one report a line")
        if decoded.reports[0].at_ms < EARLIEST_MS:
            raise BadLineError("at: a time since 2000")
        switch = msgspec.json.decode(text).get("switch")
        if not isinstance(switch, str):
            raise BadLineError("switch: required, the name of the switch that carried the call")
        try:
            switch_name(switch)
        except RejectedError as error:
            raise BadLineError(f"switch: {error.accepted}") from error
        self._switches.add(switch)
        return switch, decoded.reports[0]

    def _keep(self, entries: list[Entry]) -> None:
        """Put reports on disk if they follow on what is there, gather them otherwise."""
        if not entries:
            return
        self.tally.reports += len(entries)
        entries.sort()
        self._first_ms, self._last_ms = min(self._first_ms, entries[0][0]), max(self._last_ms, entries[-1][0])
        if entries[0] >= self._straight_ends:
            _write(self._straight, entries)
            self._straight_ends = entries[-1]
            return
        self._run += entries
        if len(self._run) >= self._run_reports:
            self._put_aside()

    def _put_aside(self) -> None:
        """Write what was gathered to disk, sorted."""
        if self._run:
            self._run.sort()
            path = self._folder / f"run-{len(self._runs)}"
            _write(path, self._run)
            self._runs.append(path)
            self._run = []


def _write(run: Path, entries: list[Entry]) -> None:
    """Add entries to the end of a run."""
    with run.open("ab") as file:
        for begin in range(0, len(entries), BLOCK_REPORTS):
            block = _encode(entries[begin : begin + BLOCK_REPORTS])
            file.write(len(block).to_bytes(_SIZE_BYTES) + block)
