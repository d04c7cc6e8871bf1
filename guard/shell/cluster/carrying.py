"""Carrying out: operators' intents that came through a partition's log, each once, and the answers to whoever waits.

    node --intent--> log of the account's partition --> engine --> commit (effect and id together) --answer--> node

**Once.** An intent may stand in the log twice, because a node that has heard nothing asks again, and it may be read
twice, because its owner died before the position was stored. So the id of each that was carried out is kept with the
state, in the very commit that holds its effect, and a repeat gets the answer of the first. That is kept for `KEPT_MS`,
which is longer than anything is carried out after it was asked for.

**In time.** What is read more than `TOO_LATE_MS` after it was asked for is not carried out: all workers were away, or
the partition was, and the operator was told long ago that nothing had been confirmed. Nobody who blocks an account
wants that to happen in an hour, of itself. That is also so when a log is read again from far back, as after a restore
of the database: what operators did since that backup is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial

import structlog

from guard.core.decisions import KeptRow
from guard.core.engine import Engine
from guard.core.records import Forget, IntentResult
from guard.core.rows import CarriedRow
from guard.ports.cluster import Bus
from guard.wire.intents import Answer, Asked, Wish, decode_asked, encode_answer

ANSWER = "answer.{node}"
"""The subject on which a node hears what became of its intents."""
KIND = "carried"
TOO_LATE_MS = 60_000
KEPT_MS = 10 * 60_000
MOST_KEPT = 10_000
"""In a partition: more than operators can ask for while it counts; the oldest go."""

_TOO_LATE = "it was read too late to be carried out; look at the account, and ask again if it is still wanted"
_UNKNOWN = "the worker that decides for it is of another version of guard; try again when all are the same"


@dataclass(slots=True)
class Counts:
    """Plain counters of a worker, for its metrics."""

    carried_out: int = 0
    repeated: int = 0
    """Were carried out before: only the answer was given again."""
    too_late: int = 0
    unknown: int = 0
    """Cannot be read: of another version of guard."""


def _nobody_asks(_: str) -> None:
    """Before somebody wants to be told."""


class Carrying:
    """Of one partition."""

    def __init__(self, *, engine: Engine, bus: Bus, counts: Counts) -> None:
        self._engine = engine
        self._bus = bus
        self._counts = counts
        self._carried: dict[str, CarriedRow] = {}
        """By id."""
        self.on_forgotten: Callable[[str], None] = _nobody_asks
        """Told of each account that was forgotten, once that is durable."""

    def restored(self, kept: Iterable[KeptRow]) -> Iterator[KeptRow]:
        """The same rows; what was carried out lately is found on the way."""
        for row in kept:
            if isinstance(row.row, CarriedRow):
                self._carried[row.key] = row.row
            yield row

    def take(self, payload: bytes, now_ms: int) -> Callable[[], None]:
        """Let an intent enter the engine; what it gives says what became of it, and is called once that is durable."""
        asked = decode_asked(payload)
        if asked is None:
            self._counts.unknown += 1
            structlog.get_logger("guard").error("intent-unknown", effect="it is not carried out")
            return lambda: None
        answer, forgotten = self._answer(asked, now_ms)
        return partial(self._tell, asked.node, answer, forgotten)

    def _tell(self, node: str, answer: Answer, forgotten: str) -> None:
        if forgotten:
            self.on_forgotten(forgotten)
        self._bus.send(ANSWER.format(node=node), encode_answer(answer))

    def _answer(self, asked: Asked, now_ms: int) -> tuple[Answer, str]:
        """What becomes of it, and the account that is forgotten by it."""
        done = self._carried.get(asked.id)
        if done is not None:
            self._counts.repeated += 1
            return Answer(id=asked.id, result=done.result, days=done.days), ""
        if asked.wish is None:
            self._counts.unknown += 1
            return Answer(id=asked.id, why=_UNKNOWN), ""
        if now_ms - asked.at_ms > TOO_LATE_MS:
            self._counts.too_late += 1
            structlog.get_logger("guard").warning("intent-too-late", late_s=(now_ms - asked.at_ms) // 1_000)
            return Answer(id=asked.id, why=_TOO_LATE), ""
        self._counts.carried_out += 1
        row = self._carry_out(asked.wish, now_ms)
        self._keep(asked.id, row)
        done_now = row.result == IntentResult.DONE.value
        forgotten = asked.wish.account if isinstance(asked.wish, Forget) and done_now else ""
        return Answer(id=asked.id, result=row.result, days=row.days), forgotten

    def _carry_out(self, wish: Wish, now_ms: int) -> CarriedRow:
        if isinstance(wish, tuple):
            days = tuple(self._engine.learn(past, now_ms) for past in wish)
            return CarriedRow(now_ms, IntentResult.DONE.value, days)
        return CarriedRow(now_ms, self._engine.intent(wish, now_ms).value)

    def _keep(self, id_: str, row: CarriedRow) -> None:
        """With the batch at hand; what is old goes with it."""
        kept = self._engine.world.changes.kept
        for old in self._outlived(row.at_ms):
            del self._carried[old]
            kept.append(KeptRow(KIND, old, None))
        self._carried[id_] = row
        kept.append(KeptRow(KIND, id_, row))

    def _outlived(self, now_ms: int) -> list[str]:
        old = [id_ for id_, row in self._carried.items() if now_ms - row.at_ms > KEPT_MS]
        if not old and len(self._carried) >= MOST_KEPT:
            return [min(self._carried, key=lambda id_: self._carried[id_].at_ms)]
        return old
