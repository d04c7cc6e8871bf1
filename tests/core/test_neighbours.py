"""A snapshot goes a longer way than commands: a block that was given meanwhile must not be undone by it for good."""

from __future__ import annotations

from guard.core.decisions import Command, SnapshotPart
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.neighbours import Mentioned, SnapshotWanted
from guard.core.records import Ack, Block, Event, Report, Scope, SwitchStatus
from guard.core.scopes import Scopes
from guard.core.settings import Settings

NOW_MS = 1_800_000_000_000


def engine(*, composed: bool) -> Engine:
    """An engine that knows an account, and a switch that has just come up."""
    made = Engine(Settings(), Scopes.of_country_code("1"), NOW_MS, partition=0 if composed else None)
    report = Report(
        call="c1", event=Event.TICK, account="A1", at_ms=NOW_MS, duration_ms=1, to="+1613", charge_micros=Micros(1)
    )
    made.report("sw1", report, NOW_MS)
    made.take()
    made.control(SwitchStatus(switch="sw1", up=True), NOW_MS)
    return made


def sends(of: Engine) -> list[Command | SnapshotPart]:
    return [send.message for send in of.take().sends]


def block(of: Engine, at_ms: int) -> Command:
    of.intent(Block(account="A1", scope=Scope.ALL, until_ms=None, by="ana", reason="test"), at_ms)
    (command,) = sends(of)
    assert isinstance(command, Command)
    of.control(Ack(switch="sw1", id=command.id, ok=True, account="A1"), at_ms)
    return command


def test_a_command_given_while_the_snapshot_was_on_its_way_is_sent_again() -> None:
    one_of_many = engine(composed=True)
    (piece,) = sends(one_of_many)
    command = block(one_of_many, NOW_MS + 10)

    one_of_many.control(Ack(switch="sw1", id=piece.id, ok=True, part=1), NOW_MS + 500)

    assert sends(one_of_many) == [command]


def test_a_single_daemon_whose_messages_keep_their_order_does_not_say_it_twice() -> None:
    alone = engine(composed=False)
    (snapshot,) = sends(alone)
    block(alone, NOW_MS + 10)

    alone.control(Ack(switch="sw1", id=snapshot.id, ok=True, part=1), NOW_MS + 500)

    assert sends(alone) == []


def test_a_switch_that_gets_no_snapshot_is_told_each_block_by_itself_once() -> None:
    """The piece of another engine is missing, and a switch that has just started knows of no block."""
    one_of_many, alone = engine(composed=True), engine(composed=False)
    for each in (one_of_many, alone):
        sends(each)
        block(each, NOW_MS + 10)
        each.control(SwitchStatus(switch="sw1", up=True), NOW_MS + 1_000)
        sends(each)

    told: dict[Engine, list[int]] = {one_of_many: [], alone: []}
    for each, moments in told.items():
        for later_ms in range(2_000, 60_000, 1_000):
            each.advance(NOW_MS + later_ms)
            for command in [send for send in sends(each) if isinstance(send, Command)]:
                moments.append(later_ms)
                each.control(Ack(switch="sw1", id=command.id, ok=True, account="A1"), NOW_MS + later_ms)

    assert told == {one_of_many: [8_000], alone: []}


def test_a_piece_that_is_wanted_is_made() -> None:
    one_of_many = engine(composed=True)
    (first,) = sends(one_of_many)

    one_of_many.control(SnapshotWanted(switch="sw1"), NOW_MS + 600)

    (second,) = sends(one_of_many)
    assert isinstance(second, SnapshotPart)
    assert second.id != first.id


def test_a_switch_that_reports_about_others_is_not_silent() -> None:
    one_of_many = engine(composed=True)
    settings = one_of_many.world.settings
    at_ms = NOW_MS
    while at_ms < NOW_MS + settings.stale_after_ms + 30_000:
        at_ms += 5_000
        one_of_many.control(Mentioned(switch="sw1"), at_ms)

    notices = one_of_many.take().notices
    assert not [notice for notice in notices if notice.switch == "sw1"]
    assert one_of_many.world.switches["sw1"].last_heard_ms == at_ms


def test_what_was_on_its_way_when_the_switch_went_down_does_not_bring_it_up() -> None:
    one_of_many = engine(composed=True)
    one_of_many.control(SwitchStatus(switch="sw1", up=False), NOW_MS + 1_000)

    one_of_many.control(Mentioned(switch="sw1"), NOW_MS + 2_000)
    assert not one_of_many.world.switches["sw1"].up

    one_of_many.control(Mentioned(switch="sw1"), NOW_MS + 20_000)
    assert one_of_many.world.switches["sw1"].up
