"""Pieces of the report page: sections, tables, and how amounts, counts and delays are written for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from guard.backtest.summary import MIXED
from guard.core.money import MICROS_PER_UNIT, format_cents, parse_money

LISTED = 50
"""Rows of a table; the summary has them all."""


def section(title: str, said: str, content: str) -> str:
    """A part of the page with its heading."""
    return f"<section><h2>{title}</h2>{f'<p>{said}</p>' if said else ''}{content}</section>"


def table(names: Sequence[str], rows: Sequence[Sequence[str]], words: Iterable[int] = ()) -> str:
    """A table; all columns but the first and those of `words` are numbers."""
    left = {0, *words}
    head = "".join(f"<th{'' if place in left else ' class=n'}>{name}</th>" for place, name in enumerate(names))
    body = "".join(
        "<tr>"
        + "".join(f"<td{'' if place in left else ' class=n'}>{cell}</td>" for place, cell in enumerate(row))
        + "</tr>"
        for row in rows[:LISTED]
    )
    more = f"<p>{len(rows) - LISTED:,} more are in summary.json.</p>" if len(rows) > LISTED else ""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def counted(count: int, noun: str) -> str:
    """So many of something."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def delay(seconds: int | None) -> str:
    """A time span as people say it."""
    if seconds is None:
        return "-"
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}&nbsp;d {hours}&nbsp;h"
    if hours:
        return f"{hours}&nbsp;h {minutes}&nbsp;min"
    return f"{minutes}&nbsp;min {rest}&nbsp;s" if minutes else f"{rest}&nbsp;s"


def amount(text: str) -> str:
    """Money of the summary, in cents."""
    return micros_text(parse_money(text))


def money(text: str, currency: str) -> str:
    """Money of the summary with its currency."""
    return micros_text(parse_money(text), currency)


def micros_text(micros: int, currency: str = "") -> str:
    """An amount in cents, its thousands separated."""
    whole, _, cents = format_cents(micros).partition(".")
    return f"{int(whole):,}.{cents} {currency}".rstrip() if currency != MIXED else f"{int(whole):,}.{cents}"


def units(micros: int) -> float:
    """For a position on paper only."""
    return micros / MICROS_PER_UNIT
