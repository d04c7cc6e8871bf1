"""The streams of the log: made when they are missing, checked when they are there, and how they stand now.

What differs from the configuration and could lose something, or would put a partition into two streams, is refused;
what an operator may have changed on purpose (how long entries are kept, how many copies there are) is told and left.

**Standing.** Readers must know when the replica that serves them lags behind: a node that was away for a while may lead
a consumer and deliver only what it has, without a word, for a minute and more. `standing` says, as the stream's own
leader has it, which servers have everything and what the last sequence is; one question for all readers of a stream.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog

from guard.adapters.nats.api import NOT_FOUND, Api, LogAwayError, LogRefusedError
from guard.adapters.nats.connection import Connection
from guard.adapters.nats.moments import NS_PER_S, ns_of
from guard.adapters.nats.options import LogOptions
from guard.wire.document import MAX_PAYLOAD_BYTES

FRESH_S: Final = 1.0
"""For so long an answer about a stream serves all its readers."""
PAUSE_S: Final = 0.5
NS_PER_MS: Final = 1_000_000
TWICE_WITHIN_S: Final = 120
"""For so long a stream knows the names of entries (`NatsLog.append_entry`). What is given again is given again within
seconds, unless NATS is away as a whole; then an entry may stand there twice, one copy right behind the other."""
ROOM_BYTES: Final = 64 * 1024
"""For topics and the frame around the largest message."""


class LogLayoutError(Exception):
    """The log is not as the configuration says and cannot be used so; the text says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a stream stands, as its leader sees it."""

    last_sequence: int
    first_sequence: int = 0
    """Of the oldest entry that has not been removed; behind the last one when there is none."""
    first_ns: int = 0
    """When that was stored; when there is none, when the last one was."""
    created_ns: int = 0
    keep_ns: int = 0
    """How old an entry may become; 0: for ever."""
    at_ns: int = 0
    """When this was said, by that server's clock."""
    servers: frozenset[str] | None = None
    """Those that have all of it; None: there is one server and no others."""

    def serves(self, server: str) -> bool:
        """Whether a consumer that this server leads gets everything."""
        return self.servers is None or server in self.servers


class Streams:
    """All streams of one log."""

    def __init__(self, connection: Connection, api: Api) -> None:
        self._connection = connection
        self._api = api
        self._options: LogOptions = connection.options
        self._known: dict[str, tuple[Standing, float]] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._log = structlog.get_logger(__name__).bind(log=self._options.prefix)

    # -- being there

    async def ensure(self) -> None:
        """Return when all streams are there; `LogLayoutError` when they cannot be used as they are."""
        for index, name in enumerate(self._options.stream_names()):
            reason = ""
            while True:
                await self._connection.up()
                try:
                    self._check_room()
                    await self._ensure_one(index, name)
                    break
                except (LogAwayError, LogRefusedError) as error:
                    if str(error) != reason:
                        reason = str(error)
                        self._log.warning("log-stream-missing", stream=name, reason=reason)
                await asyncio.sleep(PAUSE_S)
        self._log.info("log-ready", streams=self._options.streams)

    def _check_room(self) -> None:
        taken = self._connection.max_payload
        if 0 < taken < MAX_PAYLOAD_BYTES + ROOM_BYTES:
            raise LogLayoutError(
                f"NATS takes messages of {taken:,} bytes, and one MQTT message may have {MAX_PAYLOAD_BYTES:,}:"
                " set max_payload: 2MB in its configuration"
            )

    async def _ensure_one(self, index: int, name: str) -> None:
        wanted = self._wanted(index, name)
        try:
            found = (await self._api.call(f"STREAM.INFO.{name}"))["config"]
        except LogRefusedError as refused:
            if refused.code != NOT_FOUND:
                raise
            found = (await self._api.call(f"STREAM.CREATE.{name}", wanted))["config"]
        self._compare(name, wanted, found)

    def _wanted(self, index: int, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "subjects": self._options.subjects(index),
            "retention": "limits",
            "storage": "file",
            # Nodes of 2.15 that were killed have been seen to lose blocks that they had compressed (docs/proofs.md).
            "compression": "none",
            "num_replicas": self._options.replicas,
            "max_age": self._options.keep_ms * NS_PER_MS,
            "duplicate_window": min(TWICE_WITHIN_S * NS_PER_S, self._options.keep_ms * NS_PER_MS),
            "discard": "new",
            "max_consumers": -1,
            "max_msgs": -1,
            "max_bytes": -1,
            "max_msg_size": -1,
        }

    def _compare(self, name: str, wanted: Mapping[str, Any], found: Mapping[str, Any]) -> None:
        for key, why in (
            ("subjects", "the number of streams cannot change once they are made: set [log] streams as it was"),
            ("retention", "entries must stay when they have been read"),
            ("storage", "entries must survive a restart"),
        ):
            if found.get(key) != wanted[key]:
                raise LogLayoutError(f"stream {name} has other {key} than guard's log: {why}")
        for key in ("num_replicas", "max_age", "duplicate_window", "discard", "compression"):
            if found.get(key) != wanted[key]:
                self._log.warning("log-stream-differs", stream=name, key=key, is_=found.get(key), wanted=wanted[key])

    # -- how they stand

    @property
    def keep_s(self) -> float:
        """The shortest time for which one of them keeps entries, as far as is known; 0: it is not."""
        return min((known.keep_ns for known, _ in self._known.values() if known.keep_ns), default=0) / NS_PER_S

    async def standing(self, name: str, *, now: bool = False) -> Standing:
        """How a stream stands, at most `FRESH_S` old (`now`: not older than the question).

        `LogAwayError`, `LogRefusedError`. Those who ask while it is being asked for share the next answer.
        """
        clock = asyncio.get_running_loop().time
        since_s = clock() - (0.0 if now else FRESH_S)
        async with self._asking.setdefault(name, asyncio.Lock()):
            known = self._known.get(name)
            if known is not None and known[1] >= since_s:
                return known[0]
            asked_s = clock()
            standing = _standing(await self._api.call(f"STREAM.INFO.{name}"))
            self._known[name] = (standing, asked_s)
            return standing


def _standing(info: Mapping[str, Any]) -> Standing:
    cluster = info.get("cluster")
    servers = None
    if cluster and cluster.get("leader"):
        replicas = cluster.get("replicas") or ()
        current = {each["name"] for each in replicas if each.get("current") and not each.get("offline")}
        servers = frozenset({cluster["leader"], *current})
    state = info["state"]
    return Standing(
        last_sequence=int(state["last_seq"]),
        first_sequence=int(state["first_seq"]),
        first_ns=ns_of(state["first_ts"] if state["messages"] else state["last_ts"]),
        created_ns=ns_of(info["created"]),
        keep_ns=int(info["config"].get("max_age", 0)),
        at_ns=ns_of(info["ts"]),
        servers=servers,
    )
