"""Where the database is, and a connection to it.

The address is libpq's: several hosts, `sslmode` and its files, `target_session_attrs`; so are the ways to a password
(PGPASSWORD, `~/.pgpass`) beside guard's own. What is shown of it never holds more than user, hosts and database.

Each session says by its `application_name` whose it is, so that whoever takes a lease over can end what its last owner
left hanging (`leases`). A session that stops in the middle of a transaction is ended by the server itself, and so is
one whose machine does not answer any more: a row that somebody dead has locked must not be locked for long.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import asyncpg

from guard.adapters.postgres import encryption
from guard.adapters.postgres.failures import Unstorable, explain
from guard.ports import StoreError

CONNECT_LIMIT_S = 5.0
SCHEMA = "guard"
_NAME_BYTES = 63
"""Of an identifier; PostgreSQL cuts off what is longer."""

_SESSION = {
    "search_path": f"{SCHEMA}, pg_temp",
    "jit": "off",
    "idle_in_transaction_session_timeout": "2s",
    "lock_timeout": "10s",
    "tcp_keepalives_idle": "2",
    "tcp_keepalives_interval": "1",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "5s",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresAddress:
    """A database, and how to get in."""

    url: str
    """Without a password."""
    password: str = field(default="", repr=False)
    """Empty: libpq's own means."""
    owner: str = ""
    """Who we are, among those who may hold leases here."""

    @property
    def shown(self) -> str:
        """The address as it may be shown: no options, which can name files with secrets."""
        parts = urlsplit(self.url)
        return parts._replace(query="", fragment="").geturl()

    async def connect(self, *, limit_s: float | None = None) -> Any:
        """A connection; each statement on it may take so long. `StoreError` when there is none to be had."""
        if words := encryption.unreadable(self.url):
            raise StoreError(f"{self.shown}: {words}")
        try:
            return await asyncpg.connect(
                self.url,
                password=self.password or None,
                timeout=CONNECT_LIMIT_S,
                command_timeout=limit_s,
                server_settings={**_SESSION, "application_name": session_name(self.owner)},
            )
        except (*Unstorable, ValueError) as error:
            if words := encryption.wrong(error, self.url):
                raise StoreError(f"{self.shown}: {words}") from error
            raise explain(error, self.shown) from error


def session_name(owner: str) -> str:
    """What the sessions of an owner are called: of a long name the end, which is no other's."""
    begin = "guard "
    return begin + owner.encode()[len(begin) - _NAME_BYTES :].decode(errors="ignore")
