"""`guard demo`: a story of one minute, told by the real parts.

An embedded broker, the daemon with its page, a simulated switch with six customers, one of whom is hacked after eight
seconds. The daemon is a black box here: what is shown comes over MQTT and HTTP as it would for anyone. Only what the
fraud would have cost comes from the simulation, which alone can know it.

`cast` says who and when, `stage` builds and removes the parts, `story` collects what happens (pure), `screen` and
`plain` show it while it happens, `summary` tells it afterwards, `play` is the director.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOptions:
    """What the command line says."""

    port: int = 8080
    speed: float = 1.0
    seconds: float | None = None


def demo(options: DemoOptions) -> None:
    """Tell the story at this terminal."""
    from guard.commands.demo.play import run_demo  # noqa: PLC0415 - the parts of the demo import this package

    run_demo(options)
