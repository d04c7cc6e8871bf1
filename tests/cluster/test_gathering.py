"""What workers tell of themselves, and what the others make of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import pytest

from guard.core.engine import Engine
from guard.core.events import WebhookView
from guard.core.neighbours import Mentioned
from guard.core.partitions import PARTITIONS
from guard.core.records import AccountMessage, Ack, Block, Release
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.core.views import AccountState
from guard.ports import StoreError
from guard.ports.archive import Telling, Tellings
from guard.ports.cluster import Claim, Position
from guard.shell.cluster.gathering import STALE_MS, Gathering, Stand, webhooks_together
from guard.shell.cluster.telling import MOST_ANSWERS, Teller
from guard.shell.courier import Courier
from guard.wire.told import VERSION, ToldPartition, ToldRefusal, ToldSwitch, ToldWorker, decode_told, encode_told
from tests.shell.fakes import ManualClock
from tests.store.samples import T0

EVERY = list(range(PARTITIONS))


@dataclass
class Board:
    """Holds what is told; it may be away."""

    tellings: Tellings = field(default_factory=lambda: Tellings(workers=[], unowned=[]))
    written: list[tuple[str, bytes]] = field(default_factory=list)
    away: bool = False

    async def tell(self, worker: str, picture: bytes) -> None:
        if self.away:
            raise StoreError("the database is away; start it")
        self.written.append((worker, picture))

    async def told(self) -> Tellings:
        if self.away:
            raise StoreError("the database is away; start it")
        return self.tellings


def _partition(part: int, epoch: int = 1, accounts: int = 0, **fields: int) -> ToldPartition:
    return ToldPartition(
        part=part,
        epoch=epoch,
        states=(accounts, fields.get("warned", 0), 0, 0),
        live_calls=fields.get("calls", 0),
        held=fields.get("held", 0),
        fuse_open=bool(fields.get("fuse_open")),
        currencies=(("CAD", 10 * accounts, accounts, 2),) if accounts else (),
    )


def _worker(
    partitions: Sequence[ToldPartition],
    *,
    switches: Sequence[ToldSwitch] = (),
    growing: Sequence[tuple[int, str]] = (),
    used: Sequence[tuple[int, str]] = (),
    hits: Sequence[tuple[str, str, int]] = (),
    refused: Sequence[ToldRefusal] = (),
    acked: Sequence[tuple[str, str]] = (),
) -> bytes:
    return encode_told(
        ToldWorker(
            partitions=list(partitions),
            switches=list(switches),
            growing=list(growing),
            used=list(used),
            hits=list(hits),
            webhooks=[],
            refused=list(refused),
            acked=list(acked),
        )
    )


def _telling(worker: str, picture: bytes, ago_ms: int = 0) -> Telling:
    return Telling(worker=worker, picture=picture, ago_ms=ago_ms)


async def _gathered(*workers: Telling, unowned: Sequence[int] = ()) -> Gathering:
    gathering = Gathering(Board(Tellings(workers=workers, unowned=unowned)), ManualClock())
    await gathering.look()
    return gathering


async def test_sums_are_over_partitions() -> None:
    one = _worker([_partition(0, accounts=3, calls=2, held=1), _partition(1, accounts=4, warned=1)])
    other = _worker([_partition(2, accounts=5, calls=1, fuse_open=1)])
    gathering = await _gathered(_telling("w1", one), _telling("w2", other))
    totals = gathering.totals()
    assert totals.accounts == {
        AccountState.ACTIVE: 12,
        AccountState.WARNED: 1,
        AccountState.BLOCKED: 0,
        AccountState.CLOSED: 0,
    }
    assert totals.live_calls == 3
    (money,) = totals.currencies
    assert (money.currency, money.exposure_micros, money.in_flight_micros) == ("CAD", 120, 12)
    assert money.burn_micros_per_minute == 6
    assert (gathering.held_count(), gathering.fuse_open()) == (1, True)


async def test_a_partition_that_moves_counts_once_as_its_newest_owner_says() -> None:
    """Its old owner told before it gave it up; who looks between the two sees both."""
    for order in (1, -1):
        tellings = [
            _telling("w1", _worker([_partition(7, epoch=4, accounts=3)])),
            _telling("w2", _worker([_partition(7, epoch=5, accounts=4)])),
        ]
        gathering = await _gathered(*tellings[::order])
        assert gathering.totals().accounts[AccountState.ACTIVE] == 4


async def test_how_a_switch_stands_is_told_for_each_partition() -> None:
    switch = ToldSwitch("sw1", live_calls=3, lagging=[2], unsynced=[2, 3], skewed={3: 700})
    gathering = await _gathered(_telling("w1", _worker([_partition(part) for part in (1, 2, 3)], switches=[switch])))
    assert gathering.stand(1, "sw1") == Stand(synced=True, lagging=False, skew_ms=0)
    assert gathering.stand(2, "sw1") == Stand(synced=False, lagging=True, skew_ms=0)
    assert gathering.stand(3, "sw1") == Stand(synced=False, lagging=False, skew_ms=700)
    assert gathering.stand(4, "sw1") is None, "nobody has told of that partition"
    assert gathering.stand(1, "sw2") is None, "nobody has told of that switch"
    assert gathering.behind() == ["sw1"]


async def test_a_switch_is_as_bad_as_whoever_sees_it_worst() -> None:
    well = ToldSwitch("sw1", live_calls=3, unconfirmed=1, last_heard_ms=T0, usual_calls=40, silence="unusual")
    badly = ToldSwitch(
        *("sw1", False, T0 - 9, 4, 2, True, "calls_up", 2, -800),
        lagging=[9],
        unsynced=[9],
        home=True,
    )
    one = _worker([_partition(1)], switches=[well])
    other = _worker([_partition(9)], switches=[badly, ToldSwitch("sw0")])
    for order in (1, -1):
        gathering = await _gathered(*[_telling("w1", one), _telling("w2", other)][::order])
        first, second = gathering.switches()
        assert (first.name, second.name) == ("sw0", "sw1")
        assert (second.up, second.blind, second.synced, second.lagging) == (False, True, False, True)
        assert (second.live_calls, second.unconfirmed, second.usual_calls) == (7, 3, 42)
        assert (second.last_heard_ms, second.skew_ms, second.silence) == (T0, -800, "calls_up")


async def test_the_nearest_of_all_workers_come_first() -> None:
    one = _worker([], growing=[(5, "A"), (9, "B")], used=[(900, "C"), (850, "D")], hits=[("hot", "shadow", 2)])
    other = _worker([], growing=[(7, "E")], used=[(870, "F")], hits=[("hot", "shadow", 3), ("far", "enforce", 1)])
    gathering = await _gathered(_telling("w1", one), _telling("w2", other))
    assert gathering.growing() == ["A", "E", "B"]
    assert gathering.most_used() == ["C", "F", "D"]
    assert gathering.rule_hits() == {("hot", "shadow"): 5, ("far", "enforce"): 1}


async def test_what_a_switch_answered_is_known_from_the_newest_owner_of_the_partition() -> None:
    """Who held it before may still tell of a refusal that is over."""
    before, refusal = ToldRefusal("A1", 3, "sw1", "no such trunk"), ToldRefusal("A1", 4, "sw2", "busy")
    for order in (1, -1):
        tellings = [
            _telling("w1", _worker([_partition(7, epoch=4)], refused=[before], acked=[("sw2", "A1")])),
            _telling("w2", _worker([_partition(7, epoch=5)], refused=[refusal], acked=[("sw1", "A1")])),
        ]
        gathering = await _gathered(*tellings[::order])
        assert list(gathering.refused(7, "A1")) == [refusal]
        assert list(gathering.acked(7, "A1")) == ["sw1"]
        assert not gathering.refused(7, "A2")
        assert not gathering.refused(8, "A1"), "nobody has told of that partition"
        assert not gathering.acked(8, "A1")


def test_what_a_worker_of_an_older_release_tells_is_read() -> None:
    members = msgspec.msgpack.decode(_worker([_partition(7, accounts=2)]))
    del members["refused"], members["acked"]
    told = decode_told(msgspec.msgpack.encode(members))
    assert told is not None
    assert (told.partitions, told.refused, told.acked) == ([_partition(7, accounts=2)], [], [])


# -- what is missing


async def test_what_is_old_or_cannot_be_read_is_not_counted_and_said() -> None:
    whole = _worker([_partition(part, accounts=1) for part in EVERY[:200]])
    rest = [_partition(part, accounts=1) for part in EVERY[200:]]
    newer = encode_told(
        ToldWorker(v=VERSION + 1, partitions=[], switches=[], growing=[], used=[], hits=[], webhooks=[])
    )
    for unread in (
        _telling("w2", _worker(rest), STALE_MS + 1),
        _telling("w2", b""),
        _telling("w2", b"\xc1"),
        _telling("w2", newer),
    ):
        gathering = await _gathered(_telling("w1", whole), unread)
        assert gathering.totals().accounts[AccountState.ACTIVE] == 200
        (gap,) = gathering.gaps()
        assert gap == "Nothing has been told for 5 s by w2: what is held there is not in the figures."
    gathering = await _gathered(_telling("w1", whole), _telling("w2", _worker(rest), STALE_MS))
    assert gathering.gaps() == []


async def test_partitions_without_an_owner_are_named() -> None:
    gathering = await _gathered(_telling("w1", _worker([_partition(part) for part in EVERY[2:]])), unowned=[0, 1])
    (gap,) = gathering.gaps()
    assert gap.startswith("2 of 256 partitions have no owner (0, 1): nothing is decided for their accounts now")


async def test_a_store_that_does_not_answer_leaves_what_was_known_and_is_said() -> None:
    clock = ManualClock()
    board = Board(Tellings(workers=[_telling("w1", _worker([_partition(p, accounts=1) for p in EVERY]))], unowned=[]))
    gathering = Gathering(board, clock)
    board.away = True
    await gathering.look()
    assert gathering.gaps() == ["What the workers tell has not been read yet: the figures on this page are not known."]
    board.away = False
    await gathering.look()
    board.away = True
    await gathering.look()
    assert gathering.gaps() == []
    clock.ms += STALE_MS + 1_000
    await gathering.look()
    assert gathering.totals().accounts[AccountState.ACTIVE] == PARTITIONS
    assert gathering.gaps() == [
        "The store has not answered for 6 s (the database is away; start it): the figures are of before."
    ]


# -- webhooks


def _webhook(
    pending: int = 0, dead: int = 0, delivered_ms: int | None = None, failing: tuple[int, str] | None = None
) -> WebhookView:
    since_ms, error = failing or (None, "")
    return WebhookView(
        webhook="ops",
        kind="webhook",
        events=("block",),
        pending=pending,
        dead=dead,
        delivered_ms=delivered_ms,
        failing_since_ms=since_ms,
        error=error,
    )


def test_what_waits_for_a_target_is_a_sum_and_its_error_that_of_whoever_fails_longest() -> None:
    parts = [
        [_webhook(pending=2, dead=1, delivered_ms=5)],
        [_webhook(pending=1, failing=(9, "503"))],
        [_webhook(dead=3, delivered_ms=8, failing=(4, "no answer"))],
    ]
    (view,) = webhooks_together(parts)
    assert (view.pending, view.dead, view.delivered_ms) == (3, 4, 8)
    assert (view.failing_since_ms, view.error) == (4, "no answer")


# -- telling


@dataclass
class Side:
    """A partition that is held."""

    claim: Claim
    engine: Engine
    restored: bool = True
    couriers: Sequence[Courier] = ()


def _side(part: int, *, restored: bool = True) -> Side:
    engine = Engine(Settings(), Scopes({}), T0, partition=part)
    engine.control(Mentioned(switch="sw1"), T0)
    return Side(Claim(part=part, epoch=3, position=Position()), engine, restored)


async def test_a_worker_tells_of_what_it_has_restored() -> None:
    board = Board()
    sides = [_side(4), _side(5, restored=False), _side(6)]
    teller = Teller(worker="w1", partitions=lambda: sides, board=board, clock=ManualClock())
    await teller.tell()
    ((worker, payload),) = board.written
    told = decode_told(payload)
    assert worker == "w1"
    assert told is not None
    assert [(each.part, each.epoch) for each in told.partitions] == [(4, 3), (6, 3)]
    (switch,) = told.switches
    assert (switch.name, switch.up, switch.unsynced) == ("sw1", True, [4, 6])


def _block(side: Side, account: str, now_ms: int) -> str:
    """The id of the command for its switch."""
    side.engine.billing(AccountMessage(id=f"open-{account}", account=account), now_ms)
    side.engine.intent(Block(account=account, by="ana", reason="asked"), now_ms)
    command = side.engine.world.accounts[account].command
    assert command is not None
    return command.id


async def _pictured(sides: Sequence[Side]) -> ToldWorker:
    return await Teller(worker="w1", partitions=lambda: sides, board=Board(), clock=ManualClock()).picture()


async def test_refused_commands_are_told_until_the_switch_obeys_or_another_takes_their_place() -> None:
    sides = [_side(4), _side(6)]
    for side in sides:
        side.engine.take()
    first, second = _block(sides[0], "A1", T0), _block(sides[1], "B1", T0 + 1)
    sides[0].engine.control(Ack(switch="sw1", id=first, ok=False, error="no such trunk"), T0 + 2)
    sides[1].engine.control(Ack(switch="sw1", id=second, ok=False, error="busy"), T0 + 3)
    refusals = [ToldRefusal("B1", 1, "sw1", "busy"), ToldRefusal("A1", 1, "sw1", "no such trunk")]
    assert (await _pictured(sides)).refused == refusals
    sides[0].engine.control(Ack(switch="sw1", id=first, ok=False, error="still none"), T0 + 4)
    changed = ToldRefusal("A1", 1, "sw1", "still none")
    assert (await _pictured(sides)).refused == [changed, refusals[0]], "the newest first"
    sides[1].engine.control(Ack(switch="sw1", id=second, ok=True), T0 + 5)
    assert (await _pictured(sides)).refused == [changed]
    sides[0].engine.intent(Release(account="A1", by="ana", reason="found"), T0 + 6)
    assert (await _pictured(sides)).refused == []


async def test_of_many_refusals_the_newest_are_told() -> None:
    sides = [_side(4), _side(6)]
    for side in sides:
        side.engine.take()
    many = MOST_ANSWERS * 3 // 5
    for number in range(2 * many):
        side = sides[number % 2]
        command = _block(side, f"A{number}", T0 + number)
        side.engine.control(Ack(switch="sw1", id=command, ok=False, error="full"), T0 + number)
    told = (await _pictured(sides)).refused
    assert [each.account for each in told] == [f"A{2 * many - 1 - number}" for number in range(MOST_ANSWERS)]


async def test_what_a_switch_confirmed_before_its_list_is_told_until_it_has_confirmed_that() -> None:
    side = _side(4)
    (snapshot,) = (send.message for send in side.engine.take().sends)
    command = _block(side, "A1", T0)
    side.engine.control(Ack(switch="sw1", id=command, ok=True), T0 + 1)
    assert (await _pictured([side])).acked == [("sw1", "A1")]
    side.engine.control(Ack(switch="sw1", id=snapshot.id, ok=True), T0 + 2)
    assert side.engine.world.switches["sw1"].synced
    assert (await _pictured([side])).acked == []


async def test_a_store_that_is_away_does_not_end_it() -> None:
    board = Board(away=True)
    teller = Teller(worker="w1", partitions=list, board=board, clock=ManualClock())
    await teller.tell()
    board.away = False
    await teller.tell()
    assert [worker for worker, _ in board.written] == ["w1"]


@pytest.mark.parametrize("payload", [b"", b"\x00", b"\x81\xa1v\x01"])
def test_what_is_no_picture_is_none(payload: bytes) -> None:
    assert decode_told(payload) is None
