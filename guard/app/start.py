"""The start: from a configuration to a daemon that runs, and back again when it is told to stop.

Nothing is served before the state is restored, and nothing is let go before what rules know is stored.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from guard import __version__
from guard.adapters.broker import embedded_broker
from guard.adapters.http.app import create_app
from guard.adapters.http.front import Front
from guard.adapters.http.tokens import TokenFile
from guard.adapters.log import set_up_logging
from guard.adapters.mqtt import BrokerAddress
from guard.adapters.systemd import service_manager
from guard.app.daemon import Daemon
from guard.app.model import ModelRoom
from guard.app.opening import remark_on_secrets, served
from guard.app.stores import DaemonStore, opened_store
from guard.compiled import kind_of_core
from guard.config import Config, remarks_on
from guard.core.engine import Engine
from guard.core.rating import Rating
from guard.core.restored import Restored
from guard.core.rules.rule import RuleMode
from guard.login import broker_address, remark_on
from guard.notifiers import Told, notifiers_of
from guard.ports import Clock, FencedError, Store, StoreError
from guard.setup import SetupReader, setup_of
from guard.shell.clock import SystemClock, since_boot
from guard.shell.clockkeeper import ClockKeeper
from guard.shell.interpreter import no_collecting, settle_interpreter
from guard.shell.reload import Reloader
from guard.shell.webhooks import PostOffice

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
    broker = broker_address(config, os.environ)
    _remark(log, config, told, broker)
    log.info("rules", rules=len(rules), enforce=sum(rule.mode is RuleMode.ENFORCE for rule in rules))
    clock, manager = SystemClock(), service_manager()
    manager.status("restoring the state")
    async with AsyncExitStack() as stack:
        front = Front()
        listening = await stack.enter_async_context(served(front, config.http))
        log.info("listening", url=listening.url, version=__version__, core=kind_of_core())
        opened = await stack.enter_async_context(opened_store(config, clock, manager, front))
        store = opened.store
        if config.broker.embedded:
            await stack.enter_async_context(embedded_broker(broker.port))
        engine = Engine(setup.settings, setup.scopes, clock.now_ms(), rating=rating, rules=rules)
        model, clocks = ModelRoom(config), ClockKeeper(engine, clock, since_boot)
        restored = await _restore(store, engine, model, clocks, clock)
        settle_interpreter()
        log.info(
            "restored",
            accounts=len(engine.world.accounts),
            live_calls=sum(len(switch.calls) for switch in engine.world.switches.values()),
            store=opened.shown,
        )
        published = restored.unpublished[0].number - 1 if restored.unpublished else restored.last_decision
        office = PostOffice(store.outbox, clock, told.targets)
        await office.open()
        daemon = Daemon(
            reader=SetupReader(config, setup),
            clock=clock,
            clocks=clocks,
            engine=engine,
            store=store,
            store_missing=opened.missing,
            store_room=opened.room,
            model=model,
            office=office,
            broker=broker,
            published=published,
        )
        if on_reloader is not None:
            on_reloader(daemon.reloader)
        tokens = TokenFile(config.http.tokens)
        front.app = create_app(daemon.desk, tokens=tokens, listen=config.http.listen)
        stack.push_async_callback(front.close)
        daemon.links.on_subscribed = lambda: on_ready(listening.url) if on_ready is not None else None
        manager.ready(daemon.status())
        try:
            await daemon.run(manager, tokens)
        finally:
            manager.stopping()
            await _keep(store, engine, log, settled=daemon.settled)


async def _restore(store: DaemonStore, engine: Engine, model: ModelRoom, clocks: ClockKeeper, clock: Clock) -> Restored:
    """Take the state up as the last commit left it."""
    with no_collecting():
        restored = await store.restore()
        restored.kept = clocks.restored(model.restored(restored.kept))
        engine.restore(restored, clock.now_ms())
        clocks.compare()
    return restored


def _remark(log: structlog.typing.FilteringBoundLogger, config: Config, told: Told, broker: BrokerAddress) -> None:
    """What is no mistake and may still not be meant."""
    for webhook, remark in told.remarks:
        log.warning("webhook", webhook=webhook, text=remark)
    if remark := remark_on(broker):
        log.warning("broker", broker=broker.redacted_url(), text=remark)
    remark_on_secrets(log, config)


async def _keep(store: Store, engine: Engine, log: structlog.typing.FilteringBoundLogger, *, settled: bool) -> None:
    """Store what is stored only now and then; without it rules see a minute less after the restart, no more.

    Not in the middle of a batch: what is not durable of it comes again, and rules would count it twice.
    """
    if not settled:
        log.warning("keepsakes-lost", error="stopped in the middle of a batch")
        return
    try:
        async with asyncio.timeout(KEEP_LIMIT_S):
            await store.commit(engine.keepsakes())
    except (FencedError, StoreError, TimeoutError) as error:
        log.warning("keepsakes-lost", error=str(error))


def _tell_prices(log: structlog.typing.FilteringBoundLogger, rating: Rating) -> None:
    log.info("prices", prefixes=0 if rating.tariff is None else len(rating.tariff), plans=len(rating.plans))
    for remark in remarks_on(rating.tariff, rating.plans):
        log.warning("plans", text=remark)
