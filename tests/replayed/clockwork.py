"""A clock that moves only when the daemon's loop waits, and lets each input in at its moment.

The loop asks the clock to wait until something arrives or until its engine wants to be woken. If an input of the
schedule comes first, that moment is now and the input arrives; else the time has come for which the loop waited. So the
daemon wakes where it would have, whenever its engine asks, and every input is a turn of its own.
"""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Generic, Protocol, TypeVar
from unittest.mock import patch

from guard.adapters.mqtt import Session, SessionOptions
from guard.app import run_daemon
from guard.config import Config
from guard.core.records import Ack
from guard.core.settings import MINUTE_MS
from guard.ports import Message
from guard.replay.payloads import encode_ack
from tests.replayed.twin import CONTROL, INTENT, PREFIX, Entry, way_of

PATIENCE_S = 20.0
CONFLICT = 409


class Arriving(Protocol):
    """A session that takes messages from the schedule."""

    def arrive(self, topic: str, payload: bytes) -> None:
        """A message comes in."""
        ...


S = TypeVar("S", bound=Arriving)
SessionMaker = Callable[[SessionOptions, Callable[[], int]], Session]


class Clockwork(Generic[S]):
    """The schedule, the time, and the daemon's two sessions (see `guard.ports.Clock`)."""

    def __init__(self, entries: Sequence[Entry], start_ms: int, end_ms: int) -> None:
        self.entries = entries
        self.end_ms = end_ms
        """Time passes up to here after the last input."""
        self.position = 0
        self.stop_at = len(entries)
        """Beyond the last place: stand still there."""
        self.ready = asyncio.Event()
        """The daemon has both its sessions."""
        self.stopped = asyncio.Event()
        self.sessions: dict[str, S] = {}
        self.commands: list[str] = []
        """Ids of the commands sent, in their order."""
        self.url = ""
        self._now_ms = start_ms

    def now_ms(self) -> int:
        """The time of the schedule."""
        return self._now_ms

    def monotonic_ns(self) -> int:
        """No step of the clock ever."""
        return self._now_ms * 1_000_000

    async def sleep(self, ms: int) -> None:
        """What the loop does not wait for has nothing to do with the schedule's time."""
        await asyncio.sleep(ms / 1_000)

    async def wait(self, event: asyncio.Event, ms: int) -> None:
        """Up to the next input, or to the time that was asked for."""
        await asyncio.sleep(0)
        await self.ready.wait()
        if event.is_set():
            return
        if self.position == min(self.stop_at, len(self.entries)):
            await self._come_to_the_end(ms)
            return
        entry = self.entries[self.position]
        if entry.at_ms > self._now_ms + ms:
            self._now_ms += ms
            return
        self._now_ms = max(self._now_ms, entry.at_ms)
        self.position += 1
        await self.let_in(entry, event)

    async def _come_to_the_end(self, ms: int) -> None:
        if self.stop_at < len(self.entries) or self._now_ms >= self.end_ms:
            if self.stop_at <= len(self.entries):
                self.stopped.set()
            await asyncio.Event().wait()
        self._now_ms = min(self.end_ms, self._now_ms + ms)

    async def let_in(self, entry: Entry, event: asyncio.Event) -> None:
        """An input arrives."""
        if entry.way == INTENT:
            asking = asyncio.create_task(asyncio.to_thread(self._ask, entry))
            await event.wait()
            self._asking = asking
        else:
            self.sessions[entry.way].arrive(entry.topic, entry.payload)

    def _ask(self, entry: Entry) -> None:
        """An operator at the HTTP side; that an account stands at its limit (409) is an answer, too."""
        path = f"/api/v1/accounts/{urllib.parse.quote(entry.topic, safe='')}/release"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=entry.payload, method="POST", headers=headers)
        try:
            urllib.request.urlopen(request, timeout=PATIENCE_S).close()
        except urllib.error.HTTPError as error:
            with error:
                if error.code != CONFLICT:
                    raise


def heard(clockwork: Clockwork[S], topic: str, payload: bytes) -> None:
    """What a switch does with what it is sent: snapshots it acknowledges at once, commands as the schedule says."""
    _, _, kind = topic.rpartition("/")
    if kind != "commands":
        return
    message = json.loads(payload)
    if message["action"] == "snapshot":
        switch = topic.removeprefix(f"{PREFIX}/").removesuffix("/commands")
        ack = Ack(switch=switch, id=message["id"], ok=True, part=message["part"], at_ms=clockwork.now_ms())
        clockwork.sessions[CONTROL].arrive(f"{PREFIX}/{switch}/acks", encode_ack(ack))
    elif message["id"] not in clockwork.commands:
        clockwork.commands.append(message["id"])


class InMemory(Session):
    """A session without a broker."""

    def __init__(self, options: SessionOptions, clockwork: Clockwork[InMemory]) -> None:
        super().__init__(options, clockwork.now_ms)
        self._clockwork = clockwork
        clockwork.sessions[way_of(options.topics)] = self

    def arrive(self, topic: str, payload: bytes) -> None:
        """A message comes in."""
        self._intake.add(Message(topic, payload, self._clockwork.now_ms()))
        self.on_arrival()

    def acknowledge(self, messages: Sequence[Message]) -> None:
        """Nobody waits for it."""

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> bool:
        """Everybody hears it."""
        del retain
        heard(self._clockwork, topic, payload)
        return True

    def publish_tracked(self, topic: str, payload: bytes, *, retain: bool = False) -> asyncio.Future[bool]:
        """And it has arrived."""
        outcome: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        outcome.set_result(self.publish(topic, payload, retain=retain))
        return outcome

    async def run(self) -> None:
        """Always connected."""
        self.on_connected(True)  # noqa: FBT003 -- the session's signature
        await asyncio.Event().wait()


@contextmanager
def under(clockwork: Clockwork[S], session: SessionMaker) -> Iterator[None]:
    """What the composition root makes for itself, replaced: the clock and the broker.

    The loop also turns once a second to show that it is alive; days would be spent on that: here it is once a minute.
    """
    with (
        patch("guard.app.start.SystemClock", lambda: clockwork),
        patch("guard.app.start.since_boot", lambda: ("", 0)),
        patch("guard.app.links.Session", session),
        patch("guard.shell.loop.BOUNDED_WAIT_MS", MINUTE_MS),
    ):
        yield


async def serve(config: Config, clockwork: Clockwork[S], session: SessionMaker, stop_at: int) -> None:
    """Run the daemon from where the clockwork stands to a place in its schedule; then stop it as SIGTERM would."""
    clockwork.stop_at = stop_at
    clockwork.stopped.clear()
    clockwork.ready.clear()

    def ready(url: str) -> None:
        clockwork.url = url
        clockwork.ready.set()

    with under(clockwork, session):
        daemon = asyncio.create_task(run_daemon(config, on_ready=ready))
        stopped = asyncio.create_task(clockwork.stopped.wait())
        try:
            await asyncio.wait({daemon, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            daemon.cancel()
            stopped.cancel()
        with suppress(asyncio.CancelledError):
            await daemon
