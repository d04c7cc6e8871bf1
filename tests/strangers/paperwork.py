"""The verdict in words and tables: per kind of fraud, per innocent, and the few figures that decide.

Money of several towns is added up as if their currencies were one: what matters is the ratio between two sums of the
same town. Losses are those up to the first block that stops the fraud, for guard and for limits alone the same way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tests.strangers.paper import MINUTE, instant
from tests.strangers.verdict import FalseBlock, Fraud, Stop, Verdict, at_most

PER, TIMES = 2000, 5
"""One innocent in so many account-days at most; losses so many times less at least."""


@dataclass(frozen=True, slots=True)
class Story:
    """All accounts of one wave together, or the one account of any other fraud."""

    parts: Sequence[Fraud]

    @property
    def caught(self) -> bool:
        """Whether anybody in it was stopped."""
        return any(each.guard.block for each in self.parts)

    @property
    def caught_by_rule(self) -> bool:
        """Not by the limit alone."""
        return any(each.guard.block and each.guard.block.by != "credit_limit" for each in self.parts)

    @property
    def would_be_caught(self) -> bool:
        """Counting what is in shadow."""
        return any(each.shadow.block for each in self.parts)


def stories(verdicts: Sequence[Verdict]) -> dict[str, list[Story]]:
    """By kind."""
    parts: dict[tuple[int, str], list[Fraud]] = {}
    for verdict in verdicts:
        for fraud in verdict.frauds:
            parts.setdefault((fraud.seed, fraud.case.name), []).append(fraud)
    kinds: dict[str, list[Story]] = {}
    for found in parts.values():
        kinds.setdefault(found[0].case.kind, []).append(Story(found))
    return kinds


def passed(verdicts: Sequence[Verdict]) -> bool:
    """Whether every fraud was stopped, at a fifth of the loss, and hardly anybody cut off for nothing."""
    guard, _, limits = _losses([fraud for each in verdicts for fraud in each.frauds])
    wrong = {(each.seed, each.block.account) for each in _wrong(verdicts) if each.block.acts}
    return (
        all(story.caught for found in stories(verdicts).values() for story in found)
        and limits >= TIMES * guard
        and len(wrong) * PER <= sum(each.account_days for each in verdicts)
    )


def page(verdicts: Sequence[Verdict], *, each: bool = False) -> str:
    """Everything, as Markdown."""
    lines = [*_summary(verdicts), "", *_table(verdicts), "", *_innocents(verdicts)]
    if each:
        lines += ["", *_every(verdicts)]
    return "\n".join(lines) + "\n"


def _summary(verdicts: Sequence[Verdict]) -> Iterator[str]:
    days = sum(each.account_days for each in verdicts)
    frauds = [fraud for each in verdicts for fraud in each.frauds]
    told = [story for found in stories(verdicts).values() for story in found]
    guard, shadow, limits = _losses(frauds)
    caught, by_rule = sum(each.caught for each in told), sum(each.caught_by_rule for each in told)
    yield f"# {len(verdicts)} towns, {days} account-days, {len(told)} frauds on {len(frauds)} accounts"
    yield ""
    yield (
        f"* stopped: {caught} of {len(told)} ({by_rule} by a rule); with shadow "
        f"{sum(each.would_be_caught for each in told)}"
    )
    yield (
        f"* lost before: {_money(guard)} with guard, {_money(limits)} by limits alone: {_ratio(limits, guard)} times; "
        f"with shadow {_money(shadow)}: {_ratio(limits, shadow)} times"
    )
    single = [story.parts[0] for story in told if len(story.parts) == 1]
    guard, shadow, limits = _losses(single)
    yield (
        f"* of these without waves over many accounts: {_money(guard)} of {_money(limits)}: {_ratio(limits, guard)} "
        f"times; with shadow {_ratio(limits, shadow)}"
    )
    for acts, name in ((True, "innocents blocked"), (False, "in shadow besides")):
        accounts = {(each.seed, each.block.account) for each in _wrong(verdicts) if each.block.acts is acts}
        yield (
            f"* {name}: {len(accounts)}, that is {len(accounts) * PER / days:.2f} in {PER} account-days "
            f"(at most {at_most(len(accounts)) * PER / days:.2f} at 95 %)"
        )
    yield f"* held by the fuse: {sum(each.held for each in verdicts)}"


def _table(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield "| fraud | stopped | by a rule | with shadow | median min | lost | limits alone | ratio | with shadow | by |"
    yield "|---|---|---|---|---|---|---|---|---|---|"
    for kind, found in sorted(stories(verdicts).items()):
        parts = [part for story in found for part in story.parts]
        guard, shadow, limits = _losses(parts)
        waits = [wait for part in parts if (wait := _minutes(part, part.guard)) is not None]
        by = sorted({part.guard.block.by for part in parts if part.guard.block})
        yield (
            f"| {kind} | {sum(each.caught for each in found)}/{len(found)} "
            f"| {sum(each.caught_by_rule for each in found)} | {sum(each.would_be_caught for each in found)} "
            f"| {f'{median(waits):.1f}' if waits else '-'} | {_money(guard)} | {_money(limits)} "
            f"| {_ratio(limits, guard)} | {_ratio(limits, shadow)} | {', '.join(by)} |"
        )


def _innocents(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield "## Innocents"
    for wrong in sorted(_wrong(verdicts), key=lambda each: not each.block.acts):
        block = wrong.block
        yield (
            f"* {'BLOCKED' if block.acts else 'shadow'} {wrong.seed} {block.account} ({wrong.kind}; {wrong.story}) "
            f"{instant(block.at_ms)} by {block.by}: {block.text}"
        )


def _every(verdicts: Sequence[Verdict]) -> Iterator[str]:
    yield "## Every fraud"
    for verdict in verdicts:
        for fraud in sorted(verdict.frauds, key=lambda each: each.case.kind):
            guard, shadow, limits = _losses([fraud])
            yield (
                f"* {fraud.seed} {fraud.case.account} {fraud.case.name}: lost {_money(guard)} of {_money(limits)}, "
                f"shadow {_money(shadow)}; {_how(fraud, fraud.guard)}; with shadow {_how(fraud, fraud.shadow)}; "
                f"{instant(fraud.case.start_ms)}"
            )


def _how(fraud: Fraud, stop: Stop) -> str:
    minutes = _minutes(fraud, stop)
    return "not stopped" if stop.block is None or minutes is None else f"{minutes:.1f} min by {stop.block.by}"


def _minutes(fraud: Fraud, stop: Stop) -> float | None:
    return None if stop.block is None else max(0.0, (stop.block.at_ms - fraud.case.start_ms) / MINUTE)


def _losses(frauds: Sequence[Fraud]) -> tuple[int, int, int]:
    """With guard, with its shadow too, and by limits alone."""
    return (
        sum(each.guard.lost for each in frauds),
        sum(each.shadow.lost for each in frauds),
        sum(each.limits.lost for each in frauds),
    )


def _wrong(verdicts: Sequence[Verdict]) -> list[FalseBlock]:
    return [wrong for each in verdicts for wrong in each.wrong]


def _money(micros: int) -> str:
    return f"{micros / 1_000_000:,.2f}"


def _ratio(more: int, less: int) -> str:
    return f"{more / less:.1f}" if less else "all"
