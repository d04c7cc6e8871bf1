"""What a rule saw, in one sentence with numbers that a clerk can read out.

    12 calls in 15 minutes to +25261*** (Somalia) at 3.40 a minute; 5 is the mark.

Called numbers keep their first digits and lose the rest. Where a number is a key it also carries four characters made
from all of it, so that two numbers of one range can be told apart without being told.

Rules do not know the account's currency: where a sentence states a sum of money it has `CURRENCY` in its place, for
whoever knows the account to fill in. Evidence and prices per minute go without.
"""

from __future__ import annotations

from hashlib import blake2b

from guard.core.money import format_cents, format_money
from guard.core.rules.levels import Level
from guard.core.rules.observation import Observation, What
from guard.core.rules.rule import LEARNING_DAYS, Measure, Per, Rule, Unit
from guard.core.sentences import masked
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS

CURRENCY = "\N{CURRENCY SIGN}"
"""Stands for the account's currency in a sentence."""

_BY_NUMBER = frozenset({Per.NUMBER, Per.RANGE})

_SPANS = ((DAY_MS, "day"), (HOUR_MS, "hour"), (MINUTE_MS, "minute"), (SECOND_MS, "second"))

_THINGS = {
    Measure.ATTEMPTS: ("attempt", "attempts"),
    Measure.FAILED: ("failed attempt", "failed attempts"),
    Measure.CALLS: ("call", "calls"),
    Measure.MINUTES: ("minute of calls", "minutes of calls"),
    Measure.NUMBERS: ("number called", "different numbers called"),
    Measure.VARIANTS: ("way of dialling one number", "ways of dialling one number"),
    Measure.NEW_COUNTRIES: ("country not called before", "countries not called before"),
    Measure.NEW_PREFIXES: ("destination not called before", "destinations not called before"),
    Measure.ACCOUNTS: ("account calling", "accounts calling"),
    Measure.CONCURRENT: ("call at once", "calls at once"),
}
_PHRASES = {
    Measure.GROSS: "calls worth {}",
    Measure.NET: "calls for {} net",
    Measure.IN_FLIGHT: "{} in flight",
    Measure.RATE: "calls that cost {} a minute together",
    Measure.DURATION: "a call that has lasted {}",
    Measure.SHORT_SHARE: "{} of calls over within 6 seconds",
    Measure.GROWTH: "{} what is usual for these hours",
    Measure.DRIFT: "spending above the usual by {} that of a usual day",
}


def span_in_words(span_ms: int) -> str:
    """`15 minutes`, `1 hour 30 minutes`: the two largest units."""
    words: list[str] = []
    for unit_ms, name in _SPANS:
        count, span_ms = divmod(span_ms, unit_ms)
        if count:
            words.append(f"{count} {name}{'s' if count > 1 else ''}")
    return " ".join(words[:2]) or "0 seconds"


def number_in_words(unit: Unit | None, value: int) -> str:
    """A value or threshold; without a unit it is money."""
    match unit:
        case Unit.COUNT:
            return str(value)
        case Unit.TIME:
            return span_in_words(value)
        case Unit.SHARE:
            return f"{format_money(value * 100).removesuffix('.00')} %"
        case Unit.MULTIPLE:
            return f"{format_cents(value).removesuffix('.00')} times"
        case Unit.MONEY | None:
            return format_cents(value)


def key_in_words(rule: Rule, key: str) -> str:
    """A key as others may see it."""
    if rule.per not in _BY_NUMBER or not key:
        return key
    shown = "" if rule.measure is Measure.VARIANTS else masked(f"+{key}")
    return f"{shown or '***'}#{blake2b(key.encode(), digest_size=2).hexdigest()}"


def call_in_words(call: Observation) -> str:
    """`+25261*** (Somalia) at 3.40 a minute`."""
    words = " ".join(filter(None, (_number(call), _place(call)))) or "an unknown number"
    if call.what is What.FAILED:
        return f"{words}, not answered"
    return words + _rate(call)


def sentence(
    rule: Rule,
    *,
    value: int,
    threshold: int,
    key: str,
    level: Level,
    last: Observation | None,
    estimated: bool,
    learning: bool,
) -> str:
    """Why a rule speaks."""
    window = f" in {span_in_words(rule.window_ms)}" if rule.window_ms is not None else ""
    words = f"{'about ' if estimated else ''}{_value(rule, value)}{window}{_whither(rule, key, last)}"
    mark = _amount(rule, threshold)
    if level is Level.CLEARED:
        return f"Cleared: {words}; that is back below 90 % of {mark}."
    known = f" The account has been known for less than {LEARNING_DAYS} days, so this only warns." if learning else ""
    return f"{words[0].upper()}{words[1:]}; {mark} is the mark.{known}"


def _value(rule: Rule, value: int) -> str:
    phrase = _PHRASES.get(rule.measure)
    if phrase is not None:
        return phrase.format(_amount(rule, value))
    one, many = _THINGS[rule.measure]
    return f"{value} {one if value == 1 else many}"


def _amount(rule: Rule, value: int) -> str:
    words = number_in_words(rule.unit, value)
    return f"{words} {CURRENCY}" if rule.unit is Unit.MONEY else words


def _whither(rule: Rule, key: str, last: Observation | None) -> str:
    """To where, and the last of the calls."""
    if rule.per is Per.NUMBER:
        place = "" if last is None else _place(last)
        known = rule.measure is not Measure.VARIANTS
        number = masked(f"+{key}") if known else (_number(last) if last is not None else "")
        to = " to " + " ".join(filter(None, (number, place))) if number else ""
        return to + ("" if last is None else _rate(last))
    to = {
        Per.ACCOUNT: "",
        Per.COUNTRY: f" to {_named(last) or key or 'an unknown country'}",
        Per.CLASS: f" to {key} numbers",
        Per.RANGE: f" to numbers of one range {_place(last) if last else ''}".rstrip(),
        Per.PREFIX: f" to {' '.join(filter(None, (key, _place(last) if last else '')))}" if key else _to_place(last),
        Per.SOURCE: f" from {key}",
    }[rule.per]
    return to if last is None else f"{to}, the last to {call_in_words(last)}"


def _number(call: Observation) -> str:
    return masked(f"+{call.number}") if call.number else masked(call.dialled)


def _to_place(call: Observation | None) -> str:
    """Of numbers that no prefix of the tariff matches."""
    return f" to {_named(call) or 'an unknown place'}"


def _named(call: Observation | None) -> str:
    return call.place or call.country if call is not None else ""


def _place(call: Observation) -> str:
    name = _named(call)
    return f"({name})" if name else ""


def _rate(call: Observation) -> str:
    return f" at {format_cents(call.rate_micros)} a minute" if call.rate_micros else ""
