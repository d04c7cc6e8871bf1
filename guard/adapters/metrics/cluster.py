"""What a worker says beside what every daemon says: which partitions it holds, and how far behind it is.

The label `partition` is bounded by their number (256), and a worker names only those that it holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from guard.adapters.metrics.catalog import counter, gauge
from guard.adapters.metrics.exposition import Forms

PARTITIONS = gauge("guard_worker_partitions", "partitions", "Partitions that this worker decides for.")
MEMBERS = gauge("guard_worker_members", "workers", "Workers that live, as this one sees it.")
LEASES = counter(
    "guard_worker_leases_total",
    "partitions",
    "Partitions claimed, released in order, lost (not renewed in time), fenced (a commit was refused) and failed.",
    "change",
)
BEHIND = gauge(
    "guard_partition_lag_entries", "entries", "Entries of the partition's log that have not been taken.", "partition"
)
LATE = gauge(
    "guard_worker_lag_seconds",
    "seconds",
    "Age of what is read now in the partition that is furthest behind; 0: all has been read.",
)
INTENTS = counter(
    "guard_worker_intents_total",
    "intents",
    "Operators' intents read here: carried_out, repeated (answered again), too_late (a minute old), unknown.",
    "result",
)
KEEP = gauge(
    "guard_worker_log_keep_seconds",
    "seconds",
    "How old an entry of the log may become before it is removed, read or not; 0: not known yet, or for ever.",
)
LOST = counter(
    "guard_worker_log_lost_entries_total",
    "entries",
    "Entries of streams that were removed before a partition that is held here had read that far.",
)
READERS = counter(
    "guard_worker_log_readers_total",
    "readers",
    "Readers of the log replaced (their server was gone or lagged) and begun_anew (it was another log).",
    "change",
)
WORDS = counter(
    "guard_worker_words_total",
    "words",
    "What partitions here said to others, heard of them, and passed_over (another release or rule).",
    "what",
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
        self._forms = Forms(FAMILIES)

    def render(self, figures: WorkerFigures) -> bytes:
        """As Prometheus reads it."""
        told = (
            (PARTITIONS, figures.partitions),
            (MEMBERS, figures.members),
            (LEASES, figures.leases),
            (BEHIND, figures.behind),
            (LATE, figures.late_s),
            (INTENTS, figures.intents),
            (WORDS, figures.words),
            (KEEP, figures.keep_s),
            (LOST, figures.lost),
            (READERS, figures.readers),
        )
        return "".join([text for family, samples in told for text in self._forms.text(family, samples)]).encode()
