"""The simulated switch on MQTT: publishes what happens, obeys what arrives. The only part of it that waits.

One connection, three jobs in one task group: `_live` advances the simulation when its next event
is due, `_listen` hands commands and scopes to it, `_send` empties the outbox. All three run on
one loop and the simulation is plain code between awaits, so it needs no lock. `_send` publishes
one message at a time at QoS 1 and waits for its PUBACK: reports keep their order, and while it
waits the next array fills up. Acknowledgements have an outbox of their own and do not wait behind
reports. Without a broker, calls go on and reports wait, the oldest being given up beyond
`MAX_WAITING`; after a reconnect the switch says `up` and gets its snapshot. The last will says
`down`.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import aiomqtt
import structlog

from guard.core.decisions import Command, SnapshotPart
from guard.core.records import Ack, Report
from guard.replay import payloads
from guard.replay.simulation import Simulation

MAX_WAITING = 500_000
"""Reports kept while the broker is away: at some 400 bytes each about 200 MB."""
LONGEST_IDLE_MS = 250
"""`finish` and new connections are noticed at least so often."""
FIRST_RETRY_S = 0.25
LAST_RETRY_S = 5.0
PUBLISH_TIMEOUT_S = 30.0

MakeClient = Callable[[aiomqtt.Will], aiomqtt.Client]
"""Makes a client for one connection; the caller knows address, credentials and protocol."""


@dataclass(slots=True)
class Heard:
    """What the switch was told, for whoever watches it."""

    message: Command | SnapshotPart
    received_at_ms: int
    obeyed_at_ms: int
    ack: Ack
    ended_calls: int


class SwitchLink:
    """One simulated switch at a broker."""

    def __init__(
        self,
        simulation: Simulation,
        make_client: MakeClient,
        *,
        prefix: str = "guard/v1",
        on_heard: Callable[[Heard], None] = lambda _heard: None,
        on_reports: Callable[[list[Report]], None] = lambda _reports: None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        """Join a simulation with a broker; `on_reports` sees every report once, when it happens."""
        self._simulation = simulation
        self._make_client = make_client
        self._base = f"{prefix}/{simulation.switch.name}"
        self._on_heard = on_heard
        self._on_reports = on_reports
        self._now_ms = now_ms
        self._reports: deque[bytes] = deque()
        self._acks: deque[bytes] = deque()
        self._wake = asyncio.Event()
        self._wake_acks = asyncio.Event()
        self._drained = asyncio.Event()
        self._drained.set()
        self._finished = False
        self._client: aiomqtt.Client | None = None
        self._log = structlog.get_logger("guard.replay").bind(switch=simulation.switch.name)
        self.sent = 0
        """Reports that the broker has acknowledged."""
        self.given_up = 0
        """Reports dropped because the broker was away too long."""
        self.connected = asyncio.Event()

    async def run(self) -> None:
        """Be a switch until cancelled; a broker that is away is tried again and again."""
        retry_s = FIRST_RETRY_S
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._live(), name="simulated calls")
            while True:
                try:
                    await self._connection()
                except aiomqtt.MqttError as error:
                    if self.connected.is_set():
                        retry_s = FIRST_RETRY_S
                    self.connected.clear()
                    self._log.warning("no broker", error=str(error), retry_s=retry_s)
                heed_cancellation()
                await asyncio.sleep(retry_s)
                retry_s = min(retry_s * 2, LAST_RETRY_S)

    async def finish(self, timeout_s: float = 10.0) -> bool:
        """Hang up every call, wait until the broker has all reports, and say `down`; False when there was no time."""
        self._emit(self._simulation.shut_down(self._now_ms()))
        self._finished = True
        with suppress(TimeoutError, aiomqtt.MqttError):
            async with asyncio.timeout(timeout_s):
                await self._drained.wait()
                if self._client is not None:
                    await self._publish(self._client, "status", payloads.encode_status(up=False))
        return self._drained.is_set()

    # -- one connection --------------------------------------------------------------------------

    async def _connection(self) -> None:
        """Serve one connection until it breaks."""
        will = aiomqtt.Will(f"{self._base}/status", payloads.encode_status(up=False), qos=1, retain=False)
        async with self._make_client(will) as client:
            heed_cancellation()
            await client.subscribe(
                [(f"{self._base}/commands", 1), (f"{self._base}/scopes", 1)],
                timeout=PUBLISH_TIMEOUT_S,
            )
            heed_cancellation()
            await self._publish(client, "status", payloads.encode_status(up=True))
            self.connected.set()
            self._client = client
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(self._listen(client), name="commands")
                    tasks.create_task(self._send_reports(client), name="reports")
                    tasks.create_task(self._send_acks(client), name="acks")
            except* aiomqtt.MqttError as errors:
                raise aiomqtt.MqttError("connection lost") from errors
            finally:
                self._client = None

    async def _listen(self, client: aiomqtt.Client) -> None:
        """Commands and scopes, in the order in which they arrive."""
        async for message in client.messages:
            now_ms = self._now_ms()
            if message.topic.value.endswith("/scopes"):
                self._scopes(message.payload, now_ms)
            else:
                self._order(message.payload, now_ms)

    def _scopes(self, payload: bytes, now_ms: int) -> None:
        try:
            tables = payloads.decode_scopes(payload)
        except payloads.PayloadError as error:
            self._log.warning("scopes not understood", error=str(error))
            return
        self._emit(self._simulation.learn_scopes(tables, now_ms))

    def _order(self, payload: bytes, now_ms: int) -> None:
        """Carry out a command; its reports are queued before its acknowledgement."""
        try:
            order = payloads.decode_order(payload)
        except payloads.PayloadError as error:
            self._log.warning("command not understood", error=str(error))
            if error.id:
                refusal = Ack(switch="", id=error.id, ok=False, at_ms=now_ms, error=str(error))
                self._queue_ack(refusal)
            return
        obeyed = self._simulation.obey(order, now_ms)
        self._emit(obeyed.reports)
        if obeyed.ack is not None:
            self._queue_ack(obeyed.ack)
            self._on_heard(
                Heard(
                    message=order,
                    received_at_ms=now_ms,
                    obeyed_at_ms=self._now_ms(),
                    ack=obeyed.ack,
                    ended_calls=obeyed.ack.ended_calls,
                )
            )

    # -- out -----------------------------------------------------------------------------------------

    async def _live(self) -> None:
        """Let time pass in the simulation."""
        while True:
            now_ms = self._now_ms()
            if not self._finished:
                self._emit(self._simulation.advance(now_ms))
            due_ms = self._simulation.next_at_ms()
            wait_ms = LONGEST_IDLE_MS if due_ms is None else due_ms - now_ms
            await asyncio.sleep(min(max(wait_ms, 1), LONGEST_IDLE_MS) / 1_000)

    def _emit(self, reports: list[Report]) -> None:
        if not reports:
            return
        self._on_reports(reports)
        self._reports.extend(payloads.encode_report(report) for report in reports)
        while len(self._reports) > MAX_WAITING:
            self._reports.popleft()
            self.given_up += 1
        self._drained.clear()
        self._wake.set()

    def _queue_ack(self, ack: Ack) -> None:
        self._acks.append(payloads.encode_ack(ack))
        self._wake_acks.set()

    async def _send_reports(self, client: aiomqtt.Client) -> None:
        """Publish what waits, in arrays; a report leaves the outbox when the broker has it."""
        while True:
            while self._reports:
                payload, count = next(payloads.batches(self._reports))
                await self._publish(client, "calls", payload)
                # `_emit` may have given up some of these meanwhile, but only beyond MAX_WAITING.
                for _ in range(min(count, len(self._reports))):
                    self._reports.popleft()
                self.sent += count
            self._drained.set()
            self._wake.clear()
            await self._wake.wait()

    async def _send_acks(self, client: aiomqtt.Client) -> None:
        """Publish acknowledgements; one that the broker did not take is sent on the next connection."""
        while True:
            while self._acks:
                await self._publish(client, "acks", self._acks[0])
                self._acks.popleft()
            self._wake_acks.clear()
            await self._wake_acks.wait()

    async def _publish(self, client: aiomqtt.Client, topic: str, payload: bytes) -> None:
        await client.publish(f"{self._base}/{topic}", payload, qos=1, timeout=PUBLISH_TIMEOUT_S)
        heed_cancellation()


def heed_cancellation() -> None:
    """Be cancelled after all; to be called after waiting for aiomqtt.

    aiomqtt waits with `asyncio.wait_for`, which up to Python 3.11 forgets a cancellation that comes in the very moment
    in which what it waits for is done. The task would live on, and whoever waits for its end would wait for ever.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
