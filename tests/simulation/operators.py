"""Operators: people who block, release and allow accounts, and learn what came of it, or never do."""

from __future__ import annotations

from dataclasses import dataclass

from guard.core.records import Allow, Approve, Block, Intent, Reject, Release, Scope


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
    answer: str = ""
    """Empty: nobody knows what came of it."""

    def intent(self) -> Intent:
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
            case _:
                raise ValueError(self.kind)
