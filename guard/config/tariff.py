"""`tariff.csv`: what calls cost, one prefix a line, as it comes out of a spreadsheet (contract 8).

The header says which column is which; `connect`, `minimum_s` and `increment_s` may be left out or empty. Every mistake
of the file is told with its line and column. A line is read by itself, so a quote that is not closed spoils one line
and not the rest of the file, and line numbers are those of an editor; a name therefore cannot contain a line break.

A carrier's tariff has a hundred thousand lines with few different prices, classes and steps, so the reader of each
column remembers the texts that it has read.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TypeVar

from guard.config.files import read_text
from guard.config.problems import ConfigError, Problems, RejectedError
from guard.config.values import nearest, shown, visible
from guard.core.money import MoneyError, parse_money
from guard.core.tariff import CallClass, Destination, Tariff

REQUIRED = ("prefix", "name", "class", "rate")
COLUMNS = (*REQUIRED, "connect", "minimum_s", "increment_s")

MAX_SECONDS = 3_600
"""No tariff bills by more than the hour; a larger number is a slip of the pen, or milliseconds."""

PREFIX = "1 to 15 digits, country code first, such as 1613"
CLASSES = " | ".join(kind.value for kind in CallClass)
_DECIMAL = "a decimal that is not negative, with at most 6 digits behind a point, such as 0.35"

_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)
_INTERNATIONAL = re.compile(r"\+([0-9]{1,15})", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_DECIMAL_COMMA = re.compile(r"(-?[0-9]+),([0-9]+)", re.ASCII)

T = TypeVar("T")


def read_tariff(file: Path) -> Tariff:
    """Read the tariff; `ConfigError` with all problems when it cannot be used."""
    problems = Problems(str(file), {})
    lines = read_text(file).split("\n")
    header = next((line for line, text in enumerate(lines) if text.strip()), None)
    if header is None:
        problems.add_at(None, "", "is empty", f"a header: {','.join(COLUMNS)}")
        raise ConfigError(problems.all())
    columns = _columns(lines[header], header + 1, problems)
    if columns is None:
        raise ConfigError(problems.all())
    reader = _Reader(columns, problems)
    for line, text in enumerate(lines[header + 1 :], start=header + 2):
        if text.strip():
            reader.take(line, text)
    if not reader.destinations and not problems:
        problems.add_at(None, "", "has a header and no prefixes")
    if problems:
        raise ConfigError(problems.all())
    return Tariff(reader.destinations)


def _cells(text: str) -> list[str]:
    """The cells of a line, trimmed; `csv.Error` when a quote is not closed."""
    if '"' not in text:
        return [cell.strip() for cell in text.split(",")]
    if text.count('"') % 2:
        raise csv.Error("a quote is not closed")
    return [cell.strip() for cell in next(csv.reader([text.strip()], skipinitialspace=True))]


def _columns(text: str, line: int, problems: Problems) -> Mapping[str, int] | None:
    """Which column is where; None when rows cannot be read without knowing."""
    try:
        names = _cells(text)
    except csv.Error as error:
        problems.add_at(line, "", f"is not a line of CSV: {error}")
        return None
    if len(names) == 1 and ";" in text:
        problems.add_at(line, "", "the columns are separated by semicolons", f"commas: {','.join(COLUMNS)}")
        return None
    for name in names:
        if name not in COLUMNS:
            found = f'unknown column; the nearest known one is "{nearest(name.lower(), COLUMNS)}"'
            problems.add_at(line, visible(name), found, ", ".join(COLUMNS))
    for name in COLUMNS:
        if names.count(name) > 1:
            problems.add_at(line, name, "is there twice")
        if name in REQUIRED and name not in names:
            problems.add_at(line, name, "there is no such column", f"a header: {','.join(COLUMNS)}")
    return None if problems else {name: position for position, name in enumerate(names)}


class _Reader:
    """Takes line after line; keeps what is right and notes what is wrong."""

    def __init__(self, columns: Mapping[str, int], problems: Problems) -> None:
        self.destinations: list[Destination] = []
        self._lines: dict[str, int] = {}
        """On which line each prefix stands."""
        self._columns = columns
        self._problems = problems
        self._class = cache(_call_class)
        self._rate = cache(_rate)
        self._minimum = cache(_minimum_s)
        self._increment = cache(_increment_s)

    def take(self, line: int, text: str) -> None:
        """Read one line."""
        try:
            cells = _cells(text)
        except csv.Error as error:
            self._problems.add_at(line, "", f"is not a line of CSV: {error}", "quotes in pairs, on one line")
            return
        if len(cells) != len(self._columns):
            self._reject_count(line, len(cells))
            return
        before = len(self._problems)
        destination = Destination(
            prefix=self._read(line, cells, "prefix", "", _prefix),
            name=cells[self._columns["name"]],
            kind=self._read(line, cells, "class", CallClass.INTERNATIONAL, self._class),
            rate_micros=self._read(line, cells, "rate", 0, self._rate),
            connect_micros=self._read(line, cells, "connect", 0, self._rate),
            minimum_s=self._read(line, cells, "minimum_s", 0, self._minimum),
            increment_s=self._read(line, cells, "increment_s", 1, self._increment),
        )
        self._check_repeated(line, destination.prefix)
        if len(self._problems) == before:
            self.destinations.append(destination)

    def _read(self, line: int, cells: Sequence[str], column: str, default: T, reader: Callable[[str], T]) -> T:
        """The cell's value; the default where it may be absent and is, or where it is rejected."""
        position = self._columns.get(column)
        text = "" if position is None else cells[position]
        if not text and column not in REQUIRED:
            return default
        try:
            return reader(text)
        except RejectedError as rejected:
            self._problems.add_at(line, column, rejected.found, rejected.accepted)
            return default

    def _check_repeated(self, line: int, prefix: str) -> None:
        if not prefix:
            return
        first = self._lines.setdefault(prefix, line)
        if first != line:
            self._problems.add_at(line, "prefix", f"{prefix} is on line {first} already", "each prefix once")

    def _reject_count(self, line: int, cells: int) -> None:
        found = f"has {cells} cells, and the header has {len(self._columns)}"
        more = cells > len(self._columns)
        accepted = "a decimal with a point, and a name with a comma in quotes" if more else ""
        self._problems.add_at(line, "", found, accepted)


def _prefix(text: str) -> str:
    if _DIGITS.fullmatch(text):
        return text
    if plus := _INTERNATIONAL.fullmatch(text):
        raise RejectedError(f"{shown(text)} has a plus", f"digits alone: {plus.group(1)}")
    raise RejectedError(_found(text, "is no prefix"), PREFIX)


def _call_class(text: str) -> CallClass:
    try:
        return CallClass(text)
    except ValueError:
        raise RejectedError(_found(text, "is no class"), CLASSES) from None


def _rate(text: str) -> int:
    try:
        micros = parse_money(text)
    except MoneyError:
        raise RejectedError(_found(text, "is not a decimal"), _accepted_decimal(text)) from None
    if micros < 0:
        raise RejectedError(f"{shown(text)} is negative", _DECIMAL)
    return micros


def _accepted_decimal(text: str) -> str:
    comma = _DECIMAL_COMMA.fullmatch(text)
    return f"a decimal with a point: {comma.group(1)}.{comma.group(2)}" if comma else _DECIMAL


def _minimum_s(text: str) -> int:
    return _seconds(text, 0)


def _increment_s(text: str) -> int:
    return _seconds(text, 1)


def _seconds(text: str, least: int) -> int:
    if not _WHOLE.fullmatch(text) or not least <= int(text) <= MAX_SECONDS:
        accepted = f"whole seconds from {least} to {MAX_SECONDS}"
        raise RejectedError(_found(text, "is out of range" if _WHOLE.fullmatch(text) else "is no number"), accepted)
    return int(text)


def _found(text: str, what: str) -> str:
    return f"{shown(text)} {what}" if text else "is empty"
