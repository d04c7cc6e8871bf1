"""Learning over weeks, through the engine: what becomes usual, when, and what never does.

An account calls Toronto each noon; on one day it calls Somalia, too. Whether that day has been learned shows in whether
Somalia is new to it afterwards.
"""

from __future__ import annotations

import pytest

from guard.core import blocking
from guard.core.money import Micros
from guard.core.rating import Rating
from guard.core.records import (
    AccountMessage,
    Allow,
    Approve,
    Block,
    CloseFuse,
    Event,
    Intent,
    IntentResult,
    Reject,
    Release,
    Report,
)
from guard.core.rules.profile import PREFIX
from guard.core.rules.rule import Measure, Per, Rule, RuleMode
from guard.core.settings import DAY_MS, HOUR_MS, Settings
from guard.core.tariff import CallClass, Destination, Tariff
from tests.scenarios.stage import START_MS, Stage

NOON_MS = START_MS + 4 * HOUR_MS
"""2027-01-15T12:00:00Z."""
ODD_DAY = 20
LEARNED_ON, AT_THE_LATEST = ODD_DAY + 3, ODD_DAY + 10
TORONTO, SOMALIA = "+14165550100", "+252612345678"


def rating() -> Rating:
    """Two destinations."""
    rows = [Destination(prefix="1", name="Canada", kind=CallClass.DOMESTIC, rate_micros=10_000)]
    rows.append(Destination(prefix="252", name="Somalia", kind=CallClass.INTERNATIONAL, rate_micros=3_400_000))
    return Rating(unknown_rate_micros=1_000_000, tariff=Tariff(rows))


def far(mode: RuleMode, release_after_ms: int | None = None) -> Rule:
    """Two calls within an hour to one number, which nobody does here but on the odd day."""
    return Rule(
        id="far",
        title="Far",
        mode=mode,
        measure=Measure.CALLS,
        window_ms=HOUR_MS,
        per=Per.NUMBER,
        block=2,
        release_after_ms=release_after_ms,
    )


class Weeks:
    """An account, day after day."""

    def __init__(self, rule: Rule, settings: Settings | None = None) -> None:
        self.stage = Stage(settings or Settings(), rating=rating(), rules=(rule,))
        self.stage.billing(AccountMessage(id="m1", account="A1"))
        self.calls = 0
        for day in range(ODD_DAY):
            self.noon(day)

    def call(self, to: str) -> None:
        """A call of a minute, now."""
        self.calls += 1
        now_ms = self.stage.now_ms
        charge = Micros(0)
        self.stage.report(
            "sw1", Report(f"c{self.calls}", Event.ENDED, "A1", now_ms, 60_000, to=to, charge_micros=charge)
        )

    def at(self, at_ms: int) -> None:
        """Time passes; what falls due on the way is done by then."""
        self.stage.now_ms = at_ms
        self.stage.engine.advance(at_ms)
        self.stage.settle()

    def noon(self, day: int) -> None:
        """The usual call of a day."""
        self.at(NOON_MS + day * DAY_MS)
        self.call(TORONTO)

    def odd_day(self, calls: int) -> None:
        """So many calls to Somalia."""
        self.noon(ODD_DAY)
        for _ in range(calls):
            self.call(SOMALIA)

    def learned_on(self, after: int = ODD_DAY) -> int | None:
        """The day on which Somalia became usual; None: never."""
        for day in range(after + 1, ODD_DAY + 20):
            self.noon(day)
            detection = self.stage.engine._detection
            assert detection is not None
            profile = detection.watch.profile("A1")
            assert profile is not None
            if not profile.new(PREFIX, "252", 90):
                return day
        return None

    def intend(self, intent: Intent) -> None:
        """An operator does something, now."""
        assert self.stage.intent(intent) is IntentResult.DONE

    def restart(self) -> None:
        """Guard is killed, and comes back."""
        self.stage.store.commit(self.stage.engine.keepsakes())
        self.stage.restart(crash=True)
        self.stage.subscribed()


def test_an_ordinary_day_is_learned_after_48_hours() -> None:
    weeks = Weeks(far(RuleMode.ENFORCE))
    weeks.odd_day(1)
    assert weeks.learned_on() == LEARNED_ON


@pytest.mark.parametrize("restarts", [False, True])
def test_a_shadow_hit_delays_by_seven_days(restarts: bool) -> None:  # noqa: FBT001
    weeks = Weeks(far(RuleMode.SHADOW))
    weeks.odd_day(2)
    if restarts:
        weeks.restart()
    assert weeks.learned_on() == AT_THE_LATEST


@pytest.mark.parametrize("restarts", [False, True])
def test_a_blocked_day_that_nobody_released_is_never_learned(restarts: bool) -> None:  # noqa: FBT001
    weeks = Weeks(far(RuleMode.ENFORCE))
    weeks.odd_day(2)
    if restarts:
        weeks.restart()
    assert weeks.learned_on() is None


def test_nor_is_one_whose_block_ended_as_planned() -> None:
    weeks = Weeks(far(RuleMode.ENFORCE, release_after_ms=HOUR_MS))
    weeks.odd_day(2)
    assert weeks.learned_on() is None
    assert not weeks.stage.engine.world.accounts["A1"].causes


def test_nor_one_on_which_an_operator_blocked() -> None:
    weeks = Weeks(far(RuleMode.ENFORCE))
    weeks.odd_day(1)
    weeks.intend(Block(account="A1", by="ana", reason="stolen", until_ms=weeks.stage.now_ms + HOUR_MS))
    assert weeks.learned_on() is None


@pytest.mark.parametrize("days_later", [0, 6])
def test_a_released_false_alarm_is_learned(days_later: int) -> None:
    weeks = Weeks(far(RuleMode.ENFORCE))
    weeks.odd_day(2)
    released_on = ODD_DAY + days_later
    for day in range(ODD_DAY + 1, released_on + 1):
        weeks.noon(day)
    weeks.intend(Release(account="A1", by="ana", reason="their new branch"))
    assert weeks.learned_on(released_on) == max(LEARNED_ON, released_on + 1)


def test_an_allowance_is_no_verdict_about_the_day() -> None:
    weeks = Weeks(far(RuleMode.ENFORCE))
    weeks.odd_day(2)
    weeks.intend(Allow(account="A1", by="ana", reason="wants to call", until_ms=weeks.stage.now_ms + 3 * HOUR_MS))
    assert weeks.learned_on() is None


@pytest.mark.parametrize(("verdict", "expected"), [(Approve, None), (Reject, LEARNED_ON)])
def test_what_was_held_is_learned_if_it_was_a_false_alarm(
    verdict: type[Approve | Reject], expected: int | None
) -> None:
    weeks = Weeks(far(RuleMode.ENFORCE), Settings(fuse_blocks=0))
    weeks.odd_day(2)
    (held,) = weeks.stage.engine.held()
    weeks.intend(verdict(account="A1", held=held.id, by="ana", reason="looked at it"))
    assert weeks.learned_on() == expected


def test_of_too_many_held_blocks_the_oldest_lapse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "MOST_HELD", 2)
    weeks = Weeks(far(RuleMode.ENFORCE), Settings(fuse_blocks=0))
    for account in ("B1", "B2", "B3"):
        for call in range(2):
            report = Report(f"{account}-{call}", Event.ANSWERED, account, weeks.stage.now_ms, to=SOMALIA)
            weeks.stage.report("sw1", report)
    assert [held.account for held in weeks.stage.engine.held()] == ["B2", "B3"]


def test_who_closed_the_fuse_is_kept() -> None:
    weeks = Weeks(far(RuleMode.ENFORCE), Settings(fuse_blocks=0))
    weeks.odd_day(2)
    weeks.intend(CloseFuse(by="ana", reason="the rule is right"))
    weeks.intend(CloseFuse(by="bob", reason="it is closed already"))
    audits = [(each.account, each.by, each.what, each.reason) for each in weeks.stage.store.audit]
    assert audits == [("", "ana", "close_fuse", "the rule is right")]
