"""What is kept of the rules' state, and when: at most once a minute an account, a few with each batch.

Sums and profiles change with every report, and money does not hang on them. What history has told of an account is
stored at once, because whoever told it may throw it away.
"""

from __future__ import annotations

from guard.core.settings import MINUTE_MS

SAVE_AFTER_MS = MINUTE_MS
"""So old what is kept of an account may become."""
SAVED_AT_ONCE = 20
"""Accounts stored with one batch: some milliseconds of it."""


class Saving:
    """Which accounts are to be stored, and whether what belongs to none is."""

    __slots__ = ("_dirty", "_learned", "_whole_at_ms")

    def __init__(self) -> None:
        self._dirty: dict[str, int] = {}
        """Accounts whose state is newer than what is stored, and since when, the oldest first."""
        self._learned: dict[str, None] = {}
        """Accounts that history has told of."""
        self._whole_at_ms = 0

    def moved(self, account_id: str, now_ms: int) -> None:
        """What is known of an account is another now."""
        self._dirty.setdefault(account_id, now_ms)

    def learned(self, account_id: str) -> None:
        """History has told of an account."""
        self._dirty.pop(account_id, None)
        self._learned[account_id] = None

    def forget(self, account_id: str) -> None:
        """There is nothing left to store."""
        self._dirty.pop(account_id, None)
        self._learned.pop(account_id, None)

    def take(self, now_ms: int, *, everything: bool) -> list[str]:
        """Accounts to be stored now."""
        due: list[str] = []
        for account_id, since_ms in self._dirty.items():
            if not everything and (len(due) >= SAVED_AT_ONCE or now_ms - since_ms < SAVE_AFTER_MS):
                break
            due.append(account_id)
        for account_id in due:
            del self._dirty[account_id]
        due += self._learned
        self._learned.clear()
        return due

    def take_whole(self, now_ms: int, *, everything: bool) -> bool:
        """Whether what belongs to no account is to be stored now."""
        whole = everything or now_ms - self._whole_at_ms >= SAVE_AFTER_MS
        if whole:
            self._whole_at_ms = now_ms
        return whole
