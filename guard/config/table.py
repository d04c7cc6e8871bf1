"""A TOML table being read: each key is asked for once, and what nobody asked for is an unknown key.

So the list of known keys is the reading code itself and cannot fall out of step with it. A value
that is rejected becomes a problem and its default stands in, so that reading goes on and finds the
rest of what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

from guard.config.problems import KeyPath, Problems, RejectedError, written
from guard.config.values import kind, nearest

T = TypeVar("T")


class Table:
    """One table of the file, its place in it, and which of its keys have been asked for."""

    def __init__(self, content: Mapping[str, object], path: KeyPath, problems: Problems) -> None:
        self._content = content
        self._path = path
        self._problems = problems
        self._asked: dict[str, None] = {}
        self._children: list[Table] = []

    @property
    def known(self) -> list[str]:
        """The keys that have been asked for."""
        return list(self._asked)

    @property
    def name(self) -> str:
        """The table's path as an operator writes it."""
        return written(self._path)

    @property
    def is_section(self) -> bool:
        """Whether this is one of the file's sections, not a table within one."""
        return len(self._path) == 1

    def __contains__(self, key: str) -> bool:
        """Whether the file states this key."""
        return key in self._content

    def read(self, key: str, default: T, reader: Callable[[object], T]) -> T:
        """The key's value, or the default where it is absent or rejected."""
        self._asked[key] = None
        if key not in self._content:
            return default
        try:
            return reader(self._content[key])
        except RejectedError as rejected:
            self.reject(key, rejected)
            return default

    def table(self, key: str) -> Table:
        """The table of this name; an empty one where it is absent or no table."""
        self._asked[key] = None
        content = self._content.get(key, {})
        if not isinstance(content, Mapping):
            accepted = f"a table: [{self._header(key)}]"
            self.reject(key, RejectedError(f"is {kind(content)}", accepted))
            content = {}
        return self._child(content, (*self._path, key))

    def is_empty(self, key: str) -> bool:
        """Whether the file states an array without entries."""
        return self._content.get(key) == []

    def tables(self, key: str, accepted: str = "") -> Iterator[Table]:
        """The array of tables of this name; nothing where it is absent or something else."""
        self._asked[key] = None
        content = self._content.get(key, [])
        if not (isinstance(content, list) and all(isinstance(item, Mapping) for item in content)):
            tables = f"an array of tables, each begun with [[{self._header(key)}]]"
            self.reject(key, RejectedError(f"is {kind(content)}", accepted or tables))
            return
        for position, item in enumerate(content):
            yield self._child(item, (*self._path, key, position))

    def named(self) -> Iterator[tuple[str, Table]]:
        """Every sub-table, where the names are the operator's own."""
        for name in self._content:
            yield name, self.table(name)

    def entries(self) -> Iterator[str]:
        """Every key, where the names are the operator's own; each is then read with `read`."""
        yield from self._content

    def reject(self, key: str | None, rejected: RejectedError) -> None:
        """Note a problem with one of the table's keys, or with the table itself."""
        path = self._path if key is None else (*self._path, key)
        self._problems.add(path, rejected.found, rejected.accepted)

    def report_unknown(self, elsewhere: Mapping[str, str] | None = None) -> None:
        """Note every key that nobody asked for, in this table and those below it."""
        if elsewhere is None:
            elsewhere = self._known_below()
        for key in self._content:
            if key not in self._asked:
                found = self._unknown(key, elsewhere)
                accepted = ", ".join(sorted(self._asked))
                self._problems.add((*self._path, key), found, accepted)
        for child in self._children:
            child.report_unknown(elsewhere)

    def _unknown(self, key: str, elsewhere: Mapping[str, str]) -> str:
        """The nearest known key: the same one in another section, else the most similar here."""
        if key in elsewhere:
            return f"unknown key here; it belongs in {elsewhere[key]}"
        near = nearest(key, self._asked)
        return f'unknown key; the nearest known one is "{near}"' if near else "unknown key"

    def _known_below(self) -> dict[str, str]:
        """In which sections each key is known."""
        sections: dict[str, str] = {}
        for child in self._children:
            for key in child.known if child.is_section else ():
                name = f"[{child.name}]"
                sections[key] = f"{sections[key]} or {name}" if key in sections else name
        return sections

    def _header(self, key: str) -> str:
        """What stands between the brackets of a table below this one: no positions."""
        return written((*(step for step in self._path if isinstance(step, str)), key))

    def _child(self, content: Mapping[str, object], path: KeyPath) -> Table:
        child = Table(content, path, self._problems)
        self._children.append(child)
        return child
