"""Old call details are deleted: who called whom is gone, from a file to the last byte, and the money stays."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from guard.adapters.sqlite import check_ledger, details, open_store
from guard.app.stores import DaemonStore
from guard.core.decisions import Changes, Evidence, LedgerLine, LineKind
from guard.core.money import Micros
from guard.core.privacy import Deleted
from guard.core.rules.profile import NUMBER, SOURCE
from guard.core.rules.rows import SubjectRow
from guard.core.settings import DAY_MS
from tests.store import kept_samples
from tests.store.samples import RATED, T0, account, billing, call, decision, held, line, over
from tests.store.stores import Opening, whole_ledger

KEEP_MS = 90 * DAY_MS
NOW_MS = T0 + 100 * DAY_MS
"""The samples are of T0."""
CALLED, CALLER, SOURCE_ADDRESS = "+252617394085", "+16475958642", "203.0.113.94"
HERE = Path(__file__).parents[2]


async def delete(store: DaemonStore, now_ms: int = NOW_MS, keep_ms: int | None = KEEP_MS) -> Deleted:
    """A whole run; what it came to."""
    run = store.old_details(now_ms=now_ms, keep_ms=keep_ms)
    lines = decisions = reports = profiles = 0
    while True:
        deleted = await run.step()
        lines, decisions = lines + deleted.lines, decisions + deleted.decisions
        reports, profiles = reports + deleted.reports, profiles + deleted.profiles
        if not deleted.more:
            break
    while await run.scrub():
        pass
    assert await run.empty_log()
    return Deleted(lines=lines, decisions=decisions, reports=reports, profiles=profiles)


def calls(first: int, count: int, at_ms: int = T0, account_id: str = "A1") -> list[LedgerLine]:
    """Lines of calls, a micro each."""
    numbers = range(first, first + count)
    return [line(each, account_id, 1, at_ms=at_ms + each, to=CALLED, destination="Somalia") for each in numbers]


def bytes_of(path: Path) -> bytes:
    """All that the store has on disk."""
    return b"".join(each.read_bytes() for each in path.parent.iterdir() if each.is_file())


async def test_old_calls_lose_whom_they_called_and_keep_what_they_cost(opening: Opening) -> None:
    async with opening() as store:
        paid = line(3, amount_micros=-5, kind=LineKind.PAYMENT, switch="", call="", to="", direction="", ref="p1")
        old, young = calls(1, 2), calls(4, 2, NOW_MS - KEEP_MS)
        await store.commit(Changes(accounts=[account("A1", -1)], ledger=[*old, paid, *young]))
        before = await store.ledger_sums("A1", from_ms=None, to_ms=None)
        assert await delete(store) == Deleted(lines=2)
        kept = await whole_ledger(store, "A1")
        assert {(each.to, each.call) for each in kept if each.number <= 2} == {("", "")}
        blank = [(each.number, each.amount_micros, each.at_ms, each.destination, each.duration_ms) for each in old]
        assert [(e.number, e.amount_micros, e.at_ms, e.destination, e.duration_ms) for e in kept[:2]] == blank
        assert [each for each in kept if each.number > 2] == [paid, *young]
        assert await store.ledger_sums("A1", from_ms=None, to_ms=None) == before
        assert await delete(store) == Deleted()
    assert await opening.check() == []


async def test_lines_go_in_the_order_of_posting_and_wait_for_a_young_call(opening: Opening) -> None:
    """A payment that is dated ahead holds up nothing."""
    async with opening() as store:
        ahead = line(1, amount_micros=5, kind=LineKind.ADJUSTMENT, at_ms=NOW_MS + DAY_MS, switch="", call="", to="")
        lines = [ahead, *calls(2, 1), *calls(3, 1, NOW_MS), *calls(4, 1)]
        await store.commit(Changes(accounts=[account("A1", 8)], ledger=lines))
        assert (await delete(store)).lines == 1
        assert [each.to for each in sorted(await whole_ledger(store, "A1"), key=lambda each: each.number)] == [
            "",
            "",
            CALLED,
            CALLED,
        ]
        assert (await delete(store, NOW_MS + KEEP_MS + DAY_MS)).lines == 2


async def test_decisions_lose_addresses_and_names_of_calls_and_keep_their_reason(opening: Opening) -> None:
    async with opening() as store:
        masked = decision(1, rule="same-number", key="+25261***#a1b2", text="3 calls to +25261***; 3 is the mark.")
        by_source = decision(
            2,
            rule="source",
            key=SOURCE_ADDRESS,
            text=f"9 calls from {SOURCE_ADDRESS}; 8 is the mark.",
            evidence=(Evidence(what="calls", value="9", threshold="8"),),
        )
        by_call = decision(3, rule="long", key="sw1/1e51f3a@203.0.113.94")
        young = decision(4, rule="source", key=SOURCE_ADDRESS, at_ms=NOW_MS)
        await store.commit(Changes(decisions=[masked, by_source, by_call, young]))
        assert await delete(store) == Deleted(decisions=2)
        found = await store.decisions(account=None, after=0, limit=10)
        assert [each.key for each in found] == ["+25261***#a1b2", "***", "***", SOURCE_ADDRESS]
        assert found[1].text == "9 calls from ***; 8 is the mark."
        assert (found[0], found[3]) == (masked, young)
        assert [each.id for each in found] == [f"decision-{number}" for number in range(1, 5)]


async def test_old_reports_in_quarantine_go(opening: Opening) -> None:
    async with opening() as store:
        await store.commit(Changes(quarantine=[held(1), held(2), held(3, received_at_ms=NOW_MS)]))
        assert await delete(store) == Deleted(reports=2)
        assert [number for number, _ in await store.quarantined(after=0, limit=9)] == [3]


async def test_profiles_of_silent_accounts_let_go_of_numbers_and_sources(opening: Opening) -> None:
    """What is usual in money, price and countries stays; of an account that calls only what is old goes."""
    today = NOW_MS // DAY_MS
    silent = kept_samples.subject("A1")
    row = silent.row
    assert isinstance(row, SubjectRow)
    habits = (
        *row.profile.habits[:2],
        ((SOURCE_ADDRESS, today - 200),),
        ((CALLED[1:], today - 200), ("252", today - 9)),
    )
    silent = silent._replace(row=row._replace(profile=row.profile._replace(habits=habits), live=()))
    awake = silent._replace(key="A2", row=row._replace(profile=row.profile._replace(today=today, habits=habits)))
    async with opening() as store:
        await store.commit(Changes(kept=[silent, awake]))
        assert await delete(store) == Deleted(profiles=2)
        assert await delete(store) == Deleted()
        rows = {each.key: each.row for each in (await store.restore()).kept}
    first, second = rows["A1"], rows["A2"]
    assert isinstance(first, SubjectRow)
    assert isinstance(second, SubjectRow)
    for found in (first, second):
        assert found.profile.habits[SOURCE] == ()
        assert found.profile.habits[NUMBER] == (("252", today - 9),)
        assert found.profile.habits[:2] == row.profile.habits[:2]
        assert found.profile.spend_mills == row.profile.spend_mills
    assert (first.seen, first.across, [bool(tally.marks) for tally in first.tallies]) == ((), (), [True])
    assert (second.seen, second.across, second.tallies) == (row.seen, row.across, row.tallies)


async def test_nothing_goes_where_details_are_kept_for_ever(opening: Opening) -> None:
    async with opening() as store:
        await store.commit(Changes(accounts=[account("A1", 3)], ledger=calls(1, 3), quarantine=[held(1)]))
        assert await delete(store, keep_ms=None) == Deleted()


async def test_the_bytes_are_gone(tmp_path: Path) -> None:
    """In the file and in its log: of lines, of the journal, of rows that were written again and again."""
    path = tmp_path / "guard.db"
    async with open_store(path) as store:
        for number in range(1, 201):
            row = kept_samples.subject(f"A{number % 7}", number)
            assert isinstance(row.row, SubjectRow)
            seen = tuple(each._replace(number=CALLED[1:], dialled=CALLED) for each in row.row.seen) * 40
            changes = Changes(
                accounts=[account("A1", number)],
                calls=[call(f"c{number}", to=CALLED, caller=CALLER, source=SOURCE_ADDRESS)],
                calls_over=[("sw1", f"c{number - 1}")],
                ledger=calls(number, 1),
                remembered=[over(f"c{number}", rated=RATED._replace(to=CALLED), newest_at_ms=T0 + number)],
                forgotten_before_ms=NOW_MS if number == 200 else None,
                kept=[row._replace(row=row.row._replace(seen=seen, live=()))],
            )
            await store.commit(changes)
        await store.commit(Changes(calls_over=[("sw1", "c200")], quarantine=[held(1)]))
        needles = [text.encode() for text in (CALLED, CALLED[1:], CALLER, SOURCE_ADDRESS)]
        assert all(needle in bytes_of(path) for needle in needles)
    async with open_store(path) as store:
        deleted = await delete(store)
        assert (deleted.lines, deleted.profiles) == (200, 7)
        assert [needle for needle in needles if needle in bytes_of(path)] == []
        assert (path.with_name("guard.db-wal")).stat().st_size == 0
    assert check_ledger(path) == []


async def test_a_lost_call_that_came_back_after_long_is_no_finding(opening: Opening) -> None:
    """Its first line has lost its name while the call itself is still remembered."""
    async with opening() as store:
        lost = line(1, amount_micros=7, kind=LineKind.LOST, call="c1", to=CALLED)
        rest = line(2, amount_micros=3, kind=LineKind.CORRECTION, call="c1", to=CALLED, at_ms=NOW_MS)
        remembered = over("c1", 10, newest_at_ms=NOW_MS)
        await store.commit(Changes(accounts=[account("A1", 10)], ledger=[lost, rest], remembered=[remembered]))
        assert (await delete(store)).lines == 1
    assert await opening.check() == []
    async with opening() as store:
        await store.commit(Changes(remembered=[over("c1", 11, newest_at_ms=NOW_MS)]))
    assert any("0.000011 was posted" in finding for finding in await opening.check())


def _run_and_kill(path: Path, alive_s: float) -> None:
    """Let a child delete, kill it that long after its first step."""
    command = [sys.executable, "-m", "tests.store.details_child", str(path), str(NOW_MS), str(KEEP_MS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=HERE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(alive_s)
        child.kill()


async def test_a_crash_between_steps_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed again and again; what is left is done by the next run, and the ledger adds up after each."""
    path = tmp_path / "guard.db"
    lines = 2_000
    async with open_store(path) as store:
        decisions = [decision(number, rule="source", key=SOURCE_ADDRESS) for number in range(1, 101)]
        quarantine = [held(number) for number in range(100)]
        owed = [account("A1", lines)]
        await store.commit(Changes(accounts=owed, ledger=calls(1, lines), decisions=decisions, quarantine=quarantine))
    chance = random.Random(6)
    for _ in range(6):
        _run_and_kill(path, chance.uniform(0, 0.02))
        assert check_ledger(path) == []
    monkeypatch.setattr(details, "LINES_AT_ONCE", 100)
    async with open_store(path) as store:
        await delete(store)
        assert {(each.to, each.call) for each in await whole_ledger(store, "A1")} == {("", "")}
        assert {each.key for each in await store.decisions(account=None, after=0, limit=200)} == {"***"}
        assert await store.quarantined(after=0, limit=1) == []
    assert CALLED.encode() not in bytes_of(path)
    assert check_ledger(path) == []


async def test_an_account_that_is_forgotten_keeps_its_money_and_its_blocks(opening: Opening) -> None:
    """Another account, and what comes later under the same id, are not touched; a remembered call keeps its name."""
    at_ms = T0 + DAY_MS
    mine, other = calls(1, 3), calls(4, 1, account_id="A2")
    fee = line(5, amount_micros=7, kind=LineKind.ADJUSTMENT, text="for Mr Smith", switch="", call="", to="", ref="a1")
    card = billing("k1", type="card", payload='{"expires":"2026-12"}', amount_micros=None)
    paid = billing("p1", payload="kept")
    async with opening() as store:
        rows = [account("A1", 10), account("A2", 1)]
        blocks = [decision(1, rule="source", key=SOURCE_ADDRESS), decision(2)]
        await store.commit(Changes(accounts=rows, ledger=[*mine, *other, fee], decisions=blocks, billing=[card, paid]))
        await store.commit(Changes(quarantine=[held(1), held(2, account="A2")], forgotten=[("A1", at_ms, 5)]))
        await store.commit(Changes(accounts=[account("A1", 11)], ledger=calls(6, 1, at_ms)))
    async with opening() as store:
        assert await delete(store, at_ms + 1, None) == Deleted(lines=4, decisions=1, reports=1)
        found = {each.number: each for each in await whole_ledger(store, "A1")}
        assert [(found[number].to, found[number].call) for number in (1, 2, 3)] == [
            ("", "call-1"),
            ("", "call-2"),
            ("", "call-3"),
        ]
        assert (found[5].text, found[5].amount_micros, found[5].ref) == ("", Micros(7), "a1")
        assert found[6].to == CALLED
        assert (await whole_ledger(store, "A2"))[0].to == CALLED
        assert [each.payload for each in await store.billing_entries("A1", kinds=["card", "payment"], limit=9)] == [
            "kept",
            "",
        ]
        assert [each.account for _, each in await store.quarantined(after=0, limit=9)] == ["A2"]
        # A week later nothing of it is remembered any more: the names of its calls go too, and it is done.
        await store.commit(Changes(forgotten_before_ms=at_ms + 1))
    async with opening() as store:
        assert (await delete(store, at_ms + 8 * DAY_MS, None)).lines == 3
        assert await delete(store, at_ms + 8 * DAY_MS, None) == Deleted()
        assert {each.call for each in await whole_ledger(store, "A1") if each.number < 6} == {""}
    assert await opening.check() == []
