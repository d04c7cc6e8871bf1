"""The NATS adapter: a cluster's log in JetStream and its bus, on nats-py, which nothing else in guard imports.

| module | |
|---|---|
| `options` | where the servers are, and how the log is laid out over streams |
| `words` | why there is no connection, in words that name the key |
| `connection` | one connection, kept up for ever; hearing, saying, asking |
| `api` | JetStream's JSON API, and when to leave a server |
| `streams` | the streams: made, checked, how they stand |
| `moments` | moments as JetStream writes them |
| `beginning` | where to begin reading: is it still the log that was read? |
| `reader` | one partition in order, with distrust of servers that lag |
| `bus` | what needs no log: commands to the ingests, pieces between workers |
| `beside` | work that goes on beside a block |
| `cluster` | all of it together: `open_cluster_log` |
"""

from guard.adapters.nats.bus import NatsBus, Relay
from guard.adapters.nats.cluster import ClusterLog, NatsLog, open_cluster_log
from guard.adapters.nats.connection import Connection
from guard.adapters.nats.options import LogAddressError, LogOptions
from guard.adapters.nats.streams import LogLayoutError

__all__ = [
    "ClusterLog",
    "Connection",
    "LogAddressError",
    "LogLayoutError",
    "LogOptions",
    "NatsBus",
    "NatsLog",
    "Relay",
    "open_cluster_log",
]
