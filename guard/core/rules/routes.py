"""Routes: where the reports of one call count.

Most observations are ticks, and the ticks of a call go where the one before went. Which counters look at a call, under
which keys, is worked out when it begins and kept with it for as long as they would say the same again (`Route.holds`):
the record is of the same call at the same rate, the rules are the same, the account's profile has learned nothing and
has let go of no tally, and its clock stands in the same quarter of an hour. So are the tallies in which ticks count.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING

from guard.core.rules.observation import Observation

if TYPE_CHECKING:
    from guard.core.rules.counters import Counter, Step
    from guard.core.rules.subjects import Subject
    from guard.core.rules.windows import Tally

_facts = attrgetter("number", "dialled", "source", "country", "prefix", "kind", "direction")
"""What counters ask of a call, besides its rate."""

Place = tuple["Tally", "Step", str]
"""Where an observation counts: a tally, what is done to it, and the key that it is of."""


class Route:
    """Where the reports of one call count, and what that was worked out from."""

    __slots__ = (
        "across",
        "counters",
        "epoch",
        "more",
        "own",
        "quarter",
        "rate_micros",
        "seen",
        "ticks",
    )

    def __init__(
        self,
        subject: Subject,
        seen: Observation,
        counters: tuple[tuple[Counter, str], ...],
        *,
        own: bool,
    ) -> None:
        self.seen = seen
        """The record that is brought up to date with each tick."""
        self.rate_micros = seen.rate_micros
        self.epoch = subject.epoch
        self.quarter = subject.quarter
        self.counters = counters
        """Steady ones that look at the call, each with its key."""
        self.own = own
        """The account pays for the call, so its profile is about it."""
        self.ticks: list[Place] | None = None
        """Where its ticks count; None: to be found with the first, like all that follows."""
        self.across: tuple[Step, ...] = ()
        """Counters across accounts that look at its ticks."""
        self.more = False
        """Its ticks do more than to count there."""

    def holds(self, subject: Subject, seen: Observation) -> bool:
        """Whether it would come out the same if it were worked out anew."""
        if self.rate_micros != seen.rate_micros or self.epoch != subject.epoch or self.quarter is not subject.quarter:
            return False
        if self.seen is not seen:
            if _facts(self.seen) != _facts(seen):
                return False
            self.seen = seen
        return True
