"""Events: what the world is told by webhooks, and what is owed of it to whom.

An event is a stored decision or a stored notice. Nothing about it is made for the occasion: its id, its time and its
text are those of what it tells of, so an event that is told again is the same event. A decision that is only recorded
(`mode: shadow`) is no event.

Events have no queue of their own. Each target has a `Position`, the last decision and the last notice that it has been
through, and a bounded number of `Owed`: what lies before the position and has not reached it yet. Whatever lies behind
the position is owed as well, and the history keeps it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from guard.core.decisions import Decision, Mode, Notice


class Position(NamedTuple):
    """How far a target has been through the history."""

    decision: int
    notice: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A decision or a notice, and its number in the store (each kind has numbers of its own)."""

    number: int
    told: Decision | Notice

    @property
    def id(self) -> str:
        """The same however often it is told."""
        return self.told.id

    @property
    def type(self) -> str:
        """What a target chooses by: the action of a decision, the kind of a notice."""
        return self.told.action.value if isinstance(self.told, Decision) else self.told.kind.value

    @property
    def at_ms(self) -> int:
        """The time of what it tells of."""
        return self.told.at_ms

    @property
    def subject(self) -> str:
        """Whom it is about: events of one subject are told one after the other."""
        if isinstance(self.told, Decision):
            return f"account {self.told.account}"
        return f"account {self.told.account}" if self.told.account else f"switch {self.told.switch}"


@dataclass(slots=True, kw_only=True)
class Owed:
    """An event that a target has not got yet."""

    event: Event
    due_ms: int
    """When it is to be sent (again)."""
    since_ms: int
    """When it was first due: it is given up a day later."""
    attempts: int = 0
    tried_ms: int = 0
    """When it was last tried."""
    dead: bool = False
    """Given up; an operator may have it sent again."""
    error: str = ""
    """What went wrong last, in words that hold nothing secret."""


class Delivery(NamedTuple):
    """Something owed, as it is shown: to which target."""

    webhook: str
    owed: Owed


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookView:
    """A target of webhooks, as it is shown."""

    webhook: str
    kind: str
    events: tuple[str, ...]
    pending: int
    dead: int
    delivered_ms: int | None
    """When it last got something, since the start."""
    failing_since_ms: int | None
    """None: it got what was tried last."""
    error: str


def events_after(
    position: Position, decisions: Sequence[Decision], notices: Sequence[Event]
) -> tuple[list[Event], Position]:
    """What these decisions and notices beyond a position are as events, and the position behind them."""
    events = [Event(number=decision.number, told=decision) for decision in decisions if decision.mode is Mode.ENFORCE]
    events += notices
    events.sort(key=lambda event: event.at_ms)
    return events, Position(
        decisions[-1].number if decisions else position.decision, notices[-1].number if notices else position.notice
    )
