"""The spokesman: among partitions, who of them tells on-call what lasts, so that on-call is told once.

A daemon tells what it knows. Of a cluster's partitions all that have calls of a switch, or commands for it, know when
something is amiss with it. They tell the switch's home (the partition of its name), and the home tells on-call.

| what | who knows | who tells on-call |
|---|---|---|
| a switch is silent or down with calls up | the partitions of these calls | its home, at the first word |
| it is heard again, or absent | everyone: ingests say so | its home |
| it is unusually silent | its home, to which all say hour by hour what it brought | its home |
| commands wait there | the partitions of the accounts | its home, at the first word |
| it names too many unknown accounts | each partition, of its share | the same |
| both are over | who has said so | its home, when all have taken it back |
| a switch too many; no ingest is heard | some partitions | as these, the home of the matter's name |
| it refused a command, or states another currency | the account's partition | its home, 100 an hour |
| a plan is not there any more | the partitions of its accounts | the home of its name, once an hour |
| the fuse | its home | its home (`guard.core.blocking`) |
| an account: its limit, its plan, a failure of the rules | its partition | its partition |

**Nothing is said that may turn out not to have happened.** A matter begins and ends for the home by words, and one that
was said of a batch which was never stored would never be taken back. So a word is stored with the batch in which it
came up, numbered, and said with a later one: at least once, in the order of its numbers. The home keeps the number that
it has heard last of each partition, and what comes again is nothing. Numbers are moments, or follow the one before: a
store that was put back must not give out those again that its log has from the days after.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from guard.core.decisions import KeptRow, Notice, NoticeKind
from guard.core.neighbours import Matter, Said
from guard.core.partitions import partition_of
from guard.core.settings import HOUR_MS

if TYPE_CHECKING:
    from guard.core.decisions import Changes
    from guard.core.world import World

UNCONFIRMED: Final = "unconfirmed"
STRANGERS: Final = "strangers"
SPOKEN, MATTERS = "spoken", "matters"
"""Of the rows that are kept."""


class SpokenRow(NamedTuple):
    """What must survive of a partition that speaks."""

    number: int
    begun: tuple[tuple[str, str], ...]
    """(matter, about) that it has begun and not ended."""
    ready: tuple[tuple[int, Matter], ...]
    """Where to, and the word."""


class OpenRow(NamedTuple):
    """A matter that on-call knows of."""

    matter: str
    about: str
    switch: str
    told_ms: int
    parts: tuple[int, ...]


class MattersRow(NamedTuple):
    """What must survive of a home."""

    heard: tuple[tuple[int, int], ...]
    """By partition: the number of its last word."""
    open: tuple[OpenRow, ...]


class Spokesman:
    """Of one engine."""

    __slots__ = ("_begun", "_changed", "_heard", "_new", "_number", "_open", "_ready", "_spoken", "_world")

    def __init__(self, world: World) -> None:
        self._world = world
        self._number = 0
        self._begun: dict[tuple[str, str], None] = {}
        self._new: list[tuple[int, Matter]] = []
        """Not stored yet."""
        self._ready: list[tuple[int, Matter]] = []
        """Stored, and to be said with the next batch."""
        self._heard: dict[int, int] = {}
        self._open: dict[tuple[str, str], OpenRow] = {}
        self._spoken = self._changed = False
        """What was said, and what was heard, is not what is stored."""

    # -- who knows something

    def speaks_for(self, about: str) -> bool:
        """Whether on-call hears from this engine about a switch, or a matter."""
        return self._world.partition is None or self._world.partition == partition_of(about)

    def tell(self, notice: Notice, matter: str, about: str = "") -> None:
        """A matter that lasts begins or ends here; it is `about` the switch unless something else is said."""
        if self._world.partition is None:
            self._world.notice(notice)
            return
        about = about or notice.switch
        if notice.over:
            self._begun.pop((matter, about), None)
        else:
            self._begun[matter, about] = None
        self._spoken = True
        home = partition_of(about)
        if home == self._world.partition:
            self._lasts(home, notice, matter, about)
        else:
            self._bring(home, notice, matter, about)

    def tell_of_account(self, notice: Notice, about: str) -> None:
        """Something that a switch did with an account, or that is amiss with the account alone."""
        if not notice.switch or self.speaks_for(notice.switch):
            self._world.notice(notice)
        else:
            self._bring(partition_of(notice.switch), notice, "", about)

    def tell_of_plan(self, notice: Notice, plan: str) -> None:
        """A plan is not there any more, which each partition finds whose accounts have it; again after an hour."""
        about = f"{plan} {notice.at_ms // HOUR_MS}"
        if not self.speaks_for(plan):
            self._bring(partition_of(plan), notice, "", about)
        elif self._world.partition is None or self._world.board.is_news(notice, about):
            self._world.notice(notice)

    def _bring(self, home: int, notice: Notice, matter: str, about: str) -> None:
        """To whoever speaks for it."""
        self._spoken = True
        self._number = max(self._number + 1, notice.at_ms)
        word = Matter(
            number=self._number,
            matter=matter,
            about=about,
            kind=notice.kind.value,
            switch=notice.switch,
            account=notice.account,
            text=notice.text,
            over=notice.over,
            at_ms=notice.at_ms,
        )
        self._new.append((home, word))

    def begun(self, matter: str) -> list[str]:
        """What this engine has begun of a kind and not ended."""
        return [about for each, about in self._begun if each == matter]

    # -- the home

    def hear(self, sender: int, word: Matter) -> None:
        """A partition has something to tell."""
        if word.number <= self._heard.get(sender, 0):
            return
        self._heard[sender] = word.number
        self._changed = True
        try:
            kind = NoticeKind(word.kind)
        except ValueError:
            # Of a later version, which may have more to tell.
            return
        notice = Notice(
            kind=kind, at_ms=word.at_ms, switch=word.switch, account=word.account, text=word.text, over=word.over
        )
        if word.matter:
            self._lasts(sender, notice, word.matter, word.about)
        elif self._world.board.is_news(notice, word.about):
            self._world.notice(notice)

    def _lasts(self, sender: int, notice: Notice, matter: str, about: str) -> None:
        known = self._open.get((matter, about))
        self._changed = True
        if notice.over:
            if known is not None:
                self._end(known, sender, notice)
        elif known is None:
            self._open[matter, about] = OpenRow(matter, about, notice.switch, notice.at_ms, (sender,))
            self._world.notice(notice)
        else:
            again = notice.at_ms - known.told_ms >= HOUR_MS
            if again:
                self._world.notice(replace(notice, switch=known.switch))
            parts = known.parts if sender in known.parts else (*known.parts, sender)
            told_ms = notice.at_ms if again else known.told_ms
            self._open[matter, about] = known._replace(parts=parts, told_ms=told_ms)

    def _end(self, known: OpenRow, sender: int, notice: Notice) -> None:
        """It is over there; when it is everywhere, on-call hears."""
        parts = tuple(part for part in known.parts if part != sender)
        if parts:
            self._open[known.matter, known.about] = known._replace(parts=parts)
            return
        del self._open[known.matter, known.about]
        if notice.switch != known.switch:
            # Each partition may have named another one that is too many.
            text = f"What was told of switch {known.switch} is over."
            notice = replace(notice, switch=known.switch, text=text)
        self._world.notice(notice)

    # -- what survives

    def keep(self, changes: Changes) -> None:
        """Say what is stored by now, and store what has come up."""
        changes.says += [Said(to, word) for to, word in self._ready]
        if self._spoken or self._ready:
            self._ready, self._new = self._new, []
            row = SpokenRow(self._number, tuple(self._begun), tuple(self._ready))
            changes.kept.append(KeptRow(SPOKEN, "", row))
        if self._changed:
            matters = MattersRow(tuple(self._heard.items()), tuple(self._open.values()))
            changes.kept.append(KeptRow(MATTERS, "", matters))
        self._spoken = self._changed = False

    def restore(self, kept: KeptRow) -> None:
        """Take up a row, if it is one of these."""
        row = kept.row
        if isinstance(row, SpokenRow):
            self._number, self._begun = row.number, dict.fromkeys(row.begun)
            self._ready = list(row.ready)
            self._world.strangers.restore(self.begun(STRANGERS))
        elif isinstance(row, MattersRow):
            self._heard = dict(row.heard)
            self._open = {(each.matter, each.about): each for each in row.open}
