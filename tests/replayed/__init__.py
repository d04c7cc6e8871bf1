"""The same history through the backtest and through the daemon under a replayed clock: the same decisions, to the byte.

`twin` runs the backtest and notes everything that enters its engine, with its time: reports, billing messages, what the
obedient switch acknowledges, what the operator releases. `clockwork` is a clock that moves only when the daemon's loop
waits, and lets each of these inputs in at its moment, as the message that it is on the wire. The daemon is the whole
one (`guard.app.run_daemon`): its loop, its store, its HTTP side; in the last test its own process and a real mosquitto.
"""
