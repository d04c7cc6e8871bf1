"""The service manager as guard speaks to it: the notification protocol of systemd, sd_notify(3).

The manager names a datagram socket in `NOTIFY_SOCKET`; a message is lines of `KEY=value`. Without that variable, in a
terminal or a container, every method does nothing. A message that does not arrive is not worth a daemon: it is dropped.

`READY=1` means that the state is restored and operators can ask. It does not wait for the broker: a broker that is away
is a blind mode that the daemon survives and tells of, and a manager that killed it for that would make it worse.

`WATCHDOG=1` is sent only while the loop turns, so a daemon that hangs is restarted although its process is there.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from guard.ports import Clock

NS_PER_US = 1_000
US_PER_MS = 1_000
FEEDINGS = 3
"""Within the time that the watchdog allows: one may be late and one lost."""
STATUS_EVERY_MS = 5_000


@dataclass(frozen=True, slots=True)
class ServiceManager:
    """Where to send notifications, and how often the manager wants to hear that guard is alive."""

    address: str = ""
    """A path, or `@name` in the abstract namespace; empty: nobody listens."""
    watchdog_ms: int | None = None

    @classmethod
    def of_environment(cls, environment: Mapping[str, str], pid: int) -> ServiceManager:
        """As the manager has set the process up; a watchdog that was meant for another process is not ours."""
        meant_for = environment.get("WATCHDOG_PID", str(pid))
        within_us = environment.get("WATCHDOG_USEC", "")
        watched = meant_for == str(pid) and within_us.isdecimal() and int(within_us) > 0
        return cls(
            address=environment.get("NOTIFY_SOCKET", ""),
            watchdog_ms=max(1, int(within_us) // US_PER_MS) if watched else None,
        )

    def ready(self, status: str) -> None:
        """Started, or reloaded: guard does its work."""
        self._send("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """A reload has begun; `ready` ends it."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={time.monotonic_ns() // NS_PER_US}")

    def stopping(self) -> None:
        """Told to stop, and doing so."""
        self._send("STOPPING=1", "STATUS=stopping")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self._send(f"STATUS={text}")

    async def keep(self, clock: Clock, healthy: Callable[[], str], status: Callable[[], str]) -> None:
        """Feed the watchdog while guard is healthy, and keep the status line true, until cancelled."""
        if not self.address:
            return
        every_ms = STATUS_EVERY_MS if self.watchdog_ms is None else max(1, self.watchdog_ms // FEEDINGS)
        while True:
            wrong = healthy()
            text = f"STATUS={wrong or status()}"
            if wrong or self.watchdog_ms is None:
                self._send(text)
            else:
                self._send("WATCHDOG=1", text)
            await clock.sleep(every_ms)

    def _send(self, *lines: str) -> None:
        if not self.address:
            return
        # A line break in a text would begin another assignment.
        message = "\n".join(line.replace("\n", " ") for line in lines).encode()
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK) as out:
                out.sendto(message, address)
        except OSError:
            return


def service_manager() -> ServiceManager:
    """The one that started this process."""
    return ServiceManager.of_environment(os.environ, os.getpid())
