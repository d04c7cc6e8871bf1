"""Call records: which map tells where a file of them says what, for every command that takes report files.

A ready map that is asked for (`--format`) comes first, then the operator's own (`[cdr]` of the configuration), then the
contract's. The time zone of `[cdr]` also holds for the ready maps of others, whose times bear none.
"""

from __future__ import annotations

from dataclasses import replace

from guard.config import CdrSection
from guard.replay.cdr import ASTERISK, CONTRACT, FREESWITCH, CdrMap

READY_MAPS = {"contract": CONTRACT, "asterisk": ASTERISK, "freeswitch": FREESWITCH}


def map_of(section: CdrSection, wanted: str | None) -> CdrMap:
    """The map for call records; `wanted` is the name of a ready one, or None."""
    if wanted is None and section.columns:
        return CdrMap(
            columns=section.columns, header=section.header, delimiter=section.delimiter, timezone=section.timezone
        )
    ready = READY_MAPS[wanted or "contract"]
    return replace(ready, timezone=section.timezone) if ready.foreign else ready
