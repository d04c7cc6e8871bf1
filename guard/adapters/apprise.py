"""Chat, mail and a hundred more through `apprise`, which is installed only where somebody wants it.

`apprise` is not asyncio's: it posts from threads. Each target has two of its own, so that one that hangs keeps neither
others nor the name look-ups of the daemon waiting. An attempt that takes too long is given up here, while its thread
ends by the library's own socket time-outs (some seconds); meanwhile the next attempt waits for the other thread.

Its addresses are secrets (tokens stand in them), and what it logs may repeat them: its log is switched off.
"""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from guard.core.events import Event
from guard.core.incidents import Severity, incident_of
from guard.ports import Sent
from guard.wire.instants import format_instant

SEND_WITHIN_S = 15.0
THREADS = 2

_KINDS = {Severity.CRITICAL: "failure", Severity.WARNING: "warning", Severity.INFO: "info"}
"""As apprise calls them; what is over is a `success`."""


class AppriseError(ValueError):
    """Something that apprise cannot be made to tell; the text does not repeat the address."""


def apprise_is_installed() -> bool:
    """Whether the package is there."""
    return find_spec("apprise") is not None


class Apprise:
    """One address of apprise."""

    def __init__(self, url: str) -> None:
        """`AppriseError` for an address that it does not know."""
        library: Any = import_module("apprise")
        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
        self._sender = library.Apprise()
        if not self._sender.add(url):
            raise AppriseError("is no address that apprise knows (`apprise --details` lists them)")
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="guard-apprise")

    async def send(self, event: Event, at_ms: int) -> Sent:
        """Try once."""
        del at_ms
        title, body, kind = told(event)
        try:
            async with asyncio.timeout(SEND_WITHIN_S):
                taken = await asyncio.get_running_loop().run_in_executor(
                    self._threads, lambda: self._sender.notify(body=body, title=title, notify_type=kind)
                )
        except TimeoutError:
            return Sent(f"no answer within {SEND_WITHIN_S:.0f} s")
        except Exception as error:  # noqa: BLE001 -- boundary: a plug-in of apprise failed; the attempt is made again
            return Sent(f"failed: {type(error).__name__}")
        return Sent("" if taken else "apprise was refused, or could not reach it; try the address with `apprise -vv`")

    async def close(self) -> None:
        """Wait for nobody."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def told(event: Event) -> tuple[str, str, str]:
    """Title, text and kind of an event for people."""
    incident = incident_of(event)
    about = dict(incident.about)
    subject = event.told.account or about.get("switch", "")
    title = f"guard: {event.type} {subject}".strip()
    return (
        title,
        f"{event.told.text}\n{format_instant(event.at_ms)}",
        ("success" if incident.over else _KINDS[incident.severity]),
    )
