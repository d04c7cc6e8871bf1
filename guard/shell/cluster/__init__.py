"""A worker of a cluster: many partitions in one process, each with the engine and the loop of the daemon.

    log of a partition --entries--> `unpacking` --messages--> loop (`guard.shell.loop`) --> store of the partition
                                        | acknowledgements          | commands --> bus --> ingest --> broker
                                        v of snapshots              v pieces of snapshots
                                    `composers` <-------------------'

| module | |
|---|---|
| `unpacking` | one log as the two sources that a loop drains, and the position up to which it has |
| `sending` | what a partition's batch has for the switches: commands to the broker, pieces to whoever composes |
| `between` | what a partition's batch has for other partitions, into their logs before it is committed; what they say |
| `partition` | one partition from its claim to its end |
| `composers` | snapshots of the switches whose home is here, out of the pieces of all partitions |
| `turnstile` | one partition's batch at a time, so that leases are renewed in between |
| `tending` | old call details of all that is held, deleted one partition at a time |
| `aside` | leases asked on a thread of their own |
| `worker` | which partitions are held: claims, renews, gives up, and lets go of what it may no longer decide for |
| `carrying` | operators' intents that came through the log, each once, and the answers |
| `asking` | intents of a node on their way to whoever holds the partition, until they are answered |
| `desk` | what the page and the API of any node ask |
| `telling`, `gathering` | what a worker tells of its partitions each second, and what all of them told, put together |
| `drawing`, `books` | an account drawn from its rows by a small engine; any account, and lists of them, for a page |

Nothing here is shared between partitions but the connections, so a partition moves by ending in one process and being
restored in another. What makes that safe is in the store: a commit names the epoch of the claim and the position before
it, and is refused when either is no longer what the store has.
"""
