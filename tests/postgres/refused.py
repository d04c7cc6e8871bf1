"""What a store says to whoever has been replaced."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from guard.ports import FencedError
from guard.shell.clock import SystemClock
from guard.shell.persistence import Persistence


async def is_refused(write: Callable[[], Awaitable[object]]) -> None:
    """For good; its sessions were ended, so it may have to connect again before it hears of that."""
    with pytest.raises(FencedError, match="another guard has taken over"):
        await Persistence(SystemClock(), between=lambda: None).insist(write)
