"""Something that goes on in a thread of its own while a block runs."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Beside(ABC):
    """Runs `run` until the block ends, or somebody stops it."""

    def __init__(self, name: str) -> None:
        self.over = threading.Event()
        """`run` is to come to its end."""
        self.thread = threading.Thread(target=self.run, name=name)

    def __enter__(self) -> Self:
        """Begin."""
        self.thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Come to an end."""
        self.stop()

    def stop(self) -> None:
        """Return when it has come to its end."""
        self.over.set()
        self.thread.join()

    @abstractmethod
    def run(self) -> None:
        """What goes on."""
