"""What a backup needs when it is put back: that switches obey it.

A switch ignores a command whose `seq` is lower than one that it has seen of that account. A store from a backup is as
of an earlier time, and what it would give next is lower than what switches have seen since: its blocks would be
ignored. So a backup bears a mark, and whoever opens it first, be it after weeks, counts on from well beyond.
"""

from __future__ import annotations

import sqlite3

SEQ_AHEAD = 1_000_000
"""More commands than an account gets between two backups."""

_MARK = "backup"


def mark(connection: sqlite3.Connection) -> None:
    """This file is a backup."""
    connection.execute("INSERT OR REPLACE INTO meta VALUES (?, 1)", (_MARK,))


def is_marked(connection: sqlite3.Connection) -> bool:
    """Whether it is, and nobody has opened it as a store since."""
    return connection.execute("SELECT 1 FROM meta WHERE name = ?", (_MARK,)).fetchone() is not None


def count_on(connection: sqlite3.Connection) -> None:
    """Let every account's commands be newer than any before; everything journalled is in the tables."""
    connection.execute("UPDATE account SET seq = seq + ?", (SEQ_AHEAD,))
    connection.execute("UPDATE pending SET seq = seq + ?", (SEQ_AHEAD,))
    connection.execute("DELETE FROM meta WHERE name = ?", (_MARK,))
