"""What goes wrong at moments of its own: guard dies or is cut off, a disk fills up, a switch reboots, a clock is set.

What goes wrong with a message is drawn where the message is sent (`switch`, `billing`, `broker`); this is the rest.
Each notes the trouble that it makes, with its end, because promises in time hold only while there is none (`watch`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from tests.simulation.schedule import START_MS, Act

if TYPE_CHECKING:
    from tests.simulation.switch import Switch
    from tests.simulation.world import World

MINUTE_MS = 60_000
FARTHEST_MS = 10 * MINUTE_MS
"""That guard's clock is set off."""
HANGS_MS, LOOKS_EVERY_MS = 20_000, 250
TOPICS = ("sw1/calls", "sw1/acks", "sw1/status", "billing", "sw1/else", "sw1/calls/more", "sw9/calls")
JUNK = (b"", b"{", b"[]", b"[1,2]", b"null", b"\xff\xfe", b'{"call":"x"}', b'{"type":"payment"}')


class Strikes:
    """Of one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def plan(self) -> None:
        """Draw what strikes when."""
        world, people = self.world, self.world.people
        random, faults = world.random, world.faults
        acts: dict[str, tuple[Act, int]] = {
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
            "operators": (people.wish_something, 5),
            "balances": (self._state_balance, 2),
            "accounts close": (self._close_account, 1),
            "junk": (self._publish_junk, 4),
            "model": (people.find_something, 8),
            "history": (people.tell_history, 4),
        }
        for what, (act, most) in acts.items():
            if faults.has(what):
                for _ in range(random.randint(1, most)):
                    self.at_random(partial(self._strike, what, act))
        if faults.has("clock drifts"):
            faults.note("clock drifts")
            world.clock.drift_ppm = random.choice((-500, 500))
        if faults.has("receivers ill"):
            faults.note("receivers ill")
            for receiver in world.receivers:
                receiver.ill = True

    def at_random(self, act: Act) -> None:
        """Some time before everything heals."""
        world = self.world
        world.schedule.at(START_MS + world.random.randint(2_000, world.safety_ms), act)

    def _strike(self, what: str, act: Act) -> None:
        self.world.faults.note(what)
        act()

    def _trouble(self, what: str, lasts_ms: int, switch: str = "", account: str = "") -> None:
        world = self.world
        world.watch.trouble(what, world.schedule.now_ms + lasts_ms, switch=switch, account=account)

    # -- guard

    def _kill(self) -> None:
        """Not at once: before one of its next steps, in a transaction, when its disk hangs, or as it is told to end."""
        world = self.world
        if world.life is None:
            return
        how = world.random.random()
        if how < 0.2:
            world.life.stop()
        elif how < 0.5:
            world.life.dies_in = world.random.randint(0, 60)
        elif how < 0.7:
            world.disk.dies_in = world.random.randint(0, 12)
        else:
            self._ail_disk(world.random.choice(("locked", "full")), HANGS_MS)
            self._lose_patience(world.schedule.now_ms + HANGS_MS)

    def _lose_patience(self, until_ms: int) -> None:
        """Whoever watches over the process kills it once it cannot store what it has taken."""
        world, life = self.world, self.world.life
        if life is not None and life.ready and "the store" in life.desk.ready():
            life.dies_in = 0
        elif world.schedule.now_ms < until_ms:
            world.schedule.after(LOOKS_EVERY_MS, partial(self._lose_patience, until_ms))

    def _cut(self) -> None:
        world = self.world
        lasts_ms = world.random.choice((50, 2_000, 15_000, 40_000))
        self._trouble("guard is cut off", lasts_ms + 1_000)
        whole = world.random.random() < 0.5
        world.reachable = not whole
        sessions = [world.broker.calls, world.broker.control]
        for session in sessions if whole else [world.random.choice(sessions)]:
            session.close()
        world.schedule.after(lasts_ms, world.reach)

    def _ail_disk(self, how: str, lasts_ms: int = 0) -> None:
        world = self.world
        lasts_ms = lasts_ms or world.random.choice((20, 500, 4_000, 20_000))
        world.disk.trouble = how
        # It is tried again after 5 s at most.
        self._trouble(f"the disk is {how}", lasts_ms + 5_500)

        def heal() -> None:
            world.disk.trouble = ""

        world.schedule.after(lasts_ms, heal)

    def _step_clock(self) -> None:
        world = self.world
        by_ms = world.random.choice((-300_000, -20_000, -6_000, 6_000, 30_000, 300_000))
        if abs(world.clock.offset_ms + by_ms) > FARTHEST_MS:
            return
        world.clock.offset_ms += by_ms
        # Two ticks show how far it is off now; a switch that learned another offset has to be learned again.
        until_ms = world.schedule.now_ms + 4 * MINUTE_MS
        world.watch.trouble(f"guard's clock is set by {by_ms} ms", until_ms, delays=False)

    def _reload(self) -> None:
        world = self.world
        prices_stay = world.random.random() < 0.4
        before = world.files
        world.files = world.drawn_files(before.switches, rules=world.random.random() < 0.5)
        if prices_stay:
            world.files = replace(world.files, prices=before.prices, lost_after_ms=before.lost_after_ms)
        else:
            world.every_prices.append(world.files.prices)
            world.watch.price_changes = True
        world.every_mode.add(world.files.model)
        world.always_rules &= world.files.rules
        self._trouble("the files change", 5_000)
        world.ask_reload()

    # -- switches

    def _one_switch(self) -> Switch:
        return self.world.random.choice(list(self.world.switches.values()))

    def _unplug(self) -> None:
        world, switch = self.world, self._one_switch()
        lasts_ms = world.random.randint(500, 60_000)
        self._trouble("a switch is offline", lasts_ms + 2_000, switch=switch.name)
        switch.go_offline(will=world.random.random() < 0.7, will_after_ms=world.random.randint(0, 20_000))
        world.schedule.after(lasts_ms, switch.go_online)

    def _reboot(self) -> None:
        world, switch = self.world, self._one_switch()
        lasts_ms = world.random.randint(500, 40_000)
        self._trouble("a switch reboots", lasts_ms + 2_000, switch=switch.name)
        switch.go_offline(will=world.random.random() < 0.7, will_after_ms=world.random.randint(0, 5_000))
        switch.reboot()
        world.schedule.after(lasts_ms, switch.go_online)

    # -- billing, and anybody

    def _state_balance(self) -> None:
        world, random = self.world, self.world.random
        account = random.choice(world.accounts)
        self._trouble("a balance is stated", 3_000, account=account)
        world.office.state_balance(account, random.randint(-5, 20) * 500_000, random.randint(0, 3 * MINUTE_MS))

    def _close_account(self) -> None:
        self.world.office.close(self.world.random.choice(self.world.accounts))

    def _publish_junk(self) -> None:
        """What is no message, on topics where messages are expected, and elsewhere."""
        world = self.world
        junk = world.random.choice(JUNK)
        world.broker.publish(f"guard/v1/{world.random.choice(TOPICS)}", junk)
