"""Work that goes on beside a block and ends with it: the context managers of this adapter have a task each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine
from typing import Any


@contextlib.asynccontextmanager
async def beside(work: Coroutine[Any, Any, None], name: str) -> AsyncIterator[None]:
    """Let it go on while the block runs; should it fail, the block is cancelled and its failure comes out of here.

    An error of the block itself comes out as it is, so that whoever waits for it by name finds it.
    """
    failure: Exception | None = None
    async with asyncio.TaskGroup() as tasks:
        going_on = tasks.create_task(work, name=name)
        try:
            yield
        except Exception as error:  # noqa: BLE001 - boundary: the group would wrap what is not its own
            failure = error
        finally:
            going_on.cancel()
    if failure is not None:
        raise failure
