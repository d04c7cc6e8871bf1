"""The comparison: guard and its peers on the same calls, by scenario: the table that decides whether to arm rules.

A *way* is a run of the history: guard, guard as it would be if its rules in shadow acted, and each peer. For every name
of labels each way is told with what was lost before its block, what was lost in all, and on how many of the labelled
spans it blocked the account. `times_less` is what a limit with calls in flight loses before its block over what guard
does: the one figure by which rules are better than limits alone.

Innocent accounts are counted twice, because they are two kinds of harm: blocked by a rule (or a counter) without any
fraud that explains it, and blocked at their limit without any fraud before. Both are told per account-days, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from guard.backtest.spans import SpanTally
from guard.backtest.tally import Tally
from guard.backtest.variants import Outcome, Role
from guard.core.money import clamp_for_show, format_money
from guard.core.rules.rule import RuleMode

PER_ACCOUNT_DAYS = 2_000
"""Innocent accounts blocked are told per so many account-days."""
LIMIT = "limit-in-flight"
"""The peer that others are measured by."""
WITH_SHADOW = "with-shadow"

Json = dict[str, Any]


class _Way(NamedTuple):
    """One way of guarding, and how to read what it came to off a labelled span."""

    name: str
    title: str
    tally: Tally
    blocked: Callable[[SpanTally], bool]
    before: Callable[[SpanTally], int]
    lost: Callable[[SpanTally], int] | None
    """None: what would have been lost after blocks that did not happen is not known."""
    innocent: int
    """Accounts that a rule blocked without a fraud that explains it."""


def comparison(outcomes: Sequence[Outcome], account_days: int) -> Json:
    """Guard, with and without its shadow rules, and the peers; the first outcome is the main run's."""
    ways = [*_of_guard(outcomes[0]), *(_plain(each) for each in outcomes[1:] if each.variant.role is Role.PEER)]
    return {
        "ways": [_in_all(way, account_days) for way in ways],
        "scenarios": [
            {
                "scenario": name,
                "label": "fraud" if fraud else "good",
                "spans": len(places),
                "ways": {way.name: _of_spans(way, places) for way in ways},
                "times_less": _times_less(ways, places) if fraud else None,
            }
            for (fraud, name), places in _by_name(outcomes[0].tally).items()
        ],
        "times_less": _times_less(ways, [place for place, each in enumerate(ways[0].tally.spans) if each.span.fraud]),
    }


def _of_guard(main: Outcome) -> list[_Way]:
    """As it is; and, where there are rules in shadow, as it would be if they acted."""
    plain, tally = _plain(main), main.tally
    if not any(rule.mode is RuleMode.SHADOW for rule in main.variant.rules):
        return [plain]
    anyhow: set[str] = set().union(*(rule.false_accounts for rule in tally.rules.values()))
    shadow = _Way(
        name=WITH_SHADOW,
        title=f"{plain.title}, if shadow rules acted",
        tally=tally,
        blocked=lambda entry: entry.would_block_ms is not None,
        before=lambda entry: entry.before_would_micros,
        lost=None,
        innocent=len(anyhow),
    )
    return [plain, shadow]


def _plain(outcome: Outcome) -> _Way:
    return _Way(
        name=outcome.variant.name,
        title=outcome.variant.title,
        tally=outcome.tally,
        blocked=lambda entry: entry.blocked_ms is not None,
        before=lambda entry: entry.before_micros,
        lost=lambda entry: entry.before_micros + entry.after_micros,
        innocent=sum(entry.false_blocks > 0 for entry in outcome.tally.accounts.values()),
    )


def _by_name(tally: Tally) -> dict[tuple[bool, str], list[int]]:
    """Places of the labelled spans by name, frauds first."""
    groups: defaultdict[tuple[bool, str], list[int]] = defaultdict(list)
    for place, entry in enumerate(tally.spans):
        groups[entry.span.fraud, entry.span.name].append(place)
    return dict(sorted(groups.items(), key=lambda item: (not item[0][0], item[0][1])))


def _in_all(way: _Way, account_days: int) -> Json:
    frauds = [place for place, each in enumerate(way.tally.spans) if each.span.fraud]
    at_limit = sum(entry.limit_blocks_without_fraud > 0 for entry in way.tally.accounts.values())
    return {
        "name": way.name,
        "title": way.title,
        "frauds": len(frauds),
        **_of_spans(way, frauds),
        "innocent_accounts": way.innocent,
        "innocent_accounts_per_2000_account_days": per_account_days(way.innocent, account_days),
        "innocent_accounts_at_limit": at_limit,
        "innocent_accounts_at_limit_per_2000_account_days": per_account_days(at_limit, account_days),
    }


def _of_spans(way: _Way, places: Iterable[int]) -> Json:
    entries = [way.tally.spans[place] for place in places]
    return {
        "blocked": sum(map(way.blocked, entries)),
        "lost_before": _money(map(way.before, entries)),
        "lost": None if way.lost is None else _money(map(way.lost, entries)),
    }


def _times_less(ways: Sequence[_Way], places: Sequence[int]) -> str | None:
    """How many times more a limit loses before its block than guard does; None: nothing to compare, or to divide by."""
    limit = next((way for way in ways if way.name == LIMIT), None)
    if limit is None:
        return None
    theirs = sum(limit.before(limit.tally.spans[place]) for place in places)
    mine = sum(ways[0].before(ways[0].tally.spans[place]) for place in places)
    tenths = theirs * 10 // mine if mine else 0
    return f"{tenths // 10}.{tenths % 10}" if mine else None


def per_account_days(accounts: int, account_days: int) -> str:
    """Per 2,000 account-days, three decimals, as text: figures that are compared must not depend on floats."""
    thousandths = accounts * PER_ACCOUNT_DAYS * 1_000 // account_days if account_days else 0
    return f"{thousandths // 1_000}.{thousandths % 1_000:03d}"


def _money(amounts: Iterable[int]) -> str:
    return format_money(clamp_for_show(sum(amounts)))
