"""Operators: people who block, release and allow accounts, and learn what came of it, or never do."""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.money import Micros
from guard.core.records import Allow, Approve, Block, Forget, Intent, Reject, Release, Scope, SetLimit


@dataclass(slots=True)
class Wish:
    """What one of them wanted. Its reason is found nowhere else, so it can be found in the history."""

    reason: str
    kind: str
    account: str
    asked_ms: int
    until_ms: int | None
    """By guard's clock."""
    held: str = ""
    """Id of the held block that it is about."""
    limit_micros: int = 0
    """That it is to be set to."""
    answer: str = ""
    """Empty: nobody knows what came of it."""

    def intent(self) -> Intent:  # noqa: PLR0911 -- one for each kind
        """As guard takes it."""
        match self.kind:
            case "block":
                return Block(account=self.account, by="ana", reason=self.reason, until_ms=self.until_ms)
            case "block abroad":
                return Block(
                    account=self.account,
                    by="ana",
                    reason=self.reason,
                    until_ms=self.until_ms,
                    scope=Scope.INTERNATIONAL,
                )
            case "release":
                return Release(account=self.account, by="ben", reason=self.reason, until_ms=self.until_ms)
            case "allow":
                return Allow(account=self.account, by="ben", reason=self.reason, until_ms=self.until_ms or 0)
            case "approve":
                return Approve(account=self.account, held=self.held, by="ben", reason=self.reason)
            case "reject":
                return Reject(account=self.account, held=self.held, by="ben", reason=self.reason)
            case "set limit":
                limit = Micros(self.limit_micros)
                return SetLimit(account=self.account, by="ana", reason=self.reason, limit_micros=limit)
            case "forget":
                return Forget(account=self.account, by="ben", reason=self.reason)
            case "let step pass":
                return SetLimit(account=self.account, by="ana", reason=self.reason, limit_micros=None, suggested=True)
            case _:
                raise ValueError(self.kind)
