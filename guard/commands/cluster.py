"""`guard cluster status`: which workers live and which partitions they hold, as the store says.

It asks the database alone, so it says how things stand also when no worker does. How far each partition is behind its
log is known to the worker that reads it: its `/metrics` say so.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from guard.commands.configured import configuration
from guard.commands.output import WRONG, CommandError, console, plain, table
from guard.commands.worker import EXTRA
from guard.config import Config, ConfigError
from guard.core.partitions import PARTITIONS
from guard.ports import StoreError
from guard.ports.cluster import Held, Position, Seen

ASK_WITHIN_S = 10.0
NS_PER_MS, NS_PER_S = 1_000_000, 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the cluster stands."""

    members: Sequence[Seen]
    partitions: Sequence[Held]

    @property
    def orphans(self) -> list[int]:
        """Partitions that nobody holds."""
        return [held.part for held in self.partitions if not held.owner or held.left_ms <= 0]


def status(config_path: Path | None, *, as_json: bool, every: bool) -> None:
    """Print it; exit 1 when a partition is without an owner."""
    config = configuration(config_path)
    if not config.store.database:
        raise CommandError('store.url is a file: a cluster shares a database, "postgresql://HOST/DATABASE"', WRONG)
    if find_spec("asyncpg") is None:
        raise CommandError(f"guard cluster {EXTRA}")
    try:
        told = asyncio.run(_ask(config))
    except ConfigError as error:
        raise CommandError(str(error), WRONG) from error
    except (StoreError, OSError, TimeoutError) as error:
        raise CommandError(str(error) or f"the database did not answer within {ASK_WITHIN_S:.0f} s") from error
    if as_json:
        sys.stdout.write(json.dumps(_as_json(told)) + "\n")
    else:
        _print(told, every=every)
    if told.orphans:
        raise CommandError(f"{len(told.orphans)} partitions have no owner: {_ranges(told.orphans)}")


async def _ask(config: Config) -> Status:
    from guard.adapters.postgres import open_postgres  # noqa: PLC0415 - an extra of the package
    from guard.app.stores import database_address  # noqa: PLC0415 - the same

    opening = open_postgres(database_address(config), parts=PARTITIONS, lease_ms=config.store.lease_ms)
    async with asyncio.timeout(ASK_WITHIN_S), opening as postgres:
        return Status(members=await postgres.leases.members(), partitions=await postgres.leases.partitions())


def _as_json(told: Status) -> dict[str, Any]:
    return {
        "workers": [
            {
                "worker": seen.member.id,
                "url": seen.member.url,
                "seen_ms_ago": seen.ago_ms,
                "reads_log": seen.member.reads,
                "partitions": held,
            }
            for seen, held in _held_by(told)
        ],
        "partitions": [
            {
                "partition": held.part,
                "worker": held.owner,
                "epoch": held.epoch,
                "position": held.position.sequence,
                "read_to_ms": held.position.at_ns // NS_PER_MS or None,
                "lease_ms": held.left_ms,
            }
            for held in told.partitions
        ],
        "without_owner": told.orphans,
    }


def _held_by(told: Status) -> list[tuple[Seen, list[int]]]:
    return [
        (seen, [held.part for held in told.partitions if held.owner == seen.member.id and held.left_ms > 0])
        for seen in told.members
    ]


def _print(told: Status, *, every: bool) -> None:
    out = console()
    columns = ("worker", "listens at", "seen ago", "held", "partitions")
    workers = table(*columns, right=("seen ago", "held"), folded=("worker", "partitions"))
    for seen, held in _held_by(told):
        workers.add_row(
            plain(seen.member.id), plain(seen.member.url), f"{seen.ago_ms / 1_000:.1f} s", str(len(held)), _ranges(held)
        )
    out.print(workers)
    if every:
        of_each = ("partition", "worker", "epoch", "position", "read to", "lease left")
        partitions = table(*of_each, right=("partition", "epoch", "position"))
        for each in told.partitions:
            left = f"{max(0, each.left_ms) / 1_000:.1f} s"
            place = (str(each.position.sequence), _moment(each.position))
            partitions.add_row(str(each.part), plain(each.owner or "-"), str(each.epoch), *place, left)
        out.print(partitions)
    for seen in told.members:
        if not seen.member.reads:
            out.print(plain(f"{seen.member.id} does not reach the log: see why in its log, or at its /-/ready."))
    out.print(f"{len(told.partitions) - len(told.orphans)} of {len(told.partitions)} partitions are held.")


def _moment(position: Position) -> str:
    """When the entry that was read last was stored: what is older is in the database."""
    if not position.at_ns:
        return "-"
    return datetime.fromtimestamp(position.at_ns // NS_PER_S, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _ranges(parts: Sequence[int]) -> str:
    """`0-3, 7`."""
    ranges: list[list[int]] = []
    for part in parts:
        if ranges and part == ranges[-1][1] + 1:
            ranges[-1][1] = part
        else:
            ranges.append([part, part])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in ranges) or "-"
