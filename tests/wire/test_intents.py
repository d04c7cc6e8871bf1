"""Intents and answers on their way between nodes: whole and unchanged, or said to be unreadable."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.money import Micros
from guard.core.records import (
    Allow,
    Approve,
    Block,
    CloseFuse,
    Forget,
    Intent,
    IntentResult,
    Note,
    Reject,
    Release,
    Scope,
    SetLimit,
)
from guard.core.rules.past import Past
from guard.core.rules.profile import NUMBER
from guard.core.rules.rows import DayRow
from guard.wire.intents import Answer, Wish, decode_answer, decode_asked, encode_answer, encode_asked

INTENTS: tuple[Intent, ...] = (
    Block(account="A/1 %", by="ana", reason="stolen", scope=Scope.PREMIUM, until_ms=5),
    Release(account="A1", by="ana", reason="found"),
    Allow(account="A1", by="ana", reason="payday", until_ms=7),
    SetLimit(account="A1", by="ana", reason="asked", limit_micros=Micros(77_000_000)),
    SetLimit(account="A1", by="ana", reason="asked", limit_micros=None, suggested=True),
    Approve(account="A1", held="H1", by="ana", reason="fraud"),
    Reject(account="A1", held="H1", by="ana", reason="not"),
    Forget(account="A1", by="ana", reason="asked to be"),
    CloseFuse(by="ana", reason="looked"),
    Note(by="ana", what="drill", reason=""),
)
DAY = DayRow(
    day=20_000, spend=((3, 1_500_000),), called=((NUMBER, "+253"),), top_rate_micros=2, peak_calls=3, spoken_ms=60_000
)
PASTS = (
    Past(account="A1", timezone="UTC", from_day=19_990, until_day=20_010, days=(DAY,), left_out=frozenset({19_995})),
    Past(account="Ä", timezone="", from_day=1, until_day=2, days=(), by="ana"),
)


@pytest.mark.parametrize("wish", [*INTENTS, PASTS, ()])
def test_a_wish_arrives_as_it_was_sent(wish: Wish) -> None:
    asked = decode_asked(encode_asked(id_="n-1", node="n", at_ms=9, wish=wish))
    assert asked is not None
    assert (asked.id, asked.node, asked.at_ms, asked.wish) == ("n-1", "n", 9, wish)


def test_every_kind_of_intent_can_be_sent() -> None:
    assert {type(intent) for intent in INTENTS} == set(Intent.__args__)


@given(st.binary(max_size=200))
def test_whatever_comes_is_read_or_said_to_be_unreadable(payload: bytes) -> None:
    decode_asked(payload)
    decode_answer(payload)


@given(st.integers(0, 60), st.binary(min_size=1, max_size=4))
def test_a_damaged_one_is_never_taken_in_part(place: int, damage: bytes) -> None:
    whole = encode_asked(id_="n-1", node="n", at_ms=9, wish=INTENTS[0])
    asked = decode_asked(whole[:place] + damage + whole[place + len(damage) :])
    assert asked is None or asked.wish is None or isinstance(asked.wish, tuple | Intent)


@pytest.mark.parametrize("result", list(IntentResult))
def test_an_answer_arrives_as_it_was_given(result: IntentResult) -> None:
    answer = decode_answer(encode_answer(Answer(id="n-1", result=result.value, days=(3, 0))))
    assert answer is not None
    assert (answer.id, answer.outcome(), answer.days) == ("n-1", result, (3, 0))


def test_an_answer_of_another_version_has_no_outcome() -> None:
    assert Answer(id="1", result="postponed").outcome() is None
    assert Answer(id="1", why="too late").outcome() is None
