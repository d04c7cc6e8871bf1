"""Where the rows of a daemon's store belong in another one, table by table: as they are, or spread over partitions.

| rows | go to |
|---|---|
| `account`, `call`, `ledger`, `decisions`, `remembered`, `quarantine`, `billing`, `audit`, `pending`, `forget` | the partition of their account |
| `notices` | that of their account; of one about none, the home of its switch |
| `switch` | every partition: calls and commands of each hang on it. Whether on-call knows that commands wait is forgotten |
| `webhook` | every partition, each with its own place in the history |
| `delivery` | the partition that the decision or notice has gone to |
| `kept`: what rules know of an account | that of the account |
| `kept`: `expectation` (when a switch usually talks) | the home of the switch |
| `kept`: `crowds` (how many accounts called a number) | the home of each; what stands of it, every partition (`dealing`) |
| `kept`: `held` (blocks that wait for an operator) | that of each one's account |
| `kept`: `fuse` | the home of the fuse, as its count over all partitions; that it is open, every partition |
| `kept`: `told` (what on-call knows to be amiss) | the home of the matter, which says when it is over |
| `kept`: `clock` | nowhere: it is about the machine and the process that wrote it |

**Numbers.** Ledger lines and decisions are numbered without a gap in each partition, so they get new numbers in the old
order, and whatever points to a number (how far webhooks, publishing and deleting have come) points to as many lines of
the partition as lay below it before. All other numbers stay: they only have to grow.

A row of a kind that this version does not know, or cannot read where it has to be taken apart, is left behind and
counted. Into a store of one partition everything goes as it is.
"""  # noqa: E501 -- a table

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from guard.core.decisions import HeldRow, KeptRow
from guard.core.fuses import HOME, HomeRow, ShareRow
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.rows import AccountRow, CallRow, SwitchRow, ToldRow
from guard.core.rules.dealing import dealt
from guard.core.rules.fuse import FuseRow
from guard.core.rules.rows import CrowdRow
from guard.core.spokesman import MATTERS, MattersRow, OpenRow
from guard.wire import stored
from guard.wire.kept import decoded, encoded
from guard.wire.stored import Values

Placed = tuple[int, Values]
"""Partition, row."""


@dataclass(frozen=True, slots=True)
class Table:
    """One that is moved."""

    name: str
    columns: tuple[str, ...]
    order: tuple[str, ...]
    """By which it is read; what comes of it must not hang on the order in which it was written."""


SWITCHES = Table("switch", SwitchRow._fields, ("name",))
ACCOUNTS = Table("account", AccountRow._fields, ("id",))
CALLS = Table("call", CallRow._fields, ("switch", "call"))
LEDGER = Table("ledger", stored.LEDGER_COLUMNS, ("number",))
DECISIONS = Table("decisions", stored.DECISIONS_COLUMNS, ("number",))
REMEMBERED = Table("remembered", ("number", *stored.REMEMBERED_COLUMNS), ("number",))
QUARANTINE = Table("quarantine", ("number", *stored.QUARANTINE_COLUMNS), ("number",))
BILLING = Table("billing", ("number", *stored.BILLING_COLUMNS), ("number",))
AUDIT = Table("audit", ("number", *stored.AUDIT_COLUMNS), ("number",))
NOTICES = Table("notices", ("number", *stored.NOTICE_COLUMNS), ("number",))
PENDING = Table("pending", ("switch", "account", "seq"), ("switch", "account"))
KEPT = Table("kept", KeptRow._fields, ("kind", "key"))
FORGET = Table("forget", ("account", "at_ms", "last_line"), ("account",))
WEBHOOKS = Table("webhook", ("name", "decision", "notice"), ("name",))
DELIVERIES = Table(
    "delivery", ("webhook", "event", "is_notice", "number", *stored.DELIVERY_COLUMNS), ("webhook", "event")
)

TABLES = (
    *(SWITCHES, ACCOUNTS, CALLS, LEDGER, DECISIONS, REMEMBERED, QUARANTINE, BILLING, AUDIT, NOTICES),
    *(PENDING, KEPT, FORGET, WEBHOOKS, DELIVERIES),
)
"""In the order in which they are moved: what points to a number comes after what has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """How far the store has come, beside its tables."""

    forgotten_before_ms: int
    published: int
    lines_without_details: int
    decisions_without_details: int


class Numbering:
    """New numbers, without a gap in each partition, in the old order; and how many of them lay below a mark."""

    def __init__(self, marks: Iterable[int]) -> None:
        self._ahead = sorted(set(marks), reverse=True)
        self._given = [0] * PARTITIONS
        self._at: dict[int, list[int]] = {}

    def renumber(self, part: int, number: int) -> int:
        """The next number of the partition, for a row whose old one is above all before it."""
        while self._ahead and number > self._ahead[-1]:
            self._at[self._ahead.pop()] = self._given.copy()
        self._given[part] += 1
        return self._given[part]

    def below(self, mark: int, part: int) -> int:
        """How many rows of the partition had a number up to the mark."""
        return self._at.get(mark, self._given)[part]


class Spreading:
    """Places the rows of one store; to be given the tables in the order of `TABLES`, each in its own order."""

    def __init__(self, marks: Marks, small: Mapping[Table, Iterable[Values]]) -> None:
        """`small`: the rows of `FORGET`, `WEBHOOKS` and `DELIVERIES`, which have the numbers to be looked out for."""
        self._marks = marks
        self._lines = Numbering([marks.lines_without_details, *(cast("int", row[2]) for row in small[FORGET])])
        heard = (cast("int", row[1]) for row in small[WEBHOOKS])
        self._decisions = Numbering([marks.published, marks.decisions_without_details, *heard])
        self._owed = {(row[2] == 1, row[3]) for row in small[DELIVERIES]}
        self._events: dict[tuple[bool, Any], tuple[int, int]] = {}
        """Of what is owed: where its decision or notice is now, and its number there."""
        self.left: Counter[str] = Counter()
        """Rows that were left behind, by what they are."""
        self._rules: Mapping[Table, Callable[[Values], Iterable[Placed]]] = {
            SWITCHES: _switch,
            ACCOUNTS: _by(ACCOUNTS, "id"),
            LEDGER: self._line,
            DECISIONS: self._decision,
            NOTICES: self._notice,
            KEPT: self._kept,
            FORGET: self._forget,
            WEBHOOKS: self._webhook,
            DELIVERIES: self._delivery,
            **{each: _by(each, "account") for each in (CALLS, REMEMBERED, QUARANTINE, BILLING, AUDIT, PENDING)},
        }

    def place(self, table: Table, row: Values) -> Iterable[Placed]:
        """Where a row goes, and as what."""
        return self._rules[table](row)

    def marks(self, part: int) -> Marks:
        """Of a partition, once its ledger and its decisions are placed."""
        marks = self._marks
        return Marks(
            forgotten_before_ms=marks.forgotten_before_ms,
            published=self._decisions.below(marks.published, part),
            lines_without_details=self._lines.below(marks.lines_without_details, part),
            decisions_without_details=self._decisions.below(marks.decisions_without_details, part),
        )

    # -- history

    def _line(self, row: Values) -> Iterable[Placed]:
        part = partition_of(cast("str", row[1]))
        yield part, (self._lines.renumber(part, cast("int", row[0])), *row[1:])

    def _decision(self, row: Values) -> Iterable[Placed]:
        part = partition_of(cast("str", row[3]))
        number = self._decisions.renumber(part, cast("int", row[0]))
        if (False, row[0]) in self._owed:
            self._events[False, row[0]] = (part, number)
        yield part, (number, *row[1:])

    def _notice(self, row: Values) -> Iterable[Placed]:
        number, _id, _at_ms, _kind, switch, account = row[:6]
        part = partition_of(cast("str", account or switch))
        if (True, number) in self._owed:
            self._events[True, number] = (part, cast("int", number))
        yield part, row

    def _forget(self, row: Values) -> Iterable[Placed]:
        account, at_ms, last_line = cast("tuple[str, int, int]", row)
        part = partition_of(account)
        yield part, (account, at_ms, self._lines.below(last_line, part))

    # -- webhooks

    def _webhook(self, row: Values) -> Iterable[Placed]:
        name, decision, notice = cast("tuple[str, int, int]", row)
        for part in range(PARTITIONS):
            yield part, (name, self._decisions.below(decision, part), notice)

    def _delivery(self, row: Values) -> Iterable[Placed]:
        webhook, event, is_notice, number = row[:4]
        found = self._events.get((is_notice == 1, number))
        if found is None:
            self.left["deliveries whose event is kept no longer"] += 1
            return
        part, number = found
        yield part, (webhook, event, is_notice, number, *row[4:])

    # -- what is kept as blobs

    def _kept(self, row: Values) -> Iterable[Placed]:
        kind, key, blob = cast("tuple[str, str, bytes]", row)
        match kind:
            case "subject" | "suspicion" | "usual" | "expectation":
                return [(partition_of(key), row)]
            case "clock":
                return ()
            case "crowds" | "held" | "fuse" | "told":
                return self._taken_apart(decoded((kind, key, blob)))
            case _:
                self.left[f"kept rows of the kind {kind}, which this guard does not know"] += 1
                return ()

    def _taken_apart(self, kept: KeptRow) -> Iterable[Placed]:
        found = kept.row
        if found is None:
            self.left[f"kept rows of the kind {kept.kind} that cannot be read"] += 1
        elif isinstance(found, FuseRow):
            yield from _fuse(found)
        elif isinstance(found, ToldRow):
            home = partition_of(kept.key)
            matter = OpenRow(kept.key, kept.key, found.switch, 0, (home,))
            yield home, (*kept[:2], encoded(found))
            yield home, (MATTERS, "", encoded(MattersRow((), (matter,))))
        elif kept.kind == "held":
            shares: dict[int, list[HeldRow]] = {}
            for each in cast("tuple[HeldRow, ...]", found):
                shares.setdefault(partition_of(each.account), []).append(each)
            for part, share in shares.items():
                yield part, (kept.kind, kept.key, encoded(tuple(share)))
        else:
            crowds = cast("tuple[CrowdRow, ...]", found)
            # Of one that is there twice the later row counts, as when a daemon restores it.
            rows = {(part, each.kind, each.key): each.row for part, each in dealt(crowds)}
            for (part, kind, key), crowd in rows.items():
                yield part, (kind, key, encoded(crowd))


_TOLD_AT = SwitchRow._fields.index("told_at_ms")


def _switch(row: Values) -> Iterable[Placed]:
    """If commands still wait, its home hears so from the partitions that have them, and tells on-call."""
    forgetting = (*row[:_TOLD_AT], None, *row[_TOLD_AT + 1 :])
    return ((part, forgetting) for part in range(PARTITIONS))


def _fuse(row: FuseRow) -> Iterable[Placed]:
    """One that is open is open everywhere at once: no partition has to hear it from the home first."""
    number = int(row.open_since_ms is not None)
    yield HOME, ("fuse_home", "", encoded(HomeRow(fuse=row, number=number, parts=())))
    if number:
        share = ShareRow(0, 0, 0, 0, 0, 0, number, row.open_since_ms, ())
        yield from ((part, ("fuse_share", "", encoded(share))) for part in range(PARTITIONS))


def _by(table: Table, column: str) -> Callable[[Values], Iterable[Placed]]:
    place = table.columns.index(column)
    return lambda row: ((partition_of(cast("str", row[place])), row),)
