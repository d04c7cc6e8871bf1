"""What the anomaly model has found, and what comes of it: the model raises its voice, money decides what is done.

A `Finding` is an input like any other: the shell scores an account and hands in the score, with its time, the mark it
is compared with, and the sentence that explains it. The model itself is no part of the engine, so the same findings
give the same decisions, and without findings everything is as if there were no model.

| score | money | second sign | mode | decision |
|---|---|---|---|---|
| above the mark | grows slower than `min_rate`, or less than `min_in_flight` is in flight | | any | warn |
| above the mark | grows at a price that matters | none | any | warn |
| above the mark | grows at a price that matters | one | shadow | block, only recorded |
| above the mark | grows at a price that matters | one | enforce | block in its scope; held while the fuse is open |
| below 90 % of the mark | | | any | cleared |

**A second sign**, because a score that was high once is not enough to cut somebody off: it was high when the account
was looked at before, too; or a mark of a rule stands; or money grows and is in flight by `DEAR` times what matters, and
waiting would cost more than asking. Of a newcomer, of whom nothing is known yet, nothing is said at all unless money is
`EXTREME`: everybody's first calls are unlike everything before.

In shadow nothing but the record of it comes of a finding: what rules and limits decide is as if there were no model.

Each is said once a crossing, the graver one in place of the milder. A block is a cause of its own (`anomaly`), which
no payment lifts: an operator does. While an operator allows the account it is only recorded; when that is over and the
model still finds what it found, the block acts.

Money is taken gross, the calls that are up at their undiscounted rates: a plan does not hide what calls are worth. What
stands is not stored: after a restart what is found again is said again.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

from guard.core import sentences
from guard.core.blocking import Asked
from guard.core.decisions import Action, Evidence, Mode, Reason
from guard.core.money import MS_PER_MINUTE
from guard.core.records import Scope
from guard.core.settings import ModelMode, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from guard.core.accounts import Account
    from guard.core.blocking import Blocking
    from guard.core.suspicion import Suspicions
    from guard.core.world import World

DEAR, EXTREME = 2, 10
"""Times `min_rate` and `min_in_flight`: so much is a second sign; so much is worth a word about a newcomer."""
CLEAR_PERCENT = 90
"""What stands is cleared below this part of the mark, like every warning."""
RULE = ""
"""No rule is behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the model has found about an account at a moment."""

    account: str
    at_ms: int
    score: int
    """In thousandths of a decade."""
    mark: int
    """What the score is compared with: above it the account is not as usual."""
    scope: Scope = Scope.ALL
    """The narrowest that stops the loss."""
    text: str = ""
    """What made the score, with what is usual: `spent 41.20 in the last hour, usually 0.30 on a Saturday night`."""
    evidence: tuple[Evidence, ...] = ()
    newcomer: bool = False
    """Whether the account has been known for some days only."""


class Said(IntEnum):
    """How far it has gone with an account."""

    NOTHING = 0
    WARNED = 1
    RECORDED = 2
    """A block that does not act: in shadow, or allowed by an operator."""
    ACTED = 3
    """A block, or one that is held."""


class Anomaly:
    """Lets findings become decisions."""

    __slots__ = ("_above", "_blocking", "_marks", "_standing", "_suspicions", "_world")

    def __init__(
        self, world: World, blocking: Blocking, suspicions: Suspicions, standing: Callable[[str], Collection[object]]
    ) -> None:
        """`standing`: the marks of rules that stand at an account."""
        self._world = world
        self._blocking = blocking
        self._suspicions = suspicions
        self._marks = standing
        self._standing: dict[str, Said] = {}
        self._above: dict[str, int] = {}
        """Accounts that were above the mark when they were looked at last, and since when."""

    def stands(self, account_id: str) -> bool:
        """Whether the model finds the account unusual."""
        return account_id in self._standing

    def forget(self, account_id: str) -> None:
        """Nothing is known of it any more."""
        self._standing.pop(account_id, None)
        self._above.pop(account_id, None)

    def take(self, finding: Finding, now_ms: int) -> None:
        """Take a finding; of an account that nobody knows, or without a mode, nothing comes."""
        account = self._world.accounts.get(finding.account)
        settings = self._world.settings
        if account is None or settings.model_mode is ModelMode.OFF:
            return
        if finding.score > finding.mark:
            if finding.newcomer and not _grows(account, settings, now_ms, EXTREME):
                return
            self._above.setdefault(account.id, finding.at_ms)
            if settings.model_mode is ModelMode.ENFORCE:
                # A day under suspicion is learned later. In shadow not even that: what rules decide rests on it.
                self._suspicions.hit(account.id, finding.at_ms)
            self._speak(account, finding, now_ms)
            return
        self._above.pop(account.id, None)
        if finding.score * 100 < finding.mark * CLEAR_PERCENT and self._standing.pop(account.id, None) is not None:
            mode = Mode.ENFORCE if settings.model_mode is ModelMode.ENFORCE else Mode.SHADOW
            asked = _asked(finding, Action.WARN)
            self._blocking.record(
                account, asked, Action.CLEARED, mode, now_ms, "As usual again, as far as the model can tell."
            )

    def _speak(self, account: Account, finding: Finding, now_ms: int) -> None:
        wanted = self._wanted(account, finding, now_ms)
        if wanted <= self._said(account):
            return
        self._standing[account.id] = wanted
        enforced = self._world.settings.model_mode is ModelMode.ENFORCE
        text = f"{finding.text}."
        record = self._blocking.record
        if wanted is Said.WARNED:
            mode = Mode.ENFORCE if enforced else Mode.SHADOW
            said = sentences.rule_warned(text, recorded=not enforced)
            record(account, _asked(finding, Action.WARN), Action.WARN, mode, now_ms, said)
        elif wanted is Said.ACTED:
            self._blocking.demand(account, _asked(finding, Action.BLOCK), text, now_ms)
        else:
            said = sentences.rule_allowed(text) if enforced else sentences.rule_would_block(text, finding.scope)
            record(account, _asked(finding, Action.BLOCK), Action.BLOCK, Mode.SHADOW, now_ms, said)

    def _wanted(self, account: Account, finding: Finding, now_ms: int) -> Said:
        if not _grows(account, self._world.settings, now_ms) or not self._second_sign(account, finding, now_ms):
            return Said.WARNED
        enforced = self._world.settings.model_mode is ModelMode.ENFORCE
        return Said.ACTED if enforced and account.allow_until_ms is None else Said.RECORDED

    def _second_sign(self, account: Account, finding: Finding, now_ms: int) -> bool:
        if self._above[account.id] < finding.at_ms or self._marks(account.id):
            return True
        return _grows(account, self._world.settings, now_ms, DEAR)

    def _said(self, account: Account) -> Said:
        """How far it has gone; of a block that an operator has lifted nothing is left."""
        said = self._standing.get(account.id, Said.NOTHING)
        if said is Said.ACTED and account.cause(Reason.ANOMALY) is None and not self._blocking.waits(account.id, RULE):
            return Said.RECORDED
        return said


def _grows(account: Account, settings: Settings, now_ms: int, times: int = 1) -> bool:
    """Whether money grows at a price that matters, or at so many times that price."""
    rate = sum(call.growth_micros for call in (account.live or {}).values())
    if rate < settings.model_min_rate_micros * times:
        return False
    return account.in_flight_gross_scaled(now_ms) >= settings.model_min_in_flight_micros * MS_PER_MINUTE * times


def _asked(finding: Finding, action: Action) -> Asked:
    return Asked(
        reason=Reason.ANOMALY,
        rule=RULE,
        key="",
        shown_key="",
        mark="block" if action is Action.BLOCK else "warn",
        scope=finding.scope,
        end_calls=True,
        lasts_ms=None,
        at_ms=finding.at_ms,
        evidence=finding.evidence,
    )
