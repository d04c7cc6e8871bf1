"""What customers dial: each habit of each customer is a stream of attempts that its own random source draws.

Calls come as a Poisson stream whose rate follows the hours of the habit's week, the customer's course and the mood of
the day. Whom they go to is drawn from the customer's own circle: numbers that it calls again and again, the first ones
most, and now and then a new one, which may join the circle. The random source of a stream is seeded by the
simulation's seed, the account and the habit, so no stream disturbs another. What becomes of an attempt is the switch's
business; honest people do not adapt to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from random import Random

from guard.core.records import Direction
from guard.replay.attempts import Attempt, Stream
from guard.replay.catalog import DOMESTIC, Destination
from guard.replay.customers import Customer, own_places
from guard.replay.habits import Habit, Places
from guard.replay.weeks import HOUR_MS, Calendar

SHORTEST_TALK_MS = 2_000
LONGEST_TALK_MS = 2 * HOUR_MS
TALK_SPREAD = 0.9
"""Of the logarithm of a call's length: most are shorter than the mean, a few are long."""
MOOD_SPREAD = 0.18
"""Of the logarithm of a day's number of calls."""
FAVOURITES = 2.2
"""How much the first numbers of a circle are preferred; 1 would be not at all."""
JOINS = 0.3
"""Part of the new numbers that are called again."""
EMERGENCY_ONE_IN = 20_000
"""Calls that leave the house, for one to 911."""
NO_END = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """A habit that is not for always: when, as which case, and from which address if not the customer's own."""

    from_ms: int = 0
    until_ms: int = NO_END
    case: str = ""
    address: str = ""


ALWAYS = Spell()


def traffic(customer: Customer, *, seed: int, calendar: Calendar | None = None, busy: float = 1.0) -> list[Stream]:
    """The usual traffic of one customer, a stream for each habit; `busy` multiplies its calls an hour."""
    streams = []
    for habit in customer.kind.habits:
        where = own_places(customer, habit, seed)
        if not habit.journeys:
            spell = Spell(from_ms=customer.begins_ms)
            streams.append(spell_stream(customer, habit, where, spell, seed=seed, calendar=calendar, busy=busy))
            continue
        for journey in customer.journeys if calendar else ():
            spell = Spell(from_ms=journey.from_ms, until_ms=journey.until_ms)
            there = ((journey.place, 3), (DOMESTIC[0], 1))
            streams.append(spell_stream(customer, habit, there, spell, seed=seed, calendar=calendar, busy=busy))
    return streams


def spell_stream(
    customer: Customer,
    habit: Habit,
    where: Places,
    spell: Spell,
    *,
    seed: int,
    calendar: Calendar | None = None,
    busy: float = 1.0,
) -> Stream:
    """One habit of a customer for a time, to the places given."""
    draw = Random(f"{seed}/{customer.account}/{habit.name}/{spell.case}/{spell.from_ms}")
    circle = _Circle(draw, customer, habit, where, spell)
    for offset_ms in _moments(draw, customer, habit, spell, calendar, busy):
        yield circle.attempt(offset_ms)


def _moments(
    draw: Random, customer: Customer, habit: Habit, spell: Spell, calendar: Calendar | None, busy: float
) -> Iterator[int]:
    """When somebody picks up the telephone. Exact: what is left of a wait is carried into the next hour's rate."""
    hours = calendar.hours(customer.timezone) if calendar else None
    base = habit.calls_per_hour * customer.size * busy / 100
    waits, mood, day = draw.expovariate(1.0), 1.0, -1
    hour = spell.from_ms // HOUR_MS
    while (hours is None or hour < len(hours)) and hour * HOUR_MS < spell.until_ms:
        begins_ms = hour * HOUR_MS
        if hour // 24 != day:
            day = hour // 24
            mood = draw.lognormvariate(0.0, MOOD_SPREAD) * customer.level(begins_ms)
        level = base * mood
        if hours is not None:
            level *= habit.hours[hours[hour]] / 100
        passed = 0.0
        while waits < (1.0 - passed) * level:
            passed += waits / level
            waits = draw.expovariate(1.0)
            offset_ms = begins_ms + int(passed * HOUR_MS)
            if spell.from_ms <= offset_ms < spell.until_ms:
                yield offset_ms
        waits -= (1.0 - passed) * level
        hour += 1


class _Circle:
    """Whom a customer calls in one habit, and how such a call looks."""

    def __init__(self, draw: Random, customer: Customer, habit: Habit, where: Places, spell: Spell) -> None:
        self._draw = draw
        self._customer = customer
        self._habit = habit
        self._spell = spell
        self._places = [place for place, _ in where]
        self._place_sums = list(accumulate(weight for _, weight in where))
        self._ways = [way for way, _ in habit.directions]
        self._way_sums = list(accumulate(weight for _, weight in habit.directions))
        self._contacts = [self._stranger() for _ in range(draw.randint(*habit.contacts))]
        own = Random(f"{customer.account}/own numbers")
        self._own = [DOMESTIC[own.randrange(len(DOMESTIC))].number(own) for _ in range(1 + customer.lines // 8)]
        # The mean of a log-normal length is exp(mu + spread^2 / 2); `talk_s` states that mean.
        self._talk_ms = habit.talk_s * 1_000 / (2.718281828 ** (TALK_SPREAD**2 / 2))

    def attempt(self, offset_ms: int) -> Attempt:
        """One attempt; only calls that leave the switch cost anything."""
        draw, habit = self._draw, self._habit
        way = self._ways[0]
        if len(self._ways) > 1:
            way = draw.choices(self._ways, cum_weights=self._way_sums)[0]
        own = self._own[int(len(self._own) * draw.random())]
        talk_ms = int(self._talk_ms * draw.lognormvariate(0.0, TALK_SPREAD))
        attempt = Attempt(
            offset_ms=offset_ms,
            account=self._customer.account,
            to=own,
            caller=own,
            direction=way,
            rate_micros=0,
            talk_ms=min(max(talk_ms, SHORTEST_TALK_MS), LONGEST_TALK_MS),
            answered=draw.random() * 100 < habit.answered_percent,
            lines=self._customer.lines,
            case=self._spell.case,
        )
        if way is Direction.INTERNAL:
            attempt.to, attempt.caller = str(draw.randint(200, 299)), str(draw.randint(200, 299))
            return attempt
        if way is Direction.FORWARDED:
            # Calls go on to the mobile telephones of one or two people.
            other, place = self._contacts[int(min(2, len(self._contacts)) * draw.random())]
        else:
            other, place = self._other()
        if way is Direction.INCOMING:
            attempt.caller = other
            return attempt
        attempt.to, attempt.rate_micros = other, self._customer.price_micros(place)
        if way is Direction.OUTGOING:
            attempt.source = self._spell.address or self._customer.address(draw, offset_ms)
            if draw.random() * EMERGENCY_ONE_IN < 1:
                attempt.to, attempt.rate_micros, attempt.emergency, attempt.case = "911", 0, True, ""
        return attempt

    def _other(self) -> tuple[str, Destination]:
        """Whoever is at the other end."""
        draw, contacts = self._draw, self._contacts
        if not contacts or draw.random() * 100 < self._habit.new_percent:
            stranger = self._stranger()
            if contacts and draw.random() < JOINS:
                contacts[int(len(contacts) * draw.random() ** (1 / FAVOURITES))] = stranger
            return stranger
        return contacts[int(len(contacts) * draw.random() ** FAVOURITES)]

    def _stranger(self) -> tuple[str, Destination]:
        place = self._draw.choices(self._places, cum_weights=self._place_sums)[0]
        return place.number(self._draw), place
