"""CDR CSV: one row per call that is over, played as the reports a switch would have sent while it was up.

Which column says what is a *map* (`CdrMap`). The contract's own has a header and the columns
`account,to,answered_at,duration_s`, optionally `charge,from,call,switch`; two more are for what operators have:

* `asterisk`: `cdr-csv/Master.csv` of cdr_csv, no header; 16 fields in the order accountcode, src, dst, dcontext, clid,
  channel, dstchannel, lastapp, lastdata, start, answer, end, duration, billsec, disposition, amaflags, and any after
  them. Its uniqueid is not used: Asterisk writes several rows under one.
* `freeswitch`: mod_cdr_csv with the template `example`, the default of cdr_csv.conf.xml: caller_id_name,
  caller_id_number, destination_number, context, start_stamp, answer_stamp, end_stamp, duration, billsec, hangup_cause,
  uuid, bleg_uuid, accountcode, and any after them.

A row becomes answered, a tick every 30 s, and ended; a row of a call that nobody answered becomes one failed attempt,
where the map says when it was begun. A stated charge grows evenly over the call (rounded down) and is exact at its
end. A row without `call` gets an id derived from what it says, so that loading the same file again is seen as the same
calls; equal rows of one file are told apart by counting them. A foreign record without an account is nobody's call
(an internal or an incoming one) and is passed over.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from guard.core.money import MoneyError, format_money, parse_money
from guard.replay.payloads import time_text

REQUIRED = ("account", "to", "answered_at", "duration_s")
OPTIONAL = ("charge", "from", "call", "switch")
FOREIGN = ("started_at", "cause")
"""What only a map of another kind of record can name: when a call was begun that nobody answered, and why not."""
TICK_MS = 30_000
LONGEST_S = 7 * 86_400
"""A longer call is a mistake in the record, not a call."""
LATEST_S = 4_102_444_800
"""2100."""
DEFAULT_SWITCH = "cdr"
"""Switch of rows that name none."""


class HeaderError(ValueError):
    """The first line does not name the columns that are needed."""


class RowError(ValueError):
    """A row breaks a rule; the text names the column and the rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CdrMap:
    """Where a kind of call record says what guard asks for."""

    columns: Mapping[str, str | int] = field(default_factory=lambda: {name: name for name in REQUIRED + OPTIONAL})
    """By guard's name: the column's name in the header, or its position from 0 where there is none."""
    header: bool = True
    delimiter: str = ","
    timezone: str | None = None
    """Of times that bear no offset; None: they must bear one, as the contract has it."""

    @property
    def foreign(self) -> bool:
        """Whether it is not the contract's own."""
        return self.timezone is not None


CONTRACT = CdrMap()
ASTERISK = CdrMap(
    columns={
        "account": 0,
        "from": 1,
        "to": 2,
        "started_at": 9,
        "answered_at": 10,
        "duration_s": 13,
        "cause": 14,
    },
    header=False,
    timezone="UTC",
)
FREESWITCH = CdrMap(
    columns={
        "from": 1,
        "to": 2,
        "started_at": 4,
        "answered_at": 5,
        "duration_s": 8,
        "cause": 9,
        "call": 10,
        "account": 12,
    },
    header=False,
    timezone="UTC",
)


class RowPlayer:
    """Plays the rows of one file."""

    def __init__(self, header: list[str], cdr_map: CdrMap = CONTRACT) -> None:
        """Take the names of the columns (nothing, where the map goes by position)."""
        self._map = cdr_map
        self._zone: tzinfo | None = ZoneInfo(cdr_map.timezone or "UTC") if cdr_map.foreign else None
        self._width = len(header) if cdr_map.header else 1 + max(int(place) for place in cdr_map.columns.values())
        self._places = _places(header, cdr_map) if cdr_map.header else {k: int(v) for k, v in cdr_map.columns.items()}
        # 16 bytes a row: a million rows without `call` take about 100 MB.
        self._seen: Counter[bytes] = Counter()

    def play(self, row: list[str]) -> Iterator[bytes]:
        """Each report of a row as JSON with a `switch` field; `RowError` before the first if it is bad."""
        if len(row) != self._width and (self._map.header or len(row) < self._width):
            wanted = f"the header has {self._width}" if self._map.header else f"its kind has at least {self._width}"
            raise RowError(f"has {len(row)} fields, {wanted}")
        fields = {name: row[place].strip() for name, place in self._places.items()}
        if self._map.foreign and not fields["account"]:
            return iter(())
        unanswered = not fields["answered_at"] and "started_at" in self._places
        when = "started_at" if unanswered else "answered_at"
        at_ms = _time_ms(fields[when], when, self._zone)
        stated = {"call": fields.get("call") or self._derived_id(fields), "account": fields["account"]}
        stated |= {"to": fields["to"], "switch": fields.get("switch") or DEFAULT_SWITCH}
        if fields.get("from"):
            stated["from"] = fields["from"]
        if unanswered:
            stated |= {"event": "failed", "at": time_text(at_ms), "cause": fields.get("cause", "")}
            return iter((msgspec.json.encode(stated),))
        return _reports(stated, at_ms, _duration_ms(fields["duration_s"]), _charge(fields.get("charge", "")))

    def _derived_id(self, fields: dict[str, str]) -> str:
        said = "\x1f".join(fields.get(name, "") for name in REQUIRED + OPTIONAL)
        if not fields["answered_at"]:
            said += f"\x1f{fields.get('started_at', '')}"
        digest = hashlib.blake2b(said.encode(), digest_size=12).digest()
        self._seen[digest] += 1
        return f"cdr-{digest.hex()}-{self._seen[digest]}"


def _places(header: list[str], cdr_map: CdrMap) -> dict[str, int]:
    """Where each column is, by the names in the header."""
    names = [name.strip() for name in header]
    columns = {name: str(column) for name, column in cdr_map.columns.items()}
    needed = [columns[name] for name in columns if name in REQUIRED or cdr_map.foreign]
    missing = [name for name in needed if name not in names]
    unknown = [] if cdr_map.foreign else [name for name in names if name not in columns]
    if missing or unknown or len(set(names)) != len(names):
        said = [f"lacks {', '.join(missing)}"] if missing else []
        said += [f"has unknown {', '.join(map(repr, unknown))}"] if unknown else []
        said += [] if missing or unknown else ["names a column twice"]
        wanted = ",".join(needed)
        if not cdr_map.foreign:
            wanted += f" and optionally {','.join(OPTIONAL)}"
        raise HeaderError(f"the header {' and '.join(said)}; it is {wanted}")
    return {name: names.index(column) for name, column in columns.items() if column in names}


def _reports(stated: dict[str, Any], answered_ms: int, duration_ms: int, charge_micros: int | None) -> Iterator[bytes]:
    moments = [("answered", 0)]
    moments += [("tick", after_ms) for after_ms in range(TICK_MS, duration_ms, TICK_MS)]
    moments += [("ended", duration_ms)]
    for event, after_ms in moments:
        stated |= {"event": event, "at": time_text(answered_ms + after_ms), "duration_ms": after_ms}
        if charge_micros is not None:
            so_far = charge_micros * after_ms // duration_ms if duration_ms else charge_micros
            stated["charge"] = format_money(so_far)
        yield msgspec.json.encode(stated)


def _time_ms(text: str, column: str, zone: tzinfo | None) -> int:
    """RFC 3339 with an offset, or epoch seconds; in a zone also a local time without one."""
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        seconds = _written_time_s(text, zone)
    if seconds.is_nan():
        wanted = "RFC 3339 with an offset, or epoch seconds" if zone is None else "a time such as 2026-11-22 03:12:45"
        raise RowError(f"{column}: {wanted}")
    if not 0 <= seconds <= LATEST_S:
        raise RowError(f"{column}: a time from 1970 to 2100")
    return int(seconds * 1_000)


def _written_time_s(text: str, zone: tzinfo | None) -> Decimal:
    """Epoch seconds to the millisecond; NaN: it is none, or says no offset where it has to."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None and zone is not None:
            moment = moment.replace(tzinfo=zone)
        if moment.tzinfo is not None:
            # By way of UTC: the distance of a zone is looked up here, and only here can it fail.
            return int(moment.astimezone(UTC).timestamp()) + Decimal(moment.microsecond // 1_000) / 1_000
    except (ValueError, OverflowError):
        pass
    return Decimal("nan")


def _duration_ms(text: str) -> int:
    """Whole or decimal seconds."""
    try:
        seconds = Decimal(text)
    except InvalidOperation:
        seconds = Decimal(-1)
    if not seconds.is_finite() or not 0 <= seconds <= LONGEST_S:
        raise RowError(f"duration_s: seconds from 0 to {LONGEST_S}")
    return int(seconds * 1_000)


def _charge(text: str) -> int | None:
    """Money by the contract, not negative; empty: the record does not say."""
    if not text:
        return None
    try:
        micros = parse_money(text)
    except MoneyError as error:
        raise RowError(f"charge: {error}") from error
    if micros < 0:
        raise RowError("charge: must not be negative")
    return micros
