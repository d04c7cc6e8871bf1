"""Detection: the rules at work. Reports become observations, hits become decisions, and decisions causes.

    accepted report -> Observation -> Watch -> Hit -> decision (warn, cleared, block, held), cause of a block

What a hit comes to:

| rule | account | fuse | a block that the rule asks for |
|---|---|---|---|
| shadow | | | is recorded, nothing happens |
| enforce | allowed by an operator | | is recorded; judged anew when the allowance ends |
| enforce | | open | waits as `held` for an operator (`guard.core.blocking`) |
| enforce | | closed | blocks, in the rule's scope, for as long as the rule says |

A cause by rule never lifts on money: an operator releases it, which also restarts the windows of what fired, or its own
time ends it, which does so too (contract 2). What stands in spite of that, such as calls that are still up, asks for
the block again.

**What is kept.** Sums and profiles change with every report and money does not hang on them, so they are stored at most
once a minute an account, a few with each batch, and all of them when guard stops. A crash costs the last minute of the
windows: a rule then sees a little less than there was. Limits are not concerned, nor what is blocked, held, suspected.
What is counted across the accounts of a cluster is stored with the batch that moved it: others act by it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from guard.core import sentences
from guard.core.anomaly import Anomaly
from guard.core.blocking import Blocking
from guard.core.calls import RATE_COMES_WITHIN_MS
from guard.core.decisions import Action, Audit, Changes, HeldRow, KeptRow, Mode, Notice, NoticeKind, Reason
from guard.core.neighbours import CrowdWord, FuseWord
from guard.core.privacy import without_numbers
from guard.core.records import Direction, Event, Report
from guard.core.rules.across import CROWD, CROWDS, STANDING
from guard.core.rules.counters import SHORT_MS
from guard.core.rules.fuse import Fuse
from guard.core.rules.hits import Hit, Standing, hit_that_stands
from guard.core.rules.levels import BLOCKED, Level
from guard.core.rules.observation import Observation, What
from guard.core.rules.past import Past
from guard.core.rules.profile import Profile, Verdict
from guard.core.rules.rows import SubjectRow
from guard.core.rules.rule import Rule, RuleMode
from guard.core.rules.sentences import CURRENCY
from guard.core.rules.watch import Watch
from guard.core.saving import Saving
from guard.core.suspicion import SuspicionRow, Suspicions
from guard.core.telling import Growth, attempted, price_to_come, rung_from, told, told_again

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guard.core.accounts import Account, Cause
    from guard.core.calls import Call
    from guard.core.judge import Judge
    from guard.core.settings import Settings
    from guard.core.switches import Switch
    from guard.core.world import World

REFUSED_BY_GUARD = "blocked"
"""`cause` of an attempt that was refused because guard blocked it."""

Listener = Callable[[Observation, Profile, int], None]
"""Told of each observation once the rules have taken it, with the account's profile and how many calls it has up.
It decides nothing and raises nothing."""

_NO_GROWTH = (0, 0, 0)
_ENDED, _INCOMING = Event.ENDED, Direction.INCOMING
_, _BEGINS, _, _ENDS = What
"""Looked up once: each look-up of an enumeration's member costs as much as a call."""
_MODES = {RuleMode.SHADOW: Mode.SHADOW, RuleMode.ENFORCE: Mode.ENFORCE}


class Detection:
    """Lets the rules see what is accepted, and does what they say."""

    __slots__ = (
        "_now_ms",
        "_saving",
        "_seen_ms",
        "_suspicions",
        "_world",
        "anomaly",
        "blocking",
        "failures",
        "hits",
        "listener",
        "watch",
    )

    def __init__(self, world: World, judge: Judge, rules: Iterable[Rule], fuse: Fuse) -> None:
        self._world = world
        self.watch = Watch(rules, self._verdict, world.say if world.composed else None)
        self.watch.keep_days = world.settings.keep_details_days
        self.blocking = Blocking(world, judge, fuse)
        self.hits = {(rule.id, mode.value): 0 for rule in self.watch.rules for mode in Mode}
        """Plain counters: crossings by rule and mode."""
        self.failures = 0
        """Plain counter: observations that the rules failed on."""
        self.listener: Listener | None = None
        """Whoever follows what is observed (the anomaly model); the engine decides nothing by it."""
        self._saving = Saving()
        self._suspicions = Suspicions()
        self.anomaly = Anomaly(world, self.blocking, self._suspicions, self.watch.standing)
        self._seen_ms = 0
        """Time of what is being seen."""
        self._now_ms = 0
        judge.on_allowance_over = self.allowance_over
        judge.on_expired = self.expired

    # -- what is seen

    def attempt(self, switch: Switch, account: Account, report: Report, now_ms: int) -> None:
        """An attempt that was not answered."""
        if report.cause != REFUSED_BY_GUARD:
            self._see(attempted(switch, account, report, self._world.rating), now_ms)

    def call(self, call: Call, report: Report, growth: Growth, now_ms: int) -> None:
        """A report about a call was taken; growth: gross, net and duration since the report before."""
        if not call.watched:
            if report.event is not _ENDED and price_to_come(call, growth):
                return
            call.watched = True
            gross, net, spoken_ms = growth
            if call.duration_ms - spoken_ms < RATE_COMES_WITHIN_MS:
                # Nothing was told while its price was waited for.
                spoken_ms = call.duration_ms
            self._see(told(call, report.at_ms, _BEGINS, (gross, net, spoken_ms)), now_ms)
            if report.event is not _ENDED:
                return
            # One first heard of when it ends begins and ends at once.
            growth = _NO_GROWTH
        seen = told_again(call, report.at_ms, growth)
        if report.event is _ENDED:
            call.watched, seen.what = False, _ENDS
            if seen.direction is _INCOMING and seen.duration_ms <= SHORT_MS:
                seen.rung_from = rung_from(call.caller, self._world.rating)
        self._see(seen, now_ms)

    def corrected(self, call: Call, gross_micros: int, now_ms: int) -> None:
        """A late report has changed what a call that is up is, or what it costs."""
        if call.emergency:
            self.over(call, gross_micros, now_ms)
        elif call.watched:
            self._unreported(call, What.GOES_ON, gross_micros, now_ms)

    def over(self, call: Call, gross_micros: int, now_ms: int) -> None:
        """A call that the rules have seen was taken for lost, or turned out to be none of their business."""
        if call.watched:
            call.watched = False
            self._unreported(call, What.ENDS, gross_micros, now_ms)

    def _unreported(self, call: Call, what: What, gross_micros: int, now_ms: int) -> None:
        self._see(told(call, call.at_ms, what, (gross_micros, 0, 0)), now_ms)

    def _see(self, seen: Observation, now_ms: int) -> None:
        self._saving.moved(seen.account, now_ms)
        self._now_ms, self._seen_ms = now_ms, seen.at_ms
        try:
            hits = self.watch.observe(seen)
        except Exception as error:  # noqa: BLE001 -- boundary: what rules get wrong must not stop the money
            self.watch.forget(seen.account)
            self._failed(error, seen.account, now_ms)
            return
        if self.listener is not None and (known := self.watch.now(seen.account)) is not None:
            self.listener(seen, *known)
        for hit in hits:
            self._act(hit, now_ms)

    def _failed(self, error: Exception, account_id: str, now_ms: int) -> None:
        """The rules have failed: what they knew of the account is let go, on-call is told, and limits go on."""
        self.failures += 1
        text = (
            f"The fraud rules failed ({type(error).__name__}: {without_numbers(str(error))});"
            " what they knew of the account is let go."
            " Limits are not concerned. Please report this."
        )
        notice = Notice(kind=NoticeKind.RULES, at_ms=now_ms, switch="", account=account_id, text=text)
        self._world.notice_once(notice, about=type(error).__name__)

    def hear(self, sender: int, word: FuseWord | CrowdWord, now_ms: int) -> bool:
        """Take what another engine says of the fuse, or of a crowd; False: by a rule that is not known here."""
        self._now_ms = now_ms
        if isinstance(word, FuseWord):
            for held in self.blocking.hear(sender, word, now_ms):
                self._blocked_after(held, now_ms)
            return True
        try:
            hits = self.watch.hear(word)
        except Exception as error:  # noqa: BLE001 -- boundary: what rules get wrong must not stop the money
            self._failed(error, "", now_ms)
            return False
        for hit in hits or ():
            self._act(hit, now_ms)
        return hits is not None

    # -- what it comes to

    def _act(self, hit: Hit, now_ms: int, *, urgent: bool = True) -> None:
        account = self._world.accounts.get(hit.account)
        if account is None:
            return
        self._saving.moved(hit.account, now_ms)
        mode, decide = _MODES[hit.rule.mode], self.blocking.decide
        text = hit.text.replace(CURRENCY, account.currency)
        if hit.level is Level.CLEARED:
            decide(account, hit, Action.CLEARED, mode, now_ms, text)
            return
        self.hits[hit.rule.id, mode.value] += 1
        self._suspicions.hit(hit.account, hit.at_ms)
        if hit.level is Level.WARN:
            decide(account, hit, Action.WARN, mode, now_ms, sentences.rule_warned(text, recorded=mode is Mode.SHADOW))
        elif mode is Mode.SHADOW:
            said = sentences.rule_would_block(text, hit.rule.scope)
            decide(account, hit, Action.BLOCK, Mode.SHADOW, now_ms, said)
        elif account.allow_until_ms is not None:
            decide(account, hit, Action.BLOCK, Mode.SHADOW, now_ms, sentences.rule_allowed(text))
        elif account.cause(Reason.RULE, hit.rule.id) is None:
            self._block(account, hit, text, now_ms, urgent=urgent)

    def _block(self, account: Account, hit: Hit, text: str, now_ms: int, *, urgent: bool = True) -> None:
        if self.blocking.ask(account, hit, text, now_ms, urgent=urgent):
            self._suspicions.blocked(account.id, hit.at_ms - (hit.rule.window_ms or 0), hit.at_ms)

    def allowance_over(self, account: Account, now_ms: int) -> None:
        """An operator's allowance is over: blocks that were only recorded meanwhile, and whose mark stands, act now."""
        self._reconsider(account, "The operator's allowance is over", now_ms)

    def expired(self, account: Account, cause: Cause, now_ms: int) -> None:
        """A block has ended as planned, which makes it no false alarm: what fired begins anew."""
        self._suspicions.blocked(account.id, cause.since_ms, now_ms)
        if cause.reason is Reason.RULE:
            self._restart(account.id, now_ms, cause.rule)
            self._reconsider(account, "The block has ended as planned", now_ms, cause.rule)

    def _reconsider(self, account: Account, why: str, now_ms: int, rule_id: str | None = None) -> None:
        for standing in self._standing(account.id, rule_id):
            rule = standing.rule
            if standing.level != BLOCKED or rule.mode is not RuleMode.ENFORCE or account.cause(Reason.RULE, rule.id):
                continue
            text = f"{why}, and rule {rule.id} still stands ({rule.title})."
            hit = hit_that_stands(standing, account.id, now_ms, text)
            self._block(account, hit, text, now_ms)

    def _restart(self, account_id: str, now_ms: int, rule_id: str | None = None) -> None:
        """Windows whose marks stand begin anew: those of a rule, or all."""
        for standing in self._standing(account_id, rule_id):
            for hit in self.watch.restart(account_id, standing.rule.id, standing.key, now_ms):
                self._act(hit, now_ms)
        self._saving.moved(account_id, now_ms)

    def _standing(self, account_id: str, rule_id: str | None) -> list[Standing]:
        return [each for each in self.watch.standing(account_id) if rule_id is None or each.rule.id == rule_id]

    # -- time

    @property
    def next_due_ms(self) -> int | None:
        """When `advance` has something to do."""
        moments, blocking = self.watch.moments.heap, self.blocking
        due_ms = moments[0][0] if moments else None
        if blocking.fuse.open_since_ms is None and blocking.share is None:
            return due_ms
        other_ms = blocking.next_due_ms
        return other_ms if due_ms is None or (other_ms is not None and other_ms < due_ms) else due_ms

    def advance(self, now_ms: int) -> None:
        """Time has come so far, and no backlog is being read: what has cleared, and the fuse."""
        self._now_ms = now_ms
        for hit in self.watch.advance(now_ms):
            self._act(hit, now_ms)
        self.blocking.advance(now_ms)

    # -- the operator's hand

    def released(self, account: Account, now_ms: int) -> None:
        """An operator has released the account: it was a false alarm, and what fired begins anew."""
        self._restart(account.id, now_ms)
        self._suspicions.cleared(account.id)

    def approve(self, held_id: str, by: str, reason: str, now_ms: int) -> bool:
        """Let a held block happen; False: there is none of that id."""
        held = self.blocking.take_held(held_id)
        if held is None:
            return False
        self.blocking.approve(held, by, reason, now_ms)
        self._blocked_after(held, now_ms)
        return True

    def _blocked_after(self, held: HeldRow, now_ms: int) -> None:
        """What was held has happened: what led to it is not learned."""
        window_ms = next((rule.window_ms for rule in self.watch.rules if rule.id == held.rule), None)
        self._suspicions.blocked(held.account, held.at_ms - (window_ms or 0), now_ms)

    def reject(self, held_id: str, by: str, reason: str, now_ms: int) -> bool:
        """Drop a held block: a false alarm, and what fired begins anew. False: there is none of that id."""
        held = self.blocking.take_held(held_id)
        if held is None:
            return False
        self.blocking.reject(held, by, reason, now_ms)
        self._restart(held.account, now_ms, held.rule)
        self._suspicions.cleared(held.account)
        return True

    # -- another setup, another past

    def refit(self, rules: Iterable[Rule], settings: Settings, now_ms: int) -> None:
        """Go on with other rules; causes of blocks and what is held stay."""
        caught_up = not any(switch.lagging for switch in self._world.switches.values())
        hits = self.watch.swap(rules, now_ms, caught_up=caught_up)
        # A rule that is new may speak at once, of what another has counted.
        for rule in self.watch.rules:
            for mode in Mode:
                self.hits.setdefault((rule.id, mode.value), 0)
        for hit in hits:
            self._act(hit, now_ms, urgent=False)
        self.watch.keep_days = settings.keep_details_days
        self.blocking.fuse.refit(settings.fuse_blocks, settings.fuse_window_ms)

    # -- learning

    def learn(self, past: Past, now_ms: int) -> int:
        """Take in what history knows of an account, and store it with this batch; how many days of it were news."""
        days = self.watch.absorb(past, now_ms)
        if days:
            self._saving.learned(past.account)
            told = f"history of {days} {'day' if days == 1 else 'days'}"
            self._world.changes.audit.append(Audit(past.account, now_ms, past.by, "learn", told))
        return days

    def forget(self, account_id: str) -> None:
        """Let go of all that is known of an account, in the store too; the model lets go of its share by itself."""
        self.watch.forget(account_id)
        self._suspicions.forget(account_id)
        self.anomaly.forget(account_id)
        self._saving.forget(account_id)
        changes, kinds = self._world.changes, ("subject", "suspicion", "usual")
        changes.kept = [row for row in changes.kept if row.key != account_id]
        changes.kept += [KeptRow(kind, account_id, None) for kind in kinds]

    def _verdict(self, account_id: str, start_ms: int, end_ms: int) -> Verdict:
        """Whether a day of an account may be learned."""
        account = self._world.accounts.get(account_id)
        if account is not None and any(cause.reason is not Reason.CLOSED for cause in account.causes):
            return Verdict.WAIT
        stands = bool(self.watch.standing(account_id))
        return self._suspicions.verdict(account_id, start_ms, end_ms, self._seen_ms, stands=stands)

    # -- what survives

    def keep(self, changes: Changes, *, everything: bool = False) -> None:
        """Add what is to be stored now: what is a minute old, a few at a time, or all."""
        for account_id in self._saving.take(self._now_ms, everything=everything):
            row = self.watch.row(account_id)
            if row is not None:
                changes.kept.append(KeptRow("subject", account_id, row))
        whole = self._saving.take_whole(self._now_ms, everything=everything)
        self.watch.keep_across(changes, whole=whole)
        changes.kept += [KeptRow("suspicion", account, row) for account, row in self._suspicions.take_changed()]
        self.blocking.keep(changes, self._now_ms)

    def restore(self, kept: Iterable[KeptRow]) -> None:
        """Take up what was stored; calls that ended since are no longer up."""
        for row in kept:
            if row.kind == "subject":
                self._restore_subject(cast("SubjectRow", row.row))
            elif row.kind in (CROWDS, CROWD, STANDING):
                self.watch.restore_across(row)
            elif row.kind == "suspicion":
                self._suspicions.restore(row.key, cast("SuspicionRow", row.row))
            else:
                self.blocking.restore(row)

    def _restore_subject(self, row: SubjectRow) -> None:
        account = self._world.accounts.get(row.account)
        # History may know an account that has not been heard of yet.
        live = (account.live if account is not None else None) or {}
        up = tuple(call for call in row.live if (call.switch, call.call) in live)
        for call in up:
            live[call.switch, call.call].watched = True
        try:
            self.watch.restore(row._replace(live=up))
        except (LookupError, TypeError, ValueError) as error:
            # A row of the right shape that this version cannot read; the account begins anew for the rules.
            for call in up:
                live[call.switch, call.call].watched = False
            self.watch.forget(row.account)
            self._failed(error, row.account, self._now_ms)
