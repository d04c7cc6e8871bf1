"""The second stranger's frauds, loud and sly: what the field reports, with other habits of the thief.

He goes on to the end of his story whether or not he is stopped; what stopping saves is for the judge to count.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.strangers.paper import DAY, HOUR, MINUTE, SECOND, instant
from tests.strangers.people import address
from tests.strangers.places import Place
from tests.strangers.second.folk import Act, Stage, call, ring
from tests.strangers.second.land import DEAR, RURAL, WORLD, at_home

Target = tuple[Place, str]
FIRMS = ("bureau", "workshop", "surgery", "start-up", "farm", "parish")


def block(draw: Random, place: Place, count: int) -> list[Target]:
    """Numbers of one rented block."""
    return [(place, number) for number in place.neighbours(draw, count)]


def rented(stage: Stage, least: float = 0.35, most: float = 4.0) -> Place:
    """Somewhere that pays."""
    fit = [each for each in DEAR if least * 1e6 <= each.rate <= most * 1e6 and each.country not in stage.home.domestic]
    return stage.draw.choice(fit)


def hacked_by_night(stage: Stage) -> None:
    """Everything that the exchange has, to one block, until the morning."""
    who, draw = stage.one(*FIRMS), stage.draw
    place, from_ms = rented(stage), who.at(stage.day(), draw.uniform(21, 27))
    act = Act(from_ms=from_ms, hours=draw.uniform(3, 8), to=block(draw, place, draw.randint(1, 8)))
    stage.play("hacked by night", who, replace(act, lines=draw.randint(5, 20), talk_s=(300, 5400)), fraud=True)


def hacked_on_two_lines(stage: Stage) -> None:
    """A small exchange: two lines, two numbers, a weekend."""
    who, draw = stage.one("workshop", "flat", "farm", "parish"), stage.draw
    from_ms = who.at(stage.day(weekend=True, room=3), draw.uniform(0, 20))
    act = Act(from_ms=from_ms, hours=20, to=block(draw, rented(stage, 0.45), 2), lines=2, talk_s=(600, 3600))
    stage.play("hacked, two lines", who, act, fraud=True)


def dearest(stage: Stage) -> None:
    """The dearest that there is, one line."""
    who, draw = stage.one("flat", "bureau", "surgery"), stage.draw
    from_ms = who.at(stage.day(), draw.uniform(0, 24))
    act = Act(from_ms=from_ms, hours=4, to=block(draw, rented(stage, 9, 20), 3), talk_s=(120, 1800))
    stage.play("dearest minutes, one line", who, act, fraud=True)


def stolen_password(stage: Stage) -> None:
    """From elsewhere, by day, among the firm's own calls."""
    who, draw = stage.one("bureau", "start-up", "newsroom", "clinic"), stage.draw
    from_ms = who.at(stage.day(weekend=False), draw.uniform(8, 16))
    act = Act(from_ms=from_ms, hours=draw.uniform(2, 12), to=block(draw, rented(stage), 6), talk_s=(200, 2000))
    stage.play("stolen password", who, replace(act, lines=draw.randint(2, 4), source=address(draw)), fraud=True)


def stolen_password_slowly(stage: Stage) -> None:
    """From elsewhere, one call at a time, scattered numbers of one country."""
    who, draw = stage.one("flat", "workshop", "bureau"), stage.draw
    place = rented(stage, 0.45)
    act = Act(
        from_ms=who.at(stage.day(room=3), draw.uniform(0, 24)),
        hours=30,
        to=[(place, place.number(draw)) for _ in range(12)],
        talk_s=(180, 900),
        wait_s=(300, 1800),
        source=address(draw),
    )
    stage.play("stolen password, slowly", who, act, fraud=True)


def forwarded(stage: Stage) -> None:
    """A line that is forwarded, and rung from all sides."""
    who, draw = stage.one("flat", "farm", "workshop", "surgery"), stage.draw
    from_ms, place = who.at(stage.day(), draw.uniform(18, 28)), rented(stage, 0.4)
    before = len(stage.calls)
    act = Act(from_ms=from_ms, hours=draw.uniform(3, 9), to=block(draw, place, 1), talk_s=(300, 2400))
    stage.play("forwarded line", who, replace(act, lines=draw.randint(2, 5), direction="forwarded"), fraud=True)
    stage.calls += [ring(who, leg.at_ms - SECOND, "33140205050", leg.lasts_ms) for leg in stage.calls[before:]]


def probing(stage: Stage) -> None:
    """A number behind every prefix there is, and the loss next night."""
    who, draw = stage.one("bureau", "workshop", "clinic"), stage.draw
    source, place = address(draw), rented(stage)
    at_ms = who.at(stage.day(room=3), draw.uniform(12, 30))
    core = place.number(draw)
    stage.truth[who.account, "probing, then loss"] = True
    for count in range(draw.randint(60, 400)):
        lead = str(count) if count % 3 else "00" + str(count // 3)
        stage.calls.append(call(who, at_ms, place, lead + core, 0, source=source, story="probing, then loss"))
        at_ms += draw.randint(2, 40) * SECOND
    act = Act(from_ms=at_ms + int(draw.uniform(1, 14) * HOUR), hours=6, to=block(draw, place, 4), lines=6)
    stage.play("probing, then loss", who, replace(act, talk_s=(300, 3000), source=source), fraud=True)


def bait(stage: Stage) -> None:
    """Telephones ring once all over the town; whoever calls back pays."""
    draw, place = stage.draw, rented(stage, 0.45)
    numbers, day = place.neighbours(draw, draw.randint(1, 3)), stage.day()
    for who in stage.many(10, 30):
        number, rung_ms = draw.choice(numbers), who.at(day, draw.uniform(9, 13))
        stage.truth[who.account, "bait"] = True
        if draw.random() < 0.8:
            stage.calls.append(ring(who, rung_ms, number, draw.choice((0, 0, 0, 1500))))
        at_ms = rung_ms
        for _ in range(draw.choice((1, 1, 1, 2, 3))):
            at_ms += int(draw.uniform(1, 90) * MINUTE)
            lasts_ms = int(draw.uniform(30, 420) * SECOND)
            stage.calls.append(call(who, at_ms, place, number, lasts_ms, story="bait"))
            at_ms += lasts_ms


def same_hole(stage: Stage) -> None:
    """One weakness in the devices of many: each calls the one number a little."""
    draw, place = stage.draw, rented(stage, 0.5, 3.2)
    to, day, source = block(draw, place, 1), stage.day(), address(draw)
    one_source = draw.random() < 0.5
    for who in stage.many(8, 20):
        from_ms = who.at(day, draw.uniform(0, 6))
        act = Act(from_ms=from_ms, hours=draw.uniform(0.3, 2), to=to, talk_s=(240, 1400), wait_s=(60, 900))
        stage.play("same hole in many", who, replace(act, source=source if one_source else None), fraud=True)


def pumped(stage: Stage) -> None:
    """Ever other numbers of one ordinary country on all lines."""
    who, draw = stage.one("bureau", "start-up", "clinic", "newsroom"), stage.draw
    place = draw.choice([each for each in WORLD if 150_000 <= each.rate <= 620_000 and each not in who.own])
    act = Act(
        from_ms=who.at(stage.day(), draw.uniform(0, 24)),
        hours=draw.uniform(1, 3),
        to=[(place, place.number(draw)) for _ in range(400)],
        lines=draw.randint(10, 26),
        talk_s=(30, 260),
        failed=0.2,
    )
    stage.play("pumped", who, act, fraud=True)


def drip(stage: Stage) -> None:
    """A call an hour, by day and by night."""
    who, draw = stage.one("bureau", "surgery", "workshop"), stage.draw
    act = Act(
        from_ms=who.at(stage.day(room=6), draw.uniform(0, 24)),
        hours=24 * draw.uniform(4, 6),
        to=block(draw, rented(stage, 0.42, 1.8), draw.randint(5, 15)),
        talk_s=(180, 540),
        wait_s=(1500, 4500),
    )
    stage.play("drip", who, act, fraud=True)


def chat_lines(stage: Stage) -> None:
    """Cheap minutes to a village of chat lines, on every line."""
    who, draw = stage.one("bureau", "workshop", "flat", "parish"), stage.draw
    prefix, digits = RURAL[stage.home.country]
    village = Place(stage.home.country, "rural", prefix, digits, 18_000)
    from_ms = who.at(stage.day(room=4), draw.uniform(6, 22))
    act = Act(from_ms=from_ms, hours=40, to=block(draw, village, 3), lines=draw.randint(6, 12), talk_s=(1500, 7000))
    stage.play("chat lines", who, act, fraud=True)


def resold(stage: Stage) -> None:
    """A plan with everything in it, sold on."""
    who, draw = stage.one("flat", "workshop", "parish"), stage.draw
    to = [(place, place.number(draw)) for place in at_home(stage.home) for _ in range(150)]
    act = Act(from_ms=who.at(stage.day(room=4), 9), hours=40, to=to, lines=12, talk_s=(60, 900), free=True)
    stage.play("resold plan", who, act, fraud=True)


def never_paying(stage: Stage) -> None:
    """An account of yesterday, and a payment that bounces."""
    who, draw = stage.one(young=True), stage.draw
    opened_ms = who.at(stage.first, 24 * who.opens + 10)
    paid = {"type": "payment", "id": f"first {who.account}", "account": who.account, "amount": "80.00", "method": "eft"}
    stage.bills.append(paid | {"status": "pending", "at": instant(opened_ms + HOUR)})
    stage.bills.append(paid | {"status": "rejected", "at": instant(opened_ms + 2 * DAY)})
    to = block(draw, rented(stage, 0.4), 5) + block(draw, rented(stage, 0.4), 5)
    act = Act(from_ms=opened_ms + int(draw.uniform(1, 40) * HOUR), hours=20, to=to, lines=draw.randint(1, 4))
    stage.play("never paying", who, replace(act, talk_s=(200, 2400), wait_s=(20, 400)), fraud=True)


def machine(stage: Stage) -> None:
    """A recorded voice, number after number."""
    who, draw = stage.one("flat", "bureau", "start-up"), stage.draw
    town = draw.choice(at_home(stage.home))
    first = int(town.number(draw)) // 10_000 * 10_000
    act = Act(
        from_ms=who.at(stage.day(weekend=False), draw.uniform(9, 15)),
        hours=draw.uniform(2, 5),
        to=[(town, str(first + number)) for number in range(5_000)],
        lines=draw.randint(6, 20),
        talk_s=(1, 14),
        wait_s=(1, 20),
        failed=0.4,
    )
    stage.play("recorded voice", who, act, fraud=True)


def raised(stage: Stage) -> None:
    """Somebody raises the limit and uses it."""
    who, draw = stage.one("flat", "bureau", "surgery"), stage.draw
    at_ms = who.at(stage.day(room=3), draw.uniform(8, 22))
    told = {"type": "credit", "id": f"raise {who.account}", "account": who.account, "limit": "1800.00", "by": "web"}
    stage.bills.append(told | {"at": instant(at_ms)})
    act = Act(from_ms=at_ms + int(draw.uniform(0.2, 20) * HOUR), hours=8, to=block(draw, rented(stage), 4))
    stage.play("raised limit", who, replace(act, lines=draw.randint(1, 4), talk_s=(300, 2400)), fraud=True)


def where_it_calls_anyway(stage: Stage) -> None:
    """A new block in a country that the customer calls every day."""
    who, draw = stage.one("legation", "forwarder", "help desk"), stage.draw
    place = max(who.own, key=lambda each: each.rate)
    act = Act(
        from_ms=who.at(stage.day(), draw.uniform(0, 5)),
        hours=draw.uniform(5, 12),
        to=block(draw, place, draw.randint(2, 6)),
        lines=draw.randint(4, 8),
        talk_s=(300, 3000),
    )
    stage.play("where it calls anyway", who, act, fraud=True)


def in_business_hours(stage: Stage) -> None:
    """Two or three lines on workdays, as staff would call."""
    who, draw = stage.one("bureau", "surgery", "start-up"), stage.draw
    place = rented(stage, 0.5)
    act = Act(
        from_ms=who.at(stage.day(weekend=False, room=4), 9),
        hours=24 * 3,
        to=block(draw, place, draw.randint(4, 12)),
        lines=draw.randint(2, 3),
        talk_s=(180, 1500),
        wait_s=(60, 600),
        clock=(9, 17),
        workdays=True,
    )
    stage.play("in business hours", who, act, fraud=True)


def among_hundreds(stage: Stage) -> None:
    """A few dear calls among those of a busy house."""
    who, draw = stage.one("sales floor", "help desk", "dormitory", "call shop", "clinic"), stage.draw
    act = Act(
        from_ms=who.at(stage.day(room=3), draw.uniform(9, 18)),
        hours=draw.uniform(6, 20),
        to=block(draw, rented(stage, 0.5), draw.randint(5, 25)),
        lines=draw.randint(2, 6),
        talk_s=(90, 900),
    )
    stage.play("among hundreds", who, act, fraud=True)


def ramp(stage: Stage) -> None:
    """A little, and each day a little more."""
    who, draw = stage.one("bureau", "surgery", "start-up", "workshop"), stage.draw
    act = Act(
        from_ms=who.at(stage.day(room=6), 8),
        hours=24 * draw.uniform(4, 6),
        to=block(draw, rented(stage, 0.45, 2.5), draw.randint(4, 12)),
        lines=2,
        talk_s=(180, 900),
        wait_s=(20_000, 40_000),
        ramp=0.02,
    )
    stage.play("ramp", who, act, fraud=True)


def before_it_is_known(stage: Stage) -> None:
    """A customer of some days is hacked."""
    who, draw = stage.one("bureau", "workshop", "flat", "surgery"), stage.draw
    from_ms = who.at(stage.day(early=True), draw.uniform(18, 30))
    act = Act(from_ms=from_ms, hours=8, to=block(draw, rented(stage), draw.randint(1, 6)), talk_s=(400, 3000))
    stage.play("before it is known", who, replace(act, lines=draw.randint(1, 6)), fraud=True)


def islands(stage: Stage) -> None:
    """Ordinary mobiles of a middling country, a handful of lines."""
    who, draw = stage.one(*FIRMS), stage.draw
    place = draw.choice([each for each in WORLD if each.line == "mobile" and 200_000 <= each.rate <= 400_000])
    act = Act(
        from_ms=who.at(stage.day(), draw.uniform(19, 29)),
        hours=9,
        to=block(draw, place, draw.randint(3, 9)),
        lines=draw.randint(4, 10),
        talk_s=(300, 2400),
    )
    stage.play("ordinary mobiles", who, act, fraud=True)


def left_open(stage: Stage) -> None:
    """One call that is never hung up."""
    who, draw = stage.one(*FIRMS), stage.draw
    from_ms = who.at(stage.day(), draw.uniform(17, 26))
    act = Act(from_ms=from_ms, hours=0.05, to=block(draw, rented(stage, 0.5), 1), talk_s=(28_000, 50_000), failed=0)
    stage.play("left open", who, act, fraud=True)


WAVES = (bait, same_hole)
ALL = (
    hacked_by_night,
    hacked_on_two_lines,
    dearest,
    stolen_password,
    stolen_password_slowly,
    forwarded,
    probing,
    bait,
    same_hole,
    pumped,
    drip,
    chat_lines,
    resold,
    never_paying,
    machine,
    raised,
    where_it_calls_anyway,
    in_business_hours,
    among_hundreds,
    ramp,
    before_it_is_known,
    islands,
    left_open,
)
