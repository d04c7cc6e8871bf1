"""Frauds with a pattern of their own: forwarding, probing, bait, robocalls. Recipes like those in `frauds`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from guard.core.records import Direction
from guard.replay.attempts import Attempt, Outcome, Stream
from guard.replay.cases.dialling import DAYTIME, DEAR, MIDDLING, Dialling, dialled, minutes, ranges
from guard.replay.cases.frauds import PbxIrsf, hack
from guard.replay.cases.setting import Days, Setting
from guard.replay.catalog import DOMESTIC, places, priced
from guard.replay.customers import Customer, strange_address
from guard.replay.kinds import NEARLY_SILENT, NEVER_ABROAD, OFFICES, SHOP
from guard.replay.weeks import HOUR_MS, MINUTE_MS, SECOND_MS

ACCESS_CODES = ("", "9", "0", "00", "011", "9011", "900", "8", "88", "810", "000", "1011", "0011", "99", "77", "66")
"""What is dialled before a number to get a line, or out of the country."""
SECOND_CODES = ("", "", "", "00", "011", "1", "9", "0", *(f"{code}" for code in range(10, 100)))


@dataclass(frozen=True, slots=True, kw_only=True)
class CallForward:
    """A line forwarded to a dear number, and then rung.

    Each incoming call has a leg that the account pays.
    """

    lines: tuple[int, int] = (2, 8)
    talk_minutes: tuple[int, int] = (4, 45)
    lasts_hours: tuple[int, int] = (3, 20)

    def __call__(self, setting: Setting) -> None:
        """At an account that never calls abroad."""
        draw, customer = setting.draw, setting.customer(*NEVER_ABROAD, NEARLY_SILENT)
        starts_ms = setting.moment(customer, (18, 27), lasts_days=2)
        first = setting.some(DEAR + MIDDLING)
        plan = Dialling(
            to=ranges(draw, customer, first, draw.randint(1, 2), then=1),
            starts_ms=starts_ms,
            until_ms=starts_ms + draw.randint(*self.lasts_hours) * HOUR_MS,
            lines=self.lines,
            every_s=(10, 90),
            talk_s=minutes(self.talk_minutes),
            direction=Direction.FORWARDED,
        )
        setting.case.streams.append(_forwarded(setting.case.id, setting.seed, dialled(setting, customer, plan)))


def _forwarded(case: str, seed: int, legs: Stream) -> Stream:
    """Before each forwarded leg, the call that it belongs to."""
    draw = Random(f"{seed}/{case}/callers")
    own = DOMESTIC[0].number(draw)
    outcome: Outcome | None = None
    while True:
        try:
            leg = legs.send(outcome)
        except StopIteration:
            return
        leg.caller = draw.choice(DOMESTIC).number(draw)
        # The incoming call is a line in use too.
        leg.lines *= 2
        outcome = yield replace(leg, to=own, direction=Direction.INCOMING, rate_micros=0)
        if outcome is Outcome.ANSWERED:
            outcome = yield leg


@dataclass(frozen=True, slots=True, kw_only=True)
class Recon:
    """Hundreds of failed probes; hours later, the loss.

    One core number behind every access code, and scattered dear numbers.
    """

    attempts: tuple[int, int] = (120, 600)
    answered_percent: int = 3
    """Short calls that get through, to dear numbers."""
    scattered_percent: int = 12
    """Attempts at dear numbers all over the world."""
    every_s: int = 9
    hours_before: tuple[int, int] = (1, 10)

    def __call__(self, setting: Setting) -> None:
        """The numbers probed are ordinary ones, as at the honeypots; the loss is elsewhere and dear."""
        draw, customer = setting.draw, setting.customer(*OFFICES, SHOP)
        source = strange_address(draw)
        starts_ms = setting.moment(customer, (12, 28), lasts_days=3)
        core = draw.choice(places("Sweden", "Palestine", "Israel", "Poland, mobile")).number(draw)[1:]
        first = Attempt(
            offset_ms=starts_ms,
            account=customer.account,
            to=core,
            caller="1000",
            direction=Direction.OUTGOING,
            rate_micros=0,
            talk_ms=SECOND_MS,
            answered=False,
            lines=6,
            source=source,
            case=setting.case.id,
        )
        probing = self._probing(first, customer, Random(f"{setting.seed}/{setting.case.id}/probing"))
        setting.case.streams.append(probing)
        loss_ms = starts_ms + draw.randint(*self.hours_before) * HOUR_MS
        hack(setting, customer, PbxIrsf(lasts_hours=(2, 12), lines=(3, 12)), loss_ms, source)

    def _probing(self, first: Attempt, customer: Customer, draw: Random) -> Stream:
        offset_ms, core = first.offset_ms, first.to
        for _ in range(draw.randint(*self.attempts)):
            number, rate_micros = draw.choice(ACCESS_CODES) + draw.choice(SECOND_CODES) + core, 0
            answered = draw.random() * 100 < self.answered_percent
            if answered or draw.random() * 100 < self.scattered_percent:
                place = draw.choice(DEAR)
                number, rate_micros = place.number(draw), customer.price_micros(place)
            yield replace(
                first,
                offset_ms=offset_ms,
                to=number,
                rate_micros=rate_micros,
                talk_ms=draw.randint(1, 30) * SECOND_MS,
                answered=answered,
            )
            offset_ms += round(draw.expovariate(1 / self.every_s) * SECOND_MS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wangiri:
    """Lines ring once; many accounts call a dear number back.

    Call-back bait: each victim's calls are few.
    """

    victims: tuple[int, int] = (12, 40)
    numbers: tuple[int, int] = (1, 4)
    talk_minutes: tuple[int, int] = (1, 9)
    calls_each: tuple[int, int] = (1, 3)
    within_minutes: int = 90
    rung_percent: int = 30
    """Rings that the victim's side picks up for a second."""

    def __call__(self, setting: Setting) -> None:
        """Each victim's calls are few and short; together they show."""
        draw = setting.draw
        victims = setting.crowd(*self.victims)
        starts_ms = setting.moment(victims[0], DAYTIME)
        place = draw.choice(priced("0.45", "3.20"))
        numbers = draw.sample(place.block(draw), draw.randint(*self.numbers))
        for victim in victims:
            call = Attempt(
                offset_ms=starts_ms + round(draw.random() * self.within_minutes * MINUTE_MS),
                account=victim.account,
                to=draw.choice(numbers),
                caller=DOMESTIC[0].number(draw),
                direction=Direction.OUTGOING,
                rate_micros=place.rate_micros,
                talk_ms=SECOND_MS,
                answered=True,
                lines=0,
                source=victim.address(draw, starts_ms),
                case=setting.case.id,
            )
            rung = Random(f"{setting.seed}/{setting.case.id}/{victim.account}")
            setting.case.streams.append(self._called_back(call, rung))

    def _called_back(self, call: Attempt, draw: Random) -> Stream:
        """The ring, and what the victim makes of it."""
        yield replace(
            call,
            to=call.caller,
            caller=call.to,
            direction=Direction.INCOMING,
            rate_micros=0,
            answered=draw.random() * 100 < self.rung_percent,
            source="",
            case="",
        )
        offset_ms = call.offset_ms
        for _ in range(draw.randint(*self.calls_each)):
            offset_ms += draw.randint(30, 900) * SECOND_MS
            talk_ms = draw.randint(*minutes(self.talk_minutes)) * SECOND_MS
            if (yield replace(call, offset_ms=offset_ms, talk_ms=talk_ms)) is Outcome.BLOCKED:
                return


@dataclass(frozen=True, slots=True, kw_only=True)
class Robocall:
    """A machine reads a message to number after number.

    Most hang up within seconds.
    """

    calls: tuple[int, int] = (1_500, 5_000)
    short_percent: int = 75
    """Over within six seconds."""
    answered_percent: int = 60
    every_ms: int = 1_500
    lines: int = 40

    def __call__(self, setting: Setting) -> None:
        """Numbers in sequence, a caller's number of the same district."""
        draw, customer = setting.draw, setting.customer(*OFFICES, SHOP)
        starts_ms = setting.moment(customer, (10, 16), Days.WORKDAY)
        place = draw.choice(DOMESTIC)
        first = Attempt(
            offset_ms=starts_ms,
            account=customer.account,
            to=place.number(draw),
            caller=place.number(draw),
            direction=Direction.OUTGOING,
            rate_micros=customer.price_micros(place),
            talk_ms=SECOND_MS,
            answered=True,
            lines=self.lines,
            source=strange_address(draw),
            case=setting.case.id,
        )
        reading = self._reading(first, Random(f"{setting.seed}/{setting.case.id}/reading"))
        setting.case.streams.append(reading)

    def _reading(self, first: Attempt, draw: Random) -> Stream:
        offset_ms, refused, number = first.offset_ms, 0, int(first.to)
        for _ in range(draw.randint(*self.calls)):
            short = draw.random() * 100 < self.short_percent
            outcome = yield replace(
                first,
                offset_ms=offset_ms,
                to=f"+{number}",
                talk_ms=draw.randint(1_000, 6_000) if short else draw.randint(7_000, 50_000),
                answered=draw.random() * 100 < self.answered_percent,
            )
            refused = refused + 1 if outcome is Outcome.BLOCKED else 0
            if refused > self.lines:
                return
            number += 1
            offset_ms += round(draw.uniform(0.5, 1.5) * self.every_ms)
