"""What engines tell each other that decide for some of the accounts each.

Each sees only the reports about its own accounts, and knows only a part of what a switch is to be told. So it hears
from whoever receives for all of them that a switch talks at all, and from whoever puts the parts together that one is
missing. A single daemon is never told either.

**Words.** What one engine has for another leaves it as a `Word`, in the batch that it came of (`Changes.says`), and
enters the other as an input (`Engine.hear`). It arrives at least once: perhaps twice, perhaps much later again, and
between two engines otherwise in order. So each kind is made such that hearing it again changes nothing. What belongs
to no account has a **home**, the partition of its name (`guard.core.partitions`); a word to everyone reaches all
partitions, the speaker's own too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Mentioned:
    """A switch has reported something, about whichever accounts: if it is silent here, it has nothing to say."""

    switch: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotWanted:
    """A switch is to be told the whole truth, and this engine's part of it is missing."""

    switch: str


# -- rules that count accounts (`guard.core.rules.across`)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """To the home of a crowd: an account has got through there."""

    counter: str
    key: str
    account: str
    at_ms: int
    heard: tuple[tuple[str, int], ...] = ()
    """Marks that stood there as far as was known when the account called: rule, since when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdWarns:
    """To the partition of an account: it has made the accounts of a crowd so many that a rule warns."""

    rule: str
    counter: str
    key: str
    account: str
    at_ms: int
    value: int
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdClears:
    """To the partition of an account: what it was warned of has cleared."""

    rule: str
    key: str
    account: str
    at_ms: int
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdStands:
    """To everyone: a crowd has reached the mark of a rule at which whoever calls there is blocked.

    Said again now and then as long as it does; and to the partition of an account that has called there, when that
    believed otherwise.
    """

    rule: str
    counter: str
    key: str
    since_ms: int
    at_ms: int
    until_ms: int
    """Later calls are none of it, unless it is said again: whoever said so may be no more."""
    value: int
    estimated: bool
    by: str = ""
    """The account that made it so many."""
    accounts: tuple[str, ...] = ()
    """Of the hearer's, that may have a call up there: as long as they are few enough to be known."""
    again: bool = False
    """An answer: what the hearer believed was wrong, whatever it had heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrowdFalls:
    """To everyone: it no longer does."""

    rule: str
    key: str
    since_ms: int


# -- the fuse (`guard.core.fuses`)


@dataclass(frozen=True, slots=True, kw_only=True)
class FuseSaid:
    """To the home of the fuse: how many blocks rules have asked for here, counted since ever."""

    passed: int
    """Let through on its own."""
    wished: int
    """Left to the home to judge."""
    held: int
    """Asked for while the fuse was open, as far as was known here."""
    active: int
    """Active accounts here, now."""
    waits: bool
    """For the home's word on some of them."""
    standing: int
    """The last standing that was heard of."""
    at_ms: int
    """When the last was asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FuseStands:
    """From the home of the fuse: how it stands, and what it has heard from this partition."""

    number: int
    """Of the standing: a later one has a greater number."""
    open_since_ms: int | None
    passed: int
    judged: int
    """Of what was left to it, since ever; and how many of these may pass."""
    granted: int


# -- on-call (`guard.core.spokesman`)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchSilent:
    """To the home of a switch: it says nothing, or is down, and calls of it are up here."""

    switch: str
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsBrought:
    """To the home of a switch: so many calls of it began here in an hour."""

    switch: str
    hour: int
    """Since the epoch."""
    calls: int
    late: bool
    """Some were part of a backlog, and belong to another hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """To the home of a switch, or of a matter: what on-call should know, or that it is over here."""

    number: int
    """Of the words of this kind that this partition has for others: a later one has a greater number."""
    matter: str
    """Empty: it does not last."""
    about: str
    """What tells it from others of its kind: the switch, as a rule."""
    kind: str
    """A value of `NoticeKind`."""
    switch: str
    account: str
    text: str
    over: bool
    at_ms: int


CrowdWord = Sighting | CrowdWarns | CrowdClears | CrowdStands | CrowdFalls
FuseWord = FuseSaid | FuseStands
SwitchWord = SwitchSilent | CallsBrought | Matter
Word = CrowdWord | FuseWord | SwitchWord


class Said(NamedTuple):
    """What an engine has for another."""

    to: int | None
    """A partition; None: everyone."""
    word: Word
