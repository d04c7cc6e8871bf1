"""A new setup in the middle of everything: what follows it, and what stays.

Prices are the business of `tests/properties/test_reload`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from guard.core.decisions import Action, Command, Decision, Mode, NoticeKind, Reason, SnapshotPart
from guard.core.emergency import EmergencyNumbers
from guard.core.money import MAX_MICROS, Micros
from guard.core.plans import Plan, Quota, Reach
from guard.core.rating import Rating
from guard.core.records import (
    AccountMessage,
    Credit,
    Event,
    IntentResult,
    PaymentMessage,
    PaymentStatus,
    Release,
    Report,
    SwitchStatus,
)
from guard.core.rules.rule import Measure, Per, Rule, RuleMode
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, Settings, SwitchSettings
from guard.core.setup import Reload, Setup
from guard.core.tariff import CallClass, Destination, Tariff
from tests.scenarios.stage import Stage

UNIT = 1_000_000
SOMALIA, HELPLINE = "+252612345678", "1161"
FAR = Rule(
    id="far",
    title="Far away",
    mode=RuleMode.ENFORCE,
    measure=Measure.CALLS,
    window_ms=HOUR_MS,
    per=Per.NUMBER,
    warn=2,
    block=5,
)


def rating(somalia: int = 3 * UNIT, plans: dict[str, Plan] | None = None) -> Rating:
    """One destination, at so much a minute."""
    row = Destination(prefix="252", name="Somalia", kind=CallClass.INTERNATIONAL, rate_micros=somalia)
    return Rating(unknown_rate_micros=UNIT, tariff=Tariff([row]), plans=plans)


class Play:
    """A stage on which the setup changes."""

    def __init__(self, settings: Settings | None = None, rules: tuple[Rule, ...] = (), **more: Rating) -> None:
        self.stage = Stage(settings or Settings(), rules=rules, rating=more.get("rating"))
        self.engine = self.stage.engine

    def reload(
        self,
        settings: Settings | None = None,
        rules: tuple[Rule, ...] | None = None,
        rating: Rating | None = None,
    ) -> None:
        """These change; the rest stays."""
        stage = self.stage
        stage.settings = settings or stage.settings
        stage.rules = stage.rules if rules is None else rules
        stage.rating = rating or stage.rating or stage.engine.world.rating
        setup = Setup(settings=stage.settings, scopes=stage.scopes, rating=stage.rating, rules=stage.rules)
        stage.engine.reload(Reload(setup=setup, by="ana", what="this and that"), stage.now_ms)
        stage.settle()

    def say(self, call: str, event: Event, lasted_s: int = 0, *, to: str = SOMALIA, account: str = "A1") -> None:
        """A report of this moment, without a price."""
        now_ms = self.stage.now_ms
        self.stage.report("sw1", Report(call, event, account, now_ms, lasted_s * SECOND_MS, to=to))

    def later(self, ms: int) -> None:
        """Time passes."""
        self.stage.advance_to(self.stage.now_ms + ms)

    def decided(self, account: str = "A1") -> list[tuple[Action, Reason, Mode]]:
        """What was decided since somebody last looked."""
        decisions, self.stage.happened.decisions = self.stage.happened.decisions, []
        return [(each.action, each.reason, each.mode) for each in decisions if each.account == account]

    def last(self) -> Decision:
        """The last decision of all."""
        return self.stage.store.decisions[-1]

    def sent(self) -> list[Command | SnapshotPart]:
        """What the switch was sent since somebody last looked."""
        return self.stage.sent.pop("sw1", [])

    def exposure(self, account: str = "A1") -> int:
        """In micros, now."""
        return self.stage.engine.world.accounts[account].exposure_scaled(self.stage.now_ms) // 60_000


# -- emergency numbers


def test_a_new_emergency_number_reaches_the_switches_with_every_block_that_stands() -> None:
    play = Play(rules=(FAR,))
    for number in range(5):
        play.say(f"c{number}", Event.ANSWERED)
    assert isinstance(play.sent()[-1], Command)
    play.reload(Settings(emergency=EmergencyNumbers(("911", "1161"))))
    (snapshot,) = play.sent()
    assert isinstance(snapshot, SnapshotPart)
    assert (tuple(snapshot.emergency), [entry.account for entry in snapshot.blocked]) == (("911", "1161"), ["A1"])
    for number in range(5):
        play.say(f"d{number}", Event.ANSWERED, account="A2")
    command = play.sent()[-1]
    assert isinstance(command, Command)
    assert tuple(command.emergency) == ("911", "1161")


def test_a_call_that_is_up_to_a_new_emergency_number_costs_nothing_and_is_never_ended() -> None:
    play = Play(Settings(default_limit_micros=Micros(10 * UNIT)), (replace(FAR, warn=None, block=1),))
    play.say("c1", Event.ANSWERED, to=HELPLINE, account="B1")
    play.say("c2", Event.ANSWERED)
    play.later(5 * MINUTE_MS)
    play.say("c1", Event.TICK, 300, to=HELPLINE, account="B1")
    assert play.exposure("B1") == 5 * UNIT
    play.reload(Settings(emergency=EmergencyNumbers(("911", "1161")), default_limit_micros=Micros(10 * UNIT)))
    assert play.exposure("B1") == 0
    call = play.engine.world.switches["sw1"].calls["c1"]
    assert (call.emergency, call.endable) == (True, False)
    play.later(MINUTE_MS)
    play.say("c1", Event.ENDED, 360, to=HELPLINE, account="B1")
    assert play.stage.store.owed["B1"] == 0


def test_a_switch_that_is_down_gets_its_snapshot_when_it_is_back() -> None:
    play = Play()
    play.say("c1", Event.ANSWERED)
    play.stage.control(SwitchStatus(switch="sw1", up=False))
    play.sent()
    play.reload(Settings(emergency=EmergencyNumbers(("1161",))))
    assert play.sent() == []
    play.stage.control(SwitchStatus(switch="sw1", up=True))
    assert [tuple(each.emergency) for each in play.sent()] == [("1161",)]


# -- limits, trust


def test_accounts_with_the_default_limit_follow_it_and_others_do_not() -> None:
    play = Play(Settings(default_limit_micros=Micros(10 * UNIT)))
    stated = Credit(limit_micros=Micros(10 * UNIT))
    play.stage.billing(AccountMessage(id="m1", account="B1", credit=stated))
    play.stage.billing(
        AccountMessage(id="m2", account="C1", credit=Credit(cycles_micros=2 * UNIT, cap_micros=Micros(15 * UNIT)))
    )
    for account in ("A1", "B1"):
        play.say(f"of-{account}", Event.ENDED, 600, account=account, to="+9995550100")
    assert play.decided()[-1] == (Action.BLOCK, Reason.CREDIT_LIMIT, Mode.ENFORCE)
    play.reload(Settings(default_limit_micros=Micros(20 * UNIT)))
    limits = {name: account.limit_micros for name, account in play.engine.world.accounts.items()}
    assert limits == {"A1": 20 * UNIT, "B1": 10 * UNIT, "C1": 15 * UNIT}
    assert (Action.UNBLOCK, Reason.LIMIT_RAISED, Mode.ENFORCE) in play.decided()
    play.stage.restart(crash=True)
    assert {name: account.limit_micros for name, account in play.stage.engine.world.accounts.items()} == limits


def test_a_lower_default_blocks_at_once() -> None:
    play = Play()
    play.say("c1", Event.ENDED, 600, to="+9995550100")
    play.decided()
    play.reload(Settings(default_limit_micros=Micros(10 * UNIT)))
    assert play.decided()[-1] == (Action.BLOCK, Reason.CREDIT_LIMIT, Mode.ENFORCE)


def test_trust_in_payments_that_are_pending_counts_at_once_and_is_taken_back_whole() -> None:
    play = Play(Settings(default_limit_micros=Micros(10 * UNIT)))
    play.say("c1", Event.ENDED, 600, to="+9995550100")
    pending = PaymentMessage(
        id="p1", account="A1", amount_micros=Micros(8 * UNIT), method="cheque", status=PaymentStatus.PENDING
    )
    play.stage.billing(pending)
    assert play.exposure() == 10 * UNIT
    play.decided()
    play.reload(Settings(default_limit_micros=Micros(10 * UNIT), trust={"cheque": 500_000}))
    assert play.exposure() == 6 * UNIT
    assert (Action.UNBLOCK, Reason.PAYMENT, Mode.ENFORCE) in play.decided()
    play.stage.billing(replace(pending, status=PaymentStatus.REJECTED))
    assert play.exposure() == 10 * UNIT
    world = play.engine.world
    assert (world.accounts["A1"].pending_micros, world.accounts["A1"].trusted_micros) == (0, 0)
    assert world.settled_micros["CAD"] == 10 * UNIT


# -- calls


def test_a_silent_call_is_worth_what_it_had_grown_to_at_the_new_price() -> None:
    play = Play(rating=rating(), settings=Settings(default_limit_micros=Micros(MAX_MICROS)))
    play.say("c1", Event.ANSWERED)
    play.say("other", Event.ANSWERED, account="B1")
    for _ in range(6):
        play.later(30 * SECOND_MS)
        play.say("other", Event.TICK, 30, account="B1")
    silent = play.engine.world.switches["sw1"].calls["c1"]
    assert silent.silent_carry_scaled > 0
    before = play.exposure()
    play.reload(rating=rating(somalia=6 * UNIT))
    assert play.exposure() == 2 * before


def test_a_price_that_no_sum_can_hold_is_not_taken_up_by_a_call_that_is_up() -> None:
    play = Play(rating=rating(), settings=Settings(default_limit_micros=Micros(MAX_MICROS)))
    play.say("c1", Event.ANSWERED)
    play.later(50 * SECOND_MS)
    play.say("c1", Event.TICK, 120)
    before = play.exposure()
    play.reload(rating=rating(somalia=MAX_MICROS))
    assert play.exposure() == before
    play.say("c1", Event.ENDED, 120)
    assert play.stage.store.owed["A1"] == before


@pytest.mark.parametrize("ends", ["ended", "lost"])
def test_the_rules_count_a_call_at_what_it_comes_to_in_the_end(ends: str) -> None:
    """A new price reaches them with the next report, so their sums are the ledger's."""
    rule = replace(FAR, measure=Measure.GROSS, per=Per.ACCOUNT, warn=40 * UNIT, block=None, window_ms=DAY_MS)
    play = Play(Settings(default_limit_micros=Micros(MAX_MICROS)), (rule,), rating=rating())
    play.say("c1", Event.ANSWERED)
    play.later(30 * SECOND_MS)
    play.say("c1", Event.TICK, 360)
    play.reload(rating=rating(somalia=6 * UNIT))
    assert play.decided() == [], "18 so far"
    play.later(30 * SECOND_MS)
    if ends == "ended":
        play.say("c1", Event.ENDED, 390)
        assert play.stage.store.owed["A1"] == 39 * UNIT
        assert play.decided() == []
        play.say("c2", Event.ENDED, 10)
    else:
        play.say("c1", Event.TICK, 395)
        play.reload(rating=rating(somalia=7 * UNIT))
        assert play.decided() == []
        play.later(5 * HOUR_MS)
        assert play.stage.store.owed["A1"] == 7 * UNIT * 395 // 60
    assert play.decided() == [(Action.WARN, Reason.RULE, Mode.ENFORCE)]


def test_how_long_a_call_may_be_silent_is_judged_by_the_new_time() -> None:
    play = Play(Settings(default_limit_micros=Micros(MAX_MICROS)))
    play.say("c1", Event.ANSWERED)
    play.later(60 * SECOND_MS)
    play.reload(
        Settings(default_limit_micros=Micros(MAX_MICROS), lost_after_ms=2 * MINUTE_MS, stale_after_ms=SECOND_MS)
    )
    play.later(2 * MINUTE_MS)
    assert play.stage.store.owed["A1"] == 0
    assert [line.kind.value for line in play.stage.store.ledger] == ["lost"]


def test_a_switch_that_turns_out_to_send_no_ticks_is_not_silent_any_more() -> None:
    quiet = Settings(default_limit_micros=Micros(MAX_MICROS), switches={"sw1": SwitchSettings(ticks=False)})
    play = Play(Settings(default_limit_micros=Micros(MAX_MICROS)))
    play.say("c1", Event.ANSWERED)
    play.reload(quiet)
    play.later(HOUR_MS)
    assert play.exposure() == 60 * UNIT
    assert play.stage.happened.notices == []


def test_a_switch_that_is_declared_becomes_known_and_is_told_everything() -> None:
    play = Play()
    play.reload(Settings(switches={"sw9": SwitchSettings()}))
    assert [type(each) for each in play.stage.sent["sw9"]] == [SnapshotPart]


def test_plans_that_are_gone_are_told_once_each_with_how_many_have_them() -> None:
    quota = Quota(key="office/quota", reach=Reach(kinds=frozenset({CallClass.INTERNATIONAL})), seconds=6_000)
    office = Plan("office", "Office", [quota], [])
    play = Play(rating=rating(plans={"office": office}))
    for account in ("A1", "A2"):
        play.stage.billing(AccountMessage(id=f"m-{account}", account=account, plan="office"))
    play.say("c1", Event.TICK, 60)
    assert play.exposure() == 0
    play.reload(rating=rating())
    assert play.exposure() == 3 * UNIT
    (notice,) = play.stage.happened.notices
    assert notice.kind is NoticeKind.PLAN
    assert notice.text == (
        "The plan 'office' is no longer configured and 2 accounts have it: their calls are charged without a plan."
    )
    play.reload(rating=rating(plans={"office": office}))
    assert play.exposure() == 0


# -- rules


def test_a_mark_that_is_lowered_in_the_middle_of_a_fraud_acts_at_once() -> None:
    play = Play(rules=(FAR,))
    for number in range(4):
        play.say(f"c{number}", Event.ANSWERED)
    play.later(10 * SECOND_MS)
    assert play.decided() == [(Action.WARN, Reason.RULE, Mode.ENFORCE)]
    play.reload(rules=(replace(FAR, block=4),))
    assert play.decided() == [(Action.BLOCK, Reason.RULE, Mode.ENFORCE)]
    assert isinstance(play.sent()[-1], Command)


def test_a_rule_that_is_new_speaks_at_once_of_what_another_has_counted() -> None:
    play = Play(rules=(FAR,))
    for number in range(4):
        play.say(f"c{number}", Event.ANSWERED)
    play.decided()
    play.reload(rules=(FAR, replace(FAR, id="near", warn=None, block=3)))
    assert play.decided() == [(Action.BLOCK, Reason.RULE, Mode.ENFORCE)]
    assert play.last().rule == "near"
    assert play.engine.rule_hits["near", "enforce"] == 1


def test_a_mark_that_is_raised_keeps_its_block_and_clears_its_warning() -> None:
    play = Play(rules=(FAR,))
    for number in range(3):
        play.say(f"c{number}", Event.ANSWERED)
    for number in range(5):
        play.say(f"d{number}", Event.ANSWERED, account="A2")
    play.decided()
    play.reload(rules=(replace(FAR, warn=10, block=20),))
    decisions = play.stage.store.decisions[-2:]
    assert {(each.account, each.action, each.key, each.mark) for each in decisions} == {
        ("A1", Action.CLEARED, "+25261***#4ca6", "warn"),
        ("A2", Action.CLEARED, "+25261***#4ca6", "warn"),
    }
    assert play.engine.world.accounts["A2"].cause(Reason.RULE, "far") is not None


def test_a_shadow_that_is_armed_in_the_middle_of_a_fraud_acts_at_once() -> None:
    play = Play(rules=(replace(FAR, mode=RuleMode.SHADOW),))
    for number in range(5):
        play.say(f"c{number}", Event.ANSWERED)
    play.decided()
    play.reload(rules=(FAR,))
    assert play.decided() == [
        (Action.CLEARED, Reason.RULE, Mode.SHADOW),
        (Action.BLOCK, Reason.RULE, Mode.ENFORCE),
    ]


def test_rules_are_not_judged_by_the_clock_while_a_backlog_is_being_read() -> None:
    play = Play(rules=(FAR,))
    for number in range(4):
        play.say(f"c{number}", Event.ANSWERED)
    play.later(10 * SECOND_MS)
    old = Report("late", Event.FAILED, "A1", play.stage.now_ms - 8 * SECOND_MS, to=SOMALIA)
    play.stage.report("sw1", old)
    play.decided()
    play.reload(rules=(replace(FAR, block=4),))
    assert play.decided() == []
    play.stage.report("sw1", Report("later", Event.ANSWERED, "A1", play.stage.now_ms - 7 * SECOND_MS, to=SOMALIA))
    assert play.decided() == [(Action.BLOCK, Reason.RULE, Mode.ENFORCE)]


def test_the_same_rule_under_another_title_says_nothing_again() -> None:
    play = Play(rules=(FAR,))
    for number in range(3):
        play.say(f"c{number}", Event.ANSWERED)
    play.decided()
    play.reload(rules=(replace(FAR, title="Very far"),))
    play.say("c3", Event.ANSWERED)
    assert play.decided() == []
    play.say("c4", Event.ANSWERED)
    assert play.decided() == [(Action.BLOCK, Reason.RULE, Mode.ENFORCE)]


def test_a_block_by_a_rule_that_is_gone_stays_until_an_operator_releases_it() -> None:
    play = Play(rules=(FAR,))
    for number in range(5):
        play.say(f"c{number}", Event.ANSWERED)
    play.decided()
    play.reload(rules=())
    assert play.decided() == [(Action.CLEARED, Reason.RULE, Mode.ENFORCE)]
    assert play.last().text == "Cleared: rule far is in force no longer, so what it warned of stands no longer."
    assert play.engine.world.accounts["A1"].cause(Reason.RULE, "far") is not None
    assert play.stage.intent(Release(account="A1", by="ana", reason="x")) is IntentResult.DONE
    assert play.engine.world.accounts["A1"].causes == ()
    play.stage.restart(crash=False)
    assert play.stage.engine.world.accounts["A1"].causes == ()


def test_rules_come_to_an_engine_that_had_none() -> None:
    play = Play()
    play.say("early", Event.ANSWERED)
    assert play.engine.rules == ()
    play.reload(rules=(FAR,))
    play.later(SECOND_MS)
    play.say("early", Event.TICK, 1)
    for number in range(4):
        play.say(f"c{number}", Event.ANSWERED)
    assert play.decided()[-1] == (Action.BLOCK, Reason.RULE, Mode.ENFORCE)
    assert play.engine.rule_hits["far", "enforce"] == 2
    play.stage.restart(crash=False)
    assert play.stage.engine.rules == (FAR,)


def test_the_fuse_takes_its_new_bounds_and_keeps_what_it_has_counted() -> None:
    play = Play(Settings(fuse_blocks=2), (replace(FAR, warn=None, block=1),))
    play.say("a", Event.ANSWERED)
    play.reload(Settings(fuse_blocks=1, fuse_window_ms=HOUR_MS))
    play.say("b", Event.ANSWERED, account="A2")
    assert play.decided("A2") == [(Action.HELD, Reason.RULE, Mode.ENFORCE)]
    play.later(30 * MINUTE_MS)
    assert play.engine.fuse_open


def test_it_is_in_the_history_who_did_it_and_what_changed() -> None:
    play = Play()
    play.reload()
    (audit,) = play.stage.store.audit
    assert (audit.account, audit.by, audit.what, audit.reason) == ("", "ana", "reload", "this and that")


def test_a_setup_that_says_the_same_changes_nothing() -> None:
    play = Play(Settings(), (FAR,), rating=rating())
    for number in range(3):
        play.say(f"c{number}", Event.ANSWERED)
    play.later(DAY_MS // 48)
    play.decided()
    play.sent()
    rows = play.stage.store.restored()
    play.reload()
    assert play.decided() == []
    assert play.sent() == []
    assert play.stage.store.restored() == rows


def test_another_price_elsewhere_leaves_a_call_as_it_is() -> None:
    """A reload costs what it changes: of a hundred thousand calls, those to one destination."""
    here, elsewhere = (
        Destination(prefix=prefix, name="", kind=CallClass.INTERNATIONAL, rate_micros=3 * UNIT)
        for prefix in ("252", "88")
    )
    play = Play(rating=Rating(unknown_rate_micros=UNIT, tariff=Tariff([here, elsewhere])))
    play.say("here", Event.ANSWERED)
    play.say("elsewhere", Event.ANSWERED, to="+88161234567")
    play.stage.settle()
    dearer, engine = replace(elsewhere, rate_micros=4 * UNIT), play.engine
    rates = Rating(unknown_rate_micros=UNIT, tariff=Tariff([here, dearer]))
    setup = Setup(settings=play.stage.settings, scopes=play.stage.scopes, rating=rates)
    engine.reload(Reload(setup=setup, by="ana", what="a price"), play.stage.now_ms)
    assert [row.call for row in engine.take().calls] == ["elsewhere"]
    assert all(call.place is rates.place(call.to) for call in engine.world.switches["sw1"].calls.values())
