"""The worker: from a configuration to a process that holds partitions of a cluster, and back when it is told to stop.

Rules, prices and settings are read once and shared by all partitions; so are the connections, the clock and what is
counted. The page and the API are those of the whole cluster (`guard.app.node`).
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, replace

import structlog

from guard import __version__
from guard.adapters.http.app import create_app
from guard.adapters.http.tokens import TokenFile
from guard.adapters.log import RefusalLog, set_up_logging
from guard.adapters.metrics import Exposition, Probe, initial_figures
from guard.adapters.metrics.cluster import WorkerExposition, WorkerFigures
from guard.adapters.metrics.together import Together
from guard.adapters.nats import ClusterLog, open_cluster_log
from guard.adapters.postgres import Postgres, open_postgres
from guard.adapters.systemd import ServiceManager, service_manager
from guard.app.daemon import FLUSH_EVERY_MS, refusing
from guard.app.deliveries import Deliveries
from guard.app.gauges import tell_model
from guard.app.model_of_partitions import WorkersModel
from guard.app.node import Node
from guard.app.opening import new_member, remark_on_secrets, served
from guard.app.sinks import Sinks
from guard.app.stores import database_address
from guard.compiled import kind_of_core
from guard.config import Config, ConfigError, Problem, noted
from guard.core.engine import Engine
from guard.core.events import Event
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.setup import Reload
from guard.loglogin import log_options, remark_on_log
from guard.notifiers import notifiers_of
from guard.ports import Clock, Notifier, Sent
from guard.ports.cluster import Claim, Leases, Member
from guard.setup import Read, SetupReader, setup_of
from guard.shell.clock import SystemClock, since_boot
from guard.shell.cluster.aside import aside
from guard.shell.cluster.carrying import Counts
from guard.shell.cluster.composers import Composers
from guard.shell.cluster.partition import Partition, Surroundings
from guard.shell.cluster.tending import HeldDetails, Tended
from guard.shell.cluster.turnstile import Turnstile
from guard.shell.cluster.worker import Worker
from guard.shell.courier import Route
from guard.shell.interpreter import Restoring, settle_interpreter
from guard.shell.reload import Reloader
from guard.shell.retention import Retention
from guard.wire.topics import Topics

STALLED_AFTER_MS = 10_000
"""Loops turn every second; ten without a turn of one of them mean that it hangs."""
READY_LOOK_MS = 200
RESTORED_AT_ONCE = 4


class _KeptOpen:
    """A notifier that all partitions share, so that none of them may close it."""

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier

    async def send(self, event: Event, at_ms: int) -> Sent:
        """Try once, now."""
        return await self._notifier.send(event, at_ms)

    async def close(self) -> None:
        """Others go on using it."""


class _EveryPartition:
    """All of a worker's, for a reload."""

    def __init__(self, worker: Worker, note: Callable[[Reload], Awaitable[None]]) -> None:
        """`note` puts it into the history, for none of the partitions does."""
        self._worker = worker
        self._note = note

    async def reload(self, reload: Reload) -> bool:
        """Take it up; returns when that is durable."""
        return await self._worker.reload(replace(reload, what=""), lambda: self._note(reload))


class WorkerDaemon:
    """All parts of one worker, wired when it is made; turns while `run` runs."""

    def __init__(
        self,
        *,
        reader: SetupReader,
        member: Member,
        postgres: Postgres,
        leases: Leases,
        cluster: ClusterLog,
        clock: Clock,
        targets: Sequence[tuple[Route, Notifier]],
        tokens: TokenFile,
    ) -> None:
        config = reader.started
        self._tokens = tokens
        self._reader = reader
        self._clock = clock
        self._postgres = postgres
        self._cluster = cluster
        self._targets = targets
        self._topics = Topics(config.broker.prefix)
        self._figures = initial_figures(config.switches, config.accounts.default_currency)
        self._together = Together(self._figures)
        self._deliveries = Deliveries(self._figures, [route.name for route, _ in targets])
        self._exposition = Exposition(self._figures, __version__)
        self._own_exposition = WorkerExposition()
        self._probe = Probe(self._figures, clock, postgres.room)
        self._refusals = RefusalLog(structlog.get_logger("guard").bind())
        self._sinks = Sinks(clock, self._figures, news=())
        self._model = WorkersModel(config, clock, self._figures)
        self._worker = Worker(
            leases=leases,
            member=member,
            clock=clock,
            bus=cluster.bus,
            composers=self._composers,
            make=self._make,
            gone=self._gone,
            reads=lambda: not cluster.missing(),
        )
        turnstile, self._intents = Turnstile(), Counts()
        self._around = Surroundings(
            log=cluster.log,
            bus=cluster.bus,
            clock=clock,
            since_boot=since_boot,
            topics=self._topics,
            figures=self._figures,
            refused=self._refusals.refused,
            on_decisions=self._sinks.tell_decisions,
            on_notice=self._sinks.tell_notice,
            composers=self._worker.composers,
            turnstile=turnstile,
            intents=self._intents,
            restoring=Restoring(RESTORED_AT_ONCE).place,
            targets=[(route, _KeptOpen(notifier)) for route, notifier in targets],
            on_forgotten=self._forgotten,
        )
        self._details = HeldDetails(self._tended, postgres.details, clock)
        self._retention = Retention(
            store=self._details,
            clock=clock,
            keep_ms=lambda: reader.setup.settings.keep_details_ms,
            figures=self._figures,
        )
        self.reloader = Reloader(
            engine=None,
            loop=_EveryPartition(self._worker, self._note),
            clock=clock,
            read=refusing(reader.read, self._model.read),
            taken_up=self._taken_up,
        )
        self._node = Node(
            reader=reader,
            worker=self._worker,
            worker_id=member.id,
            postgres=postgres,
            cluster=cluster,
            clock=clock,
            turnstile=turnstile,
            reloader=self.reloader,
        )
        self.desk = self._node.desk
        self.desk.model_view = self._model.view
        self.desk.own_metrics, self.desk.own_health, self.desk.own_readiness = self.metrics, self.healthy, self.ready
        self.on_ready: Callable[[], None] | None = None

    def _composers(self, holds: Callable[[int], bool]) -> Composers:
        cluster = self._cluster
        return Composers(bus=cluster.bus, log=cluster.log, topics=self._topics, clock=self._clock, holds=holds)

    def _make(self, claim: Claim, holds: Callable[[], bool]) -> Partition:
        setup = self._reader.setup
        engine = Engine(
            setup.settings,
            setup.scopes,
            self._clock.now_ms(),
            rating=setup.rating,
            rules=setup.rules,
            partition=claim.part,
        )
        store = self._postgres.partition(claim)
        self._retention.tell()
        model = self._model.of(claim.part, engine)
        return Partition(claim, engine=engine, store=store, around=self._around, holds=holds, model=model)

    def _gone(self, partition: Partition) -> None:
        self._together.gone(partition.engine, self._clock.now_ms())
        self._deliveries.gone(partition.couriers)
        self._node.gone(partition)
        self._model.gone(partition.claim.part, partition.engine)

    def _tended(self) -> list[Tended]:
        return [Tended(each.claim, each.restored) for each in self._worker.partitions]

    def _forgotten(self, account: str) -> None:
        self._model.forget(partition_of(account), account)
        self._details.forgotten(account)
        self._retention.tell()

    async def _note(self, reload: Reload) -> None:
        await self._node.note(reload)

    def _taken_up(self, read: Read) -> None:
        self._reader.taken_up(read)
        self._model.take_up(read.config)

    # -- how it does

    def metrics(self) -> bytes:
        """The Prometheus text."""
        figures, worker, now_ms = self._figures, self._worker, self._clock.now_ms()
        partitions = worker.partitions
        self._together.read((each.engine for each in partitions), now_ms)
        self._deliveries.read(courier for each in partitions for courier in each.couriers)
        figures.turn_age_s = self._turn_age_ms(now_ms) / 1_000
        figures.store_failing = any(each.store_failure for each in partitions)
        model = self._model.view()
        figures.model_up = model.up
        tell_model(figures, model)
        figures.reload_succeeded = self.reloader.succeeded
        figures.reload_succeeded_at_s = self.reloader.succeeded_at_ms / 1_000
        reading = self._cluster.log.reading
        own = WorkerFigures(
            partitions=len(partitions),
            members=worker.standing.members,
            leases=asdict(worker.standing.counts),
            behind={str(each.claim.part): each.behind for each in partitions},
            late_s=max((each.late_ms(now_ms) for each in partitions), default=0) / 1_000,
            intents=asdict(self._intents),
            words=asdict(self._around.words),
            keep_s=self._cluster.streams.keep_s,
            lost=reading.lost,
            readers={"replaced": reading.replaced, "begun_anew": reading.begun_anew},
        )
        return self._exposition.render() + self._own_exposition.render(own)

    def _turn_age_ms(self, now_ms: int) -> int:
        return max((now_ms - each.last_turn_ms for each in self._worker.partitions), default=0)

    def healthy(self) -> str:
        """What is wrong with it; empty: nothing."""
        age_ms = self._turn_age_ms(self._clock.now_ms())
        return f"a partition has not turned for {age_ms // 1_000} s" if age_ms > STALLED_AFTER_MS else ""

    def ready(self) -> str:
        """What it waits for; empty: it is a member and decides for all that it holds."""
        if missing := self._cluster.missing():
            return missing
        if trouble := self._worker.standing.trouble:
            return trouble
        waiting = sum(not each.restored for each in self._worker.partitions)
        return f"restoring {waiting} partitions" if waiting else ""

    def _decides(self) -> bool:
        return not self.ready() and bool(self._worker.partitions)

    def status(self) -> str:
        """In a line, for whoever asks the service manager."""
        held, members = len(self._worker.partitions), self._worker.standing.members
        return self.ready() or f"deciding for {held} of {PARTITIONS} partitions; {members} workers live"

    # -- turning

    async def run(self, manager: ServiceManager) -> None:
        """Turn until cancelled, then give up all partitions in order; a part that fails ends all."""
        self.reloader.on_begin = manager.reloading
        self.reloader.on_end = lambda: manager.ready(self.status())
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(manager.keep(self._clock, self.healthy, self.status), name="service manager")
                tasks.create_task(self.reloader.run("SIGHUP"), name="reloader")
                tasks.create_task(self._flush(), name="refusals")
                tasks.create_task(self._probe.run(), name="probe")
                tasks.create_task(self._tell_ready(), name="ready")
                tasks.create_task(self._worker.run(), name="worker")
                tasks.create_task(self._retention.run(), name="retention")
                tasks.create_task(self._node.run(self._tokens, self._decides), name="node")
        finally:
            for _, notifier in self._targets:
                await notifier.close()

    async def _flush(self) -> None:
        while True:
            await self._clock.sleep(FLUSH_EVERY_MS)
            self._refusals.flush()

    async def _tell_ready(self) -> None:
        while not self._decides():
            await self._clock.sleep(READY_LOOK_MS)
        if self.on_ready is not None:
            self.on_ready()


async def run_worker(
    config: Config,
    *,
    on_ready: Callable[[str], None] | None = None,
    on_reloader: Callable[[Reloader], None] | None = None,
) -> None:
    """Run until cancelled. `on_ready` gets the address of the HTTP side once it decides for its first partitions."""
    set_up_logging()
    log = structlog.get_logger("guard").bind()
    member, problems = new_member(config), list[Problem]()
    with noted(problems):
        setup = setup_of(config)
    with noted(problems):
        if not config.store.database:
            raise config.error("store.url", "is a file: workers share a database", '"postgresql://HOST/DATABASE"')
        address = database_address(config, member.id)
    with noted(problems):
        options = log_options(config, os.environ, name=f"guard worker {member.id}", role="worker")
    with noted(problems):
        told = notifiers_of(config, os.environ)
    if problems:
        raise ConfigError(problems)
    if remark := remark_on_log(options):
        log.warning("log", servers=",".join(options.servers), text=remark)
    remark_on_secrets(log, config)
    clock, manager, tokens = SystemClock(), service_manager(), TokenFile(config.http.tokens)
    async with AsyncExitStack() as stack:
        opening = open_postgres(address, parts=PARTITIONS, lease_ms=config.store.lease_ms)
        postgres = await stack.enter_async_context(opening)
        await postgres.keep_to(options.prefix)
        leases = await stack.enter_async_context(aside(postgres.leases, postgres.leases.close))
        cluster = await stack.enter_async_context(open_cluster_log(options, clock.now_ms))
        daemon = WorkerDaemon(
            reader=SetupReader(config, setup),
            member=member,
            postgres=postgres,
            leases=leases,
            cluster=cluster,
            clock=clock,
            targets=told.targets,
            tokens=tokens,
        )
        if on_reloader is not None:
            on_reloader(daemon.reloader)
        app = create_app(daemon.desk, tokens=tokens, listen=config.http.listen)
        listening = await stack.enter_async_context(served(app, config.http))
        log.info(
            "listening",
            url=listening.url,
            version=__version__,
            worker=member.id,
            store=address.shown,
            core=kind_of_core(),
        )
        if on_ready is not None:
            tell = on_ready
            daemon.on_ready = lambda: tell(listening.url)
        settle_interpreter()
        manager.ready(daemon.status())
        try:
            await daemon.run(manager)
        finally:
            with suppress(OSError):
                manager.stopping()
