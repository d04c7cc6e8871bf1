"""Innocent surprises with a foreign country in them: what looks like fraud to a counter and is somebody's life.

A crisis, a guest from Cuba, a new market, a cousin after years, a hotline that a whole town rings. Whoever is cut off
here is a customer lost, so these are as hard as life makes them, but no harder: where a story would make a sensible
clerk pick up the telephone and ask, it is told as it would really be, no dearer.
"""

from __future__ import annotations

from datetime import timedelta

from tests.strangers.people import KIN, address
from tests.strangers.places import nearby, places
from tests.strangers.scene import Campaign, Scene, numbers


def crisis_abroad(scene: Scene) -> None:
    """An earthquake: everybody who knows somebody there rings for a night and a day, and most lines are dead."""
    draw, country = scene.draw, scene.draw.choice(("TR", "PH", "MX", "JM", "NG", "LB", "UA", "EC"))
    story, day, hour = scene.story("crisis abroad"), scene.day(), draw.uniform(0, 24)
    ranges = [each for each in places(country) if each.line == "mobile"]
    for who in scene.crowd(draw.randint(10, 18)):
        scene.play(
            story,
            who,
            Campaign(
                begins_ms=who.at(day, hour + draw.uniform(0, 4)),
                hours=draw.uniform(6, 30),
                to=[target for place in ranges for target in numbers(draw, place, draw.randint(2, 6), block=False)],
                lines=draw.choice((1, 1, 2)),
                talk_s=(60, 1200),
                pause_s=(120, 3600),
                failed=0.6,
            ),
            fraud=False,
        )


def guest_to_cuba(scene: Scene) -> None:
    """A guest who misses home, three evenings long."""
    who, draw = scene.cast("hotel"), scene.draw
    scene.play(
        scene.story("hotel guest to Cuba"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=5), 18),
            hours=3 * 24,
            to=numbers(draw, draw.choice(places("CU")), 3, block=False),
            talk_s=(300, 2400),
            pause_s=(600, 7200),
            failed=0.3,
            at_hours=range(18, 24),
        ),
        fraud=False,
    )


def tour_group(scene: Scene) -> None:
    """Forty guests from one country, and on two evenings half a dozen of them ring home at once."""
    who, draw = scene.cast("hotel"), scene.draw
    ranges = [each for each in places(draw.choice(("PH", "BR", "TR", "EG", "PL", "JM"))) if each.line == "mobile"]
    scene.play(
        scene.story("tour group rings home"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=4), 19),
            hours=28,
            to=[target for place in ranges for target in numbers(draw, place, 40, block=False)],
            lines=draw.randint(4, 7),
            talk_s=(60, 900),
            pause_s=(120, 1800),
            failed=0.3,
            at_hours=range(19, 23),
        ),
        fraud=False,
    )


def new_market(scene: Scene) -> None:
    """From one Monday on the firm sells to another continent."""
    who, draw = scene.cast("office", "start-up", "importer", "seasonal firm"), scene.draw
    country = draw.choice(("BR", "MX", "ZA", "AE", "PL", "TR", "EG", "CO"))
    scene.play(
        scene.story("new market"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(weekend=False, room=8), 9),
            hours=12 * 24,
            to=[target for place in places(country) for target in numbers(draw, place, 14, block=False)],
            lines=draw.randint(1, 3),
            talk_s=(30, 700),
            pause_s=(300, 2400),
            failed=0.25,
            at_hours=range(8, 17),
            workdays=True,
        ),
        fraud=False,
    )


def new_supplier(scene: Scene) -> None:
    """An importer finds a cheaper factory, and rings it at night."""
    who, draw = scene.cast("importer"), scene.draw
    country = draw.choice(("BD", "ET", "PK", "LK", "ID"))
    scene.play(
        scene.story("new supplier, nights"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=8), 21),
            hours=10 * 24,
            to=[target for place in places(country) for target in numbers(draw, place, 4, block=False)],
            lines=2,
            talk_s=(120, 1500),
            pause_s=(600, 3600),
            failed=0.2,
            at_hours=range(20, 24),
        ),
        fraud=False,
    )


def month_end(scene: Scene) -> None:
    """Books must be closed: three nights, with the office in Hong Kong or London on the line."""
    who, draw = scene.cast("law firm", "consultants", "office"), scene.draw
    to = numbers(draw, draw.choice([*places("HK"), *places("SG"), *places("GB.landline"), *places("IN.landline")]), 3)
    scene.play(
        scene.story("month-end nights"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=5), 19),
            hours=3 * 24,
            to=to,
            lines=3,
            talk_s=(200, 3600),
            pause_s=(300, 3000),
            at_hours=range(19, 24),
        ),
        fraud=False,
    )


def conference_abroad(scene: Scene) -> None:
    """Eight colleagues dial the same number in another country and stay for two hours."""
    who, draw = scene.cast("consultants", "law firm", "start-up"), scene.draw
    to = numbers(draw, draw.choice([*places("GB.landline"), *places("DE.landline"), *places("FR.landline")]), 1)
    if scene.home.country in {"GB", "DE"}:
        to = numbers(draw, places("US.landline")[0], 1)
    day = scene.day(weekend=False, room=9)
    for week in range(2):
        scene.play(
            scene.story("conference abroad"),
            who,
            Campaign(
                begins_ms=who.at(day + timedelta(days=week * 2), 10.02),
                hours=0.4,
                to=to,
                lines=draw.randint(5, 9),
                talk_s=(3000, 7800),
                failed=0.1,
            ),
            fraud=False,
        )


def hotline_abroad(scene: Scene) -> None:
    """An airline is on strike, and its one number is in another country: many accounts, one number, long waits."""
    draw = scene.draw
    story, day = scene.story("hotline abroad"), scene.day()
    to = numbers(draw, draw.choice([*places("IE"), *places("PT"), *places("NL"), *places("FR.landline")]), 1)
    for who in scene.crowd(draw.randint(10, 20)):
        scene.play(
            story,
            who,
            Campaign(
                begins_ms=who.at(day, draw.uniform(7, 18)),
                hours=draw.uniform(0.5, 3),
                to=to,
                talk_s=(120, 3600),
                pause_s=(5, 120),
                failed=0.4,
            ),
            fraud=False,
        )


def family_event(scene: Scene) -> None:
    """A wedding or a death: relatives in three countries, for two days."""
    who, draw = scene.cast("home with family abroad", "home"), scene.draw
    to = [target for name in (*who.kin, draw.choice(KIN)) for target in numbers(draw, places(name)[0], 4, block=False)]
    scene.play(
        scene.story("wedding or funeral"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=5), 8),
            hours=48,
            to=to,
            talk_s=(60, 1800),
            pause_s=(60, 2400),
            failed=0.3,
            at_hours=range(7, 24),
        ),
        fraud=False,
    )


def new_colleague(scene: Scene) -> None:
    """Somebody new in the office, from far away, who rings home at lunch."""
    who, draw = scene.cast("office", "shop", "school", "builder"), scene.draw
    scene.play(
        scene.story("new colleague rings home"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(weekend=False, room=8), 12),
            hours=12 * 24,
            to=numbers(draw, places(draw.choice(("NG", "PH", "SN", "LB", "HT", "SY")))[0], 2, block=False),
            talk_s=(120, 1200),
            pause_s=(1800, 7200),
            at_hours=range(12, 14),
            workdays=True,
        ),
        fraud=False,
    )


def on_a_journey(scene: Scene) -> None:
    """A softphone in a hotel in Morocco: a new device, local taxis, and home every evening."""
    who, draw = scene.cast("traveller", "consultants"), scene.draw
    there = draw.choice(("MA", "TH", "ZA", "PE", "TR", "EG", "KE"))
    to = [target for place in places(there) for target in numbers(draw, place, 6, block=False)]
    to += numbers(draw, nearby(scene.home)[0], 4, block=False)
    scene.play(
        scene.story("journey with a softphone"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=9), 7),
            hours=8 * 24,
            to=to,
            talk_s=(30, 700),
            pause_s=(1800, 9000),
            source=address(draw),
            at_hours=range(5, 23),
        ),
        fraud=False,
    )


def expedition(scene: Scene) -> None:
    """Somebody at sea or in the mountains: a few minutes a day at the price of satellites."""
    who, draw = scene.cast("aid agency", "shipping agent", "university"), scene.draw
    scene.play(
        scene.story("satellite expedition"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=9), 8),
            hours=8 * 24,
            to=numbers(draw, places("XS")[1], 2),
            talk_s=(30, 260),
            pause_s=(14000, 40000),
            failed=0.4,
            at_hours=range(7, 20),
        ),
        fraud=False,
    )


def forwarded_on_holiday(scene: Scene) -> None:
    """The boss is abroad and has the office line forwarded to the mobile there."""
    who, draw = scene.cast("office", "builder", "shop"), scene.draw
    there = draw.choice([*places("TH"), *places("PT"), *places("JM"), *places("MA.mobile"), *places("ES.mobile")])
    scene.play(
        scene.story("forwarded on holiday"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=9), 8),
            hours=7 * 24,
            to=numbers(draw, there, 1),
            talk_s=(20, 420),
            pause_s=(1500, 9000),
            failed=0.35,
            direction="forwarded",
            at_hours=range(8, 18),
        ),
        fraud=False,
    )


def campaign_abroad(scene: Scene) -> None:
    """A call centre wins a client in another country, and from nine o'clock on ten agents ring there."""
    who, draw = scene.cast("call centre"), scene.draw
    country = draw.choice(("US", "AU", "IE", "FR")) if scene.home.country != "CA" else draw.choice(("GB", "AU", "IE"))
    scene.play(
        scene.story("call centre's new campaign abroad"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(weekend=False, room=6), 9),
            hours=4 * 24,
            to=[(place, place.number(draw)) for place in places(country) for _ in range(500)],
            lines=draw.randint(5, 9),
            talk_s=(5, 240),
            pause_s=(20, 150),
            failed=0.4,
            at_hours=range(9, 17),
            workdays=True,
        ),
        fraud=False,
    )


def dear_evening(scene: Scene) -> None:
    """Somebody hears after years from a cousin in a country that is dear to call: one long evening."""
    for _ in range(2):
        who, draw = scene.cast("home", "home with family abroad", "shop"), scene.draw
        country = draw.choice(("SO.mobile", "GM.mobile", "CU.mobile", "SL.mobile", "CD.mobile", "AL", "HT"))
        scene.play(
            scene.story("dear evening"),
            who,
            Campaign(
                begins_ms=who.at(scene.day(), draw.uniform(17, 20)),
                hours=draw.uniform(0.8, 2),
                to=numbers(draw, places(country)[0], 2, block=False),
                talk_s=(200, 1500),
                pause_s=(100, 1500),
                failed=0.35,
            ),
            fraud=False,
        )


def newcomer_abroad(scene: Scene) -> None:
    """A customer of today who calls abroad from the first day, and pays."""
    draw = scene.draw
    newcomers = [each for each in scene.people if each.opens > 0 and each.account not in scene.taken]
    for who in newcomers[:2]:
        scene.taken.add(who.account)
        opened_ms = who.at(scene.first, 24 * who.opens + 10)
        scene.play(
            scene.story("newcomer with business abroad"),
            who,
            Campaign(
                begins_ms=opened_ms,
                hours=10 * 24,
                to=[target for name in ("IN", "PL", "AE") for target in numbers(draw, places(name)[0], 5, block=False)],
                talk_s=(60, 900),
                pause_s=(600, 3600),
                at_hours=range(8, 18),
                workdays=True,
            ),
            fraud=False,
        )


FAR_CROWDS = (crisis_abroad, hotline_abroad)
"""What happens to many at once."""

FAR = (
    crisis_abroad,
    guest_to_cuba,
    tour_group,
    new_market,
    new_supplier,
    month_end,
    conference_abroad,
    hotline_abroad,
    family_event,
    new_colleague,
    on_a_journey,
    expedition,
    forwarded_on_holiday,
    campaign_abroad,
    dear_evening,
    newcomer_abroad,
)
