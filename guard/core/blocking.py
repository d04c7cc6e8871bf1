"""Blocking: what becomes of a block that a rule or the model asks for. The fuse lets it through, or holds it.

| fuse | |
|---|---|
| closed | the block is a cause at once, in the rule's scope, for as long as the rule says |
| open | a `held` decision; an operator approves it (then it is a cause) or rejects it (a false alarm) |

An account waits once for each rule. The fuse closes by itself (`guard.core.rules.fuse`) or by hand; what is held then
stays held, because nobody has looked at it yet, until its rule asks anew and blocks. A block that is approved while an
operator allows the account is only recorded, like every automatic one. What is held and where the fuse stands is stored
whenever it changes: a restart must not let through what a wrong rule asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from guard.core import sentences
from guard.core.decisions import Action, Audit, Evidence, HeldRow, KeptRow, Mode, Notice, NoticeKind, Reason
from guard.core.records import Scope
from guard.core.views import HeldView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guard.core.accounts import Account
    from guard.core.decisions import Changes, Decision
    from guard.core.judge import Judge
    from guard.core.rules.fuse import Fuse
    from guard.core.rules.hits import Hit
    from guard.core.world import World

MOST_HELD = 1_000
"""Held blocks kept; the oldest lapse."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is asked for, and by whom."""

    reason: Reason
    rule: str
    """Empty: the model."""
    key: str
    shown_key: str
    mark: str
    scope: Scope
    end_calls: bool
    lasts_ms: int | None
    """None: until an operator lifts it."""
    at_ms: int
    evidence: tuple[Evidence, ...]


def asked_by(hit: Hit) -> Asked:
    """What a rule asks for."""
    rule = hit.rule
    return Asked(
        reason=Reason.RULE,
        rule=rule.id,
        key=hit.key,
        shown_key=hit.shown_key,
        mark=hit.mark,
        scope=rule.scope,
        end_calls=rule.end_calls,
        lasts_ms=rule.release_after_ms,
        at_ms=hit.at_ms,
        evidence=hit.evidence,
    )


class Blocking:
    """Blocks by rules and the model, and those that wait for an operator."""

    __slots__ = ("_fuse_changed", "_held", "_held_changed", "_judge", "_world", "fuse")

    def __init__(self, world: World, judge: Judge, fuse: Fuse) -> None:
        self._world = world
        self._judge = judge
        self.fuse = fuse
        self._held: dict[str, HeldRow] = {}
        self._fuse_changed = self._held_changed = False

    def ask(self, account: Account, hit: Hit, text: str, now_ms: int) -> bool:
        """A rule wants to block an account; `text` says why. False: it waits for an operator."""
        return self.demand(account, asked_by(hit), text, now_ms)

    def demand(self, account: Account, asked: Asked, text: str, now_ms: int) -> bool:
        """A rule or the model wants to block an account; `text` says why. False: it waits for an operator."""
        was_open = self.fuse.open
        self._fuse_changed = True
        waiting = self._waiting(account.id, asked.rule)
        if self.fuse.admit(now_ms, self._world.activity.count):
            if waiting is not None:
                self.take_held(waiting)
            said = sentences.rule_blocked(text, asked.scope)
            decision = self.record(account, asked, Action.BLOCK, Mode.ENFORCE, now_ms, said)
            self._add_cause(account, decision, asked.lasts_ms, now_ms, end_calls=asked.end_calls)
            return True
        if not was_open:
            self._tell("The fuse is open: more blocks by rules than it lets through; further ones wait.", now_ms)
        if waiting is None:
            self._hold(account, asked, text, now_ms)
        return False

    def waits(self, account: str, rule: str) -> bool:
        """Whether a block of an account waits for an operator; an empty rule is the model."""
        return self._waiting(account, rule) is not None

    def _waiting(self, account: str, rule: str) -> str | None:
        """Id of what waits already."""
        return next((each.id for each in self._held.values() if (each.account, each.rule) == (account, rule)), None)

    def _hold(self, account: Account, asked: Asked, text: str, now_ms: int) -> None:
        decision = self.record(account, asked, Action.HELD, Mode.ENFORCE, now_ms, sentences.rule_held(text))
        self._held[decision.id] = HeldRow(
            id=decision.id,
            account=account.id,
            reason=asked.reason.value,
            rule=asked.rule,
            key=asked.key,
            scope=asked.scope.value,
            end_calls=asked.end_calls,
            at_ms=decision.at_ms,
            lasts_ms=asked.lasts_ms,
            text=text,
        )
        self._held_changed = True
        while len(self._held) > MOST_HELD:
            del self._held[next(iter(self._held))]

    def decide(self, account: Account, hit: Hit, action: Action, mode: Mode, now_ms: int, text: str) -> Decision:
        """Record what a hit comes to."""
        return self.record(account, asked_by(hit), action, mode, now_ms, text)

    def record(self, account: Account, asked: Asked, action: Action, mode: Mode, now_ms: int, text: str) -> Decision:
        """Record what comes of what was asked."""
        return self._judge.decide(
            account,
            action,
            asked.reason,
            now_ms,
            min(asked.at_ms, now_ms),
            text,
            evidence=asked.evidence,
            mode=mode,
            scope=asked.scope,
            key=asked.shown_key,
            rule=asked.rule,
            mark=asked.mark,
        )

    def _add_cause(
        self, account: Account, decision: Decision, lasts_ms: int | None, now_ms: int, *, end_calls: bool
    ) -> None:
        until_ms = None if lasts_ms is None else now_ms + lasts_ms
        self._judge.add_cause(account, decision, decision.scope, until_ms, now_ms, end_calls=end_calls)
        self._judge.alarms.set(account, now_ms)

    # -- what is held

    def held(self) -> tuple[HeldRow, ...]:
        """Blocks that wait for an operator, the oldest first."""
        return tuple(self._held.values())

    def view(self, held: HeldRow) -> HeldView:
        """A held block as it is shown."""
        account = self._world.accounts.get(held.account)
        return HeldView(
            id=held.id,
            account=held.account,
            name=account.name if account is not None else "",
            reason=Reason(held.reason),
            rule=held.rule,
            scope=Scope(held.scope),
            at_ms=held.at_ms,
            text=held.text,
        )

    def take_held(self, held_id: str) -> HeldRow | None:
        """An operator has judged it: it waits no longer. None: there is none of that id."""
        held = self._held.pop(held_id, None)
        self._held_changed = self._held_changed or held is not None
        return held

    def approve(self, held: HeldRow, by: str, reason: str, now_ms: int) -> None:
        """Let a held block happen."""
        account = self._world.accounts[held.account]
        scope = Scope(held.scope)
        allowed = account.allow_until_ms is not None
        decision = self._judge.decide(
            account,
            Action.BLOCK,
            Reason(held.reason),
            now_ms,
            now_ms,
            sentences.rule_approved(held.text, scope, by, reason, allowed=allowed),
            mode=Mode.SHADOW if allowed else Mode.ENFORCE,
            scope=scope,
            by=by,
            rule=held.rule,
            mark="block",
        )
        if not allowed:
            self._add_cause(account, decision, held.lasts_ms, now_ms, end_calls=held.end_calls)

    def reject(self, held: HeldRow, by: str, reason: str, now_ms: int) -> None:
        """Say that a held block does not come: whoever was told of it must hear that the matter is over."""
        self._judge.decide(
            self._world.accounts[held.account],
            Action.UNBLOCK,
            Reason.RELEASED,
            now_ms,
            now_ms,
            sentences.rule_rejected(held.text, by, reason),
            scope=Scope(held.scope),
            by=by,
            key="" if held.rule else held.reason,
            rule=held.rule,
        )

    # -- the fuse

    def advance(self, now_ms: int) -> None:
        """Time has come so far."""
        if self.fuse.advance(now_ms):
            self._fuse_changed = True
            text = "The fuse has closed by itself: no rule has asked for a block within its window."
            self._tell(text, now_ms, over=True)

    def close_fuse(self, by: str, reason: str, now_ms: int) -> None:
        """An operator closes the fuse; one that is closed stays so."""
        if not self.fuse.open:
            return
        self.fuse.close()
        self._fuse_changed = True
        self._world.changes.audit.append(Audit("", now_ms, by, "close_fuse", reason))
        text = f"The fuse was closed by {by}: {sentences.ended(reason)} Blocks by rules act at once again."
        self._tell(text, now_ms, over=True)

    def _tell(self, text: str, now_ms: int, *, over: bool = False) -> None:
        self._world.notice(Notice(kind=NoticeKind.FUSE, at_ms=now_ms, switch="", text=text, over=over))

    # -- what survives

    def keep(self, changes: Changes) -> None:
        """Add what has changed since the last time."""
        if self._fuse_changed:
            changes.kept.append(KeptRow("fuse", "", self.fuse.row()))
        if self._held_changed:
            changes.kept.append(KeptRow("held", "", self.held()))
        self._fuse_changed = self._held_changed = False

    def restore_held(self, rows: Iterable[HeldRow]) -> None:
        """Take up what was held."""
        self._held = {held.id: held for held in rows}
