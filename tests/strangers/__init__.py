"""Traffic as a stranger would write it: histories made from the public contract alone, and the verdict on guard.

Nothing here knows guard's simulator, its rules or its engine. A seed makes a town of customers, the frauds that befall
some of them and the innocent surprises of others (`town`), written as any switch and billing system would write them
(`paper`). `python -m tests.strangers SEED...` has `guard backtest` judge that history as a process of its own and then
judges the judge: what each fraud cost before it was stopped, who was cut off without cause (`verdict`).

Rules are tuned on other traffic (`guard simulate`); a number that is fitted to a seed of this one is worth nothing.
"""
