"""Measures of the present: how many calls are up, what they are worth and cost a minute together, how long each lasts.

Kept as running sums per counter and key, moved by each report. A call joins the counters whose `where` it passes when
it is first heard of, and again when its number or its rate turns out to be another; hours and days of `where` are
those at that moment, so a call of the night stays one in the morning. Values are those that reports state: nothing is
carried forward here, exposure does that.
"""

from __future__ import annotations

from guard.core.rules.counters import Compiled, PresentCounter
from guard.core.rules.filters import passes
from guard.core.rules.observation import Observation, What
from guard.core.rules.rule import Measure, Rule
from guard.core.rules.speaker import Speaker
from guard.core.rules.subjects import Live, Presence, Subject


def move(compiled: Compiled, subject: Subject, live: Live, cause: Observation, local_ms: int, speaker: Speaker) -> None:
    """Take a report about a call that is up into the sums that it belongs to, and judge those."""
    if live.compiled is not compiled or live.rate_micros != cause.rate_micros or live.number != cause.number:
        before = live.joined
        live.leave()
        live.compiled, live.rate_micros, live.number = compiled, cause.rate_micros, cause.number
        live.net_micros += cause.net_micros
        live.join(_places(subject, live, cause, local_ms))
        left = [presence for presence in before if presence not in live.joined]
        judge_all(compiled, subject, left, cause, speaker)
    else:
        live.grow(cause.net_micros)
    judge_all(compiled, subject, live.joined, cause, speaker)


def end(compiled: Compiled, subject: Subject, live: Live, cause: Observation, speaker: Speaker) -> None:
    """A call is over."""
    joined = live.joined
    live.leave()
    judge_all(compiled, subject, joined, cause, speaker)


def judge_all(
    compiled: Compiled,
    subject: Subject,
    presences: list[Presence] | tuple[Presence, ...],
    cause: Observation,
    speaker: Speaker,
) -> None:
    """Where the rules on these sums stand now. Sums of nothing are let go."""
    for presence in presences:
        counter = compiled.present.get(presence.name)
        if counter is not None:
            _judge(counter, subject, presence, cause, speaker)
        if not presence.calls and not presence.marks:
            subject.present.pop((presence.name, presence.key), None)


def judge_duration(
    checks: tuple[PresentCounter, ...],
    subject: Subject,
    live: Live,
    cause: Observation,
    local_ms: int,
    speaker: Speaker,
) -> None:
    """How long a call has lasted; nothing once it is over."""
    over = cause.what is What.ENDS
    value = 0 if over else cause.duration_ms
    for check in checks:
        for rule in check.rules:
            stands = rule.id in live.marks
            if stands or (value >= rule.lowest and passes(check.filters, cause, subject.profile, local_ms)):
                speaker.judge(
                    rule,
                    value,
                    live.marks,
                    subject=subject,
                    counter=check,
                    key="/".join(cause.call),
                    at_ms=cause.at_ms,
                    cause=cause,
                )


def _places(subject: Subject, live: Live, cause: Observation, local_ms: int) -> tuple[Presence, ...]:
    places: list[Presence] = []
    for counter in live.lane.present if live.lane is not None else ():
        key = counter.key(cause) if counter.key is not None else ""
        if key is not None and passes(counter.filters, cause, subject.profile, local_ms):
            places.append(subject.presence(counter.name, key))
    return tuple(places)


def _judge(counter: PresentCounter, subject: Subject, presence: Presence, cause: Observation, speaker: Speaker) -> None:
    for rule in counter.rules:
        value = value_of(rule, presence)
        if value >= rule.lowest or presence.marks:
            speaker.judge(
                rule,
                value,
                presence.marks,
                subject=subject,
                counter=counter,
                key=presence.key,
                at_ms=cause.at_ms,
                cause=cause,
            )


def value_of(rule: Rule, presence: Presence) -> int:
    """What a rule of the present looks at."""
    match rule.measure:
        case Measure.CONCURRENT:
            return presence.calls
        case Measure.RATE:
            return presence.rate_micros
        case _:
            return presence.net_micros
