"""What the auditors behind `guard check --ledger` find, in plain words, whatever database the ledger is in."""

from __future__ import annotations

from collections.abc import Iterator

from guard.core.money import format_money

FINDINGS = 100
"""Findings told at most: more of them say the same."""

MORE = f"there is more: only the first {FINDINGS} findings are told"


def missing(first: int, last: int) -> str:
    """Line numbers that nobody has."""
    return f"ledger: line {first} is missing" if first == last else f"ledger: lines {first} to {last} are missing"


def below_one(lines: int) -> Iterator[str]:
    """So many lines have a number that guard never gives."""
    if lines:
        yield f"ledger: {lines} lines have a number below 1"


def strange(account: str, switch: str, call: str, sums: tuple[int, int, int, int]) -> Iterator[str]:
    """A call whose price and plan contradict each other; its lines' amount, gross, billed and covered seconds."""
    amount, gross, billed_s, covered_s = sums
    who = f"call {call} of switch {switch} (account {account})"
    if gross < amount:
        yield f"{who}: costs {format_money(amount)}, but without any plan {format_money(gross)}"
    if not 0 <= covered_s <= billed_s:
        yield f"{who}: its plan covers {covered_s} s, but {billed_s} s were billed"


def disagreeing(account: str, owed: int, lines: int, currency: str, others: str | None) -> Iterator[str]:
    """An account and the sum of its lines; `others`: foreign currencies in which they do not come to nothing."""
    if lines != owed:
        yield (
            f"account {account}: owes {format_money(owed)} {currency}, but its ledger lines add up to "
            f"{format_money(lines)} (difference {format_money(owed - lines)})"
        )
    if others:
        yield f"account {account}: is in {currency}, but has ledger lines in {others}"


def of_nobody(account: str, lines: int) -> str:
    """Lines of an account that there is not."""
    return f"account {account}: has ledger lines of {format_money(lines)} but is not among the accounts"


def posted_otherwise(account: str, switch: str, call: str, posted: int, lines: int) -> str:
    """A call that is remembered and the sum of its lines."""
    return (
        f"call {call} of switch {switch} (account {account}): {format_money(posted)} was posted, but its "
        f"ledger lines add up to {format_money(lines)}"
    )
