"""The system's clock: the one place in guard's money path where time is read; everything else is handed it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


def since_boot() -> tuple[str, int]:
    """Which start of the machine this is, by the kernel's name for it, and milliseconds since; no name: not Linux."""
    try:
        boot = _BOOT.read_text("ascii").strip()
    except OSError:
        return "", 0
    return boot, time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


class SystemClock:
    """Wall-clock time in milliseconds; waiting on the event loop."""

    def now_ms(self) -> int:
        """Milliseconds since 1970-01-01 UTC."""
        return time.time_ns() // 1_000_000

    def monotonic_ns(self) -> int:
        """Nanoseconds since the machine was started."""
        return time.monotonic_ns()

    async def sleep(self, ms: int) -> None:
        """Return when `ms` have passed."""
        await asyncio.sleep(ms / 1_000)

    async def wait(self, event: asyncio.Event, ms: int) -> None:
        """Return when the event is set, or when `ms` have passed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ms / 1_000):
                await event.wait()
