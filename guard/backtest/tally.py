"""The tally of one run: what it came to by account, by rule, and by labelled span. Sums only, no history.

What was lost within a labelled span, before the block that stopped it and after, is for `spans` to say. A block is
*false* if a rule or the model gave it and no fraud explains it: none of the account has begun and ended less than
`GRACE_MS` ago. A block at the credit limit is never false, for whoever reaches a limit was told of it; blocks at the
limit without any fraud before are counted apart.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from guard.backtest.inputs import Span
from guard.backtest.spans import EVERY, Elsewhere, Reach, SpanTally
from guard.core.decisions import Action, Decision, Mode, Reason
from guard.core.money import Micros
from guard.core.records import Scope
from guard.core.scopes import width
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS

GRACE_MS = DAY_MS
"""A block so long after a fraud has ended is still about it."""
WATCHED = 500
"""Accounts whose exposure is drawn: those that a warning, a block or a label made worth it."""
POINTS = 120
"""Kept of each; when there are more every second one goes."""

BY_RULE = frozenset({Reason.RULE, Reason.ANOMALY})


@dataclass(slots=True)
class AccountTally:
    """One account."""

    posted_micros: int = 0
    in_flight_micros: int = 0
    """Of calls that were up at the end, as last stated."""
    prevented_micros: int = 0
    blocks: int = 0
    blocks_by_rule: int = 0
    false_blocks: int = 0
    limit_blocks_without_fraud: int = 0
    would_block: int = 0
    """Blocks by rules in shadow."""
    held: int = 0
    first_block_ms: int | None = None
    first_block_exposure_micros: int | None = None
    first_block_why: str = ""

    @property
    def owed_micros(self) -> int:
        """What its calls came to."""
        return self.posted_micros + self.in_flight_micros


@dataclass(slots=True)
class RuleTally:
    """One rule (`credit_limit` is the limit itself)."""

    warns: int = 0
    blocks: int = 0
    would_block: int = 0
    held: int = 0
    false_blocks: int = 0
    accounts: set[str] = field(default_factory=set)
    false_accounts: set[str] = field(default_factory=set)
    frauds: set[int] = field(default_factory=set)
    """Positions of the fraud spans in which it would have blocked."""


@dataclass(slots=True)
class Curve:
    """Exposure of one account over time, thinned as it grows."""

    points: list[tuple[int, int, int]] = field(default_factory=list)
    """Time, exposure, prevented so far."""
    step_ms: int = MINUTE_MS

    def wants(self, at_ms: int) -> bool:
        """Whether a point of that time would be kept."""
        points = self.points
        return not points or at_ms - points[-1][0] >= self.step_ms

    def add(self, at_ms: int, exposure_micros: int, prevented_micros: int, *, always: bool = False) -> None:
        """Keep a point, unless the last one is too near."""
        points = self.points
        if not always and not self.wants(at_ms):
            return
        points.append((at_ms, exposure_micros, prevented_micros))
        if len(points) > POINTS:
            del points[1:-1:2]
            self.step_ms *= 2


class Tally:
    """Everything that a run came to."""

    def __init__(self, spans: Iterable[Span] = ()) -> None:
        self.accounts: defaultdict[str, AccountTally] = defaultdict(AccountTally)
        self._elsewhere: defaultdict[str, Elsewhere] = defaultdict(Elsewhere)
        self.spans = [SpanTally(span, self._elsewhere[span.account]) for span in spans]
        self.rules: defaultdict[str, RuleTally] = defaultdict(RuleTally)
        self.hours: Counter[tuple[str, int]] = Counter()
        """Hits by rule and hour."""
        self.curves: dict[str, Curve] = {}
        self.marks: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
        """Blocks of the accounts that are drawn."""
        self.decisions: Counter[str] = Counter()
        self.withheld_reports = 0
        self.withheld_calls = 0
        self.refused_attempts = 0
        self.by_account: defaultdict[str, list[int]] = defaultdict(list)
        for position, entry in enumerate(self.spans):
            self.by_account[entry.span.account].append(position)
        self._blocked: dict[str, tuple[Scope, str]] = {}
        """Accounts that are blocked now: how widely, and by what."""

    # -- money

    def charged(self, account: str, at_ms: int, micros: int, reach: Reach = EVERY) -> None:
        """A call of a labelled account has cost so much more; reach: the scopes that cover its number."""
        spans = self._spans_at(account, at_ms)
        if not spans:
            self._elsewhere[account].charged(at_ms, micros, reach)
        for entry in spans:
            if entry.span.fraud:
                self.draw(account)
            self._begun_under_a_block(entry)
            entry.charged(at_ms, micros, reach)

    def prevented(self, account: str, at_ms: int, micros: int, reach: Reach = EVERY) -> None:
        """A block has saved so much more."""
        self.accounts[account].prevented_micros += micros
        if account in self.by_account:
            for entry in self._spans_at(account, at_ms):
                self._begun_under_a_block(entry)
                entry.prevented(micros, reach)

    def _begun_under_a_block(self, entry: SpanTally) -> None:
        """A block that is in force and was not given within the span is from before: it blocked from the start."""
        in_force = self._blocked.get(entry.span.account)
        if in_force is not None:
            entry.blocked(entry.span.start_ms, *in_force, acts=True)

    def drawn(self, account: str, at_ms: int, exposure_micros: int, *, always: bool = False) -> None:
        """Where an account that is drawn stands."""
        curve = self.curves.get(account)
        if curve is not None:
            curve.add(at_ms, exposure_micros, self.accounts[account].prevented_micros, always=always)

    # -- decisions

    def decided(self, decision: Decision) -> None:
        """Count one decision."""
        self.decisions[f"{decision.action.value} {decision.mode.value}"] += 1
        if decision.action in {Action.BLOCK, Action.HELD}:
            self._block(decision)
        elif decision.action is Action.WARN:
            self._hit(decision).warns += 1
            self.draw(decision.account)
            for position in self._of(decision.account):
                entry = self.spans[position]
                entry.warned |= entry.holds(decision.at_ms) and decision.reason in BY_RULE

    def free(self, account: str) -> None:
        """An account is not blocked any more."""
        self._blocked.pop(account, None)

    def _block(self, decision: Decision) -> None:
        account, at_ms, why = decision.account, decision.at_ms, why_of(decision)
        entry, rule = self.accounts[account], self._hit(decision)
        acts = decision.mode is Mode.ENFORCE and decision.action is Action.BLOCK
        explained = any(
            self.spans[each].span.fraud and self.spans[each].holds(at_ms, GRACE_MS) for each in self._of(account)
        )
        if acts:
            rule.blocks += 1
            entry.blocks += 1
            in_force = self._blocked.get(account)
            if in_force is None or width(decision.scope) > width(in_force[0]):
                self._blocked[account] = (decision.scope, why)
        elif decision.action is Action.HELD:
            rule.held += 1
            entry.held += 1
        else:
            rule.would_block += 1
            entry.would_block += 1
        if decision.reason in BY_RULE:
            entry.blocks_by_rule += acts
            if not explained:
                rule.false_blocks += 1
                rule.false_accounts.add(account)
                entry.false_blocks += acts
        elif acts and not any(
            self.spans[each].span.fraud and self.spans[each].span.start_ms <= at_ms for each in self._of(account)
        ):
            entry.limit_blocks_without_fraud += 1
        if acts and entry.first_block_ms is None:
            entry.first_block_ms, entry.first_block_why = at_ms, why
            entry.first_block_exposure_micros = decision.exposure_micros
        self._seen_by_spans(decision, why, acts=acts)
        self.draw(account)
        if account in self.curves:
            self.marks[account].append((at_ms, "block" if acts else "would block"))
            self.drawn(account, at_ms, decision.exposure_micros, always=True)

    def _seen_by_spans(self, decision: Decision, why: str, *, acts: bool) -> None:
        for position in self._of(decision.account):
            entry = self.spans[position]
            if not entry.holds(decision.at_ms):
                continue
            entry.blocks += acts
            entry.warned |= decision.reason in BY_RULE
            entry.rules.add(why)
            if entry.span.fraud:
                self.rules[why].frauds.add(position)
            entry.blocked(decision.at_ms, decision.scope, why, acts=acts)

    def draw(self, account: str) -> None:
        """Begin to draw an account; where there is no room, in place of one that was not blocked after all."""
        if account in self.curves:
            return
        if len(self.curves) >= WATCHED:
            harmless = next((other for other in self.curves if other not in self.marks), None)
            if harmless is None:
                return
            del self.curves[harmless]
        self.curves[account] = Curve()

    def _hit(self, decision: Decision) -> RuleTally:
        name = why_of(decision)
        self.hours[name, decision.at_ms // HOUR_MS] += 1
        rule = self.rules[name]
        rule.accounts.add(decision.account)
        return rule

    def _of(self, account: str) -> list[int]:
        return self.by_account.get(account, [])

    def _spans_at(self, account: str, at_ms: int) -> list[SpanTally]:
        return [self.spans[each] for each in self.by_account[account] if self.spans[each].holds(at_ms)]

    # -- sums

    @property
    def owed_micros(self) -> Micros:
        """What all calls came to."""
        return Micros(sum(entry.owed_micros for entry in self.accounts.values()))

    @property
    def prevented_micros(self) -> Micros:
        """What all blocks saved."""
        return Micros(sum(entry.prevented_micros for entry in self.accounts.values()))


def why_of(decision: Decision) -> str:
    """What took a decision, in one word: the rule's id, or the reason."""
    return decision.rule or decision.reason.value
