"""What rules know is kept like everything else, except that a row which cannot be read stops nothing."""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
from structlog.testing import capture_logs

from guard.adapters.sqlite import open_store
from guard.core.decisions import Changes, HeldRow, KeptRow
from guard.core.rows import ExpectationRow
from guard.core.rules.fuse import FuseRow
from guard.core.rules.rows import CrowdRow, DistinctRow, ProfileRow, StandingRow, SubjectRow, TallyRow
from guard.core.suspicion import SuspicionRow
from guard.ports import Store, StoreError
from guard.wire.kept import Blob, encoded, made
from tests.store.kept_samples import (
    clock,
    crowd,
    crowds,
    expectation,
    fuse,
    gone,
    held_blocks,
    standing,
    subject,
    suspicion,
    told_of,
)
from tests.store.samples import Model, held, posting, state_of
from tests.store.stores import Opening

OF_EACH_KIND = [
    crowd(),
    crowds(),
    expectation("sw1"),
    fuse(5, 6, open_since_ms=7),
    held_blocks("h1", "h2", lasts_ms=9),
    subject("A1"),
    suspicion("A1"),
    clock(),
    told_of("surplus", "sw9"),
    standing(),
]


async def _kept(store: Store) -> list[KeptRow]:
    return list((await store.restore()).kept)


# -- what any store promises


async def test_each_kind_comes_back_with_its_types(opening: Opening) -> None:
    rows = [*OF_EACH_KIND, subject("A/2 ünï+#\"<%'")]
    async with opening() as store:
        await store.commit(Changes(kept=rows))
    async with opening() as store:
        restored = await _kept(store)
    assert sorted(restored, key=lambda each: each[:2]) == sorted(rows, key=lambda each: each[:2])
    by_kind = {each.kind: each.row for each in restored}
    account = by_kind["subject"]
    assert isinstance(account, SubjectRow)
    assert isinstance(account.profile, ProfileRow)
    assert isinstance(account.tallies[0], TallyRow)
    assert isinstance(account.tallies[0].sets[1], DistinctRow)
    assert isinstance(account.tallies[0].sets[1].cells, bytes)
    assert isinstance(by_kind["crowd"], CrowdRow)
    assert isinstance(by_kind["standing"], StandingRow)
    assert isinstance(by_kind["fuse"], FuseRow)
    assert isinstance(by_kind["expectation"], ExpectationRow)
    assert isinstance(by_kind["suspicion"], SuspicionRow)
    for kind, type_ in (("crowds", CrowdRow), ("held", HeldRow)):
        rows_of_kind = by_kind[kind]
        assert isinstance(rows_of_kind, tuple)
        assert [type(each) for each in rows_of_kind] == [type_, type_]


async def test_the_newest_row_wins(opening: Opening) -> None:
    async with opening() as store:
        for spent in range(5):
            await store.commit(Changes(kept=[subject("A1", spent), fuse(*range(spent))]))
        assert await _kept(store) == [fuse(*range(4)), subject("A1", 4)]


async def test_what_was_restored_stays_as_it_was(opening: Opening) -> None:
    """Rows may be made late, but not of what was committed after the reading."""
    async with opening() as store:
        await store.commit(Changes(kept=[subject("A1", 1), fuse()]))
        restored = await store.restore()
        await store.commit(Changes(kept=[subject("A1", 2), gone(fuse())]))
        assert list(restored.kept) == [fuse(), subject("A1", 1)]


async def test_a_row_that_is_none_is_gone_and_may_come_back(opening: Opening) -> None:
    async with opening() as store:
        await store.commit(Changes(kept=[subject("A1"), subject("A2"), fuse()]))
        await store.commit(Changes(kept=[gone(subject("A1")), gone(subject("never there"))]))
        assert await _kept(store) == [fuse(), subject("A2")]
        await store.commit(Changes(kept=[subject("A1", 5), gone(subject("A2"))]))
    async with opening() as store:
        assert await _kept(store) == [fuse(), subject("A1", 5)]


async def test_many_rows_in_one_batch(opening: Opening) -> None:
    rows = [subject(f"A{number:03}", number) for number in range(300)]
    async with opening() as store:
        await store.commit(Changes(kept=rows))
        await store.commit(Changes(kept=[gone(row) for row in rows[:200]]))
        assert await _kept(store) == rows[200:]


async def test_rows_of_a_batch_that_cannot_be_stored_are_not_there(opening: Opening) -> None:
    """They come and go with the money of their batch."""
    async with opening() as store:
        await store.commit(Changes(kept=[subject("A1", 1)]))
        with pytest.raises(StoreError):
            await store.commit(Changes(kept=[subject("A1", 2), fuse()], quarantine=[held(1, at_ms=2**63)]))
        assert await _kept(store) == [subject("A1", 1)]
        with pytest.raises(StoreError):
            await store.commit(replace(posting(1, 5, 5), kept=[subject("A1", 2**64)]))
        restored = await store.restore()
    assert list(restored.kept) == [subject("A1", 1)]
    assert restored.last_line == 0


# -- rows that cannot be read

HELD = held_blocks("h1", "h2")
Damage = Callable[[bytes], bytes]


def _damage(path: Path, kind: str, damage: Damage) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for key, blob in connection.execute("SELECT key, row FROM kept WHERE kind = ?", (kind,)).fetchall():
            connection.execute("UPDATE kept SET row = ? WHERE kind = ? AND key = ?", (damage(blob), kind, key))


def _columns(change: Callable[[list[object]], list[object]]) -> Damage:
    """Rows of another version."""
    return lambda blob: msgspec.msgpack.encode([change(row) for row in msgspec.msgpack.decode(blob)])


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda blob: b"\xc1" + blob[1:], id="no MessagePack"),
        pytest.param(lambda blob: blob[:-1], id="torn"),
        pytest.param(lambda blob: blob.replace(b"h1", b"\xff\xfe"), id="no UTF-8"),
        pytest.param(_columns(lambda row: row[:-1]), id="a column short"),
        pytest.param(_columns(lambda row: [*row, 1]), id="a column more"),
        pytest.param(_columns(lambda row: [1, *row[1:]]), id="another type"),
    ],
)
async def test_a_row_that_cannot_be_read_is_left_out(tmp_path: Path, damage: Damage) -> None:
    """And nothing else is, and a new one takes its place."""
    path, model = tmp_path / "guard.db", Model()
    changes = replace(posting(1, 5, 5), kept=[*OF_EACH_KIND[:2], HELD, subject("A1")])
    async with open_store(path) as store:
        await store.commit(changes)
    model.apply(changes)
    _damage(path, "held", damage)
    model.apply(Changes(kept=[gone(HELD)]))
    async with open_store(path) as store:
        with capture_logs() as told:
            assert state_of(await store.restore()) == model.state()
        assert [(line["event"], line["kind"], line["rows"]) for line in told] == [("store-rules-state-lost", "held", 1)]
        await store.commit(Changes(kept=[HELD]))
        model.apply(Changes(kept=[HELD]))
        with capture_logs() as told:
            assert state_of(await store.restore()) == model.state()
        assert told == []


async def test_many_such_rows_are_one_line_that_names_no_account(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    accounts = [f"acme-{number}" for number in range(50)]
    async with open_store(path) as store:
        await store.commit(Changes(kept=[*(subject(account) for account in accounts), fuse()]))
    _damage(path, "subject", lambda blob: blob[:50])
    async with open_store(path) as store:
        with capture_logs() as told:
            assert await _kept(store) == [fuse()]
    (line,) = told
    assert (line["log_level"], line["rows"]) == ("warning", 50)
    assert "acme" not in str(line)


async def test_an_unknown_kind_is_left_where_it_is(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        await store.commit(Changes(kept=[fuse()]))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("INSERT INTO kept VALUES ('of another version', '', x'00')")
    async with open_store(path) as store:
        with capture_logs() as told:
            assert await _kept(store) == [fuse()]
        await store.commit(Changes(kept=[gone(fuse())]))
    assert told == []
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT * FROM kept").fetchall() == [("of another version", "", b"\0")]


class _Blobs(list[Blob]):
    """A list whose end can be waited for."""


def test_blobs_are_let_go_as_rows_are_made() -> None:
    """As objects they are ten times as big: both at once, for all accounts, would be too much."""
    blobs = _Blobs(("clock", str(nth), encoded(clock().row)) for nth in range(3))
    there = weakref.ref(blobs)
    rows = made(blobs, lambda *_: None)
    del blobs
    assert next(rows).key == "0"
    assert there() is None
    assert [row.key for row in rows] == ["1", "2"]
