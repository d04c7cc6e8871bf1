"""A simulated history as files: reports, and beside them what a backtest needs and what nobody else can know.

For `history.ndjson.gz` (or `history.ndjson`) there are, in the same folder:

    history.billing.ndjson   billing messages with their times
    history.labels.csv       account,start,end,label: where was fraud (`fraud`) or a surprise that is none (`good`)
    history.cases.ndjson     each case at each account: calls, what it cost, what blocks saved
    history.tariff.csv       the prices of the simulated switch, as a tariff
    history.plans.toml       the plan of the customers whose calls to Canada and the USA are included

The same events give the same bytes: packed files bear no time and no name.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import msgspec

from guard.core.money import format_money
from guard.core.records import Report
from guard.replay.bills import PLANS, Message
from guard.replay.cases.setting import Case
from guard.replay.catalog import tariff_rows
from guard.replay.payloads import encode_recorded, time_text
from guard.replay.truth import CaseTruth, Truth

SUFFIXES = (".ndjson", ".ndjson.gz")
PACKING = 4
"""Of gzip's levels: much faster than the usual one, and little larger."""
LINES_AT_ONCE = 2_000

Row = tuple[str, str, str, str]


class Recorder:
    """Writes one history; a context manager."""

    def __init__(self, path: Path) -> None:
        """`path` ends in one of `SUFFIXES`; opening fails with OSError."""
        self.path = path
        stem = path.name.removesuffix(".gz").removesuffix(".ndjson")
        self.billing = path.with_name(f"{stem}.billing.ndjson")
        self.labels = path.with_name(f"{stem}.labels.csv")
        self.cases = path.with_name(f"{stem}.cases.ndjson")
        self.tariff = path.with_name(f"{stem}.tariff.csv")
        self.plans = path.with_name(f"{stem}.plans.toml")
        self.count = 0
        self._stack = ExitStack()
        self._lines: list[bytes] = []

    def __enter__(self) -> Self:
        """Open the files that grow."""
        raw = self._stack.enter_context(self.path.open("wb"))
        self._reports: IO[bytes] | gzip.GzipFile = raw
        if self.path.name.endswith(".gz"):
            packed = gzip.GzipFile(filename="", mode="wb", compresslevel=PACKING, fileobj=raw, mtime=0)
            self._reports = self._stack.enter_context(packed)
        self._bills = self._stack.enter_context(self.billing.open("wb"))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Write what is left and close."""
        self._flush()
        self._stack.close()

    def report(self, switch: str, report: Report) -> None:
        """Keep a report."""
        self._lines.append(encode_recorded(switch, report))
        self.count += 1
        if len(self._lines) >= LINES_AT_ONCE:
            self._flush()

    def bills(self, messages: Iterable[Message]) -> None:
        """Keep billing messages."""
        self._bills.writelines(msgspec.json.encode(message) + b"\n" for message in messages)

    def finish(self, cases: Iterable[Case], truth: Truth, start_ms: int) -> None:
        """Write what is known at the end."""
        known = {case.id: case for case in cases}
        with self.labels.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("account", "start", "end", "label"))
            writer.writerows(sorted(label_rows(known.values(), truth, start_ms)))
        with self.cases.open("wb") as packed:
            for (case, account), part in sorted(truth.cases().items()):
                packed.write(msgspec.json.encode(_told(known[case], account, part)) + b"\n")
        self.tariff.write_text("\n".join(tariff_rows()) + "\n", encoding="utf-8")
        self.plans.write_text(PLANS, encoding="utf-8")

    def _flush(self) -> None:
        self._reports.write(b"".join(self._lines))
        self._lines.clear()


def label_rows(cases: Iterable[Case], truth: Truth, start_ms: int) -> Iterable[Row]:
    """The labels: of calls by the ground truth, of what is no calls of its own as it was staged."""
    known = {case.id: case for case in cases}
    for (case, account), part in truth.cases().items():
        label = "fraud" if known[case].fraud else "good"
        yield account, time_text(part.first_at_ms), time_text(part.last_at_ms), label
    for each in known.values():
        for stretch in each.stretches:
            start, end = start_ms + stretch.from_ms, start_ms + stretch.until_ms
            yield stretch.account, time_text(start), time_text(end), "fraud" if each.fraud else "good"


def _told(case: Case, account: str, part: CaseTruth) -> Message:
    return {
        "case": case.id,
        "scenario": case.scenario,
        "label": "fraud" if case.fraud else "good",
        "account": account,
        "start": time_text(part.first_at_ms),
        "end": time_text(part.last_at_ms),
        "attempts": part.attempts,
        "calls": part.calls,
        "spent": format_money(part.spent_micros),
        "refused": part.refused,
        "saved": format_money(part.saved_micros),
    }
