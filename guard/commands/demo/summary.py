"""What the demonstration came to, in plain words: lost, prevented, how fast, and whether the books agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from guard.commands.demo.screen import elapsed
from guard.commands.demo.story import Story
from guard.core.money import format_money
from guard.replay.truth import AccountTruth

NIGHT_HOURS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """guard's books beside the switch's own meter, for one account; money in micros."""

    account: str
    owed_micros: int
    true_micros: int

    @property
    def agrees(self) -> bool:
        """To the last micro."""
        return self.owed_micros == self.true_micros


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Everything that can be said at the end."""

    story: Story
    url: str
    truth: AccountTruth
    """Of the hacked account."""
    calls: int
    """Of all accounts."""
    breach_at_ms: int | None
    """When the true value reached the limit."""
    over_micros: int
    """By how much it had passed the limit when the calls were ended."""
    audits: tuple[Audit, ...]


def tell(outcome: Outcome) -> Iterator[str]:
    """The summary, paragraph by paragraph."""
    story, turning = outcome.story, outcome.story.turning
    name = story.hacked.name
    if turning.hacked_at_ms is None:
        yield f"The demonstration ended before {name} was hacked; give it a minute."
    elif turning.obeyed_at_ms is None:
        yield f"The demonstration ended before {name} reached its limit; give it a minute."
    else:
        yield from _happened(outcome, turning.hacked_at_ms, turning.obeyed_at_ms)
    yield _books(outcome)


def _happened(outcome: Outcome, hacked_at_ms: int, obeyed_at_ms: int) -> Iterator[str]:
    story, turning = outcome.story, outcome.story.turning
    name, burn_micros = story.hacked.name, turning.cut_burn_micros
    hacked_at = elapsed(hacked_at_ms - story.started_at_ms)
    yield (
        f"At {hacked_at} the telephone system of {name} was broken into: {turning.fraud_calls} calls abroad,"
        f" burning {amount(burn_micros)} CAD a minute."
    )
    yield f"guard's reason, word for word: {turning.block_text}"
    yield _how_fast(outcome, obeyed_at_ms)
    over = f", {amount(outcome.over_micros)} of it beyond the limit" if outcome.over_micros > 0 else ""
    yield f"Lost: {amount(turning.fraud_micros)} CAD{over}."
    night = burn_micros * 60 * NIGHT_HOURS
    yield (
        f"Without guard, an invoice weeks later would have shown it: one night of {NIGHT_HOURS} hours at that rate is"
        f" {amount(night)} CAD. The {turning.ended_calls} calls alone that were ended would still have cost"
        f" {amount(outcome.truth.saved_micros)} CAD; {turning.refused} further ones never came about."
    )
    if story.emergencies:
        yield "The 911 calls of the same customer went on all the time: before the block, during and after it."


def _how_fast(outcome: Outcome, obeyed_at_ms: int) -> str:
    turning = outcome.story.turning
    if outcome.breach_at_ms is None:
        return f"The switch ended {turning.ended_calls} calls as soon as it was told."
    after_ms = obeyed_at_ms - outcome.breach_at_ms
    late = "in the very millisecond in which" if after_ms <= 0 else f"{after_ms} ms after"
    return (
        f"The switch ended {turning.ended_calls} calls {late} the true value of its calls reached the limit:"
        " guard had computed that moment and did not wait for another report."
    )


def _books(outcome: Outcome) -> str:
    wrong = [audit for audit in outcome.audits if not audit.agrees]
    if not outcome.audits:
        return "guard's ledgers were not compared: the daemon did not answer in time."
    if wrong:
        differing = ", ".join(
            f"{audit.account} {format_money(audit.owed_micros)} instead of {format_money(audit.true_micros)}"
            for audit in wrong
        )
        return f"guard's ledgers do NOT agree with the switch's own meter: {differing}."
    total = sum(audit.owed_micros for audit in outcome.audits)
    return (
        f"guard's ledgers agree with the switch's own meter to the last millionth: {outcome.calls} calls,"
        f" {len(outcome.audits)} accounts, {format_money(total)} CAD owed."
    )


def amount(micros: int) -> str:
    """Two decimals with thousands separated."""
    cents = (abs(micros) + 5_000) // 10_000
    return f"{'-' if micros < 0 else ''}{cents // 100:,}.{cents % 100:02d}"
