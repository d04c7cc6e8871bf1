"""A backtest with the model: asked at its own moments, it acts as in the daemon; off, it is as if there were none."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from guard.backtest.history import Sorter
from guard.backtest.replay import Assumptions, Replay
from guard.backtest.tally import Tally
from guard.core.anomaly import Finding
from guard.core.decisions import Decision
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.records import Scope
from guard.core.rules.observation import Observation
from guard.core.rules.profile import Profile
from guard.core.scopes import Scopes
from guard.core.settings import ModelMode, Settings
from tests.backtest.histories import DAY, HOUR, MINUTE, T0, Object, call, written

UNIT = 1_000_000


@dataclass
class FakeLookout:
    """Finds account A at a moment, and counts what it sees."""

    at_ms: int
    score: int = 2
    asked: list[int] = field(default_factory=list)
    observed: list[int] = field(default_factory=list)

    @property
    def next_due_ms(self) -> int | None:
        return None if self.asked else self.at_ms

    def observe(self, seen: Observation, profile: Profile, up: int) -> None:
        self.observed.append(seen.at_ms)

    def look(self, now_ms: int) -> Sequence[Finding]:
        self.asked.append(now_ms)
        return [Finding(account="A", at_ms=now_ms, score=self.score, mark=1, scope=Scope.INTERNATIONAL, text="odd")]


def play(reports: Sequence[Object], mode: ModelMode, lookout: FakeLookout | None) -> tuple[list[Decision], Tally]:
    settings = Settings(model_mode=mode, default_limit_micros=Micros(10_000 * UNIT))
    engine = Engine(settings, Scopes.of_country_code("1"), T0 - DAY)
    decisions, tally = list[Decision](), Tally(())
    with tempfile.TemporaryDirectory() as name, Sorter(Path(name)) as sorter:
        sorter.add(written(Path(name), reports))
        Replay(engine, sorter.history(), (), tally, Assumptions(), decisions.append, lookout=lookout).run()
    return decisions, tally


HISTORY = call("c1", "A", start_ms=0, lasts_s=3_600) + call("c2", "B", start_ms=0, lasts_s=7_200)


def test_its_block_cuts_calls_and_prevents_their_rest() -> None:
    lookout = FakeLookout(T0 + 10 * MINUTE)
    decisions, tally = play(HISTORY, ModelMode.ENFORCE, lookout)
    (block,) = [each for each in decisions if each.action.value == "block"]
    assert (block.at_ms, block.reason.value, block.scope) == (T0 + 10 * MINUTE, "anomaly", Scope.INTERNATIONAL)
    assert (tally.owed_micros, tally.prevented_micros) == (60 * UNIT + 720 * UNIT, 300 * UNIT)
    assert lookout.asked == [T0 + 10 * MINUTE], "at its own moment, between two reports"
    assert max(lookout.observed) == T0 + 2 * HOUR, "withheld reports are not observed, others are"


def test_in_shadow_the_same_is_recorded_and_the_money_goes_on() -> None:
    decisions, tally = play(HISTORY, ModelMode.SHADOW, FakeLookout(T0 + 10 * MINUTE))
    assert [(each.action.value, each.mode.value) for each in decisions] == [("block", "shadow")]
    assert tally.prevented_micros == 0


def test_one_that_finds_nothing_changes_nothing() -> None:
    silent = play(HISTORY, ModelMode.ENFORCE, FakeLookout(T0 + 10 * MINUTE, score=0))
    without = play(HISTORY, ModelMode.ENFORCE, None)
    off = play(HISTORY, ModelMode.OFF, FakeLookout(T0 + 10 * MINUTE))
    assert silent[0] == without[0] == off[0]
    assert silent[1].owed_micros == without[1].owed_micros == off[1].owed_micros
