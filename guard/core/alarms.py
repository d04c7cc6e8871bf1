"""Alarms: when an account is to be judged although nothing has happened to it.

**The breach is computed.** From the rates of the live calls it is known when the next mark will be reached; an alarm is
set for that millisecond, and no other report is needed (contract 2). While a switch that carries the account's calls is
reading a backlog the account waits in that switch's `parked` instead. What ends by itself (a block, a limit for the
time being, an operator's allowance, a billing cycle with calls under a plan) sets an alarm too.

The alarms of all accounts are one heap; an account has at most one that counts (`Account.due_ms`), and those that an
earlier one has overtaken are swept out when they come to outnumber the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heapify, heappop, heappush
from typing import TYPE_CHECKING

from guard.core.accounts import NOT_SHOWN, Account
from guard.core.cards import next_look_ms
from guard.core.marks import TOP, climb_threshold
from guard.core.money import MS_PER_MINUTE
from guard.core.pools import Appraisal, appraise, least_wait_ms, moment_ms

if TYPE_CHECKING:
    from guard.core.world import World

_MIN_HEAP_TO_SWEEP = 4_096


class Alarms:
    """Sets the alarms of accounts."""

    __slots__ = ("_exact", "_sweep_at", "_world")

    def __init__(self, world: World) -> None:
        self._world = world
        self._sweep_at = _MIN_HEAP_TO_SWEEP
        self._exact = False

    @contextmanager
    def exactly(self, account: Account) -> Iterator[None]:
        """An alarm has led here: an estimate of the next crossing that came too early must not come again."""
        self._exact = account.pooled > 0
        try:
            yield
        finally:
            self._exact = False

    def reaches_limit_ms(self, account: Account, now_ms: int) -> int | None:
        """When the limit will be reached if nothing else happens; None: it has been, or it is not in sight."""
        limit = account.limit_in_force
        if limit is None or account.level == TOP:
            return None
        up = climb_threshold(limit, TOP)
        if account.pooled:
            return moment_ms(account, now_ms, up, account.cycle_at(now_ms).end_ms)
        return self.breach_ms(account, now_ms, up)

    def breach_ms(self, account: Account, now_ms: int, up: int | None) -> int | None:
        """When exposure will reach `up` (scaled micros) if nothing else happens; None: not in sight.

        With calls under a plan: the moment before which it cannot (`guard.core.pools`), or, when an alarm has led
        here, the very millisecond.
        """
        if up is None:
            return None
        if account.pooled:
            return self._pooled_breach_ms(account, now_ms, up)
        value = (account.owed_micros - account.trusted_micros) * MS_PER_MINUTE
        rate = 0
        for flight in account.flights:
            part, growth = flight.line()
            value += part
            rate += growth
        if rate <= 0:
            return None
        return max(now_ms + 1, -((value - up) // rate))

    def _pooled_breach_ms(self, account: Account, now_ms: int, up: int) -> int | None:
        if self._exact:
            return moment_ms(account, now_ms, up, account.cycle_at(now_ms).end_ms)
        gap = up - account.exposure_scaled(now_ms)
        rate = sum(flight.line()[1] for flight in account.flights)
        wait_ms = least_wait_ms(appraise(account, now_ms).bends, gap, rate)
        return None if wait_ms is None else now_ms + max(1, wait_ms)

    def set(self, account: Account, now_ms: int) -> None:
        """Be woken when the account must be judged next, if nothing happens before."""
        if account.pooled:
            self.show(account, appraise(account, now_ms), now_ms)
            self._schedule(account, now_ms)
            return
        if account.shown is not NOT_SHOWN:
            self._world.show_pools(account, NOT_SHOWN)
        ends = account.causes or account.until_ms is not None or account.allow_until_ms is not None
        if ends or _card_watched(account):
            self._schedule(account, now_ms)
        elif account.flights:
            self._set_breach_alarm(account, now_ms)

    def follow(self, account: Account, now_ms: int, line: int, rate: int) -> None:
        """The same, knowing what exposure is now (scaled) and how fast it grows: after every report.

        `line` may lie below what an account is worth: calls whose clock runs ahead have not begun to grow.
        """
        books = account.books
        if (
            account.causes
            or account.until_ms is not None
            or account.allow_until_ms is not None
            or account.shown is not NOT_SHOWN
            or (books is not None and books.card_watched)
        ):
            self.set(account, now_ms)
            return
        up = account.up_scaled
        if up is not None and rate > 0:
            breach_ms, due_ms = now_ms - (line - up) // rate, account.due_ms
            if due_ms is None or breach_ms < due_ms:
                self._world.wake(account, max(now_ms + 1, breach_ms))

    def set_pooled(self, account: Account, now_ms: int, exposure: int, appraisal: Appraisal) -> None:
        """The same for an account with calls under a plan whose worth has just been worked out: after every report."""
        self.show(account, appraisal, now_ms)
        up = account.up_scaled
        ends = account.causes or account.until_ms is not None or account.allow_until_ms is not None
        if self._exact or ends or _card_watched(account):
            self._schedule(account, now_ms)
            return
        rate = 0
        for flight in account.flights:
            if flight.switch.lagging:
                flight.switch.parked[account.id] = None
            else:
                rate += flight.rate_micros
        due_ms = account.cycle_at(now_ms).end_ms
        if up is not None:
            wait_ms = least_wait_ms(appraisal.bends, up - exposure, rate)
            if wait_ms is not None and now_ms + wait_ms < due_ms:
                due_ms = now_ms + max(1, wait_ms)
        if account.due_ms is None or due_ms < account.due_ms:
            self._world.wake(account, due_ms)

    def show(self, account: Account, appraisal: Appraisal, now_ms: int) -> None:
        """Bring the totals of all accounts in step with the pools of this one, as if they went on growing like now."""
        value, rate, anchor = account.shown
        if value + rate * now_ms - anchor != appraisal.net_scaled:
            rate = sum(steepest for wait_ms, steepest in appraisal.bends if not wait_ms)
            self._world.show_pools(account, (appraisal.net_scaled, rate, rate * now_ms))

    def _set_breach_alarm(self, account: Account, now_ms: int) -> None:
        """`breach_ms` and `park` in one pass over the flights: this is done after every report."""
        up = account.up_scaled
        value = (account.owed_micros - account.trusted_micros) * MS_PER_MINUTE
        rate = 0
        for flight in account.flights:
            switch = flight.switch
            value += flight.stated_micros * MS_PER_MINUTE + flight.frozen_scaled
            if switch.lagging:
                switch.parked[account.id] = None
            else:
                value += flight.rate_micros * switch.skew_ms - flight.anchor
                rate += flight.rate_micros
        if up is not None and rate > 0:
            breach_ms, due_ms = -((value - up) // rate), account.due_ms
            if due_ms is None or breach_ms < due_ms:
                self._world.wake(account, max(now_ms + 1, breach_ms))

    def _schedule(self, account: Account, now_ms: int) -> None:
        moments = [self.breach_ms(account, now_ms, account.up_scaled), account.allow_until_ms, account.until_ms]
        moments.append(next_look_ms(account, now_ms))
        moments += [cause.until_ms for cause in account.causes]
        if account.pooled:
            # What is left of the quota is another then.
            moments.append(account.cycle_at(now_ms).end_ms)
        known = [moment for moment in moments if moment is not None]
        if known:
            self._world.wake(account, min(known))
        for flight in account.flights:
            if flight.switch.lagging:
                flight.switch.parked[account.id] = None

    @property
    def next_due_ms(self) -> int | None:
        """When the next account is to be judged by itself."""
        alarms = self._world.alarms
        return alarms[0][0] if alarms else None

    def soonest(self, count: int, now_ms: int) -> list[tuple[int, str]]:
        """(when, account) of those among the next `count` alarms that will reach their limit, the nearest first."""
        accounts = self._world.accounts
        reached = ((self.reaches_limit_ms(accounts[each], now_ms), each) for each in nearest(self._world, count))
        return sorted((at_ms, each) for at_ms, each in reached if at_ms is not None)

    def sweep(self) -> None:
        """Drop alarms that were overtaken by an earlier one, when they have come to outnumber the others."""
        world = self._world
        if len(world.alarms) > self._sweep_at:
            accounts = world.accounts
            world.alarms = sorted({entry for entry in world.alarms if accounts[entry[1]].due_ms == entry[0]})
            heapify(world.alarms)
            self._sweep_at = max(_MIN_HEAP_TO_SWEEP, 2 * len(world.alarms))


def nearest(world: World, count: int) -> list[str]:
    """The accounts whose next alarms come first, in that order: a walk down the heap, whatever its size."""
    alarms, accounts = world.alarms, world.accounts
    found: list[str] = []
    frontier = [(alarms[0], 0)] if alarms else []
    while frontier and len(found) < count:
        (at_ms, account_id), index = heappop(frontier)
        if accounts[account_id].due_ms == at_ms:
            found.append(account_id)
        for child in (2 * index + 1, 2 * index + 2):
            if child < len(alarms):
                heappush(frontier, (alarms[child], child))
    return found


def _card_watched(account: Account) -> bool:
    """Whether it has a card on file that is to be looked at once a day."""
    books = account.books
    return books is not None and books.card_watched
