"""One seed: a world, its faults, its healing, and what the auditor says of it.

opening -> safety (faults) -> healing (no more faults, calls go on) -> quiet (all calls over) -> cures -> the end
                                    live calls are compared                        everything is compared, twice:
                                                                                   once more after a last restart

What goes wrong at moments of its own is `strikes`, what people do `people`, what must be true in the end `ending`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from unittest.mock import patch

from tests.simulation.billing import Office
from tests.simulation.broker import Broker
from tests.simulation.daemon import Life, WorldClock
from tests.simulation.ending import Ending
from tests.simulation.faults import Faults
from tests.simulation.files import Files
from tests.simulation.people import People
from tests.simulation.plans import Plan
from tests.simulation.prices import Prices, Row
from tests.simulation.receivers import Receiver
from tests.simulation.schedule import START_MS, Schedule
from tests.simulation.store import Disk, generations_of
from tests.simulation.strikes import Strikes
from tests.simulation.switch import Switch
from tests.simulation.watch import Watch

MINUTE_MS = 60_000
LATEST_REPLAY_MS = 28 * MINUTE_MS
REACHES = (("domestic",), ("international",), ("domestic", "international"), ("domestic", "international", "premium"))
"""Of quotas and discounts."""
MOST_STEPS = 400_000
"""Far more than any seed takes: a world that has not ended by then turns in circles."""


@dataclass
class Verdict:
    """What came of a seed."""

    seed: int
    broken: list[str]
    story: list[tuple[int, str]]
    steps: int
    struck: dict[str, int] = field(default_factory=dict)
    decisions: int = 0
    lives: int = 0


class World:
    """One seed's."""

    def __init__(self, seed: int, folder: Path, empty: bytes, always: frozenset[str] = frozenset()) -> None:
        """The file lies in `folder`; `empty` is a store in which nothing has happened; `always` are faults it has."""
        self.seed = seed
        self.random = random = Random(seed)
        self.schedule = schedule = Schedule()
        self.path = folder / f"{seed}.db"
        self.path.write_bytes(empty)
        self.faults = Faults(random, always)
        self.clock = WorldClock(schedule)
        self.watch = Watch(schedule, self.clock.now_ms, lambda: self.files)
        self.broker = Broker(schedule, random, self.watch.break_)
        self.broker.hears["guard/v1/decisions"] = self.watch.decided
        self.disk = Disk()
        self.life: Life | None = None
        self.lives = self.steps = 0
        self.reachable = True
        """The broker, for guard."""
        self.every_prices: list[Prices] = []
        """All that were ever in the files."""
        self.keep_details_ms = random.choice((None, None, None, 3 * MINUTE_MS))
        self.saves_when_idle = random.random() < 0.3
        self.remember_ms = random.choice((7 * 24 * 60, 20)) * MINUTE_MS
        self.trust_percent = random.choice((0, 50))
        self.quota_kinds, self.discount_kinds = random.choice(REACHES), random.choice(REACHES)
        self.discount_by_money = random.random() < 0.5
        self.people, self.strikes, self.ending = People(self), Strikes(self), Ending(self)
        self._make()

    # -- what there is

    def _make(self) -> None:
        random = self.random
        names = [f"sw{number}" for number in range(1, random.randint(1, 3) + 1)]
        accounts = [f"A{number}" for number in range(1, random.randint(2, 4) + 1)]
        self.files = self.drawn_files(tuple(names), rules=random.random() < 0.5)
        self.every_prices.append(self.files.prices)
        self.every_mode, self.always_rules = {self.files.model}, self.files.rules
        self.office = Office(
            schedule=self.schedule,
            random=random,
            broker=self.broker,
            luck=self.faults,
            accounts=accounts,
            clock_ms=self.clock.now_ms,
        )
        self.accounts = accounts
        self.switches = {name: self._switch(name) for name in names}
        self.receivers = [
            Receiver(f"hook{n}", random, self.watch.break_, self.watch.prompt) for n in range(random.randint(1, 2))
        ]
        self.watch.switches = list(self.switches.values())
        self.watch.books = self.office.books
        self.watch.calm = self.faults.calm
        self.safety_ms = random.randint(3, 8) * MINUTE_MS
        self.heals_ms = START_MS + self.safety_ms

    def drawn_files(self, switches: tuple[str, ...], *, rules: bool) -> Files:
        """One version of the operator's files."""
        random = self.random

        def row(prefix: str, kind: str, cents: int) -> Row:
            return Row(
                prefix=prefix,
                kind=kind,
                rate_micros=random.randint(1, cents) * 10_000,
                connect_micros=random.choice((0, 50_000)),
                minimum_s=random.choice((0, 30)),
                increment_s=random.choice((1, 6, 60)),
            )

        rows = (row("1", "domestic", 50), row("44", "international", 300), row("252", "international", 2_000))
        return Files(
            prices=Prices(
                rows=(*rows, row("1900", "premium", 900)),
                unknown_rate_micros=1_000_000,
                plans=tuple(self._plan(name) for name in ("few", "many")),
            ),
            default_limit_micros=random.randint(1, 20) * 1_000_000,
            rules=rules,
            lost_after_ms=random.randint(6, 10) * MINUTE_MS,
            fuse_blocks=random.choice((1, 20)),
            switches=switches,
            remember_ms=self.remember_ms,
            trust_percent=self.trust_percent,
            model=random.choice(("off", "shadow", "enforce")) if self.faults.has("model") else "off",
        )

    def _plan(self, name: str) -> Plan:
        """What it covers and how it counts stays the same in all versions: under that its use is kept."""
        random = self.random
        steps = (20, 120) if name == "few" else (60, 600)
        unit = random.choice((10_000, 30_000)) if self.discount_by_money else 1
        return Plan(
            id=name,
            quota_kinds=self.quota_kinds,
            quota_s=random.randint(*steps),
            discount_kinds=self.discount_kinds if name == "many" else (),
            by_money=self.discount_by_money,
            tiers=((0, 0), (random.randint(*steps) * unit, random.choice((10, 25))), (2 * steps[1] * unit, 50)),
        )

    def _switch(self, name: str) -> Switch:
        random = self.random
        switch = Switch(
            name,
            schedule=self.schedule,
            random=random,
            broker=self.broker,
            luck=self.faults,
            watcher=self.watch,
            tick_ms=random.choice((5_000, 10_000, 20_000, 30_000)),
            states_charge=random.random() < (0.3 if self.faults.has("plans") else 0.6),
            obeys_within_ms=random.choice((20, 200, 1_000)),
        )
        if self.faults.has("switch clock wrong"):
            self.faults.note("switch clock wrong")
            switch.offset_ms = random.choice((-120_000, -7_000, -2_000, 1_500, 6_000, 90_000))
            switch.drift_ppm = random.choice((0, -300, 300))
            # How far it is off has to be learned first, and may be learned wrong while reports come late.
            self.watch.trouble(
                f"the clock of {name} is {switch.offset_ms} ms off", self.heals_far_ms, switch=name, delays=False
            )
        return switch

    @property
    def heals_far_ms(self) -> int:
        """Beyond the end."""
        return START_MS + 24 * 60 * MINUTE_MS

    # -- guard's process

    def start_guard(self) -> None:
        """It is started (again)."""
        self.lives += 1
        self.watch.tell(f"guard starts, life {self.lives}")
        self.life = life = Life(
            schedule=self.schedule,
            random=self.random,
            clock=self.clock,
            broker=self.broker,
            path=self.path,
            disk=self.disk,
            files=lambda: self.files,
            receivers=self.receivers,
            keep_details_ms=self.keep_details_ms,
            saves_when_idle=self.saves_when_idle,
            on_first_look=self._clock_is_new_to_guard,
        )
        if self.faults.has("guard dies") and not self.faults.healed and self.random.random() < 0.2:
            life.dies_in = self.random.randint(0, 40)
        for delay_ms, session in ((self._soon(), "calls"), (self._soon(), "control")):
            self.schedule.after(delay_ms, partial(self._open, life, session))

    def _clock_is_new_to_guard(self) -> None:
        """What it was set by before, with guard away and nothing stored yet, guard cannot know."""
        self.watch.set_unseen_ms = abs(self.clock.offset_ms)

    def _soon(self) -> int:
        return self.random.randint(20, 400)

    def _open(self, life: Life, name: str) -> None:
        if life is not self.life or life.dead or not self.reachable:
            return
        session, link = (self.broker.calls, life.calls) if name == "calls" else (self.broker.control, life.control)
        if session.client is not link:
            session.open(link)

    def bury_guard(self, back_ms: int) -> None:
        """It is dead; it will be started again."""
        life, self.life = self.life, None
        if life is None:
            return
        self.broker.calls.close()
        self.broker.control.close()
        life.bury()
        self.disk.dies_in = None
        self.watch.trouble("guard dies", self.schedule.now_ms + back_ms + 3_000)
        self.schedule.after(back_ms, self.start_guard)

    def reach(self) -> None:
        """guard can reach the broker (again)."""
        self.reachable = True
        life = self.life
        if life is not None:
            for name in ("calls", "control"):
                self.schedule.after(self._soon(), partial(self._open, life, name))

    def ask_reload(self) -> None:
        """The operator has guard read the files anew."""
        if self.life is not None and self.life.ready and not self.life.dead:
            self.life.reload(lambda answer: self.watch.tell(f"reload: {answer}"))

    # -- running

    def run(self) -> Verdict:
        """From the opening to the end."""
        with (
            patch("guard.shell.loop.BOUNDED_WAIT_MS", MINUTE_MS),
            generations_of(self.random.choice((1, 3, 10, 2_000))),
        ):
            try:
                self._run()
            finally:
                if self.life is not None:
                    self.life.bury()
                for suffix in ("", "-wal", "-shm"):
                    self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
        return Verdict(
            seed=self.seed,
            broken=self.watch.broken,
            story=self.watch.story,
            steps=self.steps,
            struck=self.faults.struck,
            decisions=len(self.watch.decisions),
            lives=self.lives,
        )

    def _run(self) -> None:
        self.strikes.plan()
        self.people.plan()
        self.start_guard()
        self.pass_until(self.heals_ms)
        self._heal()
        self.pass_until(self.heals_ms + 2 * MINUTE_MS)
        self.ending.compare_live_calls()
        quiet_ms = self.heals_ms + 6 * MINUTE_MS + max(self.files.lost_after_ms, 10 * MINUTE_MS) + 2 * MINUTE_MS
        self.pass_until(quiet_ms)
        self.people.bring_in_records()
        self.people.say_lost_ends()
        self.pass_until(quiet_ms + MINUTE_MS)
        self.people.cure(self.ending.owed_micros())
        # A release without `until` allows for an hour.
        allowed = any(wish.kind == "release" and wish.until_ms is None for wish in self.people.wishes)
        end_ms = max(quiet_ms + (64 if allowed else 4) * MINUTE_MS, self.heals_ms + LATEST_REPLAY_MS)
        self.pass_until(end_ms)
        # Nothing of before comes any more.
        if self.people.forget_some():
            self.pass_until(end_ms + 3 * MINUTE_MS)
            self.people.call_again()
            end_ms += 8 * MINUTE_MS
            self.pass_until(end_ms)
        # What a receiver did not take at the worst time is tried again within an hour.
        end_ms += 75 * MINUTE_MS
        while self.life is not None and self.life.owed and self.schedule.now_ms < end_ms:
            self.pass_until(self.schedule.now_ms + 5 * MINUTE_MS)
        end_ms = self.schedule.now_ms
        self.ending.look(final=False)
        before = self.ending.pictures()
        self.bury_guard(1_000)
        self.pass_until(end_ms + 2 * MINUTE_MS)
        self.ending.look(final=True)
        if not self.watch.broken and self.ending.pictures() != before:
            self.watch.break_(f"a restart has changed what guard knows: {before} and now {self.ending.pictures()}")

    def pass_until(self, moment_ms: int) -> None:
        """Let everything happen up to then."""
        schedule = self.schedule
        reached = False

        def reach() -> None:
            nonlocal reached
            reached = True

        schedule.at(moment_ms, reach)
        while not reached:
            self._step()

    def _step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise AssertionError("this world does not end")
        life, schedule = self.life, self.schedule
        loop_ms = None if life is None else life.loop.next_ms()
        world_ms = schedule.next_ms
        if life is not None and loop_ms is not None and (world_ms is None or loop_ms <= world_ms):
            schedule.pass_to(loop_ms)
            life.step()
        else:
            schedule.happen()
        if life is not None and life is self.life:
            if life.failed:
                self.watch.break_(f"guard stopped by itself: {life.failed}")
                life.die()
            if life.dead:
                self.bury_guard(self.random.choice((20, 1_000, 30_000)))

    # -- healing

    def _heal(self) -> None:
        """Nothing goes wrong any more, and what had gone wrong is mended."""
        self.watch.tell("everything heals")
        self.faults.healed = True
        self.disk.trouble, self.disk.dies_in = "", None
        for receiver in self.receivers:
            receiver.ill = False
        for switch in self.switches.values():
            if switch.lied and switch.online:
                switch.go_offline(will=False, will_after_ms=0)
            switch.go_online()
        self.watch.trouble("everything has healed", self.schedule.now_ms + 31_000)
        self.reach()
        self.ask_reload()
