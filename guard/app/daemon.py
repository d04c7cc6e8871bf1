"""The daemon: the parts that turn, and how they are wired.

Each part knows its neighbours by the smallest thing that it needs of them: a function to call when something has
happened, a protocol of `guard.ports`. What happens when is for `guard.shell` to say; here is only who hears of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import structlog

from guard.adapters.http.tokens import TokenFile
from guard.adapters.http.tokens_history import note_tokens
from guard.adapters.log import RefusalLog
from guard.adapters.metrics import Probe, initial_figures
from guard.adapters.metrics.probe import Room
from guard.adapters.mqtt import BrokerAddress
from guard.adapters.systemd import ServiceManager
from guard.anomaly.refusal import ArtefactError
from guard.app.gauges import Gauges
from guard.app.links import Links
from guard.app.model import ModelRoom
from guard.app.sinks import Sinks
from guard.app.stores import DaemonStore
from guard.config import Config, ConfigError
from guard.core.engine import Engine
from guard.ports import Clock, Mistake, ModelView, SetupRefusedError
from guard.setup import Read, SetupReader, mistake_of
from guard.shell.clockkeeper import ClockKeeper
from guard.shell.desk import Desk
from guard.shell.dispatch import Dispatch
from guard.shell.feed import Feed
from guard.shell.loop import Loop
from guard.shell.reload import Reloader
from guard.shell.retention import Retention
from guard.shell.sentinel import Sentinel
from guard.shell.storehealth import StoreHealth
from guard.shell.webhooks import PostOffice
from guard.wire.topics import Topics

FLUSH_EVERY_MS = 1_000


def refusing(
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


class Daemon:
    """Wired when it is made; turns while `run` runs."""

    def __init__(  # noqa: PLR0913 -- the daemon is where everything meets; each is named at the one call
        self,
        *,
        reader: SetupReader,
        clock: Clock,
        clocks: ClockKeeper,
        engine: Engine,
        store: DaemonStore,
        store_missing: Callable[[], str],
        store_room: Room,
        model: ModelRoom,
        office: PostOffice,
        broker: BrokerAddress,
        published: int,
    ) -> None:
        config = reader.started
        self._clock = clock
        self._engine = engine
        self._office = office
        figures = initial_figures(config.switches, config.accounts.default_currency)
        self._refusals = RefusalLog(structlog.get_logger("guard").bind())
        topics = Topics(config.broker.prefix)
        self.links = Links(broker, topics, clock)
        self._loop = Loop(
            engine=engine,
            store=store,
            clock=clock,
            calls=self.links.calls,
            control=self.links.control,
            dispatch=Dispatch(engine=engine, publisher=self.links.control, topics=topics),
            topics=topics,
            figures=figures,
            refused=self._refusals.refused,
        )
        self._feed = Feed(store=store, publisher=self.links.control, topics=topics, clock=clock, published=published)
        self.links.calls.on_arrival = self.links.control.on_arrival = self._loop.arrived
        self.links.on_all = self._subscribed
        self.links.on_cut = self._loop.cut_off
        sinks = Sinks(clock, figures, news=(self._feed.tell, office.tell))
        self._loop.on_decisions = sinks.tell_decisions
        self._loop.on_notice = sinks.tell_notice
        health = StoreHealth(
            clock,
            slow_after_ms=config.store.slow_after_ms,
            min_free_bytes=config.store.min_free_bytes,
            tell=engine.world.notice,
        )
        self._loop.on_clock = clocks.note
        self._loop.on_commit = health.committed
        self._probe = Probe(figures, clock, store_room, health.look)
        self._sentinel = Sentinel(engine=engine, clock=clock, figures=figures, tell=self._loop.find)
        self._sentinel.swap(model.lookout)

        def taken_up(read: Read) -> None:
            reader.taken_up(read)
            self._sentinel.swap(model.take_up(read.config))

        self.reloader = Reloader(
            engine=engine, loop=self._loop, clock=clock, read=refusing(reader.read, model.read), taken_up=taken_up
        )
        self._retention = Retention(
            store=store, clock=clock, keep_ms=lambda: engine.world.settings.keep_details_ms, figures=figures
        )

        def view_of_model() -> ModelView:
            return model.view(self._sentinel, figures)

        gauges = Gauges(
            engine=engine,
            figures=figures,
            clock=clock,
            loop=self._loop,
            links=self.links,
            reloader=self.reloader,
            office=office,
            model=view_of_model,
        )
        self.desk = Desk(
            engine=engine,
            loop=self._loop,
            store=store,
            clock=clock,
            missing=lambda: store_missing() or self.links.missing(),
            metrics=gauges.render,
            reloader=self.reloader,
        )
        self.desk.webhooks, self.desk.model_view = office, view_of_model

        def forgotten(account: str) -> None:
            model.forget(account)
            self._retention.tell()

        self.desk.on_forgotten = forgotten

    def _subscribed(self) -> None:
        self._loop.subscribed()
        self._feed.tell()

    async def run(self, manager: ServiceManager, tokens: TokenFile) -> None:
        """Turn until cancelled or until a part fails; a part that fails takes the others with it.

        Whoever is let in by `tokens`, or no longer is, gets into the history.
        """
        # Not subscribed yet: should that last, on-call is told.
        self._loop.cut_off()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(manager.keep(self._clock, self.desk.healthy, self.status), name="service manager")
            self.reloader.on_begin = manager.reloading
            self.reloader.on_end = lambda: manager.ready(self.status())
            tasks.create_task(self.reloader.run("SIGHUP"), name="reloader")
            tasks.create_task(self.links.control.run(), name="control")
            tasks.create_task(self.links.calls.run(), name="calls")
            tasks.create_task(self._feed.run(), name="feed")
            tasks.create_task(self._office.run(), name="webhooks")
            tasks.create_task(note_tokens(tokens, self.desk, self._clock), name="tokens")
            tasks.create_task(self._retention.run(), name="retention")
            tasks.create_task(self._flush(), name="refusals")
            tasks.create_task(self._probe.run(), name="probe")
            tasks.create_task(self._loop.run(), name="loop")
            tasks.create_task(self._sentinel.run(), name="sentinel")

    async def _flush(self) -> None:
        while True:
            await self._clock.sleep(FLUSH_EVERY_MS)
            self._refusals.flush()

    @property
    def settled(self) -> bool:
        """Whether all that has entered the engine is durable."""
        return self._loop.settled

    def status(self) -> str:
        """In a line, for whoever asks the service manager."""
        states = self._engine.world.states
        told = ", ".join(f"{count} {state.value}" for state, count in states.items() if count) or "none yet"
        return f"{self.desk.ready() or 'watching'}; accounts: {told}"
