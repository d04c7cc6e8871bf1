"""`[cdr]`: where an operator's call records say what guard asks for, for records that no ready map fits.

    [cdr]
    header = true                  # the first line names the columns; else they are counted from 1
    delimiter = ";"
    timezone = "America/Toronto"   # of times that bear no offset
    [cdr.columns]
    account = "customer"
    to = "dialled"
    answered_at = "answer"
    duration_s = "seconds"

Four columns are required; `charge`, `from`, `call`, `switch`, `started_at` and `cause` may be named. With `started_at`
a record whose `answered_at` is empty is a failed attempt of that time.
"""

from __future__ import annotations

from zoneinfo import available_timezones

from guard.config import values
from guard.config.problems import RejectedError
from guard.config.sections import CdrSection
from guard.config.table import Table

REQUIRED = ("account", "to", "answered_at", "duration_s")
OPTIONAL = ("charge", "from", "call", "switch", "started_at", "cause")
MOST_COLUMNS = 1_000


def read_cdr(table: Table) -> CdrSection:
    """The section; without columns it is no map."""
    default = CdrSection()
    header = table.read("header", default.header, values.boolean)
    read = table.table("columns")
    unnamed: str | int = ""
    columns = {name: read.read(name, unnamed, _named if header else _counted) for name in (*REQUIRED, *OPTIONAL)}
    stated = {name: column for name, column in columns.items() if name in read}
    missing = [name for name in REQUIRED if name not in read]
    if stated and missing:
        read.reject(None, RejectedError(f"lacks {', '.join(missing)}", f"all of {', '.join(REQUIRED)}"))
        stated = {}
    return CdrSection(
        header=header,
        delimiter=table.read("delimiter", default.delimiter, _delimiter),
        timezone=table.read("timezone", default.timezone, _timezone),
        columns=stated,
    )


def _named(value: object) -> str | int:
    return values.text(value)


def _counted(value: object) -> str | int:
    number = values.count(value)
    if not 1 <= number <= MOST_COLUMNS:
        raise RejectedError(f"{values.shown(number)} is out of range", f"the column's number, from 1 to {MOST_COLUMNS}")
    return number - 1


def _delimiter(value: object) -> str:
    text = values.text(value)
    if len(text) != 1 or text in '"\r\n' or not text.isascii():
        raise RejectedError(f"{values.shown(text)} is no delimiter", 'one character, such as "," or ";"')
    return text


def _timezone(value: object) -> str:
    text = values.text(value)
    if text not in available_timezones():
        raise RejectedError(f"{values.shown(text)} is no time zone", 'a name such as "America/Toronto"')
    return text
