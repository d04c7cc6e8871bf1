"""Asking: what a crowd says meets an account, and comes to a warning or to the block of it.

The third of the three roles of `across`. A warning is told once, about the account that made the crowd so many. A block
is about each account that calls there while it stands, and each is asked for once: of accounts that have a call up
there, when the mark is crossed; of others when they call there (again). Whoever has called before and does not again is
not blocked: there is nothing left to stop.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from guard.core.rules.counters import Counter
from guard.core.rules.crowds import Mark
from guard.core.rules.hits import Crossing
from guard.core.rules.levels import Level
from guard.core.rules.observation import Observation
from guard.core.rules.rule import Rule
from guard.core.rules.speaker import Speaker, may_block, recent_calls
from guard.core.rules.subjects import MOST_ACROSS, Subject, TallyKey


class Asking:
    """Of the accounts that are awake here."""

    def __init__(self, subjects: Mapping[str, Subject], speaker: Speaker) -> None:
        self._subjects = subjects
        self._speaker = speaker

    def meet(self, mark: Mark, said: Level | None, subject: Subject, seen: Observation) -> None:
        """An account calls there: it is blocked if the mark stands, or warned of if that has just been crossed."""
        if mark.since_ms is not None and may_block(mark.rule, subject, seen):
            self._ask_once(mark, mark.since_ms, subject, seen)
        elif said is Level.WARN or said is Level.BLOCK:
            self.say(mark, Level.WARN, subject.id, seen)

    def cut_short(self, mark: Mark, counter: Counter, accounts: Iterable[str]) -> None:
        """Those who have a call up there: their next report may be a minute away. Of a great crowd it is awaited."""
        for account in accounts:
            subject = self._subjects.get(account)
            if subject is None or mark.since_ms is None:
                continue
            for call in recent_calls(subject, counter, mark.key):
                if call.call in subject.live and may_block(mark.rule, subject, call):
                    self._ask_once(mark, mark.since_ms, subject, call)

    def last_call(self, account: str, counter: Counter, key: str) -> tuple[Subject, Observation] | None:
        """The account and its newest call there; None: it is not awake, or has called much else since."""
        subject = self._subjects.get(account)
        calls = () if subject is None else recent_calls(subject, counter, key)
        return None if subject is None or not calls else (subject, calls[0])

    def say(self, mark: Mark, level: Level, account: str, call: Observation | None) -> None:
        """Speak of an account, and of the call by which it is known."""
        self._speaker.say(
            Crossing(
                rule=mark.rule,
                account=account,
                key=mark.key,
                at_ms=mark.at_ms,
                level=level,
                value=mark.value,
                estimated=mark.estimated,
                learning=level is Level.WARN and mark.since_ms is not None,
                calls=() if call is None else (call,),
            )
        )

    def clear(self, rule: Rule, account: str, key: str, at_ms: int, value: int) -> None:
        """What the account was warned of has cleared."""
        self._speaker.say(Crossing(rule=rule, account=account, key=key, at_ms=at_ms, level=Level.CLEARED, value=value))

    def _ask_once(self, mark: Mark, since_ms: int, subject: Subject, call: Observation) -> None:
        """Ask for the block of an account, unless that has been done since the mark was crossed."""
        where = (mark.rule.id, mark.key)
        if subject.across.get(where) != since_ms:
            _remember(subject, where, since_ms)
            self.say(mark, Level.BLOCK, subject.id, call)


def _remember(subject: Subject, where: TallyKey, since_ms: int) -> None:
    if len(subject.across) >= MOST_ACROSS:
        del subject.across[next(iter(subject.across))]
    subject.across[where] = since_ms
