"""A reader of the log, as a process of its own: prints the numbers that one partition holds, and ends.

python -m tests.nats.follower SERVERS PARTITION
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time

from guard.adapters.nats import LogOptions, open_cluster_log
from guard.ports.cluster import Position

FIRST_S = 15.0
"""Within which there is progress, whichever server serves it."""
QUIET_S = 3.0
"""Of nothing new: that was all."""


async def main(servers: tuple[str, ...], part: int) -> None:
    """Until nothing comes any more."""
    options = LogOptions(servers=servers, streams=2)
    async with open_cluster_log(options, lambda: 0) as cluster, cluster.log.read(part, Position()) as reader:
        arrived = asyncio.Event()
        reader.on_arrival = arrived.set
        patience_s, began_s = FIRST_S, time.monotonic()
        with contextlib.suppress(TimeoutError):
            while True:
                async with asyncio.timeout(patience_s):
                    await arrived.wait()
                if patience_s == FIRST_S:
                    print(f"first after {time.monotonic() - began_s:.1f}s")  # noqa: T201 - the same
                patience_s = QUIET_S
                arrived.clear()
                for entry in reader.drain(1_000):
                    for message in entry.messages:
                        print(int(message.payload))  # noqa: T201 - what it is for


if __name__ == "__main__":
    asyncio.run(main(tuple(sys.argv[1].split(",")), int(sys.argv[2])))
