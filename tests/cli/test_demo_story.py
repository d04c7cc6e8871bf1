"""What the demonstration makes of what happens: pure, without daemon or clock."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from guard.commands.demo.cast import HACKED, Cast
from guard.commands.demo.plain import PlainLines
from guard.commands.demo.play import write_summary
from guard.commands.demo.screen import Screen
from guard.commands.demo.story import Story
from guard.commands.demo.summary import Audit, Outcome, tell
from guard.core.records import Ack
from guard.replay.link import Heard
from guard.replay.payloads import time_text
from guard.replay.simulation import Simulation
from guard.replay.switch import SimulatedSwitch
from guard.replay.truth import Truth
from tests.cli import pictures
from tests.replay.builders import T0, block

BLOCK_AT_MS = T0 + 21_000
VERBS = {"warn": "Warning", "block": "Blocked"}


def decision(action: str, after_ms: int, **changes: Any) -> dict[str, Any]:
    stated = pictures.decision(action, f"{VERBS[action]}: so it is.", account=HACKED)
    return stated | {"at": time_text(T0 + after_ms), "id": f"{action}{after_ms}"} | changes


class Play:
    """The story with a real switch and somebody in guard's place."""

    def __init__(self) -> None:
        cast = Cast()
        self.story = Story(cast, T0)
        self.switch = SimulatedSwitch("sw1", truth=Truth([HACKED]))
        self.simulation = Simulation(self.switch, cast.attempts(), start_ms=T0)
        self.now_ms = T0

    def until(self, after_ms: int) -> None:
        self.now_ms = T0 + after_ms
        self.story.see_reports(self.simulation.advance(self.now_ms))

    def warn(self, mark: str, after_ms: int) -> None:
        self.story.see_decision(decision("warn", after_ms, mark=mark), self.now_ms)

    def block(self) -> None:
        order = block(1, HACKED)
        obeyed = self.simulation.obey(order, self.now_ms)
        self.story.see_reports(obeyed.reports)
        ack = obeyed.ack or Ack(switch="", id="", ok=False)
        self.story.see_heard(Heard(order, self.now_ms, self.now_ms, ack, ack.ended_calls), self.now_ms - 3)
        self.story.see_decision(decision("block", 20_999), self.now_ms)

    def picture(self, exposure: str, state: str = "active") -> None:
        item = pictures.item(HACKED, limit="120.00", exposure=exposure, state=state)
        self.story.see_picture(item | {"reaches_limit_at": time_text(self.now_ms + 2_500)})

    def outcome(self, **changes: Any) -> Outcome:
        audits = (Audit(account=HACKED, owed_micros=120_030_000, true_micros=120_030_000),)
        stated: dict[str, Any] = {
            "story": self.story,
            "truth": self.switch.truth,
            "over_micros": 30_000,
            "audits": audits,
        }
        return Outcome(**(stated | changes))


@pytest.fixture
def play() -> Play:
    """Hacked at 8 s, warned, blocked at 21 s, and 10 s more."""
    made = Play()
    made.until(12_000)
    made.picture("61.00")
    made.warn("50", 12_000)
    made.until(18_000)
    made.warn("80", 18_000)
    made.until(21_000)
    made.block()
    made.until(33_000)
    made.picture("120.03", "blocked")
    return made


def screen_text(play: Play, width: int, height: int) -> list[str]:
    out = io.StringIO()
    console = Console(file=out, width=width, height=height, force_terminal=False)
    console.print(Screen(console, play.story, "http://127.0.0.1:8080", lambda: play.now_ms))
    return out.getvalue().rstrip("\n").splitlines()


def test_the_screen_fits_80_by_24(play: Play) -> None:
    lines = screen_text(play, 80, 24)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    text = "\n".join(lines)
    for said in ("guard demo 0:33", "Maple Dental Clinic", "blocked", "Saved since the block:", "2 911 calls up"):
        assert said in text


def test_before_the_block_it_shows_what_guard_foresees(play: Play) -> None:
    early = Play()
    assert "Normal traffic: 0 calls up" in "\n".join(screen_text(early, 80, 24))
    early.until(14_000)
    early.picture("70.00", "warned")
    text = "\n".join(screen_text(early, 80, 24))
    assert "guard will act in 2.5 s, or sooner" in text
    assert "70.00 of 120.00 CAD" in text
    assert "1 911 call up, the first for 0:01" in text
    assert play.story.turning.hacked_at_ms == T0 + 8_000


def test_a_tall_screen_shows_everything_that_happened_in_the_order_of_time(play: Play) -> None:
    text = "\n".join(screen_text(play, 120, 60))
    told = ["is hacked: first call", "Blocked: so it is.", "the switch has the block", "is blocked and dials 911"]
    places = [text.index(said) for said in told]
    assert places == sorted(places)


def test_a_decision_that_comes_twice_is_told_once(play: Play) -> None:
    before = len(play.story.moments)
    play.story.see_decision(decision("block", 20_999), play.now_ms)
    assert len(play.story.moments) == before


def test_a_rule_in_shadow_is_told_and_counts_as_nothing(play: Play) -> None:
    story = Story(play.story.cast, T0)
    by_rule = {"mode": "shadow", "reason": "rule", "rule": "same-number", "mark": "block", "text": "12 calls."}
    story.see_decision(decision("block", 1_000, **by_rule), T0)
    story.see_decision(decision("warn", 2_000, **by_rule), T0)
    assert story.moments[-1].mood == "calm"
    assert story.moments[-1].text == f"{HACKED}  recorded only (same-number): 12 calls."
    assert (story.turning.decided_at_ms, story.turning.warned_at_ms) == (None, {})


def test_saved_grows_at_the_rate_of_what_was_cut(play: Play) -> None:
    turning = play.story.turning
    assert turning.cut_burn_micros > 100_000_000
    assert play.story.saved_micros(BLOCK_AT_MS) == 0
    assert play.story.saved_micros(BLOCK_AT_MS + 60_000) == turning.cut_burn_micros


def test_without_a_terminal_there_are_lines(play: Play) -> None:
    out = io.StringIO()
    with PlainLines(out, play.story, "http://127.0.0.1:8080", lambda: play.now_ms) as lines:
        lines.update()
        lines.update()
    text = out.getvalue()
    assert text.count("is hacked: first call") == 1
    assert text.count("Saved since the block") == 1
    assert " 0:21  the switch has the block and ends" in text


def test_the_summary_in_plain_words(play: Play) -> None:
    play.story.see_reports(play.simulation.shut_down(play.now_ms))
    out = io.StringIO()
    write_summary(play.outcome(), out)
    text = " ".join(out.getvalue().split())
    assert max(map(len, out.getvalue().splitlines())) <= 80
    for said in (
        "Hacked at 0:08 the telephone system of Maple Dental Clinic:",
        "Warned at 50 % (0:12), at 80 % (0:18).",
        "Blocked at 0:21. So it is.",
        "3 ms after their true value reached the limit",
        "CAD, 0.03 of it beyond the limit.",
        "one night of 8 hours at",
        "1 911 call of the same customer went on through the block, 1 more got through after it.",
        "agree with the switch's own meter to the last millionth",
    ):
        assert said in text


def told(outcome: Outcome) -> dict[str, str]:
    return {line.title: line.text for line in tell(outcome)}


def test_a_story_told_faster_is_extrapolated_at_the_speed_of_life(play: Play) -> None:
    burn = play.story.turning.cut_burn_micros
    assert f"{burn / 2_000_000:,.2f} CAD a minute" in told(play.outcome(speed=2.0))["Without guard"]


def test_an_end_before_the_point_says_so() -> None:
    early = Play()
    assert "not yet" in told(early.outcome())["Hacked"]
    early.until(9_000)
    assert "not yet" in told(early.outcome())["Blocked"]


def test_books_that_disagree_are_not_hidden(play: Play) -> None:
    wrong = Audit(account=HACKED, owed_micros=1, true_micros=2)
    assert "do NOT agree" in told(play.outcome(audits=(wrong,)))["Books"]
    assert "not compared" in told(play.outcome(audits=()))["Books"]


def test_an_emergency_call_that_was_cut_is_not_hidden(play: Play) -> None:
    next(iter(play.story.emergencies.values())).cut = True
    assert "ENDED" in told(play.outcome())["Emergency"]
