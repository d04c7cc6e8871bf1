"""CDR CSV: one row per call that is over, played as the reports a switch would have sent while it was up.

Columns by name: `account,to,answered_at,duration_s`, and optionally `charge,from,call,switch`. A
row becomes answered, a tick every 30 s, and ended. A stated charge grows evenly over the call
(rounded down) and is exact at its end. A row without `call` gets an id derived from what it says,
so that loading the same file again is seen as the same calls; equal rows of one file are told
apart by counting them.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from guard.core.money import MoneyError, format_money, parse_money
from guard.replay.payloads import time_text

REQUIRED = ("account", "to", "answered_at", "duration_s")
OPTIONAL = ("charge", "from", "call", "switch")
TICK_MS = 30_000
LONGEST_S = 7 * 86_400
"""A longer call is a mistake in the record, not a call."""
DEFAULT_SWITCH = "cdr"
"""Switch of rows that name none."""


class HeaderError(ValueError):
    """The first line does not name the columns that are needed."""


class RowError(ValueError):
    """A row breaks a rule; the text names the column and the rule."""


class RowPlayer:
    """Plays the rows of one file."""

    def __init__(self, header: list[str]) -> None:
        """Take the names of the columns."""
        names = [name.strip() for name in header]
        missing = [name for name in REQUIRED if name not in names]
        unknown = [name for name in names if name not in REQUIRED + OPTIONAL]
        if missing or unknown or len(set(names)) != len(names):
            said = [f"lacks {', '.join(missing)}"] if missing else []
            said += [f"has unknown {', '.join(map(repr, unknown))}"] if unknown else []
            said += [] if missing or unknown else ["names a column twice"]
            wanted = f"{','.join(REQUIRED)} and optionally {','.join(OPTIONAL)}"
            raise HeaderError(f"the header {' and '.join(said)}; it is {wanted}")
        self._names = names
        # 16 bytes a row: a million rows without `call` take about 100 MB.
        self._seen: Counter[bytes] = Counter()

    def play(self, row: list[str]) -> Iterator[bytes]:
        """Each report of a row as JSON with a `switch` field; `RowError` before the first if it is bad."""
        if len(row) != len(self._names):
            raise RowError(f"has {len(row)} fields, the header has {len(self._names)}")
        fields = dict(zip(self._names, (value.strip() for value in row), strict=True))
        answered_ms = _time_ms(fields["answered_at"])
        duration_ms = _duration_ms(fields["duration_s"])
        charge_micros = _charge(fields.get("charge", ""))
        call = fields.get("call") or self._derived_id(fields)
        switch = fields.get("switch") or DEFAULT_SWITCH
        return self._reports(fields, call, switch, answered_ms, duration_ms, charge_micros)

    def _reports(
        self,
        fields: dict[str, str],
        call: str,
        switch: str,
        answered_ms: int,
        duration_ms: int,
        charge_micros: int | None,
    ) -> Iterator[bytes]:
        moments = [("answered", 0)]
        moments += [("tick", after_ms) for after_ms in range(TICK_MS, duration_ms, TICK_MS)]
        moments += [("ended", duration_ms)]
        for event, after_ms in moments:
            stated: dict[str, Any] = {
                "call": call,
                "event": event,
                "account": fields["account"],
                "to": fields["to"],
                "at": time_text(answered_ms + after_ms),
                "duration_ms": after_ms,
                "switch": switch,
            }
            if fields.get("from"):
                stated["from"] = fields["from"]
            if charge_micros is not None:
                so_far = charge_micros * after_ms // duration_ms if duration_ms else charge_micros
                stated["charge"] = format_money(so_far)
            yield json.dumps(stated, ensure_ascii=False).encode()

    def _derived_id(self, fields: dict[str, str]) -> str:
        said = "\x1f".join(fields.get(name, "") for name in REQUIRED + OPTIONAL)
        digest = hashlib.blake2b(said.encode(), digest_size=12).digest()
        self._seen[digest] += 1
        return f"cdr-{digest.hex()}-{self._seen[digest]}"


def _time_ms(text: str) -> int:
    """RFC 3339 with an offset, or epoch seconds."""
    try:
        return int(Decimal(text) * 1_000)
    except (InvalidOperation, ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise RowError("answered_at: RFC 3339 with an offset, or epoch seconds")
    return int(moment.timestamp()) * 1_000 + moment.microsecond // 1_000


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
