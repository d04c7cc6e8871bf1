"""How fast messages can be received and acknowledged at all: `python -m tests.mqtt.floor [--messages N] [--profile]`.

Prints messages a second through mosquitto at QoS 1, one report-sized payload a message, with a consumer that only
fetches and acknowledges. Two ways: `backlog` (all published before guard comes: only broker and adapter work) and
`live` (a publisher, the broker and the adapter share the machine). Not a test: it prints, it judges nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import pstats
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from guard.adapters.mqtt import CALLS_RECEIVE_MAXIMUM, Protocol
from tests.mqtt.harness import Mosquitto, Watched, running, until

PAYLOAD = (
    b'{"call":"a84b4c76e66710","event":"tick","account":"A1001","to":"+25377123456","from":"+16475550100",'
    b'"at":"2026-11-22T03:12:45.120Z","duration_ms":31000,"charge":"0.35","rate":"2.10"}'
)
TOPIC = b"guard/v1/sw1/calls"
_IN_FLIGHT = 1000


def blast(port: int, count: int) -> None:
    """Publish `count` messages at QoS 1 (MQTT 3.1.1, by hand: a library would be what is measured)."""
    with socket.create_connection(("127.0.0.1", port)) as broker:
        client = b"blaster"
        connect = b"\x00\x04MQTT\x04\x02\x00\x3c" + struct.pack("!H", len(client)) + client
        broker.sendall(bytes((0x10, len(connect))) + connect)
        assert broker.recv(4)[3] == 0
        head = struct.pack("!H", len(TOPIC)) + TOPIC
        length = len(head) + 2 + len(PAYLOAD)
        fixed = bytes((0x32, length & 0x7F | 0x80, length >> 7)) + head
        acknowledged_bytes = 0
        sent = 0
        while acknowledged_bytes < 4 * count:
            room = min(count - sent, _IN_FLIGHT - (sent - acknowledged_bytes // 4))
            if room > 0:
                numbers = range(sent, sent + room)
                broker.sendall(b"".join([fixed + struct.pack("!H", n % 60_000 + 1) + PAYLOAD for n in numbers]))
                sent += room
            acknowledged_bytes += len(broker.recv(65_536))


async def consume(watched: Watched, count: int) -> tuple[float, int]:
    """Fetch and acknowledge `count` messages as they come; seconds of it and the most unacknowledged at once."""
    session = watched.session
    arrived = asyncio.Event()
    session.on_arrival = arrived.set
    received = 0
    most = 0
    began_s = time.perf_counter()
    while received < count:
        arrived.clear()
        if not session.waiting:
            await arrived.wait()
        most = max(most, session.unacknowledged)
        messages = session.drain(10_000)
        received += len(messages)
        session.acknowledge(messages)
    return time.perf_counter() - began_s, most


async def measure(broker: Mosquitto, count: int, *, live: bool, protocol: Protocol, profile: bool) -> None:
    topics = ("guard/v1/+/calls",)
    name = f"{'live' if live else 'backlog'}-{protocol}"
    maximum = CALLS_RECEIVE_MAXIMUM
    # The first connection only makes the session.
    async with running(broker.url, client_id=name, topics=topics, receive_maximum=maximum, protocol=protocol):
        pass
    command = [sys.executable, "-m", "tests.mqtt.floor", "--blast", str(broker.port), "--messages", str(count)]
    if not live:
        await asyncio.to_thread(subprocess.run, command, check=True)
    profiler = cProfile.Profile()
    async with running(
        broker.url, client_id=name, topics=topics, receive_maximum=maximum, protocol=protocol, wait=live
    ) as watched:
        publisher = await asyncio.create_subprocess_exec(*command) if live else None
        if live:
            await until(lambda: watched.session.waiting > 0)
        if profile:
            profiler.enable()
        began_s = time.process_time()
        seconds, most = await consume(watched, count)
        busy_s = time.process_time() - began_s
        if profile:
            profiler.disable()
        if publisher is not None:
            await publisher.wait()
        print(  # noqa: T201 - what it is for
            f"{name:16} {count / seconds:10,.0f} messages/s  adapter {busy_s / count * 1e6:5.1f} microseconds of CPU"
            f" each, at most {most} unacknowledged, {watched.session.counters.overruns} overruns"
        )
    if profile:
        pstats.Stats(profiler).sort_stats("tottime").print_stats(18)


async def main(count: int, *, profile: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        broker = Mosquitto(Path(folder), extra="", saving=False)
        broker.start()
        try:
            for protocol in ("5", "3.1.1"):
                for live in (False, True):
                    await measure(broker, count, live=live, protocol=protocol, profile=profile)
        finally:
            broker.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--blast", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.blast:
        blast(arguments.blast, arguments.messages)
    else:
        asyncio.run(main(arguments.messages, profile=arguments.profile))
