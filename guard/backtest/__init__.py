"""Backtest: recorded history through the very engine of the daemon, in event time, with nothing else running.

    files -> history (sorted on disk) -> replay: engine + switchboard -> tally -> summary, decisions, report page

`history` reads report files and keeps them in the order of their times; `inputs` reads billing messages and labels.
`replay` turns the crank: the time of each report is the clock. `switchboard` is the switch that obeys: it knows which
calls would not have happened, and what they would have cost. `tally` keeps what a run came to, by account, by rule and
by labelled span. `variants` runs the same history under other rules, other limits and the ways of others (`peers`).
`summary` and `page` tell it.

Nothing here knows a clock, a broker or a store. Money is whole micros, as everywhere.
"""
