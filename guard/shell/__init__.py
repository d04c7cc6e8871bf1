"""The async shell: moves batches from the source through the engine into the store and out again.

It decides nothing. Everything it needs from outside comes in through `guard.ports`, so tests run it with a clock
moved by hand, a source in memory and a store that fails when told to.
"""
