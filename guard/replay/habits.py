"""What a kind of customer is made of: habits, and the places that people call.

A kind is a set of habits, each a stream of its own: an importer has an office by day and calls to Asia by night. Sizes
differ between customers of a kind (`sizes`, in percent of the numbers here), and so do the places each really calls
(`spread` of the habit's places) and the numbers it knows (`contacts`). The kinds are in `guard.replay.kinds`.
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.records import Direction
from guard.replay.catalog import DOMESTIC, Destination, place, priced
from guard.replay.weeks import OFFICE_HOURS, SHOP_HOURS, Week

Places = tuple[tuple[Destination, int], ...]
Directions = tuple[tuple[Direction, int], ...]

OUTGOING_ONLY: Directions = ((Direction.OUTGOING, 1),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """One way of using the telephone; weights are whole numbers and need not sum to anything."""

    name: str
    hours: Week
    calls_per_hour: float
    """In the busiest hour, all directions together, for a customer of size 100 %."""
    talk_s: int
    """Mean length of an answered call."""
    answered_percent: int = 82
    places: Places
    spread: tuple[int, int] = (0, 0)
    """How many of the places one customer really calls; (0, 0): all of them."""
    directions: Directions = OUTGOING_ONLY
    contacts: tuple[int, int] = (15, 60)
    """Numbers that are called again and again, the first ones most."""
    new_percent: int = 12
    """Calls to a number that was never called before."""
    journeys: bool = False
    """Only while away, to the country of the journey, and to home."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How customers of one kind use their telephones."""

    name: str
    title: str
    habits: tuple[Habit, ...]
    lines: int
    """Calls that can be up at once, for a customer of size 100 %; never less than two."""
    share: int
    """Weight of this kind among many customers."""
    sizes: tuple[int, int] = (40, 250)
    addresses: tuple[int, int] = (1, 1)
    """Devices' addresses in use at the same time."""
    new_address_days: int = 0
    """An address changes after about so many days; 0: never."""
    flat_percent: int = 60
    """Customers whose plan includes all calls to Canada and the USA."""
    month_growth_percent: int = 0
    surge_percent: int = 0
    """A season of some two weeks in which there are so many percent more calls."""
    branch_percent: int = 0
    """A new branch opens one day: so many percent more calls from then on, from an address of its own."""

    @property
    def calls_per_hour(self) -> float:
        """Of all habits, in their busiest hours."""
        return sum(habit.calls_per_hour for habit in self.habits)


def sized(calls_per_hour: float, size: int) -> float:
    """What a habit states so that a customer of this size makes just so many calls."""
    return calls_per_hour * 100 / size


NEAR: Places = tuple(
    zip(DOMESTIC, (60, 30, 12, 15, 5, 4, 5, 8, 6, 14, 10, 4, 5, 4, 4, 6, 4), strict=True),
)
BUSINESS_ABROAD: Places = (
    (place("United Kingdom"), 20),
    (place("United Kingdom, mobile"), 8),
    (place("Germany"), 14),
    (place("France"), 10),
    (place("India"), 12),
    (place("China"), 10),
    (place("Mexico"), 10),
    (place("Italy"), 6),
    (place("Netherlands"), 5),
    (place("Japan"), 5),
    (place("Israel"), 4),
    (place("Brazil"), 4),
    (place("Philippines"), 4),
    (place("Jamaica"), 3),
    (place("Switzerland"), 3),
    (place("United Arab Emirates"), 3),
    (place("Poland"), 3),
)
ASIA: Places = (
    (place("China"), 40),
    (place("Hong Kong"), 20),
    (place("Taiwan"), 14),
    (place("Vietnam"), 14),
    (place("India"), 14),
    (place("Japan"), 8),
    (place("South Korea"), 8),
    (place("Bangladesh"), 8),
    (place("Pakistan"), 5),
    (place("Indonesia"), 5),
    (place("Thailand"), 5),
)
FAMILY_ABROAD: Places = (
    (place("India, mobile"), 20),
    (place("Philippines, mobile"), 16),
    (place("China"), 14),
    (place("Jamaica"), 10),
    (place("Pakistan"), 10),
    (place("Nigeria"), 8),
    (place("Haiti"), 7),
    (place("Lebanon"), 6),
    (place("Ghana"), 5),
    (place("Sri Lanka"), 5),
    (place("Ethiopia"), 4),
    (place("Morocco"), 3),
    (place("Cuba"), 2),
    (place("Syria"), 2),
)
JOURNEYS: Places = (
    (place("United Kingdom"), 10),
    (place("Germany, mobile"), 8),
    (place("France, mobile"), 8),
    (place("Mexico"), 10),
    (place("Italy, mobile"), 5),
    (place("Japan, mobile"), 4),
    (place("Brazil, mobile"), 4),
    (place("Turkey, mobile"), 3),
    (place("South Africa"), 3),
    (place("United Arab Emirates"), 3),
    (place("Kenya"), 2),
)
_GUESTS_FROM = {
    "United Kingdom": 120,
    "Germany": 90,
    "France": 90,
    "India, mobile": 70,
    "China": 80,
    "Japan": 50,
    "Mexico": 60,
    "Brazil, mobile": 40,
}
GUESTS: Places = (
    *((each, 25) for each in DOMESTIC),
    # Guests come from everywhere, but few of them from where a call costs as much as a meal.
    *((each, _GUESTS_FROM.get(each.name, 6)) for each in priced("0", "0.44")),
)

BOTH_WAYS: Directions = (
    (Direction.OUTGOING, 60),
    (Direction.INCOMING, 28),
    (Direction.INTERNAL, 9),
    (Direction.FORWARDED, 3),
)


def desk(calls_per_hour: float, talk_s: int = 170) -> Habit:
    """Ordinary work at a desk."""
    return Habit(
        name="desk",
        hours=OFFICE_HOURS,
        calls_per_hour=calls_per_hour,
        talk_s=talk_s,
        places=NEAR,
        spread=(3, 8),
        directions=BOTH_WAYS,
    )


def abroad(calls_per_hour: float, spread: tuple[int, int] = (1, 3)) -> Habit:
    """Partners in a few countries, in office hours."""
    return Habit(
        name="abroad",
        hours=OFFICE_HOURS,
        calls_per_hour=calls_per_hour,
        talk_s=260,
        answered_percent=75,
        places=BUSINESS_ABROAD,
        spread=spread,
        contacts=(3, 12),
        new_percent=8,
    )


COUNTER = Habit(
    name="counter",
    hours=SHOP_HOURS,
    calls_per_hour=3.5,
    talk_s=95,
    answered_percent=80,
    places=NEAR,
    spread=(2, 4),
    directions=((Direction.OUTGOING, 45), (Direction.INCOMING, 50), (Direction.FORWARDED, 5)),
    contacts=(10, 40),
    new_percent=30,
)
