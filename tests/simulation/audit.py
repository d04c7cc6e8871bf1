"""The auditor at the end: everything that really happened against what guard's file and guard itself say.

The file is read with SQL of its own; the arithmetic is whole numbers from the ground truth. Nothing of guard's code is
used, so a fault in it cannot excuse itself.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulation.billing import Books
from tests.simulation.calls import Call, Said
from tests.simulation.operators import Wish
from tests.simulation.prices import Prices
from tests.simulation.receivers import Receiver
from tests.simulation.switch import Switch
from tests.simulation.watch import Watch

OF_CALLS = ("call", "lost", "correction")
DETAILS = ("warn", "cleared", "block", "unblock", "held", "allow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What really happened."""

    switches: list[Switch]
    books: dict[str, Books]
    wishes: list[Wish]
    receivers: list[Receiver]
    prices: tuple[Prices, ...]
    """All that were ever in the files."""
    remember_ms: int
    """Reports older than this may be too old; less a margin for clocks."""
    details_kept: bool
    """Calls in the ledger still have their names."""


class Audit:
    """Of one file, once everything has come true."""

    def __init__(self, path: Path, truth: Truth, watch: Watch) -> None:
        self._file = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)
        self._truth = truth
        self._watch = watch

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def _rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        return self._file.execute(question, values).fetchall()

    def _break(self, what: str) -> None:
        self._watch.break_(what)

    def look(self) -> None:
        """At everything."""
        self._look_at_calls()
        self._look_at_billing()
        self._look_at_balances()
        self._look_at_decisions()
        self._look_at_webhooks()
        self._look_at_wishes()
        self._look_at_what_waits()

    # -- money

    def owed(self, account: str) -> int:
        """By the ledger."""
        owed: int = self._rows("SELECT ifnull(sum(amount_micros), 0) FROM ledger WHERE account = ?", account)[0][0]
        return owed

    def _look_at_calls(self) -> None:
        """Each call is posted once, for what it cost."""
        lines: dict[tuple[str, str], list[tuple[str, int, str]]] = defaultdict(list)
        question = "SELECT switch, call, kind, amount_micros, account FROM ledger WHERE kind IN (?, ?, ?)"
        for switch, call, kind, amount, account in self._rows(question, *OF_CALLS):
            lines[switch, call].append((kind, amount, account))
        if not self._truth.details_kept:
            self._look_at_nameless_calls()
            return
        for switch in self._truth.switches:
            for call in switch.every:
                self._look_at_call(call, lines.pop((call.switch, call.id), []))
        for switch_name, call_id in lines:
            self._break(f"the ledger has a call that never was: {switch_name} {call_id}")

    def _look_at_call(self, call: Call, lines: list[tuple[str, int, str]]) -> None:
        expected = self._expected(call)
        if expected is None:
            if lines:
                self._break(f"{call.id} was never reported and is in the ledger: {lines}")
            return
        if not lines and not self._in_time(call):
            # All that was said of it may have been held back as too old.
            return
        posted = sum(amount for _, amount, _ in lines)
        kinds = Counter(kind for kind, _, _ in lines)
        # One that was given up may come back and be given up again; what was given up ends with a correction.
        if kinds["call"] > 1 or not kinds["call"] + kinds["lost"]:
            self._break(f"{call.id} was not posted once: {lines}, {call}")
        elif posted not in expected:
            self._break(f"{call.id} was posted at {posted}, and cost {sorted(expected)}: {lines}, {call}")
        if any(account != call.account for _, _, account in lines):
            self._break(f"{call.id} was posted to another account: {lines}")

    def _expected(self, call: Call) -> set[int] | None:
        """What it may be posted at; None: guard never heard of it."""
        said = [each for each in call.said if each.event != "failed"]
        if not said:
            return None
        in_time = self._in_time(call)
        # What came later than the memory lasts, by a clock that may be off, was all taken or all held back.
        return self._by(call, said) | (self._by(call, in_time) if in_time else set())

    def _by(self, call: Call, said: list[Said]) -> set[int]:
        """What it may be posted at by these reports."""
        ends = [each for each in said if each.event == "ended"]
        newest = ends[-1] if ends else max(said, key=lambda each: each.duration_ms)
        to_known = any(each.to for each in said)
        if call.emergency and (to_known or call.flagged):
            return {0}
        if call.emergency:
            # By its number alone, which nobody has told.
            return {call.charge_as_any(newest.duration_ms, prices) for prices in self._truth.prices}
        return {call.charge(newest.duration_ms, prices, to_known=to_known) for prices in self._truth.prices}

    def _in_time(self, call: Call) -> list[Said]:
        """What was said of it soon enough after it was so."""
        late_ms = self._truth.remember_ms
        said = [each for each in call.said if each.event != "failed"]
        return [each for each in said if each.at_ms - (call.began_ms + each.duration_ms) < late_ms]

    def _look_at_nameless_calls(self) -> None:
        """Details are gone, the money is not: by account."""
        for account in self._truth.books:
            expected = [
                self._expected(call)
                for switch in self._truth.switches
                for call in switch.every
                if call.account == account
            ]
            known = [each for each in expected if each is not None]
            question = (
                "SELECT count(*), ifnull(sum(amount_micros), 0) FROM ledger WHERE account = ? AND kind IN (?, ?, ?)"
            )
            count, posted = self._rows(question, account, *OF_CALLS)[0]
            if count < len(known) or not sum(map(min, known)) <= posted <= sum(map(max, known)):
                self._break(f"{account}: {len(known)} calls cost {known}; {count} lines come to {posted}")

    def _look_at_billing(self) -> None:
        """Each adjustment and each payment counts once."""
        lines: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        sums: dict[tuple[str, str], int] = defaultdict(int)
        question = (
            "SELECT account, ref, kind, amount_micros FROM ledger WHERE kind IN ('adjustment','payment','reversal')"
        )
        for account, ref, kind, amount in self._rows(question):
            lines[account, ref][kind] += 1
            sums[account, ref] += amount
        for books in self._truth.books.values():
            for made, amount in books.adjustments.items():
                if sums.pop((books.id, made), None) != amount or lines[books.id, made] != Counter(adjustment=1):
                    self._break(f"adjustment {made} of {amount}: {lines[books.id, made]}")
            for made, (amount, status) in books.payments.items():
                posted = sums.pop((books.id, made), 0)
                expected = {"posted": Counter(payment=1), "reversed": Counter(payment=1, reversal=1)}.get(
                    status, Counter()
                )
                if posted != (-amount if status == "posted" else 0) or lines[books.id, made] != expected:
                    self._break(f"payment {made} of {amount}, {status}: posted {posted}, {lines[books.id, made]}")
        for account, ref in sums:
            self._break(f"the ledger has what billing never said: {account} {ref}")

    def _look_at_balances(self) -> None:
        """After a balance the account owes what was stated, and what has been posted with a time since."""
        for books in self._truth.books.values():
            for stated in books.balances:
                found = self._rows(
                    "SELECT number FROM ledger WHERE account = ? AND kind = 'balance' AND ref = ?", books.id, stated.id
                )
                if len(found) != 1:
                    self._break(f"balance {stated.id} has {len(found)} lines")
                    continue
                number = found[0][0]
                sums = "SELECT ifnull(sum(amount_micros), 0) FROM ledger WHERE account = ? AND number <= ?"
                after = self._rows(sums, books.id, number)[0][0]
                since = self._rows(f"{sums} AND at_ms >= ?", books.id, number, stated.as_of_ms)[0][0]
                if after != stated.owed_micros + since:
                    self._break(f"balance {stated}: owed {after} after it, {since} of that is newer")

    # -- what was told

    def _look_at_decisions(self) -> None:
        """What is stored was published, and nothing else."""
        rows = self._rows("SELECT id, account, action, reason, mode, text FROM decisions ORDER BY number")
        stored = {row[0]: row for row in rows}
        if len(stored) != len(rows):
            self._break("two stored decisions have the same id")
        for missing in stored.keys() - self._watch.decisions.keys():
            self._break(f"a decision was never published: {stored[missing]}")
        for id_, said in self._watch.decisions.items():
            row = stored.get(id_)
            if row is None:
                self._break(f"a decision was published and is not stored: {said}")
            elif row[1:] != tuple(said[key] for key in ("account", "action", "reason", "mode", "text")):
                self._break(f"a decision was published otherwise than it is stored: {said}, {row}")

    def _look_at_webhooks(self) -> None:
        """Each receiver has got every event at least once, and nothing else."""
        decided = self._rows("SELECT id FROM decisions WHERE mode = 'enforce'")
        told = "('unconfirmed', 'blind', 'fuse', 'store', 'refused')"
        noticed = self._rows(f"SELECT id FROM notices WHERE kind IN {told}")  # noqa: S608 -- constants
        owed = {row[0] for row in decided} | {row[0] for row in noticed}
        for receiver in self._truth.receivers:
            for missing in sorted(owed - receiver.received.keys()):
                self._break(f"webhook {receiver.name} never got {missing}")
            for surplus in sorted(receiver.received.keys() - owed):
                self._break(f"webhook {receiver.name} got what is not stored: {receiver.received[surplus]}")

    def _look_at_wishes(self) -> None:
        """What an operator was told is done is in the history, once; what was refused is not."""
        done = Counter(row[0] for row in self._rows("SELECT reason FROM audit"))
        for wish in self._truth.wishes:
            count = done[wish.reason]
            wrong = {"done": count != 1, "": count > 1, "not ready": count > 1}.get(wish.answer, count > 0)
            if wrong:
                self._break(f"an operator's wish is {count} times in the history: {wish}")

    # -- what waits

    def _look_at_what_waits(self) -> None:
        for table in ("pending", "delivery"):
            rows = self._rows(f"SELECT * FROM {table}")  # noqa: S608 -- two names
            if rows:
                self._break(f"still waiting in {table}: {rows}")
        placed = "(SELECT value FROM meta WHERE name = 'placed')"
        questions = [f"SELECT count(*) FROM {table} WHERE number <= {placed}" for table in ("ledger", "ledger_place")]  # noqa: S608 -- constants
        lines, places = (self._rows(question)[0][0] for question in questions)
        if lines != places:
            self._break(f"the ledger's directory has {places} of {lines} lines")
