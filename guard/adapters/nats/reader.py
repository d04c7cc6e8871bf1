"""Reading one partition: its entries from a position on, in order, without gaps, whatever becomes of the servers.

A consumer of JetStream delivers them: one that lasts as long as it is used, keeps nothing on disk and wants no
acknowledgements, because the position is in the store. It is asked for entries a batch at a time (`BATCH`), the next
when most of the last have been drained, so that what lies ahead is bounded; with each batch it promises a sign of life
every `SIGN_S`. It is replaced by a new one, behind the last entry that came, when

- it gives no sign of life, says that it is gone, or numbers its deliveries with a gap;
- the server that leads it has not all of the stream (`Streams.standing`), and nothing comes from it: it would deliver
  what it has and be silent about the rest, for a minute and more;
- nothing has come for `STILL_S` though the stream went on, and the stream's own leader has a newer entry of this very
  partition: the same from the other end, should a server wrongly take itself for complete.

A consumer is placed by chance, so a new one may be on the wrong server again: it is looked at before it is used. Not
more than `MOVES` times in a row, though: servers that are short of processor say by turns that they have all and that
they have not, and a consumer that delivers is worth more than one that is placed well.

Before each consumer the log is asked whether it is the one that was read so far (`beginning`). If it is not, reading
begins anew at the moment of the position, which is told (`log-is-another`) and counted. A stream that has just found
another leader may seem short for a moment, so it is asked for `SURE_AFTER_S` before that is believed.

**What is removed unread.** The log removes what is older than it keeps, read or not. A reader that has come near to
that says so (`log-nearly-lost`), and when it happens, how much it is (`log-lost`): the entries of the stream, of all
its partitions, that went; of this partition's among them no more is known.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from nats.aio.msg import Msg

from guard.adapters.nats.api import NOT_FOUND, Api, LogAwayError, LogRefusedError
from guard.adapters.nats.beginning import another, policy, removed, stored_at
from guard.adapters.nats.connection import Connection
from guard.adapters.nats.moments import NS_PER_S, text_of
from guard.adapters.nats.streams import Standing, Streams
from guard.ports.cluster import Entry, Position
from guard.ports.messages import Message
from guard.wire.log import LogEntryError, decode_entry

BATCH: Final = 256
"""Entries asked for at a time."""
BATCH_BYTES: Final = 8 << 20
"""Of them together, above the largest entry."""
LOW: Final = 64
"""The next batch is asked for when no more than this are waiting to be drained."""
EXPIRES_S: Final = 20
SIGN_S: Final = 1
MISSING_S: Final = 3.0
"""Without a sign of life for so long, a consumer is gone."""
LOOK_S: Final = 2.0
STILL_S: Final = 4.0
PAUSE_S: Final = 0.25
UNUSED_S: Final = 30
"""After which the server forgets a consumer that nobody asks any more."""
MOVES: Final = 3
SURE_AFTER_S: Final = 4.5
ASK_AGAIN_S: Final = 1.0
"""All partitions of a worker may be asking."""
NEARLY: Final = 0.8
"""Of the time for which entries are kept."""

_SEQUENCE, _NUMBER, _AT, _PENDING = 5, 6, 7, 8
"""Where an entry's reply subject has its sequence in the stream, its number in the consumer, when it was stored, and
how many are left."""
_DOMAIN_FIELDS: Final = 2
"""More of them in front, in the longer form."""
_SHORT_FORM: Final = 9


class _ReplacedError(Exception):
    """The consumer has to be replaced; the text says why."""


def _nobody() -> None:
    """Before somebody wants to be told."""


def delivery(reply: str) -> tuple[Position, int, int]:
    """Place in the stream, number in the consumer, and how many are left, from a delivery's reply subject."""
    fields = reply.split(".")
    more = 0 if len(fields) == _SHORT_FORM else _DOMAIN_FIELDS
    position = Position(int(fields[_SEQUENCE + more]), int(fields[_AT + more]))
    return position, int(fields[_NUMBER + more]), int(fields[_PENDING + more])


@dataclass(slots=True)
class ReadingFigures:
    """Plain counters of all readers of a process."""

    replaced: int = 0
    """Consumers that had to be replaced."""
    begun_anew: int = 0
    """Readers that found another log than the one of their position."""
    lost: int = 0
    """Entries of streams that were removed behind a position; some of them unread."""


class PartitionReader:
    """A `guard.ports.cluster.Reader`; see the module's text."""

    def __init__(
        self, connection: Connection, api: Api, streams: Streams, part: int, after: Position, figures: ReadingFigures
    ) -> None:
        self.on_arrival: Callable[[], None] = _nobody
        self._connection = connection
        self._api = api
        self._streams = streams
        self._stream = connection.options.stream_of(part)
        self._subject = connection.options.subject(part)
        self._last = after
        self._figures = figures
        self._arrived: deque[tuple[Position, bytes]] = deque()
        self._pending = 0
        self._changed = asyncio.Event()
        self._consumer = ""
        self._server = ""
        self._number = 0
        self._asked = 0
        """Entries that the consumer still owes of the last batch."""
        self._sign_s = self._progress_s = 0.0
        self._moves = 0
        """Consumers in a row that were left before they were used, because of their server."""
        self._gone = ""
        self._lost_to = 0
        """Up to here what was removed has been told of."""
        self._nearly_lost = False
        """It has been told that what is unread will be removed soon."""
        self._log = structlog.get_logger(__name__).bind(partition=part, stream=self._stream)

    # -- for whoever reads

    def drain(self, limit: int) -> list[Entry]:
        """Up to `limit` entries that have arrived, in order; `LogEntryError` for one that cannot be read."""
        entries = [self._entry(*self._arrived.popleft()) for _ in range(min(limit, len(self._arrived)))]
        if len(self._arrived) <= LOW:
            self._changed.set()
        return entries

    def lag(self) -> int:
        """Entries of the partition that have not been drained, as far as is known."""
        return len(self._arrived) + self._pending

    def _entry(self, position: Position, data: bytes) -> Entry:
        try:
            at_ms, messages, heard = decode_entry(data)
        except LogEntryError as error:
            raise LogEntryError(f"entry {position.sequence} of stream {self._stream} {error}") from None
        said = [Message(topic, payload, at_ms) for topic, payload in messages]
        return Entry(position=position, at_ms=at_ms, messages=said, heard=heard)

    # -- keeping a consumer

    async def run(self) -> None:
        """Deliver until cancelled."""
        reason = ""
        while True:
            await self._connection.up()
            try:
                await self._consume()
            except (LogAwayError, LogRefusedError, _ReplacedError) as error:
                self._figures.replaced += 1
                if str(error) != reason:
                    reason = str(error)
                    self._log.warning("log-reader-replaced", reason=reason, after=self._last.sequence)
            await asyncio.sleep(PAUSE_S)

    async def _consume(self) -> None:
        """One consumer, until it has to be replaced."""
        self._gone, self._number, self._asked = "", 0, 0
        inbox = self._connection.new_inbox()
        async with self._connection.hearing(inbox, self._take):
            await self._begin()
            await self._create()
            try:
                await self._follow(inbox)
            finally:
                consumer, self._consumer = self._consumer, ""
                if self._connection.connected:
                    with contextlib.suppress(LogAwayError, LogRefusedError):
                        await self._api.call(f"CONSUMER.DELETE.{self._stream}.{consumer}")

    async def _begin(self) -> None:
        """Is it still the log that was read? Else begin at the moment of the position."""
        clock = asyncio.get_running_loop().time
        until_s = clock() + SURE_AFTER_S
        while True:
            standing = await self._streams.standing(self._stream, now=True)
            stored = await stored_at(self._api, self._stream, self._last.sequence) if self._last.sequence else None
            reason = another(standing, stored, self._subject, self._last)
            if not reason:
                self._tell_lost(standing)
                return
            if clock() > until_s:
                break
            await asyncio.sleep(ASK_AGAIN_S)
        last, self._last, self._lost_to = self._last, Position(0, self._last.at_ns), 0
        self._figures.begun_anew += 1
        self._log.error(
            "log-is-another",
            reason=reason,
            position=last.sequence,
            stored=text_of(last.at_ns) if last.at_ns else "at a time that is not known",
            effect="what the log was given since then is read, some of it perhaps again, which changes nothing",
        )

    async def _create(self) -> None:
        made = await self._api.call(
            f"CONSUMER.CREATE.{self._stream}",
            {
                "stream_name": self._stream,
                "config": {
                    "ack_policy": "none",
                    **policy(self._last),
                    "filter_subject": self._subject,
                    "replay_policy": "instant",
                    "mem_storage": True,
                    "num_replicas": 1,
                    "inactive_threshold": UNUSED_S * NS_PER_S,
                },
            },
        )
        self._consumer = str(made["name"])
        self._server = str((made.get("cluster") or {}).get("leader", ""))
        self._pending = int(made.get("num_pending", 0))

    async def _follow(self, inbox: str) -> None:
        clock = asyncio.get_running_loop().time
        if not await self._well_placed() and self._moves < MOVES:
            self._moves += 1
            raise self._misplaced()
        self._moves = 0
        self._sign_s = self._progress_s = looked_s = clock()
        while True:
            self._changed.clear()
            if self._gone:
                raise _ReplacedError(self._gone)
            if not self._asked and len(self._arrived) <= LOW:
                await self._ask(inbox)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SIGN_S):
                    await self._changed.wait()
            now_s = clock()
            if self._asked and now_s - self._sign_s > MISSING_S:
                raise _ReplacedError("the consumer gives no sign of life")
            if now_s - looked_s > LOOK_S:
                looked_s = now_s
                if not await self._well_placed() and now_s - self._progress_s > LOOK_S:
                    raise self._misplaced()
                await self._check_progress(now_s)

    async def _ask(self, inbox: str) -> None:
        request = b'{"batch":%d,"max_bytes":%d,"expires":%d,"idle_heartbeat":%d}' % (
            BATCH,
            BATCH_BYTES,
            EXPIRES_S * NS_PER_S,
            SIGN_S * NS_PER_S,
        )
        self._sign_s = asyncio.get_running_loop().time()
        if await self._connection.say(f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{self._consumer}", request, inbox):
            self._asked = BATCH
        else:
            raise _ReplacedError("the connection is lost")

    async def _take(self, message: Msg) -> None:
        """Something from the consumer: an entry, or a word about the batch."""
        self._sign_s = asyncio.get_running_loop().time()
        status = None if message.headers is None else message.headers.get("Status")
        if status is not None:
            self._take_status(status, message.headers or {})
            return
        position, number, self._pending = delivery(message.reply)
        if number != self._number + 1 or position.sequence <= self._last.sequence:
            self._gone = "an entry is missing between two that came"
            self._changed.set()
            return
        self._number, self._last, self._progress_s = number, position, self._sign_s
        self._arrived.append((position, message.data))
        self._asked = max(0, self._asked - 1)
        if not self._asked:
            self._changed.set()
        self.on_arrival()

    def _take_status(self, status: str, headers: dict[str, Any]) -> None:
        match status:
            case "100":
                return
            case "404" | "408":
                # The batch is over, with less than was asked for: there is no more now.
                self._asked = 0
            case "409" if "Completed" in str(headers.get("Description", "")):
                self._asked = 0
            case "409" if "MaxBytes" in str(headers.get("Description", "")):
                self._asked = 0
            case _:
                self._gone = f"the consumer is gone ({status} {headers.get('Description', '')})".strip()
        self._changed.set()

    # -- what is removed

    def _check_keeping(self, standing: Standing) -> None:
        """Is what has not been read about to be removed, or has it been?"""
        if not self._pending:
            self._nearly_lost = False
            return
        self._tell_lost(standing)
        age_ns = standing.at_ns - self._last.at_ns
        if not self._nearly_lost and self._last.at_ns and 0 < NEARLY * standing.keep_ns < age_ns:
            self._nearly_lost = True
            self._log.error(
                "log-nearly-lost",
                read_to=text_of(self._last.at_ns),
                unread=self._pending,
                keep_s=standing.keep_ns // NS_PER_S,
                remedy="more workers, or a longer [log] keep (nats stream edit --max-age), before it is removed",
            )

    def _tell_lost(self, standing: Standing) -> None:
        count = removed(standing, max(self._last, Position(self._lost_to, self._last.at_ns)))
        if count:
            self._lost_to = standing.first_sequence - 1
            self._figures.lost += count
            self._log.error(
                "log-lost",
                entries=count,
                of="the stream's, of all its partitions; how many were this one's is not known",
                read_to=text_of(self._last.at_ns) if self._last.at_ns else "not known",
                goes_on_at=text_of(standing.first_ns),
                remedy="have billing send the balances of accounts again",
            )

    # -- distrust

    async def _well_placed(self) -> bool:
        """Whether the server that leads the consumer says that it has all of the stream."""
        standing = await self._streams.standing(self._stream)
        self._check_keeping(standing)
        return not self._server or standing.serves(self._server)

    def _misplaced(self) -> _ReplacedError:
        return _ReplacedError(f"server {self._server}, which leads the consumer, has not all of the stream")

    async def _check_progress(self, now_s: float) -> None:
        if now_s - self._progress_s < STILL_S:
            return
        before = self._last
        standing = await self._streams.standing(self._stream, now=True)
        if standing.last_sequence < before.sequence:
            raise _ReplacedError("the stream ends before what has been read of it")
        if standing.last_sequence == before.sequence:
            return
        try:
            newest = await self._api.call(f"STREAM.MSG.GET.{self._stream}", {"last_by_subj": self._subject})
        except LogRefusedError as refused:
            if refused.code != NOT_FOUND:
                raise
            return
        if int(newest["message"]["seq"]) > self._last.sequence and now_s - self._progress_s >= STILL_S:
            raise _ReplacedError("the stream has newer entries than the consumer delivers")
