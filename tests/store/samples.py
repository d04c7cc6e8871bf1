"""Rows and records to store, and the model that a store is compared with: plain dicts and lists."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from guard.core.decisions import (
    Action,
    Audit,
    BillingEntry,
    Changes,
    Decision,
    Evidence,
    LedgerLine,
    LineKind,
    Mode,
    Quarantined,
    Reason,
    Remembered,
)
from guard.core.money import Micros
from guard.core.records import Event, Scope
from guard.core.restored import Restored
from guard.core.rows import (
    AccountRow,
    BooksRow,
    CallRow,
    CardRow,
    CauseRow,
    CommandRow,
    InvoiceRow,
    Rated,
    SwitchRow,
    UseRow,
)
from guard.core.statement import LedgerSum

T0 = 1_795_000_000_000

CAUSE = CauseRow(
    reason="rule",
    rule="same-number",
    scope="international",
    end_calls=True,
    since_ms=T0,
    until_ms=None,
    text="Ten calls — to one number",
    decision_id="d1",
)
COMMAND = CommandRow(
    id="c1", action="block", scope="international", end_calls=True, reason="rule", at_ms=T0, until_ms=T0 + 1
)
BOOKS = BooksRow(
    use=(UseRow(T0, "office-2000/quota:domestic", 74_400), UseRow(T0 + 1, "office-2000/discount:minutes:ünï", 2**40)),
    invoices=(InvoiceRow("i11", "2026-10-01", "2026-11-01", 118_400_000, T0), InvoiceRow("i12", "", "", 1, T0 + 1)),
    invoiced_micros=118_400_000,
    opening_micros=1,
    advance_micros=2,
    card=CardRow("expired", "2026-10", T0, warned=True),
    pace_micros=13_200_000,
    pace_at_ms=T0,
    pace_since_ms=T0 - 1,
    step_micros=900_000_000,
)
RATED = Rated(
    to='+25377123456"',
    at_ms=T0,
    rate_micros=2_100_000,
    rate_known=2,
    gross_micros=400_000,
    cycle_ms=T0 - 1,
    quota="office-2000/quota:domestic",
    covered_s=12,
    discount="office-2000/discount:minutes:international",
    counted=48,
)


def account(id_: str, owed_micros: int = 0, **fields: Any) -> AccountRow:
    """An account; `fields` replace what a test is about."""
    row = AccountRow(
        id=id_,
        name="Acme Ltd",
        currency="CAD",
        timezone="America/Toronto",
        opened="2024-05-01",
        plan="office-2000",
        tariff="retail",
        provisional=False,
        closed=False,
        owed_micros=owed_micros,
        pending_micros=0,
        trusted_micros=0,
        limit_micros=500_000_000,
        limit_source="stated",
        cycles_micros=None,
        floor_micros=None,
        cap_micros=None,
        until_limit_micros=None,
        until_ms=None,
        level=0,
        spoken=0,
        allow_until_ms=None,
        seq=0,
        decisions=0,
        lifted_at_ms=0,
        command=None,
        causes=(),
    )
    return row._replace(**fields)


def call(id_: str, switch: str = "sw1", **fields: Any) -> CallRow:
    """A live call."""
    row = CallRow(
        switch=switch,
        call=id_,
        account="A1",
        event=int(Event.TICK),
        at_ms=T0,
        newest_at_ms=T0,
        answered_at_ms=T0 - 60_000,
        duration_ms=60_000,
        charge_micros=350_000,
        stated_charge_micros=-1,
        rate_micros=2_100_000,
        rate_known=2,
        posted_micros=0,
        to="+25377123456",
        caller="+16475550100",
        direction="outgoing",
        emergency=False,
        source="192.0.2.1",
        silent_carry_scaled=-1,
        defies=False,
    )
    return row._replace(**fields)


def switch(name: str = "sw1", *, up: bool = True, last_heard_ms: int = T0) -> SwitchRow:
    """A known switch."""
    return SwitchRow(name=name, up=up, first_heard_ms=T0, last_heard_ms=last_heard_ms, skew_ms=-7)


def line(number: int, account_id: str = "A1", amount_micros: int = 350_000, **fields: Any) -> LedgerLine:
    """A ledger line."""
    sample = LedgerLine(
        number=number,
        account=account_id,
        at_ms=T0 + number,
        kind=LineKind.CALL,
        amount_micros=Micros(amount_micros),
        currency="CAD",
        switch="sw1",
        call=f"call-{number}",
        to="+25377123456",
        direction="outgoing",
        duration_ms=60_000,
    )
    return replace(sample, **fields)


def over(call_id: str, posted_micros: int = 350_000, **fields: Any) -> Remembered:
    """A call that is over."""
    sample = Remembered(
        switch="sw1",
        call=call_id,
        account="A1",
        newest_at_ms=T0,
        event=int(Event.ENDED),
        duration_ms=60_000,
        charge_micros=-1,
        posted_micros=Micros(posted_micros),
        direction="outgoing",
    )
    return sample._replace(**fields)


def decision(number: int, account_id: str = "A1", **fields: Any) -> Decision:
    """A decision."""
    sample = Decision(
        number=number,
        id=f"decision-{number}",
        at_ms=T0 + number,
        account=account_id,
        action=Action.BLOCK,
        scope=Scope.ALL,
        mode=Mode.ENFORCE,
        reason=Reason.CREDIT_LIMIT,
        mark="100",
        exposure_micros=Micros(512_100_000),
        limit_micros=Micros(500_000_000),
        currency="CAD",
        evidence=(Evidence(what="exposure", value="512.10", threshold="500.00"),),
        text='Blocked: exposure 512.10 CAD has reached the limit; "3 calls" in flight to Côte d’Ivoire.',
    )
    return replace(sample, **fields)


def held(number: int, **fields: Any) -> Quarantined:
    """A report held back."""
    sample = Quarantined(
        switch="sw1",
        call=f"call-{number}",
        account="A1",
        received_at_ms=T0 + number,
        at_ms=T0 - number,
        rule="too_old",
        event="ended",
        charge_micros=None,
        currency="",
    )
    return replace(sample, **fields)


def billing(id_: str, **fields: Any) -> BillingEntry:
    """A billing message that was taken."""
    sample = BillingEntry(
        id=id_, account="A1", type="payment", amount_micros=120_000_000, method="cheque", status="pending", at_ms=T0
    )
    return replace(sample, **fields)


def audit(what: str) -> Audit:
    """Something an operator did."""
    return Audit(account="A1", at_ms=T0, by="ana", what=what, reason="EFT promised")


def posting(number: int, amount_micros: int, owed_micros: int, account_id: str = "A1") -> Changes:
    """One call that ended: its line, its memory, and the account that now owes more."""
    return Changes(
        accounts=[account(account_id, owed_micros)],
        calls_over=[("sw1", f"call-{number}")],
        ledger=[line(number, account_id, amount_micros)],
        remembered=[over(f"call-{number}", amount_micros, account=account_id, newest_at_ms=T0 + number)],
    )


@dataclass(slots=True)
class Model:
    """What a store must give back."""

    accounts: dict[str, AccountRow] = field(default_factory=dict)
    calls: dict[tuple[str, str], CallRow] = field(default_factory=dict)
    switches: dict[str, SwitchRow] = field(default_factory=dict)
    remembered: list[Remembered] = field(default_factory=list)
    billing: list[BillingEntry] = field(default_factory=list)
    pending: dict[tuple[str, str], int] = field(default_factory=dict)
    ledger: list[LedgerLine] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    quarantine: list[Quarantined] = field(default_factory=list)
    kept: dict[tuple[str, str], object] = field(default_factory=dict)
    forgotten_before_ms: int = 0
    published: int = 0

    def apply(self, changes: Changes) -> None:
        """Do what a batch says. Adding wins over removing, whatever their order was."""
        for row in changes.accounts:
            self.accounts[row.id] = row
        for key in changes.calls_over:
            self.calls.pop(key, None)
        for live in changes.calls:
            self.calls[live.switch, live.call] = live
        for known in changes.switches:
            self.switches[known.name] = known
        self.remembered.extend(changes.remembered)
        if changes.forgotten_before_ms is not None:
            self.forgotten_before_ms = max(self.forgotten_before_ms, changes.forgotten_before_ms)
        self.billing.extend(replace(entry, payload="") for entry in changes.billing)
        for pair in changes.settled:
            self.pending.pop(pair, None)
        for switch_name, account_id, seq in changes.pending:
            self.pending[switch_name, account_id] = seq
        for kept in changes.kept:
            self.kept.pop(kept[:2], None)
            if kept.row is not None:
                self.kept[kept[:2]] = kept.row
        self.ledger.extend(changes.ledger)
        self.decisions.extend(changes.decisions)
        self.quarantine.extend(changes.quarantine)

    def state(self) -> dict[str, Any]:
        """The same as `state_of` of what the store restores."""
        return {
            "accounts": self.accounts,
            "calls": self.calls,
            "switches": self.switches,
            "remembered": {
                (past.switch, past.call): past
                for past in self.remembered
                if past.newest_at_ms >= self.forgotten_before_ms
            },
            "billing": self.billing,
            "pending": self.pending,
            "kept": self.kept,
            "last_line": max((entry.number for entry in self.ledger), default=0),
            "last_decision": max((taken.number for taken in self.decisions), default=0),
            "forgotten_before_ms": self.forgotten_before_ms,
        }

    def sums(self, account_id: str, from_ms: int | None = None, to_ms: int | None = None) -> list[LedgerSum]:
        """The ledger of an account added up as the port promises it."""
        groups: dict[tuple[str, str, str], list[LedgerLine]] = {}
        for entry in self.lines(account_id, from_ms, to_ms):
            groups.setdefault((entry.kind.value, entry.kind_of_call, entry.method), []).append(entry)
        return [
            LedgerSum(
                kind=LineKind(kind),
                kind_of_call=kind_of_call,
                method=method,
                lines=len(lines),
                amount_micros=Micros(sum(entry.amount_micros for entry in lines)),
                gross_micros=Micros(sum(_gross(entry) for entry in lines)),
                duration_ms=sum(entry.duration_ms for entry in lines),
                billed_s=sum(entry.billed_s for entry in lines),
                covered_s=sum(entry.covered_s for entry in lines),
            )
            for (kind, kind_of_call, method), lines in sorted(groups.items())
        ]

    def lines(self, account_id: str, from_ms: int | None = None, to_ms: int | None = None) -> list[LedgerLine]:
        """The ledger of an account as the port promises it."""
        wanted = [
            entry
            for entry in self.ledger
            if entry.account == account_id
            and (from_ms is None or entry.at_ms >= from_ms)
            and (to_ms is None or entry.at_ms < to_ms)
        ]
        return sorted(wanted, key=lambda entry: (entry.at_ms, entry.number))


def _gross(entry: LedgerLine) -> int:
    if entry.gross_micros is not None:
        return entry.gross_micros
    return entry.amount_micros if entry.kind in {LineKind.CALL, LineKind.LOST, LineKind.CORRECTION} else 0


def state_of(restored: Restored) -> dict[str, Any]:
    """What was restored, by key; a key that comes twice is an error."""
    kept = list(restored.kept)
    state: dict[str, Any] = {
        "accounts": {row.id: row for row in restored.accounts},
        "calls": {(row.switch, row.call): row for row in restored.calls},
        "switches": {row.name: row for row in restored.switches},
        "remembered": {(past.switch, past.call): past for past in restored.remembered},
        "billing": [replace(entry, payload="") for entry in restored.billing],
        "pending": {(name, account_id): seq for name, account_id, seq in restored.pending},
        "kept": {(kind, key): row for kind, key, row in kept},
        "last_line": restored.last_line,
        "last_decision": restored.last_decision,
        "forgotten_before_ms": restored.forgotten_before_ms,
    }
    for name in ("accounts", "calls", "switches", "remembered", "pending"):
        assert len(state[name]) == len(getattr(restored, name)), f"{name} came twice"
    assert len(state["kept"]) == len(kept), "kept came twice"
    return state
