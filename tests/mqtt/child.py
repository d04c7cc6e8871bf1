"""A process with a session of its own, to be killed: `python child.py URL PROTOCOL RECEIVE ACKNOWLEDGE`.

Receives messages, acknowledges the first ones, makes sure that the broker has these PUBACKs (it handles what a client
sends in order, so the PUBACK of a later publication proves it), says so on stdout and then only waits.
"""

from __future__ import annotations

import asyncio
import sys
import time
from typing import cast

import structlog

from guard.adapters.mqtt import BrokerAddress, Protocol, Session, SessionOptions
from guard.ports import Message


async def main(url: str, protocol: Protocol, receive: int, acknowledge: int) -> None:
    options = SessionOptions(
        address=BrokerAddress.parse(url),
        client_id="guard-test",
        topics=("t/#",),
        receive_maximum=100,
        protocol=protocol,
    )
    session = Session(options, lambda: time.time_ns() // 1_000_000)
    arrived = asyncio.Event()
    connected = asyncio.Event()
    session.on_arrival = arrived.set
    session.on_connected = lambda _present: connected.set()
    running = asyncio.create_task(session.run())
    messages: list[Message] = []
    while len(messages) < receive:
        await arrived.wait()
        arrived.clear()
        messages += session.drain(1_000_000)
    session.acknowledge(messages[:acknowledge])
    await connected.wait()  # messages may come before
    if not await session.publish_tracked("done", b""):
        raise SystemExit("the broker did not take the publication")
    sys.stdout.write("acknowledged\n")
    sys.stdout.flush()
    await running


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.WriteLoggerFactory(sys.stderr))
    asyncio.run(main(sys.argv[1], cast("Protocol", sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
