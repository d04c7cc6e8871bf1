"""Stores that released versions wrote, as SQL dumps, and what is in them.

Each was made by its version of what is told here: `saved` lies in its tables, `not_saved` in its journal only. A later
version adds to what the one before it had.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from guard.core.decisions import Changes, LineKind, Notice, NoticeKind
from tests.store.kept_samples import crowds, fuse, held_blocks, subject
from tests.store.samples import (
    BOOKS,
    CAUSE,
    COMMAND,
    RATED,
    T0,
    Model,
    account,
    audit,
    billing,
    call,
    decision,
    held,
    line,
    over,
    switch,
)

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Released:
    """What a version left."""

    version: int
    saved: Changes
    not_saved: Changes

    @property
    def schema(self) -> str:
        """Its layout, as SQL."""
        return (FOLDER / f"schema-{self.version}.sql").read_text()

    def write(self, path: Path) -> Model:
        """Make its file; returns what is in it."""
        with closing(sqlite3.connect(path)) as connection:
            connection.executescript((FOLDER / f"written-by-{self.version}.sql").read_text())
        model = Model()
        model.apply(self.saved)
        model.apply(self.not_saved)
        return model


FIRST = Released(
    1,
    Changes(
        accounts=[
            account("A1", 349_999, command=COMMAND, causes=(CAUSE,), limit_micros=None, until_ms=T0),
            account("A2", 5, provisional=True, closed=True),
        ],
        calls=[call("c1"), call("c2", "sw2", emergency=True, defies=True, stated_charge_micros=7)],
        switches=[switch("sw1"), switch("sw2", up=False)],
        remembered=[over("call-1"), over("c9", 0, lost=True, emergency=True, direction="")],
        forgotten_before_ms=T0 - 1,
        ledger=[
            line(1),
            line(2, kind=LineKind.PAYMENT, amount_micros=-1, ref="p7", method="cheque", call="", switch=""),
            line(3, "A2", 5),
        ],
        decisions=[decision(1), decision(2, limit_micros=None, evidence=())],
        quarantine=[held(1)],
        billing=[billing("p7", payload='{"type":"payment"}')],
        audit=[audit("allow")],
        pending=[("sw1", "A1", 7)],
    ),
    Changes(
        accounts=[account("A1", 699_999, causes=(CAUSE,)), account("A3", 9)],
        calls=[call("c3", charge_micros=9, silent_carry_scaled=2**62)],
        calls_over=[("sw1", "c1")],
        switches=[switch("sw1", last_heard_ms=T0 + 9)],
        remembered=[over("call-4", newest_at_ms=T0 + 9)],
        ledger=[line(4), line(5, "A3", 9, kind=LineKind.ADJUSTMENT, call="", switch="")],
        billing=[billing("i1", type="invoice", method="", status="")],
    ),
)
SECOND = Released(
    2,
    replace(
        FIRST.saved,
        accounts=[account("A1", 349_999, command=COMMAND, causes=(CAUSE,), books=BOOKS), account("A2", 5, closed=True)],
        remembered=[over("call-1", rated=RATED)],
        kept=[subject("A1"), crowds(), fuse(5), held_blocks("h1")],
    ),
    replace(
        FIRST.not_saved,
        accounts=[account("A1", 699_999, causes=(CAUSE,), books=BOOKS), account("A3", 9)],
        calls=[call("c3", charge_micros=9, stated_duration_ms=59_000, posted_billed_s=60)],
    ),
)
NOTICE = Notice(kind=NoticeKind.BLIND, at_ms=T0 + 1, switch="sw2", text="Switch sw2 is silent.")
_SILENT = switch("sw2", up=False)._replace(last_seen_ms=T0 + 1, down_at_ms=T0 + 2, silence="unusual", told_at_ms=T0 + 3)
THIRD = Released(
    3,
    replace(SECOND.saved, switches=[switch("sw1"), _SILENT], forgotten=[("A2", T0, 3)]),
    replace(
        SECOND.not_saved,
        accounts=[*SECOND.not_saved.accounts, account("A4", forgotten=True)],
        notices=[NOTICE],
    ),
)
ALL = (FIRST, SECOND, THIRD)
