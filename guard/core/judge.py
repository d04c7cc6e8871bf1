"""The judge: compares exposure with the limit, adds and lifts causes, and orders what follows from them.

One account at a time, whenever something about it may have changed: a report, money, a limit, an operator, or an
alarm it set itself. Judging is two comparisons with thresholds kept ready; everything else happens only on a crossing.

When an account is to be judged without anything having happened to it is the business of `guard.core.alarms`.

**Causes.** A block is a set of causes; the table says what each does to the set:

| event | credit_limit | rule, anomaly | operator | closed |
|---|---|---|---|---|
| limit reached | added (recorded only, while allowed) | | | |
| exposure below 90 % after a money event | lifts (of a backlog: once it has been read) | stays | stays | stays |
| the same without one | lifts, at most once in 24 h | stays | stays | stays |
| operator blocks | | | added | |
| operator releases | lifts (at its limit: only with `until`) | lifts | lifts | stays |
| operator allows | lifts | lifts | stays | stays |
| its `until` passes | | lifts | lifts | |
| billing closes / reopens | | | | added / lifts |

What the switches are to do follows from the set alone (`Account.desired`); only a change of that makes a command.
"""

from __future__ import annotations

from heapq import heappop
from typing import TYPE_CHECKING

from guard.core import cards, sentences
from guard.core.accounts import Account, Cause
from guard.core.alarms import Alarms
from guard.core.decisions import Action, Decision, Evidence, Mode, Reason
from guard.core.identity import derived_id
from guard.core.marks import TOP, climb_threshold, fall_threshold, mark_name
from guard.core.money import MS_PER_MINUTE, clamp_for_show, floor_from_scaled, format_money
from guard.core.pools import appraise
from guard.core.records import Scope
from guard.core.rows import CommandRow
from guard.core.settings import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from guard.core.delivery import Delivery
    from guard.core.world import World

LIFT_PAUSE_MS = DAY_MS
"""Without a money event a credit block lifts by itself at most this often (contract 2): no flapping."""


def _nobody_minds(_account: Account, _now_ms: int) -> None:
    """There are no rules."""


def _nobody_cares(_account: Account, _cause: Cause, _now_ms: int) -> None:
    """Neither."""


class Judge:
    """Marks, causes and what follows from them."""

    __slots__ = ("_delivery", "_late_money", "_world", "alarms", "on_allowance_over", "on_expired")

    def __init__(self, world: World, delivery: Delivery) -> None:
        self._world = world
        self._delivery = delivery
        self.alarms = Alarms(world)
        self._late_money: dict[str, Reason] = {}
        """By account: a money event that came while a backlog was being read, and counts when it has been."""
        self.on_allowance_over: Callable[[Account, int], None] = _nobody_minds
        """Rules whose marks stand are judged anew then (`guard.core.detection`)."""
        self.on_expired: Callable[[Account, Cause, int], None] = _nobody_cares
        """A cause has ended by its own time."""

    def let_go(self) -> None:
        """Of whoever listens: nobody judges any more (`guard.core.dismantling`)."""
        self.on_allowance_over, self.on_expired = _nobody_minds, _nobody_cares

    # -- marks

    def judge(self, account: Account, now_ms: int, at_ms: int, why: Reason | None = None) -> None:
        """Compare exposure with the marks.

        `at_ms` is the event's own time, which a decision bears. `why` names the money event that led here, if one
        did: only then may a credit block lift at any time.
        """
        if account.pooled:
            appraisal = appraise(account, now_ms)
            exposure = account.settled_scaled(now_ms) + appraisal.net_scaled
            self._compare(account, exposure, now_ms, at_ms, why)
            self.alarms.set_pooled(account, now_ms, exposure, appraisal)
            return
        # `Account.settled_scaled` and `Flight.line` in one pass: this is done for every report.
        exposure = line = (account.owed_micros - account.trusted_micros) * MS_PER_MINUTE
        rate, lagging = 0, False
        for flight in account.flights:
            switch, value = flight.switch, flight.stated_micros * MS_PER_MINUTE + flight.frozen_scaled
            exposure += value
            line += value
            if switch.lagging:
                lagging = True
            else:
                grown = flight.rate_micros * (now_ms + switch.skew_ms) - flight.anchor
                rate += flight.rate_micros
                line += grown
                if grown > 0:
                    exposure += grown
        up = account.up_scaled
        if account.level or (up is not None and exposure >= up):
            self._compare(account, exposure, now_ms, at_ms, why)
        if lagging:
            self.alarms.set(account, now_ms)
        else:
            self.alarms.follow(account, now_ms, line, rate)

    def _compare(self, account: Account, exposure: int, now_ms: int, at_ms: int, why: Reason | None) -> None:
        up = account.up_scaled
        if up is not None and exposure >= up:
            self._climb(account, exposure, now_ms, at_ms)
        elif account.level:
            self._look_below(account, exposure, now_ms, at_ms, why)

    def _look_below(self, account: Account, exposure: int, now_ms: int, at_ms: int, why: Reason | None) -> None:
        """It may have left its mark. While a backlog is read, only what is sure counts."""
        down = account.down_scaled
        if down is not None and exposure >= down:
            if self._late_money and not account.lagging:
                self._late_money.pop(account.id, None)
        elif not account.lagging:
            late = self._late_money.pop(account.id, None)
            self._fall(account, exposure, now_ms, at_ms, why or late)
        elif why is not None:
            if down is None or (not account.pooled and exposure + _unsaid(account, now_ms) < down):
                self._fall(account, exposure, now_ms, at_ms, why)
            else:
                self._late_money[account.id] = why

    def _climb(self, account: Account, exposure: int, now_ms: int, at_ms: int) -> None:
        limit = account.limit_in_force or 0
        level = account.level + 1
        while level < TOP and exposure >= climb_threshold(limit, level + 1):
            level += 1
        account.level = level
        account.set_thresholds()
        micros = clamp_for_show(floor_from_scaled(exposure))
        evidence = (
            Evidence(
                what="exposure",
                value=format_money(micros),
                threshold=format_money(floor_from_scaled(climb_threshold(limit, level))),
            ),
        )
        if level < TOP:
            account.spoken |= 1 << level
            text = sentences.warned(account, mark_name(level), micros)
            self.decide(account, Action.WARN, Reason.CREDIT_LIMIT, now_ms, at_ms, text, level, evidence)
        else:
            allowed = account.allow_until_ms is not None
            text = sentences.blocked_at_limit(account, micros, allowed=allowed)
            mode = Mode.SHADOW if allowed else Mode.ENFORCE
            decision = self.decide(
                account, Action.BLOCK, Reason.CREDIT_LIMIT, now_ms, at_ms, text, level, evidence, mode=mode
            )
            if not allowed:
                self.add_cause(account, decision, Scope.ALL, None, now_ms)
        self._world.touch(account)
        self._world.count_state(account)

    def _fall(self, account: Account, exposure: int, now_ms: int, at_ms: int, why: Reason | None) -> None:
        limit = account.limit_in_force
        micros = clamp_for_show(floor_from_scaled(exposure))
        while account.level and (limit is None or exposure < fall_threshold(limit, account.level)):
            level = account.level
            if level == TOP and account.cause(Reason.CREDIT_LIMIT):
                if why is None:
                    again_ms = account.lifted_at_ms + LIFT_PAUSE_MS
                    if account.lifted_at_ms and now_ms < again_ms:
                        self._world.wake(account, again_ms)
                        break
                    account.lifted_at_ms = now_ms
                account.drop_cause(Reason.CREDIT_LIMIT)
                reason = why or Reason.CREDIT_LIMIT
                text = sentences.lifted(account, _WHY_LIFTED[reason], micros)
                decision = self.decide(account, Action.UNBLOCK, reason, now_ms, at_ms, text, level)
                account.level = level - 1
                self.reconcile(account, decision, now_ms)
            elif account.spoken & (1 << level):
                account.spoken &= ~(1 << level)
                text = sentences.cleared(account, mark_name(level), micros)
                self.decide(account, Action.CLEARED, Reason.CREDIT_LIMIT, now_ms, at_ms, text, level)
            account.level = level - 1
        account.set_thresholds()
        self._world.touch(account)
        self._world.count_state(account)

    # -- decisions, causes, commands

    def decide(  # noqa: PLR0913, PLR0917 -- a decision has that many parts, and here is where it gets them
        self,
        account: Account,
        action: Action,
        reason: Reason,
        now_ms: int,
        at_ms: int,
        text: str,
        level: int = 0,
        evidence: tuple[Evidence, ...] = (),
        *,
        mode: Mode = Mode.ENFORCE,
        scope: Scope = Scope.ALL,
        by: str = "",
        key: str = "",
        rule: str = "",
        mark: str = "",
    ) -> Decision:
        """Record one decision; its id follows from the account, its count of decisions and what it says."""
        world = self._world
        world.last_decision += 1
        account.decisions += 1
        limit = account.limit_in_force
        decision = Decision(
            number=world.last_decision,
            id=derived_id(at_ms, account.id, account.decisions, action.value, reason.value, level, rule),
            at_ms=at_ms,
            account=account.id,
            action=action,
            scope=scope,
            mode=mode,
            reason=reason,
            rule=rule,
            key=key,
            mark=mark or (mark_name(level) if level else ""),
            exposure_micros=clamp_for_show(floor_from_scaled(account.exposure_scaled(now_ms))),
            limit_micros=None if limit is None else clamp_for_show(limit),
            currency=account.currency,
            evidence=evidence,
            text=text,
            by=by,
        )
        world.decided_on(decision)
        world.touch(account)
        return decision

    def add_cause(
        self,
        account: Account,
        decision: Decision,
        scope: Scope,
        until_ms: int | None,
        now_ms: int,
        *,
        end_calls: bool = True,
    ) -> None:
        """Let a decision become a cause of a block."""
        account.put_cause(
            Cause(
                reason=decision.reason,
                rule=decision.rule,
                scope=scope,
                end_calls=end_calls,
                since_ms=decision.at_ms,
                until_ms=until_ms,
                text=decision.text,
                decision_id=decision.id,
            )
        )
        self.reconcile(account, decision, now_ms)

    def block(
        self,
        account: Account,
        reason: Reason,
        now_ms: int,
        text: str,
        *,
        scope: Scope = Scope.ALL,
        until_ms: int | None = None,
        by: str = "",
    ) -> None:
        """Add a cause that is not a mark: an operator's or the closing of the account."""
        decision = self.decide(account, Action.BLOCK, reason, now_ms, now_ms, text, scope=scope, by=by)
        self.add_cause(account, decision, scope, until_ms, now_ms)
        self.alarms.set(account, now_ms)

    def lift(self, account: Account, cause: Cause, why: Reason, now_ms: int, text: str, by: str = "") -> None:
        """Take one cause away, saying why; `key` or `rule` says which one."""
        account.drop_cause(cause.reason, cause.rule)
        key = "" if cause.rule else cause.reason.value
        decision = self.decide(
            account, Action.UNBLOCK, why, now_ms, now_ms, text, scope=cause.scope, by=by, key=key, rule=cause.rule
        )
        self.reconcile(account, decision, now_ms)

    def reconcile(self, account: Account, decision: Decision, now_ms: int) -> None:
        """Give a new command if what the switches are to do has changed."""
        world = self._world
        world.touch(account)
        world.count_state(account)
        desired = account.desired()
        now_in_force = account.command
        blocked = now_in_force is not None and now_in_force.action == "block"
        if desired is None:
            if not blocked:
                return
            scope, end_calls, until_ms, action = Scope.ALL, False, None, "unblock"
        else:
            scope, end_calls, until_ms, action = desired.scope, desired.end_calls, desired.until_ms, "block"
            if (
                now_in_force is not None
                and blocked
                and (now_in_force.scope, now_in_force.end_calls, now_in_force.until_ms)
                == (scope.value, end_calls, until_ms)
            ):
                return
        replaces = now_in_force.id if now_in_force is not None else ""
        account.seq += 1
        account.command = CommandRow(
            id=decision.id,
            action=action,
            scope=scope.value,
            end_calls=end_calls,
            reason=decision.reason.value,
            at_ms=decision.at_ms,
            until_ms=until_ms,
        )
        if action == "block":
            world.blocked[account.id] = account
        else:
            world.blocked.pop(account.id, None)
        for call in list(account.live.values()) if account.live and account.defying else ():
            call.defies = False
            world.touch_call(call)
        account.defying = 0
        self._delivery.issue(account, replaces, now_ms)

    # -- time

    def advance(self, now_ms: int) -> None:
        """Judge the accounts whose earliest moment has come (those of one moment only)."""
        world = self._world
        due_ms, account_id = heappop(world.alarms)
        account = world.accounts[account_id]
        if account.due_ms != due_ms:
            return
        account.due_ms = None
        with self.alarms.exactly(account):
            self._expire(account, now_ms)
            self.judge(account, now_ms, due_ms)

    def _expire(self, account: Account, now_ms: int) -> None:
        """End what was only for the time being."""
        for cause in account.causes:
            if cause.until_ms is not None and cause.until_ms <= now_ms:
                whose = " ".join(filter(None, (cause.reason.value, cause.rule)))
                text = f"Unblocked: the block by {whose} has ended as planned."
                self.lift(account, cause, Reason.EXPIRED, now_ms, text)
                self.on_expired(account, cause, now_ms)
        if account.until_ms is not None and account.until_ms <= now_ms:
            account.until_ms = account.until_limit_micros = None
            account.set_thresholds()
            self._world.touch(account)
            # Falling back to a higher limit is a money event like any other change of the limit.
            self.judge(account, now_ms, now_ms, Reason.LIMIT_RAISED)
        if account.allow_until_ms is not None and account.allow_until_ms <= now_ms:
            account.allow_until_ms = None
            self.stand_below_top(account)
            self._world.touch(account)
            self.on_allowance_over(account, now_ms)

        if account.books is not None and account.books.card_watched:
            cards.look(account, self, now_ms)

    def stand_below_top(self, account: Account) -> None:
        """Make the account climb anew if it is still at its limit: a crossing that was only recorded must now act."""
        if account.level == TOP and account.cause(Reason.CREDIT_LIMIT) is None:
            account.level = TOP - 1
            account.set_thresholds()


_WHY_LIFTED = {
    Reason.PAYMENT: "money came in",
    Reason.LIMIT_RAISED: "the limit was changed",
    Reason.CREDIT_LIMIT: "exposure fell by itself",
}


def _unsaid(account: Account, now_ms: int) -> int:
    """What its calls at switches whose backlog is being read may have grown by beyond what they stated; scaled."""
    return sum(flight.grown_scaled(now_ms) for flight in account.flights if flight.switch.lagging)
