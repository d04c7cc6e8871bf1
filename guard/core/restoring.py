"""Restoring calls: those that were up at the last commit, valued anew by the prices of now."""

from __future__ import annotations

from collections.abc import Iterable

from guard.core.calls import Call
from guard.core.refit import revalue
from guard.core.rows import CallRow
from guard.core.world import World


def restore_calls(world: World, rows: Iterable[CallRow]) -> None:
    """Take them up; their accounts and switches are known already."""
    for row in rows:
        switch = world.switches[row.switch]
        account = world.accounts[row.account]
        place = world.rating.place(row.to)
        cover = world.rating.cover(account.plan, place)
        call = Call.from_row(row, switch, account, world.fly(account, switch), place, cover)
        revalue(call, row.rate_micros)
        world.go_live(call)
        world.count(call)
        if call.defies:
            account.defying += 1
        switch.last_heard_ms = max(switch.last_heard_ms, call.last_known_at_ms())
