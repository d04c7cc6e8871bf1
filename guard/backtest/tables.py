"""Tables of the report page: the ways of guarding, what each fraud cost by each of them, surprises, rules.

The first column names the row, the last ones may be words, all others are numbers. What a table leaves out to stay
readable is in the summary.
"""

from __future__ import annotations

from html import escape
from typing import Any

from guard.backtest.comparison import PER_ACCOUNT_DAYS
from guard.backtest.pieces import amount, delay, micros_text, table
from guard.core.money import parse_money

Json = dict[str, Any]

SHORT = {
    "guard": "guard",
    "with-shadow": "with shadow rules",
    "limit-in-flight": "limit in flight",
    "limit-at-hang-up": "limit at hang-up",
    "counters": "counters",
}
"""Ways as a column is headed."""


def ways(told: Json) -> str:
    """Guard, what-ifs and peers in one row each."""
    stated = {way["name"]: way for way in told["comparison"]["ways"]}
    rows = []
    for run in (told["guard"], *told["what_if"], *told["peers"]):
        rows.append(_way(run))
        if run is told["guard"] and "with-shadow" in stated:
            rows.append(_with_shadow(stated["with-shadow"]))
    heads = [
        "Way",
        "Frauds blocked",
        "Accounts in them",
        "Time to block",
        "Lost before block",
        "Lost in all",
        "Fraud stopped",
        "Innocent, by a rule",
        f"per {PER_ACCOUNT_DAYS:,} account-days",
        "Innocent, at the limit",
    ]
    return table(heads, rows)


def _way(run: Json) -> list[str]:
    fraud = run["fraud"]
    return [
        escape(run["title"]),
        f"{fraud['incidents_caught']} of {fraud['incidents']}",
        f"{fraud['caught']} of {fraud['spans']}",
        delay(fraud["median_s_to_block"]),
        amount(fraud["loss_before"]),
        micros_text(parse_money(fraud["loss_before"]) + parse_money(fraud["loss_after"])),
        amount(fraud["prevented"]),
        f"{run['false_accounts']:,}",
        run["false_accounts_per_2000_account_days"],
        f"{run['limit_accounts_without_fraud']:,}",
    ]


def _with_shadow(way: Json) -> list[str]:
    return [
        f'<span class="good">{escape(way["title"])}</span>',
        "-",
        f"{way['blocked']} of {way['frauds']}",
        "-",
        amount(way["lost_before"]),
        "-",
        "-",
        f"{way['innocent_accounts']:,}",
        way["innocent_accounts_per_2000_account_days"],
        f"{way['innocent_accounts_at_limit']:,}",
    ]


def frauds(told: Json) -> str:
    """What each kind of fraud cost by each way."""
    comparison = told["comparison"]
    names = [way["name"] for way in comparison["ways"]]
    by_guard = {each["scenario"]: each for each in told["scenarios"] if each["label"] == "fraud"}
    rows = []
    for row in comparison["scenarios"]:
        if row["label"] == "fraud":
            mine = by_guard[row["scenario"]]
            rows.append(
                [
                    escape(row["scenario"] or "fraud"),
                    f"{mine['caught']} of {mine['spans']}",
                    delay(mine["median_s_to_block"]),
                    *(amount(row["ways"][name]["lost_before"]) for name in names),
                    row["times_less"] or "-",
                    escape(", ".join(mine["rules"])),
                ]
            )
    in_all = told["guard"]["fraud"]
    rows.append(
        [
            "all frauds",
            f"{in_all['caught']} of {in_all['spans']}",
            delay(in_all["median_s_to_block"]),
            *(amount(way["lost_before"]) for way in comparison["ways"]),
            comparison["times_less"] or "-",
            "",
        ]
    )
    by_way = [SHORT.get(name, name) for name in names]
    heads = ["Fraud", "Blocked", "Time to block", *by_way, "Times less", "Rules that block it"]
    return table(heads, rows, words={len(heads) - 1})


def surprises(told: Json) -> str:
    """How often each way blocked somebody honest whom something unusual had happened to."""
    comparison = told["comparison"]
    names = [way["name"] for way in comparison["ways"]]
    by_guard = {each["scenario"]: each for each in told["scenarios"] if each["label"] != "fraud"}
    rows = [
        [
            escape(row["scenario"] or "good"),
            f"{row['spans']:,}",
            *(f"{row['ways'][name]['blocked']:,}" for name in names),
            escape(", ".join(by_guard[row["scenario"]]["rules"])),
        ]
        for row in comparison["scenarios"]
        if row["label"] != "fraud"
    ]
    heads = ["Surprise", "Labelled", *(SHORT.get(name, name) for name in names), "Blocked by"]
    return table(heads, rows, words={len(heads) - 1}) if rows else "<p>Nothing is labelled so.</p>"


def innocent(told: Json) -> str:
    """Which rules blocked whom without cause."""
    wrong = [rule for rule in told["rules"] if rule["false_accounts"]]
    if not wrong:
        return "<p>None.</p>"
    return table(
        ["Rule", "Accounts", "Blocks, with those of shadow"],
        [[escape(rule["rule"]), str(rule["false_accounts"]), str(rule["false_blocks"])] for rule in wrong],
    )


def rules(told: Json) -> str:
    """What each rule did."""
    rows = []
    for rule in sorted(told["rules"], key=lambda rule: (-rule["frauds"], -rule["accounts"], rule["rule"])):
        overlap = sorted(rule["overlap"].items(), key=lambda item: (-item[1], item[0]))[:3]
        rows.append(
            [
                escape(rule["rule"]),
                f"{rule['warns']:,}",
                f"{rule['blocks']:,}",
                f"{rule['would_block']:,}",
                f"{rule['held']:,}",
                f"{rule['accounts']:,}",
                f"{rule['frauds']:,}",
                f"{rule['alone']:,}",
                f"{rule['false_accounts']:,}",
                escape(", ".join(f"{other} {count}" for other, count in overlap)),
            ]
        )
    names = [
        "Rule",
        "Warnings",
        "Blocks",
        "In shadow",
        "Held",
        "Accounts",
        "Frauds",
        "Alone",
        "Innocent",
        "Also hit by",
    ]
    return table(names, rows, words={9}) if rows else "<p>Nothing was decided.</p>"
