"""Faults in guard, made on purpose: the simulator is worth what it finds, so each of these must be found.

A mutant replaces one function of guard by one that does what a hasty change might do. They are small, they pass for
working code as long as nothing goes wrong, and each breaks one promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from guard.adapters.sqlite import details, outbox, restoring
from guard.adapters.sqlite.checkpoint import Checkpoint
from guard.adapters.sqlite.keeper import Keeper
from guard.core import cards, delivery, limits, memory, plans
from guard.core import intake as guards_intake
from guard.core.alarms import Alarms
from guard.core.anomaly import Anomaly, Said
from guard.core.billing import Billing
from guard.core.books import Books
from guard.core.delivery import Delivery
from guard.core.emergency import EmergencyNumbers
from guard.core.engine import Engine
from guard.core.memory import Memory
from guard.core.money import Micros
from guard.core.rows import CardRow
from guard.core.rules import past
from guard.core.tariff import Destination
from guard.ports import StoreError
from guard.shell.courier import Courier
from guard.shell.feed import Feed
from guard.shell.intake import Intake
from guard.shell.loop import Loop
from guard.shell.persistence import Persistence
from guard.wire import commands

Mutant = AbstractContextManager[Any]


def acknowledge_before_commit() -> Mutant:
    """A message is acknowledged when it has been applied; what was not committed when guard died is lost."""
    commit = Loop._commit

    async def hasty(loop: Loop) -> Any:
        loop._intake.acknowledge()
        return await commit(loop)

    return patch.object(Loop, "_commit", hasty)


def acknowledge_newest_first() -> Mutant:
    """PUBACKs leave in the wrong order."""
    acknowledge = Intake.acknowledge

    def backwards(intake: Intake) -> None:
        intake.taken.calls.reverse()
        acknowledge(intake)

    return patch.object(Intake, "acknowledge", backwards)


def send_before_commit() -> Mutant:
    """A command leaves before the decision that it carries out is durable."""
    commit = Loop._commit

    async def hasty(loop: Loop) -> Any:
        loop._dispatch.send(loop._engine.world.changes.sends)
        return await commit(loop)

    return patch.object(Loop, "_commit", hasty)


def give_up_a_failed_batch() -> Mutant:
    """A batch that cannot be stored is dropped after the first try."""

    async def once(persistence: Persistence, attempt: Any) -> Any:
        try:
            return await attempt()
        except StoreError:
            return 0

    return patch.object(Persistence, "insist", once)


def send_once() -> Mutant:
    """A command that nobody acknowledges is not sent again."""
    send = Delivery._send

    def lazy(self: Delivery, switch: Any, command: Any, pending: Any, now_ms: int) -> None:
        send(self, switch, command, pending, now_ms)
        pending.due_ms = -1

    return patch.object(Delivery, "_send", lazy)


def count_a_late_report_again() -> Mutant:
    """A report about a call that is over begins it once more."""
    return patch.object(Memory, "judge_past", lambda *_arguments, **_named: None)


def forget_billing_ids() -> Mutant:
    """After a restart a billing message that comes again counts again."""
    return patch.object(Billing, "restore", lambda _billing, _entries: None)


def ask_no_ledger() -> Mutant:
    """A balance is taken for what is owed now."""

    async def nothing(_loop: Loop, _account: str, _after_ms: int) -> int:
        return 0

    return patch.object(Loop, "_posted_since", nothing)


def forget_the_journal() -> Mutant:
    """What has been journalled and not been saved is not read back."""
    return patch.object(restoring, "read_journal", lambda _connection, _checkpoint: None)


def save_all_but_one() -> Mutant:
    """The checkpoint leaves out a row of each bite, and the journal forgets it."""
    write = Checkpoint._write

    def careless(self: Checkpoint, bulk: Any, rows: Iterator[Any]) -> Iterator[int]:
        return write(self, bulk, iter([*rows][1:]))

    return patch.object(Checkpoint, "_write", careless)


def commit_twice() -> Mutant:
    """A batch whose commit took effect and said that it had not is written once more."""
    return patch.object(Keeper, "_known", lambda _keeper, _batch: None)


def drop_the_outbox() -> Mutant:
    """Commands that nobody had acknowledged are forgotten at a restart."""
    return patch.object(Delivery, "restore", lambda *_arguments, **_named: None)


def snapshot_of_nobody() -> Mutant:
    """A snapshot leaves out whom it is about."""

    @contextmanager
    def empty() -> Iterator[None]:
        synchronise = Delivery.synchronise

        def hollow(self: Delivery, *arguments: Any, **named: Any) -> None:
            blocked, self._world.blocked = self._world.blocked, {}
            try:
                synchronise(self, *arguments, **named)
            finally:
                self._world.blocked = blocked

        with patch.object(Delivery, "synchronise", hollow):
            yield

    return empty()


def settle_unasked() -> Mutant:
    """A command counts as acknowledged when it has been sent."""
    send = Delivery._send

    def trusting(self: Delivery, switch: Any, command: Any, pending: Any, now_ms: int) -> None:
        send(self, switch, command, pending, now_ms)
        self._settle(switch, command.id, now_ms)

    return patch.object(Delivery, "_send", trusting)


def same_seq() -> Mutant:
    """Commands of an account are not told apart by their order."""
    command_of = delivery.command_of

    def unnumbered(account: Any, world: Any) -> Any:
        command = command_of(account, world)
        return None if command is None else replace(command, seq=1)

    return patch.object(delivery, "command_of", unnumbered)


def no_exemption() -> Mutant:
    """Commands leave without their emergency numbers."""
    encode = commands.encode_command

    def bare(command: Any) -> bytes:
        return encode(command).replace(b'"except":["911","112","933","988"]', b'"except":[]')

    return patch.object(commands, "encode_command", bare)


def charge_emergency_calls() -> Mutant:
    """911 is a number like any other."""
    return patch.object(EmergencyNumbers, "as_dialled", lambda _numbers: frozenset())


def round_down() -> Mutant:
    """A price loses its last half micro."""
    price = Destination.price_micros

    def low(self: Destination, duration_ms: int, rate_micros: int) -> int:
        whole = price(self, duration_ms, rate_micros)
        return whole - 1 if whole % 10 == 7 else whole

    return patch.object(Destination, "price_micros", low)


def await_the_next_report() -> Mutant:
    """The moment of the limit is not computed: a block waits for a report."""
    return patch.object(Alarms, "_schedule", lambda *_arguments: None)


def ignore_the_clock() -> Mutant:
    """Calls are carried forward over a step of our own clock."""
    return patch.object(Engine, "clock_stepped", lambda _engine, _now_ms, _step_ms: None)


def owe_nobody() -> Mutant:
    """What a webhook is owed is not stored, only how far it has been through the history."""

    async def forgetful(self: Any, webhook: str, owed: Any, position: Any) -> None:
        del owed
        await self._write(lambda connection: connection.execute(outbox._MOVE, (*position, webhook)), synced=False)

    return patch.object(outbox.SqliteOutbox, "owe", forgetful)


def believe_in_delivery() -> Mutant:
    """A receiver that did not answer has got it all the same."""
    landed = Courier._landed

    def hopeful(self: Courier, owed: Any, sent: Any, now_ms: int) -> None:
        landed(self, owed, replace(sent, error=""), now_ms)

    return patch.object(Courier, "_landed", hopeful)


def publish_once() -> Mutant:
    """A decision counts as published when it has been handed to the connection."""
    make = Feed.__init__

    def hasty(self: Feed, **named: Any) -> None:
        make(self, **named | {"published": 10**9})

    return patch.object(Feed, "__init__", hasty)


def post_nothing_late() -> Mutant:
    """A call that was given up and ends after all stays at what it was posted at."""
    judge = Memory.judge_past

    def stubborn(self: Memory, switch: Any, past: Any, *arguments: Any, **named: Any) -> Any:
        return judge(self, switch, past._replace(lost=False), *arguments, **named)

    return patch.object(Memory, "judge_past", stubborn)


def forget_live_calls() -> Mutant:
    """Calls that were up when guard died are not known after it."""
    return patch.object(restoring, "_calls", lambda _connection, _newer: [])


def each_call_sees_all_of_the_quota() -> Mutant:
    """What a posted call has used of its plan is not noted."""
    return patch.object(Books, "take", lambda _books, _cycle_ms, _key, _amount: None)


def keep_what_was_given_up() -> Mutant:
    """A call that was given up and comes back has used its plan twice."""
    return patch.object(Memory, "_give_back", lambda _memory, _account, _rated: None)


def one_cycle_for_ever() -> Mutant:
    """The month ends, and what was used of the plan stays used."""

    def used(self: Books, _cycle_ms: int, key: str) -> int:
        return sum(cycle.get(key, 0) for cycle in self.use.values())

    return patch.object(Books, "used", used)


def cover_what_connects() -> Mutant:
    """A quota takes off `connect` as well."""
    split = plans.split

    def generous(cover: Any, **figures: int) -> Any:
        bill = split(cover, **figures)
        free = bill.covered_s == figures["billed_s"]
        return bill._replace(net_micros=Micros(bill.net_micros - figures["connect_micros"])) if free else bill

    return patch.object(memory, "split", generous)


def let_every_step_pass() -> Mutant:
    """A limit by cycles follows its invoices whatever they ask for."""
    return patch.object(limits, "KEPT_INVOICES", 100)


def go_by_the_last_invoice() -> Mutant:
    """A limit by cycles is made of one invoice."""
    amount_of = limits.amount_of
    return patch.object(limits, "amount_of", lambda credit, known, settings: amount_of(credit, known[-1:], settings))


def leave_it_paid() -> Mutant:
    """A payment that bounced has paid its invoice all the same."""
    return patch.object(Books, "take_back", lambda _books, _amount: None)


def warn_of_each_card() -> Mutant:
    """Whoever was told of a bad card is told again with each word of it."""

    def forgetful(account: Any, message: Any, world: Any, now_ms: int) -> None:
        account.open_books().file_card(CardRow(message.status.value, message.expires, now_ms, warned=False))
        world.touch(account)

    return patch.object(cards, "put_on_file", forgetful)


def call_it_another_currency() -> Mutant:
    """What was posted of an account that turns out to be in another currency stays in the first."""

    def plain(self: Billing, account: Any, currency: str, _ref: str, _now_ms: int) -> None:
        self._world.change_currency(account, currency)

    return patch.object(Billing, "_relabel", plain)


def leave_the_numbers() -> Mutant:
    """An account is forgotten, and whom it called is not."""
    return patch.object(details, "_FORGET_LINE", "UPDATE ledger SET text = '' WHERE 0 AND (? + ? + ?)")


def learn_again() -> Mutant:
    """Days of history that are told twice are learned twice."""
    return patch.object(past, "_joined", lambda spans, _news: spans)


def let_the_model_act() -> Mutant:
    """What the model finds blocks whatever its mode."""
    wanted = Anomaly._wanted

    def eager(self: Anomaly, account: Any, finding: Any, now_ms: int) -> Any:
        return Said.ACTED if wanted(self, account, finding, now_ms) is Said.RECORDED else Said.WARNED

    return patch.object(Anomaly, "_wanted", eager)


def judge_by_memory_only() -> Mutant:
    """A report from before the memory's horizon is news if nobody remembers its call."""

    def open_hearted(self: Any, switch: Any, report: Any, now_ms: int, *rest: Any, **named: Any) -> Any:
        self._remember_ms, self._world.forgotten_before_ms = 10**15, 0
        return take_news(self, switch, report, now_ms, *rest, **named)

    take_news = guards_intake.Intake._take_news
    return patch.object(guards_intake.Intake, "_take_news", open_hearted)


MUTANTS: dict[Callable[[], Mutant], frozenset[str]] = {
    acknowledge_before_commit: frozenset({"guard dies"}),
    acknowledge_newest_first: frozenset(),
    send_before_commit: frozenset({"guard dies"}),
    give_up_a_failed_batch: frozenset({"disk full"}),
    send_once: frozenset({"command lost"}),
    count_a_late_report_again: frozenset({"report doubled"}),
    forget_billing_ids: frozenset({"guard dies", "billing doubled"}),
    ask_no_ledger: frozenset({"balances"}),
    forget_the_journal: frozenset({"guard dies"}),
    save_all_but_one: frozenset({"guard dies"}),
    commit_twice: frozenset({"disk failing late"}),
    drop_the_outbox: frozenset({"guard dies", "ack lost"}),
    snapshot_of_nobody: frozenset({"switch reboots"}),
    settle_unasked: frozenset({"command lost", "command refused"}),
    same_seq: frozenset(),
    no_exemption: frozenset(),
    charge_emergency_calls: frozenset(),
    round_down: frozenset(),
    await_the_next_report: frozenset(),
    ignore_the_clock: frozenset({"clock stepped"}),
    owe_nobody: frozenset(),
    believe_in_delivery: frozenset({"receivers ill"}),
    publish_once: frozenset(),
    post_nothing_late: frozenset({"end lost"}),
    forget_live_calls: frozenset({"guard dies"}),
    each_call_sees_all_of_the_quota: frozenset({"plans"}),
    keep_what_was_given_up: frozenset({"plans", "end lost"}),
    one_cycle_for_ever: frozenset({"plans"}),
    cover_what_connects: frozenset({"plans"}),
    let_every_step_pass: frozenset({"invoices"}),
    go_by_the_last_invoice: frozenset({"invoices"}),
    leave_it_paid: frozenset({"invoices"}),
    warn_of_each_card: frozenset({"cards"}),
    call_it_another_currency: frozenset(),
    leave_the_numbers: frozenset({"accounts close", "forgetting"}),
    learn_again: frozenset({"history"}),
    let_the_model_act: frozenset({"model"}),
    judge_by_memory_only: frozenset({"records"}),
}
"""Each with the faults in whose presence it shows."""
