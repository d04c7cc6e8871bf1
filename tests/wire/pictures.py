"""Decisions, accounts, calls and lines of the ledger to be shown, drawn and by example."""

from __future__ import annotations

from hypothesis import strategies as st

from guard.core.decisions import Action, Decision, Evidence, LedgerLine, LineKind, Mode, Quarantined, Reason
from guard.core.money import MAX_MICROS, Micros
from guard.core.records import CardStatus, Direction, Scope
from guard.core.views import (
    AccountState,
    AccountView,
    BlockView,
    CardView,
    CauseView,
    HeldView,
    InvoiceView,
    LiveCall,
    SwitchView,
    UseView,
)
from guard.wire.instants import MAX_MS
from tests.wire.samples import NOW_MS

CALL = LiveCall(
    switch="sw1",
    call="a84b4c76e66710",
    to="+25377123456",
    caller="+16475550100",
    direction=Direction.OUTGOING,
    emergency=False,
    answered_at_ms=NOW_MS - 60_000,
    last_report_at_ms=NOW_MS,
    duration_ms=60_000,
    charge_micros=Micros(2_100_000),
    value_micros=Micros(2_135_000),
    rate_micros=2_100_000,
    gross_micros=Micros(2_240_000),
    destination="Djibouti",
    silent=False,
)

BLOCK = BlockView(
    scope=Scope.ALL,
    since_ms=NOW_MS,
    confirmed=True,
    effective=False,
    text="Blocked: exposure has reached the limit.",
    causes=(
        CauseView(
            reason=Reason.CREDIT_LIMIT,
            rule="",
            scope=Scope.ALL,
            since_ms=NOW_MS,
            until_ms=None,
            text="Exposure has reached the limit.",
        ),
    ),
    errors=(("sw2", "unknown account"),),
)

HELD = HeldView(
    id="01KB9PYZ5000000000000000000",
    account="A1001",
    name="Acme Ltd",
    reason=Reason.RULE,
    rule="same-number",
    scope=Scope.PREMIUM,
    at_ms=NOW_MS,
    text="12 calls in 15 minutes; 10 is the mark.",
)

INVOICE = InvoiceView(
    id="i11",
    amount_micros=Micros(118_400_000),
    period_start="2026-10-01",
    period_end="2026-11-01",
    at_ms=NOW_MS,
)

ACCOUNT = AccountView(
    account="A1001",
    name="Acme Ltd",
    currency="CAD",
    timezone="America/Toronto",
    state=AccountState.BLOCKED,
    provisional=False,
    limit_micros=Micros(500_000_000),
    limit_source="billing",
    limit_until_ms=None,
    exposure_micros=Micros(512_100_000),
    owed_micros=Micros(509_965_000),
    invoiced_micros=Micros(118_400_000),
    unbilled_micros=Micros(391_565_000),
    opening_micros=Micros(0),
    in_flight_micros=Micros(2_135_000),
    pending_payments_micros=Micros(0),
    trusted_payments_micros=Micros(0),
    in_flight_gross_micros=Micros(2_240_000),
    burn_micros_per_minute=2_100_000,
    reaches_limit_at_ms=None,
    live_calls=(CALL,),
    live_call_count=1,
    block=BLOCK,
    allow_until_ms=None,
    plan="office-2000",
    tariff="retail",
    opened="2024-05-01",
    limit_text="set by ana",
    limit_suggested_micros=None,
    invoices=(INVOICE,),
    card=CardView(status="ok", expires="2027-12", text="Card on file: expires December 2027."),
    use=(UseView(key="q1", what="312 of 2,000 minutes used (domestic)", used=18_720, of=120_000),),
    spends_micros_per_day=13_200_000,
    reaches_limit_in_days=9,
)

LINE = LedgerLine(
    number=12,
    account="A1001",
    at_ms=NOW_MS,
    kind=LineKind.CALL,
    amount_micros=Micros(2_135_000),
    currency="CAD",
    switch="sw1",
    call="a84b4c76e66710",
    to="+25377123456",
    direction="outgoing",
    duration_ms=61_000,
    gross_micros=Micros(2_240_000),
    billed_s=64,
    covered_s=3,
    kind_of_call="international",
    destination="Djibouti",
)

QUARANTINED = Quarantined(
    switch="sw1",
    call="c1",
    account="A1001",
    received_at_ms=NOW_MS,
    at_ms=0,
    rule="too_old",
    event="ended",
    charge_micros=None,
    currency="",
)

SWITCH = SwitchView(
    name="sw1",
    up=True,
    last_heard_ms=NOW_MS,
    live_calls=3,
    unconfirmed=0,
    synced=True,
    lagging=False,
    blind=False,
    skew_ms=-120,
)

DECISION = Decision(
    number=41,
    id="01JD",
    at_ms=NOW_MS,
    account="A1001",
    action=Action.BLOCK,
    scope=Scope.ALL,
    mode=Mode.ENFORCE,
    reason=Reason.CREDIT_LIMIT,
    mark="100",
    exposure_micros=Micros(512_100_000),
    limit_micros=Micros(500_000_000),
    currency="CAD",
    evidence=(Evidence(what="exposure", value="512.10", threshold="500.00"),),
    text="Blocked: exposure 512.10 CAD has reached the limit of 500.00 CAD.",
)

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
identifiers = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
moments = st.integers(0, MAX_MS)
amounts = st.integers(-MAX_MICROS, MAX_MICROS)
unsigned = st.integers(0, MAX_MICROS)

live_calls = st.builds(
    LiveCall,
    switch=texts,
    call=identifiers,
    to=texts,
    caller=texts,
    direction=st.sampled_from(Direction),
    emergency=st.booleans(),
    answered_at_ms=moments,
    last_report_at_ms=moments,
    duration_ms=st.integers(0, 10**10),
    charge_micros=unsigned,
    value_micros=unsigned,
    rate_micros=unsigned,
    gross_micros=unsigned,
    destination=texts,
    silent=st.booleans(),
)

blocks = st.builds(
    BlockView,
    scope=st.sampled_from(Scope),
    since_ms=moments,
    confirmed=st.booleans(),
    effective=st.booleans(),
    text=texts,
    causes=st.lists(
        st.builds(
            CauseView,
            reason=st.sampled_from([Reason.CREDIT_LIMIT, Reason.RULE, Reason.ANOMALY, Reason.OPERATOR, Reason.CLOSED]),
            rule=texts,
            scope=st.sampled_from(Scope),
            since_ms=moments,
            until_ms=st.none() | moments,
            text=texts,
        ),
        max_size=2,
    ).map(tuple),
    errors=st.lists(st.tuples(texts, texts), max_size=2).map(tuple),
)

accounts = st.builds(
    AccountView,
    account=identifiers,
    name=texts,
    currency=texts,
    timezone=texts,
    state=st.sampled_from(AccountState),
    provisional=st.booleans(),
    limit_micros=st.none() | unsigned,
    limit_source=texts,
    limit_until_ms=st.none() | moments,
    exposure_micros=amounts,
    owed_micros=amounts,
    invoiced_micros=amounts,
    unbilled_micros=amounts,
    opening_micros=unsigned,
    in_flight_micros=unsigned,
    pending_payments_micros=unsigned,
    trusted_payments_micros=unsigned,
    in_flight_gross_micros=unsigned,
    burn_micros_per_minute=unsigned,
    reaches_limit_at_ms=st.none() | st.integers(0, 10**18),
    live_calls=st.lists(live_calls, max_size=2).map(tuple),
    live_call_count=st.integers(0, 10**6),
    block=st.none() | blocks,
    allow_until_ms=st.none() | moments,
    plan=texts,
    tariff=texts,
    opened=texts,
    limit_text=texts,
    limit_suggested_micros=st.none() | unsigned,
    invoices=st.lists(
        st.builds(InvoiceView, id=texts, amount_micros=unsigned, period_start=texts, period_end=texts, at_ms=moments),
        max_size=3,
    ).map(tuple),
    card=st.none()
    | st.builds(CardView, status=st.sampled_from([word.value for word in CardStatus]), expires=texts, text=texts),
    use=st.lists(
        st.builds(UseView, key=texts, what=texts, used=st.integers(0, 10**9), of=st.none() | st.integers(0, 10**9)),
        max_size=2,
    ).map(tuple),
    spends_micros_per_day=unsigned,
    reaches_limit_in_days=st.none() | st.integers(0, 10**6),
)

ledger_lines = st.builds(
    LedgerLine,
    number=st.integers(1, 10**12),
    account=texts,
    at_ms=moments,
    kind=st.sampled_from(LineKind),
    amount_micros=amounts,
    currency=texts,
    switch=texts,
    call=texts | st.sampled_from(["=1+1", "+cmd", "-2", "@sum", "\ta", "\rb", "\nc", "'", '"', ",", "a\r\nb"]),
    to=texts | st.sampled_from(["+25377123456", "=HYPERLINK(1)", "-1"]),
    direction=texts,
    duration_ms=st.integers(0, 10**10),
    emergency=st.booleans(),
    ref=texts,
    method=texts,
    text=texts,
    gross_micros=st.none() | amounts,
    billed_s=st.integers(0, 10**7),
    covered_s=st.integers(0, 10**7),
    kind_of_call=texts,
    destination=texts,
)

decisions = st.builds(
    Decision,
    number=st.integers(0),
    id=texts,
    at_ms=st.integers(0, MAX_MS),
    account=texts,
    action=st.sampled_from(Action),
    scope=st.sampled_from(Scope),
    mode=st.sampled_from(Mode),
    reason=st.sampled_from(Reason),
    rule=texts,
    key=texts,
    mark=texts,
    exposure_micros=st.integers(-MAX_MICROS, MAX_MICROS),
    limit_micros=st.one_of(st.none(), st.integers(0, MAX_MICROS)),
    currency=texts,
    evidence=st.lists(st.builds(Evidence, what=texts, value=texts, threshold=texts), max_size=3).map(tuple),
    text=texts,
    by=texts,
)
