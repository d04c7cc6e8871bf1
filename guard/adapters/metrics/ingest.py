"""What an ingest says: names, kinds and meanings of its metrics, once, as for the daemon's (`catalog`)."""

from __future__ import annotations

from guard.adapters.metrics.catalog import Family, counter, gauge


def _counter(name: str, unit: str, text: str, *labels: str) -> Family:
    return counter(f"guard_ingest_{name}_total", unit, text, *labels)


def _gauge(name: str, unit: str, text: str, *labels: str) -> Family:
    return gauge(f"guard_ingest_{name}", unit, text, *labels)


MESSAGES = _counter("messages", "messages", "Messages taken from the broker.", "kind")
PARTS = _counter("parts", "parts", "Parts of messages, each for one partition.")
ENTRIES = _counter("entries", "entries", "Entries that the log has acknowledged.")
ENTRY_BYTES = _counter("entry_bytes", "bytes", "Bytes of these.")
RETRIES = _counter("retries", "entries", "Entries given to the log again, because it did not acknowledge them.")
APPEND_SECONDS = _counter("append_seconds", "seconds", "Waited for acknowledgements of the log, over all entries.")
RELAYED = _counter("relayed", "messages", "Messages for the broker, by what came of it.", "result")
UNFINISHED = _gauge("unfinished", "messages", "Messages of which a part is not in the log yet.")
ON_THEIR_WAY = _gauge("on_their_way", "entries", "Entries given to the log and not acknowledged yet.")
LOG_CONNECTED = _gauge("log_connected", "0 or 1", "1: connected to NATS, and all streams are there.")
CONTROL = _gauge("control", "0 or 1", "1: this ingest has the control session.")
SESSION_CONNECTED = _gauge("session_connected", "0 or 1", "1: subscribed at the broker.", "session")
UNACKNOWLEDGED = _gauge("unacknowledged", "messages", "Messages received and not acknowledged.", "session")

FAMILIES = (
    *(MESSAGES, PARTS, ENTRIES, ENTRY_BYTES, RETRIES, APPEND_SECONDS, RELAYED),
    *(UNFINISHED, ON_THEIR_WAY, LOG_CONNECTED, CONTROL, SESSION_CONNECTED, UNACKNOWLEDGED),
)
