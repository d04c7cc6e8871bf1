"""Rules: what an analyst knows about fraud, counted per account and told once.

    Observation -> Watch.observe -> Hits           (Watch.advance: time alone, which clears what stands)

One *observation* per accepted report about a call (`observation`). A *rule* (`rule`) counts one *measure* of the
observations that its `where` lets through, per *key*, and has two marks. Rules that look at the same calls over the
same window share one *counter* (`counters`); what a counter knows about one key is a *tally* (`windows`): sums and
distinct things in sixty buckets of event time. Measures of the present add up the calls that are up (`present`); what
is usual for an account is its *profile* (`profile`). A *hit* (`hits`) says that a mark was crossed, in numbers and in
a sentence (`sentences`). How many accounts call one number is counted apart (`across`). `Watch` (`watch`) holds it all
together; `Fuse` keeps a wrong rule from cutting off a city.

Work per observation depends on the number of rules and on nothing else: no look at history, at other calls, at other
accounts. Memory has bounds that are named where they are. Nothing here knows how a hit becomes a decision.
"""
