"""The seat: one of several has it, it passes on when its holder is gone, and two who meet become one."""

from __future__ import annotations

from guard.shell.seat import QUIET_MS, Seat


def test_it_is_taken_when_nobody_has_been_heard_for_a_while() -> None:
    seat = Seat("a", 0)
    assert not seat.look(QUIET_MS - 1, reached=True)
    assert seat.look(QUIET_MS, reached=True)


def test_who_hears_another_stands_by_until_it_falls_silent() -> None:
    seat = Seat("a", 0)
    seat.hear("b", 1_000)
    assert not seat.look(QUIET_MS, reached=True)
    assert seat.look(1_000 + QUIET_MS, reached=True)


def test_of_two_who_sit_the_later_name_stands_up() -> None:
    first, second = Seat("a", 0), Seat("b", 0)
    assert first.look(QUIET_MS, reached=True)
    assert second.look(QUIET_MS, reached=True)
    first.hear("b", QUIET_MS)
    second.hear("a", QUIET_MS)
    assert (first.held, second.held) == (True, False)


def test_its_own_voice_is_nobodys() -> None:
    seat = Seat("a", 0)
    seat.hear("a", QUIET_MS - 1)
    assert seat.look(QUIET_MS, reached=True)


def test_who_cannot_reach_the_log_gives_it_up_and_does_not_take_silence_for_a_sign() -> None:
    seat = Seat("a", 0)
    assert seat.look(QUIET_MS, reached=True)
    assert seat.look(2 * QUIET_MS - 1, reached=False)
    assert not seat.look(2 * QUIET_MS, reached=False)
    assert not seat.look(10 * QUIET_MS, reached=False)
    assert not seat.look(11 * QUIET_MS - 1, reached=True)
    assert seat.look(11 * QUIET_MS, reached=True)
