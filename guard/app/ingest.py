"""`guard ingest`: from a configuration to a running ingest, and back again when it is told to stop.

    broker --calls (shared by all ingests)----> Ingest --> log
           --control (the one that sits)------>
           <------------------------- Relay <-- bus

**Sessions.** Where the broker speaks MQTT 5, ingests share the reports: each has a session of its own name, under
which the broker keeps what it has not acknowledged, and a shared subscription. Billing, status and acknowledgements
come by one session that one of them has at a time (`guard.shell.seat`), of the daemon's name: a cluster that takes the
place of a daemon finds its queue. With `shared = false` the reports come by the daemon's session too, to the one that
sits, and the others stand by: any broker can do that.

**The end.** Told to stop, it takes nothing more, waits until what it has taken is in the log and acknowledged, and
goes; whatever was left, the broker gives again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from urllib.parse import urlsplit

import structlog

from guard import __version__
from guard.adapters.http.probes import probes_app
from guard.adapters.http.tokens import TokenFile
from guard.adapters.log import set_up_logging
from guard.adapters.mqtt import (
    CALLS_RECEIVE_MAXIMUM,
    CONTROL_RECEIVE_MAXIMUM,
    BrokerAddress,
    Session,
    SessionOptions,
)
from guard.adapters.nats import ClusterLog, Relay, open_cluster_log
from guard.adapters.systemd import ServiceManager, service_manager
from guard.app.ingest_metrics import IngestMetrics
from guard.app.opening import remark_on_secrets, served
from guard.config import BrokerScheme, Config, ConfigError, Problem
from guard.login import broker_address, remark_on
from guard.loglogin import log_options, remark_on_log
from guard.ports import Clock
from guard.shell.clock import SystemClock
from guard.shell.ingest import Ingest
from guard.shell.interpreter import settle_interpreter
from guard.shell.seat import SAY_EVERY_MS, Seat
from guard.wire.topics import Role, Topics, client_id, ingest_client_id

DRAIN_WITHIN_S = 6.0
"""Above the time in which JetStream answers or is given up, below what all of the teardown may take."""
SITTING = "ingest.sitting"
SHARED = "$share/guard-ingest/"


def ingest_broker(config: Config) -> BrokerAddress:
    """The MQTT broker that an ingest reads; `ConfigError` when none is named."""
    section = config.broker
    if config.ingest.broker:
        scheme = BrokerScheme(urlsplit(config.ingest.broker).scheme)
        return broker_address(
            replace(config, broker=replace(section, url=config.ingest.broker, scheme=scheme)), os.environ
        )
    if section.scheme in {BrokerScheme.MQTT, BrokerScheme.MQTTS}:
        return broker_address(config, os.environ)
    problem = Problem(
        file=str(config.file or "guard.toml"),
        key="broker.url",
        line=None,
        found="names no MQTT broker for the ingest to read",
        accepted='url = "mqtt://HOST", or [ingest] broker = "mqtt://HOST"',
    )
    raise ConfigError([problem])


class IngestDaemon:
    """All parts of one ingest, wired when it is made; turns while `run` runs."""

    def __init__(self, config: Config, name: str, broker: BrokerAddress, cluster: ClusterLog, clock: Clock) -> None:
        self._clock = clock
        self._cluster = cluster
        self._shared = config.ingest.shared
        self._identity = f"{name}/{uuid.uuid4().hex}"
        self._seat = Seat(self._identity, clock.now_ms())
        topics = Topics(config.broker.prefix)
        own = ingest_client_id(topics.prefix, name) if self._shared else client_id(topics.prefix, Role.CALLS)
        self._calls = Session(
            SessionOptions(
                address=broker,
                client_id=own,
                topics=(f"{SHARED}{topics.calls_filter}" if self._shared else topics.calls_filter,),
                receive_maximum=CALLS_RECEIVE_MAXIMUM,
                protocol="5" if self._shared else "auto",
            ),
            clock.now_ms,
        )
        self._control = Session(
            SessionOptions(
                address=broker,
                client_id=client_id(topics.prefix, Role.CONTROL),
                topics=topics.control_filters,
                receive_maximum=CONTROL_RECEIVE_MAXIMUM,
            ),
            clock.now_ms,
        )
        self._ingest = Ingest(
            log=cluster.log,
            clock=clock,
            topics=topics,
            calls=self._calls,
            control=self._control,
            hears=lambda: self._calls.connected,
        )
        self._relay = Relay(cluster.connection, self._calls, topics)
        self._broker_there = asyncio.Event()
        self._broker_gone = asyncio.Event()
        self._calls.on_arrival = self._control.on_arrival = self._ingest.arrived
        self._calls.on_connected = self._connected
        self._calls.on_disconnected = self._disconnected
        self.on_ready: Callable[[], None] | None = None
        self._metrics = IngestMetrics(
            ingest=self._ingest,
            sessions={"calls": self._calls, "control": self._control},
            cluster=cluster,
            relay=self._relay,
            sits=lambda: self._seat.held,
        )
        self._log = structlog.get_logger("guard").bind(ingest=name)

    # -- how it does

    def metrics(self) -> bytes:
        """The Prometheus text."""
        return self._metrics.render()

    def healthy(self) -> str:
        """What is wrong with it: nothing, as long as it answers; a part that fails ends the process."""
        return ""

    def ready(self) -> str:
        """What it waits for; standing by is being ready."""
        if missing := self._cluster.missing():
            return missing
        wanted = {"calls": self._shared or self._seat.held, "control": self._seat.held}
        there = {"calls": self._calls.connected, "control": self._control.connected}
        absent = [name for name, needed in wanted.items() if needed and not there[name]]
        return f"not subscribed at the broker: {' and '.join(absent)}" if absent else ""

    def status(self) -> str:
        """In a line, for whoever asks the service manager."""
        return self.ready() or ("carrying, with control" if self._seat.held else "carrying")

    # -- turning

    async def run(self, manager: ServiceManager) -> None:
        """Turn until cancelled, then let what was taken get into the log; a part that fails ends all."""
        async with asyncio.TaskGroup() as tasks:
            parts = [
                tasks.create_task(manager.keep(self._clock, self.healthy, self.status), name="service manager"),
                tasks.create_task(self._ingest.run(), name="ingest"),
                tasks.create_task(self._relay_while_connected(), name="relay"),
                tasks.create_task(self._sit(), name="seat"),
            ]
            if self._shared:
                parts.append(tasks.create_task(self._calls.run(), name="calls"))
            try:
                await asyncio.Event().wait()
            finally:
                if not any(_failed(part) for part in parts):
                    drained = await self._ingest.drain(DRAIN_WITHIN_S)
                    self._log.info("drained", complete=drained, unfinished=self._ingest.unfinished)
                for part in parts:
                    part.cancel()

    async def _sit(self) -> None:
        """Take the seat, keep it, give it up; with it come the sessions of which there is one."""

        def hear(name: bytes) -> None:
            self._seat.hear(name.decode(errors="replace"), self._clock.now_ms())

        sessions = (self._control,) if self._shared else (self._control, self._calls)
        async with self._cluster.bus.listen(SITTING, hear), asyncio.TaskGroup() as tasks:
            sitting: list[asyncio.Task[None]] = []
            while True:
                if self._seat.look(self._clock.now_ms(), reached=not self._cluster.missing()):
                    if not sitting:
                        self._log.info("control-taken")
                        sitting = [tasks.create_task(session.run(), name="sitting") for session in sessions]
                    self._cluster.bus.send(SITTING, self._identity.encode())
                elif sitting:
                    self._log.info("control-given-up")
                    for session in sitting:
                        session.cancel()
                    await asyncio.wait(sitting)
                    sitting = []
                if self.on_ready is not None and not self.ready():
                    self.on_ready()
                    self.on_ready = None
                await self._clock.sleep(SAY_EVERY_MS)

    async def _relay_while_connected(self) -> None:
        while True:
            await self._broker_there.wait()
            self._broker_gone.clear()
            async with self._relay.relaying():
                await self._broker_gone.wait()

    def _connected(self, _known: bool) -> None:  # noqa: FBT001 -- the session's signature
        self._broker_there.set()

    def _disconnected(self, _reason: str) -> None:
        self._broker_there.clear()
        self._broker_gone.set()


def _failed(part: asyncio.Task[None]) -> bool:
    return part.done() and not part.cancelled() and part.exception() is not None


async def run_ingest(config: Config, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Run until cancelled. `on_ready` gets the address of the HTTP side once everything is there for the first time."""
    set_up_logging()
    log = structlog.get_logger("guard").bind()
    name = config.ingest.name or socket.gethostname()
    broker = ingest_broker(config)
    options = log_options(config, os.environ, name=f"guard ingest {name}", role="ingest")
    if remark := remark_on(broker):
        log.warning("broker", broker=broker.redacted_url(), text=remark)
    if remark := remark_on_log(options):
        log.warning("log", servers=",".join(options.servers), text=remark)
    remark_on_secrets(log, config)
    clock, manager = SystemClock(), service_manager()
    async with AsyncExitStack() as stack:
        cluster = await stack.enter_async_context(open_cluster_log(options, clock.now_ms))
        daemon = IngestDaemon(config, name, broker, cluster, clock)
        http = config.http
        app = probes_app(daemon, tokens=TokenFile(http.tokens), listen=http.listen)
        listening = await stack.enter_async_context(served(app, http))
        log.info("listening", url=listening.url, version=__version__, ingest=name)
        if on_ready is not None:
            told = on_ready
            daemon.on_ready = lambda: told(listening.url)
        settle_interpreter()
        manager.ready(daemon.status())
        try:
            await daemon.run(manager)
        finally:
            with contextlib.suppress(OSError):
                manager.stopping()
