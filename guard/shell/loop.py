"""The loop: one batch after the other, from messages to what the world sees of them.

    take (control first) -> engine -> commit -> send commands -> acknowledge -> answer -> tell (decisions, notices)
      (`intake`)                  (`persistence`) (`dispatch`)

**Self-clocked group commit.** There is no linger timer: while one batch is being committed the next one gathers, so
batches are small when there is little to do (latency) and big when there is much (throughput).

**Order.** A message is acknowledged only when what it said is durable, in order of receipt. Commands leave only after
the commit that contains their decision. A batch that cannot be committed is tried again, unchanged, until it can: no
acknowledgement leaves meanwhile, so the broker keeps what comes, and readiness turns false. Time does not stop for
that: what falls due meanwhile is decided in the batch after it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import structlog

from guard.core.anomaly import Finding
from guard.core.decisions import Changes, Decision, KeptRow, Notice, Send
from guard.core.engine import Engine
from guard.core.records import Intent, IntentResult, Refusal
from guard.core.rules.past import Past
from guard.core.setup import Reload
from guard.ports import Clock, Source, Store
from guard.shell import intake
from guard.shell.persistence import Persistence
from guard.wire.topics import Topics

INTENTS_WAITING = 1_000
"""Operators' intents that may wait: more than people can have clicked."""
NS_PER_MS = 1_000_000
NS_PER_S = 1_000_000_000
SLIP_MS = 1_000
"""Smaller steps of the wall clock add up to this before they are noted."""
STEP_MS = 5_000
"""Wall-clock time that passes by this much more or less than real time was set, not slewed."""
A_MOMENT_MS = 1
"""What falls due so soon is waited for, not worked up to: a piece of a reader's work takes as long."""
BOUNDED_WAIT_MS = 1_000
"""The loop turns at least so often, so that health can be judged by its last turn."""


T = TypeVar("T")


class Figures(intake.Figures, Protocol):
    """What the loop counts, beside what its intake does."""

    def committed(self, seconds: float, reports: int) -> None:
        """A batch became durable."""
        ...

    def confirmed(self, seconds: float) -> None:
        """A command was acknowledged so long after it was given."""
        ...


class Sender(Protocol):
    """Brings the switches what a durable batch has for them."""

    def begin_anew(self) -> None:
        """Guard can be heard again: whoever listens may have forgotten what was said."""
        ...

    def send(self, sends: Sequence[Send]) -> None:
        """Without waiting; called after each batch, also when it has nothing for anybody."""
        ...


def _nobody_listens(_: object) -> None:
    """What is told before anybody has asked to be told."""


async def _nothing_to_say(_: Changes) -> None:
    """Nobody else decides for other accounts."""


def _nothing_to_note() -> None:
    """Nobody keeps the clock, or notes what was taken, or waits for the loop to rest."""


async def _at_once() -> None:
    """Nobody else takes batches."""


@dataclass(slots=True)
class _Asked:
    """Something that somebody wants of the engine and waits for."""

    enter: Callable[[int], None]
    """Let it enter the engine, at that time."""
    answer: Callable[[], None]
    """What became of it is durable: say so."""


class Loop:
    """Runs the engine between a source and a store."""

    def __init__(  # noqa: PLR0913 -- the loop is where everything meets; each is named at the one call
        self,
        *,
        engine: Engine,
        store: Store,
        clock: Clock,
        calls: Source,
        control: Source,
        dispatch: Sender,
        topics: Topics,
        figures: Figures,
        refused: Callable[[str, Refusal], None],
        reports_batch: int = intake.REPORTS_BATCH,
    ) -> None:
        self._engine = engine
        self._store = store
        self._clock = clock
        self._figures = figures
        self._intake = intake.Intake(
            engine=engine,
            calls=calls,
            control=control,
            topics=topics,
            figures=figures,
            refused=refused,
            posted_since=self._posted_since,
            reports_batch=reports_batch,
        )
        # Turning in place is still turning: the loop is alive, the store is not.
        self._persistence = Persistence(clock, between=self._look_at_the_clock)
        self._dispatch = dispatch
        self._arrived = asyncio.Event()
        self._asked: deque[_Asked] = deque()
        self._answers: list[Callable[[], None]] = []
        """For those whose wish has entered the engine and is not durable yet."""
        self._subscribed = self._cut_off = False
        self._log = structlog.get_logger("guard").bind()
        self.on_decisions: Callable[[list[Decision]], None] = _nobody_listens
        self.on_notice: Callable[[Notice], None] = _nobody_listens
        self.on_commit: Callable[[int], None] = _nobody_listens
        """Gets how many milliseconds a commit took."""
        self.before_commit: Callable[[Changes], Awaitable[None]] = _nothing_to_say
        """Says to others what the batch has for them; `StoreError` while that cannot be."""
        self.before_turn: Callable[[], Awaitable[None]] = _at_once
        """Waits until this loop may take a batch, or go on with it; others may want to."""
        self.on_pause: Callable[[], None] = _nothing_to_note
        """It waits for the store in the middle of a batch: others may take theirs."""
        self.on_taken: Callable[[], None] = _nothing_to_note
        """All that was drained has entered the engine: what is committed next covers it."""
        self.on_clock: Callable[[], None] = _nothing_to_note
        """In the first batch, and in each that follows a step of the clock or many small ones: note how it stands."""
        self.on_rest: Callable[[], None] = _nothing_to_note
        """It begins to wait: what else this thread has to do may use the moment."""
        self._resting = True
        self._ending = False
        self._clock_changed = True
        self._ahead_ms = self._noted_ahead_ms = 0
        """How far the wall clock is ahead of the monotonic one: now, and when that was noted."""
        self.last_turn_ms = clock.now_ms()
        self._last_monotonic_ns = clock.monotonic_ns()
        self.settled = True
        """All that has entered the engine is durable."""
        self.clock_steps = 0
        """Plain counter: times that this machine's clock was set."""

    @property
    def store_failure(self) -> str:
        """Why the store does not take batches; empty when it does."""
        return self._persistence.failure

    @property
    def idle(self) -> bool:
        """It waits, and goes on waiting: nothing has come in, and nothing falls due in the next moment."""
        return (
            self._resting
            and not self._arrived.is_set()
            and self._engine.next_wake_ms > self._clock.now_ms() + A_MOMENT_MS
        )

    # -- what others call

    def arrived(self) -> None:
        """Messages have come in: take a turn."""
        self._arrived.set()

    def end(self) -> None:
        """Turn no more: `run` returns after the turn that comes next, or that is being made."""
        self._ending = True
        self._arrived.set()

    def subscribed(self) -> None:
        """Both sessions are subscribed (again)."""
        self._subscribed = True
        self._dispatch.begin_anew()
        self._arrived.set()

    def cut_off(self) -> None:
        """A session is not subscribed: guard cannot hear, or cannot be heard."""
        self._cut_off, self._subscribed = True, False
        self._arrived.set()

    def let_go(self) -> None:
        """After `run`: of all that leads back to it, which only the garbage collector would find."""
        del self._intake, self._persistence

    def hear(self, take: Callable[[bytes, int], None]) -> None:
        """Words of other partitions come with the control messages."""
        self._intake.on_words = take

    def carry(self, take: Callable[[bytes, int], Callable[[], None]]) -> None:
        """Intents come with the messages, too: `take` lets one enter; what it gives says that it is durable."""
        self._intake.on_intent = lambda payload, now_ms: self._answers.append(take(payload, now_ms))

    async def ask(self, intent: Intent) -> IntentResult | None:
        """Carry out an intent; returns when it is durable. None: too many are waiting already."""
        return await self._ask(lambda now_ms: self._engine.intent(intent, now_ms))

    async def reload(self, reload: Reload) -> bool:
        """Take up another setup between two batches; returns when that is durable. False: too many are waiting."""

        def take_up(now_ms: int) -> bool:
            self._engine.reload(reload, now_ms)
            return True

        return await self._ask(take_up) or False

    async def learn(self, pasts: Sequence[Past]) -> list[int] | None:
        """Take in what history knows of some accounts; of each how many days were news."""
        return await self._ask(lambda now_ms: [self._engine.learn(past, now_ms) for past in pasts])

    async def find(self, findings: Sequence[Finding], kept: Sequence[KeptRow]) -> None:
        """Let what the anomaly model has found enter the engine, and what is usual for accounts be stored."""

        def enter(now_ms: int) -> None:
            for finding in findings:
                self._engine.find(finding, now_ms)
            self._engine.world.changes.kept.extend(kept)

        await self._ask(enter)

    async def _ask(self, act: Callable[[int], T]) -> T | None:
        """Let it happen in the next batch; what it gives, once that is durable. None: too many are waiting."""
        if len(self._asked) >= INTENTS_WAITING:
            return None
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        given: list[T] = []

        def tell() -> None:
            if not answer.done():
                answer.set_result(given[0])

        self._asked.append(_Asked(lambda now_ms: given.append(act(now_ms)), tell))
        self._arrived.set()
        return await answer

    # -- turning

    async def run(self) -> None:
        """Turn until cancelled or told to end. What had been taken but not committed comes again from the broker."""
        while not self._ending:
            await self._wait()
            await self.before_turn()
            await self.turn()

    async def _wait(self) -> None:
        delay_ms = self._engine.next_wake_ms - self._clock.now_ms()
        if delay_ms > 0 and not self._arrived.is_set():
            self._resting = True
            self.on_rest()
            await self._clock.wait(self._arrived, min(delay_ms, BOUNDED_WAIT_MS))

    async def turn(self) -> None:
        """One batch: everything that has come in, up to the bounds."""
        self.settled = self._resting = False
        self._arrived.clear()
        now_ms = self._look_at_the_clock()
        self._engine.advance(now_ms)
        if self._clock_changed or abs(self._ahead_ms - self._noted_ahead_ms) > SLIP_MS:
            self._clock_changed, self._noted_ahead_ms = False, self._ahead_ms
            self.on_clock()
        if self._cut_off:
            self._cut_off = False
            self._engine.cut_off(now_ms)
        if self._subscribed:
            self._subscribed = False
            self._engine.subscribed(now_ms)
        if await self._intake.take_control(now_ms):
            self._arrived.set()
        while self._asked:
            asked = self._asked.popleft()
            asked.enter(now_ms)
            self._answers.append(asked.answer)
        if self._intake.take_calls(now_ms):
            # There may be more: do not wait for another message to be told of it.
            self._arrived.set()
        self.on_taken()
        changes = await self._commit()
        self.settled = True
        self._acknowledge()
        self._tell(changes)

    def _look_at_the_clock(self) -> int:
        """The time; before anything falls due by it, the engine learns whether the clock was set since last time."""
        now_ms, monotonic_ns = self._clock.now_ms(), self._clock.monotonic_ns()
        passed_ms = (monotonic_ns - self._last_monotonic_ns) // NS_PER_MS
        step_ms = now_ms - self.last_turn_ms - passed_ms
        self.last_turn_ms, self._last_monotonic_ns = now_ms, monotonic_ns
        self._ahead_ms = now_ms - monotonic_ns // NS_PER_MS
        if abs(step_ms) > STEP_MS:
            self.clock_steps += 1
            self._clock_changed = True
            self._log.warning("clock-stepped", by_ms=step_ms, remedy="let an NTP client slew the clock, not set it")
            self._engine.clock_stepped(now_ms, step_ms)
        return now_ms

    async def _posted_since(self, account: str, after_ms: int) -> int:
        """What the ledger holds, with all that has been taken until now."""
        self.on_pause()
        self._tell(await self._commit())
        posted = await self._persistence.insist(lambda: self._store.posted_since(account, after_ms))
        await self.before_turn()
        return posted

    # -- after the engine

    async def _commit(self) -> Changes:
        """Make durable what has been taken, then let the switches have it."""
        changes = self._engine.take()
        for waited_ms in self._engine.world.confirm_ms:
            self._figures.confirmed(waited_ms / 1_000)
        self._engine.world.confirm_ms.clear()
        if changes:
            began_ns = self._clock.monotonic_ns()
            await self._persistence.insist(lambda: self._keep(changes))
            took_ns = self._clock.monotonic_ns() - began_ns
            self._figures.committed(took_ns / NS_PER_S, self._intake.taken.reports)
            self.on_commit(took_ns // NS_PER_MS)
        self._dispatch.send(changes.sends)
        return changes

    async def _keep(self, changes: Changes) -> None:
        await self.before_commit(changes)
        await self._store.commit(changes)

    def _acknowledge(self) -> None:
        """All that was taken is durable: the broker and whoever asked may know."""
        self._intake.acknowledge()
        answers, self._answers = self._answers, []
        for answer in answers:
            answer()

    def _tell(self, changes: Changes) -> None:
        """What is durable goes to the sinks."""
        if changes.decisions:
            self.on_decisions(changes.decisions)
        for notice in changes.notices:
            self.on_notice(notice)
