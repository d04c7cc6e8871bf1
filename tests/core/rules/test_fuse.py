"""The fuse: so many blocks pass within its window, the next ones wait, and it closes when it is quiet or by hand."""

from __future__ import annotations

from guard.core.rules.fuse import Fuse
from guard.core.settings import MINUTE_MS, SECOND_MS

NOW = 1_790_000_000_000


def test_twenty_pass_and_the_next_ones_are_held() -> None:
    fuse = Fuse()
    assert [fuse.admit(NOW + each, 100) for each in range(22)] == [True] * 20 + [False] * 2
    assert fuse.open_since_ms == NOW + 20


def test_of_very_many_accounts_a_five_hundredth_pass() -> None:
    fuse = Fuse()
    assert sum(fuse.admit(NOW, 50_000) for _ in range(150)) == 100


def test_blocks_that_are_far_apart_never_open_it() -> None:
    fuse = Fuse()
    assert all(fuse.admit(NOW + each * 30 * SECOND_MS, 100) for each in range(500))


def test_it_closes_when_nothing_was_asked_for_during_a_whole_window() -> None:
    fuse = Fuse(blocks=1)
    fuse.admit(NOW, 0)
    assert not fuse.admit(NOW + MINUTE_MS, 0)
    assert not fuse.admit(NOW + 10 * MINUTE_MS, 0), "what is held counts as asked for"
    assert fuse.closes_ms == NOW + 20 * MINUTE_MS
    assert not fuse.advance(NOW + 20 * MINUTE_MS - 1)
    assert fuse.advance(NOW + 20 * MINUTE_MS)
    assert not fuse.open
    assert fuse.admit(NOW + 20 * MINUTE_MS, 0)


def test_it_closes_by_hand_and_counts_anew() -> None:
    fuse = Fuse(blocks=2)
    assert [fuse.admit(NOW, 0) for _ in range(3)] == [True, True, False]
    fuse.close()
    assert [fuse.admit(NOW, 0) for _ in range(3)] == [True, True, False]


def test_times_may_come_in_any_order() -> None:
    fuse = Fuse(blocks=2)
    assert [fuse.admit(at_ms, 0) for at_ms in (NOW, NOW - 30 * MINUTE_MS, NOW - MINUTE_MS)] == [True, True, False]


def test_rows_carry_it_over() -> None:
    fuse = Fuse(blocks=2)
    for each in range(4):
        again = Fuse(blocks=2)
        again.restore(fuse.row())
        assert again.row() == fuse.row()
        assert again.admit(NOW + each, 0) == fuse.admit(NOW + each, 0) == (each < 2)
