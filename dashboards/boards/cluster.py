"""Cluster: does every partition have an owner, does the log move, do ingests and workers keep up?"""

from __future__ import annotations

from dashboards.boards.style import Board, Look, Query, Row, a_second, an_hour, bars, lines, states, tile

NOW = Row(
    title="Now",
    panels=(
        tile(
            Look(
                title="Partitions with an owner",
                text="Fewer than 256 for longer than a takeover: nobody decides for the rest (GuardPartitionsUnowned).",
                queries=(Query("sum(guard_worker_partitions{_})"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Workers",
                text="Workers that live, as the one sees it that sees fewest.",
                queries=(Query("min(guard_worker_members{_})"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Furthest behind",
                text="Age of what is read now in the partition that is furthest behind (GuardWorkerBehind).",
                unit="s",
                queries=(Query("max(guard_worker_lag_seconds{_})"),),
                limits=((5, "orange"), (30, "red")),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Ingests with control",
                text="1 is right. Nobody: billing and acknowledgements wait at the broker (GuardIngestControl).",
                queries=(Query("sum(guard_ingest_control{_})"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Ingests at the log",
                text="Ingests that reach NATS and find all streams (GuardIngestLogAway).",
                queries=(Query("sum(guard_ingest_log_connected{_})"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Lost to the log's age",
                text="Entries that were removed before they were read, in the last day (GuardLogLost).",
                queries=(Query("sum(increase(guard_worker_log_lost_entries_total{_}[1d]))"),),
                limits=((1, "red"),),
                width=4,
                height=4,
            )
        ),
    ),
)

INGEST = Row(
    title="Ingest",
    panels=(
        lines(
            Look(
                title="Messages a second",
                text="Taken from the broker, by kind, over all ingests.",
                unit="cps",
                queries=(Query(a_second("guard_ingest_messages_total{_}", "kind"), "{{kind}}"),),
            ),
            stacked=True,
        ),
        lines(
            Look(
                title="Entries and parts a second",
                text="Entries stay few while parts grow: the more there is to do, the more goes into one.",
                unit="cps",
                queries=(
                    Query(a_second("guard_ingest_entries_total{_}"), "entries"),
                    Query(a_second("guard_ingest_parts_total{_}"), "parts"),
                ),
            )
        ),
        lines(
            Look(
                title="Time of an append",
                text="Mean wait for the log. Each write is on three disks: milliseconds are right (GuardIngestSlow).",
                unit="s",
                queries=(
                    Query(
                        a_second("guard_ingest_append_seconds_total{_}", "instance")
                        + f" / ({a_second('guard_ingest_entries_total{_}', 'instance')} > 0)",
                        "{{instance}}",
                    ),
                ),
                limits=((0.5, "red"),),
            )
        ),
        lines(
            Look(
                title="What waits",
                text="Messages and entries under way, and what the broker would give again.",
                queries=(
                    Query("sum(guard_ingest_unfinished{_})", "messages without a part in the log"),
                    Query("sum(guard_ingest_on_their_way{_})", "entries on their way"),
                    Query("sum by (session) (guard_ingest_unacknowledged{_})", "unacknowledged {{session}}"),
                ),
            )
        ),
        lines(
            Look(
                title="Given again, relayed, refused",
                text="Entries given again: a stream looks for a leader. Relayed: what is for the broker.",
                unit="cps",
                queries=(
                    Query(a_second("guard_ingest_retries_total{_}"), "given again"),
                    Query(a_second("guard_ingest_relayed_total{_}", "result"), "{{result}}"),
                ),
            )
        ),
        lines(
            Look(
                title="Bytes into the log",
                text="Before compression and copies. Times three and [log] keep: what the disks must hold.",
                unit="Bps",
                queries=(Query(a_second("guard_ingest_entry_bytes_total{_}"), "bytes"),),
            )
        ),
        states(
            Look(
                title="Sessions at the broker",
                text="Red: not subscribed. The control session is one ingest's at a time, so the others' are red.",
                queries=(Query("guard_ingest_session_connected{_}", "{{instance}} {{session}}"),),
                width=24,
                height=6,
            ),
            (("0", "away", "red"), ("1", "subscribed", "green")),
        ),
    ),
)

WORKERS = Row(
    title="Workers",
    panels=(
        lines(
            Look(
                title="Partitions by worker",
                text="Shares are even when nobody has just joined or gone.",
                queries=(Query("guard_worker_partitions{_}", "{{instance}}"),),
            ),
            stacked=True,
        ),
        lines(
            Look(
                title="Changes of owners an hour",
                text="`fenced`, `lost`: frozen or cut off. `failed`: see its log (GuardPartitionsFailing).",
                queries=(Query(an_hour("guard_worker_leases_total{_}", "change"), "{{change}}"),),
            )
        ),
        lines(
            Look(
                title="Age of what is read",
                text="By worker. When it comes near to how long entries are kept, they go unread (GuardLogNearlyLost).",
                unit="s",
                queries=(
                    Query("guard_worker_lag_seconds{_}", "{{instance}}"),
                    Query("min(guard_worker_log_keep_seconds{_})", "kept"),
                ),
            ),
            logarithmic=True,
        ),
        bars(
            Look(
                title="Furthest behind, by partition",
                text="Entries not taken. One far ahead of the others: a large account, or a partition that fails.",
                queries=(Query("topk(20, guard_partition_lag_entries{_})", "{{partition}}"),),
            )
        ),
        lines(
            Look(
                title="Readers of the log an hour",
                text="`replaced`: NATS' nodes come and go. `begun_anew`: it was another log (GuardLogAnother).",
                queries=(Query(an_hour("guard_worker_log_readers_total{_}", "change"), "{{change}}"),),
            )
        ),
        lines(
            Look(
                title="Operators' intents an hour",
                text="By what became of them. `too_late`: nobody read them in time, and the operator was told so.",
                queries=(Query(an_hour("guard_worker_intents_total{_}", "result"), "{{result}}"),),
            )
        ),
        lines(
            Look(
                title="What partitions say to each other, an hour",
                text="For rules on accounts, the fuse, on-call. `passed_over`: workers differ in release or rules.",
                queries=(Query(an_hour("guard_worker_words_total{_}", "what"), "{{what}}"),),
            )
        ),
    ),
)

BOARD = Board(
    uid="guard-cluster",
    title="guard: cluster",
    text="Partitions, log, ingests and workers of a cluster; a single daemon has none of it.",
    rows=(NOW, INGEST, WORKERS),
)
