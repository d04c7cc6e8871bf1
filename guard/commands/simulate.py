"""`guard simulate`: a simulated switch with many customers, for a broker and a daemon that run already.

The switch opens its customers' accounts by billing messages, publishes their calls and obeys commands. At the end it
hangs up every call and prints the ground truth, so that it can be compared with the daemon's ledgers. `--record` keeps
every report with its time and switch, in the format of `guard load`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import aiomqtt

from guard.adapters.log import set_up_logging
from guard.adapters.mqtt import BrokerAddress
from guard.commands.broker import client_maker, no_broker, read_address
from guard.commands.output import WRONG, CommandError, say
from guard.config.addresses import topic_prefix
from guard.config.problems import RejectedError
from guard.core.money import format_money
from guard.core.records import Report
from guard.replay import payloads
from guard.replay.customers import Customer, calls_per_second, make_customers, merge, traffic
from guard.replay.link import SwitchLink
from guard.replay.opening import opening_messages
from guard.replay.simulation import Simulation
from guard.replay.switch import SimulatedSwitch

TELL_EVERY_S = 5.0
PUBACK_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulateOptions:
    """What the command line says."""

    broker: str
    prefix: str
    switch: str
    accounts: int
    rate: float | None
    seconds: float | None
    seed: int
    record: Path | None
    billing: bool


def simulate(options: SimulateOptions) -> None:
    """Be a switch until the time is over or a signal comes."""
    set_up_logging("warning")
    address = read_address(options.broker)
    try:
        topic_prefix(options.prefix)
    except RejectedError as error:
        raise CommandError(f"--prefix: {error.found}; accepted: {error.accepted}", WRONG) from error
    with ExitStack() as stack:
        record = None
        if options.record is not None:
            try:
                record = stack.enter_context(_open_record(options.record))
            except OSError as error:
                raise CommandError(f"{options.record}: cannot be written: {error.strerror}", WRONG) from error
        asyncio.run(_simulate(options, address, record))


def _open_record(path: Path) -> IO[str]:
    """The file to record into; packed when its name ends in .gz."""
    if path.name.endswith(".gz"):
        return gzip.open(path, "wt", encoding="utf-8")
    return path.open("w", encoding="utf-8")


async def _simulate(options: SimulateOptions, address: BrokerAddress, record: IO[str] | None) -> None:
    customers = make_customers(options.accounts, options.seed)
    busy = 1.0 if options.rate is None else options.rate / calls_per_second(customers)
    now_ms = time.time_ns() // 1_000_000
    switch = SimulatedSwitch(options.switch)
    streams = (traffic(customer, seed=options.seed, busy=busy) for customer in customers)
    simulation = Simulation(switch, merge(streams), start_ms=now_ms)

    def keep(reports: list[Report]) -> None:
        if record is not None:
            for report in reports:
                stated = payloads.report_object(report) | {"switch": switch.name}
                record.write(json.dumps(stated, ensure_ascii=False) + "\n")

    try:
        if options.billing:
            await _open_accounts(customers, address, options.prefix, run=f"sim-{now_ms:x}")
    except aiomqtt.MqttError as error:
        raise no_broker(address, error) from error
    link = SwitchLink(simulation, client_maker(address, "simulate"), prefix=options.prefix, on_reports=keep)
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(link.run(), name="switch")
        telling = tasks.create_task(_tell(link, switch), name="progress")
        await _wait(options.seconds)
        telling.cancel()
        complete = await link.finish()
        running.cancel()
    _summary(switch, link, complete=complete)


async def _open_accounts(customers: Iterable[Customer], address: BrokerAddress, prefix: str, *, run: str) -> None:
    """Tell guard through billing who the customers are."""
    async with client_maker(address, "simulate-billing")(None) as client:
        for payload, _ in payloads.batches(opening_messages(customers, run=run)):
            await client.publish(f"{prefix}/billing", payload, qos=1, timeout=PUBACK_WITHIN_S)


async def _wait(seconds: float | None) -> None:
    """Until the time is over, or somebody asks to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()


async def _tell(link: SwitchLink, switch: SimulatedSwitch) -> None:
    """A line now and then."""
    while True:
        await asyncio.sleep(TELL_EVERY_S)
        blocked = len(switch.blocks.accounts())
        say(f"{switch.live_calls:,} calls up, {link.sent:,} reports sent, {blocked:,} accounts blocked")


def _summary(switch: SimulatedSwitch, link: SwitchLink, *, complete: bool) -> None:
    truth = switch.truth.accounts().values()
    posted = sum(account.posted_micros for account in truth)
    calls = sum(account.calls for account in truth)
    ended = sum(account.ended_by_block for account in truth)
    refused = sum(account.refused for account in truth)
    sys.stdout.write(
        f"{link.sent:,} reports of {calls:,} calls by {len(truth):,} accounts, worth {format_money(posted)};"
        f" blocks ended {ended:,} calls and refused {refused:,} attempts\n"
    )
    if not complete or link.given_up:
        raise CommandError("the broker did not take everything: the ledgers will lack some calls")
