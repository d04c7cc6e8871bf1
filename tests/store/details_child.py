"""A guard that does nothing but delete call details, to be killed: `python -m tests.store.details_child PATH NOW KEEP`.

It says something after each step, so that a kill falls between and into them.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from guard.adapters.sqlite import details, open_store


async def main(path: Path, now_ms: int, keep_ms: int) -> None:
    """Delete, then overwrite, step by step, until all is done or somebody kills it."""
    details.LINES_AT_ONCE = 7
    details.ROWS_AT_ONCE = 5
    details.SCRUBBED_PAGES = 1
    async with open_store(path) as store:
        run = store.old_details(now_ms=now_ms, keep_ms=keep_ms)
        while (await run.step()).more or await run.scrub():
            sys.stdout.write("step\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
