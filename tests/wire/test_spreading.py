"""What a daemon's store says of all accounts, as partitions take it up: the fuse, what on-call knows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from guard.core.decisions import KeptRow
from guard.core.engine import Engine
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.restored import Restored
from guard.core.rows import SwitchRow, ToldRow
from guard.core.rules.fuse import FuseRow
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.wire.kept import Blob, decoded, encoded
from guard.wire.spreading import DELIVERIES, FORGET, KEPT, SWITCHES, WEBHOOKS, Marks, Placed, Spreading
from tests.core.rules.builders import rule

T0 = 1_800_000_000_000


def spreading() -> Spreading:
    marks = Marks(forgotten_before_ms=0, published=0, lines_without_details=0, decisions_without_details=0)
    return Spreading(marks, {FORGET: (), WEBHOOKS: (), DELIVERIES: ()})


def taken_up(placed: Iterable[Placed], part: int) -> Engine:
    """The engine of a partition that was given its share of these rows."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), T0, rules=(rule("calls", block=5),), partition=part)
    kept = [decoded(cast("Blob", row)) for where, row in placed if where == part]
    engine.restore(Restored(kept=kept), T0)
    return engine


def place(kept: KeptRow) -> list[Placed]:
    return list(spreading().place(KEPT, (kept.kind, kept.key, encoded(kept.row))))


def test_a_fuse_that_is_open_is_open_in_every_partition_at_once() -> None:
    placed = place(KeptRow("fuse", "", FuseRow((T0 - 2, T0 - 1), T0, T0)))
    assert all(taken_up(placed, part).fuse_open for part in range(PARTITIONS))


def test_a_fuse_that_is_closed_is_closed_everywhere() -> None:
    placed = place(KeptRow("fuse", "", FuseRow((T0 - 2, T0 - 1), None, T0)))
    assert not any(taken_up(placed, part).fuse_open for part in range(PARTITIONS))


def test_what_on_call_was_told_by_the_daemon_is_told_to_be_over_once() -> None:
    placed = place(KeptRow("told", "broker", ToldRow("")))
    notices = []
    for part in range(PARTITIONS):
        engine = taken_up(placed, part)
        engine.subscribed(T0 + 1)
        notices += [(part, each.over) for each in engine.take().notices]
    assert notices == [(partition_of("broker"), True)]


def test_that_commands_wait_is_for_those_to_tell_who_have_them() -> None:
    row = SwitchRow("sw1", up=True, first_heard_ms=T0, last_heard_ms=T0, skew_ms=7, told_at_ms=T0)
    placed = list(spreading().place(SWITCHES, tuple(row)))
    assert placed == [(part, tuple(row._replace(told_at_ms=None))) for part in range(PARTITIONS)]
