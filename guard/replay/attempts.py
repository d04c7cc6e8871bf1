"""Attempts: somebody picks up a telephone. What every stream of the simulation yields, and how streams become one.

A stream is a generator of attempts in the order of their time, in milliseconds since the simulation began. What became
of each attempt is sent back into it (`Outcome`): honest customers do not listen, fraudsters do and try something else.
Streams are merged lazily by a heap, so a hundred thousand customers need no plan, and equal times come in the order of
the streams: the same streams give the same merged stream.
"""

from __future__ import annotations

import heapq
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import TypeVar

from guard.core.records import Direction

T = TypeVar("T")


class Outcome(Enum):
    """What became of an attempt."""

    ANSWERED = "answered"
    FAILED = "failed"
    """Busy, or nobody was there."""
    BLOCKED = "blocked"
    """The switch refused it because guard said so."""
    NO_LINE = "no_line"
    """All lines were in use; the switch does not even report it."""


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What is dialled, and how long it would last if nobody interfered.

    Not frozen, for speed; nobody changes one that has been yielded.
    """

    offset_ms: int
    """When, since the simulation began."""
    account: str
    to: str
    caller: str
    direction: Direction
    rate_micros: int
    talk_ms: int
    answered: bool
    lines: int
    """Calls that can be up at once; 0: no bound. A case of fraud has lines of its own."""
    emergency: bool = False
    source: str = ""
    """Address of the device."""
    case: str = ""
    """The case (`guard.replay.cases`) it belongs to; empty for a customer's usual traffic."""


Stream = Generator[Attempt, Outcome | None, None]


def merge(streams: Iterable[Stream]) -> Stream:
    """All streams as one, in the order of time; an outcome goes to the stream whose attempt it was."""
    heap: list[tuple[int, int, Attempt, Stream]] = []
    for order, stream in enumerate(streams):
        first = next(stream, None)
        if first is not None:
            heap.append((first.offset_ms, order, first, stream))
    heapq.heapify(heap)
    while heap:
        _, order, attempt, stream = heap[0]
        outcome = yield attempt
        try:
            following = stream.send(outcome)
        except StopIteration:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (following.offset_ms, order, following, stream))


def weighted(draw: Random, choices: tuple[tuple[T, int], ...]) -> T:
    """One of the choices, by their weights."""
    point = draw.randrange(sum(weight for _, weight in choices))
    for choice, weight in choices:
        point -= weight
        if point < 0:
            return choice
    raise ValueError("the weights of a choice must be positive")
