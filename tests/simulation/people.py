"""People: customers who call, a billing office that states limits and takes payments, operators who block and release.

What they do is drawn before anything begins, for moments before everything heals; in the end some pay, some are let
alone, and some have ends of calls brought in that nobody had reported (`cure`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from guard.core.anomaly import Finding
from guard.core.decisions import Evidence
from guard.core.rules.past import Past
from tests.simulation.calls import Call, is_emergency
from tests.simulation.limits import By, Word
from tests.simulation.operators import Wish
from tests.simulation.schedule import START_MS

if TYPE_CHECKING:
    from tests.simulation.daemon import Life
    from tests.simulation.switch import Switch
    from tests.simulation.world import World

MINUTE_MS = 60_000
MILLION = 1_000_000
NUMBERS = ("+14165550101", "+442071234567", "+442071234567", "+252612345678", "+19005551234", "+5555", "911", "112")
PLANS = ("", "few", "many", "many")
TIMEZONES = ("", "", "UTC", "America/Toronto", "Asia/Kathmandu")
CARDS = ("ok", "expired", "declined", "expiring")
DAY_MS = 24 * 60 * MINUTE_MS
MARK, FOUND = 2_000, "spent 41.20 in the last hour, usually 0.30"


@dataclass(slots=True)
class Told:
    """Days of history that guard was told to learn."""

    account: str
    days: frozenset[int]
    answered: bool = False


class People:
    """Of one world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.wishes: list[Wish] = []
        self.found: set[str] = set()
        """Accounts that the model had something to say about."""
        self.told: list[Told] = []
        self.cured: set[str] = set()
        """Accounts that have had a money event after everything was over."""

    # -- drawn in the beginning

    def plan(self) -> None:
        """Draw who does what when."""
        world = self.world
        for account in world.accounts:
            self._plan_account(account)
        self._plan_money()
        for number in range(world.random.randint(6, 22)):
            self._plan_call(f"c{number}", 2_000, world.safety_ms + MINUTE_MS)

    def _plan_account(self, account: str) -> None:
        world, random = self.world, self.world.random
        office, faults, soon = world.office, world.faults, world.schedule.after
        if random.random() < 0.8:
            plan = timezone = ""
            if faults.has("plans"):
                faults.note("plans")
                plan, timezone = random.choice(PLANS), random.choice(TIMEZONES)
                if random.random() < 0.2:
                    other = random.choice(PLANS), random.choice(TIMEZONES)
                    world.strikes.at_random(partial(office.open_account, account, *other))
            opening = partial(office.open_account, account, plan, timezone)
            if random.random() < 0.3:
                # Its calls have opened it long before.
                world.strikes.at_random(opening)
            else:
                soon(random.randint(100, 5_000), opening)
        if faults.has("invoices"):
            faults.note("invoices")
            self._plan_invoices(account)
        elif random.random() < 0.8:
            limit = random.choice((None, 0, 1, 3, 8, 20))
            limit_micros = None if limit is None else limit * MILLION
            soon(random.randint(100, 3_000), partial(office.limit, account, limit_micros))
        if faults.has("cards"):
            faults.note("cards")
            for _ in range(random.randint(1, 4)):
                world.strikes.at_random(partial(office.put_card, account, random.choice(CARDS)))

    def _plan_invoices(self, account: str) -> None:
        """A limit that follows them, from before the first or from later on."""
        world, random = self.world, self.world.random
        floor, cap = random.choice((None, MILLION)), random.choice((None, 12 * MILLION))
        limit = partial(world.office.limit_by_cycles, account, random.choice((5, 10, 25)), floor, cap)
        world.schedule.after(random.randint(100, 60_000), limit)
        for month in random.sample(range(1, 12), random.choice((1, 3, 4, 6))):
            world.strikes.at_random(partial(world.office.invoice, account, random.randint(1, 600) * 10_001, month))

    def _plan_money(self) -> None:
        world, random, office = self.world, self.world.random, self.world.office
        for _ in range(random.randint(0, 4)):
            account = random.choice(world.accounts)
            fate = random.choice(("posted", "slow", "rejected", "reversed", "waiting"))
            amount = random.randint(1, 1_500) * 10_000 + random.randint(0, 9)
            world.strikes.at_random(partial(office.pay, account, amount, fate))
        for _ in range(random.randint(0, 3)):
            account, amount = random.choice(world.accounts), random.randint(-500_000, 900_000)
            world.strikes.at_random(partial(office.adjust, account, amount))
        for _ in range(random.randint(0, 2)):
            account, limit_micros = random.choice(world.accounts), random.randint(0, 15) * MILLION
            lasts_ms = random.choice((None, random.randint(10_000, 3 * MINUTE_MS)))
            world.strikes.at_random(partial(office.limit, account, limit_micros, lasts_ms))

    def _plan_call(self, name: str, first_ms: int, last_ms: int) -> None:
        world, random = self.world, self.world.random
        switch = random.choice(list(world.switches.values()))
        account, to = random.choice(world.accounts), random.choice(NUMBERS)
        direction = random.choice(("outgoing",) * 8 + ("forwarded", "incoming", "internal"))
        began_ms = START_MS + random.randint(first_ms, last_ms)
        lasts_ms = random.randint(1_000, 4 * MINUTE_MS)
        flagged = random.random() < 0.04
        if direction in ("incoming", "internal") and is_emergency(to):
            direction = "outgoing"
        call = self._call(name, switch, account, to, direction, flagged=flagged)
        call.began_ms, call.planned_end_ms = began_ms, began_ms + lasts_ms

        def begin() -> None:
            if switch.online or random.random() < 0.5:
                switch.begin(call)

        world.schedule.at(began_ms, begin)

    def _call(self, name: str, switch: Switch, account: str, to: str, direction: str, *, flagged: bool = False) -> Call:
        random = self.world.random
        return Call(
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
            began_ms=0,
            planned_end_ms=0,
        )

    # -- operators

    def wish_something(self) -> None:
        """An operator does what operators do."""
        random = self.world.random
        if random.random() < 0.2:
            self._judge_held()
            return
        kind = random.choice(("block", "block abroad", "release", "allow", "release"))
        lasts_ms: int | None = random.randint(5_000, 2 * MINUTE_MS)
        if kind in ("block", "block abroad", "release") and random.random() < 0.4:
            lasts_ms = None
        self.wish(kind, random.choice(self.world.accounts), lasts_ms)

    def _judge_held(self) -> None:
        """An operator looks at the blocks that the fuse holds."""
        life = self.world.life
        if life is None or not life.ready or life.dead:
            return
        for held in life.engine.held():
            kind = self.world.random.choice(("approve", "reject"))
            self.wish(kind, held.account, None, held=held.id)

    def wish(self, kind: str, account: str, lasts_ms: int | None, held: str = "") -> None:
        """An operator asks for something, if guard is there."""
        world, watch = self.world, self.world.watch
        life = world.life
        if life is None or not life.ready or life.dead:
            return
        until_ms = None if lasts_ms is None else world.clock.now_ms() + lasts_ms
        wish = self._made(Wish(f"wish {len(self.wishes) + 1}", kind, account, world.schedule.now_ms, until_ms, held))
        allowed_ms = {"release": lasts_ms or 60 * MINUTE_MS, "allow": lasts_ms or 0}.get(kind, 0)
        until_ms = max(watch.allowed_until_ms.get(account, 0), world.clock.now_ms() + allowed_ms)
        watch.allowed_until_ms[account] = until_ms
        self._submit(life, wish)

    def _made(self, wish: Wish) -> Wish:
        self.wishes.append(wish)
        self.world.watch.tell(f"{wish.reason}: {wish.kind} {wish.account}")
        return wish

    def _submit(self, life: Life, wish: Wish, done: Callable[[], None] = lambda: None) -> None:
        def answered(answer: str) -> None:
            wish.answer = answer
            self.world.watch.tell(f"{wish.reason}: {answer}")
            if answer == "done":
                done()

        life.submit(wish.intent(), answered)

    def set_limit(self, account: str, limit_micros: int | None) -> None:
        """An operator sets a limit by hand; None: lets the step pass that waits for one.

        Only when all is quiet: which of two words about a limit came first could not be told otherwise.
        """
        world, life = self.world, self.world.life
        if life is None or not life.ready or life.dead:
            return
        kind, by = ("let step pass", By.STEP) if limit_micros is None else ("set limit", By.HAND)
        wish = self._made(Wish(f"wish {len(self.wishes) + 1}", kind, account, world.schedule.now_ms, None))
        wish.limit_micros = limit_micros or 0
        word = Word(sent_ms=world.schedule.now_ms, by=by, amount_micros=limit_micros)
        self._submit(life, wish, lambda: world.office.books[account].words.append(word))

    # -- the anomaly model, and what happened before guard was there

    def find_something(self) -> None:
        """The model finds an account unusual, or as usual."""
        world, life = self.world, self.world.life
        if life is None or not life.ready or life.dead:
            return
        account, score = world.random.choice(world.accounts), world.random.choice((500, 2_500, 3_000))
        self.found.add(account)
        evidence = (Evidence(what="spent in the last hour", value="41.20", threshold="0.30"),)
        at_ms = world.clock.now_ms()
        world.watch.tell(f"the model finds {account}: {score}")
        life.find(Finding(account=account, at_ms=at_ms, score=score, mark=MARK, text=FOUND, evidence=evidence))

    def tell_history(self) -> None:
        """An operator has guard learn what an account did long before; some of it was told already."""
        world, life, random = self.world, self.world.life, self.world.random
        if life is None or not life.ready or life.dead:
            return
        account, today = random.choice(world.accounts), START_MS // DAY_MS
        first = today - random.randint(20, 40)
        told = Told(account, frozenset(range(first, first + random.randint(1, 12))))
        self.told.append(told)
        past = Past(account=account, timezone="", from_day=first, until_day=max(told.days) + 1, days=(), by="ana")

        def answered(answer: str) -> None:
            told.answered = answer.isdigit()

        life.learn(past, answered)

    # -- in the end

    def bring_in_records(self) -> None:
        """Everything that the switches know of their calls is loaded: most of it guard knows."""
        world = self.world
        if world.faults.has("records"):
            world.faults.note("records")
            for switch in world.switches.values():
                switch.load([call for call in switch.every if world.random.random() < 0.8])

    def forget_some(self) -> bool:
        """Closed accounts are forgotten; whether there are any."""
        world, life = self.world, self.world.life
        closed = [books for books in world.office.books.values() if books.closed]
        if life is None or not life.ready or not closed or not world.faults.has("forgetting"):
            return False
        world.faults.note("forgetting")
        for books in closed:
            wish = self._made(Wish(f"wish {len(self.wishes) + 1}", "forget", books.id, world.schedule.now_ms, None))
            self._submit(life, wish, partial(setattr, books, "forgotten", True))  # noqa: FBT003 -- the value
        return True

    def call_again(self) -> None:
        """Somebody calls half of those that were forgotten: nobody knows who that is."""
        world, random = self.world, self.world.random
        for books in world.office.books.values():
            if books.forgotten and random.random() < 0.5:
                switch = random.choice(list(world.switches.values()))
                direction = random.choice(("outgoing", "incoming"))
                began_ms = world.schedule.now_ms
                call = self._call(f"again-{books.id}", switch, books.id, random.choice(NUMBERS[:4]), direction)
                call.began_ms, call.planned_end_ms = began_ms, began_ms + random.randint(1_000, MINUTE_MS)
                books.open_anew(began_ms)
                switch.begin(call)

    def say_lost_ends(self) -> None:
        """Half of the ends that were lost come after all: guard has given those calls up by now."""
        for switch in self.world.switches.values():
            for call in switch.every:
                if call.end_is_lost and self.world.random.random() < 0.5:
                    switch.say_after_all(call)

    def cure(self, owed_micros: dict[str, int]) -> None:
        """Some pay all they owe, some have another money event, some are let alone."""
        random, office = self.world.random, self.world.office
        for account, owed in owed_micros.items():
            if random.random() < 0.3:
                continue
            self.cured.add(account)
            if owed > 0 and random.random() < 0.5:
                office.pay(account, owed, "posted")
            else:
                office.adjust(account, 10_000)
            if random.random() < 0.7:
                self.wish("release", account, MINUTE_MS)
            if random.random() < 0.2:
                self.set_limit(account, random.choice((None, random.randint(1, 20) * MILLION)))
