"""What goes wrong in the demonstration: a fraud and single calls at a fixed time.

International revenue share fraud, undisguised and stubborn, so that one sees what there is to see: whoever got into the
telephone system calls expensive numbers in which he has a share, as many at once as there are lines, each as long as
possible, and starts again whatever is cut or refused. `scripted` calls are single ones at a fixed time, such as a call
to 911 in the middle of it. Frauds that adapt are in `guard.replay.cases`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from guard.core.records import Direction
from guard.replay.attempts import Attempt, Stream, weighted
from guard.replay.catalog import DJIBOUTI, GAMBIA, SOMALIA, Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class RevenueShareFraud:
    """A burst of long, dear calls from one account."""

    account: str
    starts_ms: int
    lines: int = 24
    """Calls at once: what one trunk of a small office carries."""
    every_ms: int = 400
    """A new attempt so often, as long as a line is free; it goes on when attempts are refused."""
    destinations: tuple[tuple[Destination, int], ...] = ((SOMALIA, 5), (GAMBIA, 3), (DJIBOUTI, 2))
    talk_minutes: tuple[int, int] = (20, 120)
    caller: str = "+14165550142"

    def attempts(self, *, seed: int) -> Stream:
        """The endless stream of the fraudster's attempts."""
        draw = Random(f"{seed}/fraud/{self.account}")
        shortest, longest = (minutes * 60_000 for minutes in self.talk_minutes)
        # A revenue share range is a handful of numbers, called again and again.
        ranges = [weighted(draw, self.destinations) for _ in range(8)]
        numbers = [(place, draw.choice(place.block(draw))) for place in ranges]
        offset_ms = self.starts_ms
        while True:
            place, number = draw.choice(numbers)
            yield Attempt(
                offset_ms=offset_ms,
                account=self.account,
                to=number,
                caller=self.caller,
                direction=Direction.OUTGOING,
                rate_micros=place.rate_micros,
                talk_ms=draw.randint(shortest, longest),
                answered=True,
                lines=self.lines,
                case="fraud",
            )
            offset_ms += self.every_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptedCall:
    """One call at a fixed time."""

    account: str
    at_ms: int
    to: str
    talk_ms: int
    rate_micros: int = 0
    emergency: bool = False


def scripted(calls: Sequence[ScriptedCall]) -> Stream:
    """The scripted calls as a stream, in the order of their times."""
    for call in sorted(calls, key=lambda each: each.at_ms):
        yield Attempt(
            offset_ms=call.at_ms,
            account=call.account,
            to=call.to,
            caller="+14165550100",
            direction=Direction.OUTGOING,
            rate_micros=call.rate_micros,
            talk_ms=call.talk_ms,
            answered=True,
            lines=0,
            emergency=call.emergency,
        )
