"""One seed: a world, its faults, its healing, and what the auditor says of it.

opening -> safety (faults) -> healing (no more faults, calls go on) -> quiet (all calls over) -> cures -> the end
                                    live calls are compared                        everything is compared, twice:
                                                                                   once more after a last restart
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from unittest.mock import patch

from tests.simulation.audit import Audit, Truth
from tests.simulation.billing import Office
from tests.simulation.broker import Broker
from tests.simulation.calls import Call, is_emergency
from tests.simulation.daemon import Life, WorldClock
from tests.simulation.faults import Faults
from tests.simulation.files import Files
from tests.simulation.operators import Wish
from tests.simulation.prices import Prices, Row
from tests.simulation.receivers import Receiver
from tests.simulation.schedule import START_MS, Act, Schedule
from tests.simulation.store import Disk, generations_of
from tests.simulation.switch import Switch
from tests.simulation.watch import Watch

MINUTE_MS = 60_000
NUMBERS = ("+14165550101", "+442071234567", "+442071234567", "+252612345678", "+19005551234", "+5555", "911", "112")
CLOCKS_ARE_OFF_MS = 13 * MINUTE_MS
"""guard's by ten minutes at most, a switch's by two."""
LATEST_REPLAY_MS = 28 * MINUTE_MS
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
    posted: int = 0
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
        self.wishes: list[Wish] = []
        self.every_prices: list[Prices] = []
        self.cured: set[str] = set()
        """Accounts that have had a money event after everything was over."""
        self.keep_details_ms = random.choice((None, None, None, 3 * MINUTE_MS))
        self.saves_when_idle = random.random() < 0.3
        self.remember_ms = random.choice((7 * 24 * 60, 20)) * MINUTE_MS
        self.trust_percent = random.choice((0, 50))
        self._make()

    # -- what there is

    def _make(self) -> None:
        random = self.random
        names = [f"sw{number}" for number in range(1, random.randint(1, 3) + 1)]
        accounts = [f"A{number}" for number in range(1, random.randint(2, 4) + 1)]
        self.files = self._files(tuple(names), rules=random.random() < 0.5)
        self.every_prices.append(self.files.prices)
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

    def _files(self, switches: tuple[str, ...], *, rules: bool) -> Files:
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
            prices=Prices(rows=(*rows, row("1900", "premium", 900)), unknown_rate_micros=1_000_000),
            default_limit_micros=random.randint(1, 20) * 1_000_000,
            rules=rules,
            lost_after_ms=random.randint(6, 10) * MINUTE_MS,
            fuse_blocks=random.choice((1, 20)),
            switches=switches,
            remember_ms=self.remember_ms,
            trust_percent=self.trust_percent,
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
            states_charge=random.random() < 0.6,
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
        )
        if self.faults.has("guard dies") and not self.faults.healed and self.random.random() < 0.2:
            life.dies_in = self.random.randint(0, 40)
        for delay_ms, session in ((self._soon(), "calls"), (self._soon(), "control")):
            self.schedule.after(delay_ms, partial(self._open, life, session))

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

    # -- faults at moments of their own

    def _plan_faults(self) -> None:
        random = self.random
        acts = {
            "guard dies": (self._kill, 5),
            "guard is cut off": (self._cut, 4),
            "disk full": (lambda: self._ail_disk("full"), 2),
            "disk failing": (lambda: self._ail_disk("failing"), 2),
            "disk failing late": (lambda: self._ail_disk("failing late"), 2),
            "disk locked": (lambda: self._ail_disk("locked"), 2),
            "switch offline": (self._unplug, 3),
            "switch reboots": (self._reboot, 2),
            "clock stepped": (self._step_clock, 4),
            "reload": (self._reload, 2),
            "operators": (self._wish, 5),
            "balances": (self._state_balance, 2),
            "accounts close": (self._close_account, 1),
            "junk": (self._publish_junk, 4),
        }
        for what, (act, most) in acts.items():
            if self.faults.has(what):
                for _ in range(random.randint(1, most)):
                    self._at_random(partial(self._strike, what, act))
        if self.faults.has("clock drifts"):
            self.faults.note("clock drifts")
            self.clock.drift_ppm = random.choice((-500, 500))
        if self.faults.has("receivers ill"):
            self.faults.note("receivers ill")
            for receiver in self.receivers:
                receiver.ill = True

    def _strike(self, what: str, act: Act) -> None:
        self.faults.note(what)
        act()

    def _at_random(self, act: Act) -> None:
        self.schedule.at(START_MS + self.random.randint(2_000, self.safety_ms), act)

    def _kill(self) -> None:
        """Not at once: before one of its next steps, in the middle of a transaction, or as it is told to stop."""
        if self.life is None:
            return
        how = self.random.random()
        if how < 0.2:
            self.life.stop()
        elif how < 0.7:
            self.life.dies_in = self.random.randint(0, 60)
        else:
            self.disk.dies_in = self.random.randint(0, 12)

    def _cut(self) -> None:
        lasts_ms = self.random.choice((50, 2_000, 15_000, 40_000))
        self.watch.trouble("guard is cut off", self.schedule.now_ms + lasts_ms + 1_000)
        whole = self.random.random() < 0.5
        self.reachable = not whole
        sessions = [self.broker.calls, self.broker.control]
        for session in sessions if whole else [self.random.choice(sessions)]:
            session.close()
        self.schedule.after(lasts_ms, self._reach)

    def _reach(self) -> None:
        self.reachable = True
        if self.life is not None:
            life = self.life
            for name in ("calls", "control"):
                self.schedule.after(self._soon(), partial(self._open, life, name))

    def _ail_disk(self, how: str) -> None:
        lasts_ms = self.random.choice((20, 500, 4_000, 20_000))
        self.disk.trouble = how
        # It is tried again after 5 s at most.
        self.watch.trouble(f"the disk is {how}", self.schedule.now_ms + lasts_ms + 5_500)
        self.schedule.after(lasts_ms, self._heal_disk)

    def _heal_disk(self) -> None:
        self.disk.trouble = ""

    def _unplug(self) -> None:
        switch = self.random.choice(list(self.switches.values()))
        lasts_ms = self.random.randint(500, 60_000)
        self.watch.trouble("a switch is offline", self.schedule.now_ms + lasts_ms + 2_000, switch=switch.name)
        switch.go_offline(will=self.random.random() < 0.7, will_after_ms=self.random.randint(0, 20_000))
        self.schedule.after(lasts_ms, switch.go_online)

    def _reboot(self) -> None:
        switch = self.random.choice(list(self.switches.values()))
        lasts_ms = self.random.randint(500, 40_000)
        self.watch.trouble("a switch reboots", self.schedule.now_ms + lasts_ms + 2_000, switch=switch.name)
        switch.go_offline(will=self.random.random() < 0.7, will_after_ms=self.random.randint(0, 5_000))
        switch.reboot()
        self.schedule.after(lasts_ms, switch.go_online)

    def _step_clock(self) -> None:
        by_ms = self.random.choice((-300_000, -20_000, -6_000, 6_000, 30_000, 300_000))
        if abs(self.clock.offset_ms + by_ms) > 10 * MINUTE_MS:
            return
        self.clock.offset_ms += by_ms
        # Two ticks show how far it is off now; a switch that learned another offset has to be learned again.
        self.watch.trouble(f"guard's clock is set by {by_ms} ms", self.schedule.now_ms + 4 * MINUTE_MS, delays=False)

    def _reload(self) -> None:
        prices_stay = self.random.random() < 0.4
        before = self.files
        self.files = self._files(tuple(self.switches), rules=self.random.random() < 0.5)
        if prices_stay:
            self.files = Files(
                prices=before.prices,
                default_limit_micros=self.files.default_limit_micros,
                rules=self.files.rules,
                lost_after_ms=before.lost_after_ms,
                fuse_blocks=self.files.fuse_blocks,
                switches=before.switches,
                remember_ms=before.remember_ms,
                trust_percent=before.trust_percent,
            )
        else:
            self.every_prices.append(self.files.prices)
            self.watch.price_changes = True
        self.watch.trouble("the files change", self.schedule.now_ms + 5_000)
        self._ask_reload()

    def _ask_reload(self) -> None:
        if self.life is not None and self.life.ready and not self.life.dead:
            self.life.reload(lambda answer: self.watch.tell(f"reload: {answer}"))

    def _wish(self) -> None:
        if self.random.random() < 0.2:
            self._judge_held()
            return
        kind = self.random.choice(("block", "block abroad", "release", "allow", "release"))
        lasts_ms: int | None = self.random.randint(5_000, 2 * MINUTE_MS)
        if kind in ("block", "block abroad", "release") and self.random.random() < 0.4:
            lasts_ms = None
        self.wish(kind, self.random.choice(self.accounts), lasts_ms)

    def _judge_held(self) -> None:
        """An operator looks at the blocks that the fuse holds."""
        life = self.life
        if life is None or not life.ready or life.dead:
            return
        for held in life.desk.held():
            kind = self.random.choice(("approve", "reject"))
            self.wish(kind, held.account, None, held=held.id)

    def wish(self, kind: str, account: str, lasts_ms: int | None, held: str = "") -> None:
        """An operator asks for something, if guard is there."""
        life = self.life
        if life is None or not life.ready or life.dead:
            return
        now_ms = self.schedule.now_ms
        until_ms = None if lasts_ms is None else self.clock.now_ms() + lasts_ms
        wish = Wish(f"wish {len(self.wishes) + 1}", kind, account, now_ms, until_ms, held)
        self.wishes.append(wish)
        allowed_ms = {"release": lasts_ms or 60 * MINUTE_MS, "allow": lasts_ms or 0}.get(kind, 0)
        until_ms = max(self.watch.allowed_until_ms.get(account, 0), self.clock.now_ms() + allowed_ms)
        self.watch.allowed_until_ms[account] = until_ms
        self.watch.tell(f"{wish.reason}: {kind} {account}")

        def answered(answer: str) -> None:
            wish.answer = answer
            self.watch.tell(f"{wish.reason}: {answer}")

        life.submit(wish.intent(), answered)

    def _state_balance(self) -> None:
        account = self.random.choice(self.accounts)
        self.watch.trouble("a balance is stated", self.schedule.now_ms + 3_000, account=account)
        self.office.state_balance(account, self.random.randint(-5, 20) * 500_000, self.random.randint(0, 3 * MINUTE_MS))

    def _publish_junk(self) -> None:
        """What is no message, on topics where messages are expected, and elsewhere."""
        topics = ("sw1/calls", "sw1/acks", "sw1/status", "billing", "sw1/else", "sw1/calls/more", "sw9/calls")
        junk = self.random.choice(
            (b"", b"{", b"[]", b"[1,2]", b"null", b"\xff\xfe", b'{"call":"x"}', b'{"type":"payment"}')
        )
        self.broker.publish(f"guard/v1/{self.random.choice(topics)}", junk)

    def _close_account(self) -> None:
        self.office.close(self.random.choice(self.accounts))

    # -- people

    def _plan_life(self) -> None:
        random, office = self.random, self.office
        for account in self.accounts:
            if random.random() < 0.8:
                self.schedule.after(random.randint(100, 5_000), partial(office.open_account, account))
            if random.random() < 0.8:
                limit = random.choice((None, 0, 1, 3, 8, 20))
                millions = None if limit is None else limit * 1_000_000
                self.schedule.after(
                    random.randint(100, 3_000),
                    partial(office.limit, account, millions),
                )
        for _ in range(random.randint(0, 4)):
            account, fate = (
                random.choice(self.accounts),
                random.choice(("posted", "slow", "rejected", "reversed", "waiting")),
            )
            amount = random.randint(1, 1_500) * 10_000 + random.randint(0, 9)
            self._at_random(partial(office.pay, account, amount, fate))
        for _ in range(random.randint(0, 3)):
            account, amount = random.choice(self.accounts), random.randint(-500_000, 900_000)
            self._at_random(partial(office.adjust, account, amount))
        for _ in range(random.randint(0, 2)):
            account, limit_micros = random.choice(self.accounts), random.randint(0, 15) * 1_000_000
            lasts_ms = random.choice((None, random.randint(10_000, 3 * MINUTE_MS)))
            self._at_random(partial(office.limit, account, limit_micros, lasts_ms))
        for number in range(random.randint(6, 22)):
            self._plan_call(f"c{number}", 2_000, self.safety_ms + MINUTE_MS)

    def _plan_call(self, name: str, first_ms: int, last_ms: int) -> None:
        random = self.random
        switch = random.choice(list(self.switches.values()))
        account, to = random.choice(self.accounts), random.choice(NUMBERS)
        direction = random.choice(("outgoing",) * 8 + ("forwarded", "incoming", "internal"))
        began_ms = START_MS + random.randint(first_ms, last_ms)
        lasts_ms = random.randint(1_000, 4 * MINUTE_MS)
        flagged = random.random() < 0.04
        if direction in ("incoming", "internal") and is_emergency(to):
            direction = "outgoing"
        call = Call(
            id=f"{switch.name}/{name}",
            switch=switch.name,
            account=account,
            to=to,
            direction=direction,
            emergency=flagged or is_emergency(to),
            states_charge=switch.states_charge,
            rate_micros=random.choice((0, 100_000, 2_100_000, 6_000_000, 20_000_000)),
            connect_micros=random.choice((0, 0, 350_000)),
            increment_s=random.choice((1, 1, 6, 30)),
            began_ms=began_ms,
            planned_end_ms=began_ms + lasts_ms,
        )

        def begin() -> None:
            if switch.online or random.random() < 0.5:
                switch.begin(call)

        self.schedule.at(began_ms, begin)

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
        self._plan_faults()
        self._plan_life()
        self.start_guard()
        self.pass_until(self.heals_ms)
        self._heal()
        self.pass_until(self.heals_ms + 2 * MINUTE_MS)
        self._compare_live_calls()
        quiet_ms = self.heals_ms + 6 * MINUTE_MS + max(self.files.lost_after_ms, 10 * MINUTE_MS) + 2 * MINUTE_MS
        self.pass_until(quiet_ms)
        self._say_lost_ends()
        self.pass_until(quiet_ms + MINUTE_MS)
        self._cure()
        # A release without `until` allows for an hour.
        allowed = any(wish.kind == "release" and wish.until_ms is None for wish in self.wishes)
        end_ms = max(quiet_ms + (64 if allowed else 4) * MINUTE_MS, self.heals_ms + LATEST_REPLAY_MS)
        self.pass_until(end_ms)
        # What a receiver did not take at the worst time is tried again within an hour.
        end_ms += 75 * MINUTE_MS
        while self.life is not None and self.life.owed and self.schedule.now_ms < end_ms:
            self.pass_until(self.schedule.now_ms + 5 * MINUTE_MS)
        end_ms = self.schedule.now_ms
        self._look(final=False)
        before = self._pictures()
        self.bury_guard(1_000)
        self.pass_until(end_ms + 2 * MINUTE_MS)
        self._look(final=True)
        if not self.watch.broken and self._pictures() != before:
            self.watch.break_(f"a restart has changed what guard knows: {before} and now {self._pictures()}")

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
        self._reach()
        self._ask_reload()

    def _say_lost_ends(self) -> None:
        """Half of the ends that were lost come after all: guard has given those calls up by now."""
        for switch in self.switches.values():
            for call in switch.every:
                if call.end_is_lost and self.random.random() < 0.5:
                    switch.say_after_all(call)

    def _cure(self) -> None:
        """Some pay all they owe, some have another money event, some are let alone."""
        audit = self._audit()
        try:
            for account in self.accounts:
                owed = audit.owed(account)
                if self.random.random() < 0.3:
                    continue
                self.cured.add(account)
                if owed > 0 and self.random.random() < 0.5:
                    self.office.pay(account, owed, "posted")
                else:
                    self.office.adjust(account, 10_000)
                if self.random.random() < 0.7:
                    self.wish("release", account, MINUTE_MS)
        finally:
            audit.close()

    # -- what the auditor says

    def _audit(self) -> Audit:
        truth = Truth(
            switches=list(self.switches.values()),
            books=self.office.books,
            wishes=self.wishes,
            receivers=self.receivers,
            prices=tuple(self.every_prices),
            remember_ms=self.remember_ms - CLOCKS_ARE_OFF_MS,
            details_kept=self.keep_details_ms is None,
        )
        return Audit(self.path, truth, self.watch)

    def _compare_live_calls(self) -> None:
        """While calls go on and nothing goes wrong: guard knows exactly those that are up."""
        life = self._living()
        if life is None:
            return
        for account in self.accounts:
            up = {c.id for s in self.switches.values() for c in s.calls.values() if c.account == account}
            lately_ms = self.schedule.now_ms - 1_000
            gone = {
                c.id
                for s in self.switches.values()
                for c in s.every
                if c.account == account and (c.end_is_lost or (c.ended_ms or 0) > lately_ms)
            }
            up = {c.id for s in self.switches.values() for c in s.calls.values() if c.began_ms < lately_ms} & up
            view = life.desk.account(account)
            known = {call.call for call in view.live_calls} if view is not None else set()
            if not up <= known or not known - up <= gone:
                self.watch.break_(f"{account}: calls up are {sorted(up)}, guard knows {sorted(known)}")

    def _living(self) -> Life | None:
        life = self.life
        if life is None or not life.ready or life.dead:
            self.watch.break_("guard is not running long after everything has healed")
            return None
        return life

    def _look(self, *, final: bool) -> None:
        """Everything must have come true."""
        life = self._living()
        if life is None:
            return
        # It turns at least once a second; here it is let sleep when nothing is to be done.
        life.arrived()
        self.pass_until(self.schedule.now_ms + 1_000)
        if not final:
            audit = self._audit()
            try:
                audit.look()
                for account in self.accounts:
                    self._look_at_account(life, account, audit.owed(account))
            finally:
                audit.close()
        for session in (self.broker.calls, self.broker.control):
            if session.waiting:
                self.watch.break_(f"{session.waiting} messages of session {session.name} are not acknowledged")
        for view in life.desk.switches():
            if view.unconfirmed or not view.synced or view.live_calls:
                self.watch.break_(f"a switch does not agree: {view}")
        if life.loop.failures:
            self.watch.break_(f"nobody caught {life.loop.failures}")
        if life.desk.ready() or life.desk.healthy():
            self.watch.break_(f"guard is not well: {life.desk.ready()} {life.desk.healthy()}")

    def _look_at_account(self, life: Life, account: str, owed: int) -> None:
        """What it owes, and whether it is blocked exactly if it should be, at every switch."""
        books = self.office.books[account]
        view = life.desk.account(account)
        blocks = {switch.blocked.get(account, {}).get("scope") for switch in self.switches.values()}
        if view is None:
            if owed or blocks != {None}:
                self.watch.break_(f"{account} is not known, owes {owed} and is blocked: {blocks}")
            return
        exposure = owed - books.trusted(self.trust_percent)
        if (view.owed_micros, view.exposure_micros, view.live_call_count) != (owed, exposure, 0):
            self.watch.break_(
                f"{account} owes {owed} by its ledger, {exposure} with what is trusted; guard says {view}"
            )
        scope = None if view.block is None else view.block.scope.value
        if blocks != {scope}:
            self.watch.break_(f"{account} should be blocked: {scope}; at the switches it is: {blocks}")
        reasons = {cause.reason.value for cause in view.block.causes} if view.block is not None else set()
        limit = books.limit(self.clock.now_ms(), self.files.default_limit_micros)
        if limit is not None and exposure >= max(limit, 1) and "credit_limit" not in reasons:
            self.watch.break_(f"{account} owes {owed}, its limit is {limit}, and it is not blocked for it: {view}")
        low = limit is None or exposure * 10 < limit * 9
        if low and account in self.cured and "credit_limit" in reasons:
            self.watch.break_(f"{account} owes {owed}, its limit is {limit}, and it is blocked for it: {view}")
        if books.closed != ("closed" in reasons):
            self.watch.break_(f"{account} is closed: {books.closed}; causes of its block: {reasons}")
        if view.block is not None and not view.block.confirmed:
            self.watch.break_(f"{account}: its block is not confirmed: {view.block}")

    def _pictures(self) -> list[tuple[object, ...]]:
        """What guard knows of each account that a restart must not change."""
        life = self._living()
        if life is None:
            return []
        pictures: list[tuple[object, ...]] = []
        for account in self.accounts:
            view = life.desk.account(account)
            if view is not None:
                causes = view.block and tuple((c.reason.value, c.rule, c.since_ms) for c in view.block.causes)
                pictures.append(
                    (account, view.owed_micros, view.exposure_micros, view.limit_micros, view.state.value, causes)
                )
        return pictures
