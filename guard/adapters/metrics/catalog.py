"""Every metric that guard exposes, once: what it is called, what kind it is, its labels, its unit and its meaning.

The text that Prometheus reads takes name, help and type from here; `docs/metrics.md` is made from it, and the boards,
recording rules and alerts may name nothing else (tests/dashboards). A new number is a line here, a field of `Figures`
and a line in `Exposition`. No label is ever an account, a call or a number: the names of switches are bounded by the
engine (1,000), rules and webhooks by the configuration, everything else by the contract.

Bounds of the histograms lie where the promises are, so that "kept or not" is a count and not an estimate.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

COMMIT_BUCKETS = (0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 5, 30)
"""A durable commit takes a few milliseconds; one of half a second is a disk in trouble."""
BLOCK_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 5, 30, 300)
"""50 ms from the breach to the command is the promise; minutes are a backlog that is being read."""
CONFIRM_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30, 60, 300)
"""The first resend is after 0.25 s; on-call is told after 30 s."""
LAG_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600)
"""Beyond 5 s a switch counts as lagging."""
LOOP_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5)
"""One batch may hold the loop for about 30 ms."""
SCORE_BUCKETS = (0.5, 1, 1.5, 2, 2.5, 3, 3.5, 4, 5, 6, 8, 10, 12, 15, 20)
"""Scores are in decades of rarity: what one good hour in a thousand reaches has 3 from one part of the model alone."""


class Kind(Enum):
    """Prometheus's kinds of metrics."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """One metric with all its label sets."""

    name: str
    kind: Kind
    text: str
    unit: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


def counter(name: str, unit: str, text: str, *labels: str) -> Family:
    """A number that never falls."""
    return Family(name=name, kind=Kind.COUNTER, text=text, unit=unit, labels=labels)


def gauge(name: str, unit: str, text: str, *labels: str) -> Family:
    """A number that rises and falls."""
    return Family(name=name, kind=Kind.GAUGE, text=text, unit=unit, labels=labels)


def _histogram(name: str, unit: str, text: str, buckets: tuple[float, ...]) -> Family:
    return Family(name=name, kind=Kind.HISTOGRAM, text=text, unit=unit, buckets=buckets)


# -- what comes in
REPORTS = counter("guard_reports_total", "reports", "Reports by what became of them.", "switch", "outcome")
REPORT_LAG = _histogram("guard_report_lag_seconds", "seconds", "Age of reports when guard applied them.", LAG_BUCKETS)
INBOX = gauge("guard_inbox_reports", "messages", "Messages of reports received and not yet durable.")
UNACKNOWLEDGED = gauge(
    "guard_unacknowledged_messages", "messages", "Messages received and not yet acknowledged to the broker.", "session"
)
BILLING = counter("guard_billing_total", "messages", "Billing messages by what became of them.", "type", "outcome")
UNRATED = counter(
    "guard_unrated_calls_total", "calls", "Calls posted at the unknown rate: no prefix of the tariff matched."
)
CONNECTED = gauge("guard_broker_connected", "0 or 1", "1 while this session is subscribed at the broker.", "session")
CONNECTIONS = counter("guard_broker_connections_total", "connections", "Connections made to the broker.", "session")
UNSENT = counter(
    "guard_broker_unsent_total", "messages", "Messages that could not be handed to the broker; sent again.", "session"
)

# -- what guard decides and enforces
DECISIONS = counter("guard_decisions_total", "decisions", "Decisions taken.", "action", "reason", "mode")
BLOCK_DELAY = _histogram(
    "guard_block_delay_seconds",
    "seconds",
    "From the moment of a breach (the event's own time) to the block's command being sent.",
    BLOCK_BUCKETS,
)
UNCONFIRMED = gauge("guard_commands_unconfirmed", "commands", "Commands that a switch that is up has not confirmed.")
COMMAND_AGE = gauge(
    "guard_command_age_seconds", "seconds", "Age of the oldest command that a switch that is up has not confirmed."
)
CONFIRM = _histogram(
    "guard_command_confirm_seconds", "seconds", "From a command to its acknowledgement.", CONFIRM_BUCKETS
)
FUSE_OPEN = gauge("guard_fuse_open", "0 or 1", "1 while blocks by rules or model wait for an operator.")
HELD = gauge("guard_held_blocks", "blocks", "Blocks that wait for an operator to approve or reject them.")
NOTICES = counter("guard_notices_total", "notices", "What on-call was told that is no decision.", "kind")
RULE_HITS = counter("guard_rule_hits_total", "crossings", "Marks of rules crossed since the start.", "rule", "mode")
RULE_FAILURES = counter(
    "guard_rule_failures_total", "observations", "Observations that the rules failed on: a fault of guard's, survived."
)
MODEL_WANTED = gauge("guard_model_wanted", "0 or 1", "1 if the configuration asks for the anomaly model.")
MODEL_UP = gauge("guard_model_up", "0 or 1", "1 while the anomaly model scores; 0 when it is off, or failed.")
MODEL_REFUSED = gauge(
    "guard_model_refused", "0 or 1", "1 while the model that was read last cannot be used, or the one that ran failed."
)
MODEL_INFO = gauge(
    "guard_model_info", "1", "1 for the model in force: which one, and its mode.", "mode", "model", "digest"
)
MODEL_ROWS = counter("guard_model_rows_total", "rows", "Accounts that the model was to look at.", "outcome")
MODEL_LAG = gauge("guard_model_lag_seconds", "seconds", "Age of the newest row that was scored last.")
MODEL_DRIFT = gauge(
    "guard_model_drift", "index", "Greatest population stability index of a feature: 0.1 is little, 0.25 much."
)
MODEL_SCORES = _histogram("guard_model_scores", "decades", "Scores that the anomaly model gave.", SCORE_BUCKETS)

# -- money and customers
ACCOUNTS = gauge("guard_accounts", "accounts", "Accounts by state.", "state")
PROVISIONAL = gauge(
    "guard_provisional_accounts", "accounts", "Accounts that a report opened and billing has not spoken of."
)
EXPOSURE = gauge("guard_exposure", "currency", "Exposure over all accounts.", "currency")
IN_FLIGHT = gauge("guard_in_flight", "currency", "Value of the calls that are up; part of the exposure.", "currency")
BURN = gauge("guard_burn_rate", "currency a minute", "What the calls that are up cost each minute.", "currency")
RECONCILED = gauge(
    "guard_reconciled", "currency", "Sum of the differences that balance messages found since the start.", "currency"
)

# -- the switches
LIVE_CALLS = gauge("guard_live_calls", "calls", "Calls that are up.", "switch")
SWITCH_AGE = gauge("guard_switch_age_seconds", "seconds", "Time since the last message of a switch.", "switch")
SWITCH_UP = gauge("guard_switch_up", "0 or 1", "0 once a switch, or its last will, said that it is down.", "switch")
SWITCH_BLIND = gauge(
    "guard_switch_blind", "0 or 1", "1 while a switch is silent or down although calls are up.", "switch"
)
SWITCH_UNUSUAL = gauge(
    "guard_switch_unusual", "0 or 1", "1 while a switch brings no call at an hour at which it usually does.", "switch"
)
SWITCH_ABSENT = gauge(
    "guard_switch_absent",
    "0 or 1",
    "1 while a switch says nothing and does not answer; no block waits for it.",
    "switch",
)
SWITCH_USUAL = gauge(
    "guard_switch_usual_calls", "calls", "Calls that this hour of the week usually brings; 0 until learned.", "switch"
)
SWITCH_LAGGING = gauge("guard_switch_lagging", "0 or 1", "1 while a switch's backlog is being read.", "switch")
SWITCH_UNCONFIRMED = gauge(
    "guard_switch_commands_unconfirmed", "commands", "Commands that a switch has not confirmed, up or down.", "switch"
)
SWITCH_OFFSET = gauge(
    "guard_switch_clock_offset_seconds", "seconds", "A switch's clock less guard's, as estimated.", "switch"
)

# -- the daemon itself
COMMIT = _histogram("guard_commit_seconds", "seconds", "Time to make a batch durable.", COMMIT_BUCKETS)
STORE_FAILING = gauge("guard_store_failing", "0 or 1", "1 while the store does not take batches.")
STORE_BYTES = gauge(
    "guard_store_bytes", "bytes", "Bytes that the store takes: its files, or its tables in the database."
)
STORE_FREE = gauge("guard_store_free_bytes", "bytes", "Room left where the store is.")
LOOP_LAG = _histogram("guard_loop_lag_seconds", "seconds", "How late the event loop woke a sleeper.", LOOP_BUCKETS)
TURN_AGE = gauge("guard_turn_age_seconds", "seconds", "Time since the loop's last turn; it turns each second.")
CLOCK_STEPS = counter("guard_clock_steps_total", "steps", "Times that this machine's clock was set by more than 5 s.")
REMEMBERED = gauge("guard_remembered_calls", "calls", "Ended calls kept in memory to recognise their reports again.")
BILLING_IDS = gauge("guard_billing_ids", "messages", "Billing messages kept in memory: an id is good for ever.")
DETAILS_DELETED = counter(
    "guard_call_details_deleted_total", "rows", "Rows whose call details were deleted because of their age.", "what"
)
RELOAD = gauge("guard_reload_last_success", "0 or 1", "1 if the last reload of the configuration succeeded.")
RELOADED_AT = gauge(
    "guard_reload_last_success_timestamp_seconds", "epoch seconds", "When the configuration in force was taken up."
)
WEBHOOKS = counter(
    "guard_webhook_deliveries_total", "attempts", "Webhook deliveries by what became of them.", "webhook", "result"
)
WEBHOOK_PENDING = gauge("guard_webhook_pending", "events", "Events that a webhook is still owed.", "webhook")
WEBHOOK_DEAD = gauge(
    "guard_webhook_dead", "events", "Events that were given up; an operator can resend them.", "webhook"
)
CORE_COMPILED = gauge("guard_core_compiled", "0 or 1", "1 if the core runs as machine code, 0 if on its sources.")
BUILD = gauge("guard_build_info", "1", "Always 1; the version is the label.", "version")

FAMILIES: tuple[Family, ...] = tuple(value for value in tuple(globals().values()) if isinstance(value, Family))
"""In the order of the text."""
