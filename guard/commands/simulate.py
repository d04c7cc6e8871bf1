"""`guard simulate`: simulated customers, frauds and surprises, live at a broker or as recorded history.

With `--broker` it is a switch in real time: it opens its customers' accounts by billing messages, publishes their
calls, obeys commands, and at the end hangs up every call and prints the ground truth, so that it can be compared with
the daemon's ledgers. `--record` keeps every report. With `--record` and no broker it is history, drawn as fast as the
machine can (`guard.commands.history`). `--list` says what can happen.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import aiomqtt
import msgspec

from guard.adapters.log import set_up_logging
from guard.adapters.mqtt import BrokerAddress
from guard.commands.broker import client_maker, no_broker, read_address
from guard.commands.output import WRONG, CommandError, console, say, table
from guard.config.addresses import topic_prefix
from guard.config.problems import RejectedError
from guard.core.money import format_money
from guard.core.records import Report
from guard.replay import payloads
from guard.replay.cases.library import SCENARIOS, Family, Scenario, UnknownScenarioError, chosen
from guard.replay.cases.setting import NotStagedError
from guard.replay.kinds import KINDS
from guard.replay.link import SwitchLink
from guard.replay.recorder import SUFFIXES, Recorder
from guard.replay.world import Script, World, make_world

LIVE_ACCOUNTS = 20
FIRST_DAY = date(2026, 9, 1)
"""Of history, unless told otherwise: the same day every time, so that the same options write the same files."""
TELL_EVERY_S = 5.0
BILL_EVERY_S = 0.5
PUBACK_WITHIN_S = 60.0
ONLY_RECORDED = ("clock-jump",)
"""A clock belongs to a whole switch, and live there is only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """What the command line says."""

    broker: str | None
    prefix: str
    switch: str
    accounts: int | None
    rate: float | None
    seconds: float | None
    seed: int
    record: Path | None
    billing: bool
    scenarios: tuple[str, ...] = ()
    days: int = 30
    start: date = FIRST_DAY
    priced: bool = True


def simulate(options: SimulateOptions) -> None:
    """Be a switch until the time is over or a signal comes; without a broker, write history to the record."""
    from guard.commands.history import write_history  # noqa: PLC0415 - history imports the options from here

    set_up_logging("warning")
    if options.record is not None and not options.record.name.endswith(SUFFIXES):
        raise CommandError(f"--record: {options.record}: a report file ends in {' or '.join(SUFFIXES)}", WRONG)
    if options.broker is not None:
        _simulate_live(options, options.broker)
    elif options.record is not None:
        write_history(options, options.record)


def show_scenarios() -> None:
    """Tables of all scenarios, family by family, and of all kinds of customers."""
    out = console()
    for family in Family:
        listed = table(family.value.upper(), "WHAT HAPPENS")
        for each in SCENARIOS:
            if each.family is family:
                listed.add_row(each.name, each.title)
        out.print(listed)
        out.print()
    kinds = table("CUSTOMERS", "SHARE", "WHAT THEY ARE LIKE", right=("SHARE",))
    total = sum(kind.share for kind in KINDS)
    for kind in KINDS:
        kinds.add_row(kind.name, f"{kind.share * 100 // total} %", kind.title)
    out.print(kinds)


def read_scenarios(names: tuple[str, ...]) -> list[Scenario]:
    """The scenarios of these names; `CommandError` lists those that there are."""
    try:
        return chosen(names)
    except UnknownScenarioError as error:
        raise CommandError(f"--scenario: {error}", WRONG) from error


def staged(script: Script) -> World:
    """The world of a script; `CommandError` when it has too few accounts."""
    try:
        return make_world(script)
    except NotStagedError as error:
        raise CommandError(str(error), WRONG) from error


@contextmanager
def recording(path: Path) -> Iterator[Recorder]:
    """The files of a recording; what cannot be written is a `CommandError`."""
    try:
        with Recorder(path) as recorder:
            yield recorder
    except OSError as error:
        raise CommandError(f"{error.filename or path}: cannot be written: {error.strerror}", WRONG) from error


def _simulate_live(options: SimulateOptions, broker: str) -> None:
    address = read_address(broker)
    try:
        topic_prefix(options.prefix)
    except RejectedError as error:
        raise CommandError(f"--prefix: {error.found}; accepted: {error.accepted}", WRONG) from error
    scenarios = read_scenarios(options.scenarios)
    for each in scenarios:
        if each.name in ONLY_RECORDED:
            say(f"guard: {each.name} is left out: only in history, which is --record without --broker")
    now_ms = time.time_ns() // 1_000_000
    world = staged(
        Script(
            seed=options.seed,
            accounts=options.accounts or LIVE_ACCOUNTS,
            scenarios=[each for each in scenarios if each.name not in ONLY_RECORDED],
            start_ms=now_ms,
            switch=options.switch,
            rate=options.rate,
            priced=options.priced,
            run=f"sim-{now_ms:x}",
        )
    )
    with ExitStack() as stack:
        recorder = stack.enter_context(recording(options.record)) if options.record else None
        asyncio.run(_simulate(options, address, world, recorder))
        if recorder is not None:
            recorder.finish(world.cases, world.simulation.switch.truth, now_ms)


async def _simulate(options: SimulateOptions, address: BrokerAddress, world: World, recorder: Recorder | None) -> None:
    def keep(reports: list[Report]) -> None:
        if recorder is not None:
            for report in reports:
                recorder.report(options.switch, report)

    bill = _biller(world, recorder)
    if options.billing:
        try:
            await _publish_bills(bill(), address, options.prefix)
        except aiomqtt.MqttError as error:
            raise no_broker(address, error) from error
    link = SwitchLink(world.simulation, client_maker(address, "simulate"), prefix=options.prefix, on_reports=keep)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(link.run(), name="switch")
        others = [tasks.create_task(_tell(link, world), name="progress")]
        if options.billing:
            others.append(tasks.create_task(_go_on_billing(bill, address, options.prefix), name="billing"))
        await _wait(options.seconds)
        for task in others:
            task.cancel()
        complete = await link.finish()
        running.cancel()
    _summary(world, link, complete=complete)


def _biller(world: World, recorder: Recorder | None) -> Callable[[], list[bytes]]:
    """What billing says by now that it has not said before."""

    def bill() -> list[bytes]:
        messages = world.bills.due(time.time_ns() // 1_000_000 - world.script.start_ms)
        if recorder is not None:
            recorder.bills(messages)
        return [msgspec.json.encode(message) for message in messages]

    return bill


async def _publish_bills(messages: list[bytes], address: BrokerAddress, prefix: str) -> None:
    async with client_maker(address, "simulate-billing")(None) as client:
        for payload, _ in payloads.batches(messages):
            await client.publish(f"{prefix}/billing", payload, qos=1, timeout=PUBACK_WITHIN_S)


async def _go_on_billing(bill: Callable[[], list[bytes]], address: BrokerAddress, prefix: str) -> None:
    """What cases bring: a payment that is rejected, a limit that somebody raises."""
    waiting: list[bytes] = []
    while True:
        await asyncio.sleep(BILL_EVERY_S)
        waiting += bill()
        if waiting:
            # Without a broker it waits with the reports.
            with suppress(aiomqtt.MqttError):
                await _publish_bills(waiting, address, prefix)
                waiting = []


async def _wait(seconds: float | None) -> None:
    """Until the time is over, or somebody asks to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _tell(link: SwitchLink, world: World) -> None:
    """A line now and then."""
    switch = world.simulation.switch
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        blocked = len(switch.blocks.accounts())
        say(f"{switch.live_calls:,} calls up, {link.sent:,} reports sent, {blocked:,} accounts blocked")


def _summary(world: World, link: SwitchLink, *, complete: bool) -> None:
    truth = world.simulation.switch.truth.accounts().values()
    posted = sum(account.posted_micros for account in truth)
    calls = sum(account.calls for account in truth)
    ended = sum(account.ended_by_block for account in truth)
    refused = sum(account.refused for account in truth)
    sys.stdout.write(
        f"{link.sent:,} reports of {calls:,} calls by {len(truth):,} accounts, worth {format_money(posted)};"
        f" blocks ended {ended:,} calls and refused {refused:,} attempts\n"
    )
    cases = world.simulation.switch.truth.cases()
    for case in world.cases:
        parts = [part for (name, _), part in cases.items() if name == case.id]
        if parts:
            spent, saved = sum(each.spent_micros for each in parts), sum(each.saved_micros for each in parts)
            sys.stdout.write(f"{case.id}: cost {format_money(spent)}, saved by blocks {format_money(saved)}\n")
    if not complete or link.given_up:
        raise CommandError("the broker did not take everything: the ledgers will lack some calls")
