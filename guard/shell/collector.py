"""The garbage collector, told what guard's memory looks like.

The engine holds millions of long-lived objects and frees the short-lived ones by reference counts alone: nothing in
the core refers to itself in a circle once it is over. The collector's default rhythm would walk all of them again and
again to find nothing (with 200,000 accounts a full collection stops the loop for a good tenth of a second). So what
was restored is taken out of its sight, and it looks rarely: often enough for the little that libraries leave behind.
"""

from __future__ import annotations

import gc

YOUNG = 50_000
"""New objects between two looks at the youngest; a busy batch makes a few thousand that stay."""
MIDDLE = 20
OLD = 100
"""Looks at the middle generation between two full ones: about a hundred million objects."""


def settle_collector() -> None:
    """Spare what exists now, and look rarely from now on. To be called once, when the state has been restored."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
