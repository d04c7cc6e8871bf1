"""The language of scenario files: what is said, what comes of it, and how a mistake is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.core.records import Event
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS
from guard.scenarios.script import MONDAY_MS, Line, Scenario, ScriptError, Verdict, read_scenarios
from guard.scenarios.traffic import calls_of, reports_of


def written(tmp_path: Path, *lines: str, head: str = "== somebody calls") -> Path:
    path = tmp_path / "rule.txt"
    path.write_text("\n".join((head, *lines)) + "\n", encoding="utf-8")
    return path


def line(tmp_path: Path, text: str) -> Line:
    """A line that has been read."""
    (scenario,) = read_scenarios(written(tmp_path, f"{text} -> silent"))
    return scenario.lines[0]


def offsets(moments: tuple[int, ...]) -> list[tuple[int, int]]:
    """Day and minute of each moment."""
    return [(at_ms // DAY_MS, at_ms % DAY_MS // MINUTE_MS) for at_ms in moments]


def test_a_moment_of_the_week(tmp_path: Path) -> None:
    """`sat 02:00` is day 5; calls follow each other in the distance that is said."""
    calls = line(tmp_path, "sat 02:00 A calls 3 to=+252612345678 every=90s")
    assert calls.moments == tuple(5 * DAY_MS + 2 * HOUR_MS + number * 90_000 for number in range(3))


@pytest.mark.parametrize(
    ("when", "days"),
    [
        ("days -2..1 09:00-10:00", [-2, -1, 0, 1]),
        ("workdays -3..1 09:00-10:00", [-3, 0, 1]),
        ("weekends -3..1 09:00-10:00", [-2, -1]),
        ("day 12 09:00", [12, 12]),
    ],
)
def test_days(tmp_path: Path, when: str, days: list[int]) -> None:
    """Day 0 is a Monday; so many calls a day are spread over the hours."""
    found = offsets(line(tmp_path, f"{when} A calls 2 to=+14165550100").moments)
    assert sorted({day for day, _ in found}) == sorted(set(days))
    if when.startswith("day "):
        assert found == [(12, 540), (12, 540)]
    else:
        assert {minute for _, minute in found} == {540, 570}


def test_what_takes_turns_and_what_runs(tmp_path: Path) -> None:
    """Lists take turns; `#` is a running number, in numbers and in accounts."""
    calls = line(tmp_path, "mon 10:00 C## calls 4 to=+25261234##,+4420794601 lasts=1m,2m rate=3.40,0.10")
    assert [call.account for call in calls_of(calls)] == ["C00", "C01", "C02", "C03"]
    assert [call.lasts_ms for call in calls_of(calls)] == [60_000, 120_000, 60_000, 120_000]
    assert [call.cost_micros(call.ends_ms) for call in calls_of(calls)] == [3_400_000, 200_000, 3_400_000, 200_000]
    told = [each.to for each in reports_of(Scenario(tmp_path, 1, "", "CA", lines=[calls])) if each.duration_ms == 0]
    assert told == ["+2526123400", "+4420794601", "+2526123402", "+4420794601"]


def test_a_call_is_answered_ticks_and_ends(tmp_path: Path) -> None:
    """With the charge so far; the past is told without its ticks, an attempt in one report."""
    (scenario,) = read_scenarios(
        written(
            tmp_path,
            "days -1..-1 10:00-11:00 A calls 1 to=+14165550100 lasts=3m",
            "mon 10:00 A calls 1 to=+252612345678 lasts=2m rate=3.00 direction=forwarded source=192.0.2.1 -> silent",
            "mon 11:00 A attempts 1 to=+252612345678 from=+16475550100",
        )
    )
    reports = reports_of(scenario)
    assert [report.event for report in reports] == [
        *(Event.ANSWERED, Event.ENDED),
        *(Event.ANSWERED, Event.TICK, Event.ENDED),
        Event.FAILED,
    ]
    assert [report.charge_micros for report in reports] == [0, 0, 0, 3_000_000, 6_000_000, 0]
    assert [report.source for report in reports] == ["", "", *["192.0.2.1"] * 3, ""]
    assert reports[2].at_ms == MONDAY_MS + 10 * HOUR_MS
    assert reports[-1].caller == "+16475550100"


def test_accounts_prices_and_country(tmp_path: Path) -> None:
    """What is said about the world around the calls, and what is expected of them."""
    path = written(
        tmp_path,
        "# a comment",
        "account A opened=12d",
        "tariff 1900 premium Chat lines",
        "mon 10:00 A calls 1 to=+19005551234 -> block within=10m before=40.00 ; free",
        head="country DE\n== a chat line",
    )
    (scenario,) = read_scenarios(path)
    assert (scenario.country, scenario.title, scenario.opened_ms) == ("DE", "a chat line", {"A": 12 * DAY_MS})
    assert [(row.prefix, row.kind.value, row.name) for row in scenario.tariff] == [("1900", "premium", "Chat lines")]
    block, free = scenario.lines[0].expected
    assert (block.verdict, block.within_ms, block.before_micros) == (Verdict.BLOCK, 600_000, 40_000_000)
    assert free.verdict is Verdict.FREE


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("someday 10:00 A calls 1 to=+1416 -> silent", "someday 10:00 A is no time; accepted: a time: mon, tue"),
        ("mon 25:00 A calls 1 to=+1416 -> silent", "25:00 is no time of day; accepted: 00:00 to 24:00"),
        ("days 3..1 09:00-10:00 A calls 1 to=+1416 -> silent", "3..1 09:00-10:00 runs backwards"),
        ("mon 10:00 A rings 1 to=+1416 -> silent", "does not say who calls how often"),
        ("mon 10:00 A calls many to=+1416 -> silent", "does not say who calls how often"),
        ("mon 10:00 A calls 1 -> silent", "does not say where to"),
        (
            "mon 10:00 A calls 1 to=+1416 last=3m -> silent",
            "last=3m is not understood; accepted: direction=..., every=",
        ),
        ("mon 10:00 A calls 1 to=+1416 to=+1647 -> silent", "to=+1647 is not understood"),
        ("mon 10:00 A calls 1 to=+1416 lasts=3 -> silent", '"3" is not a time span'),
        ("mon 10:00 A calls 1 to=+1416 rate=cheap -> silent", '"cheap" is not an amount of money'),
        ("mon 10:00 A calls 1 to=+1416 direction=up -> silent", '"up" is none of the choices; accepted: outgoing |'),
        ("mon 10:00 A calls 1 to=+1416 -> quiet", '"quiet" is none of the choices; accepted: block | warn'),
        ("mon 10:00 A calls 1 to=+1416 -> silent within=3m", "silent has no bounds"),
        ("mon 10:00 A calls 99999 to=+1416 -> silent", "99,999 calls are too many"),
        ("days 0..1 09:00-10:00 A calls 1 to=+1416 every=3m -> silent", "every does not go with days"),
        ("account A -> silent", "is not understood"),
        ("account A", "says nothing about an account"),
        ("tariff abc premium", "is no row of a tariff"),
        ("country CA", "country is for the whole file"),
        ("mon 10:00 A calls 1 to=+1416", "expects nothing"),
    ],
)
def test_a_mistake_is_told_with_its_line(tmp_path: Path, text: str, told: str) -> None:
    """File, line, what was found and what is accepted."""
    path = written(tmp_path, text)
    with pytest.raises(ScriptError) as error:
        read_scenarios(path)
    number = 1 if told == "expects nothing" else 2
    assert str(error.value).startswith(f"{path}:{number}: ")
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [("", "has no scenario"), ("mon 10:00 A calls 1 to=+1416", "stands before the first scenario")],
)
def test_a_file_begins_with_a_title(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "rule.txt"
    path.write_text(text)
    with pytest.raises(ScriptError, match=told):
        read_scenarios(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match="cannot be read"):
        read_scenarios(tmp_path / "gone.txt")
