"""Bytes between the broker and paho-mqtt: together with `connection` the only place that knows the libraries' inside.

Written against aiomqtt 2.5.1 and paho-mqtt 2.2.0, for what they do not offer from outside:

- **Reading in large chunks**, see `frames`. PUBLISH packets go to the `receive` callback at once and nowhere else:
  aiomqtt's queue is unbounded, or else discards what is already acknowledged. All other packets go through paho's
  `_packet_handle`, as if paho had read them.
- **Writing without detours**: aiomqtt registers a socket for writing through `call_soon_threadsafe`, which can come
  after the socket was closed and then watches whatever file has its number by then.
- **Knowing at once that a connection is over, and why**; aiomqtt tells neither who waits for CONNACK nor who waits
  for SUBACK.

paho connects in a thread; everything else happens on the event loop's. What paho calls here only notes things down and
never calls paho back, which would deadlock on its mutex.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import Any

import aiomqtt
import paho.mqtt.client as paho
from aiomqtt.types import PahoSocket, T
from paho.mqtt.exception import MalformedPacket
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from guard.adapters.mqtt.frames import FrameError, FrameReader, is_publish

READ_BYTES = 256 * 1024
"""One read: some 1,000 messages of 200 bytes, the whole receive maximum of the calls session."""

_LONGEST_CHECK_S = 1.0
_UNSPECIFIED = 0x80

Receive = Callable[[list[tuple[int, bytes]]], None]
"""Gets the PUBLISH packets of one read, in order: header byte and body."""


class Transport(aiomqtt.Client):
    """aiomqtt's client with its reading, writing and noticing of the end replaced; see the module's text."""

    _receive: Receive

    def prepare(self, receive: Receive) -> None:
        """Complete the construction, on the event loop; to be called once, before connecting."""
        self.lost: asyncio.Future[str] = self._loop.create_future()
        """Done when the connection is over; the result says why."""
        self.ended_by_peer = False
        """Whether the broker ended the connection, or made it unusable."""
        self._receive = receive
        self._frames = FrameReader()
        self._loop_thread = threading.get_ident()
        self._flush_due = False

    # -- the end ---------------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        """Note once that the connection is over, and tell all who wait."""
        if self.lost.done():
            return
        self.lost.set_result(reason)
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError(reason))
        if not self._disconnected.done():
            self._disconnected.set_result(None)
        for granted in self._pending_subscribes.values():
            if not granted.done():
                granted.set_exception(aiomqtt.MqttError(reason))

    def _fail(self, reason: str, *, by_peer: bool = False) -> None:
        """The connection is broken: close it."""
        if not self.lost.done():
            self.ended_by_peer = by_peer
        self._end(reason)
        self._client._sock_close()  # noqa: SLF001

    async def _wait_for(self, fut: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109 - aiomqtt's signature
        """Wait for an answer of the broker; `MqttError` when the connection was silent for the limit (seconds).

        aiomqtt's own uses `asyncio.wait_for`, which in Python 3.11 forgets a cancellation that comes together with
        the answer: the session would run on. And SUBACK may be behind a backlog of messages, which is no silence.
        """
        limit_s = self.timeout if timeout is None else timeout
        answer = asyncio.ensure_future(fut)
        while not (await asyncio.wait({answer}, timeout=limit_s))[0]:
            if paho.time_func() - self._client._last_bytes_received >= limit_s:  # noqa: SLF001
                answer.cancel()
                raise aiomqtt.MqttError(f"no answer within {limit_s:g} s")
        return answer.result()

    def _on_disconnect(
        self,
        client: paho.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ARG002
        flags: paho.DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,  # noqa: ARG002
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._end(f"the broker closed the connection: {reason_code}")
        elif reason_code.value == _UNSPECIFIED:
            self._end("the connection broke while writing")
        else:
            self._end(f"connection lost: {reason_code}")

    # -- reading ---------------------------------------------------------------------------

    def _readable(self, sock: PahoSocket) -> None:
        """The socket has something to read."""
        try:
            self._read(sock)
        except BlockingIOError:
            return
        except (FrameError, MalformedPacket) as error:
            self._fail(f"the broker sent what is not MQTT: {error}", by_peer=True)
        except OSError as error:
            self._fail(f"the connection broke while reading: {error}", by_peer=True)
        except Exception as error:  # noqa: BLE001
            # boundary: called by the event loop; paho's handlers and the session's callbacks are below.
            self._fail(f"a packet could not be handled: {error!r}")

    def _read(self, sock: PahoSocket) -> None:
        while not self.lost.done():
            data = self._client._sock_recv(READ_BYTES)  # noqa: SLF001
            if not data:
                self._fail("the broker closed the connection", by_peer=True)
                return
            # A sign of life: a PINGRESP comes only behind all that the broker has queued.
            self._client._last_bytes_received = paho.time_func()  # noqa: SLF001
            self._take(self._frames.feed(data))
            # TLS decrypts more than it hands out at once; the socket would not become readable for that.
            pending = getattr(sock, "pending", None)
            if pending is None or not pending():
                return

    def _take(self, frames: list[tuple[int, bytes]]) -> None:
        """Hand the PUBLISH packets to the session, all others to paho, each kind in order."""
        published = [frame for frame in frames if is_publish(frame[0])]
        if len(published) < len(frames):
            for header, body in frames:
                if not is_publish(header):
                    self._handle(header, body)
        if published:
            # Even when the connection has just ended: what has been received is not thrown away.
            self._receive(published)

    def _handle(self, header: int, body: bytes) -> None:
        """Let paho deal with one packet as if it had read it itself."""
        client = self._client
        if client.socket() is None:
            return
        client._in_packet = {  # noqa: SLF001
            "command": header,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": bytearray(body),
            "to_process": 0,
            "pos": 0,
        }
        code = client._packet_handle()  # noqa: SLF001
        if code > 0:
            self._fail(f"the broker broke the protocol: {paho.error_string(code)}", by_peer=True)

    # -- writing ---------------------------------------------------------------------------

    def _on_socket_register_write(
        self,
        client: paho.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ARG002
        sock: PahoSocket,  # noqa: ARG002
    ) -> None:
        """paho has something to write; the thread that connects may say so too."""
        if threading.get_ident() != self._loop_thread:
            self._loop.call_soon_threadsafe(self._flush)
        elif not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        """Write now what paho has queued; only what the socket does not take waits until it is writable.

        Sockets are almost always writable: to ask the selector first costs two system calls each time.
        """
        self._flush_due = False
        self._write()
        sock = self._client.socket()
        if sock is not None and self._client.want_write() and not self.lost.done():
            self._loop.add_writer(sock.fileno(), self._write)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except Exception as error:  # noqa: BLE001
            # boundary: called by the event loop; paho and the socket are below.
            self._fail(f"the connection broke while writing: {error!r}")

    # -- the socket's life -----------------------------------------------------------------

    def _on_socket_open(
        self,
        client: paho.Client,  # noqa: ARG002
        userdata: Any,  # noqa: ARG002
        sock: PahoSocket,
    ) -> None:
        # In the thread that connects; the loop may already have given up on it.
        self._loop.call_soon_threadsafe(self._attach, sock)

    def _attach(self, sock: PahoSocket) -> None:
        if not self.lost.done() and sock.fileno() >= 0:
            self._loop.add_reader(sock.fileno(), self._readable, sock)
            self._misc_task = self._loop.create_task(self._misc_loop())

    async def _misc_loop(self) -> None:
        """Pings, and the end of a connection whose broker does not answer them: looked at four times a keepalive."""
        pause_s = min(_LONGEST_CHECK_S, self._keepalive / 4)
        try:
            while self._client.loop_misc() == paho.MQTT_ERR_SUCCESS:  # noqa: ASYNC110 - paho has to be asked
                await asyncio.sleep(pause_s)
        except Exception as error:  # noqa: BLE001
            # boundary: a task that nobody awaits; paho is below.
            self._fail(f"the connection could not be kept alive: {error!r}")
