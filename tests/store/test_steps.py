"""One rule for the layouts of all stores."""

from __future__ import annotations

import pytest

from guard.ports import StoreError
from guard.ports.migrations import missing, refuse_older

STEPS = ("make", "add", "index")


@pytest.mark.parametrize(("layout", "steps"), [(0, STEPS), (1, ("add", "index")), (2, ("index",)), (3, ())])
def test_a_store_gets_the_steps_that_it_lacks(layout: int, steps: tuple[str, ...]) -> None:
    assert missing(STEPS, layout, "guard.db") == steps


def test_a_store_of_a_newer_guard_is_left_alone_by_whoever_opens_it() -> None:
    for ask in (missing, refuse_older):
        with pytest.raises(StoreError) as refused:
            ask(STEPS, 4, "guard.db")
        assert str(refused.value) == (
            "guard.db: was written by a newer guard (layout 4, this one knows 3); "
            "run that version, or restore a backup from before it"
        )


def test_whoever_only_reads_refuses_what_somebody_must_bring_up_to_date_first() -> None:
    refuse_older(STEPS, 3, "guard.db")
    with pytest.raises(StoreError, match=r"guard.db: is empty or was written by an older guard \(layout 2\)"):
        refuse_older(STEPS, 2, "guard.db")
