"""Standings: what the engine of one partition has heard of crowds whose home is elsewhere (`guard.core.rules.across`).

By rule and key: whether the mark at which accounts are blocked stands, and which account of its own was warned. The
home says all of it and says when it is over, because only the home sees the window. Should it have said what never
became durable, or be put back to an earlier day, nothing of that may stand for ever: a mark of which nothing more is
heard lapses with its window (`until_ms`), and whoever calls there tells the home what is believed here, which answers
when it is otherwise.

Words come at least once and perhaps late. So each row remembers the newest of either kind that it has heard, also when
it is over: what is not newer is a repeat, and changes nothing, unless it is an answer. A mark's `since_ms` grows from
one standing to the next.
Rows of what is over are kept for a while only (`MOST_OVER`), for repeats come soon if they come.
"""

from __future__ import annotations

from collections.abc import Iterator

from guard.core.neighbours import CrowdClears, CrowdFalls, CrowdStands, CrowdWarns
from guard.core.rules.fitting import Fitting
from guard.core.rules.rows import StandingRow

MOST_STANDINGS = 10_000
"""The one that changed longest ago goes first: who calls there is then not blocked for it, as after a late crossing."""
MOST_OVER = 500

Where = tuple[str, str]
"""Rule and key."""


class Standings:
    """Of one partition."""

    def __init__(self) -> None:
        self._rows: dict[Where, StandingRow] = {}
        """In the order in which they changed."""
        self._over: dict[Where, None] = {}
        self._changed: dict[Where, None] = {}

    def standing(self, rule: str, counter: str, key: str, at_ms: int) -> StandingRow | None:
        """The row of a mark that stands for a call at that time, if the rule still counts what it counted then."""
        row = self._rows.get((rule, key))
        return row if row is not None and row.stands and row.counter == counter and at_ms < row.until_ms else None

    # -- words; each says whether it is news

    def stands(self, word: CrowdStands) -> bool:
        """The mark has been reached, or stands still."""
        row = self._row(word.rule, word.key)
        news = word.since_ms > row.since_ms
        if not news and not word.again and not (row.stands and word.since_ms == row.since_ms):
            return False
        now = row._replace(
            counter=word.counter,
            since_ms=word.since_ms,
            stands=True,
            value=word.value if news or word.again else row.value,
            estimated=word.estimated,
            until_ms=word.until_ms if news or word.again else max(row.until_ms, word.until_ms),
        )
        if now != row:
            self._put(now)
        return news

    def falls(self, word: CrowdFalls) -> bool:
        """It has been left."""
        row = self._row(word.rule, word.key)
        if word.since_ms < row.since_ms or (word.since_ms == row.since_ms and not row.stands):
            return False
        self._put(row._replace(since_ms=word.since_ms, stands=False))
        return True

    def warns(self, word: CrowdWarns) -> bool:
        """An account is warned of it."""
        row = self._row(word.rule, word.key)
        if word.at_ms <= row.warned_ms:
            return False
        self._put(row._replace(warned=word.account, warned_ms=word.at_ms))
        return True

    def clears(self, word: CrowdClears) -> bool:
        """What that account was warned of has cleared."""
        row = self._row(word.rule, word.key)
        if row.warned != word.account or word.at_ms < row.warned_ms:
            return False
        self._put(row._replace(warned=""))
        return True

    def _row(self, rule: str, key: str) -> StandingRow:
        row = self._rows.get((rule, key))
        return StandingRow(rule, key) if row is None else row

    def _put(self, row: StandingRow) -> None:
        where = (row.rule, row.key)
        self._rows.pop(where, None)
        self._over.pop(where, None)
        self._rows[where] = row
        self._changed[where] = None
        if not row.stands and not row.warned:
            self._over[where] = None
        if len(self._over) > MOST_OVER:
            self._drop(next(iter(self._over)))
        if len(self._rows) > MOST_STANDINGS:
            self._drop(next(iter(self._rows)))

    def _drop(self, where: Where) -> None:
        del self._rows[where]
        self._over.pop(where, None)
        self._changed[where] = None

    # -- other rules

    def fit(self, fitting: Fitting) -> None:
        """Other rules: who was warned by one that goes is told that this is over."""
        for row in tuple(self._rows.values()):
            rule = fitting.gone.get(row.rule)
            if rule is not None and row.warned:
                fitting.clear(rule, row.warned, row.key)
                self._put(row._replace(warned=""))

    # -- rows

    def take_changed(self) -> Iterator[tuple[Where, StandingRow | None]]:
        """Those that have changed since the last time; None: it is no more."""
        changed, self._changed = self._changed, {}
        return ((where, self._rows.get(where)) for where in changed)

    def restore(self, row: StandingRow) -> None:
        """Take one up."""
        self._put(row)
        self._changed.clear()
