"""The block list: commands by `seq`, snapshots in parts, and what happens when they cross."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from guard.core.decisions import Command
from guard.core.emergency import EmergencyNumbers
from guard.replay.blocklist import BlockList
from tests.replay.builders import T0, block, part, unblock


def block_list() -> BlockList:
    return BlockList(EmergencyNumbers())


@given(st.permutations([block(1), unblock(2), block(3), unblock(4), block(5)]))
def test_whatever_the_order_of_arrival_the_highest_seq_wins(commands: list[Command]) -> None:
    sut = block_list()
    for command in commands:
        sut.apply(command)
    entry = sut.entry("A1")
    assert entry is not None
    assert entry.seq == 5


def test_a_snapshot_takes_the_place_of_everything() -> None:
    sut = block_list()
    sut.apply(block(1, "A1"))
    sut.apply(block(1, "A2"))
    assert sut.apply_part(part(("A2", 1), ("A3", 4)))
    assert sorted(sut.accounts()) == ["A2", "A3"]
    assert sut.complete


def test_except_where_the_switch_knows_a_higher_seq() -> None:
    sut = block_list()
    sut.apply(unblock(7, "A1"))
    sut.apply(block(9, "A2"))
    sut.apply_part(part(("A1", 6), ("A2", 8)))
    assert sut.entry("A1") is None
    kept = sut.entry("A2")
    assert kept is not None
    assert kept.seq == 9


def test_a_snapshot_with_the_same_seq_is_taken() -> None:
    sut = block_list()
    sut.apply(block(3, "A1"))
    sut.apply_part(part(("A1", 3)))
    assert sut.entry("A1") is not None


def test_nothing_changes_before_the_last_part_has_come() -> None:
    sut = block_list()
    sut.apply(block(1, "A1"))
    assert not sut.apply_part(part(("A2", 1), number=1, of=2))
    assert sut.accounts() == ["A1"]
    assert not sut.complete
    assert not sut.apply_part(part(("A2", 1), number=1, of=2))
    assert sut.apply_part(part(("A3", 1), number=2, of=2))
    assert sorted(sut.accounts()) == ["A2", "A3"]


def test_a_command_between_the_parts_is_newer_than_the_snapshot() -> None:
    sut = block_list()
    sut.apply(block(1, "A2"))
    sut.apply_part(part(("A2", 1), number=1, of=2))
    sut.apply(block(1, "A1"))
    sut.apply(unblock(2, "A2"))
    sut.apply_part(part(number=2, of=2))
    assert sut.accounts() == ["A1"]


def test_a_newer_snapshot_takes_the_place_of_one_that_never_became_whole() -> None:
    sut = block_list()
    sut.apply_part(part(("A1", 1), snapshot="old", number=1, of=2))
    assert sut.apply_part(part(("A2", 1), snapshot="new", at_ms=T0 + 1_000))
    assert sut.accounts() == ["A2"]


def test_a_late_part_of_an_older_snapshot_does_not_disturb_a_newer_one() -> None:
    sut = block_list()
    sut.apply_part(part(("A1", 1), snapshot="new", number=1, of=2, at_ms=T0 + 1_000))
    assert not sut.apply_part(part(("A9", 1), snapshot="old", number=2, of=2, at_ms=T0))
    assert sut.apply_part(part(("A2", 1), snapshot="new", number=2, of=2, at_ms=T0 + 1_000))
    assert sorted(sut.accounts()) == ["A1", "A2"]


def test_after_a_snapshot_an_older_command_is_still_older() -> None:
    sut = block_list()
    sut.apply_part(part(("A1", 5)))
    assert not sut.apply(unblock(4, "A1"))
    assert sut.entry("A1") is not None
