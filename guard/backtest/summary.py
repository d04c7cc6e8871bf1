"""The summary: what `summary.json` says, and what the report page is made of. Its fields are in docs/backtest.md.

Every run of the same history is told in the same words (`run`), so that guard, what-ifs and peers can be laid side by
side. Accounts, labels and rules are told of the main run only. Money is a decimal string. Nothing in it depends on the
machine or on when it was run: the same input gives the same bytes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any

from guard.backtest.comparison import comparison, per_account_days
from guard.backtest.history import History
from guard.backtest.inputs import Span
from guard.backtest.spans import SpanTally, incidents
from guard.backtest.tally import RuleTally, Tally
from guard.backtest.variants import Outcome, Role
from guard.core.money import clamp_for_show, format_money
from guard.core.settings import DAY_MS
from guard.replay.reportfiles import Tally as Lines
from guard.wire.instants import format_instant, format_optional_instant

VERSION = 1
MIXED = "mixed"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What was read."""

    history: History
    reports: Lines
    billing: Lines
    bills: int
    spans: tuple[Span, ...]
    release_after_ms: int

    @property
    def days(self) -> int:
        """Days that the history covers, to the nearest, at least one."""
        return max(1, (self.history.last_ms - self.history.first_ms + DAY_MS // 2) // DAY_MS)


def summary(read: Read, outcomes: Sequence[Outcome]) -> Json:
    """Everything; the first outcome is that of the main run."""
    main, tally = outcomes[0], outcomes[0].tally
    accounts = len(tally.accounts)
    return {
        "version": VERSION,
        "history": {
            "reports": read.history.count,
            "lines": read.reports.lines,
            "bad_lines": read.reports.bad,
            "records_of_no_account": read.reports.unowned,
            "billing_messages": read.bills,
            "bad_billing_lines": read.billing.bad,
            "first": format_instant(read.history.first_ms),
            "last": format_instant(read.history.last_ms),
            "days": read.days,
            "accounts": accounts,
            "account_days": accounts * read.days,
            "labels": dict(Counter("fraud" if span.fraud else "good" for span in read.spans)),
            "currency": _currency(main),
        },
        "assumptions": {"release_after_s": read.release_after_ms // 1_000, "acknowledgements": "immediate"},
        "guard": run(main, accounts * read.days),
        "what_if": [
            run(outcome, accounts * read.days) for outcome in outcomes[1:] if outcome.variant.role is Role.WHAT_IF
        ],
        "peers": [run(outcome, accounts * read.days) for outcome in outcomes[1:] if outcome.variant.role is Role.PEER],
        "comparison": comparison(outcomes, accounts * read.days),
        "scenarios": _scenarios(tally),
        "labels": [_label(entry) for entry in tally.spans],
        "rules": rules_told(tally),
        "accounts": _accounts(main),
    }


def run(outcome: Outcome, account_days: int) -> Json:
    """One run in figures."""
    tally, entries = outcome.tally, outcome.tally.accounts.values()
    false_accounts = sum(entry.false_blocks > 0 for entry in entries)
    false_anyhow: set[str] = set().union(*(rule.false_accounts for rule in tally.rules.values()))
    return {
        "name": outcome.variant.name,
        "title": outcome.variant.title,
        "knob": outcome.variant.knob,
        "setting": outcome.variant.setting,
        "owed": _money(tally.owed_micros),
        "prevented": _money(tally.prevented_micros),
        "would_have_cost": _money(tally.owed_micros + tally.prevented_micros),
        "blocks": sum(entry.blocks for entry in entries),
        "blocks_by_rule": sum(entry.blocks_by_rule for entry in entries),
        "would_block": sum(entry.would_block for entry in entries),
        "held": sum(entry.held for entry in entries),
        "accounts_blocked": sum(entry.blocks > 0 for entry in entries),
        "false_blocks": sum(entry.false_blocks for entry in entries),
        "false_accounts": false_accounts,
        "false_accounts_with_shadow": len(false_anyhow),
        "false_accounts_per_2000_account_days": per_account_days(false_accounts, account_days),
        "limit_blocks_without_fraud": sum(entry.limit_blocks_without_fraud for entry in entries),
        "limit_accounts_without_fraud": sum(entry.limit_blocks_without_fraud > 0 for entry in entries),
        "withheld_calls": tally.withheld_calls,
        "withheld_reports": tally.withheld_reports,
        "refused_attempts": tally.refused_attempts,
        "decisions": dict(sorted(tally.decisions.items())),
        "fraud": fraud([entry for entry in tally.spans if entry.span.fraud]),
    }


def fraud(entries: Sequence[SpanTally]) -> Json:
    """Labelled frauds in figures."""
    delays = [_delay_s(entry, entry.blocked_ms) for entry in entries if entry.blocked_ms is not None]
    return {
        "spans": len(entries),
        "caught": len(delays),
        "incidents": len(happened := incidents(entries)),
        "incidents_caught": sum(any(each.blocked_ms is not None for each in part) for part in happened),
        "noticed": sum(entry.warned for entry in entries),
        "caught_with_shadow": sum(entry.would_block_ms is not None for entry in entries),
        "median_s_to_block": median_low(delays) if delays else None,
        "loss_before": _sum(entry.before_micros for entry in entries),
        "loss_before_with_shadow": _sum(entry.before_would_micros for entry in entries),
        "loss_after": _sum(entry.after_micros for entry in entries),
        "prevented": _sum(entry.prevented_micros for entry in entries),
    }


def _scenarios(tally: Tally) -> list[Json]:
    """Labels by name."""
    groups: defaultdict[tuple[bool, str], list[SpanTally]] = defaultdict(list)
    for entry in tally.spans:
        groups[entry.span.fraud, entry.span.name].append(entry)
    told: list[Json] = []
    for (is_fraud, name), entries in sorted(groups.items(), key=lambda item: (not item[0][0], item[0][1])):
        told.append(
            {
                "scenario": name,
                "label": "fraud" if is_fraud else "good",
                "blocks": sum(entry.blocks for entry in entries),
                **fraud(entries),
                "rules": sorted(set().union(*(entry.rules for entry in entries))),
            }
        )
    return told


def _label(entry: SpanTally) -> Json:
    span = entry.span
    return {
        "account": span.account,
        "start": format_instant(span.start_ms),
        "end": format_instant(span.end_ms),
        "label": "fraud" if span.fraud else "good",
        "scenario": span.name,
        "case": span.case,
        "blocked_at": format_optional_instant(entry.blocked_ms),
        "blocked_by": entry.blocked_by,
        "noticed": entry.warned,
        "would_block_at": format_optional_instant(entry.would_block_ms),
        "s_to_block": None if entry.blocked_ms is None else _delay_s(entry, entry.blocked_ms),
        "loss_before": _money(entry.before_micros),
        "loss_before_with_shadow": _money(entry.before_would_micros),
        "loss_after": _money(entry.after_micros),
        "prevented": _money(entry.prevented_micros),
        "rules": sorted(entry.rules),
    }


def rules_told(tally: Tally) -> list[Json]:
    """Each rule: what it did, to whom, and what would be missing without it."""
    told = []
    for name, rule in sorted(tally.rules.items()):
        others = [other for other in tally.rules if other != name]
        told.append(
            {
                "rule": name,
                "warns": rule.warns,
                "blocks": rule.blocks,
                "would_block": rule.would_block,
                "held": rule.held,
                "accounts": len(rule.accounts),
                "false_blocks": rule.false_blocks,
                "false_accounts": len(rule.false_accounts),
                "frauds": len(rule.frauds),
                "alone": _alone(name, rule, tally),
                "overlap": {
                    other: shared
                    for other in sorted(others)
                    if (shared := len(rule.accounts & tally.rules[other].accounts))
                },
            }
        )
    return told


def _alone(name: str, rule: RuleTally, tally: Tally) -> int:
    """Frauds that no other rule would have blocked; where nothing is labelled, accounts on which no other has hit."""
    if any(entry.span.fraud for entry in tally.spans):
        return sum(tally.spans[position].rules == {name} for position in rule.frauds)
    others: set[str] = set().union(*(each.accounts for other, each in tally.rules.items() if other != name))
    return len(rule.accounts - others)


def _accounts(outcome: Outcome) -> list[Json]:
    return [
        {
            "account": account,
            "currency": outcome.currencies.get(account, ""),
            "owed": _money(entry.owed_micros),
            "prevented": _money(entry.prevented_micros),
            "blocks": entry.blocks,
            "blocks_by_rule": entry.blocks_by_rule,
            "would_block": entry.would_block,
            "held": entry.held,
            "false_blocks": entry.false_blocks,
            "limit_blocks_without_fraud": entry.limit_blocks_without_fraud,
            "first_block_at": format_optional_instant(entry.first_block_ms),
            "first_block_by": entry.first_block_why,
            "exposure_at_block": None
            if entry.first_block_exposure_micros is None
            else _money(entry.first_block_exposure_micros),
        }
        for account, entry in sorted(outcome.tally.accounts.items())
    ]


def _currency(outcome: Outcome) -> str:
    currencies = set(outcome.currencies.values())
    return MIXED if len(currencies) > 1 else next(iter(currencies), "")


def _delay_s(entry: SpanTally, at_ms: int) -> int:
    return max(0, at_ms - entry.span.start_ms) // 1_000


def _sum(amounts: Iterable[int]) -> str:
    return _money(sum(amounts))


def _money(micros: int) -> str:
    return format_money(clamp_for_show(micros))
