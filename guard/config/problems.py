"""What can be wrong with a configuration, and how it is told: place, finding, what is accepted.

Problems are collected, not raised one by one: an operator who has made three mistakes fixes them in
one go. A value is repeated only where it cannot be a secret (the broker's address may carry a
password and is never shown).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

_BARE = re.compile(r"[A-Za-z0-9_-]+")

MAX_TOLD = 100
"""Problems of one file that are told: who has a hundred has one that is repeated."""

KeyPath = tuple[str | int, ...]
"""Where a value stands: names of tables and keys, positions (from 0) in arrays of tables."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing wrong with the configuration."""

    file: str
    key: str
    """The key's path as an operator writes it, `calls.stale_after`; empty for the whole file."""
    line: int | None
    """Line in the file, from 1, where it could be found."""
    found: str
    accepted: str
    """What would be accepted instead; empty when there is nothing to choose from."""

    def __str__(self) -> str:
        """One line, as `guard check` prints it."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        parts = [place, self.key, self.found] if self.key else [place, self.found]
        text = ": ".join(parts)
        return f"{text}; accepted: {self.accepted}" if self.accepted else text


class ConfigError(Exception):
    """The configuration cannot be used; `problems` has all that is wrong with it."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@contextmanager
def noted(problems: list[Problem]) -> Iterator[None]:
    """What is wrong with the configuration is added to these, and the next thing can be looked at."""
    try:
        yield
    except ConfigError as error:
        problems += error.problems


class RejectedError(ValueError):
    """A value is not acceptable; becomes a `Problem` where the key is known."""

    def __init__(self, found: str, accepted: str = "") -> None:
        super().__init__(found)
        self.found = found
        self.accepted = accepted


class Problems:
    """Collects the problems of one file; knows its name and on which lines its keys stand."""

    def __init__(self, file: str, lines: Mapping[KeyPath, int]) -> None:
        self._file = file
        self._lines = lines
        self._found: list[Problem] = []

    def add(self, path: KeyPath, found: str, accepted: str = "") -> None:
        """Note a problem with the value at `path`."""
        self._found.append(
            Problem(
                file=self._file,
                key=written(path),
                line=self._line(path),
                found=found,
                accepted=accepted,
            )
        )

    def add_at(self, line: int | None, column: str, found: str, accepted: str = "") -> None:
        """Note a problem in a file that has lines and columns instead of keys."""
        self._found.append(Problem(file=self._file, key=column, line=line, found=found, accepted=accepted))

    def __len__(self) -> int:
        """Number of problems so far."""
        return len(self._found)

    def all(self) -> list[Problem]:
        """What was found, in the order of the file where lines are known; of very many only the first."""
        found = sorted(self._found, key=lambda problem: problem.line or 0)
        told = found[:MAX_TOLD]
        if len(found) > MAX_TOLD:
            rest = f"and {len(found) - MAX_TOLD:,} more problems"
            told.append(Problem(file=self._file, key="", line=None, found=rest, accepted=""))
        return told

    def _line(self, path: KeyPath) -> int | None:
        """The line of the key itself, else of what encloses it (a key within an inline table)."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return None


def written(path: KeyPath) -> str:
    """A key path as an operator reads it: `switches."sw 1".ticks`, `webhook[2].url` (from 1)."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step + 1}]"
        else:
            name = step if _BARE.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            text += f".{name}" if text else name
    return text
