"""What is left of the stored state of an account that has not called for long: its profile, without whom it called.

While an account calls, its profile lets go of old numbers and rings by itself, and windows let go of theirs. One
that has fallen silent does neither, so its row would keep for ever what it was stored with. `faded` is the row as it
may be kept. Taking it up instead of the other makes no difference to rules: what it lacks is in no window any more, and
the profile would let go of it on the account's next day. Marks that stand are kept with what they stand on.
"""

from __future__ import annotations

from guard.core.rules.profile import NUMBER, REFRESH_DAYS, SOURCE
from guard.core.rules.rings import KEPT_MS
from guard.core.rules.rows import ProfileRow, SubjectRow
from guard.core.settings import DAY_MS

LONGEST_WINDOW_DAYS = 31
"""Of any rule: younger calls may still count."""
_SPARE_DAYS = 1
"""The account's own clock may be a day behind or ahead."""
_PERSONAL = (SOURCE, NUMBER)


def faded(row: SubjectRow, now_ms: int, keep_days: int) -> SubjectRow:
    """The row without what is older than that; the same when there is no such thing."""
    today = now_ms // DAY_MS
    profile = _profile(row.profile, today - keep_days - REFRESH_DAYS - _SPARE_DAYS)
    row = row._replace(
        profile=profile._replace(rings=tuple(each for each in profile.rings if now_ms - each[1] < KEPT_MS))
    )
    silent_since = today - max(keep_days, LONGEST_WINDOW_DAYS) - _SPARE_DAYS
    if row.live or row.profile.today >= silent_since:
        return row
    across = tuple(each for each in row.across if each[2] >= silent_since * DAY_MS)
    return row._replace(tallies=tuple(tally for tally in row.tallies if tally.marks), across=across, seen=())


def _profile(row: ProfileRow, before: int) -> ProfileRow:
    """The profile without numbers and sources that were last called before that day."""
    habits = tuple(
        tuple(each for each in known if kind not in _PERSONAL or each[1] >= before)
        for kind, known in enumerate(row.habits)
    )
    days = tuple(
        day
        if day.day >= before
        else day._replace(called=tuple(each for each in day.called if each[0] not in _PERSONAL))
        for day in row.days
    )
    return row._replace(habits=habits, days=days)
