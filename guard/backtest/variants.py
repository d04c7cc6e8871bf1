"""Variants: the same history under several ways of guarding it, each in a process of its own.

A `Job` says all that one run needs and can be sent to another process; `make_engine` is a function of a module for
that reason. One job runs where it is asked for; several run side by side on as many cores as there are. Nothing of a
run depends on the others, so how many run at a time changes nothing but the time.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from enum import Enum
from multiprocessing.sharedctypes import SynchronizedArray
from pathlib import Path

from guard.backtest.history import EARLIEST_MS, History
from guard.backtest.inputs import Bill, Span
from guard.backtest.peers import Counters
from guard.backtest.replay import Assumptions, Lookout, Replay
from guard.backtest.tally import Tally
from guard.config import Config
from guard.core.decisions import Decision
from guard.core.engine import Engine
from guard.core.records import AccountMessage, CreditMessage
from guard.core.rules.rule import Rule
from guard.wire.decisions import encode_decision

POLL_S = 0.2


class Role(Enum):
    """Why a variant is run."""

    GUARD = "guard"
    WHAT_IF = "what_if"
    PEER = "peer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One way of guarding a history."""

    name: str
    title: str
    role: Role
    config: Config
    rules: tuple[Rule, ...] = ()
    cycles_micros: int | None = None
    """Limits in cycles are so many, whatever billing says."""
    at_hang_up: bool = False
    counters: bool = False
    knob: str = ""
    """Of a sweep: what is varied (`same-number.block`)."""
    setting: str = ""
    """And its value here."""


EngineMaker = Callable[[Config, tuple[Rule, ...], int], Engine]
"""Makes the engine of a configuration and its rules that begins at a time."""


LookoutMaker = Callable[[Config], Lookout | None]
"""Makes the model of a configuration that looks out; None: it is off."""


def _nobody(_config: Config) -> None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run."""

    variant: Variant
    history: History
    bills: tuple[Bill, ...]
    spans: tuple[Span, ...]
    release_after_ms: int
    make_engine: EngineMaker
    make_lookout: LookoutMaker = _nobody
    decisions: Path | None = None
    """Where every decision is written, one a line."""


@dataclass(slots=True)
class Outcome:
    """What a run came to."""

    variant: Variant
    tally: Tally
    currencies: dict[str, str] = field(default_factory=dict)
    """Of each account that the engine knows."""


def run(job: Job, told: Callable[[int], None] = lambda _reports: None) -> Outcome:
    """Run one job; `told` gets the number of reports from time to time."""
    variant, tally = job.variant, Tally(job.spans)
    # What billing said at no known time is known from the beginning; the clock need not walk there from the year 2000.
    start_ms = min([job.history.first_ms, *(bill.at_ms for bill in job.bills if bill.at_ms > EARLIEST_MS)])
    engine = job.make_engine(variant.config, variant.rules, start_ms)
    world = engine.world
    if variant.counters:
        Counters(world.rating, world.scopes, world.settings.emergency, tally).run(job.history, told)
        return Outcome(variant, tally)
    assumptions = Assumptions(release_after_ms=job.release_after_ms, at_hang_up=variant.at_hang_up)
    with job.decisions.open("wb") if job.decisions is not None else nullcontext() as file:

        def decided(decision: Decision) -> None:
            if file is not None:
                file.write(encode_decision(decision) + b"\n")

        bills = tuple(Bill(max(start_ms, bill.at_ms), bill.message) for bill in job.bills)
        if variant.cycles_micros is not None:
            bills = _in_cycles(bills, variant.cycles_micros)
        lookout = None if variant.role is Role.PEER else job.make_lookout(variant.config)
        Replay(engine, job.history, bills, tally, assumptions, decided, lookout=lookout).run(told)
    return Outcome(variant, tally, {account.id: account.currency for account in world.accounts.values()})


def _in_cycles(bills: Sequence[Bill], cycles_micros: int) -> tuple[Bill, ...]:
    """The same billing, its limits in cycles being so many."""
    changed: list[Bill] = []
    for bill in bills:
        message = bill.message
        if isinstance(message, AccountMessage | CreditMessage) and message.credit is not None:
            credit = message.credit
            if credit.cycles_micros is not None:
                message = replace(message, credit=replace(credit, cycles_micros=cycles_micros))
        changed.append(Bill(bill.at_ms, message))
    return tuple(changed)


def run_all(jobs: Sequence[Job], told: Callable[[list[int]], None]) -> list[Outcome]:
    """Run them all; `told` gets the number of reports of each from time to time."""
    if len(jobs) == 1:
        return [run(jobs[0], lambda done: told([done]))]
    # A fresh interpreter for each worker: what runs beside us here (a progress display) must not be copied.
    context = multiprocessing.get_context("spawn")
    progress = context.Array("q", len(jobs))
    workers = min(len(jobs), os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(progress,)) as pool:
        waiting: set[Future[Outcome]] = set()
        futures = [pool.submit(_run_apart, job, position) for position, job in enumerate(jobs)]
        waiting.update(futures)
        while waiting:
            _done, waiting = wait(waiting, timeout=POLL_S)
            told([progress[position] for position in range(len(jobs))])
        return [future.result() for future in futures]


_progress: SynchronizedArray[int] | None = None
"""In a worker: where it tells how far it is."""


def _begin(progress: SynchronizedArray[int]) -> None:
    global _progress  # noqa: PLW0603 -- a worker has no other place for what it is started with
    _progress = progress


def _run_apart(job: Job, position: int) -> Outcome:
    def told(done: int) -> None:
        if _progress is not None:
            _progress[position] = done

    return run(job, told)
