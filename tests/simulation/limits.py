"""What an account's limit is by the words that moved it: the auditor's own arithmetic (contract 1, `credit`).

An amount, or cycles x the mean of the last three invoices within floor and cap; without invoices the floor, else the
default. Once three are known, a step up of more than half waits for an operator. A limit until a time stands in front
of the one for good; a new one for good ends it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import floor

KNOWN_INVOICES = 3


class By(Enum):
    """What moved it."""

    AMOUNT = "billing states an amount"
    CYCLES = "billing states cycles"
    INVOICE = "an invoice"
    STEP = "an operator lets the step pass"
    HAND = "an operator sets it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word about it, in the order in which they were sent."""

    sent_ms: int
    by: By
    amount_micros: int | None = None
    """The limit (None: there is none), or of the invoice."""
    until_ms: int | None = None
    """By guard's clock."""
    cycles: Fraction = Fraction(0)
    floor_micros: int | None = None
    cap_micros: int | None = None
    ends: str = ""
    """The invoice's period, `YYYY-MM-DD`."""


class Limit:
    """As the words so far have made it."""

    def __init__(self, default_micros: int) -> None:
        self._default_micros = default_micros
        self._invoices: list[Word] = []
        self._cycles: Word | None = None
        self._lasting: int | None = default_micros
        self._passing: Word | None = None
        self.waits_micros: int | None = None
        """A step up that waits for an operator."""

    def take(self, words: Iterable[Word]) -> Limit:
        """Go by these as well."""
        for word in words:
            self._take(word)
        return self

    def _take(self, word: Word) -> None:
        match word.by:
            case By.INVOICE:
                self._invoices = sorted([*self._invoices, word], key=lambda each: each.ends)[-KNOWN_INVOICES:]
                self._follow_invoices()
            case By.STEP:
                self._lasting, self.waits_micros = self.waits_micros, None
            case _ if word.until_ms is not None:
                self._passing = word
            case _:
                self._cycles = word if word.by is By.CYCLES else None
                self._lasting = word.amount_micros if self._cycles is None else self._wanted(self._cycles)
                self._passing = self.waits_micros = None

    def _wanted(self, cycles: Word) -> int:
        if self._invoices:
            mean = Fraction(sum(each.amount_micros or 0 for each in self._invoices), len(self._invoices))
            wanted = max(floor(cycles.cycles * mean + Fraction(1, 2)), cycles.floor_micros or 0)
        else:
            wanted = self._default_micros if cycles.floor_micros is None else cycles.floor_micros
        return wanted if cycles.cap_micros is None else min(wanted, cycles.cap_micros)

    def _follow_invoices(self) -> None:
        if self._cycles is None or self._lasting is None:
            return
        wanted = self._wanted(self._cycles)
        if len(self._invoices) == KNOWN_INVOICES and 2 * wanted > 3 * self._lasting:
            self.waits_micros = wanted
        else:
            self._lasting, self.waits_micros = wanted, None

    def at(self, now_ms: int) -> int | None:
        """In force at that time by guard's clock."""
        passing = self._passing
        if passing is not None and passing.until_ms is not None and now_ms < passing.until_ms:
            return passing.amount_micros
        return self._lasting
