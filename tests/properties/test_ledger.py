"""The engine against a naive ledger, under everything that can happen to it.

Reports are repeated, reordered and lost; payments come in any order; guard is restarted from what was committed, or
dies with a batch in its hands and gets its messages again; switches miss messages, go down, forget. After every step
the engine must agree with the naive ledger to the micro, at any moment, and keep its promises about blocks, warnings
and commands; in the end, when everything has healed, switches and engine must agree.

`GUARD_DEEP=n` runs n times as many examples.
"""

from __future__ import annotations

import os
from fractions import Fraction

from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant

from guard.core.calls import GROWING
from guard.core.decisions import Action, Decision, Mode, Reason
from guard.core.engine import Engine
from guard.core.flights import Flight, contribution_of
from guard.core.money import MS_PER_MINUTE, floor_from_scaled
from guard.core.pictures import is_confirmed
from guard.core.records import SwitchStatus
from guard.core.scopes import Scopes
from guard.core.settings import DAY_MS
from guard.core.views import AccountState
from tests.core.rules.builders import kept_across
from tests.properties.machine import Machine
from tests.properties.surroundings import CONFIGURED, RULES, SWITCHES


class EngineMatchesNaiveLedger(Machine):
    """What must hold after every step."""

    @invariant()
    def the_rules_have_not_failed(self) -> None:
        """The money would survive it, and so would a test that does not ask."""
        assert not self.engine.rule_failures

    @invariant()
    def agrees_with_the_naive_ledger(self) -> None:
        """What is owed, what is pending, what is in flight: to the micro, now."""
        books, world = self.books(), self.engine.world
        assert set(world.accounts) == set(books.accounts)
        for name, account in world.accounts.items():
            assert account.owed_micros == books.owed(name)
            assert account.pending_micros == sum(payment.amount_micros for payment in books.pending(name))
            assert account.exposure_scaled(self.now_ms) == self.exposure(books, name) * MS_PER_MINUTE
            assert account.limit_in_force == books.limit(name, self.now_ms)
            assert account.currency == books.accounts[name].currency
            assert account.provisional == books.accounts[name].provisional
        live = {(switch, call) for switch, call, _ in books.live()}
        assert {(name, call) for name, switch in world.switches.items() for call in switch.calls} == live
        assert {name for name, switch in world.switches.items() if switch.lagging} == self.lag.at(self.now_ms)

    @invariant()
    def money_is_conserved(self) -> None:
        """What an account owes is the sum of its lines, committed or not."""
        owed = dict(self.store.owed)
        for line in self.engine.world.changes.ledger:
            owed[line.account] = owed.get(line.account, 0) + line.amount_micros
        for name, account in self.engine.world.accounts.items():
            assert account.owed_micros == owed.get(name, 0)

    @invariant()
    def whoever_is_over_the_limit_is_blocked(self) -> None:
        """And whoever is well below it is not, but for the pause of a day."""
        books = self.books()
        lagging = self.lag.at(self.now_ms)
        for name, account in self.engine.world.accounts.items():
            limit, exposure = books.limit(name, self.now_ms), self.exposure(books, name)
            cause = account.cause(Reason.CREDIT_LIMIT)
            over = limit is not None and exposure >= limit and exposure > 0
            if over and account.allow_until_ms is None:
                assert cause is not None
            if account.allow_until_ms is not None:
                assert cause is None
                assert account.allow_until_ms > self.now_ms
            waits = account.lifted_at_ms and self.now_ms < account.lifted_at_ms + DAY_MS
            reads = any(switch in lagging and call.account == name for switch, _, call in books.live())
            if cause is not None and not waits and not reads:
                assert limit is not None
                assert exposure >= limit * Fraction(9, 10)

    @invariant()
    def totals_are_sums(self) -> None:
        """Per switch, per currency, per state: what is kept beside the accounts is what adding them up gives."""
        world = self.engine.world
        settled: dict[str, int] = {}
        states = dict.fromkeys(AccountState, 0)
        totals = {
            name: {currency: Flight(switch) for currency in switch.totals} for name, switch in world.switches.items()
        }
        for account in world.accounts.values():
            settled[account.currency] = settled.get(account.currency, 0) + account.owed_micros - account.trusted_micros
            states[account.present_state()] += 1
            assert account.state is account.present_state()
            assert (account.id in world.blocked) is bool(account.causes)
            for state, members in world.in_state.items():
                assert (account.id in members) is (account.state is state)
            for flight in account.flights:
                assert flight.calls > 0
                totals[flight.switch.name][account.currency].absorb(flight, 1)
        assert {currency: sum_ for currency, sum_ in world.settled_micros.items() if sum_} == {
            currency: sum_ for currency, sum_ in settled.items() if sum_
        }
        assert world.states == states
        for name, switch in world.switches.items():
            for currency, total in switch.totals.items():
                expected = totals[name][currency]
                for part in ("calls", "stated_micros", "rate_micros", "anchor", "frozen_scaled"):
                    assert getattr(total, part) == getattr(expected, part), part

    @invariant()
    def calls_and_flights_agree(self) -> None:
        """Each flight is the sum of its calls; nothing here ever falls silent or thinks of another clock."""
        for switch in self.engine.world.switches.values():
            assert switch.skew_ms == 0
            for call in switch.calls.values():
                assert call.silent_carry_scaled == GROWING
                assert call.free is call.is_free
                assert call.counted == contribution_of(call)
                assert call.account.live is not None
                assert call.account.live[switch.name, call.id] is call
        for account in self.engine.world.accounts.values():
            defying = [call for call in (account.live or {}).values() if call.defies]
            assert account.defying == len(defying)
            assert all(call.endable for call in defying)
            assert not defying or account.causes
            scaled = (
                account.exposure_scaled(self.now_ms) - (account.owed_micros - account.trusted_micros) * MS_PER_MINUTE
            )
            one_by_one = sum(call.value_micros(self.now_ms) for call in (account.live or {}).values())
            assert 0 <= floor_from_scaled(scaled) - one_by_one <= len(account.live or {})
            assert sum(flight.calls for flight in account.flights) == len(account.live or {})

    @invariant()
    def what_is_said_is_said_once(self) -> None:
        """A warning is not repeated before it was cleared; a block lifts by itself once a day at most."""
        spoken: set[tuple[str, str, str, str]] = set()
        lifted: dict[str, int] = {}
        decisions: list[Decision] = self.store.decisions + self.engine.world.changes.decisions
        assert len({decision.id for decision in decisions}) == len(decisions)
        for decision in decisions:
            key = decision.account, decision.rule, decision.key, decision.mark
            assert decision.text
            assert (decision.mode is Mode.SHADOW) <= (decision.action is Action.BLOCK or decision.reason is Reason.RULE)
            if decision.action is Action.WARN:
                assert key not in spoken
                spoken.add(key)
            elif decision.action is Action.CLEARED:
                assert key in spoken
                spoken.remove(key)
            elif (decision.action, decision.reason) == (Action.UNBLOCK, Reason.CREDIT_LIMIT):
                assert decision.at_ms >= lifted.get(decision.account, 0) + DAY_MS
                lifted[decision.account] = decision.at_ms

    @invariant()
    def the_history_explains_what_rules_block(self) -> None:
        """A cause by rule comes with a decision and goes with one; none stands while an operator allows the account."""
        causes: dict[str, set[str]] = {name: set() for name in self.engine.world.accounts}
        for decision in self.store.decisions + self.engine.world.changes.decisions:
            mine = causes[decision.account]
            if (decision.action, decision.reason, decision.mode) == (Action.BLOCK, Reason.RULE, Mode.ENFORCE):
                mine.add(decision.rule)
            elif decision.action is Action.UNBLOCK and decision.rule:
                mine.remove(decision.rule)
        for name, account in self.engine.world.accounts.items():
            assert {cause.rule for cause in account.causes if cause.reason is Reason.RULE} == causes[name]
            assert not (causes[name] and account.allow_until_ms is not None)

    @invariant()
    def what_is_held_waits_once(self) -> None:
        """An account waits once for each rule, and only after a decision that says so."""
        held = self.engine.held()
        assert len({(each.account, each.rule) for each in held}) == len(held)
        decisions = self.store.decisions + self.engine.world.changes.decisions
        assert {each.id for each in held} <= {each.id for each in decisions if each.action is Action.HELD}
        accounts = self.engine.world.accounts
        assert all(accounts[each.account].cause(Reason.RULE, each.rule) is None for each in held)

    @invariant()
    def what_waits_is_the_present_command(self) -> None:
        """A switch waits for at most one command of an account: the one that states what is wanted now."""
        for switch in self.engine.world.switches.values():
            for command_id, pending in switch.pending.items():
                command = self.engine.world.accounts[pending.account].command
                assert command is not None
                assert command.id == command_id
            assert switch.refused == {each: pending for each, pending in switch.pending.items() if pending.error}

    # -- the end

    def teardown(self) -> None:
        """When everything has healed, nothing waits, and every switch blocks exactly what is to be blocked."""
        self.commit()
        for name in SWITCHES:
            self.engine.control(SwitchStatus(switch=name, up=True), self.now_ms)
        for _ in range(50):
            self.commit()
            if not any(switch.inbox for switch in self.switches.values()):
                break
            for switch in self.switches.values():
                while switch.inbox:
                    self.engine.control(switch.receive(self.now_ms), self.now_ms)
        world = self.engine.world
        assert self.store.pending == {}
        assert all(not switch.pending and switch.synced for switch in world.switches.values())
        truth = {
            name: (account.seq, desired.scope)
            for name, account in world.blocked.items()
            if (desired := account.desired())
        }
        for switch in self.switches.values():
            assert switch.blocked == truth
        assert all(is_confirmed(account, world) for account in world.blocked.values())
        self.restores_to_itself()

    def restores_to_itself(self) -> None:
        """A restart gives the same rows again."""
        again = Engine(CONFIGURED, Scopes.of_country_code("1"), self.now_ms, rules=RULES)
        again.restore(self.store.restored(), self.now_ms)
        for name, account in self.engine.world.accounts.items():
            assert again.world.accounts[name].row() == account.row()
        for name, switch in self.engine.world.switches.items():
            rows = {call.id: call.row() for call in switch.calls.values()}
            assert {call.id: call.row() for call in again.world.switches[name].calls.values()} == rows
        assert again.world.settled_micros == {
            k: v for k, v in self.engine.world.settled_micros.items() if k in again.world.settled_micros
        }
        assert again.world.states == self.engine.world.states
        assert again.held() == self.engine.held()
        assert again.fuse_open == self.engine.fuse_open
        mine, restored = self.engine._detection, again._detection
        assert mine is not None
        assert restored is not None
        for name in self.engine.world.accounts:
            assert restored.watch.standing(name) == mine.watch.standing(name)
            kept = self.store.kept.get(("subject", name))
            assert restored.watch.row(name) == (None if kept is None else kept.row)
        assert kept_across(restored.watch) == kept_across(mine.watch)


TestEngineMatchesNaiveLedger = EngineMatchesNaiveLedger.TestCase
TestEngineMatchesNaiveLedger.settings = settings(
    max_examples=300 * int(os.environ.get("GUARD_DEEP", "1")),
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
