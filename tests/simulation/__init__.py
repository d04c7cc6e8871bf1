"""The simulator: one seed, virtual time, guard's real engine, loop and store, and a world that does its worst.

    world (switches, billing, operators, receivers)  <->  broker  <->  guard (real)  <->  store (real, one file)
                 the ground truth                                   auditor: compares both, by its own arithmetic

A seed draws a world, its faults and their moments; then everything that happens is one list of moments in virtual time,
so the same seed is the same run. First the world does its worst, then all faults end (healing), and after that
everything must have come true. `python -m tests.simulation SEED` replays one and tells its story.

Only `daemon`, `files`, `operators`, `people` and `store` know guard. The rest speaks the contract's JSON and shares no
code with it.
"""
