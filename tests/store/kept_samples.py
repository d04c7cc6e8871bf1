"""What rules, fuse and operators leave to be kept: one row of each kind, with something in every column."""

from __future__ import annotations

from typing import Any

from guard.core.decisions import HeldRow, KeptRow
from guard.core.rows import ClockRow, ExpectationRow, ToldRow
from guard.core.rules.across import kept_crowd, kept_standing
from guard.core.rules.fuse import FuseRow
from guard.core.rules.rows import (
    CrowdRow,
    DayRow,
    DistinctRow,
    LiveRow,
    PresenceRow,
    ProfileRow,
    SeenRow,
    StandingRow,
    SubjectRow,
    TallyRow,
)
from guard.core.suspicion import SuspicionRow
from tests.store.samples import T0

TODAY = T0 // 86_400_000

PROFILE = ProfileRow(
    first_day=TODAY - 40,
    today=TODAY,
    next_day=TODAY - 1,
    samples=(4, 4, 4, 4, 5, 5, 5),
    spend_mills=tuple(range(168)),
    habits=((("CA", TODAY), ("US", TODAY - 3)), (("1416", TODAY),), (("192.0.2.1", TODAY),), ()),
    top_rate_micros=340_000,
    peak_thousandths=2_750,
    excess_micros=-(2**40),
    spent_micros=12_345_678,
    days=(DayRow(TODAY - 1, ((9, 1_500_000), (17, 0)), ((0, "CA"), (1, "1416")), 100_000, 3),),
)
TALLY = TallyRow(
    counter="charge 3600000 account international,premium",
    key="Côte d’Ivoire",
    head=T0 // 60_000,
    cells=(T0 // 60_000 - 1, 2, 2**62, T0 // 60_000, -1, 0),
    sets=(DistinctRow(seen=(("+25377123456", T0),), cells=b""), DistinctRow(seen=(), cells=bytes(range(256)))),
    marks=(("same-number", 2),),
)
LIVE = LiveRow(
    switch="sw/1",
    call='c"1',
    direction="outgoing",
    kind="premium",
    number="25377123456",
    rate_micros=2_100_000,
    net_micros=350_000,
    joined=(("concurrent", ""), ("rate", "253")),
    marks=(("long-call", 1),),
)
SEEN = SeenRow(
    at_ms=T0,
    failed=True,
    switch="sw1",
    call="c1",
    direction="forwarded",
    kind="international",
    country="DJ",
    prefix="253",
    number="25377123456",
    dialled="+25377123456",
    place="Djibouti",
    source="192.0.2.1",
    rate_micros=2_100_000,
    opened_ms=None,
)


def subject(account: str = "A1", spent_micros: int = 12_345_678) -> KeptRow:
    """What rules know about an account."""
    row = SubjectRow(
        account=account,
        timezone="America/Toronto",
        rules="4f7a",
        profile=PROFILE._replace(spent_micros=spent_micros),
        tallies=(TALLY, TALLY._replace(key="", sets=(), marks=())),
        live=(LIVE,),
        present=(PresenceRow("concurrent", "", (("many-at-once", 1),)),),
        drifts=(("drift", 2),),
        across=(("wangiri", "25377123456", T0),),
        seen=(SEEN, SEEN._replace(failed=False, opened_ms=T0 - 1)),
        sweep_ms=T0 + 3_600_000,
    )
    return KeptRow("subject", account, row)


def expectation(switch: str = "sw1") -> KeptRow:
    """What is usual for a switch."""
    return KeptRow("expectation", switch, ExpectationRow(tuple(range(168)), (4,) * 168))


def clock() -> KeptRow:
    """How our clock stood."""
    return KeptRow("clock", "", ClockRow("1b4e28ba", T0))


def told_of(matter: str, switch: str) -> KeptRow:
    """Something that on-call knows to be amiss."""
    return KeptRow("told", matter, ToldRow(switch))


def fuse(*passed: int, open_since_ms: int | None = None) -> KeptRow:
    """The fuse, with blocks that it let through."""
    return KeptRow("fuse", "", FuseRow(passed, open_since_ms, asked_ms=T0))


def crowds() -> KeptRow:
    """What is counted across accounts."""
    row = CrowdRow(TALLY, owners=(("wangiri", "A1"),), since=(("wangiri", T0),))
    return KeptRow("crowds", "", (row, row._replace(owners=(), since=())))


def crowd() -> KeptRow:
    """The same of one number, in the partition that is its home."""
    return kept_crowd(CrowdRow(TALLY, owners=(("wangiri", "A1"),), since=(("wangiri", T0),)))


def standing() -> KeptRow:
    """What a partition has heard of it."""
    heard = StandingRow("wangiri", "25377123456", TALLY.counter, T0, stands=True, value=70, estimated=True)
    return kept_standing(heard._replace(warned="A1", warned_ms=T0 + 1))


def suspicion(account: str = "A1") -> KeptRow:
    """What is suspected of an account."""
    return KeptRow("suspicion", account, SuspicionRow(hit_ms=T0, blocked=((T0 - 5, T0), (T0 + 1, T0 + 2))))


def held_blocks(*ids: str, **fields: Any) -> KeptRow:
    """Blocks that wait for an operator."""
    row = HeldRow(
        id="",
        account="A1",
        reason="rule",
        rule="same-number",
        key="253",
        scope="international",
        end_calls=True,
        at_ms=T0,
        lasts_ms=None,
        text="Ten calls — to one number",
    )
    return KeptRow("held", "", tuple(row._replace(id=id_, **fields) for id_ in ids))


def gone(row: KeptRow) -> KeptRow:
    """The same key, to be deleted."""
    return row._replace(row=None)
