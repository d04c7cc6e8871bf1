"""The auditor while things happen: what must be true at every moment, judged from outside.

It sees what a switch is told, what is published, and what calls really cost, and shares no code with guard. Promises in
time (a call is ended soon after its account has reached its limit) hold while nothing is amiss; whatever goes wrong is
noted as *trouble* with its end, and the promise begins anew after that and a pause for guard to catch up.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.simulation.billing import Books
from tests.simulation.calls import Call
from tests.simulation.files import Files
from tests.simulation.plans import Priced, most_saved
from tests.simulation.prices import EMERGENCY
from tests.simulation.schedule import Schedule
from tests.simulation.switch import Switch

MILLION = 1_000_000
MINUTE_MS = 60_000
RECOVERY_MS = 20_000
"""After trouble: a command is sent again after 15 s at most, and calls count on from the next tick."""
COMMAND_MS = 1_500
"""From the moment of the limit to the switch: a commit, three ways through the broker, the time to obey."""
CLOCKS_AGREE_MS = 5_000
"""A clock that is behind by less cannot be told from a report that took its time (contract 2)."""
PUBLISHED_WITHIN_MS = 1_000
SETTLED_MS = 2_000
"""What was sent longer ago than this has arrived, unless there was trouble."""


def micros(text: str) -> int:
    """Money as the contract writes it."""
    sign, text = (-1, text[1:]) if text.startswith("-") else (1, text)
    whole, _, part = text.partition(".")
    return sign * (int(whole) * MILLION + int(part.ljust(6, "0")))


def instant_ms(text: str) -> int:
    """A time as the contract writes it."""
    return round(datetime.fromisoformat(text).timestamp() * 1_000)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something was amiss."""

    from_ms: int
    until_ms: int
    switch: str
    account: str
    delays: bool
    """Messages come later because of it."""


class Watch:
    """See the module's text; it is a `tests.simulation.switch.Watcher`."""

    def __init__(self, schedule: Schedule, clock_ms: Callable[[], int], files: Callable[[], Files]) -> None:
        self._schedule = schedule
        self._clock_ms = clock_ms
        self._files = files
        self.switches: list[Switch] = []
        self.books: dict[str, Books] = {}
        self.broken: list[str] = []
        self.story: list[tuple[int, str]] = []
        self.decisions: dict[str, dict[str, Any]] = {}
        """Published, by id."""
        self.published = 0
        self.commands: dict[str, str] = {}
        """By id (of a snapshot also its part): what it said."""
        self._seqs: dict[str, tuple[int, str]] = {}
        self._troubles: list[Trouble] = []
        self._over_since_ms: dict[str, int] = {}
        self._checked: set[Call] = set()
        self._ended_micros: dict[Call, int] = {}
        self.price_changes = False
        self.allowed_until_ms: dict[str, int] = {}
        """By account: until when an operator may have allowed it, by guard's clock."""
        self.set_unseen_ms = 0
        """How far guard's clock may have been set before guard ever looked at it."""
        self.calm = False
        """Nothing ever goes wrong in this world."""

    # -- notes

    def break_(self, what: str) -> None:
        """A promise is broken."""
        self.tell(f"BROKEN: {what}")
        self.broken.append(what)

    def tell(self, what: str) -> None:
        """For whoever reads the story."""
        self.story.append((self._schedule.now_ms, what))

    def trouble(self, what: str, until_ms: int, *, switch: str = "", account: str = "", delays: bool = True) -> None:
        """Something is amiss until then."""
        where = switch or account
        self.tell(f"{what}{f' ({where})' if where else ''}")
        self._troubles.append(Trouble(self._schedule.now_ms, until_ms, switch, account, delays))

    def last_trouble_ms(self, account: str, since_ms: int) -> int:
        """When guard had caught up with what last went wrong for this account since then; 0: nothing did."""
        last = 0
        for each in self._troubles:
            mine = each.account in ("", account)
            if mine and each.until_ms + RECOVERY_MS >= since_ms:
                last = max(last, each.until_ms + RECOVERY_MS)
        return last

    def prompt(self, what: str, at_ms: int, within_ms: int) -> None:
        """Something of that time is told only now: soon enough, if nothing is amiss?"""
        late_ms = self._schedule.now_ms - at_ms
        if self.calm and late_ms > within_ms and not self.last_trouble_ms("", at_ms):
            self.break_(f"{what} is told after {late_ms} ms")

    # -- commands

    def commanded(self, switch: Switch, message: dict[str, Any]) -> None:
        """A command has arrived: it is complete, and the same whenever it comes again."""
        kind = message.get("action", "")
        if not EMERGENCY.issubset(message.get("except", ())):
            self.break_(f"a command without its emergency numbers: {message}")
        said = json.dumps(message, sort_keys=True)
        if kind == "snapshot":
            key = f"{message['id']} {message['part']}"
        else:
            key = message["id"]
            self._check_command(message)
            self.tell(f"{switch.name} is told: {kind} {message['account']} seq {message['seq']} ({message['reason']})")
        if self.commands.setdefault(key, said) != said:
            self.break_(f"command {key} said `{self.commands[key]}` and later `{said}`")

    def _check_command(self, message: dict[str, Any]) -> None:
        if message["action"] == "block" and not message.get("reason"):
            self.break_(f"a block without its reason: {message}")
        highest, known = self._seqs.get(message["account"], (-1, ""))
        if message["id"] != known and message["seq"] == highest:
            self.break_(f"two commands have the same seq: {known} and {message['id']}")
        if message["seq"] > highest:
            self._seqs[message["account"]] = message["seq"], message["id"]

    # -- decisions

    def decided(self, payload: bytes) -> None:
        """A decision was published: it says why, and the same whenever it comes again."""
        decision = json.loads(payload)
        self.published += 1
        known = self.decisions.setdefault(decision["id"], decision)
        if known != decision:
            self.break_(f"decision {decision['id']} said `{known}` and later `{decision}`")
            return
        if known is not decision:
            return
        self.prompt(f"decision {decision['id']}", instant_ms(decision["at"]), PUBLISHED_WITHIN_MS)
        self.tell(f"decided: {decision['action']} {decision['account']} {decision['reason']}: {decision['text']}")
        if not decision["text"].strip():
            self.break_(f"a decision without a reason in words: {decision}")
        if decision["action"] == "block" and decision["mode"] == "enforce":
            self._check_block(decision)

    def _check_block(self, decision: dict[str, Any]) -> None:
        if decision["reason"] in ("credit_limit", "rule") and not decision["evidence"] and not decision.get("by"):
            self.break_(f"a block without evidence: {decision}")
        if decision["reason"] != "credit_limit":
            return
        exposure, limit = micros(decision["exposure"]), decision["limit"]
        if limit is None or exposure < micros(limit):
            self.break_(f"a credit block below the limit: {decision}")
            return
        most, least_limit = self._most_owed(decision["account"]), self._least_limit(decision["account"])
        if most is not None and least_limit is not None and most < least_limit:
            self.break_(f"a block that nothing explains: at most {most}, limit {least_limit}: {decision}")

    def _settled(self, account: str, sent_ms: int) -> bool:
        """What was sent then has arrived by now."""
        return self._schedule.now_ms > self.arrived_ms(account, sent_ms)

    def arrived_ms(self, account: str, sent_ms: int) -> int:
        """When what was sent then has arrived: after a while without anything that delays it."""
        for each in self._troubles:
            delays = each.delays and each.account in ("", account)
            if delays and each.from_ms <= sent_ms + SETTLED_MS and each.until_ms + RECOVERY_MS > sent_ms:
                sent_ms = each.until_ms + RECOVERY_MS
        return sent_ms + SETTLED_MS

    def _most_owed(self, account: str) -> int | None:
        """The most that guard may think the account owes now, by what it may not have heard; None: nobody can say."""
        books = self.books.get(account)
        if books is None or books.balances or self.price_changes:
            return None
        most = sum(moved for sent_ms, moved in books.moves if moved > 0 or self._settled(account, sent_ms))
        for switch in self.switches:
            for call in switch.every:
                if call.account == account:
                    most += self._most_of(switch, call)
        return most

    def _most_of(self, switch: Switch, call: Call) -> int:
        """The most that guard may think a call costs."""
        now_ms, prices = self._schedule.now_ms, self._files().prices
        ends = [said.at_ms for said in call.said if said.event == "ended"]
        over = bool(ends) and self._settled(call.account, ends[0])
        row = prices.row(call.to.removeprefix("+"))
        lasted_ms = call.duration_ms(now_ms) if over else now_ms - call.began_ms
        # What is charged for in advance is carried forward from its beginning: early by so much, never late.
        advance_ms = 1_000 * (max(call.increment_s, row.increment_s) + row.minimum_s)
        clocks_ms = abs(switch.clock_ms() - now_ms) + (CLOCKS_AGREE_MS if switch.clock_ms() != self._clock_ms() else 0)
        lasted_ms += SETTLED_MS + advance_ms + clocks_ms + self.set_unseen_ms
        first = min(call.said, key=lambda said: said.at_ms, default=None)
        if call.emergency and (call.flagged or (first is not None and first.to)):
            return 0
        known = call.charge_as_any(lasted_ms, prices, to_known=True)
        return known if first is not None and first.to else max(known, call.charge_as_any(lasted_ms, prices))

    def _least_limit(self, account: str) -> int | None:
        """The lowest limit that may be in force for guard; None: there may be none, or nobody can say."""
        books, clock_ms = self.books[account], self._clock_ms()
        if any(word.until_ms is not None for word in books.words):
            return None
        settled = sum(self._settled(account, word.sent_ms) for word in books.words)
        default = self._files().default_limit_micros
        candidates = [books.limit(clock_ms, default, count) for count in range(settled, len(books.words) + 1)]
        return min((limit for limit in candidates if limit is not None), default=None)

    # -- money

    def exposure(self, account: str) -> int | None:
        """Its true exposure: for calls and besides; None: a balance was stated, ask the ledger.

        Under a plan it depends on the order in which calls are posted, and this is the least that it can be.
        """
        books = self.books[account]
        if books.balances:
            return None
        prices, now_ms = self._files().prices, self._schedule.now_ms
        total = books.owed_besides_calls() - books.trusted(self._files().trust_percent)
        for switch in self.switches:
            for call in switch.every:
                if call.account != account:
                    continue
                if call.up:
                    total += call.charge(call.duration_ms(now_ms), prices)
                    continue
                known = self._ended_micros.get(call)
                if known is None or self.price_changes:
                    known = self._ended_micros[call] = call.charge(call.duration_ms(now_ms), prices)
                total += known
        return total - self._most_saved(books)

    def _most_saved(self, books: Books) -> int:
        """The most that plans can take off what its calls cost."""
        prices, now_ms = self._files().prices, self._schedule.now_ms
        plans = [plan for plan in map(prices.plan, {terms.plan for terms in books.terms}) if plan is not None]
        if not plans:
            return 0
        calls: list[Priced] = []
        for switch in self.switches:
            for call in switch.every:
                if call.account == books.id and call.rated:
                    row = prices.row(call.to.removeprefix("+"))
                    calls.append(Priced(row.kind, row.rate_micros, row.billed_s(call.duration_ms(now_ms))))
        # The month ends in the middle of it, in some time zones.
        return sum(most_saved(plan, calls, 2 * len(books.terms)) for plan in plans)

    def _allowed(self, account: str) -> bool:
        """Whether an operator may have allowed it, or had until a moment ago."""
        return self._clock_ms() < self.allowed_until_ms.get(account, 0) + RECOVERY_MS

    def _up(self, account: str) -> list[tuple[Switch, Call]]:
        """Its calls that are up."""
        return [(each, call) for each in self.switches for call in each.calls.values() if call.account == account]

    def _increment_s(self, call: Call) -> int:
        """The increment by which it is charged for, whoever prices it."""
        return max(call.increment_s, self._files().prices.row(call.to.removeprefix("+")).increment_s)

    def _unnamed(self, account: str) -> bool:
        """A call of it is up whose number guard has not been told, so that it is valued at the unknown rate."""
        return any(not call.states_charge and not any(said.to for said in call.said) for _, call in self._up(account))

    def cutting(self, switch: Switch, account: str, ending: list[Call]) -> None:
        """A block is about to end calls: was it in time? The moment of the limit is computed, not awaited."""
        now_ms = self._schedule.now_ms
        books, owed = self.books[account], self.exposure(account)
        limit = books.limit(self._clock_ms(), self._files().default_limit_micros)
        calm = not self.last_trouble_ms(account, now_ms - 2 * MINUTE_MS) and not self.price_changes
        changes = [sent_ms for sent_ms, _ in books.moves] + [word.sent_ms for word in books.words]
        changed_ms = max(changes, default=0)
        passing = any(word.until_ms is not None for word in books.words)
        if limit is None or owed is None or not calm or passing or now_ms - changed_ms < COMMAND_MS:
            return
        if self._unnamed(account) or self._allowed(account):
            return
        window_ms = COMMAND_MS + switch.obeys_within_ms
        allowed = 0
        prices = self._files().prices
        for each in self.switches:
            for call in each.every:
                if call.account == account and (call.ended_ms is None or now_ms - call.ended_ms < window_ms):
                    increment_ms = 1_000 * self._increment_s(call)
                    lasted_ms = call.duration_ms(now_ms)
                    before_ms = max(0, lasted_ms - window_ms - increment_ms) if lasted_ms > window_ms else None
                    before = 0 if before_ms is None else call.charge(before_ms, prices)
                    allowed += call.charge(lasted_ms, prices) - before
        if owed > limit + allowed:
            self.break_(
                f"cut too late: {account} owes {owed}, its limit is {limit}, {allowed} more may be owed: {ending}"
            )

    def ticking(self, switch: Switch, call: Call) -> None:
        """A call goes on: has it any right to, by what its account owes?"""
        account, now_ms = call.account, self._schedule.now_ms
        limit = self.books[account].limit(self._clock_ms(), self._files().default_limit_micros)
        owed = self.exposure(account)
        excused = self.price_changes or self._unnamed(account) or self._allowed(account)
        if limit is None or owed is None or owed < max(limit, 1) or excused:
            self._over_since_ms.pop(account, None)
            return
        since_ms = self._over_since_ms.setdefault(account, now_ms)
        if not call.endable or call in self._checked:
            return
        since_ms = max(since_ms, call.began_ms, self.last_trouble_ms(account, since_ms - 2 * MINUTE_MS))
        # What an increment costs is charged when it begins and shows with the next tick.
        unseen_ms = max(each.tick_ms + 1_000 * self._increment_s(live) for each, live in self._up(account))
        if now_ms > since_ms + unseen_ms + COMMAND_MS + switch.obeys_within_ms:
            self._checked.add(call)
            self.break_(
                f"overspent: {account} owes {owed}, its limit is {limit}, for {now_ms - since_ms} ms, and {call.id} "
                f"goes on at {call.rate_micros} a minute"
            )
