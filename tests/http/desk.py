"""A desk and a store of paper: they hold what a test puts in, and note what they are asked."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from guard.core.decisions import (
    NEWEST,
    Action,
    Audit,
    BillingEntry,
    Changes,
    Decision,
    LedgerLine,
    LineKind,
    Mode,
    Quarantined,
    Reason,
)
from guard.core.events import Delivery, Event, Owed, WebhookView
from guard.core.identity import derived_id
from guard.core.limits import LimitReview
from guard.core.money import Micros
from guard.core.pictures import SHOWN_CALLS
from guard.core.records import Direction, Intent, IntentResult, Scope
from guard.core.rules.past import Past
from guard.core.rules.profile import Profile
from guard.core.rules.rule import Measure, Per, Rule, RuleMode
from guard.core.settings import ModelMode
from guard.core.statement import LedgerSum
from guard.core.views import (
    AccountState,
    AccountView,
    BlockView,
    CauseView,
    CurrencyTotal,
    HeldView,
    LiveCall,
    SwitchView,
    TotalsView,
)
from guard.ports import ModelView, NotReadyError, Reloaded, Store, StoreError, Trained
from guard.shell.records import NumberedRecords

NOW_MS = 1_795_317_165_120
"""2026-11-22T03:12:45.120Z."""
HOUR_MS = 3_600_000

NOTHING_NEW = Reloaded(changes=(), needs_restart=(), remarks=())

CALL = LiveCall(
    switch="sw1",
    call="a84b4c76e66710",
    to="+25377123456",
    caller="+16475550100",
    direction=Direction.OUTGOING,
    emergency=False,
    answered_at_ms=NOW_MS - 60_000,
    last_report_at_ms=NOW_MS - 1_000,
    duration_ms=59_000,
    charge_micros=Micros(2_100_000),
    value_micros=Micros(2_135_000),
    rate_micros=2_100_000,
    gross_micros=Micros(2_240_000),
    destination="Djibouti",
    silent=False,
)

BLOCK = BlockView(
    scope=Scope.ALL,
    since_ms=NOW_MS - 5_000,
    confirmed=True,
    effective=True,
    text="Blocked: exposure 512.10 CAD has reached the limit of 500.00 CAD.",
    causes=(
        CauseView(
            reason=Reason.CREDIT_LIMIT,
            rule="",
            scope=Scope.ALL,
            since_ms=NOW_MS - 5_000,
            until_ms=None,
            text="Blocked: exposure 512.10 CAD has reached the limit of 500.00 CAD.",
        ),
    ),
    errors=(("sw2", "no such account"),),
)

VIEW = AccountView(
    account="A1001",
    name="Acme Ltd",
    currency="CAD",
    timezone="America/Toronto",
    state=AccountState.ACTIVE,
    provisional=False,
    limit_micros=Micros(500_000_000),
    limit_source="billing",
    limit_until_ms=None,
    exposure_micros=Micros(12_135_000),
    owed_micros=Micros(10_000_000),
    invoiced_micros=Micros(0),
    unbilled_micros=Micros(10_000_000),
    opening_micros=Micros(0),
    in_flight_micros=Micros(2_135_000),
    pending_payments_micros=Micros(0),
    trusted_payments_micros=Micros(0),
    in_flight_gross_micros=Micros(2_240_000),
    burn_micros_per_minute=2_100_000,
    reaches_limit_at_ms=NOW_MS + HOUR_MS,
    live_calls=(CALL,),
    live_call_count=1,
    block=None,
    allow_until_ms=None,
    plan="",
    tariff="",
    opened="",
    limit_text="fixed by billing",
    limit_suggested_micros=None,
    invoices=(),
    card=None,
    use=(),
    spends_micros_per_day=0,
    reaches_limit_in_days=None,
)

BLOCKED = replace(VIEW, account="A1002", state=AccountState.BLOCKED, exposure_micros=Micros(512_100_000), block=BLOCK)

SWITCH = SwitchView(
    name="sw1",
    up=True,
    last_heard_ms=NOW_MS,
    live_calls=1,
    unconfirmed=0,
    synced=True,
    lagging=False,
    blind=False,
    silence="",
    usual_calls=None,
    skew_ms=-3,
)

RULE = Rule(
    id="same-number",
    title="The same dear number again and again",
    mode=RuleMode.SHADOW,
    measure=Measure.CALLS,
    window_ms=HOUR_MS // 4,
    per=Per.NUMBER,
    warn=5,
    block=10,
    scope=Scope.INTERNATIONAL,
)


MODEL_OFF = ModelView(
    mode=ModelMode.OFF,
    folder="models/default",
    false_alarms_per_1000_account_days=5.0,
    trained=None,
    up=False,
    wrong="",
    scored=0,
    skipped=0,
    lag_s=0.0,
    drift=0.0,
)

MODEL = replace(
    MODEL_OFF,
    mode=ModelMode.SHADOW,
    up=True,
    trained=Trained(
        name="default",
        digest="d923c8c762e2d9a453afe48f18b3d51f",
        first="2026-09-01T00:00:03Z",
        last="2026-10-06T00:32:03Z",
        accounts=500,
        mark=3.25,
        silence="",
    ),
    scored=1_234,
    drift=0.31,
)


def held_block(number: int, account: str = "A1001") -> HeldView:
    """The n-th block that the fuse holds."""
    at_ms = NOW_MS + number
    return HeldView(
        id=derived_id(at_ms, account, number),
        account=account,
        name="Acme Ltd",
        reason=Reason.RULE,
        rule=RULE.id,
        scope=Scope.INTERNATIONAL,
        at_ms=at_ms,
        text="12 calls in 15 minutes to +25261*** (Somalia) at 3.40 a minute; 10 is the mark.",
    )


def decision(number: int, account: str = "A1001") -> Decision:
    """The n-th decision."""
    return Decision(
        number=number,
        id=derived_id(NOW_MS + number, account, number),
        at_ms=NOW_MS + number,
        account=account,
        action=Action.WARN,
        scope=Scope.ALL,
        mode=Mode.ENFORCE,
        reason=Reason.CREDIT_LIMIT,
        mark="50",
        exposure_micros=Micros(250_000_000),
        limit_micros=Micros(500_000_000),
        currency="CAD",
        text="Warning: half of the limit is used.",
    )


def line(number: int, amount_micros: int = 350_000, to: str = "+25377123456") -> LedgerLine:
    """The n-th line of the ledger."""
    return LedgerLine(
        number=number,
        account="A1001",
        at_ms=NOW_MS + number * 1_000,
        kind=LineKind.CALL,
        amount_micros=Micros(amount_micros),
        currency="CAD",
        switch="sw1",
        call=f"c{number}",
        to=to,
        direction="outgoing",
        duration_ms=10_000,
        gross_micros=Micros(amount_micros),
        billed_s=10,
        kind_of_call="international",
        destination="Djibouti",
    )


QUARANTINED = Quarantined(
    switch="sw1",
    call="c1",
    account="A1001",
    received_at_ms=NOW_MS,
    at_ms=NOW_MS - 10 * 24 * HOUR_MS,
    rule="too_old",
    event="ended",
    charge_micros=Micros(350_000),
    currency="",
)


@dataclass(slots=True)
class PaperStore(Store):
    """Answers from lists; `failure` makes it fail."""

    lines: list[LedgerLine] = field(default_factory=list)
    decided: list[Decision] = field(default_factory=list)
    held_back: list[tuple[int, Quarantined]] = field(default_factory=list)
    sums: dict[tuple[int | None, int | None], list[LedgerSum]] = field(default_factory=dict)
    entries: list[BillingEntry] = field(default_factory=list)
    audits: list[Audit] = field(default_factory=list)
    chunk: int = 2
    failure: str = ""
    fails_after_chunks: int | None = None
    asked: list[tuple[str, object]] = field(default_factory=list)
    chunks_closed: int = 0

    def _answer(self, what: str, how: object) -> None:
        self.asked.append((what, how))
        if self.failure:
            raise StoreError(self.failure)

    async def restore(self) -> NoReturn:
        raise NotImplementedError

    async def commit(self, changes: Changes) -> None:
        raise NotImplementedError

    async def published(self, decision_number: int) -> None:
        raise NotImplementedError

    async def posted_since(self, account: str, after_ms: int) -> int:
        raise NotImplementedError

    async def decisions(self, *, account: str | None, after: int, limit: int) -> list[Decision]:
        self._answer("decisions", after)
        return [each for each in self.decided if each.number > after and account in {None, each.account}][:limit]

    async def last_decisions(self, account: str, limit: int) -> list[Decision]:
        self._answer("last_decisions", account)
        return [each for each in reversed(self.decided) if each.account == account][:limit]

    async def ledger(
        self, account: str, *, from_ms: int | None, to_ms: int | None
    ) -> AsyncIterator[Sequence[LedgerLine]]:
        self._answer("ledger", (account, from_ms, to_ms))
        lines = [each for each in self.lines if (from_ms or 0) <= each.at_ms < (to_ms or NEWEST)]
        try:
            for given, start in enumerate(range(0, len(lines), self.chunk)):
                if given == self.fails_after_chunks:
                    raise StoreError("the disk is gone")
                yield lines[start : start + self.chunk]
        finally:
            self.chunks_closed += 1

    async def ledger_sums(self, account: str, *, from_ms: int | None, to_ms: int | None) -> list[LedgerSum]:
        """The sums put in whose span (from, to) it is."""
        self._answer("ledger_sums", (account, from_ms, to_ms))
        return self.sums.get((from_ms, to_ms), [])

    async def billing_entries(self, account: str, *, kinds: Sequence[str], limit: int) -> list[BillingEntry]:
        self._answer("billing_entries", account)
        return [each for each in self.entries if each.account == account and each.type in kinds][:limit]

    async def last_audits(self, account: str, limit: int, *, before: int = NEWEST) -> list[Audit]:
        self._answer("last_audits", account)
        return [each for each in self.audits if each.account == account and each.number < before][:limit]

    async def quarantined(self, *, after: int, limit: int) -> list[tuple[int, Quarantined]]:
        self._answer("quarantined", after)
        return [row for row in self.held_back if row[0] > after][:limit]


def webhook(name: str = "ops", **more: Any) -> WebhookView:
    """A target that is well."""
    told = {"pending": 0, "dead": 0, "delivered_ms": NOW_MS, "failing_since_ms": None, "error": ""} | more
    return WebhookView(webhook=name, kind="generic", events=("block", "warn"), **told)


def delivery(number: int, name: str = "ops", *, dead: bool = True) -> Delivery:
    """The n-th decision, which the target has not got."""
    event = Event(number=number, told=decision(number))
    owed = Owed(
        event=event,
        due_ms=NOW_MS + number,
        since_ms=NOW_MS,
        attempts=33,
        tried_ms=NOW_MS + 1,
        dead=dead,
        error="answered 500",
    )
    return Delivery(name, owed)


@dataclass(slots=True)
class PaperWebhooks:
    """`guard.ports.Webhooks` over lists."""

    known: list[WebhookView] = field(default_factory=list)
    owed: list[Delivery] = field(default_factory=list)
    resent: list[tuple[str, str | None, str, str]] = field(default_factory=list)

    def views(self) -> list[WebhookView]:
        return self.known

    async def deliveries(
        self, *, webhook: str | None, dead: bool, after: tuple[str, str], limit: int
    ) -> list[Delivery]:
        return [
            each
            for each in self.owed
            if each.owed.dead is dead and webhook in {None, each.webhook} and (each.webhook, each.owed.event.id) > after
        ][:limit]

    async def resend(self, webhook: str, event: str | None, *, by: str, reason: str) -> int | None:
        if webhook not in {view.webhook for view in self.known}:
            return None
        self.resent.append((webhook, event, by, reason))
        return sum(each.webhook == webhook and event in {None, each.owed.event.id} for each in self.owed)


@dataclass(slots=True)
class PaperDesk:
    """`guard.ports.Desk` over a dictionary of accounts."""

    store: Store = field(default_factory=PaperStore)
    records: NumberedRecords = field(init=False)
    webhooks: PaperWebhooks = field(default_factory=PaperWebhooks)
    views: dict[str, AccountView] = field(default_factory=dict)
    known_switches: list[SwitchView] = field(default_factory=list)
    reviews: list[LimitReview] = field(default_factory=list)
    held_blocks: list[HeldView] = field(default_factory=list)
    open: bool = False
    known_rules: list[Rule] = field(default_factory=list)
    hits: dict[tuple[str, str], int] = field(default_factory=dict)
    submitted: list[Intent] = field(default_factory=list)
    result: IntentResult = IntentResult.DONE
    reloads: list[str] = field(default_factory=list)
    reloaded: Reloaded | Exception = NOTHING_NEW
    pasts: list[Past] = field(default_factory=list)
    profiles: dict[str, Profile] = field(default_factory=dict)
    not_ready: str = ""
    unhealthy: str = ""
    missing: str = ""
    lacking: list[str] = field(default_factory=list)
    explodes: bool = False
    model_view: ModelView = MODEL_OFF
    ways_given: int = 0

    def __post_init__(self) -> None:
        self.records = NumberedRecords(self.store, lambda: self.totals().last_decision)

    def know(self, *views: AccountView) -> None:
        """These accounts exist."""
        self.views.update((view.account, view) for view in views)

    async def give_way(self) -> None:
        """Nothing else is to be done here."""
        self.ways_given += 1
        await asyncio.sleep(0)

    async def account(self, account: str, *, calls: int = SHOWN_CALLS) -> AccountView | None:
        if self.explodes:
            raise RuntimeError("a secret in here: 4111111111111111")
        view = self.views.get(account)
        return None if view is None else replace(view, live_calls=view.live_calls[:calls])

    async def accounts(self, *, state: AccountState | None, query: str, limit: int, after: str) -> list[AccountView]:
        return [
            view
            for account, view in sorted(self.views.items())
            if account > after and state in {None, view.state} and (query in account or query in view.name)
        ][:limit]

    async def at_risk(self, *, limit: int, skip: int) -> list[AccountView]:
        free = [view for view in self.views.values() if view.block is None]
        growing = [view for view in free if view.reaches_limit_at_ms is not None]
        warned = [view for view in free if view.reaches_limit_at_ms is None and view.state is AccountState.WARNED]
        return [
            *sorted(growing, key=lambda view: view.reaches_limit_at_ms or 0),
            *sorted(warned, key=lambda view: -view.exposure_micros),
        ][skip : skip + limit]

    async def newly_blocked(self, *, query: str, limit: int, skip: int) -> list[AccountView]:
        found = [view for view in self.views.values() if view.block is not None and query in view.account]
        return sorted(found, key=lambda view: -(view.block or BLOCK).since_ms)[skip : skip + limit]

    def totals(self) -> TotalsView:
        return TotalsView(
            accounts=Counter(view.state for view in self.views.values()),
            live_calls=sum(view.live_call_count for view in self.views.values()),
            currencies=(
                CurrencyTotal(
                    currency="CAD",
                    exposure_micros=Micros(sum(view.exposure_micros for view in self.views.values())),
                    in_flight_micros=Micros(sum(view.in_flight_micros for view in self.views.values())),
                    burn_micros_per_minute=sum(view.burn_micros_per_minute for view in self.views.values()),
                ),
            ),
            last_decision=max((each.number for each in getattr(self.store, "decided", ())), default=0),
        )

    async def limit_review(self, *, after: str, limit: int) -> tuple[list[LimitReview], str | None]:
        found = [one for one in self.reviews if one.account > after]
        return found[:limit], found[limit - 1].account if len(found) > limit else None

    def now_ms(self) -> int:
        return NOW_MS

    def switches(self) -> list[SwitchView]:
        return self.known_switches

    def behind(self) -> Sequence[str]:
        return [switch.name for switch in self.known_switches if switch.lagging]

    def gaps(self) -> Sequence[str]:
        return self.lacking

    async def held(self, account: str | None = None) -> Sequence[HeldView]:
        return [each for each in self.held_blocks if account in {None, each.account}]

    def held_count(self) -> int:
        return len(self.held_blocks)

    async def held_of(self, held: str) -> HeldView | None:
        return next((each for each in self.held_blocks if each.id == held), None)

    def fuse_open(self) -> bool:
        return self.open

    def rules(self) -> Sequence[Rule]:
        return self.known_rules

    def rule_hits(self) -> Mapping[tuple[str, str], int]:
        return self.hits

    def model(self) -> ModelView:
        return self.model_view

    async def submit(self, intent: Intent) -> IntentResult:
        if self.not_ready:
            raise NotReadyError(self.not_ready)
        self.submitted.append(intent)
        return self.result

    async def reload(self, by: str) -> Reloaded:
        self.reloads.append(by)
        if isinstance(self.reloaded, Exception):
            raise self.reloaded
        return self.reloaded

    async def learn(self, pasts: Sequence[Past]) -> list[int]:
        self.pasts += pasts
        return [past.until_day - past.from_day for past in pasts]

    async def profile(self, account: str) -> Profile | None:
        return self.profiles.get(account)

    def metrics(self) -> bytes:
        return b"guard_build_info 1\n"

    def healthy(self) -> str:
        return self.unhealthy

    def ready(self) -> str:
        return self.missing
