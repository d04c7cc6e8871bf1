"""What every store promises the engine and the people who ask (`guard.ports.Store`)."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from guard.core.decisions import Changes, LineKind, Mode
from guard.core.money import Micros
from guard.core.restored import Restored
from guard.core.rows import BooksRow
from guard.core.statement import LedgerSum
from guard.ports import StoreError
from tests.store.kept_samples import crowds, fuse, held_blocks, subject
from tests.store.samples import (
    BOOKS,
    CAUSE,
    COMMAND,
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
    posting,
    state_of,
    switch,
)
from tests.store.stores import Opening, whole_ledger

EVERYTHING = Changes(
    accounts=[
        account("A1", 350_000),
        account(
            "A/2 ünï+#\"<%'",
            -1,
            provisional=True,
            closed=True,
            limit_micros=None,
            cycles_micros=2_500_000,
            floor_micros=1,
            cap_micros=2,
            until_limit_micros=3,
            until_ms=T0,
            allow_until_ms=T0,
            command=COMMAND,
            causes=(CAUSE, CAUSE._replace(until_ms=T0, end_calls=False)),
            books=BOOKS,
        ),
        account("A2", books=BooksRow()),
        account("007", name="", limit_micros=0),
        account("", 999_999_999_999_999),
    ],
    calls=[
        call("c1"),
        call("c2", "sw/2", emergency=True, defies=True, silent_carry_scaled=2**62, stated_duration_ms=59_000),
    ],
    switches=[switch("sw1"), switch("sw/2", up=False)],
    remembered=[over("c0"), over("c9", 0, lost=True, emergency=True, direction=""), over("c8", rated=RATED)],
    forgotten_before_ms=T0 - 1,
    ledger=[
        line(1),
        line(2, kind=LineKind.PAYMENT, amount_micros=-1, ref="p7", method="cheque", emergency=True),
        line(3, gross_micros=400_000, billed_s=60, covered_s=12, kind_of_call="premium", destination="Côte d’Ivoire"),
        line(4, amount_micros=0, gross_micros=0),
    ],
    decisions=[
        decision(1),
        decision(2, limit_micros=None, evidence=(), mode=Mode.SHADOW, by="ana", rule="r", key="K"),
    ],
    quarantine=[held(1), held(2, charge_micros=5, currency="USD")],
    billing=[billing("p7"), billing("m1", amount_micros=None, method="", status="", payload='{"type":"card"}')],
    audit=[audit("allow")],
    pending=[("sw1", "A1", 7), ("sw/2", "A1", 7)],
    kept=[subject("A1"), crowds(), fuse(1, 2, open_since_ms=3), held_blocks("h1", "h2")],
)


async def test_an_empty_store_restores_nothing(opening: Opening) -> None:
    async with opening() as store:
        restored = await store.restore()
    assert state_of(restored) == Model().state()
    assert restored.unpublished == []


async def test_everything_comes_back_as_it_was_committed(opening: Opening) -> None:
    model = Model()
    model.apply(EVERYTHING)
    async with opening() as store:
        await store.commit(EVERYTHING)
        assert state_of(await store.restore()) == model.state()
    async with opening() as store:
        restored = await store.restore()
        assert state_of(restored) == model.state()
        assert restored.unpublished == EVERYTHING.decisions
        assert await store.decisions(account=None, after=0, limit=10) == EVERYTHING.decisions
        assert await whole_ledger(store, "A1") == EVERYTHING.ledger
        assert [kept for _, kept in await store.quarantined(after=0, limit=10)] == EVERYTHING.quarantine


async def test_types_come_back_too(opening: Opening) -> None:
    """Zero is not false and seven is not "007"."""
    async with opening() as store:
        await store.commit(Changes(accounts=EVERYTHING.accounts, calls=EVERYTHING.calls))
        _has_exact_types(await store.restore())
    async with opening() as store:
        _has_exact_types(await store.restore())


def _has_exact_types(restored: Restored) -> None:
    rows = {row.id: row for row in restored.accounts}
    assert [type(value) for value in rows["A1"]] == [type(value) for value in account("A1")]
    assert rows["007"].limit_micros == 0
    assert rows["007"].limit_micros is not None
    calls = {row.call: row for row in restored.calls}
    assert [type(value) for value in calls["c1"]] == [type(value) for value in call("c1")]


async def test_the_newest_state_wins(opening: Opening) -> None:
    async with opening() as store:
        for owed in range(5):
            await store.commit(Changes(accounts=[account("A1", owed)], calls=[call("c1", charge_micros=owed)]))
        restored = await store.restore()
    assert restored.accounts == [account("A1", 4)]
    assert restored.calls == [call("c1", charge_micros=4)]


async def test_a_call_that_is_over_is_gone_and_may_come_back(opening: Opening) -> None:
    async with opening() as store:
        await store.commit(Changes(calls=[call("c1"), call("c2")]))
        await store.commit(Changes(calls_over=[("sw1", "c1"), ("sw1", "never there")]))
        assert (await store.restore()).calls == [call("c2")]
        await store.commit(Changes(calls_over=[("sw1", "c1"), ("sw1", "c2")], calls=[call("c1", posted_micros=5)]))
        assert (await store.restore()).calls == [call("c1", posted_micros=5)]


async def test_what_waits_for_a_switch_is_settled_and_set_anew(opening: Opening) -> None:
    async with opening() as store:
        await store.commit(Changes(pending=[("sw1", "A1", 1), ("sw1", "A2", 1), ("sw2", "A1", 1)]))
        await store.commit(Changes(pending=[("sw1", "A1", 2)], settled=[("sw1", "A1"), ("sw1", "A2"), ("sw9", "A9")]))
        restored = await store.restore()
    assert sorted(restored.pending) == [("sw1", "A1", 2), ("sw2", "A1", 1)]


async def test_of_a_call_remembered_twice_the_later_one_counts(opening: Opening) -> None:
    lost, ended = over("c1", 5, lost=True), over("c1", 8, newest_at_ms=T0 + 1)
    async with opening() as store:
        await store.commit(Changes(remembered=[lost, over("c2")]))
        await store.commit(Changes(remembered=[ended]))
        restored = await store.restore()
    assert {past.call: past for past in restored.remembered} == {"c1": ended, "c2": over("c2")}


async def test_what_is_older_than_the_memory_is_gone(opening: Opening) -> None:
    calls = [over(f"c{age}", newest_at_ms=T0 - age) for age in range(5)]
    async with opening() as store:
        await store.commit(Changes(remembered=calls))
        await store.commit(Changes(forgotten_before_ms=T0 - 2))
        await store.commit(Changes(forgotten_before_ms=T0 - 3))
        assert {past.call for past in (await store.restore()).remembered} == {"c0", "c1", "c2"}
    async with opening() as store:
        restored = await store.restore()
    assert {past.call for past in restored.remembered} == {"c0", "c1", "c2"}
    assert restored.forgotten_before_ms == T0 - 2


async def test_billing_messages_come_back_in_the_order_in_which_they_were_taken(opening: Opening) -> None:
    taken = [billing("p7"), billing("p8"), billing("p7", status="posted")]
    async with opening() as store:
        for entry in taken:
            await store.commit(Changes(billing=[entry]))
        assert (await store.restore()).billing == taken


async def test_nothing_to_commit_is_no_error(opening: Opening) -> None:
    async with opening() as store:
        await store.commit(Changes())
        assert state_of(await store.restore()) == Model().state()


async def test_the_caller_may_reuse_its_lists(opening: Opening) -> None:
    changes = Changes(accounts=[account("A1", 1)])
    async with opening() as store:
        await store.commit(changes)
        changes.accounts[0] = account("A1", 2)
        await store.commit(changes)
        await store.commit(changes)
        assert (await store.restore()).accounts == [account("A1", 2)]


async def test_commits_handed_in_together_are_made_one_after_the_other(opening: Opening) -> None:
    batches = [posting(number, 5, 5 * number) for number in range(1, 21)]
    async with opening() as store:
        await asyncio.gather(*(store.commit(batch) for batch in batches))
        restored = await store.restore()
    assert restored.accounts == [account("A1", 100)]
    assert restored.last_line == 20


# -- decisions


async def test_decisions_are_read_from_a_number_on(opening: Opening) -> None:
    taken = [decision(number, "A1" if number % 2 else "A2") for number in range(1, 10)]
    async with opening() as store:
        await store.commit(Changes(decisions=taken))
        assert await store.decisions(account=None, after=4, limit=3) == taken[4:7]
        assert await store.decisions(account="A1", after=4, limit=2) == [taken[4], taken[6]]
        assert await store.decisions(account="A1", after=9, limit=2) == []
        assert await store.decisions(account="nobody", after=0, limit=2) == []
        assert await store.last_decisions("A2", 2) == [taken[7], taken[5]]
        assert await store.decisions(account=None, after=0, limit=0) == []


async def test_decisions_not_yet_published_are_told_again(opening: Opening) -> None:
    taken = [decision(number) for number in range(1, 6)]
    async with opening() as store:
        await store.commit(Changes(decisions=taken))
        await store.published(3)
        await store.published(2)
    async with opening() as store:
        assert (await store.restore()).unpublished == taken[3:]
        await store.published(5)
    async with opening() as store:
        assert (await store.restore()).unpublished == []


# -- the ledger


async def test_the_ledger_is_ordered_by_time_then_number(opening: Opening) -> None:
    lines = [line(1, at_ms=T0 + 5), line(2, at_ms=T0), line(3, at_ms=T0 + 5), line(4, "A2"), line(5, at_ms=-1)]
    model = Model()
    model.apply(Changes(ledger=lines))
    async with opening() as store:
        for entry in lines:
            await store.commit(Changes(ledger=[entry]))
        for from_ms, to_ms in ((None, None), (T0, T0 + 5), (T0 + 5, None), (None, T0), (T0, T0), (T0 + 5, T0 + 6)):
            read = await whole_ledger(store, "A1", from_ms=from_ms, to_ms=to_ms)
            assert read == model.lines("A1", from_ms, to_ms), (from_ms, to_ms)
        assert await whole_ledger(store, "nobody") == []


async def test_a_long_ledger_comes_in_bounded_pages_and_is_whole(opening: Opening) -> None:
    """Many lines at one time, too: pages break between lines, not between times."""
    count = 2_345
    lines = [line(number, at_ms=T0 - number // 700) for number in range(1, count + 1)]
    async with opening() as store:
        await store.commit(Changes(ledger=lines[:1_500]))
    async with opening() as store:
        await store.commit(Changes(ledger=lines[1_500:]))
        pages = [page async for page in store.ledger("A1", from_ms=None, to_ms=None)]
    assert [entry for page in pages for entry in page] == sorted(lines, key=lambda entry: (entry.at_ms, entry.number))
    assert max(len(page) for page in pages) <= 1_000


async def test_a_stream_shows_the_ledger_as_it_was_when_it_began(opening: Opening) -> None:
    async with opening() as store:
        await store.commit(Changes(ledger=[line(number) for number in range(1, 1_501)]))
        seen = []
        number = 1_500
        async for page in store.ledger("A1", from_ms=None, to_ms=None):
            seen += [entry.number for entry in page]
            number += 1
            await store.commit(Changes(ledger=[line(number, at_ms=T0 + 900)]))
        assert seen == list(range(1, 1_501))


async def test_what_was_posted_since_a_time_is_summed(opening: Opening) -> None:
    async with opening() as store:
        assert await store.posted_since("A1", 0) == 0
        for number in range(1, 6):
            await store.commit(Changes(ledger=[line(number, "A1" if number < 5 else "A2", 10**number)]))
        assert await store.posted_since("A1", T0 + 2) == 11_000
        assert await store.posted_since("A1", T0 + 9) == 0
    async with opening() as store:
        assert await store.posted_since("A1", T0 + 2) == 11_000
        await store.commit(Changes(ledger=[line(6, "A1", -1_000)]))
        assert await store.posted_since("A1", T0 + 2) == 10_000


async def test_the_ledger_is_added_up_by_kind_class_and_method(opening: Opening) -> None:
    """Over any span, whatever of it has reached the directory; a line without a gross counts with its amount."""
    first = [
        line(1, amount_micros=100, gross_micros=150, billed_s=60, covered_s=20, kind_of_call="domestic"),
        line(2, amount_micros=7, at_ms=T0 + 2, kind_of_call="domestic"),
        line(3, amount_micros=0, gross_micros=9, kind_of_call="international"),
        line(4, kind=LineKind.PAYMENT, amount_micros=-50, method="cheque", duration_ms=0),
        line(5, kind=LineKind.PAYMENT, amount_micros=-60, method="card", duration_ms=0),
        line(6, "A2", 1_000),
    ]
    second = [
        line(7, kind=LineKind.CORRECTION, amount_micros=-100, gross_micros=-150, kind_of_call="domestic"),
        line(8, kind=LineKind.LOST, amount_micros=3),
        line(9, kind=LineKind.ADJUSTMENT, amount_micros=11, duration_ms=0),
        line(10, amount_micros=5, at_ms=T0 + 1, kind_of_call="domestic"),
    ]
    model = Model()
    model.apply(Changes(ledger=first + second))
    async with opening() as store:
        assert await store.ledger_sums("A1", from_ms=None, to_ms=None) == []
        await store.commit(Changes(ledger=first))
    async with opening() as store:
        await store.commit(Changes(ledger=second))
        for from_ms, to_ms in ((None, None), (T0 + 2, T0 + 8), (T0 + 8, None), (None, T0 + 2), (T0 + 5, T0 + 5)):
            read = await store.ledger_sums("A1", from_ms=from_ms, to_ms=to_ms)
            assert read == model.sums("A1", from_ms, to_ms), (from_ms, to_ms)
        domestic = next(total for total in await store.ledger_sums("A1", from_ms=None, to_ms=None) if total.covered_s)
        assert await store.ledger_sums("nobody", from_ms=None, to_ms=None) == []
    assert domestic == LedgerSum(
        kind=LineKind.CALL,
        kind_of_call="domestic",
        method="",
        lines=3,
        amount_micros=Micros(112),
        gross_micros=Micros(162),
        duration_ms=180_000,
        billed_s=60,
        covered_s=20,
    )


async def test_sums_have_no_bound(opening: Opening) -> None:
    """What a single 64-bit integer cannot hold is added up all the same."""
    most = 999_999_999_999_999
    async with opening() as store:
        await store.commit(Changes(ledger=[line(number, amount_micros=most) for number in range(1, 10_001)]))
    async with opening() as store:
        (total,) = await store.ledger_sums("A1", from_ms=None, to_ms=None)
    assert total.amount_micros == total.gross_micros == 10_000 * most


# -- billing and audit


async def test_billing_messages_are_read_newest_first_with_their_payloads(opening: Opening) -> None:
    taken = [
        billing("p7", payload='{"type":"payment"}'),
        billing("i1", type="invoice", payload='{"period_start":"2026-10-01","note":"ünï"}'),
        billing("p8", account="A2"),
        billing("p7", status="posted", payload="{}"),
        billing("m1", type="account", amount_micros=None),
    ]
    async with opening() as store:
        for entry in taken:
            await store.commit(Changes(billing=[entry]))
        assert await store.billing_entries("A1", kinds=["payment", "invoice"], limit=9) == [
            taken[3],
            taken[1],
            taken[0],
        ]
        assert await store.billing_entries("A1", kinds=("payment",), limit=1) == [taken[3]]
        assert await store.billing_entries("A1", kinds=[], limit=9) == []
        assert await store.billing_entries("nobody", kinds=["payment"], limit=9) == []


async def test_what_was_done_to_an_account_is_read_newest_first(opening: Opening) -> None:
    done = [audit("allow"), audit("limit"), replace(audit("release"), account="A2")]
    async with opening() as store:
        await store.commit(Changes(audit=done))
        assert await store.last_audits("A1", 5) == [done[1], done[0]]
        assert await store.last_audits("A1", 1) == [done[1]]


# -- quarantine


async def test_the_quarantine_is_paged_by_row_number(opening: Opening) -> None:
    kept = [held(number) for number in range(1, 8)]
    async with opening() as store:
        await store.commit(Changes(quarantine=kept[:3]))
        await store.commit(Changes(quarantine=kept[3:]))
        first = await store.quarantined(after=0, limit=4)
        rest = await store.quarantined(after=first[-1][0], limit=4)
    assert [entry for _, entry in first + rest] == kept
    numbers = [number for number, _ in first + rest]
    assert numbers == sorted(set(numbers))


# -- failures


async def test_a_closed_store_says_so(opening: Opening) -> None:
    async with opening() as store:
        await store.commit(Changes(accounts=[account("A1")]))
    with pytest.raises(StoreError, match="closed"):
        await store.commit(Changes(accounts=[account("A1", 1)]))
    with pytest.raises(StoreError, match="closed"):
        await store.decisions(account=None, after=0, limit=1)


async def test_a_batch_that_cannot_be_stored_leaves_nothing_behind(opening: Opening) -> None:
    """A number beyond 64 bits at the end of a batch: none of the batch is there, and the next one is taken."""
    good = posting(1, 5, 5)
    bad = replace(posting(2, 5, 10), quarantine=[held(1, at_ms=2**63)])
    async with opening() as store:
        await store.commit(good)
        for _ in range(2):
            with pytest.raises(StoreError):
                await store.commit(bad)
        model = Model()
        model.apply(good)
        assert state_of(await store.restore()) == model.state()
        better = posting(2, 5, 10)
        await store.commit(better)
        model.apply(better)
        assert state_of(await store.restore()) == model.state()
        assert await whole_ledger(store, "A1") == model.lines("A1")
