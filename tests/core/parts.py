"""Engines of partitions that hear each other: words take a moment, may come twice, and each batch is stored or lost.

Only partitions that a test has to do with are made. What an engine says before its batch is stored is heard even if the
batch is lost, as it is in a cluster.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

from guard.core.decisions import Changes, Decision, KeptRow, Notice, Send
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.neighbours import Mentioned, Word
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.rating import Rating
from guard.core.records import Event, Intent, IntentResult, Report, SwitchStatus
from guard.core.rules.rule import Rule
from guard.core.scopes import Scopes
from guard.core.settings import MINUTE_MS, Settings
from guard.wire.between import decode_message, encode_messages, encode_word
from guard.wire.kept import decoded, encoded
from tests.scenarios.stage import START_MS, ack_of
from tests.scenarios.store import DictStore

SOMALIA = "+252612345678"
TURN_MS = 5_000
"""A loop turns at least so often."""


@dataclass
class Part:
    """One partition."""

    engine: Engine
    store: DictStore = field(default_factory=DictStore)


class Parts:
    """All that a test has to do with, and the time."""

    def __init__(
        self,
        settings: Settings | None = None,
        rules: tuple[Rule, ...] = (),
        *,
        rating: Rating | None = None,
        hop_ms: int = 5,
    ) -> None:
        self.settings = settings or Settings()
        self.rating = rating
        self.rules = rules
        self.hop_ms = hop_ms
        self.now_ms = START_MS
        self.parts: dict[int, Part] = {}
        self.decisions: list[Decision] = []
        self.notices: list[Notice] = []
        self.words: list[tuple[int, int, Word]] = []
        """(from, to, word), as they were heard."""
        self.sent: dict[int, list[Send]] = {}
        """By partition: what it has sent to the switches since they last answered."""
        self.away: set[int] = set()
        """Nobody holds these: what is said to them waits."""
        self.twice = False
        """Each word is heard twice."""
        self._on_their_way: list[tuple[int, int, int, int, bytes]] = []
        self._count = 0
        self._turn_due_ms = START_MS + TURN_MS

    # -- partitions

    def part(self, number: int) -> Part:
        """That one, made when needed."""
        part = self.parts.get(number)
        if part is None:
            part = self.parts[number] = Part(self._engine(number))
            part.engine.subscribed(self.now_ms)
            self.turn(number)
        return part

    def of(self, account: str) -> Engine:
        """The engine of an account."""
        return self.part(partition_of(account)).engine

    def _engine(self, number: int) -> Engine:
        scopes = Scopes.of_country_code("1")
        return Engine(self.settings, scopes, self.now_ms, self.rating, self.rules, partition=number)

    def crash(self, number: int) -> None:
        """What is not stored is lost; somebody else restores the rest, through the bytes of a store."""
        part = self.part(number)
        part.engine = self._engine(number)
        rows = part.store.kept.values()
        part.store.kept = {(row.kind, row.key): _through_bytes(row) for row in rows}
        part.engine.restore(part.store.restored(), self.now_ms)
        part.engine.subscribed(self.now_ms)
        self.turn(number)

    # -- what comes in

    def call(self, account: str, *, lost: bool = False) -> None:
        """A call to Somalia is over, now. `lost`: the process dies before that is stored, and hears it again."""
        number = partition_of(account)
        self._count += 1
        report = Report(
            f"c{self._count}", Event.ENDED, account, self.now_ms, MINUTE_MS, to=SOMALIA, charge_micros=Micros(0)
        )
        self.of(account).report("sw1", report, self.now_ms)
        self.turn(number, lost=lost)
        if lost:
            self.crash(number)
            self.of(account).report("sw1", report, self.now_ms)
            self.turn(number)

    def tick(self, account: str, call: str = "up", switch: str = "sw1") -> None:
        """A call is up."""
        report = Report(call, Event.TICK, account, self.now_ms, 1_000, to="+16135550100", charge_micros=Micros(1))
        self.of(account).report(switch, report, self.now_ms)
        self.turn(partition_of(account))

    def acknowledge(self, number: int, *, error: str = "") -> None:
        """The switches answer all that this partition has given them since the last time."""
        sent, self.sent[number] = self.sent.get(number, []), []
        for send in sent:
            answer = ack_of(send, self.now_ms, error or None)
            self.parts[number].engine.control(answer, self.now_ms)
        self.turn(number)

    def status(self, switch: str, *, up: bool) -> None:
        """Reaches all partitions."""
        for number in list(self.parts):
            self.parts[number].engine.control(SwitchStatus(switch=switch, up=up), self.now_ms)
            self.turn(number)

    def mention(self, switch: str) -> None:
        """The ingests say to all that it talks."""
        for number in list(self.parts):
            self.parts[number].engine.control(Mentioned(switch=switch), self.now_ms)
            self.turn(number)

    def intent(self, number: int, intent: Intent) -> IntentResult:
        """An operator's, to that partition."""
        result = self.part(number).engine.intent(intent, self.now_ms)
        self.turn(number)
        return result

    # -- time

    def turn(self, number: int, *, lost: bool = False) -> Changes:
        """A batch: it is said, then stored, unless the process dies in between."""
        part = self.parts[number]
        changes = part.engine.take()
        for to, word in changes.says:
            for target in range(PARTITIONS) if to is None else (to,):
                for _ in range(1 + self.twice):
                    self._count += 1
                    due_ms = self.now_ms + self.hop_ms
                    (message,) = encode_messages(number, [encode_word(word)])
                    heappush(self._on_their_way, (due_ms, self._count, number, target, message))
        if not lost:
            part.store.commit(changes)
            self.decisions += changes.decisions
            self.notices += changes.notices
            self.sent.setdefault(number, []).extend(changes.sends)
        return changes

    def run(self, ms: int) -> None:
        """Let so much time pass: words are heard, and engines look when they want to."""
        end_ms = self.now_ms + ms
        while (moment := min(self._moments())) <= end_ms:
            self.now_ms = max(self.now_ms, moment)
            self._hear()
            for number, part in list(self.parts.items()):
                due = part.engine.next_wake_ms <= self.now_ms or self._turn_due_ms <= self.now_ms
                if due and number not in self.away:
                    part.engine.advance(self.now_ms)
                    self.turn(number)
            if self._turn_due_ms <= self.now_ms:
                self._turn_due_ms = self.now_ms + TURN_MS
        self.now_ms = end_ms

    def _moments(self) -> Iterator[int]:
        yield self._turn_due_ms
        heard = [due for due, _, _, target, _ in self._on_their_way if target not in self.away]
        if heard:
            yield min(heard)
        for number, part in self.parts.items():
            if number not in self.away:
                yield max(part.engine.next_wake_ms, self.now_ms + 1)

    def _hear(self) -> None:
        later: list[tuple[int, int, int, int, bytes]] = []
        while self._on_their_way and self._on_their_way[0][0] <= self.now_ms:
            entry = heappop(self._on_their_way)
            _, _, sender, target, message = entry
            if target in self.away:
                later.append(entry)
            elif target in self.parts:
                for word in decode_message(message).words:
                    self.words.append((sender, target, word))
                    self.parts[target].engine.hear(sender, word, self.now_ms)
                self.turn(target)
        for entry in later:
            heappush(self._on_their_way, entry)


def _through_bytes(row: KeptRow) -> KeptRow:
    return decoded((row.kind, row.key, encoded(row.row)))


def accounts(count: int, *, of: int | None = None) -> list[str]:
    """The first so many names, of one partition or of any."""
    names = (f"A{number}" for number in range(1_000_000))
    fitting = (name for name in names if of is None or partition_of(name) == of)
    return [name for _, name in zip(range(count), fitting, strict=False)]
