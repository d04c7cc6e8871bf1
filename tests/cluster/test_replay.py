"""The log read again from its start, into an empty database, gives what was there: lines, balances, decisions and ids.

What calls cost is stated by the switch and does not grow in between: what guard carries forward depends on when it is
looked at, and a log that is read hours later is a backlog, in which only what was stated counts. Nor are there fees:
between billing and calls no order is promised, and of what a worker finds at once it takes billing first.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.cluster.audit import Audit
from tests.cluster.biller import NEVER_S
from tests.cluster.processes import wait_until
from tests.cluster.rig import Rig, open_rig

pytestmark = [pytest.mark.broker, pytest.mark.nats, pytest.mark.postgres, pytest.mark.slow]

ACCOUNTS = "id, currency, owed_micros, limit_micros, level, seq, decisions, command, causes"
LINES = "part, number, account, at_ms, kind, amount_micros, switch, call, duration_ms, ref"
DECISIONS = "part, number, id, at_ms, account, action, scope, mode, reason, rule, mark, exposure_micros, evidence, text"


def state(rig: Rig) -> dict[str, list[list[str]]]:
    """What there is to compare."""
    ask = rig.ground.ask
    return {
        "accounts": ask(f"SELECT {ACCOUNTS} FROM account ORDER BY id"),  # noqa: S608 -- a constant
        "ledger": ask(f"SELECT {LINES} FROM ledger ORDER BY part, number"),  # noqa: S608 -- a constant
        "decisions": ask(f"SELECT {DECISIONS} FROM decisions ORDER BY part, number"),  # noqa: S608 -- a constant
    }


def test_the_log_from_its_start_gives_an_empty_database_the_same_state(tmp_path: Path) -> None:
    with open_rig(tmp_path) as rig:
        first, second = rig.join(), rig.join()
        rig.settle("the start")
        with rig.traffic(seed=8, rated=False, fee_every_s=NEVER_S) as traffic:
            wait_until(lambda: len(traffic.switch.blocked()) > 10, "some are blocked")
            first.kill()
            rig.settle("a worker was killed")
            rig.verdict(traffic)
            assert second.stop() == 0
            before = state(rig)

            rig.ground = replace(rig.ground, database=rig.server.database())
            rig.audit = Audit(rig.server, rig.ground.database)
            rig.join()
            rig.settle("a worker on an empty database")
            rig.verdict(traffic)
            after = state(rig)
    for what, rows in before.items():
        assert len(after[what]) == len(rows) > 0, what
        assert [pair for pair in zip(rows, after[what], strict=True) if pair[0] != pair[1]] == [], what
    assert len(before["decisions"]) > 20
