"""The report page: one file that a manager can read, with everything in it: no script, no network, dark and light.

Sentences first, then the comparison, then what each kind of fraud and of surprise came to, then who was blocked without
cause, then pictures, then the rules. All text that comes from outside is escaped.
"""

from __future__ import annotations

from html import escape
from importlib import resources
from typing import Any

from guard.backtest.comparison import PER_ACCOUNT_DAYS
from guard.backtest.pictures import exposures, hits, losses, sweeps
from guard.backtest.pieces import counted, micros_text, money, section
from guard.backtest.summary import MIXED
from guard.backtest.tables import frauds, innocent, rules, surprises, ways
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
        section("Ways of guarding, on the same calls", _WAYS, losses(told) + ways(told)),
        section("What each fraud cost", _FRAUDS, frauds(told)) if told["guard"]["fraud"]["spans"] else "",
        section("Surprises that are no fraud", _SURPRISES, surprises(told)),
        section("Blocked without cause", _INNOCENT, innocent(told)),
        section("The accounts with the most at stake", _CURVES, exposures(tally)),
        section("Hits over time", _HITS, hits(tally)),
        *sweeps(told),
        section("Rules", _RULES, rules(told)),
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
    "Every row saw the same calls. <b>Lost</b> is what accounts were charged inside labelled fraud: before the first"
    " block, and in all (an operator is assumed to release every block in time, that of a true fraud, too)."
    " <b>Innocent</b> accounts are told by the two harms there are: blocked by a rule though no fraud explains it, and"
    " blocked at their credit limit without any fraud."
)
_FRAUDS = (
    "Lost before the first block, by each way of guarding. <b>Times less</b> compares guard with a limit that counts"
    " calls in flight. A way that ends no call goes on losing after its first block: compare what it lost in all. The"
    " time to the block is the median, from the first attempt."
)
_SURPRISES = (
    "What was labelled and is no fraud: how many of its accounts each way blocked, for whatever reason. The fewer the"
    " better."
)
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


def _read(history: Json, assumptions: Json) -> str:
    hours = assumptions["release_after_s"] // 3_600
    return (
        f"<p>{history['reports']:,} reports from {escape(history['first'])} to {escape(history['last'])},"
        f" {history['billing_messages']:,} billing messages, {history['bad_lines']:,} bad lines skipped"
        f" ({history['records_of_no_account']:,} records belong to no account). Assumed: switches obey at once, an"
        f" operator releases each block after {hours} h. Times are UTC.</p>"
    )
