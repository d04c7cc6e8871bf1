"""`[store]`: where the state is kept, in a file of guard's own or in PostgreSQL.

The address of a database is libpq's, options and all (`sslmode`, `sslrootcert`, several hosts), but for a password:
that is kept beside it (`password_file`), or where libpq looks for it (PGPASSWORD, `~/.pgpass`).
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from guard.config import values
from guard.config.kept import places, read_kept, refuse_secret
from guard.config.problems import RejectedError
from guard.config.sections import StoreSection
from guard.config.table import Table

_STORE = '"sqlite:PATH" such as "sqlite:guard.db", or "postgresql://USER@HOST/DATABASE"'
_DATABASE = "postgresql"
LEASE_MS = (2_000, 60_000)
"""The least and the most."""


def read_store(table: Table, base: Path) -> StoreSection:
    """Read the section."""
    default = StoreSection()
    url = table.read("url", "sqlite:guard.db", _url)
    database = url if url.startswith(_DATABASE) else ""
    refuse_secret(table, "password")
    section = StoreSection(
        path=default.path if database else base / url.partition(":")[2],
        database=database,
        password=read_kept(table, "password", base),
        lease_ms=table.read("lease", default.lease_ms, _lease_ms),
        slow_after_ms=table.read("slow_after", default.slow_after_ms, values.duration_or_never_ms),
        min_free_bytes=table.read("min_free", default.min_free_bytes, values.size_bytes),
    )
    if database and "min_free" in table:
        table.reject("min_free", RejectedError("is about the disk of a file", "a watch on the database's own disk"))
    if not database and "lease" in table:
        table.reject("lease", RejectedError("is about a database", "a file has one guard, and needs none"))
    if section.password.stated and not database:
        table.reject(None, RejectedError("has a password for a file", 'url = "postgresql://USER@HOST/DATABASE"'))
    return section


def _lease_ms(value: object) -> int:
    """Shorter, and a busy machine loses it; longer, and nobody decides for too long when one dies."""
    lease_ms = values.duration_ms(value)
    if not LEASE_MS[0] <= lease_ms <= LEASE_MS[1]:
        raise RejectedError(f"is {value}", "2s to 60s")
    return lease_ms


def _url(value: object) -> str:
    """The address of either kind."""
    url = values.text(value)
    scheme, _, path = url.partition(":")
    if scheme == _DATABASE:
        _check_database(url)
    elif scheme != "sqlite":
        raise RejectedError(f'"{scheme}:" is no store that guard knows', _STORE)
    elif not path or path.startswith(("//", ":")):
        raise RejectedError(f'"{url}" names no file', _STORE + ' or "sqlite:/var/lib/guard/guard.db"')
    return url


def _check_database(url: str) -> None:
    """What may hold a password is not repeated."""
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError:
        raise RejectedError("is not the address of a database", _STORE) from None
    user, _, _ = parts.netloc.rpartition("@")
    if ":" in user or "password" in options:
        raise RejectedError("has a password in it", f"its place: {places('password')}, or PGPASSWORD or ~/.pgpass")
    if not parts.path.strip("/"):
        raise RejectedError("names no database", _STORE)
