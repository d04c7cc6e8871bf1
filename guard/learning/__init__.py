"""Learning from history: what accounts did before guard knew them, made into days that their profiles can take in.

    report files -> History (sorted on disk) -> engine, without rules -> observations -> days -> Past, one an account

The daemon's own engine makes the observations, so a day of history is what it would have been had guard seen it: with
the same prices, the same idea of where a number lies, and calls merged from their reports the same way.
"""
