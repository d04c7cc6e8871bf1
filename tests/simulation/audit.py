"""The auditor at the end: everything that really happened against what guard's file and guard itself say.

The file is read with SQL of its own; the arithmetic is whole numbers from the ground truth. Nothing of guard's code is
used, so a fault in it cannot excuse itself.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulation.billing import BAD_CARDS, Books
from tests.simulation.calls import Call, Said
from tests.simulation.operators import Wish
from tests.simulation.people import FOUND, Told
from tests.simulation.prices import Prices
from tests.simulation.receivers import Receiver
from tests.simulation.recount import Line, Recount
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
    writer_rests: bool
    """The store saves when it has nothing else to do."""
    told: list[Told] | None
    """What guard was to learn; None: at times it had no rules, and nothing that it would keep for them."""
    found: set[str]
    modes: frozenset[str]
    """Of the model, in all versions of the files."""


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
        self._look_at_currencies()
        self._look_at_balances()
        self._look_at_decisions()
        self._look_at_cards()
        self._look_at_the_model()
        self._look_at_history()
        self._look_at_forgotten()
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
        nameless = [books.id for books in self._truth.books.values() if books.forgotten or not self._truth.details_kept]
        self._look_at_nameless_calls(nameless)
        self._recount(nameless)
        lines: dict[tuple[str, str], list[tuple[str, int, str]]] = defaultdict(list)
        question = "SELECT switch, call, kind, amount_micros, account FROM ledger WHERE kind IN (?, ?, ?)"
        for switch, call, kind, amount, account in self._rows(question, *OF_CALLS):
            if account not in nameless:
                lines[switch, call].append((kind, amount, account))
        for switch in self._truth.switches:
            for call in switch.every:
                if call.account in nameless:
                    continue
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
        elif posted not in expected and not self._planned(call):
            self._break(f"{call.id} was posted at {posted}, and cost {sorted(expected)}: {lines}, {call}")
        if any(account != call.account for _, _, account in lines):
            self._break(f"{call.id} was posted to another account: {lines}")

    def _planned(self, call: Call) -> bool:
        """What it comes to depends on other calls: it has been recounted among them."""
        return call.rated and len(self._truth.books[call.account].terms) > 1

    def _recount(self, nameless: list[str]) -> None:
        """Accounts with a plan: their calls in the order in which they were posted."""
        calls = {(call.switch, call.id): call for switch in self._truth.switches for call in switch.every}
        question = """SELECT switch, call, kind, amount_micros, gross_micros, billed_s, covered_s, duration_ms, at_ms,
        "to" FROM ledger WHERE account = ? AND kind IN (?, ?, ?) ORDER BY number"""
        for books in self._truth.books.values():
            if books.id in nameless:
                continue
            recount, last = Recount(books.terms, self._truth.prices), dict[Call, Line]()
            arrived = [self._watch.arrived_ms(books.id, terms.sent_ms) for terms in books.terms[1:]]
            for switch, name, kind, amount, gross, billed_s, covered_s, duration_ms, at_ms, to in self._rows(
                question, books.id, *OF_CALLS
            ):
                call = calls.get((switch, name))
                if call is None or not call.said or not self._planned(call):
                    continue
                first_ms = min(said.at_ms for said in call.said)
                terms = sum(first_ms > moment_ms for moment_ms in arrived)
                line = Line(call, kind, amount, gross, billed_s, covered_s, duration_ms, at_ms, bool(to), terms)
                last[call] = line
                if not recount.take(line):
                    self._break(f"{books.id}: nothing explains what {call.id} was posted at: {line}, {books.terms}")
                    break
            for call, line in last.items():
                if (line.duration_ms, line.named) not in self._lasted(call):
                    self._break(f"{call.id} was posted for {line.duration_ms} ms: {line}")

    def _lasted(self, call: Call) -> set[tuple[int, bool]]:
        """How long it may have been posted for, and whether its number was known."""
        said = [each for each in call.said if each.event != "failed"]
        lasted = {self._newest(each) for each in (said, self._in_time(call)) if each}
        # What is too old to say how long it lasted may still tell where it went.
        return lasted | {(duration_ms, self._newest(said)[1]) for duration_ms, _ in lasted}

    @staticmethod
    def _newest(said: list[Said]) -> tuple[int, bool]:
        """How long it has lasted by these reports, and whether they name its number."""
        ends = [each for each in said if each.event == "ended"]
        newest = ends[-1] if ends else max(said, key=lambda each: each.duration_ms)
        return newest.duration_ms, any(each.to for each in said)

    def _expected(self, call: Call) -> set[int] | None:
        """What it may be posted at; None: guard never heard of it."""
        if all(each.event == "failed" for each in call.said):
            return None
        # What came later than the memory lasts, by a clock that may be off, was all taken or all held back.
        return {cost for lasted in self._lasted(call) for cost in self._by(call, *lasted)}

    def _by(self, call: Call, duration_ms: int, to_known: bool) -> set[int]:  # noqa: FBT001 -- of `_lasted`
        """What it may be posted at."""
        if call.emergency and (to_known or call.flagged):
            return {0}
        if call.emergency:
            # By its number alone, which nobody has told.
            return {call.charge_as_any(duration_ms, prices) for prices in self._truth.prices}
        return {call.charge(duration_ms, prices, to_known=to_known) for prices in self._truth.prices}

    def _in_time(self, call: Call) -> list[Said]:
        """What was said of it soon enough after it was so."""
        late_ms = self._truth.remember_ms
        said = [each for each in call.said if each.event != "failed"]
        return [each for each in said if each.at_ms - (call.began_ms + each.duration_ms) < late_ms]

    def _look_at_nameless_calls(self, accounts: list[str]) -> None:
        """Details are gone, the money is not: by account."""
        for account in accounts:
            calls = [call for switch in self._truth.switches for call in switch.every if call.account == account]
            expected = [(self._expected(call), bool(self._in_time(call))) for call in calls]
            # All that was said of one may have been held back as too old.
            known = [each if in_time else each | {0} for each, in_time in expected if each is not None]
            fewest = sum(in_time for each, in_time in expected if each is not None)
            question = (
                "SELECT count(*), ifnull(sum(amount_micros), 0) FROM ledger WHERE account = ? AND kind IN (?, ?, ?)"
            )
            count, posted = self._rows(question, account, *OF_CALLS)[0]
            # A plan takes something off; how much of what can no longer be told.
            least = sum(map(min, known)) if len(self._truth.books[account].terms) == 1 else 0
            if count < fewest or not least <= posted <= sum(map(max, known)):
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

    def _look_at_currencies(self) -> None:
        """The ledger adds up in the account's currency, and to nothing in the one that it was taken for before."""
        for books in self._truth.books.values():
            rows = self._rows(
                "SELECT currency, sum(amount_micros) FROM ledger WHERE account = ? GROUP BY currency", books.id
            )
            if books.currency and any(owed for currency, owed in rows if currency != books.currency):
                self._break(f"{books.id} is in {books.currency}, and its ledger has {rows}")

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

    def _look_at_cards(self) -> None:
        """A bad card is warned of once until it is good again."""
        for books in self._truth.books.values():
            question = "SELECT action FROM decisions WHERE account = ? AND \"key\" = 'card' ORDER BY number"
            told = [row[0] for row in self._rows(question, books.id)]
            if told != ["warn", "cleared"] * (len(told) // 2) + ["warn"] * (len(told) % 2):
                self._break(f"{books.id}: of its card it was told {told}: {books.cards}")
            bad = [status in BAD_CARDS for status in books.cards]
            if told and (not any(bad) or (told[-1] == "warn" and not bad[-1])):
                self._break(f"{books.id}: its card is {books.cards} and it was told {told}")

    def _look_at_the_model(self) -> None:
        """It speaks only of what it has found, and blocks only where it may."""
        for account, action, mode, evidence, text, by in self._rows(
            """SELECT account, action, mode, evidence, text, "by" FROM decisions WHERE reason = 'anomaly'"""
        ):
            # What an operator approved of had its evidence with the decision that was held.
            shown = by or json.loads(evidence)
            said = action in ("warn", "block", "held") and (FOUND not in text or not shown)
            forbidden = mode == "enforce" and "enforce" not in self._truth.modes
            if account not in self._truth.found or said or forbidden:
                self._break(f"{account}: nothing explains what the model is said to have found: {action} {mode} {text}")

    def _look_at_history(self) -> None:
        """Each day that was told is learned once."""
        for account in self._truth.books if self._truth.told is not None else ():
            rows = self._rows("SELECT reason FROM audit WHERE account = ? AND what = 'learn'", account)
            learned = sum(int(row[0].split()[2]) for row in rows)
            mine = [told for told in self._truth.told or () if told.account == account]
            most, least = (
                frozenset[int]().union(*(told.days for told in mine if told.answered or not only))
                for only in (False, True)
            )
            if not len(least) <= learned <= len(most):
                self._break(f"{account}: of {len(least)} to {len(most)} days it has learned {learned}: {rows}")

    def _look_at_forgotten(self) -> None:
        """Nothing is left that says whom the account called, or who it was."""
        questions = {
            "numbers called": """SELECT * FROM ledger WHERE account = ? AND "to" <> '' AND call NOT LIKE '%/again-%'""",
            "texts of adjustments": "SELECT * FROM ledger WHERE account = ? AND kind = 'adjustment' AND text <> ''",
            "quarantine": "SELECT * FROM quarantine WHERE account = ?",
            "cards": "SELECT * FROM billing WHERE account = ? AND type = 'card' AND payload <> ''",
        }
        # Where the writer never rests, lines wait for their place in the directory, and forgetting for them.
        forgotten = [books for books in self._truth.books.values() if books.forgotten and self._truth.writer_rests]
        for books in forgotten:
            for what, question in questions.items():
                rows = self._rows(question, books.id)
                if rows:
                    self._break(f"{books.id} is forgotten, and there is left of {what}: {rows}")

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
        # Of a limit the history says in brackets how much it is now.
        done = Counter(row[0].partition(" (")[0] for row in self._rows("SELECT reason FROM audit"))
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
