"""Courtesy: whoever only looks waits until the money has nothing to do, and then does one piece of work.

Everything shares one thread. asyncio runs all that is ready before it looks at a socket or a timer again, so twenty
pages that are asked for together would hold up the next batch, or a block whose moment has come, for as long as all of
them take. Here readers line up, and the first in line does one piece (about a millisecond: whoever has more divides
it), when

* the loop waits: nothing has come in, nothing is being committed, and nothing falls due in the next moment;
* since the last piece sockets and timers have been looked at, so that the money could say that it wants to go first.

What is promised to readers is less, and bounded: when nobody has been let go for `PATIENCE_S`, as while a backlog is
being read or when the store does not answer, they are owed `OWED_S` of work, and do it whatever the money does: one
piece, or several small ones.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

PATIENCE_S = 0.005
OWED_S = 0.001
"""At most a sixth of the loop's time or so, if it never rests."""


class Courtesy:
    """The line in which readers wait."""

    def __init__(self, idle: Callable[[], bool]) -> None:
        """`idle` says whether the loop has nothing to do; `rested` is to be called whenever that begins."""
        self._idle = idle
        self._line: deque[asyncio.Event] = deque()
        self._taken = False
        """A piece has begun, and nothing else has been looked at since."""
        self._began_s = 0.0
        """When that was."""
        self._owed_s = 0.0
        """Work that is done whatever the money does."""
        self._patience: asyncio.TimerHandle | None = None

    async def turn(self) -> None:
        """Return when one piece of work may be done, at once."""
        if self._line or not self._free():
            await self._wait_in_line()
        self._taken = True
        loop = asyncio.get_running_loop()
        self._began_s = loop.time()
        # What has come in meanwhile is looked at before this is called.
        loop.call_soon(self._go_on)

    def rested(self) -> None:
        """The loop has begun to wait."""
        self._call()

    async def _wait_in_line(self) -> None:
        called = asyncio.Event()
        self._line.append(called)
        self._be_patient()
        goes = False
        try:
            await called.wait()
            while not self._free():  # The money was quicker. It stays the first in line.
                called.clear()
                await called.wait()
            goes = True
        finally:
            self._line.remove(called)
            if not goes:  # It has left; perhaps it had been called.
                self._call()

    def _free(self) -> bool:
        return not self._taken and (self._owed_s > 0 or self._idle())

    def _call(self) -> None:
        """Wake the first in line if it may go."""
        if self._line and self._free():
            self._line[0].set()

    def _go_on(self) -> None:
        """A piece is done: the next one's turn, if it may go now; if not, its patience begins."""
        self._taken = False
        self._owed_s = max(0.0, self._owed_s - (asyncio.get_running_loop().time() - self._began_s))
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
        if self._line:
            self._be_patient()
            self._call()

    def _be_patient(self) -> None:
        if self._patience is None:
            self._patience = asyncio.get_running_loop().call_later(PATIENCE_S, self._run_out)

    def _run_out(self) -> None:
        """Nobody has been let go for too long."""
        self._patience = None
        if self._line:
            self._owed_s = OWED_S
            self._call()
