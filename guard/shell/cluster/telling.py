"""What a worker tells of all its partitions, every second, for whoever looks at a page of any node.

A sum over 256 engines is made a few partitions at a time, with everything else in between: no slice of it takes longer
than about a millisecond, and none visits more accounts than are near their limit. It is written beside the leases
(`guard.ports.archive.Board`). When the store does not take it nothing is lost: a second later there is a newer one.

**Who is at risk.** Each partition names the few accounts whose alarms come next; of the nearest of all of these it is
worked out when they reach their limit, which takes long for accounts with a plan. With many partitions that is a good
picture of who is near a limit anywhere. Who is warned is ranked by how much of its limit it has used, a slice of the
warned accounts at a time.

**What switches answered** is in the memory of whoever decides, and in no row: which commands they refuse, and, while a
switch has not confirmed its list of blocks, which it has confirmed one by one. The newest of these are told.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge, nlargest, nsmallest
from itertools import islice
from typing import Protocol, TypeVar

import structlog

from guard.core.alarms import nearest
from guard.core.engine import Engine
from guard.core.pictures import switch_picture, totals_picture
from guard.core.settings import DAY_MS
from guard.core.switches import Switch
from guard.core.views import AccountState
from guard.ports import Clock, StoreError
from guard.ports.archive import Board
from guard.ports.cluster import Claim
from guard.shell.cluster.gathering import webhooks_together
from guard.shell.courier import Courier
from guard.shell.directory import used_share
from guard.wire.told import ToldPartition, ToldRefusal, ToldSwitch, ToldWorker, encode_told

TELL_EVERY_MS = 1_000
PARTITIONS_AT_ONCE = 4
"""Summed up before the loop turns: about half a millisecond with ten switches."""
ALARMS_OF_EACH = 8
"""Accounts with the nearest alarms that one partition names."""
ALARMS_LOOKED_AT = 75
"""Of all that are named: an account's next alarm may be for a warning, or for its card."""
LOOKED_AT_ONCE = 4
"""Of these before the loop turns: with plans, about half a millisecond."""
RANKED_AT_ONCE = 250
"""Warned accounts whose rank is worked out before the loop turns."""
MOST_TOLD = 200
"""Warned accounts that a worker names."""
MOST_ANSWERS = 500
"""Refusals that a worker tells, and as many confirmations: sorting them out takes about a millisecond each."""
AHEAD_MS = DAY_MS
"""Whoever reaches the limit later is not at risk: no call that is up now lasts so long."""

_Answer = TypeVar("_Answer")


class Side(Protocol):
    """A partition, as far as it is told of."""

    @property
    def claim(self) -> Claim:
        """Under which it is held."""
        ...

    @property
    def engine(self) -> Engine:
        """What decides for it."""
        ...

    @property
    def restored(self) -> bool:
        """Whether it decides already."""
        ...

    @property
    def couriers(self) -> Sequence[Courier]:
        """Who bring on-call its news."""
        ...


class Teller:
    """Tells for one worker while `run` runs."""

    def __init__(self, *, worker: str, partitions: Callable[[], Sequence[Side]], board: Board, clock: Clock) -> None:
        self._worker = worker
        self._partitions = partitions
        self._board = board
        self._clock = clock
        self._hits: Counter[tuple[str, str]] = Counter()
        """Of engines that are gone: what has fired here stays counted."""
        self._trouble = ""
        self._log = structlog.get_logger("guard").bind()

    def gone(self, engine: Engine) -> None:
        """An engine decides here no more."""
        self._hits.update(engine.rule_hits)

    async def run(self) -> None:
        """Tell every second, until cancelled."""
        while True:
            await self._clock.sleep(TELL_EVERY_MS)
            await self.tell()

    async def tell(self) -> None:
        """Put the present picture where the others look; what the store does not take is told anew later."""
        told = encode_told(await self.picture())
        try:
            await self._board.tell(self._worker, told)
        except StoreError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                self._log.warning("not-told", reason=self._trouble, effect="pages of other nodes lack this worker")
        else:
            self._trouble = ""

    async def picture(self) -> ToldWorker:
        """All partitions as they stand; the loop turns meanwhile."""
        sides = [side for side in self._partitions() if side.restored]
        partitions: list[ToldPartition] = []
        switches: dict[str, ToldSwitch] = {}
        hits = Counter(self._hits)
        alarms: list[tuple[int, str, Engine]] = []
        refusing: list[tuple[int, Switch]] = []
        confirming: list[tuple[int, Switch]] = []
        for number, side in enumerate(sides, 1):
            now_ms = self._clock.now_ms()
            partitions.append(_told(side, now_ms))
            _count_switches(side, switches, now_ms)
            hits.update(side.engine.rule_hits)
            alarms += _alarms(side.engine)
            refusing += _refusing(side.engine)
            confirming += _confirming(side.engine)
            if number % PARTITIONS_AT_ONCE == 0:
                refusing, confirming = _newest(refusing), _newest(confirming)
                await asyncio.sleep(0)
        return ToldWorker(
            partitions=partitions,
            switches=list(switches.values()),
            growing=await self._growing(nsmallest(ALARMS_LOOKED_AT, alarms, key=_moment)),
            used=await self._most_used([side.engine for side in sides]),
            hits=[(rule, mode, count) for (rule, mode), count in hits.items()],
            webhooks=webhooks_together([courier.view() for courier in side.couriers] for side in sides),
            refused=_told_of(_refusals(switch) for _, switch in _newest(refusing)),
            acked=_told_of(_acks(switch) for _, switch in _newest(confirming)),
        )

    async def _growing(self, alarms: Sequence[tuple[int, str, Engine]]) -> list[tuple[int, str]]:
        """Of accounts with alarms, those that will reach their limit, the nearest first."""
        growing: list[tuple[int, str]] = []
        for number, (_, account, engine) in enumerate(alarms, 1):
            now_ms = self._clock.now_ms()
            view = engine.picture(account, now_ms, 0)
            at_ms = None if view is None else view.reaches_limit_at_ms
            if at_ms is not None and at_ms <= now_ms + AHEAD_MS:
                growing.append((at_ms, account))
            if number % LOOKED_AT_ONCE == 0:
                await asyncio.sleep(0)
        return sorted(growing)

    async def _most_used(self, engines: Sequence[Engine]) -> list[tuple[int, str]]:
        """Warned accounts, those first that have used most of their limit."""
        best: list[tuple[int, str]] = []
        since_turn = 0
        for engine in engines:
            now_ms = self._clock.now_ms()
            warned = list(engine.world.in_state[AccountState.WARNED].values())
            for begin in range(0, len(warned), RANKED_AT_ONCE):
                some = warned[begin : begin + RANKED_AT_ONCE]
                best += ((used_share(each, now_ms), each.id) for each in some)
                since_turn += len(some)
                if since_turn >= RANKED_AT_ONCE:
                    since_turn = 0
                    best = nlargest(MOST_TOLD, best)
                    await asyncio.sleep(0)
        return nlargest(MOST_TOLD, best)


def _told(side: Side, now_ms: int) -> ToldPartition:
    engine, claim = side.engine, side.claim
    totals = totals_picture(engine.world, now_ms)
    return ToldPartition.of(claim.part, claim.epoch, totals, engine.held_count, fuse_open=engine.fuse_open)


def _alarms(engine: Engine) -> list[tuple[int, str, Engine]]:
    """The next ones of a partition: moment, account."""
    accounts = engine.world.accounts
    return [(accounts[each].due_ms or 0, each, engine) for each in nearest(engine.world, ALARMS_OF_EACH)]


def _moment(alarm: tuple[int, str, Engine]) -> tuple[int, str]:
    return alarm[0], alarm[1]


def _count_switches(side: Side, switches: dict[str, ToldSwitch], now_ms: int) -> None:
    for name, switch in side.engine.world.switches.items():
        told = switches.get(name)
        if told is None:
            told = switches[name] = ToldSwitch(name)
        told.add(side.claim.part, switch_picture(switch, now_ms))


def _refusing(engine: Engine) -> Iterator[tuple[int, Switch]]:
    """Switches that refuse commands, and since when the latest."""
    for switch in engine.world.switches.values():
        if switch.refused:
            yield next(reversed(switch.refused.values())).refused_ms, switch


def _refusals(switch: Switch) -> Iterator[tuple[int, ToldRefusal]]:
    """The newest first."""
    for pending in reversed(switch.refused.values()):
        yield pending.refused_ms, ToldRefusal(pending.account, pending.seq, switch.name, pending.error)


def _confirming(engine: Engine) -> Iterator[tuple[int, Switch]]:
    """Switches that have blocks although they have not confirmed their list, and since when the latest."""
    for switch in engine.world.switches.values():
        if switch.acked_at_ms and not switch.synced:
            yield next(reversed(switch.acked_at_ms.values())), switch


def _acks(switch: Switch) -> Iterator[tuple[int, tuple[str, str]]]:
    """The newest first."""
    for account, at_ms in reversed(switch.acked_at_ms.items()):
        yield at_ms, (switch.name, account)


def _newest(switches: list[tuple[int, Switch]]) -> list[tuple[int, Switch]]:
    """Those that can have one of the answers that are told."""
    return nlargest(MOST_ANSWERS, switches, key=_when)


def _told_of(answers: Iterable[Iterator[tuple[int, _Answer]]]) -> list[_Answer]:
    """The newest of all."""
    return [answer for _, answer in islice(merge(*answers, key=_when, reverse=True), MOST_ANSWERS)]


def _when(answer: tuple[int, object]) -> int:
    return answer[0]
