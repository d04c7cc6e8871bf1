"""`guard load`: calls that never came by MQTT, brought into a live daemon as the reports they would have been.

Each file is read and checked whole, and sorted on disk, before the first report is sent: a file that is mostly not
what it should be sends nothing. Then arrays of up to 1,000 reports of one switch go to that switch's topic at QoS 1,
each after the PUBACK of the one before. The daemon treats them like any others: what it knows already is a
duplicate, so loading a file twice changes nothing.

Call records that name no switch come from one named `cdr`, which is declared down first: it carries nothing now and
cannot obey, so no block must wait for its acknowledgement. Which column says what is a map (`guard.commands.records`),
the same as for a backtest; a record of another kind that names no account is nobody's call.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import aiomqtt
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from guard.adapters.mqtt import BrokerAddress
from guard.commands.broker import client_maker, configured_address, no_broker
from guard.commands.configured import configuration
from guard.commands.output import WRONG, CommandError, say
from guard.commands.records import map_of
from guard.config.addresses import switch_name
from guard.config.problems import RejectedError
from guard.replay.cdr import DEFAULT_SWITCH
from guard.replay.payloads import batches, encode_status
from guard.replay.reportfiles import (
    MAX_BAD_PERCENT,
    BadLineError,
    FileError,
    OrderedReports,
    Tally,
    Timed,
    read_reports,
)
from guard.wire.reports import decode_reports

PUBACK_WITHIN_S = 60.0
"""A daemon that is behind holds the broker back, and the broker us."""
BUFFERED_REPORTS = 1_000


def load(files: list[Path], config_path: Path | None, record_format: str | None) -> None:
    """Read, check, sort, send."""
    config = configuration(config_path)
    cdr_map = map_of(config.cdr, record_format)
    address = configured_address(config)
    tally = Tally()
    with OrderedReports() as ordered:
        for file in files:
            try:
                ordered.add(read_reports(file, check_line, tally, cdr_map))
            except FileError as error:
                raise CommandError(str(error), WRONG) from error
        _tell_problems(tally)
        if tally.too_bad:
            raise CommandError(
                f"{tally.bad} of {tally.lines} lines are bad, more than {MAX_BAD_PERCENT} %: nothing was sent", WRONG
            )
        try:
            sent = asyncio.run(_send(ordered, tally.reports, address, config.broker.prefix))
        except aiomqtt.MqttError as error:
            raise no_broker(address, error) from error
    for switch, count in sorted(sent.items()):
        say(f"switch {switch}: {count:,} reports")
    passed_over = f", {tally.bad} bad lines skipped" if tally.bad else ""
    if tally.unowned:
        passed_over += f", {tally.unowned:,} records of no account passed over"
    sys.stdout.write(f"{sum(sent.values()):,} reports sent from {tally.lines:,} lines{passed_over}\n")


def check_line(text: bytes) -> tuple[int, str, bytes]:
    """A line by the daemon's own rules, and its switch; the line as the switch would have sent it."""
    now_ms = time.time_ns() // 1_000_000
    decoded = decode_reports(text, now_ms)
    if decoded.refusals:
        refusal = decoded.refusals[0]
        place = refusal.key.removeprefix("$").removeprefix(".")
        raise BadLineError(f"{place}: {refusal.rule}" if place else refusal.rule)
    report = msgspec.json.decode(text)
    if not isinstance(report, dict) or len(decoded.reports) != 1:
        raise BadLineError("one report a line")
    switch = report.pop("switch", None)
    if not isinstance(switch, str):
        raise BadLineError("switch: required, the name of the switch that carried the call")
    try:
        switch_name(switch)
    except RejectedError as error:
        raise BadLineError(f"switch: {error.accepted}") from error
    return decoded.reports[0].at_ms, switch, msgspec.json.encode(report)


def _tell_problems(tally: Tally) -> None:
    for problem in tally.problems:
        say(problem)
    if tally.bad > len(tally.problems):
        say(f"and {tally.bad - len(tally.problems)} more bad lines")


async def _send(reports: OrderedReports, total: int, address: BrokerAddress, prefix: str) -> dict[str, int]:
    """Publish everything; the number of reports by switch."""
    sent: dict[str, int] = {}
    columns = (TextColumn("sending"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=Console(stderr=True), disable=not sys.stderr.isatty())
    async with client_maker(address, "load")(None) as client:
        with progress:
            task = progress.add_task("reports", total=total)
            for switch, chunk in by_switch(iter(reports)):
                if switch == DEFAULT_SWITCH and switch not in sent:
                    down = encode_status(up=False)
                    await client.publish(f"{prefix}/{switch}/status", down, qos=1, timeout=PUBACK_WITHIN_S)
                for payload, count in batches(chunk):
                    await client.publish(f"{prefix}/{switch}/calls", payload, qos=1, timeout=PUBACK_WITHIN_S)
                    sent[switch] = sent.get(switch, 0) + count
                    progress.advance(task, count)
    return sent


def by_switch(reports: Iterator[Timed]) -> Iterator[tuple[str, list[bytes]]]:
    """Reports of one switch together, each switch's in their order; at most `BUFFERED_REPORTS` are held back."""
    held: dict[str, list[bytes]] = {}
    count = 0
    for report in reports:
        held.setdefault(report.switch, []).append(report.payload)
        count += 1
        if count >= BUFFERED_REPORTS:
            yield from held.items()
            held, count = {}, 0
    yield from held.items()
