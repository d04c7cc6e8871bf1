"""Restoring: the rows of the last commit become objects again, in steps.

A large store takes seconds. Whoever has something else to do meanwhile, such as to renew a lease, does it between two
steps; whoever has not goes through all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from guard.core import limits
from guard.core.accounts import Account
from guard.core.alarms import Alarms
from guard.core.calls import Call
from guard.core.refit import revalue
from guard.core.rows import AccountRow, CallRow, SwitchRow
from guard.core.world import World

STEP = 500
"""Rows: 20 milliseconds of work at most."""


def restore_accounts(world: World, rows: Iterable[AccountRow]) -> Iterator[None]:
    """Take them up."""
    for number, row in enumerate(rows, 1):
        account = Account.from_row(row)
        limits.follow_default(account, world.settings)
        world.enter(account)
        if not number % STEP:
            yield


def restore_switches(world: World, rows: Iterable[SwitchRow]) -> None:
    """Take them up. Known is known, however many have been declared since: calls and commands hang on it."""
    for row in rows:
        switch = world.switches.get(row.name) or world.enter_switch(row.name, row.first_heard_ms)
        switch.restore(row)


def restore_calls(world: World, rows: Iterable[CallRow]) -> Iterator[None]:
    """Take up those that were up, valued anew by the prices of now; accounts and switches are known already."""
    for number, row in enumerate(rows, 1):
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
        if not number % STEP:
            yield


def restore_alarms(world: World, alarms: Alarms, now_ms: int) -> Iterator[None]:
    """Each account is judged when it will reach its next mark."""
    for number, account in enumerate(world.accounts.values(), 1):
        alarms.set(account, now_ms)
        if account.causes or account.pending_micros:
            # A pause may have ended meanwhile, and another part of what is pending may be trusted now.
            world.wake(account, now_ms)
        if not number % STEP:
            yield
