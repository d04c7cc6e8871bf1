"""Watches of partitions, and the words between them: each waits in line with its like until it is passed on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from functools import partial

from guard.core.decisions import Changes, KeptRow
from guard.core.neighbours import CrowdWord, Said, Word
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.rules.hits import Hit
from guard.core.rules.observation import Observation
from guard.core.rules.rule import Rule
from guard.core.rules.watch import Watch


class Partitions:
    """Those that the accounts and the crowds of a test need; what is said to others is said to nobody."""

    def __init__(self, rules: Sequence[Rule], parts: Iterable[int] = range(PARTITIONS)) -> None:
        self.rules = rules
        self.lines: dict[tuple[int, int], deque[CrowdWord]] = {}
        """By speaker and hearer."""
        self.kept: dict[tuple[int, str, str], KeptRow] = {}
        self.said: list[Said] = []
        """Everything, in order."""
        self.unknown = 0
        self.watches = {part: self._watch(part) for part in parts}

    def _watch(self, part: int) -> Watch:
        return Watch(self.rules, say=partial(self._say, part))

    def _say(self, speaker: int, word: Word, to: int | None) -> None:
        self.said.append(Said(to, word))
        for hearer in self.watches if to is None else (to,):
            if hearer in self.watches:
                assert isinstance(word, CrowdWord)
                self.lines.setdefault((speaker, hearer), deque()).append(word)

    def observe(self, seen: Observation) -> list[Hit]:
        """A report reaches the partition of its account."""
        part = partition_of(seen.account)
        hits = self.watches[part].observe(seen)
        self.keep(part)
        return hits

    def keep(self, part: int) -> None:
        """The batch is stored."""
        changes = Changes()
        self.watches[part].keep_across(changes, whole=False)
        for row in changes.kept:
            self.kept[part, row.kind, row.key] = row
        for to, word in changes.says:
            self._say(part, word, to)

    def pass_on(self, line: tuple[int, int], *, twice: bool = False) -> list[Hit]:
        """The next word of a line is heard."""
        waiting = self.lines[line]
        word = waiting.popleft()
        if not waiting:
            del self.lines[line]
        return [hit for _ in range(1 + twice) for hit in self.hear(line[1], word)]

    def hear(self, part: int, word: CrowdWord) -> list[Hit]:
        hits = self.watches[part].hear(word)
        self.unknown += hits is None
        self.keep(part)
        return hits or []

    def settle(self, *, twice: bool = False) -> list[Hit]:
        """Everything that has been said is heard, and what is said to that."""
        hits: list[Hit] = []
        while self.lines:
            hits += self.pass_on(next(iter(self.lines)), twice=twice)
        return hits

    def told(self, seen: Iterable[Observation], *, twice: bool = False) -> list[Hit]:
        """Reports one after the other, each with what it leads to."""
        hits: list[Hit] = []
        for each in seen:
            hits += self.observe(each)
            hits += self.settle(twice=twice)
        return hits

    def advance(self, at_ms: int) -> list[Hit]:
        """Time has come so far, everywhere."""
        hits: list[Hit] = []
        for part, watch in self.watches.items():
            hits += watch.advance(at_ms)
            self.keep(part)
        return hits + self.settle()

    def swap(self, rules: Sequence[Rule], at_ms: int, parts: Iterable[int] | None = None) -> list[Hit]:
        """Other rules, everywhere or in some."""
        self.rules = rules
        hits: list[Hit] = []
        for part in self.watches if parts is None else parts:
            hits += self.watches[part].swap(rules, at_ms)
            self.keep(part)
        return hits

    def restart(self, part: int) -> None:
        """Somebody else takes it up, with what is stored across accounts; its accounts he knows only as they call."""
        self.watches[part] = self._watch(part)
        for (of, _, _), row in self.kept.items():
            if of == part and row.row is not None:
                self.watches[part].restore_across(row)
        self.keep(part)
