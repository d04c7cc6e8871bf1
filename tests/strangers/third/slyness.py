"""What thieves do who have read a manual on fraud detection: nothing stands out, or it stands where all is loud.

Office hours, countries that the customer calls anyhow, one line at a time, numbers used once, accounts without a past,
many accounts a little each, a pause for as long as operators look.
"""

from __future__ import annotations

from tests.strangers.paper import MINUTE, SECOND
from tests.strangers.third.frauds import THIEF
from tests.strangers.third.land import DEAR, RENTED, at_home, block, everyday, named
from tests.strangers.third.stage import HISTORY, Lines, Stage, any_of, one, one_of, spree

ALL_DAY = (8, 10, 12, 14, 16)


def known_country(stage: Stage) -> None:
    """A country that the firm calls every day, while it calls, from its own address: only other numbers, and dearer."""
    who = stage.pick("island trader", "importer", "software house", "consulate", "forwarder")
    place = max(who.lands, key=lambda each: each.rate)
    how = Lines(hours=7, lines=stage.draw.randint(4, 9), minutes=(6, 45))
    day = stage.late()
    stage.play("known country", who, spree(stage, who, stage.at(who, day, 9), one_of(stage, place, 8), how), fraud=True)


def in_the_crowd(stage: Stage) -> None:
    """Among the hundreds of calls of a call centre, at its busiest, a few lines go elsewhere."""
    who, place = (
        stage.pick("world call centre", "outbound sales", "reseller", "pollsters"),
        stage.draw.choice(RENTED[:-2]),
    )
    how = Lines(hours=7, lines=stage.draw.randint(2, 6), minutes=(5, 30), gap_s=(10, 200))
    numbers = one_of(stage, place, 0, at_a_time=lambda: block(place, stage.draw, 20))
    stage.play("in the crowd", who, spree(stage, who, stage.at(who, stage.late(), 10), numbers, how), fraud=True)


def ramp(stage: Stage) -> None:
    """One call on the first day, then each day half as much again."""
    who, place = stage.pick("builder", "law firm", "college", "newspaper"), stage.draw.choice(DEAR[:8])
    target, hands, draw = one_of(stage, place, 10), 1.0, stage.draw
    calls = []
    for day in range(HISTORY - 5, stage.count):
        for _ in range(round(hands)):
            at_ms = stage.at(who, day, draw.uniform(9, 18))
            calls.append(one(who, at_ms, round(draw.uniform(6, 25) * MINUTE), target()))
        hands *= 1.6
    stage.play("ramp", who, calls, fraud=True)


def drip(stage: Stage) -> None:
    """One line, office hours, another number each time, the same few hours each day: no window is ever full."""
    who, place = (
        stage.pick("hospital", "college", "law firm", "estate agent"),
        stage.draw.choice([*named("TN", "DZ", "MA"), *DEAR[1:6]]),
    )
    how = Lines(hours=8, lines=1, minutes=(12, 28), gap_s=(400, 1500))
    days = range(HISTORY, stage.count)
    calls = [each for day in days for each in spree(stage, who, stage.at(who, day, 9), any_of(stage, [place]), how)]
    stage.play("drip", who, calls, fraud=True)


def night_channel(stage: Stage) -> None:
    """One call after another on one line, each night, at a price that many pay."""
    who, place = (
        stage.pick("accountants", "retirement home", "boutique"),
        stage.draw.choice([*named("HT", "MA", "CI"), *DEAR[2:7]]),
    )
    how = Lines(hours=7, lines=1, minutes=(25, 60))
    days, target = range(stage.late(room=5), stage.count), one_of(stage, place, 3)
    calls = [each for day in days for each in spree(stage, who, stage.at(who, day, 22), target, how)]
    stage.play("one line each night", who, calls, fraud=True)


def one_number_of_many(stage: Stage) -> None:
    """One number earns on a dozen hacked accounts: each calls it once or twice a day, a quarter of an hour."""
    place, draw = stage.draw.choice(RENTED[:-3]), stage.draw
    number, day, story = place.number(draw), stage.late(room=3), stage.name("one number of many")
    for who in [stage.pick("law firm", "dentist", "builder", "accountants", "boutique", "school") for _ in range(12)]:
        calls = [
            one(
                who,
                stage.at(who, day + more, draw.uniform(8, 20)),
                round(draw.uniform(9, 22) * MINUTE),
                (number, place.rate),
            )
            for more in range(2)
            for _ in range(draw.choice((1, 1, 2)))
        ]
        stage.play("one number of many", who, calls, fraud=True, name=story)


def few_lines_of_many(stage: Stage) -> None:
    """A provider's leaked passwords: six accounts, one source, one line each, all through an afternoon."""
    place, source = stage.draw.choice(RENTED[:-3]), stage.draw.choice(THIEF)
    numbers, day, story = block(place, stage.draw, 30), stage.late(), stage.name("few lines of many")
    how = Lines(hours=4, lines=1, minutes=(6, 20), gap_s=(30, 300), source=source)
    for who in [stage.pick("law firm", "estate agent", "college", "start-up", "plumber") for _ in range(6)]:
        target = one_of(stage, place, 0, at_a_time=lambda: numbers)
        at_ms = stage.at(who, day, stage.draw.uniform(12, 14))
        stage.play("few lines of many", who, spree(stage, who, at_ms, target, how), fraud=True, name=story)


def first_week(stage: Stage) -> None:
    """An honest account, hacked before anybody knows its ways."""
    opens = stage.draw.randint(1, 8)
    who, place = (
        stage.joins(stage.draw.choice(("law firm", "builder", "estate agent")), opens=opens),
        stage.draw.choice(RENTED[:-2]),
    )
    how = Lines(hours=9, lines=stage.draw.randint(2, 7), minutes=(10, 50))
    at_ms = stage.at(who, opens + stage.draw.randint(3, 8), 20)
    stage.play("in its first week", who, spree(stage, who, at_ms, one_of(stage, place, 6), how), fraud=True)


def busts_out(stage: Stage) -> None:
    """A new account that behaves for ten days, pays for something, and then is used up in a day."""
    opens = stage.draw.randint(0, stage.count - 14)
    who, place = stage.joins("start-up", opens=opens), stage.draw.choice(DEAR[:10])
    how = Lines(hours=10, lines=stage.draw.randint(3, 7), minutes=(5, 25), gap_s=(10, 120))
    at_ms = stage.at(who, opens + 10, 8)
    stage.play("busts out", who, spree(stage, who, at_ms, any_of(stage, [place]), how), fraud=True)


def from_orbit(stage: Stage) -> None:
    """One or two calls at a time to satellites, over lunch."""
    who, place = (
        stage.pick("estate agent", "hospital", "builder", "school"),
        stage.draw.choice([each for each in RENTED if each.country in {"sky", "net"}]),
    )
    how = Lines(hours=3, lines=stage.draw.randint(1, 2), minutes=(5, 18), gap_s=(20, 200))
    at_ms = stage.at(who, stage.late(), 12)
    stage.play("to satellites over lunch", who, spree(stage, who, at_ms, any_of(stage, [place]), how), fraud=True)


def mailbox(stage: Stage) -> None:
    """Through a mailbox: a short call comes in, a long one goes out, one at a time, a few a night."""
    who, place = stage.pick("dentist", "school", "accountants", "retirement home"), stage.draw.choice(RENTED[:-3])
    how = Lines(hours=7, lines=1, minutes=(20, 55), gap_s=(120, 1800), direction="forwarded")
    day, target = stage.late(room=3), one_of(stage, place, 4)
    legs = [each for more in range(2) for each in spree(stage, who, stage.at(who, day + more, 22.5), target, how)]
    stage.calls += [who.rung(each.at_ms - 20 * SECOND, each.lasts_ms + 20 * SECOND, "") for each in legs]
    stage.play("through the mailbox", who, legs, fraud=True)


def twice(stage: Stage) -> None:
    """Again after a day, when it has been released, to another country."""
    who, day, draw = stage.pick("law firm", "builder", "boutique"), stage.late(room=3), stage.draw
    how = Lines(hours=5, lines=draw.randint(3, 8), minutes=(5, 30))
    calls = [
        each
        for more, place in enumerate(draw.sample(RENTED[:-3], 2))
        for each in spree(stage, who, stage.at(who, day, 1 + 26 * more), one_of(stage, place, 6), how)
    ]
    stage.play("again after the release", who, calls, fraud=True)


def around_the_world(stage: Stage) -> None:
    """Never the same number, never the same country twice in a row, never more than three at once."""
    who = stage.pick("college", "newspaper", "hotel", "law firm")
    how = Lines(hours=10, lines=3, minutes=(4, 16), gap_s=(10, 90))
    places = [*stage.draw.sample(RENTED[:-3], 8), *DEAR[:4]]
    stage.play(
        "around the world",
        who,
        spree(stage, who, stage.at(who, stage.late(), 8), any_of(stage, places), how),
        fraud=True,
    )


def shut_shop(stage: Stage) -> None:
    """A call shop is shut, and its password is not: dear calls are its trade, but not from there and not at four."""
    who, place = stage.pick("call shop", "reseller"), stage.draw.choice(DEAR[:9])
    how = Lines(hours=4, lines=stage.draw.randint(5, 12), minutes=(5, 40), source=stage.draw.choice(THIEF))
    stage.play(
        "a shut call shop",
        who,
        spree(stage, who, stage.at(who, stage.late(), 2), one_of(stage, place, 10), how),
        fraud=True,
    )


def insider(stage: Stage) -> None:
    """The night porter's friend has a paid line: half an hour, twice a shift."""
    who, place = stage.pick("hospital", "hotel", "retirement home"), at_home(stage.home, "premium")[0]
    number, draw = place.number(stage.draw), stage.draw
    calls = [
        one(who, stage.at(who, day, hour), round(draw.uniform(20, 45) * MINUTE), (number, place.rate))
        for day in range(stage.late(room=6), stage.count)
        for hour in (23.2, 26.5)
    ]
    stage.play("the porter's friend", who, calls, fraud=True)


def stimulated(stage: Stage) -> None:
    """Cheap minutes at home without end: the same three numbers, day and night, on many lines."""
    who, place = stage.pick("start-up", "church", "boutique", "accountants"), stage.draw.choice(everyday(stage.home))
    how = Lines(hours=40, lines=stage.draw.randint(14, 20), minutes=(40, 170))
    day = stage.late(room=3)
    stage.play("stimulated", who, spree(stage, who, stage.at(who, day, 7), one_of(stage, place, 3), how), fraud=True)


def resold(stage: Stage) -> None:
    """An office plan behind a wholesaler: as many lines as it has, all day, hundreds of numbers, mobiles preferred."""
    who = stage.pick("start-up", "accountants", "builder")
    how = Lines(hours=60, lines=stage.draw.randint(8, 12), minutes=(1, 9), gap_s=(1, 10), failed=0.25)
    places = [*everyday(stage.home), *named("MX", "PH", "IN", "DO", "GB")]
    day = stage.late(room=4)
    stage.play("resold", who, spree(stage, who, stage.at(who, day, 8), any_of(stage, places), how), fraud=True)


ALL = (
    known_country,
    in_the_crowd,
    ramp,
    drip,
    night_channel,
    one_number_of_many,
    few_lines_of_many,
    first_week,
    busts_out,
    from_orbit,
    mailbox,
    twice,
    around_the_world,
    shut_shop,
    insider,
    stimulated,
    resold,
)
