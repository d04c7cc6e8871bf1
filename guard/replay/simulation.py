"""Customers' attempts and their switch on one time line. Pure: `advance` says up to when.

Attempts come as one merged stream of offsets from the start (`customers.merge`); the switch says
when its next tick or end is due. `advance` plays both in the order of their times, so the same
stream, the same commands at the same times and the same start give the same reports, however
coarsely time is advanced. `speed` makes the simulated world run faster than the clock: attempts
come earlier, calls are shorter and cost more a minute, all by the same factor, so a story of two
minutes can be told in one with the same sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from guard.core.decisions import Command, SnapshotPart
from guard.core.records import Report
from guard.replay.customers import Attempt
from guard.replay.scopes import ScopeTables
from guard.replay.switch import Obeyed, SimulatedSwitch


class Simulation:
    """Everything that happens at one switch, moved by a clock from outside."""

    def __init__(
        self,
        switch: SimulatedSwitch,
        attempts: Iterator[Attempt],
        *,
        start_ms: int,
        speed: float = 1.0,
        run: str = "",
    ) -> None:
        """Begin at `start_ms`. `run` makes call ids differ from those of every other run."""
        if speed <= 0:
            raise ValueError("speed must be positive")
        self.switch = switch
        self.start_ms = start_ms
        self._speed = speed
        self._attempts = attempts
        self._run = run or f"{start_ms:x}"
        self._placed = 0
        self._next = self._pull()

    def next_at_ms(self) -> int | None:
        """When something happens next; None when nothing ever will."""
        due = self.switch.next_at_ms()
        if self._next is None:
            return due
        return self._next[0] if due is None else min(due, self._next[0])

    def advance(self, now_ms: int) -> list[Report]:
        """Everything that happens up to now, in the order of its time."""
        reports: list[Report] = []
        while self._next is not None and self._next[0] <= now_ms:
            at_ms, attempt = self._next
            reports += self.switch.advance(at_ms)
            self._placed += 1
            reports += self.switch.attempt(f"{self._run}-{self._placed}", attempt, at_ms)
            self._next = self._pull()
        reports += self.switch.advance(now_ms)
        return reports

    def obey(self, message: Command | SnapshotPart, now_ms: int) -> Obeyed:
        """Play up to now, then carry out what guard says."""
        before = self.advance(now_ms)
        obeyed = self.switch.obey(message, now_ms)
        obeyed.reports = before + obeyed.reports
        return obeyed

    def learn_scopes(self, scopes: ScopeTables, now_ms: int) -> list[Report]:
        """Play up to now, then put the meanings of the scopes in place."""
        return self.advance(now_ms) + self.switch.learn_scopes(scopes, now_ms)

    def shut_down(self, now_ms: int) -> list[Report]:
        """Play up to now, then end every call; nobody dials any more."""
        reports = self.advance(now_ms)
        self._next = None
        self._attempts = iter(())
        return reports + self.switch.shut_down(now_ms)

    def _pull(self) -> tuple[int, Attempt] | None:
        """The next attempt with its time, both at the speed of this simulation."""
        attempt = next(self._attempts, None)
        if attempt is None:
            return None
        quickened = replace(
            attempt,
            talk_ms=max(1, round(attempt.talk_ms / self._speed)),
            rate_micros=round(attempt.rate_micros * self._speed),
        )
        return self.start_ms + round(attempt.offset_ms / self._speed), quickened
