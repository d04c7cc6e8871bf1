"""What PostgreSQL, its driver or the way to it say, in words an operator can act on: which database, what, what to do.

Every error that leaves this adapter is a `StoreError` made here, or a `FencedError`. Nothing here decides whether to
try again.
"""

from __future__ import annotations

import asyncpg

from guard.ports import StoreError

Unstorable = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
    OverflowError,
    UnicodeError,
)
"""What the server, the driver, the network or the codec raise when they cannot do something."""

HAS_NUL = "22021"
"""Text with a character that PostgreSQL cannot keep: U+0000."""

_WORDS = {
    "23505": "a row that should be new is there already; a fault in guard: report it, restart",
    "25006": "it is a standby and takes no writes; name all servers and add ?target_session_attrs=primary",
    "28000": "it does not let this user in; look at the user, at pg_hba.conf, at sslmode, sslcert and sslkey",
    "28P01": "the password is wrong; look at password_file, PGPASSWORD or ~/.pgpass",
    "3D000": "there is no such database; make it: createdb --owner USER --template template0 --encoding UTF8 NAME",
    "42501": "this user may not do that; let it own the database, or the schema guard in it",
    "53100": "its disk is full; make room there",
    "53300": "it has no connection left; raise max_connections: guard needs eight, a worker of a cluster thirteen",
}

_CLASSES = {
    "22": "a value does not fit the store; this is a fault in guard: report it",
    "57": "it is stopping, starting, or ended this connection",
}


def explain(error: BaseException, shown: str) -> StoreError:
    """The `StoreError` for an error; `shown` is the address without anything secret."""
    state = str(getattr(error, "sqlstate", "") or "")
    words = _WORDS.get(state) or _CLASSES.get(state[:2])
    if words is not None:
        return StoreError(f"{shown}: {words} ({error})")
    if isinstance(error, OverflowError | UnicodeError):
        return StoreError(f"{shown}: {_CLASSES['22']} ({error})")
    if isinstance(error, TimeoutError):
        return StoreError(f"{shown}: no answer in time; look at the server, its disk and the network")
    if isinstance(error, OSError):
        return StoreError(f"{shown}: cannot be reached; look at the server and the network ({error})")
    return StoreError(f"{shown}: the store failed: {error}")
