"""Detection: what rules and model see, what of it is enforced, and what would have been."""

from __future__ import annotations

from dashboards.boards.style import Board, Look, Query, Row, a_second, an_hour, bars, heat, lines, states, tile

NOW = Row(
    title="Now",
    panels=(
        tile(
            Look(
                title="Fuse",
                text="1: rules asked for more blocks than they may; further ones wait for an operator (GuardFuseOpen).",
                queries=(Query("max(guard_fuse_open{_})"),),
                limits=((1, "red"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Held blocks",
                text="Blocks that wait for an operator to approve or reject them.",
                queries=(Query("sum(guard_held_blocks{_})"),),
                limits=((1, "orange"),),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Blocks by rules, a day",
                text="Accounts that rules blocked in the last 24 hours.",
                queries=(
                    Query(
                        'sum(increase(guard_decisions_total{_, action="block", reason="rule", mode="enforce"}[24h]))'
                    ),
                ),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Shadow blocks by rules, a day",
                text="Accounts that rules in shadow would have blocked in the last 24 hours.",
                queries=(
                    Query('sum(increase(guard_decisions_total{_, action="block", reason="rule", mode="shadow"}[24h]))'),
                ),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Blocks by the model, a day",
                text="Accounts that the anomaly model blocked, and would have blocked in shadow.",
                queries=(
                    Query(
                        'sum by (mode) (increase(guard_decisions_total{_, action="block", reason="anomaly"}[24h]))',
                        "{{mode}}",
                    ),
                ),
                width=4,
                height=4,
            )
        ),
        tile(
            Look(
                title="Faults in the rules",
                text="Observations that the rules failed on. Limits go on without them (GuardRulesFailing).",
                queries=(Query("sum(guard_rule_failures_total{_})"),),
                limits=((1, "red"),),
                width=4,
                height=4,
            )
        ),
    ),
)

RULES = Row(
    title="Rules",
    panels=(
        bars(
            Look(
                title="Hits of enforcing rules",
                text="Marks crossed in the time shown. A rule far above the others is right about a fraud, or wrong.",
                queries=(
                    Query(
                        'topk(15, sum by (rule) (increase(guard_rule_hits_total{_, mode="enforce"}[$__range])))',
                        "{{rule}}",
                    ),
                ),
                height=10,
            )
        ),
        bars(
            Look(
                title="Hits of rules in shadow",
                text="What would be warned of or blocked. Look here before a rule is set to enforce.",
                queries=(
                    Query(
                        'topk(15, sum by (rule) (increase(guard_rule_hits_total{_, mode="shadow"}[$__range])))',
                        "{{rule}}",
                    ),
                ),
                height=10,
            )
        ),
        lines(
            Look(
                title="Shadow against enforce, hits an hour",
                text="All rules together. They should rise together only when there is a fraud.",
                queries=(
                    Query(
                        an_hour("guard_rule_hits_total{_}", "mode"),
                        "{{mode}}",
                    ),
                ),
                height=10,
            )
        ),
        lines(
            Look(
                title="Warnings and blocks by rules, an hour",
                text="What came of the hits: decisions by rules, enforced or only recorded.",
                queries=(
                    Query(
                        an_hour('guard_decisions_total{_, reason="rule"}', "action, mode"),
                        "{{action}} {{mode}}",
                    ),
                ),
                width=12,
            ),
            stacked=True,
        ),
        lines(
            Look(
                title="False alarms and releases, an hour",
                text="Blocks that ended, by what ended them: many `released` after blocks by rules are false alarms.",
                queries=(
                    Query(
                        an_hour('guard_decisions_total{_, action="unblock"}', "reason"),
                        "{{reason}}",
                    ),
                ),
                width=12,
            ),
            stacked=True,
        ),
    ),
)

MODEL = Row(
    title="Model",
    panels=(
        states(
            Look(
                title="Model in force",
                text="Which one scored when, and in what mode. None: it is off, or could not be used.",
                queries=(
                    Query("max by (model, digest, mode) (guard_model_info{_})", "{{model}} {{digest}}, {{mode}}"),
                ),
                width=12,
                height=4,
            ),
            (("1", "in force", "green"),),
        ),
        states(
            Look(
                title="Refused or failed",
                text="Red: the one that was read last cannot be used, or the one that ran failed (GuardModelMissing).",
                queries=(Query("max(guard_model_refused{_})", "model"),),
                width=12,
                height=4,
            ),
            (("0", "no", "green"), ("1", "yes", "red")),
        ),
        heat(
            Look(
                title="Scores",
                text="How many scores fell where. A cloud that moves up while nothing else does is drift.",
                queries=(Query("sum by (le) (increase(guard_model_scores_bucket{_}[$__rate_interval]))", "{{le}}"),),
                width=12,
            )
        ),
        lines(
            Look(
                title="Share of high scores",
                text="Scores above 3 in the last hour and over a week (GuardModelDrift). 0 without scores.",
                unit="percentunit",
                queries=(
                    Query("guard:model_high_scores:share1h{_}", "last hour"),
                    Query("avg_over_time(guard:model_high_scores:share1h{_}[1w])", "over a week"),
                ),
                width=6,
            )
        ),
        lines(
            Look(
                title="Scores a second",
                text="None while the model is off or missing; the rules and limits go on.",
                unit="cps",
                queries=(Query(a_second("guard_model_scores_count{_}"), "scores"),),
                width=6,
            )
        ),
        lines(
            Look(
                title="Accounts looked at, a second",
                text="What the model was to look at, by what became of it: behind its work it leaves the oldest out.",
                queries=(Query(a_second("guard_model_rows_total{_}", "outcome"), "{{outcome}}"),),
                width=8,
            )
        ),
        lines(
            Look(
                title="Age of the newest scored row",
                text="How far the model is behind; limits and rules do not wait for it.",
                unit="s",
                queries=(Query("max(guard_model_lag_seconds{_})", "seconds"),),
                width=8,
            )
        ),
        lines(
            Look(
                title="Drift of the features",
                text="Greatest population stability index: from 0.25 on the traffic is not what it was trained on.",
                queries=(Query("max(guard_model_drift{_})", "index"),),
                limits=((0.25, "orange"),),
                width=8,
            )
        ),
    ),
)

SEEN = Row(
    title="What detection does not see",
    panels=(
        lines(
            Look(
                title="Reports that did not count, an hour",
                text="Invalid, too old or quarantined reports move no money and reach no rule (GuardReportsRefused).",
                queries=(
                    Query(
                        an_hour('guard_reports_total{_, outcome=~"invalid|too_old|quarantined"}', "outcome"),
                        "{{outcome}}",
                    ),
                ),
                width=12,
            )
        ),
        lines(
            Look(
                title="Calls at the unknown rate, an hour",
                text="No prefix of the tariff matched: the price is a guess (GuardUnratedCalls).",
                queries=(Query(an_hour("guard_unrated_calls_total{_}"), "calls"),),
                width=12,
            )
        ),
    ),
)

BOARD = Board(
    uid="guard-detection",
    title="guard: detection",
    text="Rules, shadow against enforce, the model, and what they do not see.",
    rows=(NOW, RULES, MODEL, SEEN),
)
