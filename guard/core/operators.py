"""The operator's hand: block, release, allow, set a limit. Always with a name and a reason, always in the history.

`release` lifts every cause but a closed account's and allows the account for a while, so that what fired does not
fire again at once; a credit block that is still at its limit is only released until a stated time, because releasing
it "for good" would be a promise nobody made. `allow` covers every automatic cause until a time: decisions are still
recorded, and at its end the account is judged afresh. A limit set by hand stands in place of what billing stated, for
good or until a time; or it is the one that the last invoices ask for and that waits for a yes (`guard.core.limits`).

Blocks that the fuse holds, and the fuse itself, are `guard.core.blocking`; `guard.core.forgetting` is `forget`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from guard.core import forgetting, limits
from guard.core.accounts import AUTOMATIC, Account
from guard.core.decisions import Action, Audit, Reason
from guard.core.marks import TOP, climb_threshold
from guard.core.money import format_money
from guard.core.records import (
    AboutAccount,
    Allow,
    Approve,
    Block,
    CloseFuse,
    Forget,
    Intent,
    IntentResult,
    Note,
    Reject,
    Release,
    SetLimit,
)
from guard.core.settings import HOUR_MS

if TYPE_CHECKING:
    from guard.core.detection import Detection
    from guard.core.judge import Judge
    from guard.core.world import World

RELEASE_ALLOWS_MS = HOUR_MS
"""A release without `until` allows for so long (contract 2)."""


class Operators:
    """Carries out operators' intents."""

    __slots__ = ("_judge", "_world", "detection")

    def __init__(self, world: World, judge: Judge, detection: Detection | None) -> None:
        self._world = world
        self._judge = judge
        self.detection = detection

    def carry_out(self, intent: Intent, now_ms: int) -> IntentResult:
        """What became of it. Nothing has changed unless the answer is DONE."""
        if isinstance(intent, CloseFuse):
            if self.detection is not None:
                self.detection.blocking.close_fuse(intent.by, intent.reason, now_ms)
            return IntentResult.DONE
        if isinstance(intent, Note):
            self._world.changes.audit.append(Audit("", now_ms, intent.by, intent.what, intent.reason))
            return IntentResult.DONE
        account = self._world.accounts.get(intent.account)
        return IntentResult.UNKNOWN_ACCOUNT if account is None else self._carry_out(account, intent, now_ms)

    def _carry_out(self, account: Account, intent: AboutAccount, now_ms: int) -> IntentResult:
        if intent.until_ms is not None and intent.until_ms <= now_ms:
            return IntentResult.UNTIL_PAST
        match intent:
            case Block():
                result = self._block(account, intent, now_ms)
            case Release():
                result = self._release(account, intent, now_ms)
            case Allow():
                result = self._allow(account, intent, now_ms)
            case SetLimit():
                result = self._set_limit(account, intent, now_ms)
            case Approve() | Reject():
                result = self._settle_held(intent, now_ms)
            case Forget():
                result = forgetting.forget(account, self._world, self.detection, now_ms)
            case _:
                assert_never(intent)
        if result is IntentResult.DONE:
            self._world.changes.audit.append(_audit_of(account, intent, now_ms))
        return result

    def _block(self, account: Account, intent: Block, now_ms: int) -> IntentResult:
        text = f"Blocked by {intent.by}: {intent.reason}."
        standing = account.cause(Reason.OPERATOR)
        if standing and (standing.scope, standing.until_ms, standing.text) == (intent.scope, intent.until_ms, text):
            return IntentResult.DONE
        self._judge.block(
            account, Reason.OPERATOR, now_ms, text, scope=intent.scope, until_ms=intent.until_ms, by=intent.by
        )
        return IntentResult.DONE

    def _release(self, account: Account, intent: Release, now_ms: int) -> IntentResult:
        causes = [cause for cause in account.causes if cause.reason is not Reason.CLOSED]
        if not causes:
            return IntentResult.CLOSED if account.closed else IntentResult.DONE
        if account.cause(Reason.CREDIT_LIMIT) and intent.until_ms is None and self._at_limit(account, now_ms):
            return IntentResult.AT_LIMIT
        account.allow_until_ms = intent.until_ms if intent.until_ms is not None else now_ms + RELEASE_ALLOWS_MS
        text = f"Released by {intent.by}: {intent.reason}."
        for cause in causes:
            self._judge.lift(account, cause, Reason.RELEASED, now_ms, text, intent.by)
        if self.detection is not None:
            self.detection.released(account, now_ms)
        self._stand(account, now_ms)
        return IntentResult.DONE

    def _allow(self, account: Account, intent: Allow, now_ms: int) -> IntentResult:
        account.allow_until_ms = intent.until_ms
        text = f"Allowed by {intent.by}: {intent.reason}."
        self._judge.decide(account, Action.ALLOW, Reason.OPERATOR, now_ms, now_ms, text, by=intent.by)
        for cause in account.causes:
            if cause.reason in AUTOMATIC:
                self._judge.lift(account, cause, Reason.RELEASED, now_ms, text, intent.by)
        self._stand(account, now_ms)
        return IntentResult.DONE

    def _set_limit(self, account: Account, intent: SetLimit, now_ms: int) -> IntentResult:
        world = self._world
        if intent.suggested:
            if not limits.take_step(account, world):
                return IntentResult.NO_SUGGESTION
        elif intent.until_ms is not None:
            limits.set_until(account, intent.limit_micros, intent.until_ms, world, by=intent.by)
        else:
            limits.set_by_hand(account, intent.limit_micros, world, by=intent.by)
        self._judge.judge(account, now_ms, now_ms, Reason.LIMIT_RAISED)
        return IntentResult.DONE

    def _settle_held(self, intent: Approve | Reject, now_ms: int) -> IntentResult:
        detection = self.detection
        if detection is None:
            return IntentResult.UNKNOWN_HELD
        if isinstance(intent, Approve):
            done = detection.approve(intent.held, intent.by, intent.reason, now_ms)
        else:
            done = detection.reject(intent.held, intent.by, intent.reason, now_ms)
        return IntentResult.DONE if done else IntentResult.UNKNOWN_HELD

    def _stand(self, account: Account, now_ms: int) -> None:
        """Judge what is now allowed: a limit that is no longer reached can be reached, and recorded, again."""
        if not self._at_limit(account, now_ms):
            self._judge.stand_below_top(account)
        self._judge.judge(account, now_ms, now_ms)

    @staticmethod
    def _at_limit(account: Account, now_ms: int) -> bool:
        limit = account.limit_in_force
        return limit is not None and account.exposure_scaled(now_ms) >= climb_threshold(limit, TOP)


def _audit_of(account: Account, intent: AboutAccount, now_ms: int) -> Audit:
    """What goes into the history; of a limit also how much it is now, because no decision says so."""
    if not isinstance(intent, SetLimit):
        return Audit(account.id, now_ms, intent.by, type(intent).__name__.lower(), intent.reason)
    limit = account.limit_micros if intent.suggested else intent.limit_micros
    amount = "no limit" if limit is None else f"{format_money(limit)} {account.currency}"
    return Audit(account.id, now_ms, intent.by, "limit", f"{intent.reason} ({amount})")
