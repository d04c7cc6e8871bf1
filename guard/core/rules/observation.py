"""What rules see of a call: one record for each accepted report, made by the intake.

It says what the report has *added*: growth since the call's last report, so that whoever sums needs to remember
nothing about the call. A call begins once and ends once, in this order, whatever reports were lost: for one that is
first heard of when it ends, the intake makes two observations, the growth in the first. A call that is taken for lost
ends. Reports may be late and calls out of order: each observation counts where its own time says.

Emergency calls and attempts that guard itself had refused never become observations. Incoming and internal calls do
only if a rule asks for that direction; no profile is learned from them.

Like `Report` this is not frozen, for what that costs. Whoever makes observations may bring that of a call up to date
and hand it in again for the call's next report, as long as nothing has changed but what stands behind `rate_micros`:
rules take the same record to mean the same call, and look up again only what the rest depends on. One that begins a
call, and one of an attempt, is kept as evidence: nobody changes it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from guard.core.records import Direction
from guard.core.tariff import CallClass

CallKey = tuple[str, str]
"""Switch and call."""


class What(IntEnum):
    """What a report tells about its call."""

    FAILED = 0
    """An attempt that was not answered; not heard of again."""
    BEGINS = 1
    GOES_ON = 2
    ENDS = 3


@dataclass(slots=True)
class Observation:
    """One report, as rules see it."""

    account: str
    at_ms: int
    """The event's own time."""
    what: What
    call: CallKey
    direction: Direction
    kind: CallClass
    country: str
    """ISO 3166; empty: it cannot be told."""
    prefix: str
    """Of the tariff; empty: none matches."""
    number: str
    """E.164 digits; empty: it cannot be told, or is not known yet."""
    dialled: str
    """The number as the switch gave it, with whatever was dialled before it."""
    place: str
    """Name of the destination in the tariff, for people; may be empty."""
    source: str
    rate_micros: int
    """In force now, per minute."""
    gross_micros: int = 0
    """Added since the call's last report, without any plan. A correction may be negative."""
    net_micros: int = 0
    """Added since the call's last report, as owed."""
    spoken_ms: int = 0
    """Duration added since the call's last report."""
    duration_ms: int = 0
    """Duration so far."""
    timezone: str = ""
    """Of the account; empty: UTC."""
    opened_ms: int | None = None
    """When the account was opened; None: not known."""
    rung_from: str = ""
    """Of a call from abroad that came in and was not talked on: the E.164 digits of who rang."""
