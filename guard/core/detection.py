"""Detection: the rules at work. Reports become observations, hits become decisions, and decisions causes.

    accepted report -> Observation -> Watch -> Hit -> decision (warn, cleared, block, held), cause of a block

What a hit comes to:

| rule | account | fuse | a block that the rule asks for |
|---|---|---|---|
| shadow | | | is recorded, nothing happens |
| enforce | allowed by an operator | | is recorded; judged anew when the allowance ends |
| enforce | | open | waits as `held` for an operator |
| enforce | | closed | blocks, in the rule's scope, for as long as the rule says |

A cause by rule never lifts on money: an operator releases it, which also restarts the windows of what fired, or its own
time ends it (contract 2).

**What is kept.** Sums and profiles change with every report and money does not hang on them, so they are stored at most
once a minute an account, a few with each batch, and all of them when guard stops. A crash costs the last minute of the
windows: a rule then sees a little less than there was. Limits are not concerned.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from guard.core.decisions import (
    Action,
    Changes,
    HeldRow,
    KeptRow,
    Mode,
    Notice,
    NoticeKind,
    Reason,
)
from guard.core.records import Direction, Event, Report, Scope
from guard.core.rules.fuse import Fuse, FuseRow
from guard.core.rules.hits import Hit
from guard.core.rules.levels import BLOCKED, Level
from guard.core.rules.observation import Observation, What
from guard.core.rules.profile import Verdict
from guard.core.rules.rows import CrowdRow, SubjectRow
from guard.core.rules.rule import Rule, RuleMode
from guard.core.rules.watch import Watch
from guard.core.settings import DAY_MS, MINUTE_MS
from guard.core.views import HeldView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guard.core.accounts import Account
    from guard.core.calls import Call
    from guard.core.decisions import Decision
    from guard.core.judge import Judge
    from guard.core.switches import Switch
    from guard.core.world import World

SAVE_AFTER_MS = MINUTE_MS
"""So old what is kept of an account may become."""
SAVED_AT_ONCE = 20
"""Accounts stored with one batch: some milliseconds of it."""
SUSPECT_MS = 7 * DAY_MS
"""A hit delays learning of the days around it by at most so much (contract 2, Learning)."""
REFUSED_BY_GUARD = "blocked"
"""`cause` of an attempt that was refused because guard blocked it."""
MOST_HELD = 1_000
"""Held blocks kept; the oldest lapse."""

_MODES = {RuleMode.SHADOW: Mode.SHADOW, RuleMode.ENFORCE: Mode.ENFORCE}


class Detection:
    """Lets the rules see what is accepted, and does what they say."""

    __slots__ = ("_crowds_at_ms", "_dirty", "_held", "_judge", "_now_ms", "_suspected", "_world", "fuse", "hits", "watch")

    def __init__(self, world: World, judge: Judge, rules: Iterable[Rule], fuse: Fuse) -> None:
        self._world = world
        self._judge = judge
        self.watch = Watch(rules, self._verdict)
        self.fuse = fuse
        self.hits = {(rule.id, mode.value): 0 for rule in self.watch.rules for mode in Mode}
        """Plain counters: crossings by rule and mode."""
        self._held: dict[str, HeldRow] = {}
        self._dirty: dict[str, int] = {}
        """Accounts whose state is newer than what is stored, and since when, the oldest first."""
        self._suspected: dict[str, int] = {}
        """When a rule last hit an account."""
        self._now_ms = self._crowds_at_ms = 0

    # -- what is seen

    def attempt(self, switch: Switch, account: Account, report: Report, now_ms: int) -> None:
        """An attempt that was not answered."""
        if report.cause != REFUSED_BY_GUARD:
            to = report.to or ""
            self._see(self._observation(switch, account, report, to, What.FAILED, (switch.name, report.call)), now_ms)

    def call(self, call: Call, report: Report, growth: tuple[int, int, int], now_ms: int) -> None:
        """A report about a call was taken; growth: gross, net and duration since the report before."""
        gross, net, spoken_ms = growth
        ended = report.event is Event.ENDED
        what = What.GOES_ON if call.watched else What.BEGINS
        if what is What.GOES_ON and ended:
            what = What.ENDS
        seen = self._observation(call.switch, call.account, report, call.to, what, call.key)
        seen.gross_micros, seen.net_micros, seen.spoken_ms = gross, net, spoken_ms
        seen.duration_ms, seen.rate_micros = call.duration_ms, call.growth_micros
        seen.direction = call.direction or Direction.OUTGOING
        seen.source = call.source
        self._see(seen, now_ms)
        if what is What.BEGINS and ended:
            # First heard of when it ends: it begins and ends at once.
            self._see(replace(seen, what=What.ENDS, gross_micros=0, net_micros=0, spoken_ms=0), now_ms)
        call.watched = not ended

    def corrected(self, call: Call, gross_micros: int, now_ms: int) -> None:
        """A late report has changed what a call that is up is, or what it costs."""
        if call.emergency:
            self.over(call, gross_micros, now_ms)
        elif call.watched:
            self._see(self._unreported(call, What.GOES_ON, gross_micros), now_ms)

    def over(self, call: Call, gross_micros: int, now_ms: int) -> None:
        """A call that the rules have seen was taken for lost, or turned out to be none of their business."""
        if call.watched:
            call.watched = False
            self._see(self._unreported(call, What.ENDS, gross_micros), now_ms)

    def _unreported(self, call: Call, what: What, gross_micros: int) -> Observation:
        report = Report(call.id, call.event, call.account.id, call.at_ms)
        seen = self._observation(call.switch, call.account, report, call.to, what, call.key)
        seen.gross_micros, seen.duration_ms, seen.rate_micros = gross_micros, call.duration_ms, call.growth_micros
        seen.direction = call.direction or Direction.OUTGOING
        seen.source = call.source
        return seen

    def _observation(
        self, switch: Switch, account: Account, report: Report, to: str, what: What, key: tuple[str, str]
    ) -> Observation:
        place = self._world.rating.place(to)
        return Observation(
            account=account.id,
            at_ms=report.at_ms - switch.skew_ms,
            what=what,
            call=key,
            direction=report.direction or Direction.OUTGOING,
            kind=place.kind,
            country=place.country,
            prefix=place.destination.prefix,
            number=place.digits,
            dialled=to,
            place=place.destination.name,
            source=report.source,
            rate_micros=0,
            timezone=account.timezone,
            opened_ms=account.opened_ms,
        )

    def _see(self, seen: Observation, now_ms: int) -> None:
        self._dirty.setdefault(seen.account, now_ms)
        for hit in self.watch.observe(seen):
            self._act(hit, now_ms)

    # -- what it comes to

    def _act(self, hit: Hit, now_ms: int) -> None:
        account = self._world.accounts.get(hit.account)
        if account is None:
            return
        mode = _MODES[hit.rule.mode]
        if hit.level is Level.CLEARED:
            self._decide(account, hit, Action.CLEARED, mode, now_ms, hit.text)
            return
        self.hits[hit.rule.id, mode.value] += 1
        self._suspected[hit.account] = hit.at_ms
        if hit.level is Level.WARN:
            self._decide(account, hit, Action.WARN, mode, now_ms, hit.text)
        elif mode is Mode.SHADOW:
            self._decide(account, hit, Action.BLOCK, mode, now_ms, hit.text)
        elif account.allow_until_ms is not None:
            text = f"Not blocked, because an operator allows it: {_uncapitalised(hit.text)}"
            self._decide(account, hit, Action.BLOCK, Mode.SHADOW, now_ms, text)
        elif account.cause(Reason.RULE, hit.rule.id) is None:
            self._block(account, hit, now_ms)

    def _block(self, account: Account, hit: Hit, now_ms: int) -> None:
        was_open = self.fuse.open
        if self.fuse.admit(now_ms, len(self._world.accounts)):
            decision = self._decide(account, hit, Action.BLOCK, Mode.ENFORCE, now_ms, hit.text)
            lasts_ms = hit.rule.release_after_ms
            until_ms = None if lasts_ms is None else now_ms + lasts_ms
            self._judge.add_cause(account, decision, hit.rule.scope, until_ms, now_ms, end_calls=hit.rule.end_calls)
            self._judge.alarms.set(account, now_ms)
            return
        text = f"Held for an operator, because too many blocks came at once: {_uncapitalised(hit.text)}"
        decision = self._decide(account, hit, Action.HELD, Mode.ENFORCE, now_ms, text)
        self._held[decision.id] = HeldRow(
            id=decision.id,
            account=account.id,
            reason=Reason.RULE.value,
            rule=hit.rule.id,
            key=hit.key,
            scope=hit.rule.scope.value,
            end_calls=hit.rule.end_calls,
            at_ms=decision.at_ms,
            lasts_ms=hit.rule.release_after_ms,
            text=hit.text,
        )
        while len(self._held) > MOST_HELD:
            del self._held[next(iter(self._held))]
        self._keep_held()
        if not was_open:
            text = "The fuse is open: more blocks by rules than it lets through; further ones wait for an operator."
            self._world.notice(Notice(kind=NoticeKind.FUSE, at_ms=now_ms, switch="", text=text))

    def _decide(self, account: Account, hit: Hit, action: Action, mode: Mode, now_ms: int, text: str) -> Decision:
        return self._judge.decide(
            account,
            action,
            Reason.RULE,
            now_ms,
            min(hit.at_ms, now_ms),
            text,
            evidence=hit.evidence,
            mode=mode,
            scope=hit.rule.scope,
            key=hit.shown_key,
            rule=hit.rule.id,
            mark=hit.mark,
        )

    def reconsider(self, account: Account, now_ms: int) -> None:
        """An operator's allowance is over: blocks that were only recorded meanwhile, and whose mark stands, act now."""
        for standing in self.watch.standing(account.id):
            rule = standing.rule
            if standing.level != BLOCKED or rule.mode is not RuleMode.ENFORCE or account.cause(Reason.RULE, rule.id):
                continue
            text = f"Blocked: the operator's allowance is over, and rule {rule.id} still stands ({rule.title})."
            hit = Hit(
                rule=rule,
                account=account.id,
                key=standing.key,
                shown_key=standing.shown_key,
                at_ms=now_ms,
                level=Level.BLOCK,
                value=0,
                threshold=rule.block or 0,
                estimated=False,
                learning=False,
                evidence=(),
                text=text,
            )
            self._block(account, hit, now_ms)

    # -- time

    @property
    def next_due_ms(self) -> int | None:
        """When `advance` has something to do."""
        moments = [moment for moment in (self.watch.next_due_ms, self.fuse.closes_ms) if moment is not None]
        return min(moments, default=None)

    def advance(self, now_ms: int) -> None:
        """Time has come so far, and no backlog is being read: what has cleared, and the fuse."""
        self._now_ms = now_ms
        for hit in self.watch.advance(now_ms):
            self._act(hit, now_ms)
        if self.fuse.advance(now_ms):
            text = "The fuse has closed by itself: no rule has asked for a block within its window."
            self._world.notice(Notice(kind=NoticeKind.FUSE, at_ms=now_ms, switch="", text=text))

    # -- the operator's hand

    def released(self, account: Account, now_ms: int) -> None:
        """An operator has released or allowed the account: what fired begins anew."""
        for standing in self.watch.standing(account.id):
            if standing.level == BLOCKED:
                for hit in self.watch.restart(account.id, standing.rule.id, standing.key, now_ms):
                    self._act(hit, now_ms)
        # A released alarm was a false one: these days may be learned.
        self._suspected.pop(account.id, None)
        self._dirty.setdefault(account.id, now_ms)

    def held(self) -> tuple[HeldRow, ...]:
        """Blocks that wait for an operator, the oldest first."""
        return tuple(self._held.values())

    def approve(self, held_id: str, by: str, reason: str, now_ms: int) -> bool:
        """Let a held block happen; False: there is none of that id."""
        held = self._held.pop(held_id, None)
        if held is None:
            return False
        self._keep_held()
        account = self._world.accounts[held.account]
        text = f"{held.text} (held by the fuse; approved by {by}: {reason})"
        scope = Scope(held.scope)
        decision = self._judge.decide(
            account, Action.BLOCK, Reason(held.reason), now_ms, now_ms, text, scope=scope, by=by, rule=held.rule
        )
        until_ms = None if held.lasts_ms is None else now_ms + held.lasts_ms
        self._judge.add_cause(account, decision, scope, until_ms, now_ms, end_calls=held.end_calls)
        self._judge.alarms.set(account, now_ms)
        return True

    def reject(self, held_id: str, now_ms: int) -> bool:
        """Drop a held block; False: there is none of that id."""
        held = self._held.pop(held_id, None)
        if held is None:
            return False
        self._keep_held()
        self.watch.restart(held.account, held.rule, held.key, now_ms)
        self._suspected.pop(held.account, None)
        return True

    # -- learning

    def _verdict(self, account_id: str, start_ms: int, end_ms: int) -> Verdict:
        """Whether a day of an account may be learned."""
        account = self._world.accounts.get(account_id)
        if account is None:
            return Verdict.LEARN
        if any(cause.reason is not Reason.CLOSED for cause in account.causes):
            return Verdict.WAIT if self._now_ms - end_ms < SUSPECT_MS else Verdict.SKIP
        suspected_ms = self._suspected.get(account_id)
        if suspected_ms is not None and suspected_ms >= start_ms and self._now_ms - end_ms < SUSPECT_MS:
            return Verdict.WAIT
        return Verdict.LEARN

    # -- what survives

    def keep(self, changes: Changes, *, everything: bool = False) -> None:
        """Add what is to be stored now: what is a minute old, a few at a time, or all."""
        due: list[str] = []
        for account_id, since_ms in self._dirty.items():
            if not everything and (len(due) >= SAVED_AT_ONCE or self._now_ms - since_ms < SAVE_AFTER_MS):
                break
            due.append(account_id)
        for account_id in due:
            del self._dirty[account_id]
            row = self.watch.row(account_id)
            if row is not None:
                changes.kept.append(KeptRow("subject", account_id, row))
        if everything or self._now_ms - self._crowds_at_ms >= SAVE_AFTER_MS:
            self._crowds_at_ms = self._now_ms
            changes.kept.append(KeptRow("crowds", "", self.watch.across_rows()))
            changes.kept.append(KeptRow("fuse", "", self.fuse.row()))

    def _keep_held(self) -> None:
        self._world.changes.kept.append(KeptRow("held", "", self.held()))

    def restore(self, kept: Iterable[KeptRow]) -> None:
        """Take up what was stored; calls that ended since are no longer up."""
        for row in kept:
            if row.kind == "subject":
                self._restore_subject(cast("SubjectRow", row.row))
            elif row.kind == "crowds":
                self.watch.restore_across(cast("tuple[CrowdRow, ...]", row.row))
            elif row.kind == "fuse":
                self.fuse.restore(cast("FuseRow", row.row))
            elif row.kind == "held":
                self._held = {held.id: held for held in cast("tuple[HeldRow, ...]", row.row)}

    def _restore_subject(self, row: SubjectRow) -> None:
        account = self._world.accounts.get(row.account)
        if account is None:
            return
        live = account.live or {}
        up = tuple(call for call in row.live if (call.switch, call.call) in live)
        for call in up:
            live[call.switch, call.call].watched = True
        self.watch.restore(row._replace(live=up))

    def held_view(self, held: HeldRow) -> HeldView:
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


def _uncapitalised(text: str) -> str:
    return text[:1].lower() + text[1:]
