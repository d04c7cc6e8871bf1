"""Daemon: is guard itself well: the broker, the store, the loop, the machine?"""

from __future__ import annotations

from dashboards.boards.style import Board, Look, Query, Row, a_second, an_hour, bars, lines, quantiles, states, tile

NOW = Row(
    title="Now",
    panels=(
        tile(
            Look(
                title="Broker",
                text="0: a session is not subscribed; guard hears or reaches nobody (GuardBrokerAway).",
                queries=(Query("min(guard_broker_connected{_})"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Store fails",
                text="1: nothing is acknowledged, sent or answered until the store takes it (GuardStoreFailing).",
                queries=(Query("max(guard_store_failing{_})"),),
                limits=((1, "red"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Room for the store",
                text="What is left where the store is.",
                unit="bytes",
                queries=(Query("min(guard_store_free_bytes{_})"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Memory",
                text="Resident memory of the process.",
                unit="bytes",
                queries=(Query("max(process_resident_memory_bytes{_} and on (instance) guard_build_info)"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Up for",
                text="Since the process began.",
                unit="s",
                queries=(Query("min(time() - (process_start_time_seconds{_} and on (instance) guard_build_info))"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Last reload",
                text="0: the last reload failed and the configuration before it is in force (GuardReloadFailed).",
                queries=(Query("min(guard_reload_last_success{_})"),),
                width=4,
                height=4,
            )
        ),
    ),
)

TRAFFIC = Row(
    title="Traffic",
    panels=(
        lines(
            Look(
                title="Reports a second",
                text="By what became of them. Many duplicates: a broker or switch sends again.",
                unit="cps",
                queries=(Query(a_second("guard_reports_total{_}", "outcome"), "{{outcome}}"),),
            ),
            stacked=True,
        ),
        lines(
            Look(
                title="Age of reports when applied",
                text="Beyond 5 s a switch counts as lagging: calls count only what they state until it has caught up.",
                unit="s",
                queries=quantiles("guard_report_lag_seconds"),
                limits=((5, "red"),),
            ),
            logarithmic=True,
        ),
        lines(
            Look(
                title="Messages not yet acknowledged",
                text="What the broker would send again. It fills up when the store is slow or a backlog is read.",
                queries=(
                    Query("guard_unacknowledged_messages{_}", "{{session}}"),
                    Query("guard_inbox_reports{_}", "reports"),
                ),
            )
        ),
        lines(
            Look(
                title="Billing messages an hour",
                text="By what became of them. `refused` and `invalid` ones changed nothing: billing has to know.",
                queries=(Query(an_hour("guard_billing_total{_}", "outcome"), "{{outcome}}"),),
            )
        ),
        states(
            Look(
                title="Sessions with the broker",
                text="Red: not subscribed.",
                queries=(Query("guard_broker_connected{_}", "{{session}}"),),
            ),
            (("0", "away", "red"), ("1", "subscribed", "green")),
        ),
        lines(
            Look(
                title="Connections made, messages not sent, an hour",
                text="Connections that are made again and again: network, or another guard with the same prefix.",
                queries=(
                    Query(
                        "rate(guard_broker_connections_total{_}[$__rate_interval]) * 3600", "connections {{session}}"
                    ),
                    Query("rate(guard_broker_unsent_total{_}[$__rate_interval]) * 3600", "not sent {{session}}"),
                ),
            )
        ),
    ),
)

STORE = Row(
    title="Store",
    panels=(
        lines(
            Look(
                title="Time of a commit",
                text="Nothing is acknowledged or sent before it. Milliseconds; hundreds are a disk in trouble.",
                unit="s",
                queries=quantiles("guard_commit_seconds"),
                limits=((0.25, "red"),),
            ),
            logarithmic=True,
        ),
        lines(
            Look(
                title="Commits a second, reports a commit",
                text="Small batches when idle, big ones when busy: that is the design.",
                queries=(
                    Query(a_second("guard_commit_seconds_count{_}"), "commits"),
                    Query(
                        a_second('guard_reports_total{_, outcome="accepted"}')
                        + f" / ({a_second('guard_commit_seconds_count{_}')} > 0)",
                        "reports a commit",
                    ),
                ),
            )
        ),
        lines(
            Look(
                title="Size of the store",
                text="Its files, and the room that is left there.",
                unit="bytes",
                queries=(
                    Query("guard_store_bytes{_}", "store"),
                    Query("guard_store_free_bytes{_}", "left"),
                ),
            ),
            logarithmic=True,
        ),
    ),
)

PROCESS = Row(
    title="Process",
    panels=(
        lines(
            Look(
                title="How late the loop is",
                text="How long anything waits for the event loop. One batch may hold it for about 30 ms.",
                unit="s",
                queries=quantiles("guard_loop_lag_seconds"),
                limits=((0.1, "red"),),
            ),
            logarithmic=True,
        ),
        lines(
            Look(
                title="Processor",
                text="Cores used. The loop has one; the store's writer part of another.",
                unit="percentunit",
                queries=(
                    Query(
                        "rate(process_cpu_seconds_total{_}[$__rate_interval]) and on (instance) guard_build_info",
                        "cores",
                    ),
                ),
            )
        ),
        lines(
            Look(
                title="Memory",
                text="Grows with accounts, live calls and remembered ones, not with time.",
                unit="bytes",
                queries=(Query("process_resident_memory_bytes{_} and on (instance) guard_build_info", "resident"),),
            )
        ),
        lines(
            Look(
                title="What is kept in memory",
                text="Ended calls go after `[calls] remember`, billing ids never; provisional accounts have a bound.",
                queries=(
                    Query("sum(guard_accounts{_})", "accounts"),
                    Query("sum(guard_provisional_accounts{_})", "provisional accounts"),
                    Query("sum(guard_live_calls{_})", "calls up"),
                    Query("sum(guard_remembered_calls{_})", "ended calls"),
                    Query("sum(guard_billing_ids{_})", "billing messages"),
                ),
            ),
            logarithmic=True,
        ),
        bars(
            Look(
                title="Clocks of the switches",
                text="A switch's clock less guard's. Estimated from reports, and corrected for.",
                unit="s",
                queries=(Query("topk(20, abs(guard_switch_clock_offset_seconds{_}))", "{{switch}}"),),
                limits=((5, "orange"), (60, "red")),
            )
        ),
        lines(
            Look(
                title="On-call was told",
                text="Notices an hour, by kind; decisions about accounts are on the other boards.",
                queries=(Query(an_hour("guard_notices_total{_}", "kind"), "{{kind}}"),),
            ),
            stacked=True,
        ),
        lines(
            Look(
                title="Call details deleted, an hour",
                text="Who called whom goes after [privacy] keep_call_details; the money stays.",
                queries=(Query(an_hour("guard_call_details_deleted_total{_}", "what"), "{{what}}"),),
                width=24,
                height=6,
            )
        ),
    ),
)

WEBHOOKS = Row(
    title="Webhooks",
    panels=(
        lines(
            Look(
                title="Attempts an hour",
                text="By target and what became of them. Nothing but failures at one target: it is down or refuses.",
                queries=(
                    Query(an_hour("guard_webhook_deliveries_total{_}", "webhook, result"), "{{webhook}} {{result}}"),
                ),
                width=12,
            ),
            stacked=True,
        ),
        lines(
            Look(
                title="Owed",
                text="Events that a target has not taken yet. They wait in the store and survive a restart.",
                queries=(Query("sum by (webhook) (guard_webhook_pending{_})", "{{webhook}}"),),
                width=6,
            )
        ),
        bars(
            Look(
                title="Given up",
                text="Dead letters: nobody has been told of these (GuardWebhooksDead).",
                queries=(Query("sum by (webhook) (guard_webhook_dead{_})", "{{webhook}}"),),
                limits=((1, "red"),),
                width=6,
            )
        ),
    ),
)

BOARD = Board(
    uid="guard-daemon",
    title="guard: daemon",
    text="Lag, commits, queues, memory: how guard itself is.",
    rows=(NOW, TRAFFIC, STORE, PROCESS, WEBHOOKS),
)
