"""Where to begin reading a partition, which is to ask first whether the log is still the one that was read.

A position is the sequence of the entry that was read last, and the moment at which the log stored it. A stream that was
deleted and made anew begins at 1; one that was put back from a backup, or has lost its end, gives the same sequences
out again. Going on behind the sequence would then pass over entries that nobody has read, in silence. So the entry is
looked up: **where the log has it under that sequence, stored at that very nanosecond, it is the log that was read.**
No name or number that somebody would have to write into a stream says more, or survives less.

What to do when it is another: everything that it was given since that moment is read, less `MARGIN_NS`, by which the
servers' clocks may differ. Of a stream that was made anew that is all of it, of one that was put back what came since.
Some of it is read twice, and that changes nothing: reports are cumulative, billing has ids. To refuse and wait for an
operator would be no safer, and would stop a partition in the middle of a disaster. It is said loudly, and counted.

An entry that is not there any more proves nothing by itself: entries are removed when they are older than `keep`.
`removed` says how many of the stream's were removed behind the position: unread, as far as they were this partition's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from guard.adapters.nats.api import NOT_FOUND, Api, LogRefusedError
from guard.adapters.nats.moments import NS_PER_S, ns_of, text_of
from guard.adapters.nats.streams import Standing
from guard.ports.cluster import Position

MARGIN_NS: Final = 60 * NS_PER_S
"""By so much the clocks of NATS' servers may differ."""
BEAT_NS: Final = 2 * NS_PER_S
"""Every partition gets an entry each second: what was removed within so short a time is the rest of one round."""


class Stored(NamedTuple):
    """What the log has under a sequence."""

    subject: str
    at_ns: int


async def stored_at(api: Api, stream: str, sequence: int) -> Stored | None:
    """What the stream's leader has under a sequence; None: nothing."""
    try:
        found = (await api.call(f"STREAM.MSG.GET.{stream}", {"seq": sequence}))["message"]
    except LogRefusedError as refused:
        if refused.code != NOT_FOUND:
            raise
        return None
    return Stored(str(found["subject"]), ns_of(found["time"]))


def another(standing: Standing, stored: Stored | None, subject: str, last: Position) -> str:
    """Why this is not the log in which the position was reached; empty: nothing speaks against it."""
    if not last.sequence:
        return ""
    if last.sequence > standing.last_sequence:
        return f"the stream ends at {standing.last_sequence}"
    if stored is None:
        return "the stream was made after that" if 0 < last.at_ns < standing.created_ns else ""
    if stored.subject != subject:
        return "the stream has an entry of another partition there"
    if last.at_ns not in {0, stored.at_ns}:
        return f"the stream has an entry there that it stored at {text_of(stored.at_ns)}"
    return ""


def removed(standing: Standing, last: Position) -> int:
    """How many entries of the stream, of all its partitions, were removed behind a position."""
    count = standing.first_sequence - last.sequence - 1
    in_time = not last.at_ns or standing.first_ns - last.at_ns > BEAT_NS
    return count if last.sequence and in_time and count > 0 else 0


def policy(last: Position) -> Mapping[str, Any]:
    """What a consumer is told about where to begin: behind a sequence, else at a moment, else at the beginning."""
    if last.sequence or not last.at_ns:
        return {"deliver_policy": "by_start_sequence", "opt_start_seq": last.sequence + 1}
    return {"deliver_policy": "by_start_time", "opt_start_time": text_of(max(0, last.at_ns - MARGIN_NS))}
