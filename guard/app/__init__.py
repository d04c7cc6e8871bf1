"""The composition root: everything that a running daemon consists of, put together from top to bottom.

Read `start` once and you know what there is, `daemon` and you know what talks to what. The rooms:

    start    makes things in the order in which they need each other, and has them closed in the reverse order
    daemon   the parts that turn, and how they are wired
    links    the two sessions with the broker, and whether both are there
    model    the anomaly model: the one that runs, the one that a reload has read, why there is none
    sinks    who hears of decisions and notices
    gauges   what `/metrics` says

Each step of the teardown has a time limit of its own; together they stay below the unit's `TimeoutStopSec`. A task that
fails takes the daemon down with it: what was acknowledged is durable, and the service manager starts it again.
"""

from guard.app.start import run_daemon

__all__ = ["run_daemon"]
