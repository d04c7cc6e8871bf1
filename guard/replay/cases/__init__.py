"""Cases: what happens at a simulated switch besides the usual: frauds, sly frauds, and surprises that are none.

A *scenario* has a name (`guard simulate --scenario`) and documented parameters, which are the fields of its recipe. A
*case* is one staging of it: victims, times and numbers drawn from the seed. `setting` is the stage with its customers,
`dialling` how a fraudster works, `frauds`, `sly` and `surprises` are the recipes, `library` finds them by name.
"""
