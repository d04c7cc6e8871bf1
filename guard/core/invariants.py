"""Facts that must hold whatever comes in. A broken one stops the daemon, which restarts from what was committed."""

from __future__ import annotations


class InvariantBrokenError(Exception):
    """The program is wrong about itself; going on would risk money."""


def invariant(condition: bool, fact: str) -> None:  # noqa: FBT001 -- reads as a sentence: invariant(x, "fact")
    """Stop when `fact` does not hold. Stays on in production, unlike `assert`."""
    if not condition:
        raise InvariantBrokenError(fact)
