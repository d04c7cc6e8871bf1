"""What a batch has for other partitions is in their logs before it is durable, once, or the batch waits."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

import pytest

from guard.core.decisions import Changes
from guard.core.engine import Engine
from guard.core.neighbours import CrowdFalls, Said, Sighting, Word
from guard.core.partitions import PARTITIONS
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.ports import StoreError
from guard.ports.cluster import Position, Reader
from guard.shell.cluster.between import Between, Words
from guard.wire.between import TOPIC, decode_message, encode_messages, encode_word
from guard.wire.rules import UNKNOWN_WORD


class FailingLog:
    """Takes what it is given, except for some partitions; the same name is there once."""

    def __init__(self) -> None:
        self.entries: dict[int, list[bytes]] = {}
        self.away: set[int] = set()
        self.unacknowledged: set[int] = set()
        """What these are given arrives, and nobody hears that it did."""
        self._names: set[str] = set()
        self._given = 0

    def read(self, part: int, after: Position) -> AbstractAsyncContextManager[Reader]:
        raise NotImplementedError

    def name(self) -> str:
        self._given += 1
        return f"n{self._given}"

    async def append(self, part: int, messages: Sequence[tuple[str, bytes]], *, name: str = "") -> bool:
        if part in self.away:
            return False
        ((topic, payload),) = messages
        assert topic == TOPIC
        if name not in self._names:
            self._names.add(name)
            self.entries.setdefault(part, []).append(payload)
        return part not in self.unacknowledged

    def heard(self, part: int) -> list[Word]:
        return [word for payload in self.entries.get(part, ()) for word in decode_message(payload).words]


def sighting(number: int) -> Sighting:
    return Sighting(counter="c", key="k", account=f"A{number}", at_ms=number)


FALLS = CrowdFalls(rule="r", key="k", since_ms=1)


def between_of(
    log: FailingLog, *, holds: bool = True, words: Words | None = None, logged: list[str] | None = None
) -> Between:
    """Of partition 3."""
    return Between(
        engine=Engine(Settings(), Scopes.of_country_code("1"), 0, partition=3),
        log=log,
        part=3,
        holds=lambda: holds,
        refused=lambda topic, refusal: (logged if logged is not None else []).append(f"{topic}: {refusal.rule}"),
        words=Words() if words is None else words,
    )


def batch() -> Changes:
    changes = Changes()
    changes.says = [Said(7, sighting(1)), Said(None, FALLS), Said(7, sighting(2)), Said(9, sighting(3))]
    return changes


async def test_words_to_one_partition_are_one_entry_in_their_order() -> None:
    log = FailingLog()
    await between_of(log).say(batch())

    assert len(log.entries) == PARTITIONS, "one word was for everyone"
    assert all(len(entries) == 1 for entries in log.entries.values())
    assert log.heard(7) == [sighting(1), FALLS, sighting(2)]
    assert log.heard(9) == [FALLS, sighting(3)]
    assert log.heard(3) == [FALLS], "the own partition hears like any other"
    assert decode_message(log.entries[7][0]).sender == 3


async def test_a_batch_that_says_nothing_asks_the_log_for_nothing() -> None:
    log = FailingLog()
    await between_of(log, holds=False).say(Changes())
    assert not log.entries


async def test_what_has_not_arrived_is_tried_again_and_nothing_else() -> None:
    log, changes = FailingLog(), batch()
    log.away, log.unacknowledged = {7}, {9}
    between = between_of(log)

    for _ in range(2):
        with pytest.raises(StoreError, match="the log of other partitions"):
            await between.say(changes)
    log.away, log.unacknowledged = set(), set()
    await between.say(changes)
    await between.say(changes)

    assert log.heard(7) == [sighting(1), FALLS, sighting(2)]
    assert log.heard(9) == [FALLS, sighting(3)], "though it was given four times, under one name"
    assert all(len(entries) == 1 for entries in log.entries.values())


async def test_the_next_batch_is_another() -> None:
    log = FailingLog()
    between = between_of(log)
    for _ in range(2):
        await between.say(batch())
    assert log.heard(9) == [FALLS, sighting(3)] * 2


async def test_whoever_does_not_hold_the_partition_says_nothing() -> None:
    log = FailingLog()
    with pytest.raises(StoreError, match="lease"):
        await between_of(log, holds=False).say(batch())
    assert not log.entries


async def test_what_means_nothing_here_is_passed_over_counted_and_told_when_it_is_of_another_release() -> None:
    words, logged = Words(), list[str]()
    between = between_of(FailingLog(), words=words, logged=logged)

    await between.say(batch())
    between.hear(encode_messages(9, [encode_word(FALLS), encode_word(sighting(1))])[0], 0)
    assert (words, logged) == (Words(said=4, heard=1, passed_over=1), []), "no rule counts what was sighted"

    between.hear(b"of tomorrow", 0)
    assert words.passed_over == 2
    assert logged == [f"{TOPIC}: {UNKNOWN_WORD}"]
