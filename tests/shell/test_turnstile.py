"""One partition's batch at a time, and who else may use the thread."""

from __future__ import annotations

import asyncio

from guard.shell.cluster.turnstile import Turnstile


async def test_it_rests_when_nobody_is_inside_and_nobody_wants_in() -> None:
    turnstile = Turnstile()
    rested: list[bool] = []
    turnstile.on_rest = lambda: rested.append(turnstile.idle)
    first, second = turnstile.ticket(), turnstile.ticket()
    assert turnstile.idle

    await first.enter()
    waiting = asyncio.create_task(second.enter())
    await asyncio.sleep(0)
    first.leave()
    assert (turnstile.idle, rested) == (False, []), "the second one wants in"

    await waiting
    second.leave()
    await asyncio.sleep(0)
    assert rested == [True]
    second.leave()
    await asyncio.sleep(0)
    assert rested == [True], "it was outside already"


async def test_whoever_gives_up_waiting_is_waited_for_no_longer() -> None:
    turnstile = Turnstile()
    first, second = turnstile.ticket(), turnstile.ticket()
    await first.enter()
    waiting = asyncio.create_task(second.enter())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    first.leave()
    await asyncio.sleep(0)
    assert turnstile.idle


async def test_between_any_two_the_event_loop_looks_at_everything_else() -> None:
    turnstile = Turnstile()
    inside = most = 0

    async def partition() -> None:
        nonlocal inside
        ticket = turnstile.ticket()
        for _ in range(3):
            await ticket.enter()
            inside += 1
            ticket.leave()

    partitions = [asyncio.create_task(partition()) for _ in range(50)]
    while not all(each.done() for each in partitions):
        before = inside
        await asyncio.sleep(0)
        most = max(most, inside - before)
    assert (inside, most) == (150, 1), "in one turn of the event loop one goes through, however many are ready"
