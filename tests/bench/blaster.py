"""A publisher that costs next to nothing: prepared MQTT 3.1.1 packets on a plain socket, PUBACKs counted.

It shares two cores with the broker and what is measured, so it must not be the bottleneck: packets are laid out before
the clock starts, and only bytes move afterwards. Run as a process of its own (`python -m tests.bench.blaster`) so that
it shares no interpreter lock with anybody.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import sys
import time
from collections.abc import Callable, Sequence

WINDOW = 20_000
"""Publications without PUBACK: the broker is never idle, and packet ids (16 bits) are never used twice at once."""


def remaining_length(length: int) -> bytes:
    """MQTT's variable-length integer."""
    encoded = bytearray()
    while True:
        length, digit = divmod(length, 128)
        encoded.append(digit | (128 if length else 0))
        if not length:
            return bytes(encoded)


def publish_packet(topic: bytes, payload: bytes, packet_id: int) -> bytes:
    """A QoS 1 PUBLISH."""
    body = len(topic).to_bytes(2) + topic + packet_id.to_bytes(2) + payload
    return b"\x32" + remaining_length(len(body)) + body


def connect(port: int, client_id: str) -> socket.socket:
    """A connected MQTT 3.1.1 client, clean session, no keepalive."""
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2) + name
    sock.sendall(b"\x10" + remaining_length(len(body)) + body)
    answer = sock.recv(4)
    if answer != b"\x20\x02\x00\x00":
        raise SystemExit(f"the broker refused the publisher: {answer!r}")
    return sock


def reports(start: int, count: int, accounts: int, calls: int, at: Callable[[int], float]) -> list[bytes]:
    """JSON reports: ticks of `calls` calls over `accounts` accounts; `at` gives the epoch seconds of the nth."""
    made = []
    for number in range(start, start + count):
        call = number % calls
        tick = number // calls
        seconds, rest = divmod(tick, 1_000)
        made.append(
            b'{"call":"c%07d","event":"tick","account":"A%07d","to":"+1416555%04d","from":"+16475550100",'
            b'"at":%.3f,"duration_ms":%d,"charge":"%d.%06d","rate":"0.06"}'
            % (call, call % accounts, call % 10_000, at(number - start), tick * 1_000 + 1_000, seconds, rest * 1_000)
        )
    return made


def publish(sock: socket.socket, packets: Sequence[bytes], pace: float = 0.0) -> None:
    """Send them, so many a second (0: as many as the broker takes); returns when all have been acknowledged."""
    sock.settimeout(0)
    began = time.monotonic()
    acknowledged_bytes = sent = 0
    pending = b""
    selector = selectors.DefaultSelector()
    selector.register(sock, selectors.EVENT_READ | selectors.EVENT_WRITE)
    while acknowledged_bytes < 4 * len(packets):
        room = min(WINDOW - (sent - acknowledged_bytes // 4), 500)
        if pace:
            room = min(room, int((time.monotonic() - began) * pace) - sent)
        if not pending and room > 0 and sent < len(packets):
            pending = b"".join(packets[sent : sent + room])
            sent = min(len(packets), sent + room)
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if pending else 0)
        selector.modify(sock, wanted)
        for _, mask in selector.select(0.002 if pace else 1.0):
            if mask & selectors.EVENT_WRITE and pending:
                pending = pending[sock.send(pending) :]
            if mask & selectors.EVENT_READ:
                received = sock.recv(1 << 16)
                if not received:
                    raise SystemExit("the broker closed the connection of the publisher")
                acknowledged_bytes += len(received)


def told() -> argparse.Namespace:
    """What the command line says."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--topic", required=True)
    arguments.add_argument("--reports", type=int, required=True)
    arguments.add_argument("--batch", type=int, default=1)
    arguments.add_argument("--accounts", type=int, default=1_000)
    arguments.add_argument("--calls", type=int, default=10_000)
    arguments.add_argument("--start", type=int, default=0)
    arguments.add_argument("--rate", type=float, default=0.0, help="reports a second; 0: as many as the broker takes")
    arguments.add_argument(
        "--begin", type=float, default=0.0, help="epoch seconds at which to begin; 0: at a line on stdin"
    )
    return arguments.parse_args()


def main() -> None:
    """Publish, then print what was published and how long the broker took to accept it, as JSON."""
    options = told()
    topic = options.topic.encode()
    # A paced stream states the time at which each report will leave, so that it is no backlog when it arrives.
    begin_s = options.begin or time.time()
    spacing_s = 1 / options.rate if options.rate else 0.0
    made = reports(options.start, options.reports, options.accounts, options.calls, lambda n: begin_s + n * spacing_s)
    payloads = (
        [b"[" + b",".join(made[i : i + options.batch]) + b"]" for i in range(0, len(made), options.batch)]
        if options.batch > 1
        else made
    )
    packets = [publish_packet(topic, payload, 1 + i % 60_000) for i, payload in enumerate(payloads)]
    sock = connect(options.port, "bench-blaster")
    if options.begin:
        time.sleep(max(0.0, options.begin - time.time()))
    else:
        sys.stdin.readline()  # the go
    began = time.monotonic()
    publish(sock, packets, options.rate / options.batch)
    print(json.dumps({"reports": len(made), "messages": len(packets), "seconds": time.monotonic() - began}))


if __name__ == "__main__":
    main()
