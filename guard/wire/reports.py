"""Reports: the hot path of the daemon, a fast reading backed by a careful one.

**Fast.** One typed msgspec decode of the whole payload, then one pass over its elements. It is taken only when nothing
at all is remarkable. The typed decoder does not notice a key that occurs twice and does not look into unknown fields,
so the pass counts the members it knows: a flat array with M members has M - 1 commas outside of its strings, therefore
a payload with exactly one comma less than known members holds nothing else. Control characters can only hide behind a
backslash or beyond printable ASCII, so most payloads are cleared of them by three searches.

**Careful.** Everything else is parsed by `guard.wire.document` and read member by member: the truth about what a valid
report is, and the only place that refuses. So a report is never refused because it is unusual, and the two readings
cannot disagree about what is wrong. (Remarkable and valid, such as an unknown field, is settled by a look for repeated
keys alone.)

An explicit `null` counts as absent. So do an empty `to` and an empty `currency`, except that the empty `to` of an
answered call or a failed attempt is accepted as stated: a switch that cannot tell the number still tells the charge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Meta
from msgspec.structs import astuple

from guard.core.money import Micros, MoneyError
from guard.core.records import Direction, Event, Refusal, Report
from guard.core.settings import MINUTE_MS
from guard.wire import document, fields, rules
from guard.wire.amounts import charge_micros, rates
from guard.wire.document import MAX_ELEMENTS, MAX_PAYLOAD_BYTES
from guard.wire.fields import Members, has_control_character, may, need
from guard.wire.instants import InstantError, instant_ms, instants_ms
from guard.wire.rules import RuleError

MAX_AHEAD_MS: Final = 15 * MINUTE_MS
"""How far the switch's clock may be ahead of ours."""

_Identifier = Annotated[str, Meta(min_length=1, max_length=fields.MAX_IDENTIFIER)]
_Text = Annotated[str, Meta(max_length=fields.MAX_TEXT)]
_Duration = Annotated[int, Meta(ge=0, le=fields.MAX_DURATION_MS)]

_ALWAYS_PRESENT: Final = 4
"""`call`, `event`, `account`, `at`."""


class _Wire(msgspec.Struct, gc=False, rename={"caller": "from"}):
    """A report as the fast reading expects it; None: absent, or null, which only the count of members tells apart."""

    call: _Identifier
    event: Literal["failed", "answered", "tick", "ended"]
    account: _Identifier
    at: str | float | int
    to: _Text | None = None
    duration_ms: _Duration | None = None
    charge: str | None = None
    rate: str | None = None
    emergency: bool | int | None = None
    direction: Direction | None = None
    caller: _Text | None = None
    source: _Text | None = None
    cause: _Text | None = None
    currency: _Text | None = None


class _Recorded(_Wire, gc=False, kw_only=True):
    """The same as a line of a report file: with the switch that carried the call."""

    switch: str


ReportRow = tuple[
    str,
    Event,
    str,
    int,
    int,
    str | None,
    Micros | None,
    int | None,
    bool | None,
    Direction | None,
    str,
    str,
    str,
    str | None,
]
"""The fields of a `Report`, in their order."""


class Recorded(NamedTuple):
    """Good reports of a file: what they are sorted by, and all of each."""

    times_ms: Sequence[int]
    switches: Sequence[str]
    calls: Sequence[str]
    events: Sequence[Event]
    rows: Iterator[ReportRow]


class DecodedReports(NamedTuple):
    """What a payload holds: its reports in their order, and one refusal for each element that is none."""

    reports: list[Report]
    refusals: list[Refusal]


class _RemarkableError(Exception):
    """The fast reading does not know what to make of it; says nothing about right or wrong."""


_DECODER: Final = msgspec.json.Decoder(_Wire | list[_Wire])
_RECORDED_DECODER: Final = msgspec.json.Decoder(list[_Recorded])
_EVENTS: Final = {event.name.lower(): (event, event in {Event.FAILED, Event.ANSWERED}) for event in Event}
"""The event, and whether it must say the number dialled (else it must say the duration)."""
_EVENT_OF: Final = {word: event for word, (event, _) in _EVENTS.items()}
_FLAGS: Final = {0: False, 1: True}
_OPTIONAL: Final = [name not in {"call", "event", "account", "at", "switch"} for name in _Recorded.__struct_fields__]
"""Of the members of a line, in their order: whether it may be without."""
_DEFAULTS: Final = ["" if name in {"caller", "source", "cause"} else None for name in _Recorded.__struct_fields__]
"""What stands for a member that a line does not have; None stands for itself."""
_REMARKABLE: Final = (
    _RemarkableError,
    msgspec.MsgspecError,
    UnicodeDecodeError,
    RecursionError,
    InstantError,
    MoneyError,
    KeyError,
)

_read_event: Final = fields.one_of(_EVENTS, rules.NOT_AN_EVENT)
_read_direction: Final = fields.one_of({word.value: word for word in Direction}, rules.NOT_A_DIRECTION)


def decode_reports(payload: bytes, now_ms: int) -> DecodedReports:
    """Reports of a payload received at `now_ms` (milliseconds); every element that is none is a refusal, no error.

    A payload that is too long, no JSON, neither object nor array, or an array of more than 1,000 is one refusal with
    the key `$`; the element of an array has `$[3]`, its field `$[3].charge`.
    """
    latest_ms = now_ms + MAX_AHEAD_MS
    if len(payload) <= MAX_PAYLOAD_BYTES:
        try:
            wires = _DECODER.decode(payload)
            if not isinstance(wires, list):
                wires = [wires]
            elif len(wires) > MAX_ELEMENTS:
                raise _RemarkableError
            reports, members = _convert(wires, latest_ms, check_characters=_may_hold_control_characters(payload))
            if not reports or payload.count(b",") == members - 1 or not _repeats_a_key(payload):
                return DecodedReports(reports, [])
        except _REMARKABLE:
            pass
    return _decode_carefully(payload, latest_ms)


def decode_recorded(text: bytes, latest_ms: int) -> Recorded | None:
    """Reports of some lines of a file (at least one), each an object with a `switch`, by the fast reading alone.

    None: at least one of the lines is remarkable, and each must be looked at by itself (`decode_reports`). A history
    holds far more reports than a payload, so fields are taken one after another for all lines, not line by line: that
    takes two thirds of the time.
    """
    payload = b"[%b]" % text.replace(b"\n", b",")
    try:
        lines = _RECORDED_DECODER.decode(payload)
        if len(lines) != text.count(b"\n") + 1:
            return None
        members = tuple(zip(*map(astuple, lines), strict=True))
        absent = [member.count(None) if optional else 0 for member, optional in zip(members, _OPTIONAL, strict=True)]
        if payload.count(b",") != len(lines) * len(members) - sum(absent) - 1 and _repeats_a_key(payload):
            return None
        filled = map(_filled, members, absent, _DEFAULTS)
        return _recorded(*filled, latest_ms=latest_ms, check_characters=_may_hold_control_characters(payload))
    except _REMARKABLE:
        return None


def _filled(member: tuple[Any, ...], absent: int, default: str | None) -> Sequence[Any]:
    """A member of all lines, where so many do not have it."""
    if default is None or not absent:
        return member
    return [default] * absent if absent == len(member) else [default if each is None else each for each in member]


def _recorded(  # noqa: PLR0913, PLR0917 -- the members of a line, in their order
    calls: Sequence[str],
    words: Sequence[str],
    accounts: Sequence[str],
    times: Sequence[str | float],
    numbers: Sequence[str | None],
    durations_ms: Sequence[int | None],
    charges: Sequence[str | None],
    stated_rates: Sequence[str | None],
    flags: Sequence[bool | None],
    directions: Sequence[Direction | None],
    callers: Sequence[str],
    sources: Sequence[str],
    causes: Sequence[str],
    currencies: Sequence[str | None],
    switches: Sequence[str],
    *,
    latest_ms: int,
    check_characters: bool,
) -> Recorded:
    if check_characters and any(map(has_control_character, (*calls, *accounts))):
        raise _RemarkableError
    times_ms = instants_ms(times)
    events = list(map(_EVENT_OF.__getitem__, words))
    if max(times_ms) > latest_ms:
        raise _RemarkableError
    if None in numbers or None in durations_ms:
        for word, number, duration_ms in zip(words, numbers, durations_ms, strict=True):
            if (number if _EVENTS[word][1] else duration_ms) is None:
                raise _RemarkableError
    rows = zip(
        calls,
        events,
        accounts,
        times_ms,
        [duration_ms or 0 for duration_ms in durations_ms],
        [number or None for number in numbers] if "" in numbers else numbers,
        [None if charge is None else charge_micros(charge) for charge in charges],
        [None if rate is None else rates[rate] for rate in stated_rates],
        [None if flag is None else _FLAGS[flag] for flag in flags],
        directions,
        callers,
        sources,
        causes,
        [currency or None for currency in currencies],
        strict=True,
    )
    return Recorded(times_ms, switches, calls, events, rows)


def _may_hold_control_characters(payload: bytes) -> bool:
    return b"\\" in payload or b"\x7f" in payload or not payload.isascii()


def _repeats_a_key(payload: bytes) -> bool:
    try:
        return any(isinstance(element, document.RepeatedKeys) for _, element in document.elements(payload))
    except RuleError as error:
        raise _RemarkableError from error


def _convert(  # noqa: C901, PLR0912 -- one flat pass; each call spared here is 5 % of the price of a report
    wires: Sequence[_Wire], latest_ms: int, *, check_characters: bool
) -> tuple[list[Report], int]:
    """The reports, and the number of members seen; one of `_REMARKABLE` when the careful reading must decide."""
    reports: list[Report] = []
    members = _ALWAYS_PRESENT * len(wires)
    for wire in wires:
        if check_characters and (has_control_character(wire.call) or has_control_character(wire.account)):
            raise _RemarkableError
        event, needs_number = _EVENTS[wire.event]
        at_ms = instant_ms(wire.at)
        duration_ms = wire.duration_ms
        if at_ms > latest_ms or (needs_number and wire.to is None) or (duration_ms is None and not needs_number):
            raise _RemarkableError
        charge = None
        if wire.charge is not None:
            charge = charge_micros(wire.charge)
            members += 1
        rate = None
        if wire.rate is not None:
            rate = rates[wire.rate]
            members += 1
        emergency = None
        if wire.emergency is not None:
            emergency = _FLAGS[wire.emergency]
            members += 1
        if duration_ms is not None:
            members += 1
        if wire.to:
            members += 1
        if wire.direction is not None:
            members += 1
        if wire.caller:
            members += 1
        if wire.source:
            members += 1
        if wire.cause:
            members += 1
        if wire.currency:
            members += 1
        reports.append(
            Report(
                wire.call,
                event,
                wire.account,
                at_ms,
                duration_ms or 0,
                wire.to or None,
                charge,
                rate,
                emergency,
                wire.direction,
                wire.caller or "",
                wire.source or "",
                wire.cause or "",
                wire.currency or None,
            )
        )
    return reports, members


def _decode_carefully(payload: bytes, latest_ms: int) -> DecodedReports:
    decoded = DecodedReports([], [])
    try:
        elements = document.elements(payload)
    except RuleError as error:
        return DecodedReports([], [Refusal("$", error.rule)])
    for key, element in elements:
        try:
            decoded.reports.append(_read(document.as_members(element), latest_ms))
        except RuleError as error:
            decoded.refusals.append(Refusal(key + error.key, error.rule))
    return decoded


def _read(members: Members, latest_ms: int) -> Report:
    """One report, member by member; `RuleError` for the first rule it breaks."""
    call = need(members, "call", fields.identifier)
    event, needs_number = need(members, "event", _read_event)
    account = need(members, "account", fields.identifier)
    at_ms = need(members, "at", fields.instant)
    if at_ms > latest_ms:
        raise RuleError(rules.TOO_FAR_AHEAD, ".at")
    to = may(members, "to", fields.text)
    if needs_number and to is None:
        raise RuleError(rules.REQUIRED, ".to")
    duration_ms = may(members, "duration_ms", fields.duration)
    if duration_ms is None and not needs_number:
        raise RuleError(rules.REQUIRED, ".duration_ms")
    return Report(
        call=call,
        event=event,
        account=account,
        at_ms=at_ms,
        duration_ms=duration_ms or 0,
        to=to or None,
        charge_micros=may(members, "charge", fields.unsigned_money),
        rate_micros=may(members, "rate", fields.unsigned_money),
        emergency=may(members, "emergency", fields.flag),
        direction=may(members, "direction", _read_direction),
        caller=may(members, "from", fields.text) or "",
        source=may(members, "source", fields.text) or "",
        cause=may(members, "cause", fields.text) or "",
        currency=may(members, "currency", fields.text) or None,
    )
