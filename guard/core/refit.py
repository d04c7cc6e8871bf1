"""Refitting: a new setup takes the place of the old one, between two inputs, and everything fits it afterwards.

| what is another now | what follows |
|---|---|
| tariff, plans, reading of numbers | calls that are up are valued anew, whole, as if it had always been so |
| emergency numbers | every later command carries them, each switch that is up gets a snapshot; calls to them are free |
| rules | what still means the same counts on; what a changed rule had warned of clears (`guard.core.rules.fitting`) |
| the default limit | accounts that have it follow, and those whose limit by cycles has nothing else to go by |
| `[payments] trust` | what is pending is summed anew |
| times of calls, declared switches | every call that is up is looked at by the new ones |
| scopes | the shell publishes them before the next command |

**One price for a call.** A call is priced by the tariff that is in force when it is posted, from its first second: a
row with a slipped decimal point is put right for the calls that are up, and a restart with the same files, a reload
and a crash in the middle of one come to the same cent. A call whose new price would leave the bounds of money keeps the
one it has. Causes of a block stay: they lift as they always do.

Work is that of the calls that are up, and only if something about prices or emergencies has changed; of these, calls
whose row and plan are the very same ones cost a look-up. All accounts are walked through only if the default limit, the
trust in payments or the set of plans is another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core import limits
from guard.core.calls import GROWING
from guard.core.decisions import Audit, Notice, NoticeKind, Reason
from guard.core.money import MS_PER_MINUTE, fits
from guard.core.payments import Payments
from guard.core.settings import Settings, SwitchSettings

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.calls import Call
    from guard.core.delivery import Delivery
    from guard.core.detection import Detection
    from guard.core.judge import Judge
    from guard.core.setup import Reload
    from guard.core.watch import Watch
    from guard.core.world import World

_MOST_FROZEN_SCALED = 2**62


class Refit:
    """Takes up a new setup."""

    __slots__ = ("_delivery", "_judge", "_watch", "_world")

    def __init__(self, world: World, judge: Judge, delivery: Delivery, watch: Watch) -> None:
        self._world = world
        self._judge = judge
        self._delivery = delivery
        self._watch = watch

    def take_up(self, reload: Reload, detection: Detection | None, now_ms: int) -> None:
        """All of it; the caller has let time in."""
        world, setup = self._world, reload.setup
        was, had = world.settings, world.rating
        world.settings, world.scopes, world.rating = setup.settings, setup.scopes, setup.rating
        if detection is not None:
            detection.refit(setup.rules, setup.settings, now_ms)
        concerned: dict[str, tuple[Account, Reason | None]] = {}
        emergency = was.emergency != setup.settings.emergency
        if emergency or had is not setup.rating:
            self._value_calls(concerned, detection, now_ms)
        if had.plans.keys() - setup.rating.plans.keys():
            self._tell_of_lost_plans(had.plans.keys() - setup.rating.plans.keys(), now_ms)
        if was.trust != setup.settings.trust:
            self._trust(concerned)
        if was.default_limit_micros != setup.settings.default_limit_micros:
            self._follow_default(concerned)
        self._look_at_switches(was, now_ms)
        for account, why in concerned.values():
            self._judge.judge(account, now_ms, now_ms, why)
        if emergency:
            for switch in world.switches.values():
                if switch.up:
                    self._delivery.synchronise(switch, now_ms)
        self._note(reload, now_ms)

    def _note(self, reload: Reload, now_ms: int) -> None:
        if reload.what:
            self._world.changes.audit.append(Audit("", now_ms, reload.by, "reload", reload.what))

    # -- calls

    def _value_calls(
        self, concerned: dict[str, tuple[Account, Reason | None]], detection: Detection | None, now_ms: int
    ) -> None:
        world = self._world
        dialled = world.settings.emergency.as_dialled()
        for switch in world.switches.values():
            for call in switch.calls.values():
                gross, net, emergency = call.gross_micros, call.net_so_far_micros, call.emergency
                if not refit(call, world, emergency=call.to in dialled):
                    continue
                world.count(call)
                world.touch_call(call)
                concerned[call.account.id] = (call.account, None)
                if not call.watched or detection is None:
                    continue
                if call.emergency is not emergency:
                    detection.over(call, -gross, now_ms)
                else:
                    # Told with its next report: work for the rules is spread over the minute in which all calls tick.
                    before = call.untold or (0, 0)
                    more = (call.gross_micros - gross, call.net_so_far_micros - net)
                    call.untold, call.plain = (before[0] + more[0], before[1] + more[1]), False

    # -- accounts

    def _trust(self, concerned: dict[str, tuple[Account, Reason | None]]) -> None:
        Payments(self._world, self._judge).restore()
        for account in self._world.accounts.values():
            if account.pending_micros:
                concerned[account.id] = (account, Reason.PAYMENT)

    def _follow_default(self, concerned: dict[str, tuple[Account, Reason | None]]) -> None:
        world = self._world
        for account in world.accounts.values():
            if limits.follow_default(account, world.settings) and not _rests(account):
                concerned[account.id] = (account, Reason.LIMIT_RAISED)

    def _tell_of_lost_plans(self, lost: set[str], now_ms: int) -> None:
        """A plan that is no longer configured costs its customers money: one notice for each, however many have it."""
        have = dict.fromkeys(sorted(lost), 0)
        for account in self._world.accounts.values():
            if account.plan in have:
                have[account.plan] += 1
        for plan, count in have.items():
            if count:
                who = "1 account has" if count == 1 else f"{count:,} accounts have"
                if self._world.composed:
                    who = "accounts have"
                text = (
                    f"The plan {plan!r} is no longer configured and {who} it: their calls are charged without a plan."
                )
                notice = Notice(kind=NoticeKind.PLAN, at_ms=now_ms, switch="", text=text)
                self._world.spokesman.tell_of_plan(notice, plan)

    # -- switches

    def _look_at_switches(self, was: Settings, now_ms: int) -> None:
        """Whether a switch sends ticks, and how long silence may last, decides when its calls are looked at."""
        settings = self._world.settings
        times = (was.stale_after_ms, was.blind_carry_ms, was.lost_after_ms, was.switches)
        if times == (settings.stale_after_ms, settings.blind_carry_ms, settings.lost_after_ms, settings.switches):
            return
        for name, switch in self._world.switches.items():
            switch.ticks = settings.switches.get(name, SwitchSettings()).ticks
        self._watch.restore(now_ms)


def refit(call: Call, world: World, *, emergency: bool) -> bool:
    """Value a call by the setup in force; False: nothing about it is another. Its sums are for the caller to count."""
    place = world.rating.place(call.to)
    cover = world.rating.cover(call.account.plan, place)
    emergency = emergency and not call.emergency
    if not emergency and cover is call.cover and place == call.place:
        call.place = place
        return False
    was, growth_micros = call.place, call.growth_micros
    if emergency:
        call.emergency = True
    call.lie(place, cover)
    if not revalue(call, growth_micros):
        call.lie(was, world.rating.cover(call.account.plan, was))
    if call.defies and not call.endable:
        call.defies = False
        call.account.defying -= 1
    return True


def revalue(call: Call, growth_micros: int) -> bool:
    """Price a call by the place where it lies now; it has grown at `growth_micros` so far.

    False: its price would leave the bounds of money, so it goes on at the one that it has.
    """
    before = (call.rate_micros, call.charge_micros, call.gross_micros)
    call.reprice()
    if not _fits(call):
        call.rate_micros, call.charge_micros, call.gross_micros = before
        return False
    if call.silent_carry_scaled > GROWING and growth_micros not in (0, call.growth_micros):
        # What it had grown to when it fell silent, at the new rate.
        silent_ms = call.silent_carry_scaled // growth_micros
        call.silent_carry_scaled = min(silent_ms * call.growth_micros, _MOST_FROZEN_SCALED)
    return True


def _rests(account: Account) -> bool:
    """Whether the limit makes no difference to an account now: it stands on no mark, nor would it, and calls nobody."""
    up = account.up_scaled
    owed = account.owed_micros - account.trusted_micros
    return not account.level and not account.flights and (up is None or owed * MS_PER_MINUTE < up)


def _fits(call: Call) -> bool:
    """Whether what it costs now stays within the bound of money: alone, when it is posted, and with the other calls."""
    account = call.account
    others = sum(flight.stated_micros for flight in account.flights) - call.counted[0]
    owed = account.owed_micros + call.charge_micros - call.posted_micros
    return fits(call.charge_micros) and fits(owed) and fits(owed + others)
