"""Calls of many accounts through one engine, and through those of all 256 partitions: the same decisions."""

from __future__ import annotations

from collections import deque
from random import Random

import pytest

from guard.core.decisions import Decision
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.neighbours import Word
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.records import Event, Report
from guard.core.rules.rule import RuleMode
from guard.core.scopes import Scopes
from guard.core.settings import MINUTE_MS, Settings
from tests.core.rules.builders import rule
from tests.scenarios.stage import START_MS, Stage

RULES = (
    rule("accounts", warn=3, block=6, window_ms=10 * MINUTE_MS),
    rule("accounts", id="recorded", warn=2, block=4, window_ms=3 * MINUTE_MS, mode=RuleMode.SHADOW),
    rule("accounts", id="for a while", warn=None, block=5, release_after_ms=2 * MINUTE_MS),
)
SETTINGS = Settings(fuse_blocks=1_000, default_limit_micros=Micros(10**12))
NUMBERS = ("+252612345678", "+252612345679", "+37061234567")


class Engines:
    """Those of all partitions; what they say is heard at once, each word twice."""

    def __init__(self) -> None:
        scopes = Scopes.of_country_code("1")
        self.engines = [Engine(SETTINGS, scopes, START_MS, rules=RULES, partition=part) for part in range(PARTITIONS)]
        self.decisions: list[Decision] = []
        self._waiting: deque[tuple[int, int, Word]] = deque()
        for part, engine in enumerate(self.engines):
            engine.subscribed(START_MS)
            self._take(part)

    def report(self, report: Report, now_ms: int) -> None:
        """A report reaches the partition of its account."""
        part = partition_of(report.account)
        self.engines[part].report("sw1", report, now_ms)
        self._take(part)
        self._settle(now_ms)

    def advance(self, now_ms: int) -> None:
        """Time has come so far, everywhere."""
        for part, engine in enumerate(self.engines):
            if engine.next_wake_ms <= now_ms:
                engine.advance(now_ms)
                self._take(part)
        self._settle(now_ms)

    def _settle(self, now_ms: int) -> None:
        while self._waiting:
            speaker, hearer, word = self._waiting.popleft()
            self.engines[hearer].hear(speaker, word, now_ms)
            self.engines[hearer].hear(speaker, word, now_ms)
            self._take(hearer)

    def _take(self, part: int) -> None:
        changes = self.engines[part].take()
        self.decisions += changes.decisions
        for to, word in changes.says:
            self._waiting.extend((part, hearer, word) for hearer in (range(PARTITIONS) if to is None else (to,)))


def brief(decisions: list[Decision]) -> list[tuple[object, ...]]:
    return sorted((d.at_ms, d.account, d.action.value, d.reason.value, d.rule, d.key, d.mode.value) for d in decisions)


@pytest.mark.parametrize("seed", range(3))
def test_one_engine_and_all_of_them_decide_the_same(seed: int) -> None:
    random, alone, apart = Random(seed), Stage(SETTINGS, rules=RULES), Engines()
    began: dict[str, tuple[str, str, int]] = {}
    for number in range(70):
        now_ms = alone.now_ms + random.choice((500, 5_000, 30_000))
        alone.advance_to(now_ms)
        apart.advance(now_ms)
        if began and random.random() < 0.5:
            call = random.choice(sorted(began))
            event = random.choice((Event.TICK, Event.ENDED))
        else:
            call, event = f"c{number}", Event.ANSWERED
            began[call] = f"A{random.randrange(25)}", random.choice(NUMBERS), now_ms
        account, to, began_ms = began[call]
        if event is Event.ENDED:
            del began[call]
        charge = Micros(now_ms - began_ms)
        report = Report(
            call, event, account, now_ms, now_ms - began_ms, to=to, charge_micros=charge, rate_micros=Micros(60_000)
        )
        alone.report("sw1", report)
        apart.report(report, now_ms)
    end_ms = alone.now_ms + 30 * MINUTE_MS
    while alone.now_ms < end_ms:
        alone.advance_to(alone.now_ms + 1_000)
        apart.advance(alone.now_ms)

    decided = brief(alone.happened.decisions)
    assert brief(apart.decisions) == decided
    assert {each[2] for each in decided} >= {"warn", "block", "cleared", "unblock"}
