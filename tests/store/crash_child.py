"""A guard that does nothing but commit, to be killed: `python -m tests.store.crash_child PATH`.

It goes on from what it finds and prints the number of each batch when, and only when, its commit has returned.
Everything is small, so that a kill falls into each phase of saving.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from guard.adapters.sqlite import checkpoint, open_store, schema
from guard.core.decisions import Changes
from tests.store.kept_samples import fuse, gone, subject
from tests.store.samples import T0, account, call, decision, held, line, over, switch

ACCOUNTS = 40
CALLS = 60
LINES = 2
"""Ledger lines of each batch: its number can be read off the last line."""


def batch(number: int) -> Changes:
    """The batch with this number (from 1). What an account owes is the number of its last batch."""
    first = LINES * (number - 1) + 1
    touched = [number % ACCOUNTS, (number * 7) % ACCOUNTS]
    return Changes(
        accounts=[account(f"A{nth}", number) for nth in dict.fromkeys(touched)],
        calls=[call(f"c{(number * 3) % CALLS}", charge_micros=number)],
        calls_over=[("sw1", f"c{(number * 5 + 1) % CALLS}")],
        switches=[switch(last_heard_ms=T0 + number)],
        remembered=[over(f"o{number}", newest_at_ms=T0 + number)],
        forgotten_before_ms=T0 + number - 25 if number % 10 == 0 else None,
        ledger=[line(first + nth, f"A{touched[0]}", number) for nth in range(LINES)],
        decisions=[decision(number)] if number % 4 == 0 else [],
        quarantine=[held(number)] if number % 9 == 0 else [],
        pending=[("sw1", f"A{touched[0]}", number)],
        settled=[("sw1", f"A{touched[-1]}")],
        kept=[fuse(number), subject(f"A{number % 5}", number), gone(subject(f"A{(number + 2) % 5}"))],
    )


async def main(path: Path) -> None:
    """Commit until killed."""
    checkpoint.GENERATION_ROWS = 60
    checkpoint.BITE_ROWS = 7
    checkpoint.TRIMMED_ENTRIES = 2
    checkpoint.PRUNED_ROWS = 3
    schema.WAL_PAGES = 30
    async with open_store(path) as store:
        number = (await store.restore()).last_line // LINES
        while True:
            number += 1
            await store.commit(batch(number))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
