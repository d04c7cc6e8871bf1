"""What is kept of a switch comes back with every column, from the journal as from its table."""

from __future__ import annotations

import pytest

from guard.core.decisions import Changes
from guard.core.rows import SwitchRow
from tests.store.samples import T0
from tests.store.stores import Opening

TOLD = SwitchRow(
    name="sw1",
    up=False,
    first_heard_ms=T0,
    last_heard_ms=T0 + 1,
    skew_ms=-7,
    last_seen_ms=T0 + 2,
    down_at_ms=T0 + 3,
    silence="calls_up",
    told_at_ms=T0 + 4,
)


@pytest.mark.parametrize("row", [TOLD, TOLD._replace(up=True, silence="", told_at_ms=None)])
async def test_every_column_comes_back(opening: Opening, row: SwitchRow) -> None:
    async with opening() as store:
        await store.commit(Changes(switches=[row]))
        assert (await store.restore()).switches == [row]
    async with opening() as store:
        assert (await store.restore()).switches == [row]
