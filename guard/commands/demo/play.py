"""The director: puts the parts on the stage, lets the story run, shows it, and takes stock at the end."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, suppress
from typing import Any, Protocol, TextIO

import httpx
from rich.console import Console
from rich.table import Table
from rich.text import Text

from guard.adapters.log import set_up_logging
from guard.commands.broker import client_maker
from guard.commands.client import account_path
from guard.commands.demo import DemoOptions
from guard.commands.demo.cast import Cast
from guard.commands.demo.plain import PlainLines
from guard.commands.demo.screen import Screen
from guard.commands.demo.stage import Place, Stage, free_port, stage, workplace
from guard.commands.demo.story import Story
from guard.commands.demo.summary import Audit, Outcome, tell
from guard.commands.output import CommandError, say
from guard.core.money import parse_money
from guard.replay.customers import Customer
from guard.replay.link import SwitchLink, heed_cancellation
from guard.replay.opening import opening_messages
from guard.replay.payloads import batches, time_text
from guard.replay.simulation import Simulation
from guard.replay.switch import SimulatedSwitch
from guard.replay.truth import Truth, breach_at_ms

SWITCH = "demo-switch"
TICK_MS = 10_000
LOOK_EVERY_S = 0.2
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Ctrl-C, `kill`, and the closing of the terminal: the daemon must not outlive the demonstration."""
SUMMARY_WIDTH = 80
ANSWER_WITHIN_S = 5.0
TRY_EVERY_S = 0.05
KNOWN_WITHIN_TRIES = 200
BOOKS_WITHIN_S = 10.0
PUBACK_WITHIN_S = 10.0


class Show(Protocol):
    """How the story is shown while it happens."""

    def update(self) -> None:
        """Something may have changed."""
        ...


MakeShow = Callable[[Story, str], AbstractContextManager[Show]]


def now_ms() -> int:
    """The clock of the simulated world is the real one."""
    return time.time_ns() // 1_000_000


def run_demo(options: DemoOptions) -> None:
    """Tell the story at this terminal, and the summary after it."""
    console = Console(highlight=False)

    def make(story: Story, url: str) -> AbstractContextManager[Show]:
        if console.is_terminal:
            return Screen(console, story, url, now_ms)
        return PlainLines(sys.stdout, story, url, now_ms)

    http_port = free_port(options.port)
    if http_port != options.port:
        say(f"guard: port {options.port} is taken, the page is on {http_port}")
    # Whatever the parts of this process have to say would run across the picture.
    set_up_logging("error")
    with workplace(http_port) as place:
        outcome = asyncio.run(play(place, options, make))
    write_summary(outcome, sys.stdout)


def write_summary(outcome: Outcome, out: TextIO) -> None:
    """The summary as two columns, wrapped for reading."""
    console = Console(file=out, highlight=False, width=SUMMARY_WIDTH)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for line in tell(outcome):
        grid.add_row(line.title, Text(line.text))
    console.print()
    console.print(grid)


async def play(place: Place, options: DemoOptions, make_show: MakeShow) -> Outcome:
    """The whole story, from the first call to the audit."""
    cast = Cast()
    async with stage(place) as built, httpx.AsyncClient(base_url=built.url, trust_env=False) as api:
        await _open_accounts(cast, built, api)
        story = Story(cast, now_ms())
        switch = SimulatedSwitch(
            SWITCH, truth=Truth(each.account for each in cast.customers), tick_ms=TICK_MS, gate=True
        )
        link = SwitchLink(
            Simulation(switch, cast.attempts(), start_ms=story.started_at_ms, speed=options.speed),
            client_maker(built.broker, "demo-switch"),
            prefix=built.prefix,
            on_reports=story.see_reports,
            on_heard=lambda heard: story.see_heard(heard, _breach(switch, cast.hacked, heard.received_at_ms)),
        )
        with make_show(story, built.url) as show:
            async with _background(link.run(), _watch(built, story), _look(api, story, show)):
                await _until_over(options.seconds, built, place)
                await link.finish()
                audits = await _audit(api, switch, cast)
        return _outcome(story, switch, audits, options.speed)


@asynccontextmanager
async def _background(*jobs: Any) -> AsyncIterator[None]:
    """Jobs that run while the block does; one that fails ends it."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(job) for job in jobs]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
    except* CommandError as errors:
        raise CommandError("\n".join(str(error) for error in errors.exceptions)) from errors


async def _open_accounts(cast: Cast, built: Stage, api: httpx.AsyncClient) -> None:
    """Billing speaks first; the story begins when guard knows every customer's limit."""
    run = f"demo-{now_ms():x}"
    async with client_maker(built.broker, "demo-billing")(None) as client:
        messages = opening_messages(cast.customers, run=run, as_of=time_text(now_ms()))
        for payload, _ in batches(messages):
            await client.publish(f"{built.prefix}/billing", payload, qos=1, timeout=PUBACK_WITHIN_S)
    unknown = {account_path(customer.account) for customer in cast.customers}
    for _ in range(KNOWN_WITHIN_TRIES):
        unknown -= {path for path in unknown if (await api.get(path)).is_success}
        if not unknown:
            return
        await asyncio.sleep(TRY_EVERY_S)
    raise CommandError("the daemon did not take the accounts in time")


async def _watch(built: Stage, story: Story) -> None:
    """Decisions as anybody can subscribe to them."""
    async with client_maker(built.broker, "demo-watcher")(None) as client:
        await client.subscribe(f"{built.prefix}/decisions", qos=1)
        heed_cancellation()
        async for message in client.messages:
            story.see_decision(json.loads(message.payload), now_ms())


async def _look(api: httpx.AsyncClient, story: Story, show: Show) -> None:
    """Accounts as the API shows them, again and again."""
    while True:
        with suppress(httpx.TransportError):
            answer = await api.get("/api/v1/accounts", timeout=ANSWER_WITHIN_S)
            for picture in answer.json()["accounts"] if answer.is_success else ():
                story.see_picture(picture)
        show.update()
        await asyncio.sleep(LOOK_EVERY_S)


async def _until_over(seconds: float | None, built: Stage, place: Place) -> None:
    """Until the time is over, somebody has seen enough, or the daemon fails."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop.set)
    asked = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({asked, built.over}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)
    if built.over.done():
        raise CommandError(f"the daemon stopped:\n{place.last_words()}")


async def _audit(api: httpx.AsyncClient, switch: SimulatedSwitch, cast: Cast) -> tuple[Audit, ...]:
    """guard's books beside the switch's meter, once guard has read the last report; empty if it never answered."""
    audits: tuple[Audit, ...] = ()
    with suppress(TimeoutError, httpx.TransportError):
        async with asyncio.timeout(BOOKS_WITHIN_S):
            while not audits or not all(audit.agrees for audit in audits):
                await asyncio.sleep(0.05)
                audits = tuple([await _audit_one(api, switch, each.account, each.owed) for each in cast.customers])
    return audits


async def _audit_one(api: httpx.AsyncClient, switch: SimulatedSwitch, account: str, opening: str) -> Audit:
    balance = (await api.get(account_path(account), timeout=ANSWER_WITHIN_S)).json()["balance"]
    return Audit(
        account=account,
        owed_micros=parse_money(balance["owed"]) + parse_money(balance["in_flight"]),
        true_micros=parse_money(opening) + switch.truth.account(account).posted_micros,
    )


def _breach(switch: SimulatedSwitch, customer: Customer, at_ms: int) -> int | None:
    """When the true value of a customer's calls reached the limit, if it had by then."""
    return breach_at_ms(
        switch.spans(customer.account, at_ms),
        owed_micros=parse_money(customer.owed),
        limit_micros=parse_money(customer.limit),
    )


def _outcome(story: Story, switch: SimulatedSwitch, audits: tuple[Audit, ...], speed: float) -> Outcome:
    """Everything that the summary tells."""
    customer = story.cast.hacked
    obeyed_at_ms = story.turning.obeyed_at_ms
    over_micros = 0
    if obeyed_at_ms is not None:
        spent_micros = sum(span.charge_at(obeyed_at_ms) for span in switch.truth.account(customer.account).spans)
        over_micros = parse_money(customer.owed) + spent_micros - parse_money(customer.limit)
    return Outcome(
        story=story,
        truth=switch.truth,
        over_micros=over_micros,
        audits=audits,
        speed=speed,
    )
