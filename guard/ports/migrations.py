"""How a store of an earlier guard comes to the present layout: numbered steps, one after the other. For any store.

Step n brings a store from layout n to n + 1, layout 0 being an empty one: a new and an old one come to the present
layout by the same statements. A step that has been released is never edited; what is wrong with it is put right by the
next one. All steps that are missing are made in one transaction, with the new number, under a lock: a crash leaves the
old layout whole, and of two guards that start at once one finds it done. A store of a newer guard is refused.

A column is only ever added, with a default, at the end, and to every kind of store: each adapter's `layout` has the
statements in its own words, and a test compares what comes of them. How a statement is run, what locks, and where the
number is kept is the adapter's; which steps are made, and what is refused in which words, is said here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from guard.ports.storage import StoreError

Step = TypeVar("Step")
"""The statements of one step, as the adapter runs them."""


def missing(steps: Sequence[Step], layout: int, shown: str) -> Sequence[Step]:
    """The steps that a store of that layout lacks; `StoreError` when a newer guard wrote it."""
    if layout > len(steps):
        raise StoreError(
            f"{shown}: was written by a newer guard (layout {layout}, this one knows {len(steps)}); "
            "run that version, or restore a backup from before it"
        )
    return steps[layout:]


def refuse_older(steps: Sequence[Step], layout: int, shown: str) -> None:
    """For whoever only reads, and changes nothing: `StoreError` for any layout but the present one."""
    if missing(steps, layout, shown):
        raise StoreError(
            f"{shown}: is empty or was written by an older guard (layout {layout}); start guard on it once"
        )
