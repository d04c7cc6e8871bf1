"""One life of guard's process: the real engine, loop, feed, desk, couriers, retention and reload, put together by hand.

What it does reaches the world by three ways only: a commit, a message to the broker, an attempt at a receiver. Each is
a *seam*: the process may die there, or between any two steps of its event loop. From that moment on nothing it does
gets out; what is left of it is only cleared away.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Protocol

from guard.core.anomaly import Finding
from guard.core.decisions import Notice
from guard.core.engine import Engine
from guard.core.privacy import Deleted
from guard.core.records import Intent, IntentResult, Refusal
from guard.core.restored import Restored
from guard.core.rules.past import Past
from guard.core.setup import Setup
from guard.ports import Message, NotReadyError, SetupRefusedError, StoreError
from guard.shell.clock import SystemClock
from guard.shell.clockkeeper import ClockKeeper
from guard.shell.courier import Route
from guard.shell.desk import Desk
from guard.shell.dispatch import Dispatch
from guard.shell.feed import Feed
from guard.shell.loop import Loop
from guard.shell.oncall import line_of
from guard.shell.reload import Reloader
from guard.shell.retention import Retention
from guard.shell.webhooks import PostOffice
from guard.wire.topics import Topics
from tests.simulation.broker import Broker, Session
from tests.simulation.receivers import Receiver
from tests.simulation.schedule import START_MS, Schedule
from tests.simulation.steps import SteppedLoop
from tests.simulation.store import Disk, SteppedStore

NS_PER_MS = 1_000_000
PPM = 1_000_000
BURIAL_STEPS = 20_000
EVENTS = ("warn", "cleared", "block", "unblock", "held", "allow", "unconfirmed", "blind", "fuse", "store", "refused")


class WorldClock(SystemClock):
    """This machine's clock: it may be off, drift, and be set. Waiting is on the stepped loop."""

    def __init__(self, schedule: Schedule) -> None:
        self._schedule = schedule
        self.offset_ms = 0
        """What it was set ahead of the true time."""
        self.drift_ppm = 0

    def now_ms(self) -> int:
        """What it shows."""
        now_ms = self._schedule.now_ms
        return now_ms + self.offset_ms + (now_ms - START_MS) * self.drift_ppm // PPM

    def since_boot(self) -> tuple[str, int]:
        """The machine is never started again."""
        return "the only one", self._schedule.now_ms - START_MS

    def monotonic_ns(self) -> int:
        """The time that has passed."""
        return self._schedule.now_ms * NS_PER_MS


class Files(Protocol):
    """What the operator's files say."""

    def setup(self) -> Setup:
        """As guard reads them."""
        ...


@dataclass(frozen=True)
class Read:
    """What a reload has read."""

    setup: Setup
    changes: tuple[str, ...] = ()
    needs_restart: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Figures:
    """Everything that is counted, and of no further interest here."""

    def refused_reports(self, switch: str, count: int) -> None:
        """Reports that broke a rule."""

    def refused_billing(self, kind: str, outcome: str) -> None:
        """A billing message that broke a rule."""

    def lagged(self, seconds: float, reports: int) -> None:
        """Age of reports."""

    def confirmed(self, seconds: float) -> None:
        """A command was acknowledged."""

    def committed(self, seconds: float, reports: int) -> None:
        """A batch."""

    def deleted(self, deleted: Deleted) -> None:
        """Call details."""


class Link:
    """guard's end of a session with the broker: a `Source` and a `TrackedPublisher`."""

    def __init__(self, life: Life, session: Session, broker: Broker, random: Random) -> None:
        self._life = life
        self._session = session
        self._broker = broker
        self._random = random
        self._intake: deque[Message] = deque()
        self._tracked: list[asyncio.Future[bool]] = []
        self.up = False

    def drain(self, limit: int) -> list[Message]:
        """What has arrived."""
        return [self._intake.popleft() for _ in range(min(limit, len(self._intake)))]

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """PUBACK."""
        if self._life.seam():
            receipts: list[Any] = [message.receipt for message in messages]
            self._session.acknowledge(receipts, self._random.randint(1, 20))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Publish, if there is a connection."""
        return self._publish(topic, payload, retain=retain, heard=lambda _arrived: None)

    def publish_tracked(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[bool]:
        """Publish, and learn whether it has arrived."""
        outcome: asyncio.Future[bool] = self._life.loop.create_future()

        def heard(arrived: bool) -> None:  # noqa: FBT001 -- the broker's signature
            if not outcome.done() and not self._life.dead:
                outcome.set_result(arrived)

        if self._publish(topic, payload, retain=retain, heard=heard):
            self._tracked.append(outcome)
        elif not self._life.dead:
            outcome.set_result(False)
        return outcome

    def _publish(self, topic: str, payload: bytes, *, retain: bool, heard: Callable[[bool], None]) -> bool:
        if not self.up or not self._life.seam():
            return False
        delay_ms = self._random.randint(1, 20)
        self._broker.from_guard(topic, payload, retain=retain, delay_ms=delay_ms, heard=heard)
        return True

    # -- what the broker calls

    def deliver(self, topic: str, payload: bytes, receipt: tuple[int, int]) -> None:
        """A message comes in."""
        self._intake.append(Message(topic, payload, self._life.clock.now_ms(), receipt))
        self._life.arrived()

    def opened(self) -> None:
        """Connected and subscribed."""
        self.up = True
        self._life.connected()

    def closed(self) -> None:
        """The connection is over."""
        self.up = False
        for outcome in self._tracked:
            if not outcome.done() and not self._life.dead:
                outcome.set_result(False)
        self._tracked.clear()
        self._life.disconnected()


class Life:
    """guard from its start to its death."""

    def __init__(  # noqa: PLR0913 -- all of its surroundings, each named at the one call
        self,
        *,
        schedule: Schedule,
        random: Random,
        clock: WorldClock,
        broker: Broker,
        path: Path,
        disk: Disk,
        files: Callable[[], Files],
        receivers: Sequence[Receiver],
        keep_details_ms: int | None,
        saves_when_idle: bool,
        on_first_look: Callable[[], None],
    ) -> None:
        """`on_first_look` is called if no life before has left a word on this machine's clock."""
        self._schedule = schedule
        self.clock = clock
        self.dead = False
        self.ready = False
        """Restored and wired."""
        self.dies_in: int | None = None
        """Steps and seams until it dies."""
        self.loop = SteppedLoop(schedule, lambda: random.randint(1, 30))
        self._tasks: set[asyncio.Task[None]] = set()
        self._files = files
        self._receivers = receivers
        self._on_first_look = on_first_look
        self._keep_details_ms = keep_details_ms
        disk.died = self.die
        self._opened = SteppedStore(
            path, disk, self.loop, lambda: random.randint(1, 8), saves_when_idle=saves_when_idle
        )
        self.store = self._opened.store
        self.calls = Link(self, broker.calls, broker, random)
        self.control = Link(self, broker.control, broker, random)
        self.failed = ""
        self.notices: list[str] = []
        self.stopping = False
        self._start("guard", self._live())

    # -- what it is made of

    async def _run(self) -> None:
        setup = self._files().setup()
        clock = self.clock
        engine = Engine(setup.settings, setup.scopes, clock.now_ms(), rating=setup.rating, rules=setup.rules)
        restored = await self.store.restore()
        self._wire(engine, restored)
        await self._office.open()
        self.ready = True
        self._loop.cut_off()
        self.connected()
        async with asyncio.TaskGroup() as tasks:
            for name, turning in (
                ("feed", self._feed.run()),
                ("webhooks", self._office.run()),
                ("retention", self._retention.run()),
                ("loop", self._loop.run()),
            ):
                tasks.create_task(turning, name=name)

    def _wire(self, engine: Engine, restored: Restored) -> None:
        clock, topics, store = self.clock, Topics("guard/v1"), self.store
        clocks = ClockKeeper(engine, clock, clock.since_boot)
        restored.kept = clocks.restored(restored.kept)
        engine.restore(restored, clock.now_ms())
        clocks.compare()
        if clocks._known is None:
            self._on_first_look()
        self.engine = engine
        published = restored.unpublished[0].number - 1 if restored.unpublished else restored.last_decision
        figures = Figures()
        self._loop = Loop(
            engine=engine,
            store=store,
            clock=clock,
            calls=self.calls,
            control=self.control,
            dispatch=Dispatch(engine=engine, publisher=self.control, topics=topics),
            topics=topics,
            figures=figures,
            refused=self._refused,
        )
        self._feed = Feed(store=store, publisher=self.control, topics=topics, clock=clock, published=published)
        targets = [(Route(name=each.name, kind="webhook", events=EVENTS), each.at(self)) for each in self._receivers]
        self._office = PostOffice(store.outbox, clock, targets)
        self._reloader = Reloader(engine=engine, loop=self._loop, clock=clock, read=self._read, taken_up=_ignore)
        self._retention = Retention(store=store, clock=clock, keep_ms=lambda: self._keep_details_ms, figures=figures)
        self.desk = Desk(
            engine=engine,
            loop=self._loop,
            store=store,
            clock=clock,
            missing=lambda: "" if self.calls.up and self.control.up else "a session",
            metrics=lambda: b"",
            reloader=self._reloader,
        )

        self.desk.on_forgotten = lambda _account: self._retention.tell()

        def news(_: object) -> None:
            self._feed.tell()
            self._office.tell()

        def noticed(notice: Notice) -> None:
            self.notices.append(str(line_of(notice)))
            news(notice)

        self._loop.on_clock = clocks.note
        self._loop.on_decisions = news
        self._loop.on_notice = noticed

    def _read(self, _numbers: Sequence[str]) -> Read:
        return Read(self._files().setup())

    def _refused(self, topic: str, refusal: Refusal) -> None:
        """The daemon logs it."""

    # -- what is asked of it

    def submit(self, intent: Intent, answer: Callable[[str], None]) -> None:
        """An operator wants something; `answer` gets what became of it, if anything ever does."""

        async def asking() -> None:
            try:
                result: IntentResult = await self.desk.submit(intent)
            except NotReadyError:
                self._answer(answer, "not ready")
            else:
                self._answer(answer, result.value)

        self._start("intent", asking())

    def learn(self, past: Past, answer: Callable[[str], None]) -> None:
        """An operator has history learned; `answer` gets how many days of it were news."""

        async def asking() -> None:
            try:
                days = (await self.desk.learn([past]))[0]
            except NotReadyError:
                self._answer(answer, "not ready")
            else:
                self._answer(answer, str(days))

        self._start("learn", asking())

    def find(self, finding: Finding) -> None:
        """The anomaly model has found something."""
        self._start("find", self._loop.find([finding], []))

    def reload(self, answer: Callable[[str], None]) -> None:
        """The operator has guard read the files anew."""

        async def asking() -> None:
            try:
                await self.desk.reload("ana")
            except (NotReadyError, SetupRefusedError):
                self._answer(answer, "not ready")
            else:
                self._answer(answer, "done")

        self._start("reload", asking())

    def _answer(self, answer: Callable[[str], None], what: str) -> None:
        if not self.dead:
            answer(what)

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = self.loop.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self.dead or task.cancelled() or (error := task.exception()) is None:
            return
        if isinstance(error, StoreError) and not self.ready:
            # It does not start without its store; the service manager tries again.
            self.die()
        else:
            self.failed = f"{task.get_name()} failed: {_leaves(error)}"

    @property
    def owed(self) -> int:
        """What receivers have not got yet."""
        return sum(courier.pending for courier in self._office.couriers) if self.ready else 0

    # -- the sessions

    def arrived(self) -> None:
        """Messages have come."""
        if self.ready:
            self._loop.arrived()

    def connected(self) -> None:
        """A session is up."""
        if self.ready and self.calls.up and self.control.up:
            self._loop.subscribed()
            self._feed.tell()

    def disconnected(self) -> None:
        """A session is down."""
        if self.ready and not self.dead:
            self._loop.cut_off()

    # -- its end

    def stop(self) -> None:
        """The service manager stops it: tasks are cancelled, then what is stored only now and then is stored."""
        if not self.ready or self.dead or self.stopping:
            return
        self.stopping = True
        for task in self._tasks:
            task.cancel()

    async def _live(self) -> None:
        """As `guard.app.start` does it."""
        try:
            await self._run()
        finally:
            if self.stopping and not self.dead:
                if self._loop.settled:
                    with suppress(StoreError):
                        await self.store.commit(self.engine.keepsakes())
                self.die()

    def seam(self) -> bool:
        """Something is about to get out; whether it does."""
        if self.dies_in is not None:
            self.dies_in -= 1
            if self.dies_in < 0:
                self.die()
        return not self.dead

    def step(self) -> None:
        """Take a step; the process may die instead."""
        if self.seam():
            self.loop.step()

    def die(self) -> None:
        """From now on nothing gets out."""
        self.dead = True
        self.dies_in = None

    def bury(self) -> None:
        """Clear away what is left: the file is let go as it is, tasks end without effect."""
        self.dead = True
        self._opened.die()
        told: set[asyncio.Task[None]] = set()
        for _ in range(BURIAL_STEPS):
            if not self._tasks:
                return
            # Once each: also one that was told to stop before, and waits for its last commit.
            for task in self._tasks - told:
                task.cancel()
            told |= self._tasks
            while self._tasks:
                if self.loop.next_ms() != self._schedule.now_ms:
                    break
                self.loop.step()
        raise AssertionError(f"tasks that do not end: {self._tasks}")


def _ignore(_: object) -> None:
    """Nobody else goes by the files."""


def _leaves(error: BaseException) -> str:
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(_leaves(each) for each in error.exceptions)
    return f"{type(error).__name__}: {error}"
