"""What thieves do openly: the incidents of the field's notes, at the prices and with the haste that they had.

Each function is one incident (or one wave of them) befalling customers that no other story has.
"""

from __future__ import annotations

from tests.strangers.paper import HOUR, MINUTE, SECOND
from tests.strangers.third.land import DEAR, ORDINARY, RENTED, at_home, block, named
from tests.strangers.third.stage import HISTORY, Lines, Stage, any_of, one, one_of, spree

THIEF = ("185.220.101.7", "45.134.26.19", "193.32.162.80", "102.165.48.3")


def weekend_blast(stage: Stage) -> None:
    """A hacked PBX on a weekend night: all lines at once to one rented range, again and again."""
    who, day = stage.pick("law firm", "school", "dentist", "builder", "accountants"), stage.late()
    while (stage.first.toordinal() + day) % 7 not in {6, 0}:
        day = HISTORY + (day + 1 - HISTORY) % (stage.count - 1 - HISTORY)
    place = stage.draw.choice(RENTED)
    how = Lines(hours=stage.draw.uniform(4, 30), lines=stage.draw.randint(6, 24), minutes=(15, 110))
    numbers = one_of(stage, place, 0, at_a_time=lambda: block(place, stage.draw, 4))
    stage.play("weekend blast", who, spree(stage, who, stage.at(who, day, 1), numbers, how), fraud=True)


def dearest_range(stage: Stage) -> None:
    """The eight lines of an office, to a range that costs as much a minute as a dinner."""
    who, place = stage.pick("accountants", "boutique", "charity"), RENTED[-stage.draw.randint(1, 3)]
    how = Lines(hours=30, lines=8, minutes=(18, 24))
    at_ms = stage.at(who, stage.late(), stage.draw.uniform(19, 23))
    stage.play("dearest range", who, spree(stage, who, at_ms, one_of(stage, place, 6), how), fraud=True)


def one_mobile(stage: Stage) -> None:
    """Some forty calls in a night to one mobile telephone far away, by a firm that has never called abroad."""
    who, place = stage.pick("plumber", "dentist", "boutique"), stage.draw.choice(named("GM", "SL", "GN", "SO", "TG"))
    how = Lines(hours=8, lines=stage.draw.randint(1, 3), minutes=(8, 40), most=45)
    at_ms = stage.at(who, stage.late(), 22)
    stage.play("one mobile all night", who, spree(stage, who, at_ms, one_of(stage, place, 1), how), fraud=True)


def stolen_credentials(stage: Stage) -> None:
    """From another country, while the office is calling too."""
    who, place = stage.pick("law firm", "estate agent", "hospital"), stage.draw.choice(RENTED[:-2])
    how = Lines(hours=5, lines=stage.draw.randint(3, 10), minutes=(4, 45), source=stage.draw.choice(THIEF), failed=0.2)
    at_ms = stage.at(who, stage.late(), stage.draw.uniform(9, 14))
    stage.play("stolen credentials", who, spree(stage, who, at_ms, one_of(stage, place, 12), how), fraud=True)


def forwarded(stage: Stage) -> None:
    """Every call that comes in goes on to somebody who earns on it."""
    who, place = stage.pick("dentist", "plumber", "taxi", "school"), stage.draw.choice(RENTED[:-2])
    how = Lines(hours=9, lines=stage.draw.randint(2, 6), minutes=(5, 60), gap_s=(20, 400), direction="forwarded")
    at_ms = stage.at(who, stage.late(), stage.draw.choice((13, 20, 23)))
    legs = list(spree(stage, who, at_ms, one_of(stage, place, 3), how))
    stage.calls += [who.rung(each.at_ms - SECOND, each.lasts_ms, "") for each in legs]
    stage.play("forwarded", who, legs, fraud=True)


def groped_for(stage: Stage) -> None:
    """A robot finds out how to dial abroad for an hour, and comes back at night with what it learned."""
    who, place = stage.pick("builder", "college", "church"), stage.draw.choice(RENTED[:-2])
    source, core = stage.draw.choice(THIEF), place.number(stage.draw)
    ways = ("9", "0", "00", "011", "9011", "900", "8", "810", "0011", "1011", "+", "99", "7", "5", "2", "3")
    at_ms = stage.at(who, stage.late(), 15)
    tries = [
        one(who, at_ms + 19 * SECOND * index, 0, (f"{a}{b}{core}", place.rate), source=source)
        for index, (a, b) in enumerate((a, b) for a in ways[:12] for b in ways)
    ]
    how = Lines(hours=6, lines=stage.draw.randint(4, 12), minutes=(10, 60), source=source)
    numbers = one_of(stage, place, 0, at_a_time=lambda: [core, *block(place, stage.draw, 3)])
    strike = spree(stage, who, at_ms + stage.draw.randint(3, 11) * HOUR, numbers, how)
    stage.play("groped for", who, [*tries, *strike], fraud=True)


def rung_once(stage: Stage) -> None:
    """Wangiri: many are rung once from a number that nobody knows, and some call back."""
    place = stage.draw.choice([each for each in RENTED if 400_000 <= each.rate <= 2_000_000])
    bait = block(place, stage.draw, stage.draw.randint(1, 3))
    story, day, draw = stage.name("rung once"), stage.late(), stage.draw
    for who in [stage.pick("family", "boutique", "plumber", "silent line", "dentist", "taxi") for _ in range(14)]:
        rang_ms, number = stage.at(who, day, draw.uniform(9, 15)), draw.choice(bait)
        stage.calls.append(who.rung(rang_ms, 2 * SECOND, number))
        backs = [
            one(who, rang_ms + draw.randint(1, 90) * MINUTE, round(draw.uniform(1, 9) * MINUTE), (number, place.rate))
            for _ in range(draw.choice((1, 1, 1, 2, 3)))
        ]
        stage.play("rung once", who, backs, fraud=True, name=story)


def pumped(stage: Stage) -> None:
    """Very many calls of a few minutes to one country of the cheaper sort, as fast as the trunk goes."""
    who, place = (
        stage.pick("outbound sales", "college", "hospital"),
        stage.draw.choice(named("TN", "MA", "SN", "CI", "DZ")),
    )
    how = Lines(hours=3, lines=stage.draw.randint(14, 30), minutes=(2, 7), source=stage.draw.choice(THIEF))
    at_ms = stage.at(who, stage.late(), stage.draw.uniform(0, 24))
    stage.play("pumped", who, spree(stage, who, at_ms, one_of(stage, place, 40), how), fraud=True)


def domestic_premium(stage: Stage) -> None:
    """A chat line at home, from an office at night, night after night."""
    who, place = stage.pick("school", "builder", "law firm", "estate agent"), at_home(stage.home, "premium")[0]
    day, numbers = stage.late(room=4), one_of(stage, place, 2)
    how = Lines(hours=5, lines=stage.draw.randint(1, 4), minutes=(10, 55))
    calls = [call for more in range(3) for call in spree(stage, who, stage.at(who, day + more, 21.5), numbers, how)]
    stage.play("chat line at home", who, calls, fraud=True)


def never_meant_to_pay(stage: Stage) -> None:
    """A new account that calls abroad from its first hour until its limit is gone."""
    opens = stage.draw.randint(2, stage.count - 4)
    who, place = (
        stage.joins(stage.draw.choice(("boutique", "start-up", "call shop")), opens=opens),
        stage.draw.choice(DEAR[:9]),
    )
    how = Lines(hours=20, lines=stage.draw.randint(2, 6), minutes=(5, 50), gap_s=(5, 300))
    at_ms = stage.at(who, opens, 10)
    stage.play("never meant to pay", who, spree(stage, who, at_ms, one_of(stage, place, 15), how), fraud=True)


def taken_over(stage: Stage) -> None:
    """Somebody with the customer's password has the limit raised, and uses it."""
    who, place = stage.pick("start-up", "estate agent", "builder"), stage.draw.choice(RENTED[:-3])
    at_ms = stage.at(who, stage.late(), 17)
    stage.bill("credit", who, at_ms, limit="3000.00", by="portal", reason="asked for by the customer")
    how = Lines(hours=8, lines=stage.draw.randint(4, 9), minutes=(8, 40), source=stage.draw.choice(THIEF))
    calls = spree(stage, who, at_ms + 20 * MINUTE, one_of(stage, place, 9), how)
    stage.play("taken over", who, calls, fraud=True)


def like_home(stage: Stage) -> None:
    """Islands that a quick look takes for a neighbour's number, or a personal number that looks like Britain."""
    who = stage.pick("taxi", "fax broadcaster", "alarm diallers", "plumber")
    places = [each for each in RENTED if each.country in {"TC", "DM", "GB"}]
    how = Lines(hours=7, lines=stage.draw.randint(4, 10), minutes=(10, 70))
    numbers = one_of(stage, stage.draw.choice(places), 5)
    stage.play("like home", who, spree(stage, who, stage.at(who, stage.late(), 2), numbers, how), fraud=True)


def ordinary_number(stage: Stage) -> None:
    """What honeypots see: quite ordinary numbers of Sweden or Poland, from a source that nobody knows, by the dozen."""
    who, place = stage.pick("college", "software house", "hospital"), stage.draw.choice(named("SE", "PL", "IL", "UA"))
    how = Lines(hours=9, lines=12, minutes=(10, 60), source=stage.draw.choice(THIEF))
    calls = spree(stage, who, stage.at(who, stage.late(), 23), any_of(stage, [place]), how)
    stage.play("ordinary numbers", who, calls, fraud=True)


def robot(stage: Stage) -> None:
    """A stolen line announces a lottery to numbers in a row, six seconds each, and dear mobile ones at that."""
    who, place = (
        stage.pick("church", "dentist", "accountants"),
        stage.draw.choice([each for each in ORDINARY if each.line == "mobile"]),
    )
    stem, at_ms = place.number(stage.draw)[:-4], stage.at(who, stage.late(), 11)
    calls = [
        one(
            who,
            at_ms + 4 * SECOND * index,
            stage.draw.choice((0, 3, 4, 6, 11)) * SECOND,
            (f"{stem}{index:04d}", place.rate),
        )
        for index in range(stage.draw.randint(1500, 3000))
    ]
    stage.play("robot", who, calls, fraud=True)


ALL = (
    weekend_blast,
    dearest_range,
    one_mobile,
    stolen_credentials,
    forwarded,
    groped_for,
    rung_once,
    pumped,
    domestic_premium,
    never_meant_to_pay,
    taken_over,
    like_home,
    ordinary_number,
    robot,
)
