"""The report page: one file that a manager can read, with everything in it: no script, no network, dark and light.

Sentences first, then the comparison, then what each kind of fraud and of surprise came to, then who was blocked without
cause, then pictures, then the rules. All text that comes from outside is escaped.
"""

from __future__ import annotations

from html import escape
from importlib import resources
from typing import Any

from guard.backtest.pictures import exposures, hits, sweeps
from guard.backtest.pieces import amount, counted, delay, micros_text, money, section, table
from guard.backtest.summary import MIXED, PER_ACCOUNT_DAYS
from guard.backtest.tally import Tally
from guard.core.money import parse_money

Json = dict[str, Any]


def page(told: Json, tally: Tally) -> str:
    """The whole page."""
    style = resources.files("guard.share").joinpath("backtest.css").read_text(encoding="utf-8")
    history = told["history"]
    parts = [
        _headline(told),
        _cards(told),
        section("Ways of guarding, on the same calls", _WAYS, _comparison(told)),
        section("By scenario", _SCENARIOS, _scenarios(told)) if told["labels"] else "",
        section("Blocked without cause", _INNOCENT, _innocent(told)),
        section("The accounts with the most at stake", _CURVES, exposures(tally)),
        section("Hits over time", _HITS, hits(tally)),
        *sweeps(told),
        section("Rules", _RULES, _rules(told)),
        section("What was read", "", _read(history, told["assumptions"])),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>guard backtest</title><style>{style}</style></head><body><main>"
        f"<h1>What guard would have done</h1>{''.join(parts)}</main></body></html>\n"
    )


_WAYS = (
    "Every row saw the same calls. <b>Lost</b> is what accounts were charged inside labelled fraud; what a block stops"
    " is not lost. <b>With shadow</b> counts rules that only watch as if they acted."
)
_SCENARIOS = "What was labelled. The time to the block is the median, from the first attempt."
_INNOCENT = (
    "Accounts that a rule blocked, or would have blocked, although no labelled fraud explains it. A block at the credit"
    " limit is not counted here: whoever reaches a limit was told of it."
)
_CURVES = (
    "What each account owed with its calls in flight (solid), and what it would have come to without the block"
    " (dashed). Shaded: labelled fraud."
)
_HITS = "Warnings and blocks a day, by rule; <i>credit_limit</i> is the limit itself."
_RULES = (
    "<b>Alone</b>: frauds that no other rule would have blocked (without labels: accounts that no other rule hit)."
    " <b>Also hit by</b>: rules that hit the same accounts, and how many."
)


# -- words


def _headline(told: Json) -> str:
    history, run = told["history"], told["guard"]
    fraud, currency = run["fraud"], history["currency"]
    days, accounts = counted(history["days"], "day"), counted(history["accounts"], "account")
    cost, stopped = money(run["would_have_cost"], currency), money(run["prevented"], currency)
    sentences = [
        f"Over {days} the calls of {accounts} would have cost {cost}; guard would have stopped {stopped} of it."
    ]
    if fraud["spans"]:
        lost = parse_money(fraud["loss_before"]) + parse_money(fraud["loss_after"])
        sentences.append(
            f"Of {counted(fraud['spans'], 'labelled fraud')} it would have blocked {fraud['caught']}, with"
            f" {micros_text(lost, currency)} lost and {money(fraud['prevented'], currency)} stopped."
        )
        in_flight = next((peer for peer in told["peers"] if peer["name"] == "limit-in-flight"), None)
        if in_flight is not None and in_flight["fraud"]["loss_before"] != fraud["loss_before"]:
            sentences.append(_against(fraud, in_flight["fraud"], currency))
        wrong = run["false_accounts"]
        who = "No innocent account" if not wrong else counted(wrong, "innocent account")
        sentences.append(
            f"{who} would have been blocked by a rule: {run['false_accounts_per_2000_account_days']} per"
            f" {PER_ACCOUNT_DAYS:,} account-days."
        )
    else:
        sentences.append(
            f"{counted(run['accounts_blocked'], 'account')} would have been blocked. Nothing is labelled, so nobody can"
            " say which of them rightly: <code>--labels</code> tells."
        )
    if currency == MIXED:
        sentences.append("Accounts have different currencies: sums over all of them say little.")
    return f'<p class="lead">{" ".join(sentences)}</p>'


def _against(fraud: Json, limit: Json, currency: str) -> str:
    mine, theirs = parse_money(fraud["loss_before"]), parse_money(limit["loss_before"])
    said = (
        f"A limit alone, with calls in flight counted, would have lost {micros_text(theirs, currency)} before its block"
    )
    if mine and theirs > mine:
        times = theirs * 10 // mine
        return f"{said}: {times // 10}.{times % 10} times as much as the {micros_text(mine, currency)} with rules."
    return f"{said}; with rules it is {micros_text(mine, currency)}."


def _cards(told: Json) -> str:
    run, currency = told["guard"], told["history"]["currency"]
    fraud = run["fraud"]
    cards = [("Stopped", money(run["prevented"], currency), f"{run['withheld_calls']:,} calls not placed")]
    if fraud["spans"]:
        cards += [
            ("Frauds blocked", f"{fraud['caught']} of {fraud['spans']}", f"{fraud['caught_with_shadow']} with shadow"),
            ("Lost before the block", money(fraud["loss_before"], currency), _after(fraud, currency)),
            (
                "Innocent accounts blocked",
                f"{run['false_accounts']:,}",
                f"{run['false_accounts_with_shadow']} with shadow",
            ),
        ]
    else:
        cards += [
            ("Accounts blocked", f"{run['accounts_blocked']:,}", f"{run['blocks']:,} blocks"),
            ("Would be blocked", f"{run['would_block']:,}", "times, by rules in shadow"),
        ]
    return (
        '<div class="cards">'
        + "".join(f"<div><h2>{name}</h2><b>{value}</b><span>{more}</span></div>" for name, value, more in cards)
        + "</div>"
    )


def _after(fraud: Json, currency: str) -> str:
    return f"and {money(fraud['loss_after'], currency)} after it"


# -- tables


def _comparison(told: Json) -> str:
    rows = []
    for run in (told["guard"], *told["what_if"], *told["peers"]):
        fraud = run["fraud"]
        lost = parse_money(fraud["loss_before"]) + parse_money(fraud["loss_after"])
        rows.append(
            [
                escape(run["title"]),
                f"{fraud['caught']} of {fraud['spans']}",
                str(fraud["caught_with_shadow"]),
                delay(fraud["median_s_to_block"]),
                amount(fraud["loss_before"]),
                amount(fraud["loss_before_with_shadow"]),
                micros_text(lost),
                amount(fraud["prevented"]),
                f"{run['false_accounts']:,}",
                f"{run['false_accounts_with_shadow']:,}",
                f"{run['limit_blocks_without_fraud']:,}",
            ]
        )
    return table(
        [
            "Way",
            "Frauds blocked",
            "With shadow",
            "Time to block",
            "Lost before block",
            "Before, with shadow",
            "Lost in all",
            "Fraud stopped",
            "Innocent blocked",
            "With shadow",
            "Limit blocks without fraud",
        ],
        rows,
    )


def _scenarios(told: Json) -> str:
    rows = []
    for each in told["scenarios"]:
        is_fraud = each["label"] == "fraud"
        rows.append(
            [
                escape(each["scenario"] or each["label"]) + ("" if is_fraud else ' <span class="good">no fraud</span>'),
                f"{each['caught']} of {each['spans']}",
                str(each["caught_with_shadow"]),
                str(each["noticed"]),
                delay(each["median_s_to_block"]),
                amount(each["loss_before"]) if is_fraud else "",
                amount(each["loss_before_with_shadow"]) if is_fraud else "",
                amount(each["loss_after"]) if is_fraud else "",
                amount(each["prevented"]),
                escape(", ".join(each["rules"])),
            ]
        )
    return table(
        [
            "Scenario",
            "Blocked",
            "With shadow",
            "Noticed by rules",
            "Time to block",
            "Lost before",
            "Before, with shadow",
            "Lost after",
            "Stopped",
            "Blocked by",
        ],
        rows,
        words={9},
    )


def _innocent(told: Json) -> str:
    wrong = [rule for rule in told["rules"] if rule["false_accounts"]]
    if not wrong:
        return "<p>None.</p>"
    return table(
        ["Rule", "Accounts", "Blocks, with those of shadow"],
        [[escape(rule["rule"]), str(rule["false_accounts"]), str(rule["false_blocks"])] for rule in wrong],
    )


def _rules(told: Json) -> str:
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


def _read(history: Json, assumptions: Json) -> str:
    hours = assumptions["release_after_s"] // 3_600
    return (
        f"<p>{history['reports']:,} reports from {escape(history['first'])} to {escape(history['last'])},"
        f" {history['billing_messages']:,} billing messages, {history['bad_lines']:,} bad lines skipped"
        f" ({history['records_of_no_account']:,} records belong to no account). Assumed: switches obey at once, an"
        f" operator releases each block after {hours} h. Times are UTC.</p>"
    )
