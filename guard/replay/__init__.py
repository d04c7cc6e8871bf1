"""Simulated switches and customers, and recorded calls brought back: history and trial without a telephone.

Everything that decides here is pure: customers draw from their own seeded random source, the
switch is a state machine, and time comes from outside. Only `link` (MQTT) and `reportfiles`
(files) touch the world. The simulated switch is written from the contract and not from guard's
own codec, so that the two check each other; and it is the ground truth: it knows to the micro
what every account really spent.
"""
