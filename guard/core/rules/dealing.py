"""Dealing out: crowds that one daemon has counted, as the partitions of a cluster keep them.

A crowd goes to its home; what it has said goes to whoever would have heard it (`guard.core.rules.across`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from guard.core.decisions import KeptRow
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.rules.across import home_of, kept_crowd, kept_standing
from guard.core.rules.rows import CrowdRow, StandingRow
from guard.core.rules.windows import Distinct


def dealt(rows: Iterable[CrowdRow]) -> Iterator[tuple[int, KeptRow]]:
    """What each partition keeps of the crowds of a daemon: (partition, row)."""
    for row in rows:
        name, key = row.tally.counter, row.tally.key
        yield home_of(name, key), kept_crowd(row)
        yield from ((part, kept_standing(each)) for part, each in _heard(row))


def _heard(row: CrowdRow) -> Iterator[tuple[int, StandingRow]]:
    name, key = row.tally.counter, row.tally.key
    accounts = Distinct.from_row(row.tally.sets[0])
    owners, since = dict(row.owners), dict(row.since)
    for rule in dict.fromkeys((*owners, *since)):
        heard = StandingRow(rule, key)
        if rule in since:
            heard = heard._replace(
                counter=name, since_ms=since[rule], stands=True, value=accounts.count, estimated=accounts.estimated
            )
        warned = owners.get(rule, "")
        home = partition_of(warned) if warned else -1
        for part in range(PARTITIONS):
            if part == home:
                yield part, heard._replace(warned=warned)
            elif heard.stands:
                yield part, heard
