"""On which line a key stands: a small scan beside `tomllib`, which does not say.

It follows table headers and `key =` at the start of a line, which is how people write these files.
It only serves error messages, so what it cannot see (keys in an inline table) simply has the line
of what encloses it, and a line within a multi-line string that looks like a key can at worst
misplace a message about a key that is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from guard.config.problems import KeyPath

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"[ \t]*(\[\[?)[ \t]*({_DOTTED})[ \t]*\]")
_KEY = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=")
_PARTS = re.compile(_PART)


def key_lines(text: str) -> dict[KeyPath, int]:
    """The line, from 1, on which each table header and each key first stands."""
    lines: dict[KeyPath, int] = {}
    positions: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _within_last(_parts(header.group(2)), positions)
            if header.group(1) == "[[":
                position = positions.get(table, -1) + 1
                positions[table] = position
                table = (*table, position)
            _note(lines, table, number)
        elif key := _KEY.match(line):
            _note(lines, table + _parts(key.group(1)), number)
    return lines


def _note(lines: dict[KeyPath, int], path: KeyPath, number: int) -> None:
    """What is named first on this line: `[a.b]` also begins `a`, if nothing did before."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            break
        lines[path[:length]] = number


def _within_last(parts: KeyPath, positions: Mapping[KeyPath, int]) -> KeyPath:
    """The path a header means: below an array of tables it is about the last one, `[[a]]`, `[a.b]` is `a[1].b`."""
    path: KeyPath = ()
    for part in parts:
        if path in positions:
            path = (*path, positions[path])
        path = (*path, part)
    return path


def _parts(dotted: str) -> KeyPath:
    return tuple(_unquoted(part) for part in _PARTS.findall(dotted))


def _unquoted(part: str) -> str:
    """The name of a quoted or bare key; other escapes than that of the quote are ignored here."""
    if part[0] == '"':
        return part[1:-1].replace('\\"', '"').replace("\\\\", "\\")
    return part[1:-1] if part[0] == "'" else part
