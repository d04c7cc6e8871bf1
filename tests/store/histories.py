"""Random histories: batches that hit the same few keys again and again, and what happens between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import strategies as st

from guard.core.decisions import Changes, KeptRow, LedgerLine, LineKind
from guard.core.rows import BooksRow, UseRow
from guard.ports import Store
from tests.store.kept_samples import crowds, fuse, gone, held_blocks, subject
from tests.store.samples import (
    RATED,
    T0,
    Model,
    account,
    audit,
    billing,
    call,
    decision,
    held,
    line,
    over,
    state_of,
    switch,
)
from tests.store.stores import whole_ledger

ACCOUNTS = ("A1", "a1", "007", "ü/+#", "A1 ")
CALLS = ("c1", "C1", "", "c/2")
SWITCHES = ("sw1", "sw2")


@dataclass(frozen=True, slots=True)
class Commit:
    """A batch, with ledger lines and decisions still without numbers."""

    changes: Changes


@dataclass(frozen=True, slots=True)
class Save:
    """The writer has had time for so many bites."""

    bites: int


@dataclass(frozen=True, slots=True)
class Reopen:
    """guard is stopped and started."""


@dataclass(frozen=True, slots=True)
class Crash:
    """guard dies and is started on what is on the disk."""


Step = Commit | Save | Reopen | Crash

_account_ids = st.sampled_from(ACCOUNTS)
_call_keys = st.tuples(st.sampled_from(SWITCHES), st.sampled_from(CALLS))
_micros = st.integers(-(10**15), 10**15)
_some = st.integers(0, 6)


_uses = st.tuples(_some, st.text(max_size=3), _micros).map(UseRow._make)
_books = st.none() | st.lists(_uses, max_size=2).map(lambda uses: BooksRow(use=tuple(uses)))


@st.composite
def _lines(draw: st.DrawFn) -> LedgerLine:
    return line(
        0,
        draw(_account_ids),
        draw(_micros),
        at_ms=T0 + draw(_some),
        kind=draw(st.sampled_from(LineKind)),
        method=draw(st.sampled_from(("", "card"))),
        gross_micros=draw(st.none() | _micros),
        billed_s=draw(_some),
        covered_s=draw(_some),
        kind_of_call=draw(st.sampled_from(("", "domestic"))),
    )


_kept: st.SearchStrategy[KeptRow] = st.one_of(
    st.builds(subject, _account_ids, _some),
    st.builds(fuse, _some),
    st.builds(held_blocks, st.text(max_size=2)),
    st.just(crowds()),
)
_kept_or_gone = st.one_of(_kept, _kept, _kept.map(gone))


@st.composite
def batches(draw: st.DrawFn) -> Changes:
    """A batch. A key comes once in a list, as from the engine; it may be in both lists of a pair."""
    accounts = draw(st.lists(_account_ids, max_size=4, unique=True))
    live = draw(st.lists(_call_keys, max_size=4, unique=True))
    pairs = st.lists(st.tuples(st.sampled_from(SWITCHES), _account_ids), max_size=3, unique=True)
    ended = draw(st.lists(_call_keys, max_size=3, unique=True))
    return Changes(
        accounts=[account(id_, draw(_micros), name=draw(st.text(max_size=3)), books=draw(_books)) for id_ in accounts],
        calls=[call(id_, name, charge_micros=draw(_micros), to=draw(st.text(max_size=2))) for name, id_ in live],
        calls_over=draw(st.lists(_call_keys, max_size=4, unique=True)),
        switches=[switch(name, up=draw(st.booleans())) for name in draw(st.sets(st.sampled_from(SWITCHES)))],
        remembered=[
            over(
                id_,
                draw(_micros),
                switch=name,
                newest_at_ms=T0 + draw(_some),
                rated=draw(st.sampled_from((None, RATED))),
            )
            for name, id_ in ended
        ],
        forgotten_before_ms=draw(st.none() | st.integers(T0, T0 + 4)),
        ledger=draw(st.lists(_lines(), max_size=6)),
        decisions=[decision(0, draw(_account_ids)) for _ in range(draw(st.integers(0, 2)))],
        quarantine=[held(draw(_some)) for _ in range(draw(st.integers(0, 2)))],
        billing=[billing(f"p{draw(_some)}") for _ in range(draw(st.integers(0, 2)))],
        audit=[audit("allow") for _ in range(draw(st.integers(0, 1)))],
        pending=[(*pair, draw(_some)) for pair in draw(pairs)],
        settled=draw(pairs),
        kept=draw(st.lists(_kept_or_gone, max_size=3, unique_by=lambda each: each[:2])),
    )


histories: st.SearchStrategy[list[Step]] = st.lists(
    st.one_of(
        st.builds(Commit, batches()),
        st.builds(Commit, batches()),
        st.builds(Save, st.integers(1, 12)),
        st.builds(Reopen),
        st.builds(Crash),
    ),
    max_size=14,
)


class Numbering:
    """Gives ledger lines and decisions their numbers, as the engine does."""

    def __init__(self) -> None:
        self._line = self._decision = 0

    def numbered(self, changes: Changes) -> Changes:
        """The same batch with numbers."""
        lines = [replace(entry, number=self._line + nth) for nth, entry in enumerate(changes.ledger, start=1)]
        taken = [replace(entry, number=self._decision + nth) for nth, entry in enumerate(changes.decisions, start=1)]
        self._line += len(lines)
        self._decision += len(taken)
        return replace(changes, ledger=lines, decisions=taken)


async def compare(store: Store, model: Model) -> None:
    """The store gives back what the model has."""
    assert state_of(await store.restore()) == model.state()
    for name in ACCOUNTS:
        expected = model.lines(name)
        assert await whole_ledger(store, name) == expected
        assert await store.posted_since(name, 0) == sum(entry.amount_micros for entry in expected)
        assert await store.ledger_sums(name, from_ms=None, to_ms=None) == model.sums(name)
        span = (T0 + 1, T0 + 4)
        assert await store.ledger_sums(name, from_ms=span[0], to_ms=span[1]) == model.sums(name, *span)
    assert [kept for _, kept in await store.quarantined(after=0, limit=1_000)] == model.quarantine
    assert await store.decisions(account=None, after=0, limit=1_000) == model.decisions
