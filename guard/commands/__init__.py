"""What the commands of `guard` do; `guard.cli` says how they are called and imports each only when it runs.

A command prints to standard output what it was asked for and to standard error what went wrong. It returns when done
and raises `CommandError` with the exit status otherwise: 1 it failed, 2 it was used wrongly or given wrong input.
"""
