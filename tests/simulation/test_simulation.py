"""Hundreds of worlds in which everything goes wrong, and nothing is lost.

The fixed seeds are always the same, so a change that breaks one is to blame. The fresh ones are new each time and their
numbers are told; one that fails is replayed with `python -m tests.simulation SEED` and becomes a fixed one.
"""

from __future__ import annotations

import time
from collections import Counter

import pytest

from tests.simulation.faults import EVENTS, STRIKES
from tests.simulation.runner import Simulator, story_of

FIXED = range(200)
FOUND = (1796480405, 1796485318, 1796490017, 1796491000)
"""Seeds that have found a bug (docs/proofs.md says which), and two that found the auditor wrong about a clock."""
FRESH_S = 20.0
"""Time for fresh seeds: at least one, about 200 on an idle machine."""
FRESH_FROM = 1_000_000


def _broken(simulator: Simulator, seed: int, struck: Counter[str]) -> list[str]:
    verdict = simulator.run(seed)
    struck.update(verdict.struck)
    return [f"python -m tests.simulation {seed}: {what}" for what in verdict.broken]


def test_fixed_seeds_hold_and_have_every_fault() -> None:
    """No promise is broken in any of them, and each kind of fault has struck."""
    struck: Counter[str] = Counter()
    with Simulator() as simulator:
        broken = [what for seed in (*FOUND, *FIXED) for what in _broken(simulator, seed, struck)]
    assert not broken, "\n".join(broken)
    never = {*STRIKES, *EVENTS} - struck.keys()
    assert not never, f"faults that have never struck: {sorted(never)}"


def test_fresh_seeds_hold(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither in worlds that nobody has seen before."""
    first = seed = FRESH_FROM + time.time_ns() // 1_000_000_000
    broken: list[str] = []
    until = time.monotonic() + FRESH_S
    with Simulator() as simulator:
        while time.monotonic() < until:
            broken += _broken(simulator, seed, Counter())
            seed += 1
    with capsys.disabled():
        print(f"\nfresh seeds: {first} to {seed - 1}")  # noqa: T201 -- so that a log of the tests has them
    assert not broken, "\n".join(broken)


def test_a_seed_is_always_the_same_world() -> None:
    """Else nothing that it finds could be looked into."""
    with Simulator() as simulator:
        stories = [story_of(simulator.run(seed)) for seed in (3, 9, 3, 9)]
    assert stories[:2] == stories[2:]
    assert stories[0] != stories[1]
