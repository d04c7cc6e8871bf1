"""Records as a store keeps them, a flat row of plain values each, and back: the one place that knows their order.

State rows (`guard.core.rows`) keep their field names as columns; a nested part (the last command, the causes of a
block, the books) is JSON text, because nobody asks for a part of it. It is an array, read like any row of ours: one
written before a field was added at its end gets the default. Records (`guard.core.decisions`) are spelt out: enums by
their value, booleans as 0 and 1. (`int(...)` around a boolean is not idle: a driver binds a plain int at once and looks
an adapter up for anything else.)

Which tables there are, and with which keys, is for each store to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from sys import intern
from typing import Any, TypeVar

import msgspec

from guard.core.decisions import (
    Action,
    Audit,
    BillingEntry,
    Decision,
    Evidence,
    LedgerLine,
    LineKind,
    Mode,
    Notice,
    NoticeKind,
    Quarantined,
    Reason,
    Remembered,
)
from guard.core.events import Delivery, Event, Owed
from guard.core.money import Micros
from guard.core.records import Scope
from guard.core.rows import AccountRow, BooksRow, CallRow, CauseRow, CommandRow, Rated, SwitchRow
from guard.core.statement import LedgerSum

Values = tuple[object, ...]
"""One row, in the order of its columns."""

Read = Sequence[Any]
"""One row as a store gives it back."""

E = TypeVar("E", bound=Enum)


def _by_value(kind: type[E]) -> dict[str, E]:
    """A dict finds a member in 30 ns, the enum itself in 200."""
    return {member.value: member for member in kind}


_ACTIONS, _MODES, _REASONS = _by_value(Action), _by_value(Mode), _by_value(Reason)
_SCOPES, _KINDS = _by_value(Scope), _by_value(LineKind)

_to_json = msgspec.json.Encoder().encode
_command_of = msgspec.json.Decoder(CommandRow).decode
_causes_of = msgspec.json.Decoder(tuple[CauseRow, ...]).decode
_books_of = msgspec.json.Decoder(BooksRow).decode
_rated_of = msgspec.json.Decoder(Rated).decode
_evidence_of = msgspec.json.Decoder(list[tuple[str, str, str]]).decode

NOTHING = "[]"
"""No causes, no evidence: what nearly every row has."""

# -- state rows


def account_values(row: AccountRow) -> Values:
    """An account for its table."""
    return (
        *row[:7],
        int(row.provisional),
        int(row.closed),
        *row[9:25],
        None if row.command is None else _to_json(row.command).decode(),
        _to_json(row.causes).decode() if row.causes else NOTHING,
        None if row.books is None else _to_json(row.books).decode(),
        int(row.forgotten),
    )


def account_row(values: Read) -> AccountRow:
    """An account from its table."""
    command, causes, books, forgotten = values[25:]
    return AccountRow._make(
        (
            *values[:7],
            values[7] == 1,
            values[8] == 1,
            *values[9:25],
            None if command is None else _command_of(command),
            () if causes == NOTHING else _causes_of(causes),
            None if books is None else _books_of(books),
            forgotten == 1,
        )
    )


def call_values(row: CallRow) -> Values:
    """A live call for its table."""
    return (
        *row[:16],
        *(int(row.emergency), row.source, row.silent_carry_scaled, int(row.defies)),
        *row[20:],
    )


def call_row(values: Read) -> CallRow:
    """A live call from its table."""
    return CallRow._make((*values[:16], values[16] == 1, values[17], values[18], values[19] == 1, *values[20:]))


def switch_values(row: SwitchRow) -> Values:
    """A switch for its table."""
    return (row.name, int(row.up), *row[2:])


def switch_row(values: Read) -> SwitchRow:
    """A switch from its table."""
    return SwitchRow._make((values[0], values[1] == 1, *values[2:]))


# -- records

LEDGER_COLUMNS = (
    *("number", "account", "at_ms", "kind", "amount_micros", "currency", "switch", "call", "to", "direction"),
    *("duration_ms", "emergency", "ref", "method", "text"),
    *("gross_micros", "billed_s", "covered_s", "kind_of_call", "destination"),
)


def ledger_values(line: LedgerLine) -> Values:
    """A ledger line for its table."""
    return (
        *(line.number, line.account, line.at_ms, line.kind.value, line.amount_micros, line.currency, line.switch),
        *(line.call, line.to, line.direction, line.duration_ms, int(line.emergency), line.ref, line.method, line.text),
        *(line.gross_micros, line.billed_s, line.covered_s, line.kind_of_call, line.destination),
    )


def ledger_line(values: Read) -> LedgerLine:
    """A ledger line from its table."""
    number, account, at_ms, kind, amount, currency, switch, call, to, direction, duration, emergency = values[:12]
    gross = values[15]
    return LedgerLine(
        number=number,
        account=account,
        at_ms=at_ms,
        kind=_KINDS[kind],
        amount_micros=Micros(amount),
        currency=currency,
        switch=switch,
        call=call,
        to=to,
        direction=direction,
        duration_ms=duration,
        emergency=emergency == 1,
        ref=values[12],
        method=values[13],
        text=values[14],
        gross_micros=None if gross is None else Micros(gross),
        billed_s=values[16],
        covered_s=values[17],
        kind_of_call=values[18],
        destination=values[19],
    )


def ledger_sum(kind: str, kind_of_call: str, method: str, figures: Sequence[int]) -> LedgerSum:
    """Lines added up; figures: how many lines, their amount, gross, duration, billed and covered seconds."""
    lines, amount, gross, duration_ms, billed_s, covered_s = figures
    return LedgerSum(
        kind=_KINDS[kind],
        kind_of_call=kind_of_call,
        method=method,
        lines=lines,
        amount_micros=Micros(amount),
        gross_micros=Micros(gross),
        duration_ms=duration_ms,
        billed_s=billed_s,
        covered_s=covered_s,
    )


DECISIONS_COLUMNS = (
    *("number", "id", "at_ms", "account", "action", "scope", "mode", "reason", "rule", "key", "mark"),
    *("exposure_micros", "limit_micros", "currency", "evidence", "text", "by"),
)


def decision_values(decision: Decision) -> Values:
    """A decision for its table."""
    evidence = [(item.what, item.value, item.threshold) for item in decision.evidence]
    return (
        *(decision.number, decision.id, decision.at_ms, decision.account, decision.action.value),
        *(decision.scope.value, decision.mode.value, decision.reason.value, decision.rule, decision.key),
        *(decision.mark, decision.exposure_micros, decision.limit_micros, decision.currency),
        *(_to_json(evidence).decode() if evidence else NOTHING, decision.text, decision.by),
    )


def decision(values: Read) -> Decision:
    """A decision from its table."""
    number, id_, at_ms, account, action, scope, mode, reason, rule, key, mark, exposure, limit = values[:13]
    evidence = () if values[14] == NOTHING else _evidence_of(values[14])
    return Decision(
        number=number,
        id=id_,
        at_ms=at_ms,
        account=account,
        action=_ACTIONS[action],
        scope=_SCOPES[scope],
        mode=_MODES[mode],
        reason=_REASONS[reason],
        rule=rule,
        key=key,
        mark=mark,
        exposure_micros=Micros(exposure),
        limit_micros=None if limit is None else Micros(limit),
        currency=values[13],
        evidence=tuple(Evidence(what=what, value=value, threshold=mark_) for what, value, mark_ in evidence),
        text=values[15],
        by=values[16],
    )


REMEMBERED_COLUMNS = (
    *("switch", "call", "account", "newest_at_ms", "event", "duration_ms", "charge_micros", "posted_micros"),
    *("lost", "emergency", "direction", "rated"),
)


def remembered_values(past: Remembered) -> Values:
    """A call that is over for its table."""
    return (
        *(past.switch, past.call, past.account, past.newest_at_ms, past.event, past.duration_ms, past.charge_micros),
        *(past.posted_micros, int(past.lost), int(past.emergency), past.direction),
        None if past.rated is None else _to_json(past.rated).decode(),
    )


def remembered(values: Read) -> Remembered:
    """A call that is over from its table."""
    switch, call, account, newest_at_ms, event, duration_ms, charge, posted, lost, emergency, direction = values[:11]
    rated = values[11]
    return Remembered(
        switch=switch,
        call=call,
        account=account,
        newest_at_ms=newest_at_ms,
        event=event,
        duration_ms=duration_ms,
        charge_micros=charge,
        posted_micros=posted,
        lost=lost == 1,
        emergency=emergency == 1,
        direction=direction,
        rated=None if rated is None else _rated(rated),
    )


def _rated(text: str) -> Rated:
    """How it was rated. The keys of plans are few and are kept once: with a million calls that saves 160 MB."""
    rated = _rated_of(text)
    return rated._replace(quota=intern(rated.quota), discount=intern(rated.discount))


QUARANTINE_COLUMNS = (
    "switch",
    "call",
    "account",
    "received_at_ms",
    "at_ms",
    "rule",
    "event",
    "charge_micros",
    "currency",
)


def quarantined_values(held: Quarantined) -> Values:
    """A report held back for its table."""
    return (
        *(held.switch, held.call, held.account, held.received_at_ms, held.at_ms, held.rule, held.event),
        *(held.charge_micros, held.currency),
    )


def quarantined(values: Read) -> Quarantined:
    """A report held back from its table."""
    switch, call, account, received_at_ms, at_ms, rule, event, charge, currency = values
    return Quarantined(
        switch=switch,
        call=call,
        account=account,
        received_at_ms=received_at_ms,
        at_ms=at_ms,
        rule=rule,
        event=event,
        charge_micros=charge,
        currency=currency,
    )


BILLING_COLUMNS = ("id", "account", "type", "amount_micros", "method", "status", "at_ms", "payload")


def billing_values(entry: BillingEntry) -> Values:
    """A billing message for its table."""
    return (
        *(entry.id, entry.account, entry.type, entry.amount_micros, entry.method, entry.status, entry.at_ms),
        entry.payload,
    )


def billing_entry(values: Read) -> BillingEntry:
    """A billing message from its table, with its payload if that was asked for."""
    id_, account, type_, amount, method, status, at_ms, *payload = values
    return BillingEntry(
        id=id_,
        account=account,
        type=type_,
        amount_micros=amount,
        method=method,
        status=status,
        at_ms=at_ms,
        payload="".join(payload),
    )


AUDIT_COLUMNS = ("account", "at_ms", "by", "what", "reason")


def audit_values(audit: Audit) -> Values:
    """What somebody did, for its table."""
    return (audit.account, audit.at_ms, audit.by, audit.what, audit.reason)


def audited(values: Read) -> Audit:
    """What somebody did, from its table."""
    return Audit(*values)


NOTICE_COLUMNS = ("id", "at_ms", "kind", "switch", "account", "text", "over")


def notice_values(notice: Notice) -> Values:
    """A notice for its table."""
    kind = notice.kind.value
    return (notice.id, notice.at_ms, kind, notice.switch, notice.account, notice.text, int(notice.over))


def noticed(values: Read) -> Event:
    """A notice from its table, with its number in front."""
    number, _id, at_ms, kind, switch, account, text, over = values
    told = Notice(kind=NoticeKind(kind), at_ms=at_ms, switch=switch, account=account, text=text, over=over == 1)
    return Event(number=number, told=told)


DELIVERY_COLUMNS = ("due_ms", "since_ms", "attempts", "tried_ms", "dead", "error")


def delivery_values(webhook: str, owed: Owed) -> Values:
    """What a webhook is owed, for its table: webhook, event, whether it is a notice, its number, and the columns."""
    event = owed.event
    return (
        *(webhook, event.id, int(isinstance(event.told, Notice)), event.number),
        *(owed.due_ms, owed.since_ms, owed.attempts, owed.tried_ms, int(owed.dead), owed.error),
    )


def owed(event: Event, values: Read) -> Owed:
    """What a webhook is owed, from its table's columns."""
    due_ms, since_ms, attempts, tried_ms, dead, error = values
    return Owed(
        event=event,
        due_ms=due_ms,
        since_ms=since_ms,
        attempts=attempts,
        tried_ms=tried_ms,
        dead=dead == 1,
        error=error,
    )


def deliveries(rows: Iterable[Read], decided: Mapping[int, Event], noticed: Mapping[int, Event]) -> list[Delivery]:
    """Rows of deliveries with their events, by number; one whose event is kept no longer is passed over."""
    found: list[Delivery] = []
    for webhook, is_notice, number, *columns in rows:
        event = (noticed if is_notice else decided).get(number)
        if event is not None:
            found.append(Delivery(webhook, owed(event, columns)))
    return found
