"""A courier: tells one target of webhooks everything it is owed, at least once, whatever the target does.

    history --spool--> owed (at most some 1,000, in the store and here) --attempts--> delivered | again later | dead

**Level-triggered.** The courier knows how far the target has been through the history (`guard.core.events`), reads what
is beyond, and notes what of it the target wants. When too much is owed it reads no further: the history is the queue,
so nothing grows while a target is away. A crash loses notes of progress at most, and then an event is sent again under
its id.

**Attempts.** Up to `WINDOW` at a time, at most half of them retries, so that a new event does not wait behind old ones.
Two events of one account (or switch) are never under way together. So while all goes well each account's events arrive
in their order; a retry comes after what has arrived meanwhile, and receivers go by the event's own time. A target that
keeps matters open (`incident`) would be misled by that: there, an event that a newer one of its matter has overtaken is
dropped.

**After an outage** the first success makes what waits due, once a minute at most for each event: the back-off is for a
target that is away, not for one that is back.

Each target has its own courier, and nothing is shared but the store: a slow one delays nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import structlog

from guard.core.events import Event, Owed, Position, WebhookView
from guard.ports import Clock, Notifier, Outbox, Sent, StoreError
from guard.shell.backoff import LONGEST_MS, next_attempt_ms

WINDOW = 8
"""Attempts under way at a time: a receiver that takes a second for each gets 8 events a second."""
RETRIES = 4
"""Of these, retries."""
MOST_OWED = 1_000
"""Events owed before no more of the history is read: about 2 MB."""
CHUNK = 200
"""Decisions and notices read at a time."""
POSITION_LAG = 1_000
"""Decisions that nobody wants after which the position is noted all the same."""
AGAIN_MS = 60_000
"""After an outage an event comes again no sooner than so long after it was last tried."""
GATHER_MS = 100
"""Between two turns at the store: what comes in a burst is read, noted and crossed out together."""
STORE_RETRY_MS = 1_000
IDLE_MS = 60_000

T = TypeVar("T")

RESULTS = ("delivered", "failed", "dead", "overtaken")
"""What can come of an attempt or instead of it; `failed` ones are made again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A target: its name, and which events it wants."""

    name: str
    kind: str
    events: tuple[str, ...]
    incident: Callable[[Event], object] | None = None
    """For a target that keeps matters open: what matter an event belongs to."""


class Courier:
    """Tells one target."""

    def __init__(self, route: Route, notifier: Notifier, outbox: Outbox, clock: Clock) -> None:
        self.route = route
        self.results = dict.fromkeys(RESULTS, 0)
        self.dead = 0
        self._notifier = notifier
        self._outbox = outbox
        self._clock = clock
        self._log = structlog.get_logger("guard").bind(webhook=route.name)
        self._name = route.name
        self._position = self._noted = Position(0, 0)
        self._owed: dict[str, Owed] = {}
        self._flying: dict[str, Owed] = {}
        self._busy: set[str] = set()
        self._done: dict[str, None] = {}
        self._changed: dict[str, Owed] = {}
        self._behind = self._stale = True
        self._stir = asyncio.Event()
        self._delivered_ms: int | None = None
        self._failing_since_ms: int | None = None
        self._error = ""
        self._store_error = ""

    # -- what others call

    def tell(self) -> None:
        """There is news in the history."""
        self._behind = True
        self._stir.set()

    def look_again(self) -> None:
        """What is owed has been changed in the store: dead letters are to be sent again."""
        self._stale = True
        self._stir.set()

    @property
    def pending(self) -> int:
        """How many events are to be sent."""
        return len(self._owed)

    def view(self) -> WebhookView:
        """How it stands with the target."""
        return WebhookView(
            webhook=self.route.name,
            kind=self.route.kind,
            events=self.route.events,
            pending=self.pending,
            dead=self.dead,
            delivered_ms=self._delivered_ms,
            failing_since_ms=self._failing_since_ms,
            error=self._error,
        )

    # -- turning

    async def run(self) -> None:
        """Deliver until cancelled; what is under way then is sent again after the next start."""
        async with asyncio.TaskGroup() as flights:
            self._position = self._noted = await self._persist(lambda: self._outbox.position(self._name))
            asks_ms = self._clock.now_ms()
            while True:
                self._stir.clear()
                now_ms = self._clock.now_ms()
                if self._wants_store and not 0 < asks_ms - now_ms <= GATHER_MS:
                    await self._use_store()
                    asks_ms = self._clock.now_ms() + GATHER_MS
                self._dispatch(flights)
                await self._clock.wait(self._stir, self._wait_ms(asks_ms))

    @property
    def _wants_store(self) -> bool:
        """Whether there is something to read or to note."""
        news = self._behind and len(self._owed) < MOST_OWED
        return bool(news or self._stale or self._done or self._changed)

    async def _use_store(self) -> None:
        await self._note_progress()
        if self._stale:
            await self._take_up()
        if self._behind:
            await self._spool()

    def _wait_ms(self, asks_ms: int) -> int:
        """Until the next retry, or until the store is asked again. What else is due waits for what will stir."""
        now_ms = self._clock.now_ms()
        waits = [owed.due_ms - now_ms for owed in self._owed.values() if owed.due_ms > now_ms]
        if self._wants_store:
            waits.append(max(1, asks_ms - now_ms))
        return min([*waits, IDLE_MS])

    # -- what is owed

    async def _take_up(self) -> None:
        """Read what is owed from the store: at the start, and when dead letters are to be sent again."""
        self._stale = False
        pending = await self._persist(lambda: self._outbox.pending(self._name))
        counts = await self._persist(self._outbox.counts)
        self.dead = counts.get(self._name, (0, 0))[1]
        for owed in pending:
            event = owed.event.id
            # The store is behind what has just landed.
            if event not in self._owed and event not in self._done and event not in self._changed:
                self._owed[event] = owed

    async def _spool(self) -> None:
        """Go through what is new in the history, as far as there is room."""
        while len(self._owed) < MOST_OWED:
            self._behind = False
            events, position = await self._persist(lambda: self._outbox.after(self._position, CHUNK))
            if position == self._position:
                return
            self._behind = True
            now_ms = self._clock.now_ms()
            new = [
                Owed(event=event, due_ms=now_ms, since_ms=now_ms) for event in events if event.type in self.route.events
            ]
            self._position = position
            if new or sum(position) - sum(self._noted) >= POSITION_LAG:
                await self._owe(new)
            self._owed.update((owed.event.id, owed) for owed in new)

    async def _owe(self, new: list[Owed]) -> None:
        position = self._position
        await self._persist(lambda: self._outbox.owe(self._name, new, position))
        self._noted = position

    # -- attempts

    def _dispatch(self, flights: asyncio.TaskGroup) -> None:
        now_ms = self._clock.now_ms()
        retries = sum(owed.attempts > 0 for owed in self._flying.values())
        for owed in [*self._ready(now_ms)]:
            if len(self._flying) == WINDOW:
                return
            if owed.event.subject in self._busy or (owed.attempts and retries == RETRIES):
                continue
            retries += owed.attempts > 0
            self._flying[owed.event.id] = owed
            self._busy.add(owed.event.subject)
            flights.create_task(self._attempt(owed), name=f"webhook {self._name}")

    def _ready(self, now_ms: int) -> Iterator[Owed]:
        """What may be sent now, in the order in which it became owed."""
        for owed in self._owed.values():
            # One that is due later than ever possible: the clock was set back.
            due = owed.due_ms <= now_ms or owed.due_ms > now_ms + 2 * LONGEST_MS
            if due and owed.event.id not in self._flying:
                yield owed

    async def _attempt(self, owed: Owed) -> None:
        sent = await self._notifier.send(owed.event, self._clock.now_ms())
        del self._flying[owed.event.id]
        self._busy.discard(owed.event.subject)
        self._landed(owed, sent, self._clock.now_ms())
        self._stir.set()

    def _landed(self, owed: Owed, sent: Sent, now_ms: int) -> None:
        event = owed.event
        owed.attempts += 1
        owed.tried_ms = now_ms
        owed.error = sent.error
        if not sent.error:
            self._drop(event, "delivered")
            self._drop_overtaken(event)
            self._recovered(now_ms)
            return
        self.results["failed"] += 1
        self._failed(sent.error, now_ms)
        self._changed[event.id] = owed
        due_ms = next_attempt_ms(event.id, owed.attempts, owed.since_ms, now_ms, sent.retry_after_ms)
        if due_ms is not None:
            owed.due_ms = due_ms
            return
        owed.dead = True
        del self._owed[event.id]
        self.dead += 1
        self.results["dead"] += 1
        self._log.error("webhook-dead-letter", id=event.id, type=event.type, attempts=owed.attempts, reason=sent.error)

    def _drop(self, event: Event, result: str) -> None:
        del self._owed[event.id]
        self._changed.pop(event.id, None)
        self._done[event.id] = None
        self.results[result] += 1

    def _drop_overtaken(self, newer: Event) -> None:
        """What is older of the same matter would open it again."""
        incident = self.route.incident
        if incident is None:
            return
        matter = incident(newer)
        for owed in [*self._owed.values()]:
            older = owed.event
            if older.at_ms <= newer.at_ms and older.number < newer.number and incident(older) == matter:
                self._drop(older, "overtaken")

    def _failed(self, error: str, now_ms: int) -> None:
        if self._failing_since_ms is None:
            self._failing_since_ms = now_ms
        if error != self._error:
            self._error = error
            self._log.warning("webhook-failing", reason=error, owed=self.pending)

    def _recovered(self, now_ms: int) -> None:
        self._delivered_ms = now_ms
        if self._failing_since_ms is None:
            return
        self._failing_since_ms, self._error = None, ""
        self._log.info("webhook-recovered", owed=self.pending)
        for owed in self._owed.values():
            owed.due_ms = min(owed.due_ms, max(now_ms, owed.tried_ms + AGAIN_MS))

    async def _note_progress(self) -> None:
        """Tell the store what has landed; what lands meanwhile is told next time."""
        if not self._done and not self._changed:
            return
        done, self._done = self._done, {}
        changed, self._changed = self._changed, {}
        await self._persist(lambda: self._outbox.settle(self._name, [*done], [*changed.values()]))

    async def _persist(self, attempt: Callable[[], Awaitable[T]]) -> T:
        """Ask the store until it answers; say once what is wrong with it."""
        while True:
            try:
                answer = await attempt()
            except StoreError as error:
                if str(error) != self._store_error:
                    self._store_error = str(error)
                    self._log.warning("webhook-store-failed", reason=self._store_error)
                await self._clock.sleep(STORE_RETRY_MS)
            else:
                self._store_error = ""
                return answer
