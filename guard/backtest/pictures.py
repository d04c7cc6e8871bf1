"""Pictures of the report page: the accounts with the most at stake, hits over time, and what a sweep came to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from guard.backtest import charts
from guard.backtest.charts import Bars, Line
from guard.backtest.pieces import section, units
from guard.backtest.tables import SHORT
from guard.backtest.tally import Curve, Tally
from guard.core.cycles import day_text
from guard.core.money import MICROS_PER_UNIT, parse_money
from guard.core.settings import DAY_MS, HOUR_MS

WORST = 6
"""Accounts that are drawn."""

Json = dict[str, Any]


def exposures(tally: Tally) -> str:
    """The accounts with the most at stake: what was stopped and what was lost."""

    def stake(account: str) -> int:
        labelled = sum(
            tally.spans[position].before_micros + tally.spans[position].after_micros
            for position in tally.by_account.get(account, [])
            if tally.spans[position].span.fraud
        )
        return tally.accounts[account].prevented_micros + labelled

    stakes = {account: stake(account) for account, curve in tally.curves.items() if len(curve.points) > 1}
    worst = sorted((account for account in stakes if stakes[account]), key=lambda each: (-stakes[each], each))
    drawn = [_exposure(account, tally.curves[account], tally) for account in worst[:WORST]]
    return f'<div class="charts">{"".join(drawn)}</div>' if drawn else "<p>No account was blocked.</p>"


def _exposure(account: str, curve: Curve, tally: Tally) -> str:
    start = curve.points[0][2]
    solid = [(at_ms, units(exposure)) for at_ms, exposure, _ in curve.points]
    dashed = [(at_ms, units(exposure + prevented - start)) for at_ms, exposure, prevented in curve.points]
    spans = [tally.spans[position].span for position in tally.by_account.get(account, [])]
    drawn = charts.lines(
        f"Exposure of account {account} over time, with and without the block",
        [Line(dashed, "var(--c1)", dashed=True), Line(solid, "var(--c0)")],
        marks=[*{word: (at_ms, word) for at_ms, word in reversed(tally.marks.get(account, []))}.values()],
        shaded=[(span.start_ms, span.end_ms) for span in spans if span.fraud],
    )
    why = tally.accounts[account].first_block_why
    names = ", ".join(dict.fromkeys(span.name for span in spans if span.name))
    title = f"{account} ({names})" if names else account
    said = f"First blocked by {why}." if why else "Not blocked."
    return f"<figure><h3>{escape(title)}</h3>{drawn}<figcaption>{escape(said)}</figcaption></figure>"


def losses(told: Json) -> str:
    """What frauds cost in all by each way, and whom each blocked wrongly, side by side."""
    if not told["guard"]["fraud"]["spans"] or not told["peers"]:
        return ""
    runs = (told["guard"], *told["peers"])
    labels = [SHORT.get(run["name"], run["name"]) for run in runs]
    money = [
        Bars(name, [parse_money(run["fraud"][key]) // MICROS_PER_UNIT for run in runs])
        for name, key in (("lost before the block", "loss_before"), ("lost after it", "loss_after"))
    ]
    wrong = [
        Bars("by a rule", [run["false_accounts"] for run in runs]),
        Bars("at the limit", [run["limit_accounts_without_fraud"] for run in runs]),
    ]
    figures = [
        _figure(f"Lost to fraud, {told['history']['currency']}", labels, money),
        _figure("Innocent accounts blocked", labels, wrong),
    ]
    return f'<div class="charts">{"".join(figures)}</div>'


def hits(tally: Tally) -> str:
    """Hits a day, the most frequent rules each with its colour."""
    if not tally.hours:
        return "<p>There were none.</p>"
    totals: Counter[str] = Counter()
    for (rule, _hour), count in tally.hours.items():
        totals[rule] += count
    top = [rule for rule, _ in sorted(totals.items(), key=lambda item: (-item[1], item[0]))][: charts.SERIES - 1]
    days = sorted({hour * HOUR_MS // DAY_MS for _rule, hour in tally.hours})
    span = range(days[0], days[-1] + 1)
    daily: Counter[tuple[str, int]] = Counter()
    for (rule, hour), count in tally.hours.items():
        daily[rule if rule in top else "others", hour * HOUR_MS // DAY_MS] += count
    names = [*top, "others"] if len(totals) > len(top) else top
    stacks = [Bars(name, [daily[name, day] for day in span]) for name in names]
    labels = [day_text(day * DAY_MS, "UTC").rsplit(" ", 1)[0] for day in span]
    return _figure("Hits a day, by rule", labels, stacks)


def sweeps(told: Json) -> Iterable[str]:
    """What came of each value of each sweep: what is caught, and who is blocked without cause."""
    knobs = dict.fromkeys(run["knob"] for run in told["what_if"] if run["knob"])
    for knob in knobs:
        runs = [run for run in told["what_if"] if run["knob"] == knob]
        labels = [run["setting"] for run in runs]
        caught = Bars("Frauds blocked, with shadow", [run["fraud"]["caught_with_shadow"] for run in runs])
        wrong = Bars("Innocent accounts blocked, with shadow", [run["false_accounts_with_shadow"] for run in runs])
        blocked = Bars("Accounts blocked", [run["accounts_blocked"] for run in runs])
        shown = (caught, wrong) if told["guard"]["fraud"]["spans"] else (blocked,)
        figures = "".join(_figure(f"{bars.name}, by {knob}", labels, [bars]) for bars in shown)
        yield section(f"If {escape(knob)} were", "", f'<div class="charts">{figures}</div>')


def _figure(title: str, labels: Sequence[str], stacks: Sequence[Bars]) -> str:
    """Bars with their title; with a legend if there is more than one kind."""
    legend = "".join(
        f'<span><i style="background:var(--c{min(number, charts.SERIES - 1)})"></i>{escape(bars.name)}</span>'
        for number, bars in enumerate(stacks)
    )
    caption = f'<figcaption class="legend">{legend}</figcaption>' if len(stacks) > 1 else ""
    return f"<figure><h3>{escape(title)}</h3>{charts.bars(title, labels, stacks)}{caption}</figure>"
