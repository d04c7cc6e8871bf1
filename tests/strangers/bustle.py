"""Innocent surprises at home: bustle that looks like an attack, and switches that tell it wrong.

A marathon of calls for a good cause, a school on a snowy morning, a telephone left off the hook, a machine that
redials, a clock that is ahead, starts told twice and stops never told.
"""

from __future__ import annotations

from tests.strangers.paper import DAY, HOUR, Call, Slip
from tests.strangers.people import address
from tests.strangers.places import nearby, places
from tests.strangers.scene import Campaign, Scene, numbers


def phone_marathon(scene: Scene) -> None:
    """A charity's weekend: twenty volunteers, the whole list."""
    who, draw = scene.cast("charity"), scene.draw
    scene.play(
        scene.story("charity's phone marathon"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(weekend=True), 10),
            hours=11,
            to=[(place, place.number(draw)) for place in nearby(scene.home) for _ in range(700)],
            lines=draw.randint(10, 18),
            talk_s=(5, 300),
            pause_s=(10, 120),
            failed=0.4,
        ),
        fraud=False,
    )


def contest(scene: Scene) -> None:
    """The radio gives tickets away: everybody rings one number at home, at once, again and again."""
    draw, to = scene.draw, numbers(scene.draw, nearby(scene.home)[0], 1)
    story, day, hour = scene.story("radio contest"), scene.day(weekend=False), scene.draw.uniform(7, 18)
    for who in scene.crowd(draw.randint(12, 25)):
        campaign = Campaign(begins_ms=who.at(day, hour), hours=0.5, to=to, talk_s=(3, 60), pause_s=(1, 20), failed=0.85)
        scene.play(story, who, campaign, fraud=False)


def snow_day(scene: Scene) -> None:
    """A school tells eight hundred parents at six in the morning, most hang up after ten seconds."""
    who, draw = scene.cast("school"), scene.draw
    scene.play(
        scene.story("snow day"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(weekend=False), 6),
            hours=0.8,
            to=[(place, place.number(draw)) for place in nearby(scene.home) for _ in range(400)],
            lines=12,
            talk_s=(6, 40),
            pause_s=(2, 12),
            failed=0.15,
        ),
        fraud=False,
    )


def off_the_hook(scene: Scene) -> None:
    """A call that nobody talks on for half a day."""
    for name in ("cheap", "abroad"):
        who, draw = scene.cast("office", "home", "shop"), scene.draw
        place = (
            nearby(scene.home)[0] if name == "cheap" else draw.choice([*places("FR.landline"), *places("IN.mobile")])
        )
        at_ms, story = who.at(scene.day(), draw.uniform(9, 20)), scene.story(f"stuck call, {name}")
        scene.mark(story, who)
        lasts_ms = int(draw.uniform(7, 15) * HOUR)
        scene.calls.append(
            Call(
                who.account,
                who.style,
                at_ms,
                lasts_ms,
                place.number(draw),
                who.price(place),
                who.caller,
                who.source,
                case=story,
            )
        )


def fax_again(scene: Scene) -> None:
    """A machine that redials a busy number in Italy all night."""
    who, draw = scene.cast("fax office", "office"), scene.draw
    scene.play(
        scene.story("fax redials"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), 17),
            hours=14,
            to=numbers(draw, places("IT.landline")[0], 1),
            talk_s=(5, 50),
            pause_s=(120, 360),
            failed=0.8,
        ),
        fraud=False,
    )


def wrong_speed_dial(scene: Scene) -> None:
    """A new telephone with a prefix too many: a morning of failures."""
    who, draw = scene.cast("office", "shop", "law firm"), scene.draw
    at_ms, story = who.at(scene.day(weekend=False), 9), scene.story("wrong speed dial")
    scene.mark(story, who)
    for _ in range(draw.randint(25, 50)):
        number = "00" + draw.choice(nearby(scene.home)).number(draw)
        scene.calls.append(Call(who.account, who.style, at_ms, 0, number, 0, who.caller, who.source, case=story))
        at_ms += draw.randint(20, 300) * 1000


def clock_jump(scene: Scene) -> None:
    """A switch whose clock is eight minutes ahead for a morning."""
    who, _draw = scene.cast("office", "hospital"), scene.draw
    begins_ms, story = who.at(scene.day(weekend=False), 9), scene.story("clock ahead")
    scene.mark(story, who)
    for call in scene.calls:
        if call.account == who.account and begins_ms <= call.at_ms < begins_ms + 3 * HOUR and not call.case:
            call.slip, call.case = Slip.CLOCK_AHEAD, story


def starts_and_stops(scene: Scene) -> None:
    """A switch that tells each start twice and forgets every other stop, for a day."""
    who = scene.cast("office", "hotel", "law firm")
    begins_ms, story = who.at(scene.day(weekend=False), 0), scene.story("starts twice, stops missing")
    scene.mark(story, who)
    for number, call in enumerate(each for each in scene.calls if each.account == who.account and not each.case):
        if begins_ms <= call.at_ms < begins_ms + DAY:
            call.slip, call.case = (Slip.NO_STOP if number % 2 else Slip.START_TWICE), story


def new_provider(scene: Scene) -> None:
    """A new line to the Internet: everything as always, from another address."""
    for _ in range(3):
        who = scene.cast("office", "home", "shop", "law firm", "importer", "home with family abroad")
        begins_ms, source, story = who.at(scene.day(), 3), address(scene.draw), scene.story("new provider")
        scene.mark(story, who)
        for call in scene.calls:
            if call.account == who.account and call.at_ms >= begins_ms and call.direction == "outgoing":
                call.source, call.case = source, story


def conference_at_home(scene: Scene) -> None:
    """A dozen lines to one number around the corner, for as long as the meeting takes."""
    who, draw = scene.cast("consultants", "office", "charity", "university"), scene.draw
    scene.play(
        scene.story("conference at home"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(weekend=False), 13.5),
            hours=0.3,
            to=numbers(draw, nearby(scene.home)[0], 1),
            lines=draw.randint(8, 12),
            talk_s=(3000, 9000),
        ),
        fraud=False,
    )


def paid_helpline(scene: Scene) -> None:
    """A support line that charges by the minute, and some minutes of music."""
    for _ in range(2):
        who, draw = scene.cast("home", "office", "shop"), scene.draw
        scene.play(
            scene.story("paid helpline"),
            who,
            Campaign(
                begins_ms=who.at(scene.day(weekend=False), draw.uniform(9, 16)),
                hours=0.15,
                to=numbers(draw, places(f"{scene.home.country}.premium")[0], 1),
                talk_s=(120, 540),
                pause_s=(300, 900),
                failed=0,
            ),
            fraud=False,
        )


NEAR_CROWDS = (contest,)
"""What happens to many at once."""

NEAR = (
    phone_marathon,
    contest,
    snow_day,
    off_the_hook,
    fax_again,
    wrong_speed_dial,
    clock_jump,
    starts_and_stops,
    new_provider,
    conference_at_home,
    paid_helpline,
)
