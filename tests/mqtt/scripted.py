"""A broker that does what a test tells it, byte for byte: for what real brokers do rarely or never."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

from tests.mqtt.harness import LIMIT_S

CONNECT, PUBLISH, PUBACK, SUBSCRIBE, PINGREQ, DISCONNECT = 0x10, 0x30, 0x40, 0x80, 0xC0, 0xE0


def packed(header: int, body: bytes) -> bytes:
    """One packet on the wire."""
    length = len(body)
    digits = bytearray()
    while True:
        length, digit = divmod(length, 128)
        digits.append(digit | (0x80 if length else 0))
        if not length:
            return bytes((header,)) + bytes(digits) + body


@dataclass
class Peer:
    """The broker's end of one connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    version: int = 0
    connect: bytes = b""

    async def packet(self) -> tuple[int, bytes]:
        """The next packet: type and body."""
        async with asyncio.timeout(LIMIT_S):
            header = (await self.reader.readexactly(1))[0]
            length = shift = 0
            while True:
                digit = (await self.reader.readexactly(1))[0]
                length |= (digit & 0x7F) << shift
                shift += 7
                if digit < 0x80:
                    return header & 0xF0, await self.reader.readexactly(length)

    async def expect(self, kind: int) -> bytes:
        """The next packet, which must be of this type; pings in between are answered."""
        while True:
            header, body = await self.packet()
            if header == PINGREQ and kind != PINGREQ:
                self.send(b"\xd0\x00")
                continue
            assert header == kind, f"{header:#x} instead of {kind:#x}"
            return body

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def hello(self) -> None:
        """Read CONNECT and note the version."""
        self.connect = await self.expect(CONNECT)
        self.version = self.connect[6]

    async def accept(self, *, session_present: bool = False, properties: bytes = b"") -> None:
        """CONNECT, CONNACK, SUBSCRIBE, SUBACK."""
        await self.hello()
        self.send(self.connack(0, session_present=session_present, properties=properties))
        await self.grant()

    async def grant(self, code: int = 1) -> None:
        """SUBSCRIBE, SUBACK."""
        mid = (await self.expect(SUBSCRIBE))[:2]
        self.send(packed(0x90, mid + (b"\x00" if self.version == 5 else b"") + bytes((code,))))

    def connack(self, code: int, *, session_present: bool = False, properties: bytes = b"") -> bytes:
        body = bytes((session_present, code))
        if self.version == 5:
            body += bytes((len(properties),)) + properties
        return packed(0x20, body)

    def publication(self, mid: int, payload: bytes, *, topic: bytes = b"t/1", qos: int = 1) -> bytes:
        """A PUBLISH to the client."""
        body = struct.pack("!H", len(topic)) + topic
        if qos:
            body += struct.pack("!H", mid)
        return packed(0x30 | qos << 1, body + (b"\x00" if self.version == 5 else b"") + payload)

    async def acknowledged(self) -> int:
        """The packet id of the next packet, which must be a PUBACK."""
        return int.from_bytes((await self.expect(PUBACK))[:2])

    async def gone(self) -> None:
        """Wait until the client has closed the connection."""
        async with asyncio.timeout(LIMIT_S):
            with contextlib.suppress(ConnectionError):
                while await self.reader.read(65_536):
                    pass

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


@dataclass
class Scripted:
    """A listening scripted broker."""

    url: str
    _arrivals: asyncio.Queue[Peer]

    async def peer(self) -> Peer:
        """The next connection."""
        async with asyncio.timeout(LIMIT_S):
            return await self._arrivals.get()


@contextlib.asynccontextmanager
async def scripted() -> AsyncIterator[Scripted]:
    arrivals: asyncio.Queue[Peer] = asyncio.Queue()
    peers: list[Peer] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peers.append(Peer(reader, writer))
        arrivals.put_nowait(peers[-1])

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield Scripted(f"mqtt://127.0.0.1:{server.sockets[0].getsockname()[1]}", arrivals)
    finally:
        server.close()
        for peer in peers:
            await peer.close()
        await server.wait_closed()
