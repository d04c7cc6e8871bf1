"""What the demonstration came to, in plain words: lost, prevented, how fast, and whether the books agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from guard.commands.demo.screen import counted, elapsed
from guard.commands.demo.story import Emergency, Story
from guard.core.money import format_money
from guard.replay.truth import Truth

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
    truth: Truth
    """The switch's own meter."""
    over_micros: int
    """By how much it had passed the limit when the calls were ended."""
    audits: tuple[Audit, ...]
    speed: float = 1.0


class Line(NamedTuple):
    """A title and what is said under it."""

    title: str
    text: str


def tell(outcome: Outcome) -> Iterator[Line]:
    """The summary, line by line."""
    story, turning = outcome.story, outcome.story.turning
    name = story.hacked.name
    if turning.hacked_at_ms is None:
        yield Line("Hacked", f"not yet: the demonstration ended before {name} was. Give it a minute.")
    else:
        after = elapsed(turning.hacked_at_ms - story.started_at_ms)
        places = " and ".join(", ".join(turning.places).rsplit(", ", 1))
        calls = counted(turning.fraud_calls, "call")
        yield Line("Hacked", f"at {after} the telephone system of {name}: {calls} to {places}.")
        if turning.obeyed_at_ms is None:
            yield Line("Blocked", "not yet: the demonstration ended too early for that. Give it a minute.")
        else:
            yield from _ended(outcome, turning.obeyed_at_ms)
    yield Line("Books", _books(outcome))
    yield Line("Next", "guard run, with your own switches: the README says how.")


def _ended(outcome: Outcome, obeyed_at_ms: int) -> Iterator[Line]:
    story, turning = outcome.story, outcome.story.turning
    warned = ", ".join(
        f"at {mark} % ({elapsed(at_ms - story.started_at_ms)})" for mark, at_ms in turning.warned_at_ms.items()
    )
    if warned:
        yield Line("Warned", f"{warned}.")
    yield Line("Blocked", f"at {elapsed(obeyed_at_ms - story.started_at_ms)}. {_reason(turning.block_text)}")
    yield Line("How fast", _how_fast(outcome, obeyed_at_ms))
    over = f", {amount(outcome.over_micros)} of it beyond the limit" if outcome.over_micros > 0 else ""
    yield Line("Lost", f"{amount(turning.fraud_micros)} CAD{over}.")
    # A story told faster has calls that are dearer by as much.
    burn_micros = round(turning.cut_burn_micros / outcome.speed)
    night = amount(burn_micros * 60 * NIGHT_HOURS)
    yield Line(
        "Without guard",
        f"one night of {NIGHT_HOURS} hours at {amount(burn_micros)} CAD a minute is {night} CAD, and"
        " the invoice weeks later would have been the first to say so.",
    )
    saved = amount(outcome.truth.account(story.hacked.account).saved_micros)
    cut, refused = counted(turning.ended_calls, "call"), counted(turning.refused, "further call")
    yield Line(
        "Prevented",
        f"{saved} CAD that the {cut} which were ended would still have cost, and {refused} that the switch refused.",
    )
    if story.emergencies:
        yield Line("Emergency", _emergencies(list(story.emergencies.values()), obeyed_at_ms))


def _reason(block_text: str) -> str:
    """guard's words without the verb, which the title says: `International calls: 3 calls at once ...`."""
    text = block_text.removeprefix("Blocked: ").removeprefix("Blocked (").replace("): ", ": ", 1)
    return text[:1].upper() + text[1:]


def _how_fast(outcome: Outcome, obeyed_at_ms: int) -> str:
    turning = outcome.story.turning
    calls = counted(turning.ended_calls, "call")
    if turning.breach_at_ms is None:
        return f"the switch ended {calls} as soon as it was told."
    after_ms = obeyed_at_ms - turning.breach_at_ms
    when = "in the very millisecond in which" if after_ms <= 0 else f"{after_ms} ms after"
    return (
        f"the switch ended {calls} {when} their true value reached the limit. guard had computed the moment and"
        " waited for no report."
    )


def _emergencies(calls: list[Emergency], obeyed_at_ms: int) -> str:
    if any(call.cut for call in calls):
        return "an emergency call was ENDED by the block: this must never be."
    before = sum(call.answered_at_ms < obeyed_at_ms for call in calls)
    told = [f"{counted(before, '911 call')} of the same customer went on through the block"] if before else []
    if before < len(calls):
        told.append(f"{len(calls) - before} more got through after it")
    return ", ".join(told) + ". They cost nothing."


def _books(outcome: Outcome) -> str:
    wrong = [audit for audit in outcome.audits if not audit.agrees]
    if not outcome.audits:
        return "not compared: the daemon did not answer in time."
    if wrong:
        differing = ", ".join(
            f"{audit.account} {format_money(audit.owed_micros)} instead of {format_money(audit.true_micros)}"
            for audit in wrong
        )
        return f"guard's ledgers do NOT agree with the switch's own meter: {differing}."
    total = sum(audit.owed_micros for audit in outcome.audits)
    calls = sum(account.calls for account in outcome.truth.accounts().values())
    return (
        f"guard's ledgers agree with the switch's own meter to the last millionth: {counted(calls, 'call')},"
        f" {len(outcome.audits)} accounts, {format_money(total)} CAD owed."
    )


def amount(micros: int) -> str:
    """Two decimals with thousands separated."""
    cents = (abs(micros) + 5_000) // 10_000
    return f"{'-' if micros < 0 else ''}{cents // 100:,}.{cents % 100:02d}"
