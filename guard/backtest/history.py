"""History: any number of reports in any order, sorted by their times on disk, to be read again and again.

Reports are decoded and checked once, a thousand lines at a time, and put aside in sorted runs of `RUN_REPORTS`. A run
lies on disk in blocks. Reading merges the blocks: of all that is loaded, what is not later than the end of the block
that ends first can be sorted as a whole and handed on, so that sorting is the work of a few large sorts.

The order is total and does not depend on the order in the files: time, switch, call, event, then what the report says.
So a shuffled file gives the same decisions to the byte. Memory is that of a run while sorting, of a block for each run
while reading.
"""

from __future__ import annotations

import shutil
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from guard.config.addresses import switch_name
from guard.config.problems import RejectedError
from guard.core.money import Micros
from guard.core.records import Direction, Event, Report
from guard.replay.cdr import CONTRACT, CdrMap
from guard.replay.reportfiles import BATCH_REPORTS, BadLineError, RawLine, Tally, raw_batches
from guard.wire.reports import MAX_AHEAD_MS, decode_recorded, decode_reports

RUN_REPORTS = 250_000
"""Sorted in memory at once: about 400 bytes each, 100 MB."""
BLOCK_REPORTS = 500
"""Few enough to stay in a processor's cache until they are taken."""
EARLIEST_MS = 946_684_800_000
LATEST_MS = 4_102_444_800_000
"""2000 and 2100: a time outside of them is a mistake, and the clock would have to walk there minute by minute."""

Entry = tuple[int, str, str, int, bytes]
"""Time, switch, call, event, and the rest of the report packed: what it is sorted by, in this order."""

_Rest = tuple[int, str, str | None, Micros | None, int | None, bool | None, Direction | None, str, str, str, str | None]

_encode = msgspec.msgpack.Encoder().encode
_decode_rest = msgspec.msgpack.Decoder(_Rest).decode
_decode_block = msgspec.msgpack.Decoder(list[Entry]).decode
_EVENTS = tuple(Event)
_SIZE_BYTES = 4


def entry_of(switch: str, report: Report) -> Entry:
    """A report as it is sorted and kept."""
    rest = _encode(
        (
            report.duration_ms,
            report.account,
            report.to,
            report.charge_micros,
            report.rate_micros,
            report.emergency,
            report.direction,
            report.caller,
            report.source,
            report.cause,
            report.currency,
        )
    )
    return report.at_ms, switch, report.call, int(report.event), rest


def reports_of(entries: Iterable[Entry]) -> list[tuple[str, Report]]:
    """The reports that were kept, each with its switch."""
    reports: list[tuple[str, Report]] = []
    unpacked, events = _decode_rest, _EVENTS
    for at_ms, switch, call, event, rest in entries:
        duration_ms, account, to, charge, rate, emergency, direction, caller, source, cause, currency = unpacked(rest)
        report = Report(
            call,
            events[event],
            account,
            at_ms,
            duration_ms,
            to,
            charge,
            rate,
            emergency,
            direction,
            caller,
            source,
            cause,
            currency,
        )
        reports.append((switch, report))
    return reports


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
        self._span: list[int] = []
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
        for lines in raw_batches(path, self.tally, cdr_map):
            self._take(path, lines)
            told(self.tally)

    def add_reports(self, switch: str, reports: Iterable[Report]) -> None:
        """Take reports that are in no file."""
        entries = [entry_of(switch, report) for report in reports]
        self.tally.reports += len(entries)
        self._run += entries
        if len(self._run) >= self._run_reports:
            self._put_aside()

    def history(self) -> History:
        """What has been taken, in order."""
        self._put_aside()
        first_ms, last_ms = (min(self._span), max(self._span)) if self._span else (0, 0)
        return History(tuple(self._runs), self.tally.reports, first_ms, last_ms)

    def _take(self, path: Path, lines: list[RawLine]) -> None:
        texts = [text for _number, each in lines for text in each]
        recorded = decode_recorded(texts, LATEST_MS) if len(texts) <= BATCH_REPORTS else None
        if recorded is None or not self._plausible(recorded):
            recorded = list(self._take_carefully(path, lines))
        self.tally.reports += len(recorded)
        self._run += [entry_of(switch, report) for switch, report in recorded]
        if len(self._run) >= self._run_reports:
            self._put_aside()

    def _plausible(self, recorded: Iterable[tuple[str, Report]]) -> bool:
        """Whether all is as usual: switches known by name, times of this age."""
        return all(switch in self._switches and report.at_ms >= EARLIEST_MS for switch, report in recorded)

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

    def _put_aside(self) -> None:
        """Write the run to disk, sorted."""
        if not self._run:
            return
        self._run.sort()
        self._span += [self._run[0][0], self._run[-1][0]]
        path = self._folder / f"run-{len(self._runs)}"
        with path.open("wb") as file:
            for begin in range(0, len(self._run), BLOCK_REPORTS):
                block = _encode(self._run[begin : begin + BLOCK_REPORTS])
                file.write(len(block).to_bytes(_SIZE_BYTES) + block)
        self._runs.append(path)
        self._run = []
