"""The composition root: everything that a running daemon consists of, put together from top to bottom.

Read it once and you know what talks to what. Things are made in the order in which they need each other and closed in
the reverse order, each within a time limit of its own; together they stay below the unit's `TimeoutStopSec`. A task
that fails takes the daemon down with it: what was acknowledged is durable, and the service manager starts it again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack

import structlog

from guard import __version__
from guard.adapters.broker import embedded_broker
from guard.adapters.http import create_app, serve
from guard.adapters.http.tokens import TokenFile
from guard.adapters.log import RefusalLog, set_up_logging
from guard.adapters.metrics import Exposition, Figures, initial_figures
from guard.adapters.mqtt import (
    CALLS_RECEIVE_MAXIMUM,
    CONTROL_RECEIVE_MAXIMUM,
    BrokerAddress,
    Session,
    SessionOptions,
)
from guard.adapters.numbers import calling_code, country_of, e164_reader
from guard.adapters.sqlite import open_store
from guard.adapters.systemd import ServiceManager, service_manager
from guard.config import DEFAULT_PATH, Config, ConfigError, Prices, Problem, read_prices, remarks_on
from guard.config.rules import read_rules
from guard.config.shipped import shipped
from guard.core.decisions import Decision, Notice
from guard.core.engine import Engine
from guard.core.money import floor_from_scaled
from guard.core.rating import Rating
from guard.core.records import Outcome
from guard.core.rules.rule import Rule, RuleMode
from guard.core.scopes import Scopes
from guard.ports import Clock, Store, StoreError
from guard.shell.clock import SystemClock
from guard.shell.desk import Desk
from guard.shell.feed import Feed
from guard.shell.interpreter import no_collecting, settle_interpreter
from guard.shell.loop import Loop
from guard.wire.topics import Role, Topics, client_id

FLUSH_EVERY_MS = 1_000
KEEP_LIMIT_S = 10


def rating_of(config: Config) -> Rating:
    """Tariff, plans and the reading of numbers; `ConfigError` with everything that is wrong with them."""
    problems = list(_country_problems(config))
    prices = Prices()
    try:
        prices = read_prices(config)
    except ConfigError as error:
        problems += error.problems
    if problems:
        raise ConfigError(problems)
    return Rating(
        unknown_rate_micros=config.tariff.unknown_rate_micros,
        tariff=prices.tariff,
        plans=prices.plans,
        normalise=e164_reader(config.numbers.country, config.numbers.international_prefixes),
        country_of=country_of,
        kind_of=Scopes.of_country_code(calling_code(config.numbers.country)).kind_of,
    )


def _country_problems(config: Config) -> Iterator[Problem]:
    """Which countries there are is what libphonenumber knows and the reader of `guard.toml` does not."""
    country = config.numbers.country
    if not calling_code(country):
        yield Problem(
            file=str(config.file or DEFAULT_PATH),
            key="numbers.country",
            line=None,
            found=f'"{country}" is no country with telephone numbers',
            accepted='an ISO 3166 code, such as "CA"',
        )


def scopes_of(config: Config, rating: Rating) -> Scopes:
    """What the named scopes mean for the configured country and tariff."""
    destinations = () if rating.tariff is None else rating.tariff.destinations()
    return Scopes.of_tariff(calling_code(config.numbers.country), destinations)


def rules_of(config: Config) -> tuple[Rule, ...]:
    """The rules of the configured folder, or those that guard ships; `ConfigError` with every problem."""
    return read_rules(config.rules.dir if config.rules.dir is not None else shipped("rules"))


async def run_daemon(config: Config, *, on_ready: Callable[[str], None] | None = None) -> None:
    """Run until cancelled. `on_ready` gets the address of the HTTP side once guard is restored and subscribed."""
    set_up_logging()
    log = structlog.get_logger("guard").bind()
    rating = rating_of(config)
    _tell_prices(log, rating)
    rules = rules_of(config)
    log.info("rules", rules=len(rules), enforce=sum(rule.mode is RuleMode.ENFORCE for rule in rules))
    clock, manager = SystemClock(), service_manager()
    manager.status("restoring the state")
    async with AsyncExitStack() as stack:
        broker_url = config.broker.url
        if config.broker.embedded:
            broker_url = (await stack.enter_async_context(embedded_broker(config.broker.port))).url
        store = await stack.enter_async_context(open_store(config.store.path))
        scopes = scopes_of(config, rating)
        engine = Engine(config.settings(), scopes, clock.now_ms(), rating=rating, rules=rules)
        with no_collecting():
            restored = await store.restore()
            engine.restore(restored, clock.now_ms())
        settle_interpreter()
        log.info(
            "restored",
            accounts=len(engine.world.accounts),
            live_calls=sum(len(switch.calls) for switch in engine.world.switches.values()),
            store=str(config.store.path),
        )
        published = restored.unpublished[0].number - 1 if restored.unpublished else restored.last_decision
        daemon = _Daemon(config, clock, engine, store, broker_url, published)
        app = create_app(daemon.desk, tokens=TokenFile(config.http.tokens), listen=config.http.listen)
        listening = await stack.enter_async_context(serve(app, config.http.listen.host, config.http.listen.port))
        log.info("listening", url=listening.url, version=__version__)
        daemon.when_ready = lambda: on_ready(listening.url) if on_ready is not None else None
        manager.ready(daemon.status())
        try:
            await daemon.run(manager)
        finally:
            manager.stopping()
            await _keep(store, engine, log)


async def _keep(store: Store, engine: Engine, log: structlog.typing.FilteringBoundLogger) -> None:
    """Store what is stored only now and then; without it rules see a minute less after the restart, no more."""
    try:
        async with asyncio.timeout(KEEP_LIMIT_S):
            await store.commit(engine.keepsakes())
    except (StoreError, TimeoutError) as error:
        log.warning("keepsakes-lost", error=str(error))


def _tell_prices(log: structlog.typing.FilteringBoundLogger, rating: Rating) -> None:
    log.info("prices", prefixes=0 if rating.tariff is None else len(rating.tariff), plans=len(rating.plans))
    for remark in remarks_on(rating.tariff, rating.plans):
        log.warning("plans", text=remark)


class _Daemon:
    """The parts that turn, and how they are wired."""

    def __init__(
        self, config: Config, clock: Clock, engine: Engine, store: Store, broker_url: str, published: int
    ) -> None:
        self._log = structlog.get_logger("guard").bind()
        self._clock = clock
        self._engine = engine
        self._figures = initial_figures(config.switches, config.accounts.default_currency)
        self._refusals = RefusalLog(self._log)
        self._connected: set[Role] = set()
        self._was_ready = False
        self.when_ready: Callable[[], None] = lambda: None
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
        exposition = Exposition(self._figures, __version__)

        def metrics() -> bytes:
            read_off(engine, self._figures, clock.now_ms(), waiting=self._calls.waiting)
            return exposition.render()

        self.desk = Desk(
            engine=engine, loop=self._loop, store=store, clock=clock, missing=self._missing, metrics=metrics
        )

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
        session.on_disconnected = lambda _reason: self._connected.discard(role)
        return session

    async def run(self, manager: ServiceManager) -> None:
        """Turn until cancelled or until a part fails; a part that fails takes the others with it."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(manager.keep(self._clock, self.desk.healthy, self.status), name="service manager")
            tasks.create_task(self._control.run(), name="control")
            tasks.create_task(self._calls.run(), name="calls")
            tasks.create_task(self._feed.run(), name="feed")
            tasks.create_task(self._flush(), name="refusals")
            tasks.create_task(self._loop.run(), name="loop")

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

    # -- sinks

    def _tell_decisions(self, decisions: list[Decision]) -> None:
        for decision in decisions:
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

    def _tell_notice(self, notice: Notice) -> None:
        self._log.warning(notice.kind.value, switch=notice.switch, account=notice.account or None, text=notice.text)


def read_off(engine: Engine, figures: Figures, now_ms: int, *, waiting: int) -> None:
    """Bring the figures up to date with what the engine has counted and holds: no scan over accounts or calls."""
    world = engine.world
    for name, switch in world.switches.items():
        figures.know_switch(name)
        figures.reports[name, Outcome.ACCEPTED.value] = switch.accepted
        for outcome, count in switch.outcomes.items():
            figures.reports[name, outcome.value] = count
        figures.live_calls[name] = len(switch.calls)
        figures.switch_age_s[name] = max(0, now_ms - switch.last_seen_ms) / 1_000
    figures.decisions.update(world.decided)
    figures.billing.update(world.billed)
    figures.accounts.update({state.value: count for state, count in world.states.items()})
    for currency, settled in world.settled_micros.items():
        flights = (switch.totals.get(currency) for switch in world.switches.values())
        flying = sum(flight.value_scaled(now_ms) for flight in flights if flight is not None)
        flying += world.pooled_scaled(currency, now_ms)
        figures.exposure_micros[currency] = settled + floor_from_scaled(flying)
    figures.commands_unconfirmed = sum(len(switch.pending) for switch in world.switches.values() if switch.up)
    figures.inbox_reports = waiting
    figures.unrated_calls = world.unrated
    figures.rule_hits.update(engine.rule_hits)
    figures.fuse_open = engine.fuse_open
