"""The second stranger's innocent surprises: need, business and broken machines that must not be cut off.

As hard as a clerk who knew the customer would still let pass: the family abroad, the branch with its block of numbers,
two travellers in one hotel, a partner who rang in vain.
"""

from __future__ import annotations

from dataclasses import replace

from tests.strangers.paper import HOUR, MINUTE, SECOND, Slip
from tests.strangers.people import address
from tests.strangers.places import Place
from tests.strangers.second.folk import Act, Stage, call, ring
from tests.strangers.second.frauds import block
from tests.strangers.second.land import abroad, at_home, to

Target = tuple[Place, str]


def scattered(stage: Stage, place: Place, count: int) -> list[Target]:
    """Numbers of people."""
    return [(place, place.number(stage.draw)) for _ in range(count)]


def disaster(stage: Stage) -> None:
    """Everybody with somebody there rings, most in vain; one of them is an office whose staff come from there."""
    draw, place = stage.draw, stage.draw.choice([to("PH"), to("TR", "mobile"), to("HT"), to("LB"), to("MA"), to("NG")])
    day = stage.day(room=3)
    for number, who in enumerate(stage.many(9, 16)):
        act = Act(
            from_ms=who.at(day, draw.uniform(2, 9)),
            hours=draw.uniform(8, 30) if number else draw.uniform(3, 7),
            to=scattered(stage, place, draw.randint(1, 5) if number else 16),
            lines=1 if number else draw.randint(4, 8),
            talk_s=(40, 900),
            wait_s=(60, 2400),
            failed=0.6,
        )
        stage.play("disaster abroad", who, act, fraud=False)


def guests(stage: Stage) -> None:
    """Guests from a dear country, four evenings long."""
    who, draw = stage.one("guest house"), stage.draw
    place = draw.choice([to("CU"), to("HT"), to("DZ"), to("SN"), to("AL")])
    act = Act(
        from_ms=who.at(stage.day(room=5), 17),
        hours=4 * 24,
        to=scattered(stage, place, draw.randint(2, 6)),
        lines=draw.randint(1, 2),
        talk_s=(200, 1300),
        wait_s=(900, 7000),
        clock=(17, 23),
    )
    stage.play("guests ring home", who, act, fraud=False)


def supplier(stage: Stage) -> None:
    """A new supplier, whose office has a block of numbers."""
    who, draw = stage.one("workshop", "bureau", "forwarder", "start-up"), stage.draw
    place = draw.choice([to("AE"), to("TR", "city"), to("VN"), to("EG"), to("BR", "city")])
    act = Act(
        from_ms=who.at(stage.day(room=6, weekend=False), 9),
        hours=24 * 6,
        to=block(draw, place, draw.randint(2, 4)),
        talk_s=(60, 900),
        wait_s=(1800, 9000),
        clock=(8, 18),
        workdays=True,
    )
    stage.play("new supplier", who, act, fraud=False)


def branch(stage: Stage) -> None:
    """A branch abroad: a dozen calls a day to a block of numbers, two at once at times."""
    who, draw = stage.one("bureau", "start-up"), stage.draw
    place = draw.choice([to("PL"), to("RO"), to("DE", "mobile"), to("GB", "mobile"), to("SA"), to("KE")])
    act = Act(
        from_ms=who.at(stage.day(room=6, weekend=False), 9),
        hours=24 * 6,
        to=block(draw, place, 3),
        lines=2,
        talk_s=(60, 700),
        wait_s=(2400, 9000),
        clock=(9, 17),
        workdays=True,
    )
    stage.play("branch abroad", who, act, fraud=False)


def books_closed(stage: Stage) -> None:
    """Three nights with the head office, which has a block of numbers too."""
    who, draw = stage.one("bureau", "start-up", "newsroom"), stage.draw
    place = draw.choice([to("GB", "city"), to("HK"), to("JP"), to("DE", "city"), to("AE")])
    act = Act(
        from_ms=who.at(stage.day(room=4, weekend=False), 19),
        hours=3 * 24,
        to=block(draw, place, 4),
        lines=2,
        talk_s=(300, 2400),
        wait_s=(900, 5000),
        clock=(19, 24),
    )
    stage.play("books are closed", who, act, fraud=False)


def telethon(stage: Stage) -> None:
    """Volunteers call the whole list, into the night."""
    who, draw = stage.one("parish", "newsroom", "bureau"), stage.draw
    to_all = [(place, place.number(draw)) for place in at_home(stage.home) for _ in range(600)]
    act = Act(from_ms=who.at(stage.day(weekend=True), 11), hours=13, to=to_all, lines=22, talk_s=(15, 240), failed=0.45)
    stage.play("telethon", who, act, fraud=False)


def consulate(stage: Stage) -> None:
    """One number abroad that many must ring."""
    draw = stage.draw
    place, day = draw.choice([to("LB"), to("EG"), to("UA"), to("TR", "city"), to("MX", "city")]), stage.day()
    number = [(place, place.number(draw))]
    for who in stage.many(8, 15):
        from_ms = who.at(day, draw.uniform(8, 15))
        act = Act(from_ms=from_ms, hours=draw.uniform(0.3, 2), to=number, talk_s=(60, 1500), wait_s=(10, 300))
        stage.play("consulate's number", who, replace(act, failed=0.5), fraud=False)


def rang_in_vain(stage: Stage) -> None:
    """A partner in a dear country rings two of his customers in vain; both call back."""
    draw = stage.draw
    place = draw.choice([to("CU"), to("DZ"), to("SN"), to("MA"), to("AL")])
    number, day = place.number(draw), stage.day(weekend=False)
    for who in stage.many(2, 2)[:2]:
        rung_ms = who.at(day, draw.uniform(9, 15))
        stage.truth[who.account, "a partner rang"] = False
        stage.calls.append(ring(who, rung_ms, number))
        at_ms = rung_ms + int(draw.uniform(5, 80) * MINUTE)
        stage.calls.append(
            call(who, at_ms, place, number, int(draw.uniform(100, 900)) * SECOND, story="a partner rang")
        )


def travellers(stage: Stage) -> None:
    """Two customers in the same hotel: one address, taxis and restaurants there, and home."""
    draw, source, day = stage.draw, address(stage.draw), stage.day(room=5)
    place = draw.choice([to("MA"), to("TH"), to("KE"), to("PE"), to("TR", "mobile"), to("JM")])
    for who in stage.many(2, 2)[:2]:
        act = Act(
            from_ms=who.at(day, 8),
            hours=4 * 24,
            to=scattered(stage, place, 4) + scattered(stage, at_home(stage.home)[0], 4),
            talk_s=(30, 400),
            wait_s=(3000, 12_000),
            source=source,
            clock=(7, 23),
        )
        stage.play("travellers", who, act, fraud=False)


def one_gateway(stage: Stage) -> None:
    """A provider puts its customers behind one address; they call as always."""
    source, day = address(stage.draw), stage.day(room=4)
    for who in stage.many(5, 9):
        from_ms = who.at(day, 3)
        stage.truth[who.account, "one gateway"] = False
        for each in stage.calls:
            if each.account == who.account and each.at_ms >= from_ms and each.direction == "outgoing" and not each.case:
                each.source, each.case = source, "one gateway"


def wedding(stage: Stage) -> None:
    """Two days of relatives in two countries."""
    who = stage.one("family from afar", "flat")
    places = who.own or [to("PH")]
    act = Act(
        from_ms=who.at(stage.day(room=3), 8),
        hours=40,
        to=[target for place in places for target in scattered(stage, place, 5)],
        talk_s=(60, 1500),
        wait_s=(120, 3600),
        clock=(8, 24),
    )
    stage.play("wedding", who, act, fraud=False)


def cousin(stage: Stage) -> None:
    """A long evening with somebody in a dear country."""
    for _ in range(3):
        who, draw = stage.one("flat", "farm", "workshop"), stage.draw
        place = draw.choice([to("CU"), to("DZ"), to("SN"), to("HT"), to("MA"), to("CM"), to("GH")])
        from_ms = who.at(stage.day(), draw.uniform(16, 20))
        act = Act(from_ms=from_ms, hours=draw.uniform(0.5, 1.8), to=scattered(stage, place, draw.randint(1, 2)))
        stage.play("cousin", who, replace(act, talk_s=(200, 1500), wait_s=(60, 900), failed=0.3), fraud=False)


def at_sea(stage: Stage) -> None:
    """Some minutes a day with a ship."""
    who = stage.one("forwarder", "newsroom", "flat")
    act = Act(
        from_ms=who.at(stage.day(room=5), 8),
        hours=5 * 24,
        to=scattered(stage, to("XS"), 2),
        talk_s=(30, 300),
        wait_s=(15_000, 50_000),
        clock=(7, 21),
    )
    stage.play("somebody at sea", who, act, fraud=False)


def bridge(stage: Stage) -> None:
    """Ten colleagues in one conference abroad."""
    who, draw = stage.one("bureau", "start-up"), stage.draw
    number = scattered(stage, draw.choice([to("GB", "city"), to("US"), to("FR", "city"), to("JP")]), 1)
    from_ms = who.at(stage.day(weekend=False), 14)
    act = Act(from_ms=from_ms, hours=0.2, to=number, lines=10, talk_s=(4000, 9000), failed=0)
    stage.play("conference", who, act, fraud=False)


def campaign(stage: Stage) -> None:
    """A sales floor turns to another country."""
    who, draw = stage.one("sales floor"), stage.draw
    place = draw.choice([each for each in abroad(stage.home) if each.rate <= 110_000])
    act = Act(
        from_ms=who.at(stage.day(weekend=False, room=4), 9),
        hours=3 * 24,
        to=[(place, place.number(draw)) for _ in range(900)],
        lines=draw.randint(5, 9),
        talk_s=(5, 200),
        wait_s=(10, 120),
        failed=0.45,
        clock=(9, 18),
        workdays=True,
    )
    stage.play("sales abroad", who, act, fraud=False)


def machine_redials(stage: Stage) -> None:
    """A facsimile machine that gets no answer."""
    who, draw = stage.one("bureau", "surgery"), stage.draw
    number = scattered(stage, draw.choice([to("JP"), to("TH"), to("PL")]), 1)
    act = Act(from_ms=who.at(stage.day(), 18), hours=13, to=number, talk_s=(4, 40), wait_s=(100, 400), failed=0.8)
    stage.play("machine redials", who, act, fraud=False)


def holiday(stage: Stage) -> None:
    """The line is forwarded to a mobile abroad."""
    who, draw = stage.one("workshop", "farm", "bureau"), stage.draw
    place = draw.choice([to("MA"), to("TH"), to("TR", "mobile"), to("JM"), to("GB", "mobile")])
    act = Act(
        from_ms=who.at(stage.day(room=5), 9),
        hours=5 * 24,
        to=scattered(stage, place, 1),
        talk_s=(20, 400),
        wait_s=(1800, 9000),
        direction="forwarded",
        clock=(9, 18),
    )
    stage.play("forwarded on holiday", who, act, fraud=False)


def new_and_far(stage: Stage) -> None:
    """A family that has just moved in, and rings home from the first evening on."""
    for _ in range(2):
        who, draw = stage.one(young=True), stage.draw
        place = draw.choice([to("PH"), to("IN"), to("NG"), to("UA"), to("CO"), to("PK")])
        act = Act(
            from_ms=who.at(stage.first, 24 * who.opens + 17),
            hours=24 * 6,
            to=scattered(stage, place, 3),
            talk_s=(200, 1500),
            wait_s=(600, 7000),
            clock=(17, 23),
        )
        stage.play("new and from afar", who, act, fraud=False)


def off_hook(stage: Stage) -> None:
    """A call that nobody ends."""
    who, draw = stage.one("bureau", "flat", "forwarder"), stage.draw
    from_ms = who.at(stage.day(), draw.uniform(9, 18))
    number = scattered(stage, draw.choice([to("GB", "city"), to("IN"), to("HK"), to("PH")]), 1)
    act = Act(from_ms=from_ms, hours=0.01, to=number, talk_s=(20_000, 50_000), failed=0)
    stage.play("left off the hook", who, act, fraud=False)


def badly_told(stage: Stage) -> None:
    """A switch whose clock jumps, one that tells starts twice, one that forgets ends."""
    slips = ((Slip.CLOCK_AHEAD, 2), (Slip.START_TWICE, 20), (Slip.NO_STOP, 8))
    for slip, hours in slips:
        who = stage.one("bureau", "clinic", "guest house")
        from_ms = who.at(stage.day(weekend=False), 8)
        stage.truth[who.account, "badly told"] = False
        for each in stage.calls:
            if each.account == who.account and from_ms <= each.at_ms < from_ms + hours * HOUR and not each.case:
                each.slip, each.case = slip, "badly told"


CROWDS = (disaster, consulate, one_gateway)
ALL = (
    disaster,
    guests,
    supplier,
    branch,
    books_closed,
    telethon,
    consulate,
    rang_in_vain,
    travellers,
    one_gateway,
    wedding,
    cousin,
    at_sea,
    bridge,
    campaign,
    machine_redials,
    holiday,
    new_and_far,
    off_hook,
    badly_told,
)
