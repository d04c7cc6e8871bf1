"""Scenario files: text in, lines out. What the words mean is the player's business.

    == a title begins a scenario
    # a comment: the sentence of the contract that follows is about to be shown
    settings default_limit=50.00            what the engine is told before it starts
    rule id=hot measure=calls ...           a rule that it has (`rulebooks`)
    0s   limit   A1 10.00                   at this time, this input
    3s   report  A1 call=C1 tick  duration=60s charge=9.99   -> warn A1 credit_limit ; A1 exposure=9.99

Time runs from the scenario's start (`90s`, `1h30m`, `6.001s`), or from the line before (`+10s`). After `->` stand the
expectations, separated by ` ; `. A word with `=` is a field; everything else is a name. Quotes keep blanks together.
Up to a line time passes, but for `clock_set`: there our own clock is set to the time of the line.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_SPAN = re.compile(r"(\d+(?:\.\d{1,3})?)(ms|s|m|h|d)")
_UNIT_MS = {"ms": 1, "s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_FIELD = re.compile(r"([a-z_.][a-z_.0-9]*)=(.*)", re.DOTALL)


class ScriptError(Exception):
    """A scenario file that cannot be understood."""


@dataclass(frozen=True)
class Words:
    """Part of a line: names in their order, fields by their names."""

    names: tuple[str, ...]
    fields: Mapping[str, str]

    def __str__(self) -> str:
        return " ".join((*self.names, *(f"{name}={value}" for name, value in self.fields.items())))


@dataclass(frozen=True)
class Line:
    """One line: the time, the kind of input, its words, and what is expected of it."""

    place: str
    at_ms: int
    kind: str
    words: Words
    expected: tuple[Words, ...]


@dataclass(frozen=True)
class Scenario:
    """One scenario."""

    name: str
    settings: tuple[Words, ...]
    lines: tuple[Line, ...]


def span_ms(text: str) -> int:
    """Milliseconds of a span such as `1h30m`, `6.001s` or `-8d`."""
    rest = text.removeprefix("-")
    parts = _SPAN.findall(rest)
    if not parts or "".join(number + unit for number, unit in parts) != rest:
        raise ScriptError(f"{text!r} is no span of time")
    total = sum(round(float(number) * _UNIT_MS[unit]) for number, unit in parts)
    return -total if text.startswith("-") else total


def words_of(text: str) -> Words:
    """The names and fields of some text."""
    names: list[str] = []
    found: dict[str, str] = {}
    for word in shlex.split(text):
        match = _FIELD.fullmatch(word)
        if match is None:
            names.append(word)
        elif match[1] in found:
            raise ScriptError(f"{match[1]} is said twice")
        else:
            found[match[1]] = match[2]
    return Words(tuple(names), found)


def scenarios_of(path: Path) -> Iterator[Scenario]:
    """The scenarios of a file."""
    title, now_ms = "", 0
    settings: list[Words] = []
    lines: list[Line] = []
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = raw.strip()
        try:
            if text.startswith("== "):
                if title:
                    yield Scenario(f"{path.stem}: {title}", tuple(settings), tuple(lines))
                title, settings, lines, now_ms = text.removeprefix("== "), [], [], 0
            elif text.startswith("settings "):
                settings.append(words_of(text.removeprefix("settings ")))
            elif text.startswith(("rule ", "rules ")):
                settings.append(words_of(text))
            elif text and not text.startswith("#"):
                line = _line(text, now_ms, f"{path.name}:{number}")
                now_ms = line.at_ms
                lines.append(line)
        except (ScriptError, ValueError) as error:
            raise ScriptError(f"{path.name}:{number}: {error}") from error
    if not title or not lines:
        raise ScriptError(f"{path.name}: no scenario, or one without lines")
    yield Scenario(f"{path.stem}: {title}", tuple(settings), tuple(lines))


def _line(text: str, before_ms: int, place: str) -> Line:
    given, arrow, wanted = text.partition(" -> ")
    at, kind, *rest = given.split(maxsplit=2)
    at_ms = before_ms + span_ms(at[1:]) if at.startswith("+") else span_ms(at)
    if at_ms < before_ms:
        raise ScriptError("time runs backwards")
    expected = tuple(words_of(part) for part in wanted.split(" ; ")) if arrow else ()
    if any(not words.names for words in expected):
        raise ScriptError("an expectation begins with a name")
    return Line(place, at_ms, kind, words_of(rest[0] if rest else ""), expected)
