"""What a switch says wrongly: started twice, never ended, a clock that jumps. Nothing here is fraud.

A fault stands between the switch and whoever reads its reports; the ground truth does not know of it. A clock belongs
to a whole switch, so an account whose clock jumps is carried by a switch of its own. Pure: what is dropped or told
twice follows from the report and its fault alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum

from guard.core.records import Event, Report


class FaultKind(Enum):
    """What goes wrong."""

    DUPLICATE_START = "duplicate start"
    """Each start is told twice, and once more as another call that is never heard of again."""
    MISSING_STOP = "missing stop"
    """Ends are not told."""
    CLOCK_JUMP = "clock jump"
    """Times are off by `jump_ms`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of the reports about one account, for a time; offsets from the beginning."""

    kind: FaultKind
    account: str
    from_ms: int
    until_ms: int
    jump_ms: int = 0

    def of(self, report: Report, offset_ms: int) -> Iterator[Report]:
        """What is said instead of a report."""
        if not self.from_ms <= offset_ms < self.until_ms:
            yield report
        elif self.kind is FaultKind.CLOCK_JUMP:
            yield replace(report, at_ms=report.at_ms + self.jump_ms)
        elif self.kind is FaultKind.DUPLICATE_START:
            yield report
            if report.event is Event.ANSWERED:
                yield report
                yield replace(report, call=f"{report.call}-again")
        elif report.event is not Event.ENDED:
            yield report


class Faults:
    """The faults of a simulation, at most one for each account."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._by_account = {fault.account: fault for fault in faults}
        clocks = [fault.account for fault in self._by_account.values() if fault.kind is FaultKind.CLOCK_JUMP]
        self._own_switch = {account: f"clock{number}" for number, account in enumerate(clocks, start=1)}

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._by_account)

    def apply(self, reports: list[Report], start_ms: int) -> list[Report]:
        """What is said instead of these reports."""
        if not self._by_account:
            return reports
        told: list[Report] = []
        for report in reports:
            fault = self._by_account.get(report.account)
            if fault is None:
                told.append(report)
            else:
                told.extend(fault.of(report, report.at_ms - start_ms))
        return told

    def switch_of(self, account: str, usual: str) -> str:
        """The switch that carries an account's calls."""
        own = self._own_switch.get(account)
        return usual if own is None else f"{usual}-{own}"

    @property
    def own_switches(self) -> bool:
        """Whether some account needs a switch of its own."""
        return bool(self._own_switch)
