"""What the daemon has counted and what it holds: plain numbers, filled by the shell, read by the exposition.

Every label set that the configuration knows exists from the start, at 0: a counter that first appears when it is
already 1 is an increase that `rate()` never sees.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product

from guard.adapters.metrics import catalog
from guard.core.decisions import Action, Mode, NoticeKind, Reason
from guard.core.privacy import Deleted
from guard.core.records import BillingOutcome, Outcome
from guard.core.views import AccountState

BILLING_TYPES = ("account", "balance", "payment", "invoice", "adjustment", "credit", "card", "close")
_OUTCOMES = (Outcome.ACCEPTED, *(outcome for outcome in Outcome if outcome is not Outcome.ACCEPTED))
"""As a switch counts them: the rest in the order of the enumeration."""
MAX_UNKNOWN_SWITCHES = 1_000
"""Names under which only refused reports came: a hostile publisher must not make labels without end."""
OTHER_SWITCHES = "other"

DETAILS = ("lines", "decisions", "reports", "profiles")
"""What call details are deleted of."""

UNKNOWN_TYPE = "unknown"
"""Label of a billing message whose type is none of the contract's: what it said is not repeated."""

_BY_RULE_OR_MODEL = (Reason.RULE, Reason.ANOMALY)
_POSSIBLE: Mapping[tuple[Action, Mode], Sequence[Reason]] = {
    (Action.WARN, Mode.ENFORCE): (Reason.CREDIT_LIMIT, *_BY_RULE_OR_MODEL),
    (Action.CLEARED, Mode.ENFORCE): (Reason.CREDIT_LIMIT, *_BY_RULE_OR_MODEL),
    (Action.BLOCK, Mode.ENFORCE): (
        Reason.CREDIT_LIMIT,
        *_BY_RULE_OR_MODEL,
        Reason.OPERATOR,
        Reason.CLOSED,
    ),
    (Action.UNBLOCK, Mode.ENFORCE): (
        Reason.CREDIT_LIMIT,
        Reason.PAYMENT,
        Reason.LIMIT_RAISED,
        Reason.RELEASED,
        Reason.EXPIRED,
    ),
    (Action.HELD, Mode.ENFORCE): _BY_RULE_OR_MODEL,
    (Action.ALLOW, Mode.ENFORCE): (Reason.OPERATOR,),
    # A block by the credit limit is only recorded while an operator allows the account.
    (Action.BLOCK, Mode.SHADOW): (Reason.CREDIT_LIMIT, *_BY_RULE_OR_MODEL),
    (Action.WARN, Mode.SHADOW): _BY_RULE_OR_MODEL,
    (Action.CLEARED, Mode.SHADOW): _BY_RULE_OR_MODEL,
}
"""Decisions that can occur; one that is missing here appears when it is first counted."""


class Histogram:
    """Counts in buckets; an observation is one search in a short tuple."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float, times: int = 1) -> None:
        """Count a value (seconds, in most cases); `times` for a batch that shares it. Negative ones count as 0."""
        value = max(value, 0.0)
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times


@dataclass(slots=True)
class SwitchFigures:
    """What is held of each switch, by its name."""

    reports: dict[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Under which (switch, outcome) its reports are counted, in the order in which it counts them itself."""
    live_calls: dict[str, int] = field(default_factory=dict)
    age_s: dict[str, float] = field(default_factory=dict)
    up: dict[str, int] = field(default_factory=dict)
    blind: dict[str, int] = field(default_factory=dict)
    unusual: dict[str, int] = field(default_factory=dict)
    absent: dict[str, int] = field(default_factory=dict)
    usual_calls: dict[str, int] = field(default_factory=dict)
    lagging: dict[str, int] = field(default_factory=dict)
    unconfirmed: dict[str, int] = field(default_factory=dict)
    offset_s: dict[str, float] = field(default_factory=dict)


@dataclass(slots=True)
class SessionFigures:
    """What is held of each session with the broker, by its role."""

    connected: dict[str, int] = field(default_factory=dict)
    unacknowledged: dict[str, int] = field(default_factory=dict)
    connections: dict[str, int] = field(default_factory=dict)
    unsent: dict[str, int] = field(default_factory=dict)

    def read(self, name: str, *, connected: bool, unacknowledged: int, connections: int, unsent: int) -> None:
        """How one of them stands."""
        self.connected[name] = int(connected)
        self.unacknowledged[name] = unacknowledged
        self.connections[name] = connections
        self.unsent[name] = unsent


@dataclass(slots=True)
class Figures:
    """What the daemon has counted and what it holds now; made by `initial_figures`, filled by the shell.

    Counters only ever grow; everything else is overwritten before each exposition.
    """

    reports: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (switch, outcome)."""
    report_lag: Histogram = field(default_factory=partial(Histogram, catalog.REPORT_LAG.buckets))
    decisions: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """By (action, reason, mode)."""
    block_delay: Histogram = field(default_factory=partial(Histogram, catalog.BLOCK_DELAY.buckets))
    commands_unconfirmed: int = 0
    command_age_s: float = 0.0
    command_confirm: Histogram = field(default_factory=partial(Histogram, catalog.CONFIRM.buckets))
    notices: dict[str, int] = field(default_factory=dict)
    """By kind."""
    accounts: dict[str, int] = field(default_factory=dict)
    """By state."""
    provisional_accounts: int = 0
    exposure_micros: dict[str, int] = field(default_factory=dict)
    """By currency, like the three below."""
    in_flight_micros: dict[str, int] = field(default_factory=dict)
    burn_micros: dict[str, int] = field(default_factory=dict)
    """A minute."""
    reconciled_micros: dict[str, int] = field(default_factory=dict)
    switches: SwitchFigures = field(default_factory=SwitchFigures)
    sessions: SessionFigures = field(default_factory=SessionFigures)
    unrated_calls: int = 0
    commit: Histogram = field(default_factory=partial(Histogram, catalog.COMMIT.buckets))
    loop_lag: Histogram = field(default_factory=partial(Histogram, catalog.LOOP_LAG.buckets))
    turn_age_s: float = 0.0
    clock_steps: int = 0
    store_failing: bool = False
    store_bytes: int = 0
    store_free_bytes: float = 0
    """NaN: nobody knows, because the store is no file here."""
    remembered_calls: int = 0
    billing_ids: int = 0
    billing: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (type, outcome)."""
    fuse_open: bool = False
    held_blocks: int = 0
    core_compiled: bool = False
    """Whether the core runs as machine code (`guard.compiled`)."""
    reload_succeeded: bool = True
    reload_succeeded_at_s: float = 0.0
    """When the files were last taken up, in epoch seconds; the start counts."""
    rule_hits: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (rule, mode)."""
    rule_failures: int = 0
    model_wanted: bool = False
    model_up: bool = False
    model_refused: bool = False
    model_info: dict[tuple[str, str, str], int] = field(default_factory=dict)
    """By (mode, name, digest) of the one in force."""
    model_rows: dict[str, int] = field(default_factory=lambda: {"scored": 0, "skipped": 0})
    """By outcome."""
    model_lag_s: float = 0.0
    model_drift: float = 0.0
    model_scores: Histogram = field(default_factory=partial(Histogram, catalog.MODEL_SCORES.buckets))
    webhook_deliveries: dict[tuple[str, str], int] = field(default_factory=dict)
    """By (webhook, result)."""
    webhook_pending: dict[str, int] = field(default_factory=dict)
    """By webhook, like the next."""
    webhook_dead: dict[str, int] = field(default_factory=dict)
    refused_by_switch: dict[str, int] = field(default_factory=dict)
    """Reports that the codec refused, which the engine never sees; shown as `invalid` beside what it counts."""
    refused_by_type: dict[tuple[str, str], int] = field(default_factory=dict)
    """Billing messages that the codec refused, by (type, outcome); the engine never sees them."""

    details_deleted: dict[str, int] = field(default_factory=lambda: dict.fromkeys(DETAILS, 0))
    """Rows without details, by what they are."""

    def deleted(self, deleted: Deleted) -> None:
        """Call details of so many rows were deleted."""
        for what in DETAILS:
            self.details_deleted[what] += getattr(deleted, what)

    # -- what the model's sentinel counts

    def model_scored(self, scores: Sequence[float], lag_s: float) -> None:
        """So many rows were scored, the newest so long after its moment."""
        self.model_rows["scored"] += len(scores)
        self.model_lag_s = lag_s
        for score in scores:
            self.model_scores.observe(score)

    def model_skipped(self, rows: int) -> None:
        """Rows were left out because newer ones had to be scored."""
        self.model_rows["skipped"] += rows

    # -- what the loop counts as it goes

    def refused_reports(self, switch: str, count: int) -> None:
        """Reports that broke a rule. A name nobody knows costs a label only while there are few."""
        if (switch, Outcome.INVALID.value) not in self.reports:
            if len(self.refused_by_switch) < MAX_UNKNOWN_SWITCHES:
                self._know_outcomes(switch)
            else:
                switch = OTHER_SWITCHES
        self.refused_by_switch[switch] = self.refused_by_switch.get(switch, 0) + count

    def refused_billing(self, kind: str, outcome: str) -> None:
        """A billing message of that type (or of none we know) broke a rule."""
        kind = kind if kind in BILLING_TYPES else UNKNOWN_TYPE
        self.refused_by_type[kind, outcome] = self.refused_by_type.get((kind, outcome), 0) + 1

    def lagged(self, seconds: float, reports: int) -> None:
        """So many reports were this old when they were applied."""
        self.report_lag.observe(seconds, reports)

    def committed(self, seconds: float, reports: int) -> None:
        """A batch became durable."""
        del reports  # counted already, by switch and outcome
        self.commit.observe(seconds)

    def confirmed(self, seconds: float) -> None:
        """A command was acknowledged so long after it was given."""
        self.command_confirm.observe(seconds)

    def blocked(self, seconds: float) -> None:
        """A block's command was sent so long after the breach."""
        self.block_delay.observe(seconds)

    def told(self, kind: NoticeKind) -> None:
        """On-call was told something."""
        self.notices[kind.value] = self.notices.get(kind.value, 0) + 1

    def know_switch(self, name: str) -> None:
        """Make all label sets of a switch exist."""
        self._know_outcomes(name)
        held = self.switches
        held.reports[name] = tuple((name, outcome.value) for outcome in _OUTCOMES)
        silence = (held.blind, held.unusual, held.absent, held.usual_calls)
        for counts in (held.live_calls, *silence, held.lagging, held.unconfirmed):
            counts.setdefault(name, 0)
        held.up.setdefault(name, 1)
        held.age_s.setdefault(name, 0.0)
        held.offset_s.setdefault(name, 0.0)

    def _know_outcomes(self, name: str) -> None:
        for outcome in Outcome:
            self.reports.setdefault((name, outcome.value), 0)


def initial_figures(switches: Iterable[str], currency: str) -> Figures:
    """Figures with every label set that the configuration knows, at 0."""
    figures = Figures()
    for name in switches:
        figures.know_switch(name)
    for (action, mode), reasons in _POSSIBLE.items():
        for reason in reasons:
            figures.decisions[action.value, reason.value, mode.value] = 0
    figures.notices = {kind.value: 0 for kind in NoticeKind}
    figures.accounts = {state.value: 0 for state in AccountState}
    for micros in (
        figures.exposure_micros,
        figures.in_flight_micros,
        figures.burn_micros,
        figures.reconciled_micros,
    ):
        micros[currency] = 0
    figures.billing = {(kind, outcome.value): 0 for kind, outcome in product(BILLING_TYPES, BillingOutcome)}
    for outcome in (BillingOutcome.REFUSED, BillingOutcome.INVALID):
        figures.billing[UNKNOWN_TYPE, outcome.value] = 0
    return figures
