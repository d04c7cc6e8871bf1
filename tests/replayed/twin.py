"""The backtest, and what went into it: a schedule of messages that a daemon can be given."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from guard.backtest.history import Sorter
from guard.backtest.inputs import read_billing
from guard.backtest.variants import Job, Role, Variant, run
from guard.commands import backtest
from guard.config import Config, load_config
from guard.core.engine import Engine
from guard.core.neighbours import Mentioned, SnapshotWanted
from guard.core.records import (
    Ack,
    BillingMessage,
    BillingOutcome,
    Intent,
    IntentResult,
    Outcome,
    Release,
    Report,
    SwitchStatus,
)
from guard.core.rules.rule import Rule
from guard.core.settings import DAY_MS
from guard.replay.payloads import encode_ack, encode_report, time_text
from guard.replay.reportfiles import Tally
from guard.setup import rules_of
from guard.wire.billing import decode_billing

PREFIX = "guard/v1"
CALLS, CONTROL, INTENT = "calls", "control", "intent"


def way_of(topics: Sequence[str]) -> str:
    """By which way messages come that are subscribed to like this."""
    return CALLS if topics[0].endswith("/calls") else CONTROL


class Entry(NamedTuple):
    """One input: when, by which way, and what it says."""

    at_ms: int
    way: str
    topic: str
    """Of a message; of an intent the account."""
    payload: bytes


@dataclass
class Schedule:
    """Everything that enters, in its order; and the decisions that the backtest came to, one a line."""

    start_ms: int = 0
    end_ms: int = 0
    """The last moment of the history; reports of calls that were not placed do not enter."""
    entries: list[Entry] = field(default_factory=list)
    decisions: bytes = b""
    commands: list[str] = field(default_factory=list)
    """Ids of the commands that the switch acknowledged."""


def twin(folder: Path, reports: Path, billing: Path, config: Path) -> Schedule:
    """Run the backtest over a history and note what enters its engine."""
    schedule, said = Schedule(), _said(billing)

    class Noting(Engine):
        """The engine of the backtest; what enters it is noted."""

        def report(self, switch_name: str, report: Report, now_ms: int) -> Outcome:
            topic = f"{PREFIX}/{switch_name}/calls"
            schedule.entries.append(Entry(now_ms, CALLS, topic, encode_report(report)))
            return super().report(switch_name, report, now_ms)

        def billing(self, message: BillingMessage, now_ms: int) -> BillingOutcome:
            schedule.entries.append(Entry(now_ms, CONTROL, f"{PREFIX}/billing", said[_key(message)]))
            return super().billing(message, now_ms)

        def intent(self, intent: Intent, now_ms: int) -> IntentResult:
            assert isinstance(intent, Release)
            schedule.entries.append(Entry(now_ms, INTENT, intent.account, _body(intent)))
            return super().intent(intent, now_ms)

        def control(self, record: Ack | SwitchStatus | Mentioned | SnapshotWanted, now_ms: int) -> None:
            # The daemon makes snapshots of its own when it starts; whoever gives it this schedule acknowledges them.
            if isinstance(record, Ack) and record.part is None:
                schedule.commands.append(record.id)
                topic = f"{PREFIX}/{record.switch}/acks"
                schedule.entries.append(Entry(now_ms, CONTROL, topic, encode_ack(record)))
            super().control(record, now_ms)

    def noting(config: Config, rules: tuple[Rule, ...], now_ms: int) -> Engine:
        schedule.start_ms = now_ms
        made = backtest.make_engine(config, rules, now_ms)
        made.__class__ = Noting
        return made

    read = load_config(config)
    variant = Variant(name="guard", title="guard", role=Role.GUARD, config=read, rules=rules_of(read))
    decided = folder / "decisions.ndjson"
    with Sorter(folder) as sorter:
        sorter.add(reports)
        bills = tuple(read_billing(billing, Tally()))
        history = sorter.history()
        job = Job(
            variant=variant,
            history=history,
            bills=bills,
            spans=(),
            release_after_ms=DAY_MS,
            make_engine=noting,
            decisions=decided,
        )
        run(job)
        schedule.end_ms = max(history.last_ms, *(bill.at_ms for bill in bills))
    schedule.decisions = decided.read_bytes()
    return schedule


def _said(billing: Path) -> dict[tuple[str, str, str], bytes]:
    """The words of each billing message."""
    found = {}
    for line in billing.read_bytes().splitlines():
        for message in decode_billing(line).messages:
            found[_key(message)] = line
    return found


def _key(message: BillingMessage) -> tuple[str, str, str]:
    return type(message).__name__, message.id, str(getattr(message, "status", ""))


def _body(release: Release) -> bytes:
    body = {"by": release.by, "reason": release.reason}
    if release.until_ms is not None:
        body["until"] = time_text(release.until_ms)
    return json.dumps(body).encode()


def written(path: Path, entries: Iterable[Entry]) -> Path:
    """The schedule as a file, for another process."""
    path.write_text("".join(json.dumps([*each[:3], each.payload.decode()]) + "\n" for each in entries))
    return path


def read(path: Path) -> list[Entry]:
    """The schedule that was written."""
    rows = map(json.loads, path.read_text().splitlines())
    return [Entry(at_ms, way, topic, payload.encode()) for at_ms, way, topic, payload in rows]
