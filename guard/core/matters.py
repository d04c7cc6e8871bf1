"""Matters that are no known switch's: the broker is away, and switches that are one too many are not heard.

Whatever on-call is told of that lasts is told to be over as well, or the tools that keep a matter open keep it for
ever. What is told of a switch is kept with that switch (`guard.core.presence`); these two have nobody to be kept with,
so what was told of them is stored as a row of its own, and a restart in between changes nothing.

**One too many.** Only the first name is told, not each that somebody invents. It is over when that switch is known,
because it has been named in the configuration, or when for a whole hour nothing has come from any that is not: whoever
is next is told anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from guard.core.decisions import KeptRow, Notice, NoticeKind
from guard.core.rows import ToldRow

if TYPE_CHECKING:
    from guard.core.decisions import Changes
    from guard.core.world import World

KIND = "told"
"""Of the rows that are kept."""
BROKER, SURPLUS = "broker", "surplus"


class Matters:
    """What on-call knows to be amiss."""

    __slots__ = ("_again", "_changed", "_open", "_world")

    def __init__(self, world: World) -> None:
        self._world = world
        self._open: dict[str, str] = {}
        """By matter: the switch that was named, if any."""
        self._changed: set[str] = set()
        """Are not stored yet."""
        self._again = False
        """A switch too many has reported in this hour."""

    # -- the broker

    def broker_away(self, text: str, now_ms: int) -> None:
        """Guard has not been subscribed for long."""
        self._begin(BROKER, "", text, now_ms)

    def broker_back(self, now_ms: int) -> None:
        """It is."""
        self._end(BROKER, "Guard is subscribed at the broker again.", now_ms)

    # -- switches that are one too many

    def not_heard(self, name: str, now_ms: int) -> None:
        """A report of one was lost."""
        self._world.unheard += 1
        self._again = True
        text = (
            f"Switch {name} is not heard: {len(self._world.switches):,} switches are known, and it is not among those "
            "named in the configuration. What it reports is counted as invalid; name it there."
        )
        self._begin(SURPLUS, name, text, now_ms)

    def met(self, name: str, now_ms: int) -> None:
        """That switch is known from now on."""
        if self._open.get(SURPLUS) == name:
            self._end(SURPLUS, f"Switch {name} is heard now.", now_ms)

    def end_hour(self, now_ms: int) -> None:
        """An hour is over."""
        name = self._open.get(SURPLUS)
        if name in self._world.switches:
            self.met(name, now_ms)
        elif name is not None and not self._again:
            text = f"Switch {name}, or another that is one too many, has not reported for an hour."
            self._end(SURPLUS, text, now_ms)
        self._again = False

    # -- telling

    def _begin(self, matter: str, switch: str, text: str, now_ms: int) -> None:
        if matter not in self._open:
            self._open[matter] = switch
            self._tell(matter, switch, text, now_ms, over=False)

    def _end(self, matter: str, text: str, now_ms: int) -> None:
        switch = self._open.pop(matter, None)
        if switch is not None:
            self._tell(matter, switch, text, now_ms, over=True)

    def _tell(self, matter: str, switch: str, text: str, now_ms: int, *, over: bool) -> None:
        self._changed.add(matter)
        notice = Notice(kind=NoticeKind.BLIND, at_ms=now_ms, switch=switch, text=text, over=over)
        self._world.spokesman.tell(notice, matter, about=matter)

    # -- what is kept

    def keep(self, changes: Changes) -> None:
        """Add what has changed since the last time."""
        for matter in sorted(self._changed):
            switch = self._open.get(matter)
            changes.kept.append(KeptRow(KIND, matter, None if switch is None else ToldRow(switch)))
        self._changed.clear()

    def restore(self, kept: KeptRow) -> None:
        """Take up a row, if it is one of these."""
        if isinstance(kept.row, ToldRow):
            self._open[kept.key] = kept.row.switch
            self._again = True
