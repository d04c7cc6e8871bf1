"""What on-call reads at night is one line, with what to do."""

from __future__ import annotations

import pytest

from guard.core.decisions import Notice, NoticeKind
from guard.shell.oncall import line_of
from tests.shell.fakes import START_MS, House


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_says_what_to_do(kind: NoticeKind) -> None:
    line = line_of(Notice(kind=kind, at_ms=START_MS, switch="sw1", text="It is so."))
    assert list(line) == ["over", "switch", "text", "remedy"]
    assert len(str(line["remedy"])) > len("do something")


def test_the_broker_is_no_switch() -> None:
    line = line_of(Notice(kind=NoticeKind.BLIND, at_ms=START_MS, switch="", text="It is so."))
    assert "broker" in str(line["remedy"])
    assert "switch" not in line


def test_strangers_are_no_matter_of_currency() -> None:
    about_all = line_of(Notice(kind=NoticeKind.QUARANTINED, at_ms=START_MS, switch="sw1", text="It is so."))
    about_one = line_of(
        Notice(kind=NoticeKind.QUARANTINED, at_ms=START_MS, switch="sw1", account="A1", text="It is so.")
    )
    assert "max_provisional" in str(about_all["remedy"])
    assert "currency" in str(about_one["remedy"])


def test_an_end_asks_for_nothing() -> None:
    line = line_of(Notice(kind=NoticeKind.BLIND, at_ms=START_MS, switch="sw1", text="It is over.", over=True))
    assert line == {"over": True, "switch": "sw1", "text": "It is over."}


async def told(house: House, turns: int = 1) -> list[tuple[str, bool]]:
    """Turn; what on-call was told: about which switch, and whether it is over."""
    notices: list[Notice] = []
    house.loop.on_notice = notices.append
    for _ in range(turns):
        await house.loop.turn()
    return [(notice.switch, notice.over) for notice in notices]


async def test_a_broker_that_stays_away_is_told_and_so_is_its_return() -> None:
    house = House()
    house.loop.subscribed()
    assert await told(house) == []
    house.loop.cut_off()
    assert await told(house) == []
    house.clock.ms += 59_999
    assert await told(house) == []
    house.clock.ms += 1
    assert await told(house) == [("", False)]
    house.loop.subscribed()
    assert await told(house) == [("", True)]


async def test_a_connection_that_breaks_before_it_was_noticed_is_none() -> None:
    """Subscribed and cut off between two turns: the last word counts."""
    house = House()
    house.loop.subscribed()
    house.loop.cut_off()
    await told(house)
    house.clock.ms += 60_000
    assert await told(house) == [("", False)]


async def test_a_short_interruption_is_not_worth_a_word() -> None:
    house = House()
    for _ in range(3):
        house.loop.cut_off()
        house.clock.ms += 30_000
        house.loop.subscribed()
        assert await told(house) == []
