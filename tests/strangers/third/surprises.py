"""What honest people do that looks like theft, as hard as the third stranger could think of it.

Everything is paid for gladly: a quake abroad, guests with family in Cuba, a ship in distress, a vote on television. The
marks of fraud are all there, one or two at a time, and sometimes the money too.
"""

from __future__ import annotations

from tests.strangers.paper import HOUR, MINUTE, SECOND, Slip
from tests.strangers.third.folk import Customer
from tests.strangers.third.land import DEAR, ORDINARY, at_home, block, everyday, named
from tests.strangers.third.stage import HISTORY, Lines, Stage, any_of, one, one_of, spree


def quake(stage: Stage) -> None:
    """A quake: families and staff call the country again and again, and all of them one embassy's line."""
    draw, place = stage.draw, stage.draw.choice(named("HT", "MA", "TR", "PH", "AF", "VU"))
    day, hotline = stage.late(room=3), (place.number(draw), place.rate)
    kinds = (
        "family",
        "college",
        "hospital",
        "relief agency",
        "newspaper",
        "law firm",
        "hotel",
        "church",
        "taxi",
        "dentist",
    )
    for who in [stage.pick(kind) for kind in kinds]:
        kin, calls = one_of(stage, place, draw.randint(2, 6)), []
        for _ in range(draw.randint(4, 16)):
            at_ms = stage.at(who, day, draw.uniform(3, 40))
            calls.append(one(who, at_ms, 0 if draw.random() < 0.4 else round(draw.uniform(2, 25) * MINUTE), kin()))
        calls.append(one(who, stage.at(who, day, draw.uniform(8, 30)), round(draw.uniform(8, 35) * MINUTE), hotline))
        stage.play("quake", who, calls, fraud=False)


def guest(stage: Stage) -> None:
    """A hotel's guest talks with Cuba (or the like) for more than an hour, twice."""
    who, place = stage.pick("hotel", "airport hotel"), stage.draw.choice(named("CU", "MV", "ET", "SL", "MG"))
    target, day = one_of(stage, place, 1), stage.late()
    calls = [
        one(who, stage.at(who, day, hour), round(stage.draw.uniform(55, 90) * MINUTE), target())
        for hour in (22.5, 24.6)
    ]
    stage.play("a guest from far away", who, calls, fraud=False)


def market(stage: Stage) -> None:
    """A firm has found a new country to sell to: forty calls a day from one day to the next, for good."""
    who, draw = stage.pick("start-up", "importer", "software house", "estate agent"), stage.draw
    place = draw.choice([each for each in ORDINARY if each.rate < 260_000 and each not in who.lands])
    target, day = any_of(stage, [place]), stage.late(room=4)
    calls = [
        one(
            who,
            stage.at(who, more, draw.uniform(8.5, 17.5)),
            0 if draw.random() < 0.2 else draw.randint(20, 700) * SECOND,
            target(),
        )
        for more in range(day, stage.count)
        for _ in range(draw.randint(20, 45))
    ]
    stage.play("a new market", who, calls, fraud=False)


def marathon(stage: Stage) -> None:
    """A charity's day on the telephone: twenty volunteers, a list of numbers, until late."""
    who = stage.pick("charity", "church")
    numbers = any_of(stage, everyday(stage.home))
    how = Lines(hours=13, lines=20, minutes=(0.2, 7), gap_s=(5, 120), failed=0.4)
    stage.play("a marathon", who, spree(stage, who, stage.at(who, stage.late(), 9), numbers, how), fraud=False)


def month_end(stage: Stage) -> None:
    """Accountants stay three nights, and the clients are in other time zones."""
    who, draw = stage.pick("accountants", "law firm"), stage.draw
    places, day = named("GB", "HK", "CH", "AE", "SG"), stage.late(room=4)
    target = any_of(stage, draw.sample(places, 3))
    calls = [
        one(who, stage.at(who, day + night, draw.uniform(20, 27)), round(draw.uniform(3, 50) * MINUTE), target())
        for night in range(3)
        for _ in range(draw.randint(5, 12))
    ]
    stage.play("month-end nights", who, calls, fraud=False)


def branch(stage: Stage) -> None:
    """A branch abroad is joined to the same account: new addresses, new countries, new hours."""
    who, draw = stage.pick("law firm", "boutique", "estate agent", "accountants"), stage.draw
    place, day = draw.choice(named("PT", "MX", "RO", "IN", "ZA")), stage.late(room=4)
    target, own = one_of(stage, place, 25), f"203.0.113.{draw.randrange(250)}"
    calls = [
        one(who, stage.at(who, more, draw.uniform(4, 15)), round(draw.uniform(0.5, 12) * MINUTE), target(), source=own)
        for more in range(day, stage.count)
        for _ in range(draw.randint(12, 30))
    ]
    stage.play("a branch abroad", who, calls, fraud=False)


def sale(stage: Stage) -> None:
    """Five times the calls for three days."""
    who, day = stage.pick("boutique", "estate agent", "travel agent"), stage.late(room=4)
    for more in range(3):
        _more_of_the_same(stage, who, day + more, 5)
    stage.claim("a sale", who, range(day, day + 3))


def doubles(stage: Stage) -> None:
    """A start-up that does half as much again each week, weekends too."""
    who = stage.pick("start-up")
    for day in range(7, stage.count):
        _more_of_the_same(stage, who, day, 1.5 ** (day / 7))
    stage.claim("doubles", who, range(HISTORY, stage.count))


def season(stage: Stage) -> None:
    """A house on the coast opens for the summer."""
    who, day = stage.pick("holiday home", "silent line"), stage.late(room=5)
    for more in range(day, stage.count):
        _more_of_the_same(stage, who, more, 60)
    stage.claim("the season begins", who, range(day, stage.count))


def family_event(stage: Stage) -> None:
    """A birth, far away: a line that hardly ever calls talks with everybody, half of a night."""
    who, draw = stage.pick("silent line", "family", "retirement home"), stage.draw
    place = draw.choice(named("GM", "PH", "SO", "TO", "HT", "LK"))
    target, day = one_of(stage, place, 4), stage.late()
    calls = [
        one(who, stage.at(who, day, 20 + 0.7 * index), round(draw.uniform(6, 38) * MINUTE), target())
        for index in range(draw.randint(4, 8))
    ]
    stage.play("a birth in the family", who, calls, fraud=False)


def honeymoon(stage: Stage) -> None:
    """Away on an island: from an address there, some calls to the hotel next door and many home."""
    who, draw = stage.pick("consultant", "software house"), stage.draw
    place, source = draw.choice(named("MV", "FJ", "CU", "MG")), "27.114.151.20"
    beach, day = one_of(stage, place, 4), stage.late(room=4)
    calls = []
    for more in range(4):
        for _ in range(draw.randint(3, 8)):
            whom = beach() if draw.random() < 0.4 else draw.choice(who.near)
            at_ms = stage.at(who, day + more, draw.uniform(0, 24))
            calls.append(one(who, at_ms, round(draw.uniform(1, 9) * MINUTE), whom, source=source))
    stage.play("an island", who, calls, fraud=False)


def vote(stage: Stage) -> None:
    """A vote on television: thirty short calls to one dear number at home, from many accounts on one evening."""
    draw, place = stage.draw, at_home(stage.home, "premium")[0]
    numbers, day = block(place, draw, 3), stage.late()
    for who in [stage.pick("family", "retirement home", "boutique", "hotel", "college", "taxi") for _ in range(7)]:
        at_ms = stage.at(who, day, 20.5)
        calls = [
            one(
                who,
                at_ms + draw.randrange(100 * MINUTE),
                draw.randint(8, 40) * SECOND,
                (draw.choice(numbers), place.rate),
            )
            for _ in range(draw.randint(2, 22))
        ]
        stage.play("a vote on television", who, calls, fraud=False)


def helpline(stage: Stage) -> None:
    """A maker's paid helpline at home: forty minutes in the queue, and again."""
    who, place = stage.pick("plumber", "builder", "dentist"), at_home(stage.home, "premium")[0]
    target, day, draw = one_of(stage, place, 1), stage.late(), stage.draw
    calls = [one(who, stage.at(who, day, hour), round(draw.uniform(10, 28) * MINUTE), target()) for hour in (10, 11.5)]
    stage.play("a paid helpline", who, calls, fraud=False)


def misdialled(stage: Stage) -> None:
    """Somebody changed the dial plan: for an hour each call abroad fails, in every spelling that he can think of."""
    who, draw = stage.pick("importer", "forwarder", "software house"), stage.draw
    at_ms, place = stage.at(who, stage.late(), 9), draw.choice(who.lands)
    partners = [place.number(draw) for _ in range(3)]
    calls = [
        one(
            who,
            at_ms + draw.randrange(HOUR),
            0,
            (draw.choice(("", "0", "00", "9", "9011", "011", "900")) + draw.choice(partners), place.rate),
        )
        for _ in range(draw.randint(30, 70))
    ]
    calls += [
        one(who, at_ms + HOUR + index * MINUTE, 5 * MINUTE, (each, place.rate)) for index, each in enumerate(partners)
    ]
    stage.play("a wrong dial plan", who, calls, fraud=False)


def all_hands(stage: Stage) -> None:
    """The bridge dials out to every office of the world for three hours."""
    who, draw = stage.pick("conference bridge", "relief agency", "software house"), stage.draw
    at_ms, places = stage.at(who, stage.late(), 15), draw.sample(ORDINARY, 14)
    calls = [
        one(
            who,
            at_ms + draw.randrange(5 * MINUTE),
            round(draw.uniform(90, 185) * MINUTE),
            (place.number(draw), place.rate),
        )
        for place in places
    ]
    stage.play("all hands", who, calls, fraud=False)


def distress(stage: Stage) -> None:
    """A ship's engine has stopped: the owner stays on the satellite line for most of an afternoon."""
    who, draw = stage.pick("shipping line"), stage.draw
    target, at_ms = one_of(stage, named("sea")[0], 1), stage.at(who, stage.late(), 13)
    calls = [
        one(who, at_ms + index * 40 * MINUTE, round(draw.uniform(15, 35) * MINUTE), target()) for index in range(4)
    ]
    stage.play("a ship in distress", who, calls, fraud=False)


def election(stage: Stage) -> None:
    """Reporters call a country that nobody there ever called, everybody in it, until the paper is printed."""
    who, place = stage.pick("newspaper"), stage.draw.choice(named("SL", "GN", "TG", "MG", "GY", "BI"))
    how = Lines(hours=11, lines=3, minutes=(2, 14), gap_s=(120, 2400), failed=0.3)
    calls = spree(stage, who, stage.at(who, stage.late(), 13), one_of(stage, place, 15), how)
    stage.play("an election abroad", who, calls, fraud=False)


def webinar(stage: Stage) -> None:
    """Two dozen accounts dial into one conference abroad within some minutes, and stay an hour."""
    draw, place = stage.draw, stage.draw.choice(named("GB", "IE", "SE", "CH"))
    number, day = place.number(draw), stage.late()
    for who in [stage.pick("law firm", "accountants", "start-up", "college", "dentist", "hospital") for _ in range(14)]:
        at_ms = stage.at(who, day, 15) + draw.randrange(12 * MINUTE)
        call = one(who, at_ms, round(draw.uniform(30, 70) * MINUTE), (number, place.rate))
        stage.play("a conference abroad", who, [call], fraud=False)


def parcel(stage: Stage) -> None:
    """A courier at home rang many and left no word; everybody calls the number back."""
    draw = stage.draw
    place, day = draw.choice(at_home(stage.home, "mobile")), stage.late()
    number = place.number(draw)
    for who in [stage.pick() for _ in range(12)]:
        rang_ms = stage.at(who, day, draw.uniform(9, 16))
        stage.calls.append(who.rung(rang_ms, 3 * SECOND, number))
        back = one(who, rang_ms + draw.randint(1, 50) * MINUTE, draw.randint(20, 200) * SECOND, (number, place.rate))
        stage.play("the courier rang", who, [back], fraud=False)


def alarms(stage: Stage) -> None:
    """After a power cut each dialler calls its centre, over and over, from many accounts."""
    draw, place = stage.draw, at_home(stage.home, "landline")[0]
    centre, day = (place.number(draw), place.rate), stage.late()
    for who in [stage.pick("alarm diallers", "boutique", "school", "dentist", "taxi") for _ in range(8)]:
        at_ms = stage.at(who, day, 3)
        calls = [one(who, at_ms + index * 40 * SECOND, draw.choice((0, 4, 9)) * SECOND, centre) for index in range(90)]
        stage.play("diallers after a power cut", who, calls, fraud=False)


def nightly(stage: Stage) -> None:
    """A new resident (or a new porter) talks with his people far away each night."""
    who, place = (
        stage.pick("retirement home", "hospital", "family"),
        stage.draw.choice(named("SO", "ET", "SN", "HT", "LK")),
    )
    target, draw = one_of(stage, place, 2), stage.draw
    calls = [
        one(who, stage.at(who, day, draw.uniform(20, 22)), round(draw.uniform(15, 45) * MINUTE), target())
        for day in range(stage.late(room=5), stage.count)
    ]
    stage.play("each night to his people", who, calls, fraud=False)


def own_mobile(stage: Stage) -> None:
    """Calls follow the owner to her mobile telephone on a journey."""
    who, place = (
        stage.pick("plumber", "builder", "dentist", "estate agent"),
        stage.draw.choice(named("TH", "MA", "ZA", "MX")),
    )
    how = Lines(hours=9, lines=1, minutes=(1, 7), gap_s=(400, 3000), direction="forwarded")
    day, target = stage.late(room=4), one_of(stage, place, 1)
    legs = [each for more in range(3) for each in spree(stage, who, stage.at(who, day + more, 9), target, how)]
    stage.calls += [who.rung(each.at_ms - SECOND, each.lasts_ms, "") for each in legs]
    stage.play("forwarded to her journey", who, legs, fraud=False)


def moved(stage: Stage) -> None:
    """The telephones move to a hosted PBX, somewhere else, for good."""
    who, day = stage.pick("law firm", "importer", "college", "forwarder", "call shop"), stage.late(room=4)
    begins_ms = stage.at(who, day, 7)
    for call in stage.calls:
        if call.account == who.account and call.at_ms >= begins_ms and call.source:
            call.source = f"52.60.{call.at_ms % 3}.14"
    stage.claim("moved to the cloud", who, range(day, stage.count))


def closing(stage: Stage) -> None:
    """A contract is signed at dawn: three lines for six hours, to banks on islands."""
    who = stage.pick("law firm")
    places = [*named("GB", "CH", "HK"), *named("JM")]
    how = Lines(hours=6, lines=3, minutes=(20, 120), gap_s=(60, 900))
    stage.play(
        "a closing", who, spree(stage, who, stage.at(who, stage.late(), 21), any_of(stage, places), how), fraud=False
    )


def installed(stage: Stage) -> None:
    """A new customer's engineer tries every line and many countries on the first day."""
    opens, draw = stage.draw.randint(3, stage.count - 4), stage.draw
    who = stage.joins(draw.choice(("hotel", "importer", "world call centre")), opens=opens)
    target, at_ms = any_of(stage, [*ORDINARY, *DEAR[:4]]), stage.at(who, opens, 10)
    calls = [
        one(who, at_ms + index * 50 * SECOND, draw.choice((0, 8, 20, 35)) * SECOND, target()) for index in range(40)
    ]
    stage.play("installed and tried", who, calls, fraud=False)


def fresh_trade(stage: Stage) -> None:
    """Call shops, resellers and a hotel that open now: from the first day they call everywhere, and pay."""
    for kind in ("call shop", "call shop", "reseller", "airport hotel", "relief agency", "family", "hospital"):
        opens = stage.draw.randint(1, stage.count - 8)
        who = stage.joins(kind, opens=opens)
        stage.claim(f"a new {kind}", who, range(opens, stage.count))


def in_love(stage: Stage) -> None:
    """A teenager in love: two hours each evening, to a mobile in another country."""
    who, place = stage.pick("family", "boutique"), stage.draw.choice(named("ES", "UA", "BR", "JM"))
    target, draw = one_of(stage, place, 1), stage.draw
    calls = [
        one(who, stage.at(who, day, 21 + draw.random()), round(draw.uniform(60, 150) * MINUTE), target())
        for day in range(stage.late(room=5), stage.count)
    ]
    stage.play("in love", who, calls, fraud=False)


def never_hung_up(stage: Stage) -> None:
    """Calls whose end was never told, starts told twice, a clock ahead, reports out of order; one hangs on."""
    for slip in (Slip.NO_STOP, Slip.START_TWICE, Slip.CLOCK_AHEAD, Slip.OUT_OF_ORDER):
        who, day = stage.pick("importer", "law firm", "world call centre", "call shop"), stage.late()
        begins_ms, ends_ms = stage.at(who, day, 0), stage.at(who, day, 24)
        for call in stage.calls:
            if call.account == who.account and begins_ms <= call.at_ms < ends_ms:
                call.slip = slip
        stage.claim(f"slip: {slip.value}", who, range(day, day + 1))
    who = stage.pick("importer", "software house")
    whom, at_ms = stage.draw.choice(who.abroad), stage.at(who, stage.late(), 16)
    stage.play("never hung up", who, [one(who, at_ms, 3 * HOUR, whom)], fraud=False)


def _more_of_the_same(stage: Stage, who: Customer, day: int, times: float) -> None:
    """As if he had more to do on that day."""
    who.trend[day] = times - 1
    stage.calls += who.day(stage.first, day, stage.draw)


ALL = (
    quake,
    guest,
    market,
    marathon,
    month_end,
    branch,
    sale,
    doubles,
    season,
    family_event,
    honeymoon,
    vote,
    helpline,
    misdialled,
    all_hands,
    distress,
    election,
    webinar,
    parcel,
    alarms,
    nightly,
    own_mobile,
    moved,
    closing,
    installed,
    fresh_trade,
    in_love,
    never_hung_up,
)
