"""Everything that an operator can do is in the history afterwards: who, when, what, why."""

from __future__ import annotations

from typing import get_args

import pytest

from guard.core.decisions import Audit
from guard.core.money import Micros
from guard.core.records import (
    AccountMessage,
    Allow,
    Approve,
    Block,
    CloseFuse,
    CloseMessage,
    Forget,
    Intent,
    IntentResult,
    Note,
    Reject,
    Release,
    Scope,
    SetLimit,
)
from guard.core.settings import HOUR_MS
from guard.shell.desk import Desk
from tests.shell.fakes import START_MS, House
from tests.shell.test_feed_and_desk import desk_of
from tests.shell.test_held_blocks import house, submit, the_held

__all__ = ["house"]

BY, WHY = "ana", "called him"
LATER_MS = START_MS + HOUR_MS


def intents(desk: Desk) -> list[Intent]:
    """One of each kind, that can be carried out."""
    held = the_held(desk)
    return [
        Block(account="A1", scope=Scope.ALL, until_ms=None, by=BY, reason=WHY),
        Release(account="A1", until_ms=LATER_MS, by=BY, reason=WHY),
        Allow(account="A1", until_ms=LATER_MS, by=BY, reason=WHY),
        SetLimit(account="A1", limit_micros=Micros(800_000_000), by=BY, reason=WHY),
        Approve(account="A2", held=held.id, by=BY, reason=WHY),
        Reject(account="A2", held=held.id, by=BY, reason=WHY),
        CloseFuse(by=BY, reason=WHY),
        Forget(account="gone", by=BY, reason=WHY),
        Note(what="add_token robot", by=BY, reason=WHY),
    ]


TOLD = {
    Block: ("A1", "block", "called him"),
    Release: ("A1", "release", "called him"),
    Allow: ("A1", "allow", "called him"),
    SetLimit: ("A1", "limit", "called him (800.00 CAD)"),
    Approve: ("A2", "approve", "called him"),
    Reject: ("A2", "reject", "called him"),
    CloseFuse: ("", "close_fuse", "called him"),
    Forget: ("gone", "forget", "called him"),
    Note: ("", "add_token robot", "called him"),
}


def test_no_kind_of_intent_is_left_out_here() -> None:
    assert set(TOLD) == set(get_args(Intent))


@pytest.mark.parametrize("kind", TOLD)
def test_what_was_done_is_in_the_history(house: House, kind: type[Intent]) -> None:
    desk = desk_of(house)
    house.engine.billing(AccountMessage(id="m1", account="gone"), START_MS)
    house.engine.billing(CloseMessage(id="z1", account="gone"), START_MS)
    (intent,) = (each for each in intents(desk) if isinstance(each, kind))
    before = [audit for batch in house.store.batches for audit in batch.audit]
    assert submit(house, desk, intent) is IntentResult.DONE
    audits = [audit for batch in house.store.batches for audit in batch.audit]
    account, what, reason = TOLD[kind]
    assert audits[len(before) :] == [Audit(account, house.clock.ms, "ana", what, reason)]
