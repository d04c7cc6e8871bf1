"""Calls that go on whatever happens to guard and the broker, and what they must have cost in the end.

A call is said as it happens: answered, two ticks, ended, each a message of its own. What it must cost is known here
alone, so the sums do not depend on anything that guard believes.
"""

from __future__ import annotations

import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from guard.adapters.sqlite import check_ledger
from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.beside import Beside

RICH = '[accounts]\ndefault_limit = "1000000.00"\n'
"""Nobody here is to be blocked for what is owed."""

PAUSE_S = 0.004
"""From the end of a call to the beginning of the next."""


def without_rules(folder: Path) -> str:
    """Configuration for what is about limits alone: an empty folder of rules, no model."""
    rules = folder / "no-rules"
    rules.mkdir()
    return f'[rules]\ndir = "{rules}"\n[model]\nmode = "off"\n'


def told(text: str) -> None:
    """What was seen, for whoever asks with `-s` (docs/proofs.md)."""
    sys.stdout.write(f"\n{text}\n")


class Traffic(Beside):
    """About 600 reports a second at one switch until told to stop."""

    def __init__(self, switch: SwitchClient, *, name: str = "T", accounts: int = 10) -> None:
        super().__init__("traffic")
        self._switch = switch
        self._names = [f"{name}{number}" for number in range(accounts)]
        self.reports: list[dict[str, Any]] = []
        self.truth: dict[str, Decimal] = {}

    @property
    def calls(self) -> int:
        """Calls that have been said to be over."""
        return len(self.reports) // 4

    def more(self, calls: int) -> None:
        """Wait until there have been so many more."""
        wanted = self.calls + calls
        wait_for(lambda: self.calls >= wanted or not self.thread.is_alive(), f"{calls} more calls")

    def stop(self) -> None:
        """No further call; the one at hand is ended."""
        self.over.set()
        self.thread.join(30)

    def say_ends_again(self) -> None:
        """Say once more how every call ended: what got lost on the way comes in, and nothing is counted twice."""
        for report in self.reports:
            if report["event"] == "ended":
                self._switch.say("calls", report)

    def run(self) -> None:
        """Call after call."""
        number = 0
        while not self.over.wait(PAUSE_S):
            number += 1
            account, micros = self._names[number % len(self._names)], 100_000 + number
            for event, part in (("answered", 0), ("tick", 1), ("tick", 2), ("ended", 3)):
                charge = micros * part // 3
                report = {
                    "call": f"{account}-{number}",
                    "event": event,
                    "account": account,
                    "to": "+14165550100",
                    "at": time.time(),
                    "duration_ms": part * 20_000,
                    "charge": f"{charge // 1_000_000}.{charge % 1_000_000:06d}",
                    "rate": "0.30",
                }
                self._switch.say("calls", report)
                self.reports.append(report)
            self.truth[account] = self.truth.get(account, Decimal(0)) + Decimal(micros).scaleb(-6)


def owed(guard: Guard, account: str) -> Decimal:
    """What an account owes; nothing if it is not known."""
    return Decimal(guard.account(account).get("balance", {}).get("owed", "0"))


def _posted(guard: Guard, account: str) -> Decimal:
    return sum((Decimal(line["amount"]) for line in guard.ledger(account)), Decimal(0))


def assert_exact(guard: Guard, truth: dict[str, Decimal]) -> None:
    """Every balance is exact, and each call is one line."""
    wait_for(
        lambda: {account: owed(guard, account) for account in truth} == truth, f"the balances {truth}", guard.log_tail
    )
    # The account's view is of the moment; the ledger is what is durable, a commit later.
    wait_for(
        lambda: {account: _posted(guard, account) for account in truth} == truth, f"the ledgers {truth}", guard.log_tail
    )
    for account in truth:
        lines = guard.ledger(account)
        assert len({line["call"] for line in lines}) == len(lines)


def assert_whole(guard: Guard, truth: dict[str, Decimal]) -> None:
    """The same, and the sums of the live file agree."""
    assert_exact(guard, truth)
    assert check_ledger(guard.store) == []
