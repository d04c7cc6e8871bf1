"""Who commits what: a trigger in the database notes it, in the very transaction, so that it cannot be wrong about it.

It lies beside guard's own schema and knows a session by the name that guard gives it, which is its worker's. The tables
have to be there before the trigger can be; the first thing that opens the store makes them.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict

from guard.adapters.postgres import PostgresAddress, open_postgres
from guard.core.partitions import PARTITIONS
from tests.postgres.server import PostgresServer, name_of

_TRIGGER = """
CREATE SCHEMA audit;
CREATE TABLE audit.seen (
  part SMALLINT, epoch BIGINT, what TEXT, who TEXT, PRIMARY KEY (part, epoch, what, who));
CREATE TABLE audit.fault (part SMALLINT, text TEXT);
CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.epoch < OLD.epoch OR (NEW.position < OLD.position AND NEW.position_at_ns <= OLD.position_at_ns) THEN
    INSERT INTO audit.fault VALUES (NEW.part,
      format('from epoch %s, position %s to epoch %s, position %s', OLD.epoch, OLD.position, NEW.epoch, NEW.position));
  END IF;
  IF NEW.epoch <> OLD.epoch THEN
    INSERT INTO audit.seen VALUES (NEW.part, NEW.epoch, 'claimed', current_setting('application_name'))
    ON CONFLICT DO NOTHING;
  ELSIF (NEW.batch, NEW.position) <> (OLD.batch, OLD.position) THEN
    INSERT INTO audit.seen VALUES (NEW.part, NEW.epoch, 'committed', current_setting('application_name'))
    ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER note AFTER UPDATE ON guard.part FOR EACH ROW EXECUTE FUNCTION audit.note();
"""


class Audit:
    """Of one database, from before its first worker."""

    def __init__(self, server: PostgresServer, url: str) -> None:
        self.server = server
        """To be set anew when the database goes on elsewhere."""
        self._database = name_of(url)
        asyncio.run(_make(url))
        server.execute(_TRIGGER, self._database)

    def seen(self, what: str) -> dict[tuple[int, int], set[str]]:
        """Who has `claimed` or `committed`, by partition and epoch."""
        found: dict[tuple[int, int], set[str]] = defaultdict(set)
        asked = f"SELECT part, epoch, who FROM audit.seen WHERE what = '{what}'"  # noqa: S608 -- a word of this module
        for line in self.server.execute(asked, self._database).splitlines():
            part, epoch, who = line.split("|")
            found[int(part), int(epoch)].add(who)
        return found

    def faults(self) -> list[str]:
        """Epochs and positions that went back; sequences begin anew with a log that does, at a later moment."""
        return self.server.execute("SELECT part, text FROM audit.fault", self._database).splitlines()

    def epochs(self) -> int:
        """How many tenancies there were, of all partitions together."""
        return len(self.seen("claimed"))

    def check(self) -> None:
        """Each partition had one owner an epoch, and nobody else has committed in it."""
        assert self.faults() == []
        claimed, committed = self.seen("claimed"), self.seen("committed")
        assert {part for part, _ in claimed} == set(range(PARTITIONS))
        assert committed
        assert all(len(workers) == 1 for workers in claimed.values())
        assert {tenancy: who for tenancy, who in committed.items() if who != claimed[tenancy]} == {}


async def _make(url: str) -> None:
    async with open_postgres(PostgresAddress(url=url, owner="audit"), parts=PARTITIONS):
        pass
