"""The contract's messages as a switch writes and reads them: reports and acks out, commands and scopes in.

Written from the contract alone, with nothing of `guard.wire`, which reads what is written here
and writes what is read here: a misunderstanding on one side shows as a failing test and not as
two mistakes that agree. What cannot be understood is a `PayloadError` with the id to acknowledge
it by, where one could be read.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from guard.core.decisions import Command, CommandAction, Reason, SnapshotEntry, SnapshotPart
from guard.core.emergency import EmergencyNumbers
from guard.core.money import format_money
from guard.core.records import Ack, Report, Scope
from guard.replay.scopes import ScopeTables

MAX_REPORTS_PER_MESSAGE = 1_000
"""The contract's bound for one array."""
MAX_MESSAGE_BYTES = 1_000_000
"""Below the contract's bound of 1 MiB for a payload."""


class PayloadError(ValueError):
    """A message that a switch cannot carry out; `id` is empty when it could not be read either."""

    def __init__(self, problem: str, message_id: str = "") -> None:
        """Keep the problem as the text of an acknowledgement."""
        super().__init__(problem)
        self.id = message_id


def time_text(at_ms: int) -> str:
    """RFC 3339 in UTC, to the millisecond."""
    return f"{_second_text(at_ms // 1_000)}.{at_ms % 1_000:03d}Z"


@lru_cache(maxsize=1_024)
def _second_text(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%S}"


def report_object(report: Report) -> dict[str, Any]:
    """A report as a JSON object; what is not known is left out."""
    stated: dict[str, Any] = {
        "call": report.call,
        "event": report.event.name.lower(),
        "account": report.account,
        "at": time_text(report.at_ms),
        "duration_ms": report.duration_ms,
    }
    if report.to is not None:
        stated["to"] = report.to
    if report.caller:
        stated["from"] = report.caller
    if report.charge_micros is not None:
        stated["charge"] = format_money(report.charge_micros)
    if report.rate_micros is not None:
        stated["rate"] = _rate_text(report.rate_micros)
    if report.emergency:
        stated["emergency"] = True
    if report.direction is not None:
        stated["direction"] = report.direction.value
    if report.source:
        stated["source"] = report.source
    if report.cause:
        stated["cause"] = report.cause
    if report.currency is not None:
        stated["currency"] = report.currency
    return stated


@lru_cache(maxsize=1_024)
def _rate_text(micros: int) -> str:
    """There are few rates and many reports."""
    return format_money(micros)


def encode_report(report: Report) -> bytes:
    """One report as JSON."""
    return _dump(report_object(report))


def encode_recorded(switch: str, report: Report) -> bytes:
    """One report as a line of a report file: with its switch."""
    return msgspec.json.encode(report_object(report) | {"switch": switch}) + b"\n"


def batches(encoded: Iterable[bytes]) -> Iterator[tuple[bytes, int]]:
    """JSON arrays of encoded objects, each within the contract's bounds, with the number of objects in it."""
    batch: list[bytes] = []
    size = 0
    for item in encoded:
        full = len(batch) == MAX_REPORTS_PER_MESSAGE or size + len(item) > MAX_MESSAGE_BYTES
        if batch and full:
            yield b"[" + b",".join(batch) + b"]", len(batch)
            batch, size = [], 0
        batch.append(item)
        size += len(item) + 1
    if batch:
        yield b"[" + b",".join(batch) + b"]", len(batch)


def encode_ack(ack: Ack) -> bytes:
    """An acknowledgement as JSON."""
    stated: dict[str, Any] = {"id": ack.id, "ok": ack.ok}
    if ack.part is not None:
        stated["part"] = ack.part
    if ack.account:
        stated["account"] = ack.account
    stated["ended_calls"] = ack.ended_calls
    if ack.at_ms is not None:
        stated["at"] = time_text(ack.at_ms)
    stated["error"] = ack.error
    return _dump(stated)


def encode_status(*, up: bool) -> bytes:
    """A switch's status message."""
    return _dump({"status": "up" if up else "down"})


def decode_order(payload: bytes) -> Command | SnapshotPart:
    """A command or a part of a snapshot; `PayloadError` when it cannot be carried out."""
    stated = _object(payload)
    message_id = stated.get("id")
    if not isinstance(message_id, str) or not message_id:
        raise PayloadError("no id")
    try:
        if stated["action"] == "snapshot":
            return _snapshot_part(stated)
        return _command(stated)
    except (KeyError, TypeError, ValueError) as error:
        raise PayloadError(f"cannot be carried out: {error!r}", message_id) from error


def decode_scopes(payload: bytes) -> ScopeTables:
    """The meanings of the scopes; `PayloadError` for anything else."""
    tables = _object(payload).get("scopes")
    if not isinstance(tables, dict):
        raise PayloadError("no scopes")
    for table in tables.values():
        whole = isinstance(table, dict) and all(isinstance(each, bool) for each in table.values())
        if not whole:
            raise PayloadError("a scope is not a set of prefixes")
    return ScopeTables(tables)


def _command(stated: dict[str, Any]) -> Command:
    """A block or an unblock; an empty or missing `except` cannot become one."""
    return Command(
        id=stated["id"],
        seq=_whole_number(stated["seq"]),
        action=CommandAction(stated["action"]),
        account=_text(stated["account"]),
        scope=Scope(stated.get("scope", Scope.ALL.value)),
        end_calls=bool(stated.get("end_calls", False)),
        emergency=EmergencyNumbers(stated["except"]),
        reason=Reason(stated["reason"]),
        at_ms=_time_ms(stated["at"]),
        until_ms=None if stated.get("until") is None else _time_ms(stated["until"]),
    )


def _snapshot_part(stated: dict[str, Any]) -> SnapshotPart:
    """One part of the whole truth."""
    part, of = _whole_number(stated["part"]), _whole_number(stated["of"])
    if not 1 <= part <= of:
        raise ValueError("part is not within of")
    return SnapshotPart(
        id=stated["id"],
        part=part,
        of=of,
        at_ms=_time_ms(stated["at"]),
        blocked=tuple(
            SnapshotEntry(
                account=_text(entry["account"]),
                seq=_whole_number(entry["seq"]),
                scope=Scope(entry["scope"]),
                end_calls=bool(entry["end_calls"]),
            )
            for entry in stated["blocked"]
        ),
        emergency=EmergencyNumbers(stated["except"]),
    )


def _object(payload: bytes) -> dict[str, Any]:
    """The JSON object in a payload."""
    try:
        stated = json.loads(payload)
    except ValueError as error:
        raise PayloadError("not JSON") from error
    if not isinstance(stated, dict):
        raise PayloadError("not an object")
    return stated


def _whole_number(value: object) -> int:
    """A JSON integer."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError("not a whole number")
    return value


def _text(value: object) -> str:
    """A JSON string that says something."""
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value


def _time_ms(value: object) -> int:
    """Milliseconds of an RFC 3339 time."""
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("a time without an offset")
    return int(moment.timestamp()) * 1_000 + moment.microsecond // 1_000


def _dump(value: object) -> bytes:
    """JSON without spaces."""
    return msgspec.json.encode(value)
