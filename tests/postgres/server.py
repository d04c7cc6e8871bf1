"""A real PostgreSQL for a test: in a folder of its own, reached by a socket in it, and mortal.

    with PostgresServer() as server:
        url = server.database()       # a new, empty database
        server.kill()                 # pg_ctl -m immediate: no checkpoint, like a crash
        server.start()                # the same data
        with server.replica() as standby:
            ...                       # a streaming replica, made by pg_basebackup
            standby.promote()

PostgreSQL refuses to run as root, so there it runs as an ordinary user of the machine. It listens on no port unless it
is asked to. Nothing is synced unless the test is about what survives: the processes die here, the machine does not.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

USER = "guard"

_ORDINARY_USERS = ("postgres", "nobody")
_PATIENCE_S = 60
_LOG_LINES = 30
_NUMBERS = count(1)

_SETTINGS = """
listen_addresses = '{listen}'
unix_socket_directories = '{folder}'
max_connections = 60
shared_buffers = 64MB
max_wal_size = 256MB
fsync = {fsync}
full_page_writes = {fsync}
log_min_messages = warning
"""

_EMPTIED = """
DO $$ BEGIN EXECUTE (
  SELECT 'TRUNCATE ' || string_agg('guard.' || quote_ident(tablename), ', ')
  FROM pg_tables WHERE schemaname = 'guard' AND tablename NOT IN ('layout', 'part', 'lease')
) || ' RESTART IDENTITY'; END $$;
UPDATE guard.part SET epoch = 0, batch = 0, position = 0, published = 0, forgotten_before_ms = 0,
  lines_without_details = 0, decisions_without_details = 0;
UPDATE guard.lease SET owner = '', lease_until = '-infinity'"""


def name_of(url: str) -> str:
    """The database in an address."""
    return urlsplit(url).path.strip("/")


class ServerError(AssertionError):
    """The server did not do what the test needs; the message ends with its log."""


class PostgresServer:
    """One server, started on entry and gone on exit, whatever state the test left it in."""

    def __init__(self, *, fsync: bool = False, listen: str = "") -> None:
        """`fsync`: what it has committed is on the disk, as in earnest. `listen`: an address that everybody may use."""
        self.folder = Path(tempfile.mkdtemp(prefix="guard-pg-"))
        self._shared: dict[int, str] = {}
        self._data = self.folder / "data"
        self._log = self.folder / "log"
        self._listen = listen
        self._settings = _SETTINGS.format(folder=self.folder, fsync="on" if fsync else "off", listen=listen)
        if os.geteuid() == 0:
            user = ordinary_user()
            os.chown(self.folder, user.pw_uid, user.pw_gid)

    def __enter__(self) -> Self:
        """Make an empty server and start it."""
        self._make()
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave no process and no folder behind, and show the log of a test that failed."""
        if self.running:
            self.kill()
        if error is not None:
            error.add_note(f"the end of PostgreSQL's log:\n{self.log_tail()}")
        shutil.rmtree(self.folder)

    @property
    def running(self) -> bool:
        """Whether it has not been stopped."""
        return (self._data / "postmaster.pid").exists()

    @property
    def pid(self) -> int:
        """Of the process whose children all others are."""
        return int((self._data / "postmaster.pid").read_text().splitlines()[0])

    def url(self, database: str) -> str:
        """What `[store] url` says to reach a database."""
        return f"postgresql://{USER}@/{database}?host={self.folder}"

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"test{next(_NUMBERS)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def emptied(self, parts: int = 1) -> str:
        """The address of a database that tests use in turn, with nothing in its tables: quicker than a new one.

        `parts`: one for each number of partitions, which never changes.
        """
        if parts not in self._shared:
            self._shared[parts] = self.database()
        else:
            self.execute(_EMPTIED, name_of(self._shared[parts]))
        return self._shared[parts]

    def execute(self, statement: str, database: str = "postgres") -> str:
        """What psql says to a statement, bare."""
        command = ["psql", "--no-psqlrc", "-XqAtv", "ON_ERROR_STOP=1", "-h", str(self.folder), "-U", USER, database]
        done = subprocess.run(
            [*command, "-c", statement], check=False, capture_output=True, text=True, timeout=_PATIENCE_S
        )
        if done.returncode:
            raise ServerError(f"{done.stderr}\n{self.log_tail()}")
        return done.stdout.strip()

    def start(self) -> None:
        """Start on the data of last time; return when it accepts connections."""
        self._ctl("start", "-w", "-l", str(self._log))

    def kill(self) -> None:
        """It ends at once, without saving anything, like a crash."""
        self._ctl("stop", "-m", "immediate")

    def replica(self) -> Replica:
        """A standby that follows this server."""
        return Replica(self)

    def log_tail(self) -> str:
        """The last lines of everything it has said."""
        if not self._log.exists():
            return "(no log)"
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-_LOG_LINES:])

    def _make(self) -> None:
        options = ["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", f"--username={USER}"]
        self._run("initdb", "-D", str(self._data), *options)
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(self._settings)
        if self._listen:
            with (self._data / "pg_hba.conf").open("a") as login:
                login.write("host all all all trust\n")

    def _ctl(self, *words: str) -> None:
        self._run("pg_ctl", "-D", str(self._data), "-t", str(_PATIENCE_S), *words)

    def _run(self, program: str, *words: str) -> None:
        """Run one of its programs as an ordinary user; what pg_ctl leaves running must not hold our pipes."""
        user = ordinary_user() if os.geteuid() == 0 else None
        with (self.folder / "said").open("w+") as said:
            done = subprocess.run(
                [_program(program), *words],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                cwd=self.folder,
                timeout=2 * _PATIENCE_S,
                user=None if user is None else user.pw_uid,
                group=None if user is None else user.pw_gid,
                extra_groups=None if user is None else [],
            )
            said.seek(0)
            if done.returncode:
                raise ServerError(f"{program}: {said.read()}\n{self.log_tail()}")


class Replica(PostgresServer):
    """A server that follows another one until it is promoted."""

    def __init__(self, primary: PostgresServer) -> None:
        super().__init__(fsync=True)
        self._primary = primary

    def promote(self) -> None:
        """From now on it is a primary, with a history of its own."""
        self._ctl("promote", "-w")

    def _make(self) -> None:
        address = f"host={self._primary.folder} user={USER} application_name=replica"
        self._run("pg_basebackup", "-D", str(self._data), "-d", address, "-R", "-X", "stream", "-c", "fast")
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(self._settings)


def _program(name: str) -> str:
    """Debian keeps most of them where no PATH looks, in a folder for each version."""
    found = shutil.which(name)
    if found is not None and Path(found).name == name:
        return found
    versions = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    if not versions:
        raise ServerError(f"there is no {name}: apt-get install postgresql")
    return str(versions[-1])


def ordinary_user() -> pwd.struct_passwd:
    """As whom it runs where we are root."""
    for name in _ORDINARY_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise ServerError(f"PostgreSQL does not run as root, and there is none of {_ORDINARY_USERS}")
