"""Peers: what others would have done with the same calls, simply and fairly.

* **Limit at hang-up.** Charges count when a call has ended, and a limit that is reached then refuses the next call:
  how a limit on call records works (Sipwise, ivozprovider). guard's own engine is shown each call only at its end, and
  what it decides ends no call.
* **Limit in flight.** guard without rules: charges count while calls are up, and a block ends them.
* **Counters.** The OpenSIPS module fraud_detection: per user and called prefix it counts calls, calls within a minute,
  calls at a time, calls in a row to the same prefix, and the length of a call. `check_fraud` is asked when a call is
  begun; at a critical value the script refuses the call. The numbers are those of the module's tutorial for weekdays
  in office hours (warning/critical): calls per minute 3/5, seconds of a call 7,200/13,200, calls 16/35, at a time 3/5,
  in a row 6/20. Counts begin anew each day. The rules are provisioned for what is international, by the prefix of the
  tariff, else by the first three digits: nobody provisions them for local calls, which would be refused by noon. A call
  that is up is not ended: its length is only known to the counters when it is over.

All three are seen with the same blocks in force and the same assumption about the operator (`guard.backtest.replay`);
counters block no account, so there is nothing to release.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from guard.backtest.history import History
from guard.backtest.meter import Meter
from guard.backtest.switchboard import KEPT_MS, STOPPABLE, Key, Switchboard
from guard.backtest.tally import Tally
from guard.core.decisions import Action, Decision, Mode, Reason
from guard.core.emergency import EmergencyNumbers
from guard.core.money import ZERO
from guard.core.rating import Rating
from guard.core.records import Event, Report, Scope
from guard.core.scopes import Scopes
from guard.core.settings import DAY_MS, MINUTE_MS

TOLD_EVERY = 10_000
PREFIX_DIGITS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """Critical values of the counters."""

    per_minute: int = 5
    seconds: int = 13_200
    calls: int = 35
    at_a_time: int = 5
    in_a_row: int = 20


@dataclass(slots=True)
class _Count:
    """What is counted of one user and prefix."""

    day: int = -1
    calls: int = 0
    up: int = 0
    longest_s: int = 0
    minute: deque[int] = field(default_factory=deque)
    told_day: int = -1


@dataclass(slots=True)
class _User:
    """The prefix that a user called last, and how often in a row."""

    prefix: str = ""
    in_a_row: int = 0


class Counters:
    """The same history under counters alone."""

    def __init__(
        self,
        rating: Rating,
        scopes: Scopes,
        emergency: EmergencyNumbers,
        tally: Tally,
        marks: Marks | None = None,
    ) -> None:
        self._rating = rating
        self._scopes = scopes
        self._tally = tally
        self._marks = marks if marks is not None else Marks()
        self._board = Switchboard(rating, scopes, emergency, tally.prevented)
        self._meters: dict[Key, Meter] = {}
        self._counts: dict[tuple[str, str], _Count] = {}
        self._users: dict[str, _User] = {}
        self._counted: dict[Key, _Count] = {}
        """Calls that are up and counted."""

    def run(self, history: History, told: Callable[[int], None] = lambda _reports: None) -> None:
        """All of it."""
        done = 0
        for switch, report in history:
            self._take((switch, report.call), report)
            done += 1
            if done % TOLD_EVERY == 0:
                self._sweep(report.at_ms)
                told(done)
        told(done)

    def _take(self, key: Key, report: Report) -> None:
        tally, board = self._tally, self._board
        if key in board.withheld and board.go_on(key, report):
            tally.withheld_reports += 1
            return
        if key not in self._meters:
            if not board.exempt(report) and self._refuses(key, report):
                board.withhold(key, report)
                tally.withheld_reports += 1
                tally.withheld_calls += report.event is not Event.FAILED
                tally.refused_attempts += report.event is Event.FAILED
                return
            if report.event is Event.FAILED or board.exempt(report):
                return
            self._meters[key] = Meter(report.account, self._rating)
        delta = self._meters[key].take(report)
        if delta and report.account in tally.by_account:
            tally.charged(report.account, report.at_ms, delta)
        tally.accounts[report.account].posted_micros += delta
        if report.event is Event.ENDED and key in self._counted:
            count = self._counted.pop(key)
            count.up -= 1
            count.longest_s = max(count.longest_s, report.duration_ms // 1_000)

    def _refuses(self, key: Key, report: Report) -> bool:
        """`check_fraud`: count the call that is begun, and look at every critical value."""
        place = self._rating.place(report.to or "")
        if report.direction not in STOPPABLE or not place.digits:
            return False
        if not self._scopes.covers(Scope.INTERNATIONAL, place.digits):
            return False
        prefix = place.destination.prefix if place.known else place.digits[:PREFIX_DIGITS]
        count = self._counts.setdefault((report.account, prefix), _Count())
        user = self._users.setdefault(report.account, _User())
        why = self._look(count, user, prefix, report.at_ms)
        if why:
            self._tell(count, report, prefix, why)
            return True
        if report.event is not Event.FAILED:
            count.up += 1
            self._counted[key] = count
        return False

    def _look(self, count: _Count, user: _User, prefix: str, at_ms: int) -> str:
        """The first value that is critical; empty: none."""
        marks, day, minute = self._marks, at_ms // DAY_MS, count.minute
        if count.day != day:
            count.day, count.calls, count.longest_s = day, 0, 0
            user.in_a_row = 0
        while minute and minute[0] <= at_ms - MINUTE_MS:
            minute.popleft()
        minute.append(at_ms)
        count.calls += 1
        user.prefix, user.in_a_row = prefix, user.in_a_row + 1 if user.prefix == prefix else 1
        values = {
            "calls per minute": (len(minute), marks.per_minute),
            "length of a call": (count.longest_s, marks.seconds),
            "total calls": (count.calls, marks.calls),
            "concurrent calls": (count.up + 1, marks.at_a_time),
            "sequential calls": (user.in_a_row, marks.in_a_row),
        }
        return next((what for what, (value, mark) in values.items() if value >= mark), "")

    def _tell(self, count: _Count, report: Report, prefix: str, why: str) -> None:
        """An event of the module, once a day for each user and prefix."""
        if count.told_day == count.day:
            return
        count.told_day = count.day
        decision = Decision(
            number=0,
            id="",
            at_ms=report.at_ms,
            account=report.account,
            action=Action.BLOCK,
            scope=Scope.INTERNATIONAL,
            mode=Mode.ENFORCE,
            reason=Reason.RULE,
            rule=why,
            key=prefix,
            exposure_micros=ZERO,
            limit_micros=None,
            currency="",
            text=f"Critical: {why} to {prefix}.",
        )
        self._tally.decided(decision)
        self._tally.free(report.account)

    def _sweep(self, now_ms: int) -> None:
        self._board.sweep(now_ms)
        for key in [key for key, meter in self._meters.items() if now_ms - meter.at_ms > KEPT_MS]:
            del self._meters[key]
            if key in self._counted:
                self._counted.pop(key).up -= 1
