"""Customers' attempts and their switch on one time line. Pure: `advance` says up to when, `events` runs to an end.

Attempts come as one merged stream of offsets from the start (`attempts.merge`); the switch says
when its next tick or end is due. `advance` plays both in the order of their times, so the same
stream, the same commands at the same times and the same start give the same reports, however
coarsely time is advanced. What became of an attempt goes back to whoever dialled, before he dials
again. `speed` makes the simulated world run faster than the clock: attempts
come earlier, calls are shorter and cost more a minute, all by the same factor, so a story of two
minutes can be told in one with the same sums.

`events` is history in event time, as fast as it can be drawn. Whoever reads it may answer with
`obey` between two events: a fraud that is blocked at its second call goes no further, and the
reports of the calls that a command ends come out of `events` next.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace

from guard.core.decisions import Command, SnapshotPart
from guard.core.records import Event, Report
from guard.replay.attempts import Attempt, Outcome, Stream
from guard.replay.faults import Faults
from guard.replay.scopes import ScopeTables
from guard.replay.switch import CAUSE_BLOCKED, Obeyed, SimulatedSwitch

LATEST_MS = 1 << 62


class Simulation:
    """Everything that happens at one switch, moved by a clock from outside."""

    def __init__(
        self,
        switch: SimulatedSwitch,
        attempts: Stream,
        *,
        start_ms: int,
        speed: float = 1.0,
        run: str = "",
        faults: Faults | None = None,
    ) -> None:
        """Begin at `start_ms`. `run` makes call ids differ from those of every other run."""
        if speed <= 0:
            raise ValueError("speed must be positive")
        self.switch = switch
        self.start_ms = start_ms
        self.faults = faults or Faults()
        self._speed = speed
        self._attempts = attempts
        self._run = run or f"{start_ms:x}"
        self._placed = 0
        self._waiting: deque[tuple[int, str, Report]] | None = None
        """What `events` has yet to yield; None while it does not run."""
        self._next = self._pull(None)

    def next_at_ms(self) -> int | None:
        """When something happens next; None when nothing ever will."""
        due = self.switch.next_at_ms()
        if self._next is None:
            return due
        return self._next[0] if due is None else min(due, self._next[0])

    def advance(self, now_ms: int) -> list[Report]:
        """Everything that happens up to now, in the order of its time."""
        return self.faults.apply(self._play(now_ms), self.start_ms)

    def events(self, until_ms: int = LATEST_MS) -> Iterator[tuple[int, str, Report]]:
        """Everything that happens before `until_ms`: when, at which switch, and what is reported."""
        waiting: deque[tuple[int, str, Report]] = deque()
        self._waiting = waiting
        try:
            while True:
                due_ms = self.next_at_ms()
                if due_ms is None or due_ms >= until_ms:
                    return
                self._queue(self.advance(due_ms), due_ms)
                while waiting:
                    yield waiting.popleft()
        finally:
            self._waiting = None

    def obey(self, message: Command | SnapshotPart, now_ms: int) -> Obeyed:
        """Play up to now, then carry out what guard says."""
        before = self._play(now_ms)
        obeyed = self.switch.obey(message, now_ms)
        obeyed.reports = self.faults.apply(before + obeyed.reports, self.start_ms)
        self._queue(obeyed.reports, now_ms)
        return obeyed

    def learn_scopes(self, scopes: ScopeTables, now_ms: int) -> list[Report]:
        """Play up to now, then put the meanings of the scopes in place."""
        reports = self._play(now_ms) + self.switch.learn_scopes(scopes, now_ms)
        return self.faults.apply(reports, self.start_ms)

    def shut_down(self, now_ms: int) -> list[Report]:
        """Play up to now, then end every call; nobody dials any more."""
        reports = self._play(now_ms)
        self._next = None
        self._attempts.close()
        return self.faults.apply(reports + self.switch.shut_down(now_ms), self.start_ms)

    def _play(self, now_ms: int) -> list[Report]:
        """Attempts, ticks and ends up to now."""
        reports: list[Report] = []
        while self._next is not None and self._next[0] <= now_ms:
            at_ms, attempt = self._next
            reports += self.switch.advance(at_ms)
            self._placed += 1
            begun = self.switch.attempt(f"{self._run}-{self._placed}", attempt, at_ms)
            reports += begun
            self._next = self._pull(_outcome(begun))
        reports += self.switch.advance(now_ms)
        return reports

    def _queue(self, reports: list[Report], at_ms: int) -> None:
        if self._waiting is None:
            return
        name, switch_of = self.switch.name, self.faults.switch_of
        self._waiting.extend((at_ms, switch_of(report.account, name), report) for report in reports)

    def _pull(self, outcome: Outcome | None) -> tuple[int, Attempt] | None:
        """The next attempt with its time, both at the speed of this simulation; the last one's outcome goes in."""
        try:
            attempt = self._attempts.send(outcome)
        except StopIteration:
            return None
        if self._speed == 1:
            return self.start_ms + attempt.offset_ms, attempt
        quickened = replace(
            attempt,
            talk_ms=max(1, round(attempt.talk_ms / self._speed)),
            rate_micros=round(attempt.rate_micros * self._speed),
        )
        return self.start_ms + round(attempt.offset_ms / self._speed), quickened


def _outcome(begun: list[Report]) -> Outcome:
    """What became of an attempt, by what the switch says about it."""
    if not begun:
        return Outcome.NO_LINE
    if begun[0].event is Event.ANSWERED:
        return Outcome.ANSWERED
    return Outcome.BLOCKED if begun[0].cause == CAUSE_BLOCKED else Outcome.FAILED
