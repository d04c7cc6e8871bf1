"""Logging: one JSON object a line on stderr, or coloured lines when somebody sits at a terminal.

Set up once, by the composition root. What libraries say through the standard library's `logging` (uvicorn, asyncio,
paho) and what guard's own adapters say there comes out the same way, so that a log has one format. Levels are filtered
before anything is formatted: a suppressed line costs a tenth of a microsecond.

`RefusalLog` is for messages that break the contract. They come from outside and can come in any number, so only some
a second are logged, the rest are counted; and they may hold anything, so only where and which rule is logged, never
what the message said.

An error may quote what it stumbled over, so called numbers in a traceback are masked, also in the one that the process
ends with (`log_the_end`).
"""

from __future__ import annotations

import io
import json
import logging
import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from guard.core.privacy import without_numbers
from guard.core.records import Refusal

LEVELS = ("debug", "info", "warning", "error")

REFUSALS_PER_SECOND = 10
"""More lines than this help nobody, and a flood of junk must not become a flood of writing."""


def set_up_logging(level: str = "info", *, stream: TextIO | None = None, console: bool | None = None) -> None:
    """Log at `level` and above to `stream` (stderr); `console` None: coloured lines if that is a terminal."""
    out = sys.stderr if stream is None else stream
    number = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="timestamp"),
    ]
    rendering = _rendering(console=out.isatty() if console is None else console)
    structlog.configure(
        processors=[*shared, *rendering],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
        )
    )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    # Below a warning libraries tell of their own inner life, with all that passes through it: addresses with a token in
    # them, what is asked of the store.
    root.setLevel(max(number, logging.WARNING))
    logging.getLogger("guard").setLevel(number)
    for own in ("uvicorn", "uvicorn.error"):  # uvicorn gives them levels of their own
        logging.getLogger(own).setLevel(logging.NOTSET)


def _rendering(*, console: bool) -> list[Processor]:
    if console:
        return [structlog.dev.ConsoleRenderer(colors=True, exception_formatter=_write_traceback)]
    return [
        structlog.processors.format_exc_info,
        _mask_traceback,
        structlog.processors.EventRenamer("event"),
        structlog.processors.JSONRenderer(serializer=_json),
    ]


def _mask_traceback(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if "exception" in event:
        event["exception"] = without_numbers(str(event["exception"]))
    return event


def _write_traceback(out: TextIO, error: ExcInfo) -> None:
    text = io.StringIO()
    structlog.dev.plain_traceback(text, error)
    out.write(without_numbers(text.getvalue()))


def log_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """For `sys.excepthook`: what the process dies of, as a line of the log like any other."""
    structlog.get_logger("guard").critical("failed", exc_info=(kind, error, trace))


def _json(event: object, **_options: object) -> str:
    """One line, times and level first, text as it is; what JSON does not know is shown as its `repr`."""
    if isinstance(event, dict):
        first = {key: event[key] for key in ("timestamp", "level", "event") if key in event}
        event = first | event
    return json.dumps(event, ensure_ascii=False, default=repr)


class WarningLogger(Protocol):
    """What is needed of a logger here."""

    def warning(self, event: str, **context: object) -> object:
        """Log a line."""
        ...


class RefusalLog:
    """Logs refused messages, at most so many a second, with a count of those that were not."""

    def __init__(
        self,
        logger: WarningLogger,
        *,
        per_second: int = REFUSALS_PER_SECOND,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logger = logger
        self._per_second = per_second
        self._monotonic = monotonic
        self._second = 0
        self._logged = 0
        self._suppressed = 0

    def refused(self, topic: str, refusal: Refusal) -> None:
        """Log that a message, or one element of it, was refused: where and why, nothing of what it said."""
        second = int(self._monotonic())
        if second != self._second:
            self.flush()
            self._second = second
            self._logged = 0
        if self._logged < self._per_second:
            self._logged += 1
            self._logger.warning("message refused", topic=topic, key=refusal.key, rule=refusal.rule)
        else:
            self._suppressed += 1

    def flush(self) -> None:
        """Tell how many were not logged; at the end, and when the next second begins."""
        if self._suppressed:
            self._logger.warning("more messages were refused than are logged", suppressed=self._suppressed)
            self._suppressed = 0
