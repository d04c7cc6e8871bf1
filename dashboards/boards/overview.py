"""Overview: is money at risk, and does what guard decides reach the switches?"""

from __future__ import annotations

from dashboards.boards.style import Board, Look, Query, Row, a_second, an_hour, bars, lines, quantiles, states, tile

IN_TIME = (
    'sum(increase(guard_block_delay_seconds_bucket{_, le="0.05"}[24h]))'
    " / (sum(increase(guard_block_delay_seconds_count{_}[24h])) > 0)"
)

NOW = Row(
    title="Now",
    panels=(
        tile(
            Look(
                title="Exposure",
                text="Owed, and what the calls that are up are worth, over all accounts.",
                queries=(Query("sum by (currency) (guard_exposure{_})", "{{currency}}"),),
                width=3,
                height=4,
            )
        ),
        tile(
            Look(
                title="Burn rate a minute",
                text="What the calls that are up cost each minute. A jump at night is worth a look at the accounts.",
                queries=(Query("sum by (currency) (guard_burn_rate{_})", "{{currency}}"),),
                width=3,
                height=4,
            )
        ),
        tile(
            Look(
                title="Blocked accounts",
                text="Accounts that are blocked now, for whatever cause.",
                queries=(Query('sum(guard_accounts{_, state="blocked"})'),),
                width=3,
                height=4,
            )
        ),
        tile(
            Look(
                title="Warned accounts",
                text="Accounts above half of their limit: who is next.",
                queries=(Query('sum(guard_accounts{_, state="warned"})'),),
                width=3,
                height=4,
            )
        ),
        tile(
            Look(
                title="Commands unconfirmed",
                text="Commands that a switch that is up has not confirmed. More than a moment: GuardBlocksUnconfirmed.",
                queries=(Query("sum(guard_commands_unconfirmed{_})"),),
                limits=((1, "orange"), (10, "red")),
                width=3,
                height=4,
            )
        ),
        tile(
            Look(
                title="Switches up",
                text="Switches that have not said that they are down.",
                queries=(
                    Query("sum(guard_switch_up{_})", "up"),
                    Query("count(guard_switch_up{_}) - sum(guard_switch_up{_})", "down"),
                ),
                width=3,
                height=4,
            )
        ),
        tile(
            Look(
                title="Held blocks",
                text="Blocks by rules that wait for an operator; see the board Detection.",
                queries=(Query("sum(guard_held_blocks{_})"),),
                limits=((1, "orange"),),
                width=3,
                height=4,
            )
        ),
        tile(
            Look(
                title="Blocks within 50 ms, a day",
                text="Counted, not estimated: the share of blocks whose command left within 50 ms of the breach.",
                unit="percentunit",
                queries=(Query(IN_TIME),),
                width=3,
                height=4,
            )
        ),
    ),
)


MONEY = Row(
    title="Money at risk",
    panels=(
        lines(
            Look(
                title="Exposure and in flight",
                text="In flight is the part that calls still up have made: it is not owed until they end.",
                queries=(
                    Query("sum by (currency) (guard_exposure{_})", "exposure {{currency}}"),
                    Query("sum by (currency) (guard_in_flight{_})", "in flight {{currency}}"),
                ),
            )
        ),
        lines(
            Look(
                title="Burn rate",
                text="Money a minute. Compare with last week: fraud is a burn rate at an hour that has none.",
                queries=(
                    Query("sum by (currency) (guard_burn_rate{_})", "{{currency}}"),
                    Query(
                        "sum by (currency) (guard_burn_rate{_} offset 1w)",
                        "{{currency}} a week ago",
                    ),
                ),
            )
        ),
        lines(
            Look(
                title="Accounts",
                text="Accounts that are warned, blocked or closed.",
                queries=(Query('sum by (state) (guard_accounts{_, state!="active"})', "{{state}}"),),
            )
        ),
    ),
)

BLOCKS = Row(
    title="Blocks",
    panels=(
        lines(
            Look(
                title="Decisions an hour",
                text="What guard decided and enforced, by action and reason.",
                queries=(
                    Query(
                        an_hour('guard_decisions_total{_, mode="enforce"}', "action, reason"),
                        "{{action}} {{reason}}",
                    ),
                ),
            ),
            stacked=True,
        ),
        lines(
            Look(
                title="From breach to command",
                text="The promise is 50 ms for what guard computes. A block by a report counts from the report's time.",
                unit="s",
                queries=quantiles("guard_block_delay_seconds", over="1h"),
                limits=((0.05, "red"),),
            ),
            logarithmic=True,
        ),
        lines(
            Look(
                title="From command to confirmation",
                text="How long switches take. A resend is due after 0.25 s; on-call is told after 30 s.",
                unit="s",
                queries=quantiles("guard_command_confirm_seconds", over="1h"),
            ),
            logarithmic=True,
        ),
    ),
)

SWITCHES = Row(
    title="Switches",
    panels=(
        states(
            Look(
                title="Up",
                text="Red: the switch, or its last will, said that it is down. It gets a snapshot when it is back.",
                queries=(Query('guard_switch_up{_, switch=~"$switch"}', "{{switch}}"),),
            ),
            (("0", "down", "red"), ("1", "up", "green")),
        ),
        states(
            Look(
                title="Blind",
                text="Red: silent or down although calls are up; their cost is carried forward by estimate.",
                queries=(Query('guard_switch_blind{_, switch=~"$switch"}', "{{switch}}"),),
            ),
            (("0", "heard", "green"), ("1", "blind", "red")),
        ),
        lines(
            Look(
                title="Calls that are usual in this hour",
                text="By hour of the week, averaged over a month. Silence is measured by this: GuardSwitchUnusual.",
                queries=(Query('guard_switch_usual_calls{_, switch=~"$switch"}', "{{switch}}"),),
            ),
        ),
        bars(
            Look(
                title="Seconds since the last message",
                text="A switch with calls up reports each of them at least once a minute.",
                unit="s",
                queries=(Query('topk(20, guard_switch_age_seconds{_, switch=~"$switch"})', "{{switch}}"),),
                limits=((60, "orange"), (90, "red")),
            )
        ),
        lines(
            Look(
                title="Calls up",
                text="By switch. All falling at once: look at the switch before you look at guard.",
                queries=(Query('guard_live_calls{_, switch=~"$switch"}', "{{switch}}"),),
            ),
            stacked=True,
        ),
        lines(
            Look(
                title="Reports a second",
                text="Reports that counted, by switch.",
                unit="cps",
                queries=(
                    Query(
                        a_second('guard_reports_total{_, switch=~"$switch", outcome="accepted"}', "switch"),
                        "{{switch}}",
                    ),
                ),
            ),
            stacked=True,
        ),
        lines(
            Look(
                title="Commands that wait, by switch",
                text="Also at switches that are down: these get all of it when they are back.",
                queries=(Query('guard_switch_commands_unconfirmed{_, switch=~"$switch"}', "{{switch}}"),),
                width=24,
                height=6,
            )
        ),
    ),
)

BOARD = Board(
    uid="guard-overview",
    title="guard: overview",
    text="Money at risk, blocks, burn rate, switches alive.",
    rows=(NOW, MONEY, BLOCKS, SWITCHES),
    per_switch=True,
)
