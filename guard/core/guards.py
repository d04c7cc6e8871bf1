"""Guards: what keeps a well-formed report from moving money, and what becomes of it then.

A report that is held back is *quarantined*: kept, counted and shown, because somebody has to look into it. The order in
which guards are asked is the contract's, and `guard.core.intake`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.decisions import Notice, NoticeKind, Quarantined, Remembered
from guard.core.money import MAX_MICROS, fits
from guard.core.records import Event, Report
from guard.core.strangers import RULE as STRANGERS

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.calls import Call
    from guard.core.switches import Switch
    from guard.core.world import World


def held_back(
    world: World, switch: Switch, call: Call | None, past: Remembered | None, account: Account | None, report: Report
) -> str:
    """Why a report moves no money although it is well formed; empty: it does."""
    if call is not None and call.account.id != report.account:
        return "account"
    if past is not None and past.event != Event.FAILED and past.account != report.account:
        return "account"
    currency = account.currency if account is not None else world.settings.default_currency
    if report.currency is not None and report.currency != currency:
        return "currency"
    if account is None and not world.strangers.admits(switch.name, world):
        return STRANGERS
    return ""


def charge_fits(account: Account | None, call: Call | None, past: Remembered | None, charge_micros: int) -> bool:
    """Whether the charge stays within the bound of money: alone, when it is posted, and with the other calls'."""
    # Written out rather than by `fits`: this is done for every report.
    if account is None or not -MAX_MICROS <= charge_micros <= MAX_MICROS:
        return fits(charge_micros)
    others = 0
    for flight in account.flights:
        others += flight.stated_micros
    if call is not None:
        posted = call.posted_micros
        others -= call.charge_micros - posted
    else:
        posted = past.posted_micros if past is not None else 0
    owed = account.owed_micros + charge_micros - posted
    return -MAX_MICROS <= owed <= MAX_MICROS and -MAX_MICROS <= owed + others <= MAX_MICROS


def open_for(world: World, switch: Switch, report: Report) -> Account:
    """An account that nobody knew opens because a switch speaks of it."""
    world.strangers.opened(report.account, switch.name)
    return world.open_account(report.account)


def quarantine(world: World, switch: Switch, report: Report, now_ms: int, rule: str) -> None:
    """Keep a report that moves no money, and tell on-call what it should know of."""
    # An account nobody knew opens even so: whoever looks for it finds it, and what is held back beside it.
    if report.account not in world.accounts and world.strangers.admits(switch.name, world):
        open_for(world, switch, report)
    world.changes.quarantine.append(
        Quarantined(
            switch=switch.name,
            call=report.call,
            account=report.account,
            received_at_ms=now_ms,
            at_ms=report.at_ms,
            rule=rule,
            event=report.event.name.lower(),
            charge_micros=report.charge_micros,
            currency=report.currency or "",
        )
    )
    if rule == STRANGERS:
        world.strangers.tell(switch.name, world, now_ms)
    elif rule == "currency":
        world.notice_once(
            Notice(
                kind=NoticeKind.QUARANTINED,
                at_ms=now_ms,
                switch=switch.name,
                account=report.account,
                text="A report states another currency than its account has; it is held back and moves no money.",
            ),
            about=report.currency or "",
        )
