"""Simulated switches and customers, and recorded calls brought back: history and trial without a telephone.

Everything that decides here is pure: customers and fraudsters draw from their own seeded random
sources, the switch is a state machine, and time comes from outside. Only `link` (MQTT),
`reportfiles` and `recorder` (files) touch the world. The simulated switch is written from the
contract and not from guard's own codec, so that the two check each other; and it is the ground
truth: it knows to the micro what every account really spent.

    catalog, habits, kinds, weeks   where calls go and what they cost; who calls when: data
    customers, traffic              accounts drawn from it, and what they dial
    cases                           frauds and surprises
    attempts, simulation, faults    streams of attempts, and the switch, on one time line
    switch, blocklist, scopes       what a switch does and obeys
    truth, bills, opening           what was spent; what billing says
    world, recorder, link           all of it together; as files; at a broker
    reportfiles, cdr                recorded calls brought back
"""
