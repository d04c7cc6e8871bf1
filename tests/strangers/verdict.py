"""What a backtest did for a town, held against the truth: what was stopped, how soon, and who was cut off for nothing.

The truth is the town's own (`Case`, `Call`), the deeds are those of `decisions.ndjson`; what the backtest says about
itself is not asked. A fraud is stopped by the first block that acts and whose scope covers its calls: a block of
premium numbers does not stop calls to Somalia. What it had cost by then is summed from the calls themselves, call by
call, as the switch charged them. A false block is one by a rule or the model of an account that was in no fraud from a
day before; a limit that is reached is nobody's error.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.strangers.paper import DAY, Call
from tests.strangers.scene import Case
from tests.strangers.town import Town

ISLANDS = {"1876", "1809", "1758", "1649", "1767"}


@dataclass(frozen=True, slots=True)
class Block:
    """A decision to block (or not any more), as far as it matters here."""

    at_ms: int
    account: str
    blocks: bool
    acts: bool
    by: str
    scope: str
    text: str


@dataclass(frozen=True, slots=True)
class Stop:
    """The block that stopped a fraud, or none, and what the fraud had cost by then."""

    block: Block | None
    lost: int


@dataclass(frozen=True, slots=True)
class Fraud:
    """One account's part in one fraud, by guard, by guard as if its shadow acted, and by limits alone."""

    seed: int
    case: Case
    guard: Stop
    shadow: Stop
    limits: Stop


@dataclass(frozen=True, slots=True)
class FalseBlock:
    """An innocent, cut off (or who would have been)."""

    seed: int
    block: Block
    kind: str
    story: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one town shows."""

    seed: int
    account_days: int
    frauds: list[Fraud]
    wrong: list[FalseBlock]
    held: int


def read(path: Path) -> Iterator[Block]:
    """The decisions of a run, in their order."""
    with path.open() as file:
        for line in file:
            said: dict[str, Any] = json.loads(line)
            if said["action"] in {"block", "unblock"}:
                yield Block(
                    at_ms=int(datetime.fromisoformat(said["at"]).timestamp() * 1000),
                    account=said["account"],
                    blocks=said["action"] == "block",
                    acts=said["mode"] == "enforce",
                    by=said["rule"] or said["reason"],
                    scope=said["scope"],
                    text=said["text"],
                )


def judge(seed: int, town: Town, guard: Iterable[Block], limits: Iterable[Block], held: int = 0) -> Verdict:
    """The verdict on one town."""
    with_rules, alone = _by_account(guard), _by_account(each for each in limits if each.by == "credit_limit")
    calls: dict[tuple[str, str], list[Call]] = {}
    for call in town.calls:
        calls.setdefault((call.account, call.case), []).append(call)
    frauds = []
    for case in (each for each in town.cases if each.fraud):
        part = [each for each in calls[case.account, case.name] if each.direction != "incoming" and each.answered]
        mine = with_rules.get(case.account, [])
        frauds.append(
            Fraud(
                seed,
                case,
                guard=_stop(town, case, part, (each for each in mine if each.acts)),
                shadow=_stop(town, case, part, mine),
                limits=_stop(town, case, part, alone.get(case.account, [])),
            )
        )
    return Verdict(seed, town.account_days, frauds, list(_wrong(seed, town, with_rules)), held)


def _by_account(blocks: Iterable[Block]) -> dict[str, list[Block]]:
    found: dict[str, list[Block]] = {}
    for each in blocks:
        found.setdefault(each.account, []).append(each)
    return found


def _stop(town: Town, case: Case, calls: list[Call], blocks: Iterable[Block]) -> Stop:
    """By the first block that covers what is being called, in the span or still in force when it begins."""
    before: Block | None = None
    stopped: Block | None = None
    for block in blocks:
        if block.at_ms > case.end_ms:
            break
        covering = block if block.blocks and _covers(town, block.scope, calls) else None
        if block.at_ms < case.start_ms:
            before = covering if block.blocks else None
        elif covering is not None:
            stopped = covering
            break
    stopped = before or stopped
    ends_ms = case.end_ms if stopped is None else max(stopped.at_ms, case.start_ms)
    return Stop(stopped, sum(each.charge(ends_ms - each.at_ms) for each in calls if each.at_ms < ends_ms))


def _covers(town: Town, scope: str, calls: list[Call]) -> bool:
    return scope == "all" or any(_in_scope(town, scope, each.to) for each in calls)


def _in_scope(town: Town, scope: str, number: str) -> bool:
    at_home = number.startswith(town.home.code) and number[:4] not in ISLANDS
    if scope == "international":
        return not at_home
    return at_home and number.startswith(("1900", "449", "49900", "33899", "64900"))


def _wrong(seed: int, town: Town, blocks: dict[str, list[Block]]) -> Iterator[FalseBlock]:
    kinds = {each.account: each.kind for each in town.people}
    cases: dict[str, list[Case]] = {}
    for case in town.cases:
        cases.setdefault(case.account, []).append(case)
    for account, decisions in blocks.items():
        told: set[tuple[str, bool]] = set()
        for block in decisions:
            if not block.blocks or block.by == "credit_limit" or (block.by, block.acts) in told:
                continue
            near = [each for each in cases.get(account, []) if each.start_ms <= block.at_ms <= each.end_ms + DAY]
            if not any(each.fraud for each in near):
                told.add((block.by, block.acts))
                yield FalseBlock(seed, block, kinds[account], ", ".join(each.kind for each in near) or "nothing")


def at_most(count: int) -> float:
    """The mean that a Poisson count this low leaves possible, at 95 %."""
    low, high = float(count), count + 20.0 + 4 * math.sqrt(count)
    for _ in range(60):
        middle = (low + high) / 2
        term = total = math.exp(-middle)
        for number in range(1, count + 1):
            term *= middle / number
            total += term
        low, high = (middle, high) if total > 0.05 else (low, middle)
    return high
