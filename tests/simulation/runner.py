"""Runs seeds, one after the other, on files in memory where there is such a place."""

from __future__ import annotations

import logging
import tempfile
import traceback
from pathlib import Path
from types import TracebackType
from typing import Self

import structlog

from tests.simulation.schedule import START_MS
from tests.simulation.store import empty_store
from tests.simulation.world import Verdict, World

MEMORY = Path("/dev/shm")  # noqa: S108 -- files that live as long as the run
SECOND_MS = 1_000


class Simulator:
    """For a `with`."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self._path = Path(self._folder.name)
        self._empty = empty_store(self._path / "empty.db")

    def __enter__(self) -> Self:
        """Silent: what guard logs is no part of what it promises."""
        self._logging = structlog.get_config()
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave nothing."""
        structlog.configure(**self._logging)
        self._folder.cleanup()

    def run(self, seed: int, always: frozenset[str] = frozenset()) -> Verdict:
        """One world from beginning to end, with these faults for sure; one that breaks down is broken."""
        world = World(seed, self._path, self._empty, always)
        try:
            return world.run()
        except Exception as error:  # noqa: BLE001 -- boundary: told with the story that led there
            world.watch.break_(f"the world broke down: {type(error).__name__}: {error}\n{traceback.format_exc()}")
            return Verdict(seed=seed, broken=world.watch.broken, story=world.watch.story, steps=world.steps)


def story_of(verdict: Verdict) -> str:
    """For people."""
    lines = [f"the story of seed {verdict.seed}, in seconds:"]
    lines += [f"{(at_ms - START_MS) / SECOND_MS:10.3f}  {what}" for at_ms, what in verdict.story]
    lines += ["broken:", *(f"  {what}" for what in verdict.broken)] if verdict.broken else ["everything held"]
    return "\n".join(lines)
