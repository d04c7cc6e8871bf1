"""The composition root: everything that a running daemon consists of, put together from top to bottom.

Read it once and you know what talks to what. Things are made in the order in which they need each other and closed in
the reverse order, each within a time limit of its own; together they stay below the unit's `TimeoutStopSec`. A task
that fails takes the daemon down with it: what was acknowledged is durable, and the service manager starts it again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import structlog
from starlette.types import ASGIApp

from guard import __version__
from guard.adapters.broker import embedded_broker
from guard.adapters.http import Certificate, Listening, create_app, serve
from guard.adapters.http.tokens import TokenFile
from guard.adapters.http.tokens_history import note_tokens
from guard.adapters.log import RefusalLog, set_up_logging
from guard.adapters.metrics import Exposition, Probe, initial_figures, read_off
from guard.adapters.mqtt import (
    CALLS_RECEIVE_MAXIMUM,
    CONTROL_RECEIVE_MAXIMUM,
    BrokerAddress,
    Session,
    SessionOptions,
)
from guard.adapters.sqlite import SqliteStore, open_store
from guard.adapters.systemd import ServiceManager, service_manager
from guard.anomaly.artefact import ArtefactError
from guard.anomaly.lookout import Lookout
from guard.config import Config, ConfigError, remarks_on
from guard.config.sections import HttpSection
from guard.core.decisions import Action, Decision, KeptRow, Mode, Notice
from guard.core.engine import Engine
from guard.core.rating import Rating
from guard.core.rules.rule import RuleMode
from guard.core.rules.usual import UsualRow
from guard.core.settings import ModelMode
from guard.models import daemons_lookout, model_folder, model_mode
from guard.notifiers import notifiers_of
from guard.ports import Clock, Mistake, SetupRefusedError, Store, StoreError
from guard.setup import Read, SetupReader, mistake_of, setup_of
from guard.shell.clock import SystemClock
from guard.shell.desk import Desk
from guard.shell.feed import Feed
from guard.shell.interpreter import no_collecting, settle_interpreter
from guard.shell.loop import Loop
from guard.shell.oncall import line_of
from guard.shell.reload import Reloader
from guard.shell.retention import Retention
from guard.shell.sentinel import Sentinel
from guard.shell.storehealth import StoreHealth
from guard.shell.webhooks import PostOffice
from guard.wire.topics import Role, Topics, client_id

FLUSH_EVERY_MS = 1_000
KEEP_LIMIT_S = 10


async def run_daemon(
    config: Config,
    *,
    on_ready: Callable[[str], None] | None = None,
    on_reloader: Callable[[Reloader], None] | None = None,
) -> None:
    """Run until cancelled. `on_ready` gets the address of the HTTP side once guard is restored and subscribed.

    `on_reloader` gets what a signal may ask to have the files read anew.
    """
    set_up_logging()
    log = structlog.get_logger("guard").bind()
    setup = setup_of(config)
    rating, rules = setup.rating, setup.rules
    _tell_prices(log, rating)
    told = notifiers_of(config, os.environ)
    for webhook, remark in told.remarks:
        log.warning("webhook", webhook=webhook, text=remark)
    log.info("rules", rules=len(rules), enforce=sum(rule.mode is RuleMode.ENFORCE for rule in rules))
    clock, manager = SystemClock(), service_manager()
    manager.status("restoring the state")
    async with AsyncExitStack() as stack:
        broker_url = config.broker.url
        if config.broker.embedded:
            broker_url = (await stack.enter_async_context(embedded_broker(config.broker.port))).url
        store = await stack.enter_async_context(open_store(config.store.path))
        engine = Engine(setup.settings, setup.scopes, clock.now_ms(), rating=rating, rules=rules)
        model = _model(config, log)
        with no_collecting():
            restored = await store.restore()
            restored.kept = _past_the_model(restored.kept, model)
            engine.restore(restored, clock.now_ms())
        settle_interpreter()
        log.info(
            "restored",
            accounts=len(engine.world.accounts),
            live_calls=sum(len(switch.calls) for switch in engine.world.switches.values()),
            store=str(config.store.path),
        )
        published = restored.unpublished[0].number - 1 if restored.unpublished else restored.last_decision
        daemon = _Daemon(SetupReader(config, setup), clock, engine, store, broker_url, published)
        daemon.look_out_with(model)
        office = PostOffice(store.outbox, clock, told.targets)
        await office.open()
        daemon.deliver_by(office)
        if on_reloader is not None:
            on_reloader(daemon.reloader)
        tokens = TokenFile(config.http.tokens)
        daemon.admit_by(tokens)
        app = create_app(daemon.desk, tokens=tokens, listen=config.http.listen)
        listening = await stack.enter_async_context(_serve(app, config.http))
        log.info("listening", url=listening.url, version=__version__)
        daemon.when_ready = lambda: on_ready(listening.url) if on_ready is not None else None
        manager.ready(daemon.status())
        try:
            await daemon.run(manager)
        finally:
            manager.stopping()
            await _keep(store, engine, log)


def _serve(app: ASGIApp, http: HttpSection) -> AbstractAsyncContextManager[Listening]:
    certificate = None if http.certificate is None else Certificate(chain=http.certificate, key=http.key)
    return serve(app, http.listen.host, http.listen.port, certificate=certificate)


async def _keep(store: Store, engine: Engine, log: structlog.typing.FilteringBoundLogger) -> None:
    """Store what is stored only now and then; without it rules see a minute less after the restart, no more."""
    try:
        async with asyncio.timeout(KEEP_LIMIT_S):
            await store.commit(engine.keepsakes())
    except (StoreError, TimeoutError) as error:
        log.warning("keepsakes-lost", error=str(error))


def _model(config: Config, log: structlog.typing.FilteringBoundLogger) -> Lookout | None:
    """The anomaly model; None: it is off, or cannot be used, and limits and rules go on without it."""
    try:
        model = daemons_lookout(config)
    except ArtefactError as error:
        log.warning("model-refused", text=str(error), effect="the anomaly model is off; limits and rules go on")
        return None
    if model is not None:
        log.info("model", mode=config.model.mode.value, dir=str(model_folder(config)))
    return model


def _past_the_model(kept: Iterable[KeptRow], model: Lookout | None) -> Iterator[KeptRow]:
    """The same rows; what is usual for accounts goes to the model on the way."""
    for row in kept:
        if model is not None and isinstance(row.row, UsualRow):
            model.tracker.restore(row.key, row.row)
        yield row


def _tell_prices(log: structlog.typing.FilteringBoundLogger, rating: Rating) -> None:
    log.info("prices", prefixes=0 if rating.tariff is None else len(rating.tariff), plans=len(rating.plans))
    for remark in remarks_on(rating.tariff, rating.plans):
        log.warning("plans", text=remark)


def _refusing(
    read: Callable[[Sequence[str]], Read], read_model: Callable[[Config], None]
) -> Callable[[Sequence[str]], Read]:
    """The same and the model, with what is wrong in the files as the shell tells it."""

    def reading(numbers: Sequence[str]) -> Read:
        try:
            told = read(numbers)
            read_model(told.config)
        except ConfigError as error:
            raise SetupRefusedError([mistake_of(problem) for problem in error.problems]) from None
        except ArtefactError as error:
            place, _, text = str(error).partition(": ")
            raise SetupRefusedError([Mistake(place=place, text=text)]) from None
        return told

    return reading


class _Daemon:
    """The parts that turn, and how they are wired."""

    _office: PostOffice
    """From `deliver_by`."""
    _tokens: TokenFile
    """From `admit_by`."""

    def __init__(
        self, reader: SetupReader, clock: Clock, engine: Engine, store: SqliteStore, broker_url: str, published: int
    ) -> None:
        config = reader.started
        self._log = structlog.get_logger("guard").bind()
        self._clock = clock
        self._engine = engine
        self._figures = initial_figures(config.switches, config.accounts.default_currency)
        self._refusals = RefusalLog(self._log)
        self._connected: set[Role] = set()
        self._was_ready = False
        self.when_ready: Callable[[], None] = lambda: None
        self._model: Lookout | None = None
        self._next_model: Lookout | None = None
        """What a reload has read."""
        topics = Topics(config.broker.prefix)
        address = BrokerAddress.parse(broker_url)
        prefix = topics.prefix
        self._calls = self._session(address, prefix, Role.CALLS, (topics.calls_filter,), CALLS_RECEIVE_MAXIMUM)
        self._control = self._session(address, prefix, Role.CONTROL, topics.control_filters, CONTROL_RECEIVE_MAXIMUM)
        self._loop = Loop(
            engine=engine,
            store=store,
            clock=clock,
            calls=self._calls,
            control=self._control,
            publisher=self._control,
            topics=topics,
            figures=self._figures,
            refused=self._refusals.refused,
        )
        self._feed = Feed(store=store, publisher=self._control, topics=topics, clock=clock, published=published)
        self._calls.on_arrival = self._control.on_arrival = self._loop.arrived
        self._loop.on_decisions = self._tell_decisions
        self._loop.on_notice = self._tell_notice
        self._exposition = Exposition(self._figures, __version__)
        health = StoreHealth(
            clock,
            slow_after_ms=config.store.slow_after_ms,
            min_free_bytes=config.store.min_free_bytes,
            tell=engine.world.notice,
        )
        self._loop.on_commit = health.committed
        self._probe = Probe(self._figures, clock, config.store.path, health.look)
        self._figures.model_wanted = model_mode(config) is not ModelMode.OFF

        def taken_up(read: Read) -> None:
            reader.taken_up(read)
            self.look_out_with(self._next_model)
            self._figures.model_wanted = model_mode(read.config) is not ModelMode.OFF

        self.reloader = Reloader(
            engine=engine,
            loop=self._loop,
            clock=clock,
            read=_refusing(reader.read, self._read_model),
            taken_up=taken_up,
        )
        self._retention = Retention(
            store=store, clock=clock, keep_ms=lambda: engine.world.settings.keep_details_ms, figures=self._figures
        )
        self._sentinel = Sentinel(engine=engine, clock=clock, figures=self._figures, tell=self._loop.find)
        self.desk = Desk(
            engine=engine,
            loop=self._loop,
            store=store,
            clock=clock,
            missing=self._missing,
            metrics=self._metrics,
            reloader=self.reloader,
        )
        self.desk.on_forgotten = self._forget

    def _session(
        self, address: BrokerAddress, prefix: str, role: Role, topics: tuple[str, ...], receive_maximum: int
    ) -> Session:
        options = SessionOptions(
            address=address,
            client_id=client_id(prefix, role),
            topics=topics,
            receive_maximum=receive_maximum,
        )
        session = Session(options, self._clock.now_ms)

        def connected(_known: bool) -> None:  # noqa: FBT001 -- the session's signature
            self._connected.add(role)
            if len(self._connected) == len(Role):
                self._loop.subscribed()
                self._feed.tell()
                if not self._was_ready:
                    self._was_ready = True
                    self.when_ready()

        session.on_connected = connected

        def disconnected(_reason: str) -> None:
            self._connected.discard(role)
            self._loop.cut_off()

        session.on_disconnected = disconnected
        return session

    def _read_model(self, config: Config) -> None:
        self._next_model = daemons_lookout(config, self._model)

    def look_out_with(self, model: Lookout | None) -> None:
        """Let the anomaly model, if there is one, follow what is observed."""
        self._model = model
        self._sentinel.swap(model)

    def admit_by(self, tokens: TokenFile) -> None:
        """Have whoever is let in, or no longer is, in the history."""
        self._tokens = tokens

    def deliver_by(self, office: PostOffice) -> None:
        """Tell the webhooks by these couriers."""
        self._office = self.desk.webhooks = office

    def _forget(self, account: str) -> None:
        if self._model is not None:
            self._model.tracker.forget(account)
        self._retention.tell()

    async def run(self, manager: ServiceManager) -> None:
        """Turn until cancelled or until a part fails; a part that fails takes the others with it."""
        # Not subscribed yet: should that last, on-call is told.
        self._loop.cut_off()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(manager.keep(self._clock, self.desk.healthy, self.status), name="service manager")
            self.reloader.on_begin = manager.reloading
            self.reloader.on_end = lambda: manager.ready(self.status())
            tasks.create_task(self.reloader.run("SIGHUP"), name="reloader")
            tasks.create_task(self._control.run(), name="control")
            tasks.create_task(self._calls.run(), name="calls")
            tasks.create_task(self._feed.run(), name="feed")
            tasks.create_task(self._office.run(), name="webhooks")
            tasks.create_task(note_tokens(self._tokens, self.desk, self._clock), name="tokens")
            tasks.create_task(self._retention.run(), name="retention")
            tasks.create_task(self._flush(), name="refusals")
            tasks.create_task(self._probe.run(), name="probe")
            tasks.create_task(self._loop.run(), name="loop")
            tasks.create_task(self._sentinel.run(), name="sentinel")

    async def _flush(self) -> None:
        while True:
            await self._clock.sleep(FLUSH_EVERY_MS)
            self._refusals.flush()

    def status(self) -> str:
        """In a line, for whoever asks the service manager."""
        states = self._engine.world.states
        told = ", ".join(f"{count} {state.value}" for state, count in states.items() if count) or "none yet"
        return f"{self.desk.ready() or 'watching'}; accounts: {told}"

    def _missing(self) -> str:
        absent = [role.value for role in Role if role not in self._connected]
        return f"not subscribed at the broker: {' and '.join(absent)}" if absent else ""

    def _metrics(self) -> bytes:
        """The Prometheus text: what the engine knows, and beside it what only the shell does."""
        figures, now_ms = self._figures, self._clock.now_ms()
        read_off(self._engine, figures, now_ms)
        for role, session in ((Role.CALLS, self._calls), (Role.CONTROL, self._control)):
            figures.sessions.read(
                role.value,
                connected=role in self._connected,
                unacknowledged=max(session.waiting, session.unacknowledged),
                connections=session.counters.connections,
                unsent=session.counters.refused,
            )
        figures.turn_age_s = max(0, now_ms - self._loop.last_turn_ms) / 1_000
        figures.reload_succeeded = self.reloader.succeeded
        figures.reload_succeeded_at_s = self.reloader.succeeded_at_ms / 1_000
        figures.clock_steps = self._loop.clock_steps
        for courier in self._office.couriers:
            name = courier.route.name
            figures.webhook_deliveries.update({(name, result): count for result, count in courier.results.items()})
            figures.webhook_pending[name], figures.webhook_dead[name] = courier.pending, courier.dead
        figures.store_failing = bool(self._loop.store_failure)
        if self._model is not None:
            figures.model_drift = self._model.drift()
        return self._exposition.render()

    # -- sinks

    def _tell_decisions(self, decisions: list[Decision]) -> None:
        now_ms = self._clock.now_ms()
        for decision in decisions:
            if decision.action is Action.BLOCK and decision.mode is Mode.ENFORCE:
                self._figures.blocked((now_ms - decision.at_ms) / 1_000)
            self._log.info(
                "decision",
                action=decision.action.value,
                account=decision.account,
                reason=decision.reason.value,
                mode=decision.mode.value,
                id=decision.id,
                by=decision.by or None,
                text=decision.text,
            )
        self._feed.tell()
        self._office.tell()

    def _tell_notice(self, notice: Notice) -> None:
        self._figures.told(notice.kind)
        tell = self._log.info if notice.over else self._log.warning
        tell(notice.kind.value, **line_of(notice))
        self._office.tell()
