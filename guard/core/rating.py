"""Rating: from a number as dialled to its place in the numbering plan, its destination and its place in a plan.

Numbers are normalised first, by a function that the shell provides (libphonenumber is not the core's business): E.164
digits, or nothing when it cannot be told. That and the look-up of the prefix are done once a call and kept for the
numbers that were dialled last, so a report costs no more for being rated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from guard.core.plans import Cover, Plan
from guard.core.scopes import e164_digits
from guard.core.tariff import CallClass, Destination, Tariff, unknown_destination

KEPT_PLACES = 50_000
"""Numbers whose place is kept at hand; when there are more the oldest half goes."""


def _no_country(_digits: str) -> str:
    return ""


def _by_its_code(country: str) -> str:
    return country


def _international(_digits: str) -> CallClass:
    return CallClass.INTERNATIONAL


@dataclass(slots=True)
class Place:
    """Where a number lies. Nobody changes one; it is not frozen, for what that costs: each new number makes one.

    Compared by what it says: a reload asks so which calls another tariff concerns (`guard.core.refit`).
    """

    digits: str
    """E.164; empty: it cannot be told, or the number is not known yet."""
    destination: Destination
    known: bool
    """A prefix of the tariff matched; otherwise the destination is the unknown one."""
    priced: bool
    """There is a tariff, and the number is known: its price means something."""
    kind: CallClass = CallClass.INTERNATIONAL
    """The destination's class; without a tariff what the numbering plan says."""
    country: str = ""
    """ISO 3166; empty: it cannot be told."""
    name: str = ""
    """What to call it: as the tariff does, else the country's name; empty: it cannot be told."""


class Rating:
    """Tariff, plans and the reading of numbers, as one thing that is swapped whole."""

    __slots__ = ("_country_of", "_kind_of", "_name_of", "_normalise", "_places", "nowhere", "plans", "tariff")

    def __init__(
        self,
        *,
        unknown_rate_micros: int,
        tariff: Tariff | None = None,
        plans: Mapping[str, Plan] | None = None,
        normalise: Callable[[str], str] = e164_digits,
        country_of: Callable[[str], str] = _no_country,
        name_of: Callable[[str], str] = _by_its_code,
        kind_of: Callable[[str], CallClass] = _international,
    ) -> None:
        self.tariff = tariff
        """None: none is configured, and every call without a stated charge is rated at the unknown rate."""
        self.plans = dict(plans or {})
        self.nowhere = Place("", unknown_destination(unknown_rate_micros), known=False, priced=False)
        """The place of a number that is not known yet."""
        self._normalise = normalise
        self._country_of = country_of
        self._name_of = name_of
        self._kind_of = kind_of
        self._places: dict[str, Place] = {}

    def place(self, to: str) -> Place:
        """Where a number as dialled lies; `nowhere` for an empty one."""
        if not to:
            return self.nowhere
        place = self._places.get(to)
        if place is None:
            place = self._find(to)
            if len(self._places) >= KEPT_PLACES:
                for old in list(self._places)[: KEPT_PLACES // 2]:
                    del self._places[old]
            self._places[to] = place
        return place

    def _find(self, to: str) -> Place:
        digits = self._normalise(to)
        found = self.tariff.find(digits) if self.tariff is not None and digits else None
        country = self._country_of(digits) if digits else ""
        name = self._name_of(country) if country else ""
        if found is not None:
            name = found.name or name
            return Place(digits, found, known=True, priced=True, kind=found.kind, country=country, name=name)
        unknown, priced = self.nowhere.destination, self.tariff is not None
        kind = self._kind_of(digits) if digits and not priced else CallClass.INTERNATIONAL
        return Place(digits, unknown, known=False, priced=priced, kind=kind, country=country, name=name)

    def cover(self, plan_id: str, place: Place) -> Cover | None:
        """A number's place in the plan of that name; None: it has none, or there is no such plan."""
        plan = self.plans.get(plan_id) if plan_id else None
        if plan is None or not place.digits or place.destination.free:
            return None
        return plan.cover(place.destination, place.digits)
