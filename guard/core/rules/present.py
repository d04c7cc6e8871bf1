"""Measures of the present: how many calls are up, what they are worth and cost a minute together, how long each lasts.

Kept as running sums per counter and key, moved by each report. A call joins the counters whose `where` it passes when
it is first heard of, and again when its number or its rate turns out to be another; hours and days of `where` are
those at that moment, so a call of the night stays one in the morning. Values are those that reports state: nothing is
carried forward here, exposure does that.
"""

from __future__ import annotations

from guard.core.rules.counters import PresentCounter
from guard.core.rules.filters import passes
from guard.core.rules.lanes import Compiled
from guard.core.rules.observation import Observation, What
from guard.core.rules.rule import Measure, Rule
from guard.core.rules.speaker import Speaker
from guard.core.rules.subjects import Live, Presence, Subject


def take(compiled: Compiled, subject: Subject, live: Live, cause: Observation, local_ms: int, speaker: Speaker) -> None:
    """Take a report about a call that is up, or is so no longer."""
    if live.lane.durations:
        _judge_duration(live.lane.durations, subject, live, cause, local_ms, speaker)
    if cause.what is What.ENDS:
        joined = live.joined
        live.leave()
        _judge_all(compiled, subject, joined, cause, speaker)
    elif live.lane.present or live.joined:
        _move(compiled, subject, live, cause, local_ms, speaker)
    else:
        live.net_micros += cause.net_micros


def _move(
    compiled: Compiled, subject: Subject, live: Live, cause: Observation, local_ms: int, speaker: Speaker
) -> None:
    """It has grown; and may belong elsewhere now."""
    if live.placed is compiled and live.rate_micros == cause.rate_micros:
        live.grow(cause.net_micros)
    else:
        before = live.joined
        live.leave()
        live.placed, live.rate_micros = compiled, cause.rate_micros
        live.net_micros += cause.net_micros
        live.join(_places(subject, live, cause, local_ms))
        left = tuple(presence for presence in before if presence not in live.joined)
        _judge_all(compiled, subject, left, cause, speaker)
    _judge_all(compiled, subject, live.joined, cause, speaker)


def _judge_all(
    compiled: Compiled,
    subject: Subject,
    presences: tuple[Presence, ...],
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


def _judge_duration(
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
    for counter in live.lane.present:
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
    """What a rule of the present looks at; nothing as long as too few calls are up."""
    if presence.calls < rule.min_calls:
        return 0
    match rule.measure:
        case Measure.CONCURRENT:
            return presence.calls
        case Measure.RATE:
            return presence.rate_micros
        case _:
            return presence.net_micros
