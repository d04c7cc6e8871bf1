"""Blocking: what becomes of a block that a rule or the model asks for. The fuse lets it through, or holds it.

| fuse | |
|---|---|
| closed | the block is a cause at once, in the rule's scope, for as long as the rule says |
| open | a `held` decision; an operator approves it (then it is a cause) or rejects it (a false alarm) |

An account waits once for each rule. Among partitions the fuse is one for all (`guard.core.fuses`), and what waits for
its home's word is held until that comes. The fuse closes by itself (`guard.core.rules.fuse`) or by hand; what is held
then stays held, because nobody has looked at it yet, until its rule asks anew and blocks. A block that is approved
while an operator allows the account is only recorded, like every automatic one. What is held and where the fuse stands
is stored whenever it changes: a restart must not let through what a wrong rule asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from guard.core import sentences
from guard.core.decisions import Action, Audit, Evidence, HeldRow, KeptRow, Mode, Notice, NoticeKind, Reason
from guard.core.fuses import HOME, FuseHome, FuseShare, HomeRow, ShareRow
from guard.core.neighbours import FuseSaid, FuseStands, Said
from guard.core.partitions import PARTITIONS, share_of
from guard.core.records import Scope
from guard.core.rules.fuse import Fuse, FuseRow
from guard.core.views import HeldView

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.decisions import Changes, Decision
    from guard.core.judge import Judge
    from guard.core.rules.hits import Hit
    from guard.core.world import World

_OPEN = "The fuse is open: more blocks by rules than it lets through; further ones wait."
MOST_HELD = 1_000
"""Held blocks kept; the oldest lapse. Of several partitions each has its share."""


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

    __slots__ = ("_fuse_changed", "_held", "_held_changed", "_home", "_judge", "_world", "fuse", "share")

    def __init__(self, world: World, judge: Judge, fuse: Fuse) -> None:
        self._world = world
        self._judge = judge
        self.fuse = fuse
        """Of a daemon, and of the home of all partitions'; elsewhere it never opens."""
        self.share = FuseShare() if world.composed else None
        self._home = FuseHome(fuse) if world.partition == HOME else None
        self._held: dict[str, HeldRow] = {}
        self._fuse_changed = self._held_changed = False

    def ask(self, account: Account, hit: Hit, text: str, now_ms: int, *, urgent: bool = True) -> bool:
        """A rule wants to block an account; `text` says why. False: it waits for an operator."""
        return self.demand(account, asked_by(hit), text, now_ms, urgent=urgent)

    def demand(self, account: Account, asked: Asked, text: str, now_ms: int, *, urgent: bool = True) -> bool:
        """A rule or the model wants to block an account; `text` says why. False: it waits for an operator.

        `urgent`: not even for the word of another partition.
        """
        waiting = self._waiting(account.id, asked.rule)
        if self._admits(now_ms, urgent=urgent):
            if waiting is not None:
                self.take_held(waiting)
            said = sentences.rule_blocked(text, asked.scope)
            decision = self.record(account, asked, Action.BLOCK, Mode.ENFORCE, now_ms, said)
            self._add_cause(account, decision, asked.lasts_ms, now_ms, end_calls=asked.end_calls)
            return True
        if waiting is None:
            waiting = self._hold(account, asked, text, now_ms)
        if self.share is not None:
            self.share.hold(waiting)
        return False

    def _admits(self, now_ms: int, *, urgent: bool) -> bool:
        """Whether a block happens at once."""
        if self.share is not None:
            return self.share.admit(now_ms, urgent=urgent)
        was_open, self._fuse_changed = self.fuse.open, True
        if self.fuse.admit(now_ms, self._world.activity.count):
            return True
        if not was_open:
            self._tell(_OPEN, now_ms)
        return False

    def waits(self, account: str, rule: str) -> bool:
        """Whether a block of an account waits for an operator; an empty rule is the model."""
        return self._waiting(account, rule) is not None

    def _waiting(self, account: str, rule: str) -> str | None:
        """Id of what waits already."""
        return next((each.id for each in self._held.values() if (each.account, each.rule) == (account, rule)), None)

    def _hold(self, account: Account, asked: Asked, text: str, now_ms: int) -> str:
        """Let it wait; its id."""
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
        self._let_lapse()
        return decision.id

    def _let_lapse(self) -> None:
        """The oldest, when there are too many; but for those that the home of the fuse is yet to judge."""
        share = self.share
        if share is None:
            while len(self._held) > MOST_HELD:
                del self._held[next(iter(self._held))]
            return
        judged = [held_id for held_id in self._held if not share.is_asked(held_id)]
        for held_id in judged[: max(0, len(judged) - share_of(MOST_HELD))]:
            del self._held[held_id]

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
        allowed = account.allow_until_ms is not None
        text = sentences.rule_approved(held.text, Scope(held.scope), by, reason, allowed=allowed)
        self._happen(account, held, text, by, now_ms)

    def _happen(self, account: Account, held: HeldRow, text: str, by: str, now_ms: int) -> None:
        allowed = account.allow_until_ms is not None
        decision = self._judge.decide(
            account,
            Action.BLOCK,
            Reason(held.reason),
            now_ms,
            now_ms,
            text,
            mode=Mode.SHADOW if allowed else Mode.ENFORCE,
            scope=Scope(held.scope),
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

    @property
    def open(self) -> bool:
        """Whether blocks wait for an operator, as far as is known here."""
        return (self.fuse if self.share is None else self.share).open_since_ms is not None

    @property
    def next_due_ms(self) -> int | None:
        """When the fuse closes by itself, or something is to be said again; None: neither is foreseen."""
        again_ms = None if self.share is None else self.share.next_due_ms
        return min((due for due in (self.fuse.closes_ms, again_ms) if due is not None), default=None)

    def hear(self, sender: int, word: FuseSaid | FuseStands, now_ms: int) -> list[HeldRow]:
        """Another partition has spoken of the fuse; the held blocks that have happened for it."""
        if isinstance(word, FuseStands):
            passed = [] if self.share is None else self.share.hear(word)
            return [held for held_id in passed if (held := self._let_pass(held_id, now_ms)) is not None]
        if self._home is not None:
            was_ms, self._fuse_changed = self.fuse.open_since_ms, True
            answer = self._home.hear(sender, word, now_ms)
            if self.fuse.open_since_ms != was_ms:
                if self.fuse.open:
                    self._tell(_OPEN, now_ms)
                self._stepped()
            elif answer:
                self._world.say(self._home.stands(sender), sender)
        return []

    def _let_pass(self, held_id: str, now_ms: int) -> HeldRow | None:
        """The home of the fuse lets a block happen that was left to it; None: an operator was quicker."""
        held = self.take_held(held_id)
        account = None if held is None else self._world.accounts.get(held.account)
        if held is None or account is None:
            return None
        if account.allow_until_ms is None:
            text = sentences.rule_blocked(held.text, Scope(held.scope))
        else:
            text = sentences.rule_allowed(held.text)
        self._happen(account, held, text, "", now_ms)
        return held

    def _stepped(self) -> None:
        """The fuse has opened or closed: all partitions are to know."""
        self._fuse_changed = True
        if self._home is not None:
            self._home.stepped()
            for part in range(PARTITIONS):
                self._world.say(self._home.stands(part), part)

    def advance(self, now_ms: int) -> None:
        """Time has come so far."""
        if self.fuse.advance(now_ms):
            self._stepped()
            text = "The fuse has closed by itself: no rule has asked for a block within its window."
            self._tell(text, now_ms, over=True)

    def close_fuse(self, by: str, reason: str, now_ms: int) -> None:
        """An operator closes the fuse; one that is closed stays so. Of all partitions' fuse the home is to be asked."""
        if not self.fuse.open:
            return
        self.fuse.close()
        self._stepped()
        self._world.changes.audit.append(Audit("", now_ms, by, "close_fuse", reason))
        text = f"The fuse was closed by {by}: {sentences.ended(reason)} Blocks by rules act at once again."
        self._tell(text, now_ms, over=True)

    def _tell(self, text: str, now_ms: int, *, over: bool = False) -> None:
        self._world.notice(Notice(kind=NoticeKind.FUSE, at_ms=now_ms, switch="", text=text, over=over))

    # -- what survives

    def keep(self, changes: Changes, now_ms: int) -> None:
        """Add what has changed since the last time, and what the home of the fuse should hear."""
        if self.share is not None:
            word = self.share.say(self._world.activity.count, now_ms)
            if word is not None:
                changes.says.append(Said(HOME, word))
            if self.share.changed:
                self.share.changed = False
                changes.kept.append(KeptRow("fuse_share", "", self.share.row()))
        if self._fuse_changed:
            home = self._home
            fuse = KeptRow("fuse", "", self.fuse.row()) if home is None else KeptRow("fuse_home", "", home.row())
            changes.kept.append(fuse)
        if self._held_changed:
            changes.kept.append(KeptRow("held", "", self.held()))
        self._fuse_changed = self._held_changed = False

    def restore(self, kept: KeptRow) -> None:
        """Take up a row, if it is one of these; what a daemon's fuse has counted says nothing about all partitions'."""
        match kept.kind:
            case "held":
                self._held = {held.id: held for held in cast("tuple[HeldRow, ...]", kept.row)}
            case "fuse" if self.share is None:
                self.fuse.restore(cast("FuseRow", kept.row))
            case "fuse_share" if self.share is not None:
                self.share.restore(cast("ShareRow", kept.row))
            case "fuse_home" if self._home is not None:
                self._home.restore(cast("HomeRow", kept.row))
            case _:
                return
