"""Calls with prices, said often, twice and out of order; and what each account owes of them, added up on its own."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from random import Random

import msgspec

from tests.cluster.world import World

MICROS = 1_000_000


@dataclass
class Call:
    id: str
    account: str
    rate_micros: int
    """A second."""
    began_ms: int
    ends_ms: int

    def charge(self, at_ms: int) -> int:
        return self.rate_micros * (at_ms - self.began_ms) // 1_000

    def report(self, event: str, at_ms: int, *, rated: bool) -> dict[str, object]:
        charge = self.charge(at_ms)
        rate = self.rate_micros * 60 if rated else 0
        return {
            "call": self.id,
            "event": event,
            "account": self.account,
            "to": "+16135550100",
            "at": f"{at_ms // 1_000}.{at_ms % 1_000:03}",
            "duration_ms": at_ms - self.began_ms,
            "charge": f"{charge // MICROS}.{charge % MICROS:06}",
            "rate": f"{rate // MICROS}.{rate % MICROS:06}",
        }


class Traffic:
    """Reports of one switch while it runs."""

    def __init__(
        self,
        world: World,
        switch: str,
        random: Random,
        *,
        accounts: int,
        every_ms: int = 200,
        rated: bool = True,
    ) -> None:
        """Not `rated`, reports say that a call costs nothing from now on: only what they state counts."""
        self._rated = rated
        self._world = world
        self._topic = f"guard/v1/{switch}/calls"
        self._random = random
        self._accounts = [f"A{number:04}" for number in range(accounts)]
        self._every_ms = every_ms
        self._up: list[Call] = []
        self._made = 0
        self.running = True
        self.owed: dict[str, int] = defaultdict(int)
        """What each account owes for calls that are over."""
        self._turn()

    def stop(self) -> None:
        """Everybody hangs up."""
        self.running = False
        self._say([self._end(call) for call in self._up])
        self._up = []

    def _turn(self) -> None:
        if not self.running:
            return
        now_ms, random = self._world.schedule.now_ms, self._random
        reports: list[dict[str, object]] = []
        for _ in range(3):
            self._made += 1
            lasts_ms = random.randint(500, 10_000)
            rate = random.choice((17, 333_333, 1_000_000))
            call = Call(f"c{self._made}", random.choice(self._accounts), rate, now_ms, now_ms + lasts_ms)
            self._up.append(call)
            reports.append(call.report("answered", now_ms, rated=self._rated))
        for call in [call for call in self._up if call.ends_ms <= now_ms]:
            self._up.remove(call)
            reports.append(self._end(call))
        reports += [call.report("tick", now_ms, rated=self._rated) for call in self._up if random.random() < 0.1]
        random.shuffle(reports)
        self._say(reports)
        if reports and random.random() < 0.3:
            self._say(random.sample(reports, len(reports) // 2))
        self._world.schedule.after(self._every_ms, self._turn)

    def _end(self, call: Call) -> dict[str, object]:
        now_ms = self._world.schedule.now_ms
        self.owed[call.account] += call.charge(now_ms)
        return call.report("ended", now_ms, rated=self._rated)

    def _say(self, reports: list[dict[str, object]]) -> None:
        self._world.receive(self._topic, msgspec.json.encode(reports))
