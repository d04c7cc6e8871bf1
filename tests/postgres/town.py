"""A town of accounts, once as one daemon's and once as a cluster's: one history through one engine and through 256.

Each of the 256 commits to its partition of a real database, as the owner of it would. Switches acknowledge what they
are told, if they are asked to. What is observed of it is whether both answer the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random

from guard.adapters.postgres import Postgres, PostgresAddress, PostgresStore, open_postgres
from guard.core.decisions import SnapshotPart
from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.neighbours import Mentioned
from guard.core.partitions import PARTITIONS, partition_of
from guard.core.records import (
    AccountMessage,
    Ack,
    AdjustmentMessage,
    BillingMessage,
    Block,
    CloseMessage,
    Credit,
    Direction,
    Event,
    InvoiceMessage,
    PaymentMessage,
    PaymentStatus,
    Report,
)
from guard.core.scopes import Scopes
from guard.core.settings import SECOND_MS, Settings
from guard.core.setup import Setup
from guard.ports.cluster import Claim, Member
from guard.shell.courier import Courier
from tests.scenarios.prices import rating_of
from tests.scenarios.script import Words
from tests.store.samples import T0

OWNER = "worker"
SWITCHES = ("sw1", "sw2")
ROUNDS = 3
"""Commands are answered so often; an answer may bring further ones."""
UNIT = 1_000_000


def words(text: str) -> Words:
    """A `settings` line of a scenario."""
    names, fields = [], {}
    for word in text.split():
        name, equals, value = word.partition("=")
        if equals:
            fields[name] = value
        else:
            names.append(name)
    return Words(tuple(names), fields)


PRICES = (
    "tariff 1 domestic rate=0.06 minimum=30s increment=6s name=Canada",
    "tariff 253 international rate=2.10 connect=0.10 name=Djibouti",
    "quota office class=domestic minutes=20",
    "discount office class=international by=minutes tiers=0:0,5:10,20:25",
)


def setup() -> Setup:
    """Prices and a plan; no rules, because those that count accounts would differ."""
    return Setup(
        settings=Settings(default_limit_micros=Micros(20 * UNIT)),
        scopes=Scopes({}),
        rating=rating_of(map(words, PRICES), UNIT),
    )


@dataclass
class Place:
    """A partition, as a worker holds it (`guard.shell.cluster.telling.Side`)."""

    claim: Claim
    engine: Engine
    store: PostgresStore
    restored: bool = True
    couriers: Sequence[Courier] = ()


@dataclass
class Town:
    """One engine, and 256."""

    postgres: Postgres
    setup: Setup
    one: Engine
    places: list[Place]
    now_ms: int = T0
    accounts: dict[str, None] = field(default_factory=dict)

    # -- the same for both

    def bill(self, message: BillingMessage) -> None:
        self.accounts[message.account] = None
        for engine in self._both(message.account):
            engine.billing(message, self.now_ms)

    def report(self, switch: str, report: Report) -> None:
        self.accounts[report.account] = None
        for engine in self._both(report.account):
            engine.advance(self.now_ms)
            engine.report(switch, replace(report), self.now_ms)

    def block(self, account: str) -> None:
        for engine in self._both(account):
            engine.intent(Block(account=account, by="ana", reason="asked for"), self.now_ms)

    def begin(self) -> None:
        """Everybody hears, and has heard of the switches: ingests mention them to all partitions."""
        for engine in self._all():
            engine.subscribed(self.now_ms)
            for switch in SWITCHES:
                engine.control(Mentioned(switch=switch), self.now_ms)

    def pass_time(self, ms: int) -> None:
        self.now_ms += ms
        for engine in self._all():
            engine.advance(self.now_ms)

    def _both(self, account: str) -> tuple[Engine, Engine]:
        return self.one, self.places[partition_of(account)].engine

    def _all(self) -> Iterator[Engine]:
        yield self.one
        for place in self.places:
            yield place.engine

    # -- what comes of it

    async def commit(self, *, acknowledged: bool = False) -> None:
        """Store what has happened; the switches take what they are told."""
        for _ in range(ROUNDS if acknowledged else 1):
            changes = [(engine, engine.take()) for engine in self._all()]
            stores = [place.store for place in self.places]
            await asyncio.gather(*(store.commit(each) for store, (_, each) in zip(stores, changes[1:], strict=True)))
            for engine, each in changes if acknowledged else ():
                for send in each.sends:
                    message = send.message
                    part = message.part if isinstance(message, SnapshotPart) else None
                    engine.control(Ack(switch=send.switch, id=message.id, ok=True, part=part), self.now_ms)

    # -- histories

    def open_accounts(self, count: int, chance: Random) -> None:
        """Some that billing knows, of all kinds, and some that it does not."""
        for number in range(count):
            account = f"A{number:04d}" if number % 3 else f"straße/{number:04d}"
            limit = chance.choice((2, 5, 20, 400))
            self.bill(
                AccountMessage(
                    id=f"open-{number}",
                    account=account,
                    name=chance.choice(("Acme", "Müller & Söhne", "Éclair", "Ζωή", "Straßenbau")) + f" {number}",
                    currency="EUR" if number % 10 == 0 else "CAD",
                    timezone="America/Toronto",
                    plan="office" if number % 2 else "",
                    credit=Credit(limit_micros=Micros(limit * UNIT)) if number % 4 else None,
                )
            )
            if number % 7 == 0:
                amount = Micros(chance.randrange(1, 90) * UNIT)
                self.bill(InvoiceMessage(id=f"i-{number}", account=account, amount_micros=amount))
            if number % 5 == 0:
                self.bill(
                    PaymentMessage(
                        id=f"p-{number}",
                        account=account,
                        amount_micros=Micros(UNIT),
                        method="cheque",
                        status=PaymentStatus.PENDING,
                    )
                )
            if number % 6 == 0:
                owed = Micros(chance.randrange(0, limit * UNIT))
                self.bill(AdjustmentMessage(id=f"a-{number}", account=account, amount_micros=owed))
            if number % 11 == 0:
                self.bill(CloseMessage(id=f"z-{number}", account=account))
            if number % 13 == 0:
                self.block(account)

    def call_around(self, chance: Random, minutes: int) -> None:
        """Some calls of every account at two switches; many are still up in the end."""
        accounts = [*self.accounts, *(f"stranger{number}" for number in range(9))]
        calls = [(account, f"{account}-{n}") for account in accounts for n in range(chance.choice((0, 1, 1, 3)))]
        to = {call: chance.choice(("+14165550100", "+25377123456")) for _, call in calls}
        for minute in range(minutes):
            for number, (account, call) in enumerate(calls):
                event = Event.TICK if minute else Event.ANSWERED
                if minute == minutes - 1 and number % 3 == 0:
                    event = Event.ENDED
                self.now_ms += 2
                report = Report(
                    call=call,
                    event=event,
                    account=account,
                    at_ms=self.now_ms - number % 50,
                    duration_ms=minute * 60 * SECOND_MS,
                    to=to[call],
                    direction=Direction.OUTGOING,
                )
                self.report(SWITCHES[number % 4 == 0], report)
            self.pass_time(60 * SECOND_MS - 2 * len(calls))


@asynccontextmanager
async def town(url: str) -> AsyncIterator[Town]:
    """An empty one, on an empty database."""
    async with open_postgres(PostgresAddress(url=url, owner=OWNER), parts=PARTITIONS) as postgres:
        claims = await postgres.leases.claim(OWNER, PARTITIONS)
        await postgres.leases.renew(Member(id=OWNER, url=""), claims)
        made = setup()
        places = [
            Place(claim, _engine(made, claim.part), postgres.partition(claim))
            for claim in sorted(claims, key=lambda claim: claim.part)
        ]
        built = Town(postgres, made, _engine(made), places)
        built.begin()
        yield built


def _engine(made: Setup, partition: int | None = None) -> Engine:
    return Engine(made.settings, made.scopes, T0, rating=made.rating, partition=partition)
