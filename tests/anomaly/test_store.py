"""A model is trained from the store that a daemon writes, and adopted only if it may be."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from guard.adapters.sqlite import open_store
from guard.adapters.sqlite.past import past_of
from guard.anomaly.artefact import load
from guard.anomaly.features import FEATURE_NAMES
from guard.anomaly.training import Recipe, Trained, train
from guard.backtest.history import Sorter
from guard.cli import app
from guard.commands.backtest import make_engine
from guard.commands.output import CommandError
from guard.commands.train_adopt import CURRENT, adopt, new_folder
from guard.commands.train_store import UNTOLD, accounts_of, take_calls
from guard.config import Config
from guard.core.decisions import Changes
from guard.core.money import Micros
from guard.core.records import AccountMessage, Credit, Direction, Event, Report
from guard.core.settings import MINUTE_MS
from guard.ports import StoreError
from tests.anomaly.builders import START_MS, history, samples_of, trained, write_model
from tests.store.samples import account, posting

TO = "+16475550100"


async def daemon(path: Path, accounts: int, calls: int) -> None:
    """What a daemon keeps of some customers who each make calls of three minutes at 0.10, an hour apart."""
    engine = make_engine(Config(), (), START_MS)
    async with open_store(path) as store:
        for number in range(calls):
            begins_ms = START_MS + number * 60 * MINUTE_MS
            for minute in (0, 3):
                at_ms = begins_ms + minute * MINUTE_MS
                engine.advance(at_ms)
                for customer in range(accounts):
                    event = Event.ENDED if minute else Event.ANSWERED
                    said = Report(f"c{customer}-{number}", event, f"A{customer}", at_ms, minute * MINUTE_MS, TO)
                    said.charge_micros = Micros(100_000 * minute)
                    engine.report("sw1", said, at_ms)
                engine.report("sw1", Report(f"try-{number}", Event.FAILED, "A0", at_ms, 0, TO), at_ms)
            await store.commit(engine.take())


def test_the_ledger_tells_of_calls_what_a_switch_had_told(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"
    asyncio.run(daemon(path, accounts=2, calls=3))
    with past_of(path) as past, Sorter(tmp_path) as sorter:
        take_calls(past, sorter)
        told = [report for _, report in sorter.history() if report.call == "c1-2"]
        bills = [bill.message for bill in accounts_of(past)]
    begins_ms = START_MS + 120 * MINUTE_MS
    assert [report.event for report in told] == [Event.ANSWERED, *[Event.TICK] * 5, Event.ENDED]
    assert (told[0].at_ms, told[-1].at_ms) == (begins_ms, begins_ms + 3 * MINUTE_MS)
    assert [report.charge_micros for report in told] == [50_000 * half for half in range(7)]
    assert {(report.account, report.to, report.direction) for report in told} == {("A1", TO, Direction.OUTGOING)}
    assert [bill.account for bill in bills] in ([], ["A0", "A1"]), "as they were saved last"


def test_all_accounts_are_played_without_a_limit(tmp_path: Path) -> None:
    async def two() -> None:
        async with open_store(tmp_path / "guard.db") as store:
            await store.commit(posting(1, 1_000_000, 1_000_000, "A1"))
            await store.commit(Changes(accounts=[account("idle")]))

    asyncio.run(two())
    with past_of(tmp_path / "guard.db") as past:
        messages = [bill.message for bill in accounts_of(past)]
    assert [(each.account, each.credit) for each in messages if isinstance(each, AccountMessage)] == [
        ("A1", Credit(limit_micros=None)),
        ("idle", Credit(limit_micros=None)),
    ]


def test_it_is_read_while_a_daemon_writes_it(tmp_path: Path) -> None:
    path = tmp_path / "guard.db"

    async def beside() -> list[int]:
        async with open_store(path) as store:
            await store.commit(posting(1, 1_000_000, 1_000_000, "A1"))
            with past_of(path) as past:
                told = past.calls()
                first = next(told).number
                await store.commit(posting(2, 1_000_000, 2_000_000, "A1"))
                return [first, *(line.number for line in told)]

    assert asyncio.run(beside()) in ([1], [1, 2])


def test_a_store_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no such file"), past_of(tmp_path / "guard.db"):
        pass
    result = CliRunner().invoke(app, ["train", "--store", str(tmp_path / "guard.db"), "--out", str(tmp_path / "m")])
    assert (result.exit_code, "there is no such file" in result.output) == (2, True)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "either --reports FILE or --store FILE"),
        (["--store", "guard.db", "--reports", "h.ndjson"], "either --reports FILE or --store FILE"),
        (["--store", "guard.db", "--billing", "b.ndjson"], "--billing goes with --reports"),
    ],
)
def test_what_to_learn_from_is_one_thing(words: list[str], said: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["train", *words, "--out", str(tmp_path)])
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


@pytest.mark.slow
def test_a_model_from_a_store_says_what_it_does_not_look_at(tmp_path: Path) -> None:
    path, out = tmp_path / "guard.db", tmp_path / "models"
    asyncio.run(daemon(path, accounts=60, calls=120))
    result = CliRunner().invoke(app, ["train", "--store", str(path), "--out", str(out), "--adopt"])
    assert result.exit_code == 1, "five days make no promise"
    assert "is not adopted" in result.output
    assert "cannot be promised with this history" in result.output
    assert not (out / CURRENT).exists()
    (folder,) = out.iterdir()
    made = load(folder)
    assert set(made.origin.trained["untold"]) == UNTOLD
    assert made.origin.trained["accounts"] == 60
    for name in UNTOLD:
        assert made.model.drift_bins[FEATURE_NAMES.index(name)] == ()


def promised(made: Trained, promise: float) -> Trained:
    """The same training for another promise."""
    return replace(made, recipe=replace(made.recipe, promise=promise))


def test_one_that_keeps_its_promise_is_adopted(tmp_path: Path) -> None:
    made = promised(trained(), 20.0)
    first, second = (new_folder(tmp_path, START_MS + each) for each in (0, 1_000))
    for folder in (first, second):
        write_model(folder)
        adopt(folder, made, None)
        assert (tmp_path / CURRENT).resolve() == folder
    assert second.name == "2026-09-01T000001Z"
    assert load(tmp_path / CURRENT).model == made.model


def test_one_that_cannot_promise_what_is_asked_for_is_not(tmp_path: Path) -> None:
    write_model(tmp_path / "new")
    with pytest.raises(CommandError, match="cannot be promised with this history"):
        adopt(tmp_path / "new", promised(trained(), 0.1), None)
    assert not (tmp_path / CURRENT).exists()


def test_one_that_broke_its_promise_is_not(tmp_path: Path) -> None:
    made = promised(trained(), 20.0)
    broken = replace(made, checks=tuple(replace(check, alarms=check.days) for check in made.checks))
    write_model(tmp_path / "new")
    with pytest.raises(CommandError, match=r"known for two weeks: 1000\.0 false alarms .* promised 20"):
        adopt(tmp_path / "new", broken, None)


def test_one_of_other_traffic_is_not_until_somebody_has_looked(tmp_path: Path) -> None:
    write_model(tmp_path / "old")
    rows = [row._replace(measures=row.measures._replace(top_rate=9.0)) for row in history(7)]
    other = train(samples_of(rows), Recipe(seed=3, trees=20, promise=20.0))
    with pytest.raises(CommandError, match=r"price has moved by \d+\.\d+, at most 0\.25"):
        adopt(tmp_path / "new", other, load(tmp_path / "old"))
