"""Strangers: how many accounts may be open that billing has not spoken of.

A report for an unknown account is never dropped: the account opens as provisional, under the default limit. So whoever
may speak as a switch can invent accounts, a thousand in a message, and each costs memory and room for ever. There is a
bound for all of them together, and a lower one for those that one switch has opened since the start, so that a switch
that was taken over cannot use up what the others need.

Beyond a bound nothing is dropped either: a report for one more unknown account is quarantined (`strangers`), which is
kept, counted and shown, and moves no money; on-call is told once a switch, and when it is over. Accounts that are known
go on as before. What was held back is made up for as soon as billing opens the account, because reports are cumulative:
the next one of a call says everything. A call that was over by then is brought in from the switch's own records.

Among partitions each has its share of the bounds (`guard.core.partitions.share_of`), and on-call is told once for all.

Who opened an account is remembered until billing has spoken of it, or until guard starts anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.decisions import Notice, NoticeKind
from guard.core.partitions import share_of
from guard.core.spokesman import STRANGERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from guard.core.world import World

RULE = "strangers"
"""Why such a report is quarantined."""
_RELIEF_PERCENT = 90
"""It is over once there is so much less: one account that comes to be known must not be worth a message."""


class Strangers:
    """Counts provisional accounts, and says whether there may be one more."""

    __slots__ = ("_by_switch", "_opened_by", "_told", "count")

    def __init__(self) -> None:
        self.count = 0
        """Provisional accounts, whoever opened them."""
        self._opened_by: dict[str, str] = {}
        """By account: the switch. No more than there are provisional accounts."""
        self._by_switch: dict[str, int] = {}
        self._told: dict[str, None] = {}
        """Switches of which on-call was told, and not yet that it is over."""

    def admits(self, switch: str, world: World) -> bool:
        """Whether a switch may open one more."""
        return self._within(switch, world, 100)

    def opened(self, account: str, switch: str) -> None:
        """A report of the switch has opened the account."""
        self._opened_by[account] = switch
        self._by_switch[switch] = self._by_switch.get(switch, 0) + 1

    def known(self, account: str, world: World, now_ms: int) -> None:
        """Billing has spoken of a provisional account."""
        self.count -= 1
        switch = self._opened_by.pop(account, None)
        if switch is not None:
            self._by_switch[switch] -= 1
        for told in [name for name in self._told if self._within(name, world, _RELIEF_PERCENT)]:
            del self._told[told]
            self._tell(told, "may open unknown accounts again", world, now_ms, over=True)

    def tell(self, switch: str, world: World, now_ms: int) -> None:
        """A report was held back for it."""
        if switch in self._told:
            return
        self._told[switch] = None
        opened = self._by_switch.get(switch, 0)
        fact = f"has named {opened:,} accounts that billing has not spoken of, and there are {self.count:,} in all"
        if world.composed:
            fact = "names more accounts that billing has not spoken of than a partition may have"
        self._tell(switch, f"{fact}: reports for further ones are held back and move no money", world, now_ms)

    def restore(self, told: Iterable[str]) -> None:
        """Of these switches on-call was told before the restart, and not that it is over."""
        self._told = dict.fromkeys(told)

    def _within(self, switch: str, world: World, percent: int) -> bool:
        settings = world.settings
        most, most_of_switch = settings.max_provisional, settings.max_provisional_per_switch
        if world.composed:
            most, most_of_switch = share_of(most), share_of(most_of_switch)
        opened = self._by_switch.get(switch, 0)
        return self.count * 100 < most * percent and opened * 100 < most_of_switch * percent

    @staticmethod
    def _tell(switch: str, text: str, world: World, now_ms: int, *, over: bool = False) -> None:
        sentence = f"Switch {switch} {text}."
        notice = Notice(kind=NoticeKind.QUARANTINED, at_ms=now_ms, switch=switch, text=sentence, over=over)
        world.spokesman.tell(notice, STRANGERS)
