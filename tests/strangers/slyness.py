"""The sly frauds: each is built to look like what the customer does anyway.

Known countries, office hours, a call every hour and no more, a ramp too slow for any window, minutes that are cheap one
by one, an account too young to have habits, a limit that was raised the week before. Their numbers are drawn so that no
single sign is strong; what gives them away is the money, the repetition, or two weak signs together.
"""

from __future__ import annotations

from tests.strangers.paper import DAY, HOUR
from tests.strangers.people import address
from tests.strangers.places import Place, farther, places
from tests.strangers.scene import Campaign, Scene, Target, dear, numbers


def known_country(scene: Scene) -> None:
    """An importer's own country, but its mobiles and dear ranges, at an hour when nobody is there."""
    who, draw = (
        scene.cast("law firm", "consultants", "home with family abroad", "aid agency", "travel agency"),
        scene.draw,
    )
    lines = {"mobile", "premium", "personal"}
    candidates = {"GB", "CH", "KE", "ET", "SN", "CD", "AE"} - set(scene.home.domestic)
    known = sorted(country for country in candidates if country in who.habit.mix)
    dearest = sorted(
        (each for name in known or who.kin for each in places(name) + _premium(name) if each.line in lines),
        key=lambda each: -each.rate,
    )
    scene.play(
        scene.story("known country"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(0, 5)),
            hours=draw.uniform(10, 24),
            to=numbers(draw, dearest[0], 4),
            lines=draw.randint(3, 7),
            talk_s=(600, 2400),
        ),
        fraud=True,
    )


def _premium(country: str) -> list[Place]:
    return [each for each in places("*.premium") + places("*.personal") if each.country == country]


def office_hours(scene: Scene) -> None:
    """Two or three lines, short calls, at lunch time of working days."""
    who, draw = scene.cast("office", "law firm", "consultants"), scene.draw
    scene.play(
        scene.story("office hours"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(weekend=False, room=6), 9),
            hours=3 * 24,
            to=numbers(draw, dear(draw), 12, block=False),
            lines=draw.randint(2, 3),
            talk_s=(120, 600),
            pause_s=(60, 400),
            at_hours=range(9, 17),
            workdays=True,
        ),
        fraud=True,
    )


def in_a_call_centre(scene: Scene) -> None:
    """Among hundreds of calls a day, five lines that sell nothing."""
    who, draw = scene.cast("call centre", "call centre abroad"), scene.draw
    scene.play(
        scene.story("hidden in a call centre"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(weekend=False), draw.uniform(9, 14)),
            hours=draw.uniform(5, 10),
            to=numbers(draw, dear(draw), 20),
            lines=draw.randint(3, 6),
            talk_s=(60, 400),
            failed=0.35,
        ),
        fraud=True,
    )


def in_a_hotel(scene: Scene) -> None:
    """Where guests call everywhere anyway."""
    who, draw = scene.cast("hotel", "university", "shipping agent"), scene.draw
    scene.play(
        scene.story("hidden among guests"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(0, 24)),
            hours=draw.uniform(10, 20),
            to=numbers(draw, dear(draw, least=0.6), 6),
            lines=draw.randint(4, 8),
            talk_s=(900, 3600),
        ),
        fraud=True,
    )


def slow_ramp(scene: Scene) -> None:
    """From one line to a dozen in the course of days."""
    who, draw = scene.cast("office", "start-up", "hospital", "consultants"), scene.draw
    scene.play(
        scene.story("slow ramp"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=8), 8),
            hours=draw.uniform(4, 7) * 24,
            to=numbers(draw, dear(draw, least=0.5), 15),
            lines=draw.randint(6, 10),
            talk_s=(120, 900),
            pause_s=(1200, 5400),
            ramp=True,
        ),
        fraud=True,
    )


def first_fortnight(scene: Scene) -> None:
    """Before anybody knows what is usual."""
    who, draw = scene.cast("office", "shop", "law firm", "builder", "home"), scene.draw
    scene.play(
        scene.story("first fortnight"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(early=True), draw.uniform(18, 30)),
            hours=draw.uniform(6, 14),
            to=numbers(draw, dear(draw), 5),
            lines=draw.randint(2, 8),
            talk_s=(600, 3000),
        ),
        fraud=True,
    )


def first_fortnight_quiet(scene: Scene) -> None:
    """The same with one line and ordinary prices."""
    who, draw = scene.cast("office", "shop", "builder", "school"), scene.draw
    scene.play(
        scene.story("first fortnight, one line"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(early=True), draw.uniform(18, 30)),
            hours=draw.uniform(20, 40),
            to=numbers(draw, dear(draw, least=0.3), 3),
            talk_s=(900, 3000),
        ),
        fraud=True,
    )


def drip(scene: Scene) -> None:
    """A call or two every hour, day and night, evenly, for a week or more."""
    who, draw = scene.cast("office", "school", "hospital", "seasonal firm"), scene.draw
    scene.play(
        scene.story("slow drip, even hours"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=10), draw.uniform(0, 24)),
            hours=draw.uniform(7, 10) * 24,
            to=numbers(draw, dear(draw, least=0.6), 30, block=False),
            talk_s=(180, 500),
            pause_s=(2400, 4200),
        ),
        fraud=True,
    )


def drip_in_office_hours(scene: Scene) -> None:
    """A dozen calls on each working day to a country that the customer knows, dear ones among cheap ones."""
    who, draw = scene.cast("law firm", "consultants", "office"), scene.draw
    scene.play(
        scene.story("slow drip, office hours"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=10), 9),
            hours=9 * 24,
            to=numbers(draw, draw.choice([*places("GB.personal"), *places("CH.mobile"), *places("BE.mobile")]), 14),
            talk_s=(400, 1000),
            pause_s=(600, 2400),
            at_hours=range(9, 17),
            workdays=True,
        ),
        fraud=True,
    )


def access_stimulation(scene: Scene) -> None:
    """Cheap minutes to a few rural numbers at home, all day on every line."""
    who, draw = scene.cast("office", "home", "shop", "school"), scene.draw
    rural = draw.choice(places("US.rural") if scene.home.country == "CA" else places(f"{scene.home.country}.mobile"))
    scene.play(
        scene.story("access stimulation"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=5), draw.uniform(0, 12)),
            hours=draw.uniform(28, 48),
            to=numbers(draw, rural, 4),
            lines=draw.randint(4, 8),
            talk_s=(1800, 7200),
        ),
        fraud=True,
    )


def resale(scene: Scene) -> None:
    """Somebody sells the customer's cheap minutes: steady lines, hundreds of numbers, day and night."""
    who, draw = scene.cast("home", "shop", "office"), scene.draw
    free = draw.random() < 0.5
    cheap = draw.choice((farther(scene.home), [place for name in ("IN", "BD", "MX", "CN") for place in places(name)]))
    to: list[Target] = [(place, place.number(draw)) for place in cheap for _ in range(60)]
    scene.play(
        scene.story("resale inside a plan" if free else "resale"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(room=5), draw.uniform(0, 12)),
            hours=draw.uniform(26, 44),
            to=to,
            lines=draw.randint(5, 8),
            talk_s=(120, 1500),
            failed=0.25,
            free=free,
        ),
        fraud=True,
    )


def robocalls(scene: Scene) -> None:
    """Number after number, most hang up at once."""
    who, draw = scene.cast("home", "start-up", "shop", "office"), scene.draw
    place = draw.choice(places(f"{scene.home.country}.mobile") if scene.home.country != "CA" else places("CA.national"))
    first = int(place.number(draw)) // 10_000 * 10_000
    scene.play(
        scene.story("robocalls"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(9, 13)),
            hours=draw.uniform(3, 6),
            to=[(place, str(first + number)) for number in range(4000)],
            lines=draw.randint(5, 12),
            talk_s=(1, 12),
            pause_s=(8, 25),
            failed=0.45,
        ),
        fraud=True,
    )


def takeover(scene: Scene) -> None:
    """The limit is raised by somebody who knows the password, and a day later it is used."""
    who, draw = scene.cast("home", "office", "shop"), scene.draw
    raised_ms = who.at(scene.day(room=5), draw.uniform(9, 20))
    scene.bill("credit", who, raised_ms, limit="2500.00", by="self-service", reason="customer's wish")
    scene.play(
        scene.story("takeover after a raised limit"),
        who,
        Campaign(
            begins_ms=raised_ms + int(draw.uniform(2, 40) * HOUR),
            hours=draw.uniform(6, 14),
            to=numbers(draw, dear(draw), 6),
            lines=draw.randint(1, 4),
            talk_s=(400, 2400),
            source=address(draw),
        ),
        fraud=True,
    )


def back_for_more(scene: Scene) -> None:
    """A short raid, and the same again three days later."""
    who, draw = scene.cast("office", "law firm", "builder"), scene.draw
    begins_ms, to = who.at(scene.day(room=7), draw.uniform(22, 28)), numbers(draw, dear(draw, least=0.6), 5)
    for number, hours in enumerate((0.7, 5.0)):
        scene.play(
            scene.story("raid" if number == 0 else "raid, back for more"),
            who,
            Campaign(begins_ms=begins_ms + number * 3 * DAY, hours=hours, to=to, lines=5, talk_s=(300, 1500)),
            fraud=True,
        )


def endless_call(scene: Scene) -> None:
    """One call, and nobody hangs up."""
    who, draw = scene.cast("office", "home", "school", "builder"), scene.draw
    scene.play(
        scene.story("one endless call"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(17, 26)),
            hours=0.1,
            to=numbers(draw, dear(draw, least=0.6), 1),
            talk_s=(8 * 3600, 14 * 3600),
            failed=0,
        ),
        fraud=True,
    )


SLY = (
    known_country,
    office_hours,
    in_a_call_centre,
    in_a_hotel,
    slow_ramp,
    first_fortnight,
    first_fortnight_quiet,
    drip,
    drip_in_office_hours,
    access_stimulation,
    resale,
    robocalls,
    takeover,
    endless_call,
    back_for_more,
)
