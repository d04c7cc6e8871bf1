"""A whole history from one seed: who lives there, what befalls them, what billing says, what the truth is.

First the usual calls of everybody, with those whose business grows, sells or moves; then the frauds and the surprises,
each cast with customers to whom nothing else happens (in a small town some stories find nobody left, those of crowds
first); then the invoices, payments and limits that fit what everybody
usually spends. Every fifth town or so stands in Britain or Germany. The same seed makes the same bytes.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any, Protocol

from tests.strangers.bustle import NEAR, NEAR_CROWDS
from tests.strangers.farflung import FAR, FAR_CROWDS
from tests.strangers.frauds import LOUD, WAVES
from tests.strangers.invoices import billing
from tests.strangers.paper import STYLES, Call, instant, money, reports
from tests.strangers.people import HABITS, Customer, Trend, customer, days
from tests.strangers.places import HOMES, Home
from tests.strangers.scene import Case, NobodyLeftError, Scene
from tests.strangers.slyness import SLY

NEWCOMERS = 6


class Person(Protocol):
    """A customer, as far as the judge asks."""

    @property
    def account(self) -> str:
        """The account."""
        ...

    @property
    def kind(self) -> str:
        """What sort of customer."""
        ...

    @property
    def opens(self) -> int:
        """The day on which the account is opened; 0: long before."""
        ...


@dataclass(frozen=True, slots=True)
class Town:
    """A history and its truth."""

    home: Home
    first: date
    count: int
    people: Sequence[Person]
    calls: list[Call]
    bills: list[dict[str, Any]]
    cases: list[Case]

    @property
    def account_days(self) -> int:
        """How long how many were watched."""
        return sum(self.count - each.opens for each in self.people)


def build(seed: int, *, accounts: int = 160, count: int = 26) -> Town:
    """Everything that happens in so many days."""
    draw = Random(f"strangers {seed}")
    home = HOMES["GB" if seed % 10 == 3 else "DE" if seed % 10 == 7 else "CA"]
    first = date(2024, 1, 1) + timedelta(days=draw.randrange(900))
    people = _people(home, accounts, count, draw)
    scene = Scene(home, first, count, people, draw)
    changes = _changes(scene)
    for who in people:
        scene.calls += days(who, first, count)
    usual = _spent(scene.calls)
    for change in changes:
        _tell(scene, change)
    for story in sorted((*LOUD, *SLY, *FAR, *NEAR), key=(*FAR_CROWDS, *NEAR_CROWDS, *WAVES).__contains__):
        with suppress(NobodyLeftError):
            story(scene)
    scene.calls.sort(key=lambda each: each.at_ms)
    bills = [*billing(people, usual, first, count, draw), *scene.bills]
    return Town(home, first, count, people, scene.calls, bills, scene.cases())


@dataclass(frozen=True, slots=True)
class Change:
    """A customer whose business changes from one day to another."""

    who: Customer
    kind: str
    begins: int
    ends: int


def _people(home: Home, accounts: int, count: int, draw: Random) -> list[Customer]:
    habits = list(HABITS) + draw.choices(HABITS, [each.share for each in HABITS], k=max(0, accounts - len(HABITS)))
    people = [
        customer(number, habit, home, draw.choices(STYLES, (4, 3, 2, 2, 3))[0], draw)
        for number, habit in enumerate(habits, start=1001)
    ]
    modest = [each for each in people if each.kind in {"home", "office", "shop", "builder"}]
    for who in draw.sample(modest, min(NEWCOMERS, len(modest) // 4)):
        who.opens = draw.randint(2, max(3, count - 9))
    return people


def _changes(scene: Scene) -> list[Change]:
    """Growth that nobody need fear: a doubling, a season, a sale, a new branch."""
    draw, count = scene.draw, scene.count
    season, sale, branch = (draw.randint(count // 3, max(count // 3, count - 6)) for _ in range(3))
    changes = [
        Change(scene.cast("start-up"), "start-up doubles", 0, count),
        Change(scene.cast("seasonal firm"), "season", season, count),
        Change(scene.cast("shop"), "holiday sale", sale, sale + 3),
        Change(scene.cast("office", "law firm"), "new branch", branch, count),
    ]
    trends: list[Trend] = [
        lambda day: 1 + day / count,
        lambda day: 2.8 if day >= season else 1.0,
        lambda day: 4.5 if sale <= day < sale + 3 else 1.0,
        lambda day: 2.2 if day >= branch else 1.0,
    ]
    for change, trend in zip(changes, trends, strict=True):
        change.who.trend = trend
    return changes


def _tell(scene: Scene, change: Change) -> None:
    """Mark the calls of a change, so that a block in it is known by its name."""
    story, who = scene.story(change.kind), change.who
    scene.mark(story, who)
    begins_ms, ends_ms = who.at(scene.first, 24 * change.begins), who.at(scene.first, 24 * change.ends)
    for call in scene.calls:
        if call.account == who.account and begins_ms <= call.at_ms < ends_ms:
            call.case = story
    if change.kind == "new branch":
        scene.bill("credit", who, begins_ms, limit="3000.00", by="ana", reason="a second office")


def _spent(calls: list[Call]) -> dict[str, int]:
    usual: dict[str, int] = {}
    for call in calls:
        usual[call.account] = usual.get(call.account, 0) + call.cost
    return usual


def labels(town: Town) -> Iterator[tuple[str, str, str, str]]:
    """What was fraud and what was not, as the contract has it."""
    for case in town.cases:
        yield case.account, instant(case.start_ms), instant(case.end_ms), "fraud" if case.fraud else "good"


def write(town: Town, folder: Path) -> None:
    """The files that a backtest takes, and a note for people."""
    folder.mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "reports.ndjson.gz", "wt", compresslevel=1) as file:
        file.writelines(line + "\n" for line in reports(town.calls, town.home))
    (folder / "billing.ndjson").write_text("".join(json.dumps(each) + "\n" for each in town.bills))
    with (folder / "labels.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("account", "start", "end", "label"))
        rows.writerows(labels(town))
    (folder / "cases.ndjson").write_text("".join(json.dumps(_named(each)) + "\n" for each in town.cases))
    (folder / "guard.toml").write_text(configuration(town.home))
    (folder / "README.txt").write_text(_note(town))


def configuration(home: Home) -> str:
    """What an operator in that country would have to say, and no more."""
    return (
        f'[accounts]\ndefault_currency = "{home.currency}"\n'
        f'[numbers]\ncountry = "{home.country}"\ninternational_prefixes = ["00", "011"]\n'
    )


def _named(case: Case) -> dict[str, Any]:
    return {
        "case": case.name,
        "scenario": case.kind,
        "label": "fraud" if case.fraud else "good",
        "account": case.account,
        "start": instant(case.start_ms),
        "end": instant(case.end_ms),
        "spent": money(case.spent),
    }


def _note(town: Town) -> str:
    kinds: dict[str, int] = {}
    for who in town.people:
        kinds[who.kind] = kinds.get(who.kind, 0) + 1
    told = "".join(
        f"  {'fraud' if each.fraud else 'good '} {each.account:<14} {instant(each.start_ms)} .. {instant(each.end_ms)} "
        f"{money(each.spent):>14} {each.name}\n"
        for each in sorted(town.cases, key=lambda each: (not each.fraud, each.start_ms))
    )
    return (
        f"{town.count} days from {town.first} in {town.home.country}, {len(town.people)} accounts, "
        f"{len(town.calls)} calls, {town.account_days} account-days.\n\n"
        f"customers: {', '.join(f'{count} {kind}' for kind, count in kinds.items())}\n\n{told}"
    )
