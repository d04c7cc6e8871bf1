"""How commands speak: errors with their exit status, money and times as people read them, tables for 80 columns."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from rich.console import Console
from rich.table import Table
from rich.text import Text

FAILED = 1
WRONG = 2
"""Wrong use or wrong input."""

WIDTH = 80
"""Output that does not go to a terminal is made for so many columns."""

_BAR = 20
_CENT = Decimal("0.01")


class CommandError(Exception):
    """A command could not do its work; the text is for the operator."""

    def __init__(self, message: str, exit_code: int = FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code


def console() -> Console:
    """Standard output, 80 columns wide when it is no terminal."""
    return Console(highlight=False, soft_wrap=False, width=None if sys.stdout.isatty() else WIDTH)


def say(message: str) -> None:
    """A line of progress or of advice: standard error, so that output can be piped."""
    sys.stderr.write(message + "\n")
    sys.stderr.flush()


def table(*columns: str, right: tuple[str, ...] = (), folded: tuple[str, ...] = ()) -> Table:
    """A plain table; columns named in `right` are numbers, those in `folded` may take several lines."""
    made = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in columns:
        made.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=name not in folded,
            overflow="fold" if name in folded else "ellipsis",
        )
    return made


def plain(value: object) -> Text:
    """Text from outside: never read as markup, control characters made visible."""
    return Text("".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)))


def item(text: str, out: Console) -> Text:
    """A sentence of a list, its further lines indented below it."""
    wrapped = textwrap.wrap(str(plain(text)), out.width - 1, initial_indent="- ", subsequent_indent="  ")
    return Text("\n".join(wrapped))


def money(text: str | None) -> str:
    """Money of the contract in full, its thousands separated."""
    if text is None:
        return "none"
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return text
    cents = amount.quantize(Decimal("0.01"))
    return f"{cents:,}" if cents == amount else f"{amount.normalize():,f}"


def cents(text: str | None) -> str:
    """Money rounded to two decimals, for a sum that is read out; ledgers and `--json` have every digit."""
    if text is None:
        return "none"
    try:
        return f"{Decimal(text).quantize(Decimal('0.01'), ROUND_HALF_UP):,}"
    except InvalidOperation:
        return text


def to_cents(text: str | None) -> Decimal:
    """Money in whole cents, rounded as in `cents`; nothing where there is none."""
    try:
        return Decimal(text or 0).quantize(_CENT, ROUND_HALF_UP)
    except InvalidOperation:
        return Decimal(0)


def adding_up(begin: str, parts: Sequence[Decimal]) -> list[Decimal]:
    """Parts in whole cents that add up to the rounded sum of them all: none is off by more than a cent."""
    exact = Decimal(begin)
    total = exact.quantize(_CENT, ROUND_HALF_UP)
    shown: list[Decimal] = []
    for part in parts:
        exact += part
        before, total = total, exact.quantize(_CENT, ROUND_HALF_UP)
        shown.append(total - before)
    return shown


def share_of(part: str | None, whole: str | None) -> int | None:
    """Whole percent, rounded down; None when there is nothing to compare with."""
    try:
        limit = Decimal(whole or "")
        amount = Decimal(part or "")
    except InvalidOperation:
        return None
    return int(amount * 100 / limit) if limit > 0 else None


def bar(percent: int, width: int = _BAR) -> str:
    """A bar that is full at 100 %."""
    filled = min(max(percent, 0), 100) * width // 100
    return "█" * filled + "░" * (width - filled)


def local(text: str) -> datetime | None:
    """A time of the contract in this machine's zone; None when it is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if moment.tzinfo is None else moment.astimezone()


def clock(text: str | None, *, now: datetime | None = None) -> str:
    """A time as one would say it: `03:12` today, `22 Nov 03:12` this year, else with the year."""
    moment = local(text) if text else None
    if moment is None:
        return text or "-"
    present = (now or datetime.now().astimezone()).astimezone()
    if moment.date() == present.date():
        return f"{moment:%H:%M}"
    if moment.year == present.year:
        return f"{moment.day} {moment:%b %H:%M}"
    return f"{moment.day} {moment:%b %Y %H:%M}"


def lasting(duration_ms: int) -> str:
    """A duration as `4:05` or `1:02:33`."""
    minutes, seconds = divmod(duration_ms // 1_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
