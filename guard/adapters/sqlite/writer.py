"""The writer's thread: takes jobs in order, one hop to it and one back for each, and saves when it has nothing to do.

Plain `sqlite3` on a thread of our own, not `aiosqlite`: that hops to its thread and back for every statement, and a
commit has half a dozen. Reading, where one question is one statement, is done with `aiosqlite` (`reader`).

The thread is a daemon: if the process ends without closing the store it ends in the middle of whatever it does, which
is what a crash does, and crashes are what the store is built for.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import TypeVar

from guard.adapters.sqlite.keeper import Keeper
from guard.ports import StoreError

IDLE_S = 0.2
"""Without a commit for so long, saving begins by itself."""

T = TypeVar("T")

_Job = Callable[[], None]


class Writer:
    """Runs a `Keeper` on its thread."""

    def __init__(self, path: Path, busy_timeout_ms: int) -> None:
        self._path = path
        self._busy_timeout_ms = busy_timeout_ms
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._hurry = threading.Event()
        self._closed = False
        self._keeper: Keeper | None = None
        self._thread = threading.Thread(target=self._run, name="guard-store", daemon=True)

    def open(self) -> Future[None]:
        """Start the thread and open the file on it; `StoreError` in the future when it is refused."""
        self._thread.start()
        return self._submit(self._open)

    def submit(self, work: Callable[[Keeper], T]) -> Future[T]:
        """Have something done, after everything submitted before; `StoreError` when the store is closed."""
        if self._closed:
            raise StoreError(f"{self._path}: the store is closed")
        return self._submit(lambda: work(self._opened()))

    def close(self) -> Future[None]:
        """Save, close the file and end the thread once all that was submitted is done."""
        self._closed = True
        closed = self._submit(self._close)
        self._jobs.put(None)
        return closed

    def hurry(self) -> None:
        """Stop saving and close at once."""
        self._hurry.set()

    def join(self) -> None:
        """Wait for the thread to end; to be called when `close` is done, so that this takes no time."""
        self._thread.join()

    # -- on the thread

    def _submit(self, work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()

        def job() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = work()
            except BaseException as error:  # noqa: BLE001 -- boundary: the caller's thread raises it
                future.set_exception(error)
            else:
                future.set_result(result)

        self._jobs.put(job)
        return future

    def _open(self) -> None:
        self._keeper = Keeper(self._path, self._busy_timeout_ms)

    def _opened(self) -> Keeper:
        if self._keeper is None:
            raise StoreError(f"{self._path}: the store is not open")
        return self._keeper

    def _close(self) -> None:
        if self._keeper is not None:
            keeper, self._keeper = self._keeper, None
            keeper.close(self._hurry)

    def _run(self) -> None:
        patience_s: float | None = None
        while True:
            try:
                job = self._jobs.get(timeout=patience_s)
            except queue.Empty:
                patience_s = self._save_some()
                continue
            if job is None:
                return
            job()
            patience_s = IDLE_S if self._keeper is not None and self._keeper.unsaved() else None

    def _save_some(self) -> float | None:
        """One bite; the time to wait before the next: none while there is more, for ever when there is none."""
        keeper = self._keeper
        if keeper is None or not keeper.unsaved():
            return None
        return 0 if keeper.save_some() else IDLE_S
