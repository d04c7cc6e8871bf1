"""Who hears of decisions and notices: the log, the metrics, the `decisions` topic and the webhooks.

They are told after the batch has become durable, and hold nobody up: what has to be sent is sent by tasks of its own,
from what is stored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog

from guard.adapters.metrics import Figures
from guard.core.decisions import Action, Decision, Mode, Notice
from guard.ports import Clock
from guard.shell.oncall import line_of


class Sinks:
    """Tells them."""

    def __init__(self, clock: Clock, figures: Figures, news: Sequence[Callable[[], None]]) -> None:
        """`news`: who is told that there is something new in the store."""
        self._log = structlog.get_logger("guard").bind()
        self._clock = clock
        self._figures = figures
        self._news = news

    def tell_decisions(self, decisions: Sequence[Decision]) -> None:
        """One line of the log for each."""
        now_ms = self._clock.now_ms()
        for decision in decisions:
            if decision.action is Action.BLOCK and decision.mode is Mode.ENFORCE:
                self._figures.blocked((now_ms - decision.at_ms) / 1_000)
            self._log.info(
                "decision",
                action=decision.action.value,
                account=decision.account,
                reason=decision.reason.value,
                mode=decision.mode.value,
                id=decision.id,
                by=decision.by or None,
                text=decision.text,
            )
        self._tell_of_news()

    def tell_notice(self, notice: Notice) -> None:
        """What on-call is told that is no decision."""
        self._figures.told(notice.kind)
        tell = self._log.info if notice.over else self._log.warning
        tell(notice.kind.value, **line_of(notice))
        self._tell_of_news()

    def _tell_of_news(self) -> None:
        for tell in self._news:
            tell()
