"""Turns a value into a standing and, at a crossing, into a hit; the one place that decides whether a rule may block.

A rule of novelty may block an account only when enough days of it have been seen, or for calls at the rule's
`min_rate` or above (contract 2, Learning). Evidence are the recent calls that the rule's counter counts under the same
key, the one that is being reported first.
"""

from __future__ import annotations

from collections.abc import Callable

from guard.core.rules.counters import Counter, PresentCounter
from guard.core.rules.filters import passes
from guard.core.rules.hits import Crossing, Hit, hit_of
from guard.core.rules.levels import CALM, Level, settle
from guard.core.rules.local import shift_ms
from guard.core.rules.observation import Observation
from guard.core.rules.rule import Rule
from guard.core.rules.subjects import Subject
from guard.core.settings import DAY_MS

Anywhere = Counter | PresentCounter
YOUNG_MS = 30 * DAY_MS
"""An account that goes straight to its limit in so many days after it was opened is a fraud of its own kind."""


class Speaker:
    """Collects the hits of one turn."""

    __slots__ = ("hits",)

    def __init__(self) -> None:
        self.hits: list[Hit] = []

    def take(self) -> list[Hit]:
        """The hits so far; the next turn begins with none."""
        hits, self.hits = self.hits, []
        return hits

    def judge(  # noqa: PLR0913 -- a value, whose it is, and why it is looked at
        self,
        rule: Rule,
        value: int,
        marks: dict[str, int],
        *,
        subject: Subject,
        counter: Anywhere,
        key: str,
        at_ms: int,
        cause: Observation | None,
        estimated: bool = False,
        usual: Callable[[], int] | None = None,
    ) -> None:
        """Move a rule's standing to what its value says; speak at a crossing."""
        allowed = may_block(rule, subject, cause)
        standing, said = settle(rule, value, marks.get(rule.id, CALM), may_block=allowed)
        if standing:
            marks[rule.id] = standing
        else:
            marks.pop(rule.id, None)
        if said is None:
            return
        learning = said is Level.WARN and not allowed and rule.block is not None and value >= rule.block
        self.say(
            Crossing(
                rule=rule,
                account=subject.id,
                key=key,
                at_ms=at_ms,
                level=said,
                value=value,
                estimated=estimated,
                learning=learning,
                usual_micros=usual() if usual is not None else None,
                calls=recent_calls(subject, counter, key, cause),
            )
        )

    def say(self, crossing: Crossing) -> None:
        """Add a hit."""
        self.hits.append(hit_of(crossing))


def may_block(rule: Rule, subject: Subject, cause: Observation | None) -> bool:
    """Whether a rule may do more than warn about this account, for this report."""
    if rule.known_days and not _seen_enough(rule, subject, cause):
        return False
    if not rule.novel or subject.profile.mature():
        return True
    least = rule.min_rate_micros
    return least is not None and cause is not None and cause.rate_micros >= least


def _seen_enough(rule: Rule, subject: Subject, cause: Observation | None) -> bool:
    """Whether so many days of the account have been seen. Of one that is young itself there are not many to see."""
    if subject.profile.known_days >= rule.known_days:
        return True
    opened_ms = None if cause is None else cause.opened_ms
    return cause is not None and opened_ms is not None and cause.at_ms - opened_ms < YOUNG_MS


def recent_calls(
    subject: Subject, counter: Anywhere, key: str, cause: Observation | None = None
) -> tuple[Observation, ...]:
    """Recent calls that count there, newest first, the one that is being reported before all; each call once."""
    found = [] if cause is None else [cause]
    for seen in reversed(subject.seen):
        if cause is not None and seen.call == cause.call:
            continue
        if seen.direction not in counter.directions or (counter.kinds and seen.kind not in counter.kinds):
            continue
        local_ms = seen.at_ms + shift_ms(seen.at_ms, seen.timezone)
        counts_under = counter.key(seen) if counter.key is not None else ""
        if counts_under == key and passes(counter.filters, seen, subject.profile, local_ms):
            found.append(seen)
    return tuple(found)
