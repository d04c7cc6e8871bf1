"""Who has entered the page with a token: sessions in memory, and what keeps other sites and guessers out.

A session is a random cookie that scripts cannot read and that browsers send only to pages of this very site. It is as
good as its token: when the token is taken away or replaced, the session is over at once. It is not stored: after a
restart people enter again. Each session has a secret of its own that every form carries, so that no other page can
press a button here (CSRF); without tokens all forms carry one secret of the process.

Tokens are 256 random bits and cannot be guessed, so the limit on failed entries protects the log and the machine, not
the tokens; an address that has failed too often waits a minute.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from guard.adapters.http.tokens import Token

COOKIE = "guard_session"
MAX_SESSIONS = 1_000
LASTS_S = 12 * 3_600.0
"""A shift and what comes after it."""
IDLE_S = 2 * 3_600.0
FAILURES = 10
"""So many failed entries of an address within `FAILURES_WITHIN_S`, and it waits."""
FAILURES_WITHIN_S = 60.0
MAX_ADDRESSES = 1_000


@dataclass(slots=True)
class Session:
    """Somebody at a browser."""

    token: Token
    csrf: str
    opened_s: float
    seen_s: float


class Sessions:
    """All sessions; nothing here waits or writes."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._sessions: dict[str, Session] = {}
        self._failures: dict[str, deque[float]] = {}
        self.local_csrf = secrets.token_urlsafe(32)

    def open(self, token: Token) -> str:
        """Begin a session; what its cookie holds."""
        self._sweep()
        cookie, now_s = secrets.token_urlsafe(32), self._now_s()
        while len(self._sessions) >= MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[_key(cookie)] = Session(token, secrets.token_urlsafe(32), now_s, now_s)
        return cookie

    def find(self, cookie: str, known: Callable[[str], Token | None]) -> Session | None:
        """The session of a cookie, if it lasts and its token is still what it was (`known` by name)."""
        session = self._sessions.get(_key(cookie))
        if session is None:
            return None
        if self._over(session) or known(session.token.name) != session.token:
            del self._sessions[_key(cookie)]
            return None
        session.seen_s = self._now_s()
        return session

    def close(self, cookie: str) -> None:
        """End a session."""
        self._sessions.pop(_key(cookie), None)

    def _over(self, session: Session) -> bool:
        now_s = self._now_s()
        return now_s - session.opened_s > LASTS_S or now_s - session.seen_s > IDLE_S

    def _sweep(self) -> None:
        for key in [key for key, session in self._sessions.items() if self._over(session)]:
            del self._sessions[key]

    # -- failed entries

    def wait_s(self, address: str) -> float:
        """How long this address has to wait before it may try again; 0: not at all."""
        failures = self._failures.get(address)
        if failures is None or len(failures) < FAILURES:
            return 0.0
        return max(0.0, failures[0] + FAILURES_WITHIN_S - self._now_s())

    def failed(self, address: str) -> None:
        """A token that is none was shown."""
        failures = self._failures.pop(address, None) or deque(maxlen=FAILURES)
        failures.append(self._now_s())
        while len(self._failures) >= MAX_ADDRESSES:
            del self._failures[next(iter(self._failures))]
        self._failures[address] = failures


def _key(cookie: str) -> str:
    """What is kept of a cookie: looking it up by its hash takes no time that depends on how much of it was right."""
    return hashlib.sha256(cookie.encode(errors="replace")).hexdigest()
