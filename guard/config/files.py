"""Reading what an operator wrote: text in UTF-8, and TOML with the lines on which its keys stand.

A file that cannot be read, or not as what it should be, is one problem that hides whatever else is wrong with it, so
it comes alone. A mark of byte order, as spreadsheets put it, is no part of the text. A number with a point is read as
a `Decimal`: nothing here is ever a float.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from pathlib import Path

from guard.config.locate import key_lines
from guard.config.problems import ConfigError, Problem, Problems
from guard.config.table import Table

MOST_BYTES = 256 << 20
"""A tariff of a million prefixes is a quarter of it."""
_SYNTAX = re.compile(r"(.*) \(at (?:line ([0-9]+), column ([0-9]+)|end of document)\)", re.DOTALL)


def read_text(file: Path) -> str:
    """The text of a file; `ConfigError` when there is none to be had."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise _whole(file, f"is larger than {MOST_BYTES:,} bytes")
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        raise _whole(file, "there is no such file") from None
    except UnicodeDecodeError as error:
        raise _not_utf8(file, error) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise _whole(file, f"cannot be read: {reason}") from None


def read_toml(file: Path) -> tuple[Table, Problems]:
    """The file's outermost table, and where to note what is wrong in it; `ConfigError` when it is not TOML."""
    text = read_text(file)
    try:
        content = tomllib.loads(text, parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError) as error:
        # Also a number of 5,000 digits, one with an exponent of 20, or a thousand brackets.
        raise ConfigError([_syntax(file, text, str(error))]) from None
    problems = Problems(str(file), key_lines(text))
    return Table(content, (), problems), problems


def _whole(file: Path, found: str) -> ConfigError:
    return ConfigError([Problem(file=str(file), key="", line=None, found=found, accepted="")])


def _not_utf8(file: Path, error: UnicodeDecodeError) -> ConfigError:
    """The place is worth telling: it is a name with an accent, out of a spreadsheet of another age."""
    line = error.object.count(b"\n", 0, error.start) + 1
    found = "is not UTF-8 text from here on"
    return ConfigError([Problem(file=str(file), key="", line=line, found=found, accepted="a file saved as UTF-8")])


def _syntax(file: Path, text: str, message: str) -> Problem:
    match = _SYNTAX.fullmatch(message)
    line = None
    if match:
        line = int(match.group(2)) if match.group(2) else max(1, len(text.splitlines()))
    found = f"is not TOML: {match.group(1) if match else message}"
    if match and match.group(3):
        found += f" (column {match.group(3)})"
    return Problem(file=str(file), key="", line=line, found=found, accepted="")
