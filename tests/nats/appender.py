"""A client of the log, as a process of its own: appends 1, 2, 3 ... to a partition and prints what was acknowledged.

    python -m tests.nats.appender SERVERS PARTITION FIRST_NUMBER

A line for each acknowledgement, with the number and the time.
"""

from __future__ import annotations

import asyncio
import sys
import time

from guard.adapters.nats import LogOptions, open_cluster_log
from guard.wire.log import encode_entry

TOPIC = "guard/v1/sw1/calls"


def now_ms() -> int:
    """Of this machine."""
    return time.time_ns() // 1_000_000


async def main(servers: tuple[str, ...], part: int, first: int) -> None:
    """Until it is killed."""
    async with open_cluster_log(LogOptions(servers=servers, streams=2), now_ms) as cluster:
        number = first
        while True:
            name, entry = cluster.log.name(), encode_entry(now_ms(), [(TOPIC, b"%d" % number)])
            await cluster.connection.up()
            while not await cluster.log.append_entry(part, entry, name):  # noqa: ASYNC110 - nobody would tell
                await asyncio.sleep(0.05)
            print(number, now_ms(), flush=True)  # noqa: T201 - what it is for
            number += 1
            await asyncio.sleep(0.01)


if __name__ == "__main__":
    asyncio.run(main(tuple(sys.argv[1].split(",")), int(sys.argv[2]), int(sys.argv[3])))
