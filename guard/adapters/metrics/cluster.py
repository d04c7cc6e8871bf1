"""What a worker says beside what every daemon says: which partitions it holds, and how far behind it is.

The label `partition` is bounded by their number (256), and a worker names only those that it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guard.adapters.metrics.catalog import Family, Kind
from guard.adapters.metrics.exposition import Form

PARTITIONS = Family(
    name="guard_worker_partitions", kind=Kind.GAUGE, text="Partitions that this worker decides for.", unit="partitions"
)
MEMBERS = Family(
    name="guard_worker_members", kind=Kind.GAUGE, text="Workers that live, as this one sees it.", unit="workers"
)
LEASES = Family(
    name="guard_worker_leases_total",
    kind=Kind.COUNTER,
    text="Partitions claimed, released in order, lost (not renewed in time), fenced (a commit was refused) and failed.",
    unit="partitions",
    labels=("change",),
)
BEHIND = Family(
    name="guard_partition_lag_entries",
    kind=Kind.GAUGE,
    text="Entries of the partition's log that have not been taken.",
    unit="entries",
    labels=("partition",),
)
LATE = Family(
    name="guard_worker_lag_seconds",
    kind=Kind.GAUGE,
    text="Age of what is read now in the partition that is furthest behind; 0: all has been read.",
    unit="seconds",
)
INTENTS = Family(
    name="guard_worker_intents_total",
    kind=Kind.COUNTER,
    text="Operators' intents read here: carried_out, repeated (answered again), too_late (a minute old), unknown.",
    unit="intents",
    labels=("result",),
)
KEEP = Family(
    name="guard_worker_log_keep_seconds",
    kind=Kind.GAUGE,
    text="How old an entry of the log may become before it is removed, read or not; 0: not known yet, or for ever.",
    unit="seconds",
)
LOST = Family(
    name="guard_worker_log_lost_entries_total",
    kind=Kind.COUNTER,
    text="Entries of streams that were removed before a partition that is held here had read that far.",
    unit="entries",
)
READERS = Family(
    name="guard_worker_log_readers_total",
    kind=Kind.COUNTER,
    text="Readers of the log replaced (their server was gone or lagged) and begun_anew (it was another log).",
    unit="readers",
    labels=("change",),
)
WORDS = Family(
    name="guard_worker_words_total",
    kind=Kind.COUNTER,
    text="What partitions here said to others, heard of them, and passed_over (another release or rule).",
    unit="words",
    labels=("what",),
)
FAMILIES = (PARTITIONS, MEMBERS, LEASES, BEHIND, LATE, INTENTS, WORDS, KEEP, LOST, READERS)


@dataclass(slots=True)
class WorkerFigures:
    """Filled when somebody asks."""

    partitions: int = 0
    members: int = 0
    leases: Mapping[str, int] = field(default_factory=dict)
    behind: Mapping[str, int] = field(default_factory=dict)
    late_s: float = 0.0
    intents: Mapping[str, int] = field(default_factory=dict)
    words: Mapping[str, int] = field(default_factory=dict)
    keep_s: float = 0.0
    lost: int = 0
    readers: Mapping[str, int] = field(default_factory=dict)


class WorkerExposition:
    """Their text."""

    def __init__(self) -> None:
        self._leases = Form(LEASES)
        self._behind = Form(BEHIND)
        self._intents = Form(INTENTS)
        self._words = Form(WORDS)
        self._readers = Form(READERS)

    def render(self, figures: WorkerFigures) -> bytes:
        """As Prometheus reads it."""
        return "".join(
            (
                _head(PARTITIONS),
                f"{PARTITIONS.name} {figures.partitions}\n",
                _head(MEMBERS),
                f"{MEMBERS.name} {figures.members}\n",
                _head(LEASES),
                self._leases.filled(figures.leases),
                _head(BEHIND),
                self._behind.filled(figures.behind),
                _head(LATE),
                f"{LATE.name} {figures.late_s}\n",
                _head(INTENTS),
                self._intents.filled(figures.intents),
                _head(WORDS),
                self._words.filled(figures.words),
                _head(KEEP),
                f"{KEEP.name} {figures.keep_s}\n",
                _head(LOST),
                f"{LOST.name} {figures.lost}\n",
                _head(READERS),
                self._readers.filled(figures.readers),
            )
        ).encode()


def _head(family: Family) -> str:
    return f"# HELP {family.name} {family.text}\n# TYPE {family.name} {family.kind.value}\n"
