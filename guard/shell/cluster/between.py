"""Between partitions: what a batch has for the engines of others is in their logs before the batch is durable.

    batch -> words into the logs of those they are for -> commit -> commands, pieces of snapshots

**Said at least once, without an outbox.** The log is what carries them, so they are as durable as the reports that they
came of, and the hearer has them in its order, behind its stored position. They are appended first and committed after:
a process that dies in between has said what it had not decided yet, and whoever takes up the partition reads the same
entries, comes to the same and says it again. The other way round a commit could be durable of which nobody was ever
told. Every word is made so that hearing it twice changes nothing (`guard.core.neighbours`).

**A log that takes nothing holds the batch up**, like a store that takes nothing: it is tried again until it does, what
came in waits in the partition's own log, and readiness says why. Only what has not arrived is tried again, under the
name that it was given first, so that an entry whose acknowledgement was lost is not there twice.

Words for the own partition go the same way: one order for all, and no word is heard within the batch that says it. To
wait for some logs costs a batch some milliseconds; one that has nothing to say, as nearly all, waits for none.

**A word that means nothing here is passed over** and counted: it is of another release (which the log says, too), or
about a rule that this worker has not taken up yet, or has already given up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from guard.core.decisions import Changes
from guard.core.engine import Engine
from guard.core.neighbours import Said
from guard.core.partitions import PARTITIONS
from guard.core.records import Refusal
from guard.ports import StoreError
from guard.ports.cluster import Log
from guard.wire.between import TOPIC, decode_message, encode_messages, encode_word
from guard.wire.rules import UNKNOWN_WORD

AT_ONCE = 32
"""Entries on their way: what one partition says to all must not fill the connection."""


@dataclass(slots=True)
class Words:
    """Plain counters of a worker, for the metrics."""

    said: int = 0
    """One that is for everyone counts once."""
    heard: int = 0
    passed_over: int = 0


@dataclass(frozen=True, slots=True)
class _Letter:
    """An entry for a partition."""

    to: int
    payload: bytes
    name: str


class Between:
    """Of one partition."""

    def __init__(
        self,
        *,
        engine: Engine,
        log: Log,
        part: int,
        holds: Callable[[], bool],
        refused: Callable[[str, Refusal], None],
        words: Words,
    ) -> None:
        self._engine = engine
        self._refused = refused
        self._words = words
        self._log = log
        self._part = part
        self._holds = holds
        self._of: Changes | None = None
        """The batch that the letters are of."""
        self._left: list[_Letter] = []
        """Not known to have arrived."""

    def hear(self, payload: bytes, now_ms: int) -> None:
        """Let what others say enter the engine."""
        sender, words, unknown = decode_message(payload)
        known = sum(self._engine.hear(sender, word, now_ms) for word in words)
        self._words.heard += known
        self._words.passed_over += len(words) - known + unknown
        if unknown:
            self._refused(TOPIC, Refusal(key="", rule=UNKNOWN_WORD))

    async def say(self, changes: Changes) -> None:
        """Have all that the batch says in the logs; `StoreError` while that cannot be, to be tried again."""
        if not changes.says:
            return
        if changes is not self._of:
            self._of, self._left = changes, list(self._letters(changes.says))
            self._words.said += len(changes.says)
        if not self._holds():
            raise StoreError("the lease has run out; it is renewed, or the partition is somebody else's")
        first_come = asyncio.Semaphore(AT_ONCE)
        arrived = await asyncio.gather(*(self._send(first_come, to) for to in self._in_order(self._left)))
        self._left = [letter for letters in arrived for letter in letters]
        if self._left:
            # Without how many: with each try there may be fewer, and each other reason is logged.
            raise StoreError("the log of other partitions takes nothing; see that NATS is well")

    async def _send(self, first_come: asyncio.Semaphore, letters: list[_Letter]) -> list[_Letter]:
        """Those to one partition, one after the other; what has not arrived."""
        for number, letter in enumerate(letters):
            async with first_come:
                if not await self._log.append(letter.to, [(TOPIC, letter.payload)], name=letter.name):
                    return letters[number:]
        return []

    @staticmethod
    def _in_order(letters: Iterable[_Letter]) -> Iterable[list[_Letter]]:
        by_partition: dict[int, list[_Letter]] = {}
        for letter in letters:
            by_partition.setdefault(letter.to, []).append(letter)
        return by_partition.values()

    def _letters(self, says: Iterable[Said]) -> Iterator[_Letter]:
        words: dict[int, list[bytes]] = {}
        encoded: dict[int, bytes] = {}
        for to, word in says:
            # One word to many is the same object to each.
            packed = encoded.get(id(word))
            if packed is None:
                packed = encoded[id(word)] = encode_word(word)
            for part in range(PARTITIONS) if to is None else (to,):
                words.setdefault(part, []).append(packed)
        for part, theirs in words.items():
            for payload in encode_messages(self._part, theirs):
                yield _Letter(part, payload, self._log.name())
