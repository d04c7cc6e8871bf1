"""The loud frauds: somebody got in and takes what can be had before it is seen.

Each function is one story of the field (a hacked exchange at night, a stolen password, a forwarded line, a wave of
call-backs ...), with its numbers drawn anew each time. What the thief calls goes on to the end of the story whether or
not anybody stops it; what stopping saves is for the judge to count.
"""

from __future__ import annotations

from tests.strangers.paper import DAY, HOUR, MINUTE, Call, instant
from tests.strangers.people import address
from tests.strangers.places import places
from tests.strangers.scene import Campaign, Scene, Target, dear, numbers, ordinary

EXCHANGES = ("office", "law firm", "shop", "builder", "hospital", "school", "seasonal firm", "start-up")


def hacked_exchange_at_night(scene: Scene) -> None:
    """Many lines to one rented block, long calls, from the evening until somebody comes to work."""
    who, draw = scene.cast(*EXCHANGES), scene.draw
    scene.play(
        scene.story("hacked exchange, night"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(19, 27)),
            hours=draw.uniform(5, 10),
            to=numbers(draw, dear(draw), draw.randint(2, 12)),
            lines=draw.randint(4, 14),
            talk_s=(900, 5400),
            failed=0.15,
        ),
        fraud=True,
    )


def hacked_exchange_weekend(scene: Scene) -> None:
    """The whole weekend, a few lines, always the same numbers."""
    who, draw = scene.cast(*EXCHANGES), scene.draw
    scene.play(
        scene.story("hacked exchange, weekend"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(weekend=True), draw.uniform(0, 6)),
            hours=draw.uniform(20, 36),
            to=numbers(draw, dear(draw, least=0.6), 4),
            lines=draw.randint(2, 5),
            talk_s=(1200, 7200),
        ),
        fraud=True,
    )


def voicemail_one_number(scene: Scene) -> None:
    """Through a mailbox: one number, one or two lines, again and again."""
    who, draw = scene.cast("office", "shop", "builder", "school"), scene.draw
    scene.play(
        scene.story("mailbox, one number"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(20, 30)),
            hours=draw.uniform(4, 12),
            to=numbers(draw, dear(draw), 1),
            lines=draw.randint(1, 2),
            talk_s=(600, 3600),
        ),
        fraud=True,
    )


def spread_over_the_world(scene: Scene) -> None:
    """Eight countries in turn, short calls, so that no counter by country fills up."""
    who, draw = scene.cast(*EXCHANGES), scene.draw
    scene.play(
        scene.story("spread over countries"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(0, 24)),
            hours=draw.uniform(6, 16),
            to=[target for _ in range(8) for target in numbers(draw, dear(draw, least=0.25), 3)],
            lines=draw.randint(4, 10),
            talk_s=(120, 700),
            failed=0.3,
        ),
        fraud=True,
    )


def somalia(scene: Scene) -> None:
    """The dearest minutes there are, over eight lines."""
    who, draw = scene.cast("office", "shop", "law firm", "builder"), scene.draw
    scene.play(
        scene.story("dearest minutes"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(0, 24)),
            hours=draw.uniform(6, 16),
            to=numbers(draw, draw.choice([*places("SO.premium"), *places("XN.premium")]), 6),
            lines=8,
            talk_s=(300, 3600),
        ),
        fraud=True,
    )


def ordinary_numbers(scene: Scene) -> None:
    """As honeypots saw it: ordinary numbers of harmless countries, in parallel."""
    who, draw = scene.cast(*EXCHANGES), scene.draw
    scene.play(
        scene.story("ordinary foreign numbers"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(18, 30)),
            hours=draw.uniform(8, 20),
            to=numbers(draw, ordinary(draw), 8),
            lines=draw.randint(6, 16),
            talk_s=(300, 2400),
            failed=0.2,
        ),
        fraud=True,
    )


def islands(scene: Scene) -> None:
    """Numbers that look like home and are an island."""
    who, draw = scene.cast("office", "shop", "home", "builder"), scene.draw
    island = draw.choice([*places("JM"), *places("DO"), *places("LC"), *places("TC")])
    scene.play(
        scene.story("islands that look domestic"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(18, 32)),
            hours=draw.uniform(8, 20),
            to=numbers(draw, island, 6),
            lines=draw.randint(3, 8),
            talk_s=(600, 3000),
        ),
        fraud=True,
    )


def stolen_password(scene: Scene) -> None:
    """A new device in a far country, while the office calls too."""
    who, draw = scene.cast("office", "consultants", "start-up", "law firm", "travel agency"), scene.draw
    scene.play(
        scene.story("stolen password, office hours"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(weekend=False), draw.uniform(9, 15)),
            hours=draw.uniform(3, 9),
            to=numbers(draw, dear(draw), 5),
            lines=draw.randint(2, 5),
            talk_s=(240, 1500),
            source=address(draw),
        ),
        fraud=True,
    )


def stolen_password_home(scene: Scene) -> None:
    """A home line with one call at a time from somewhere else."""
    who, draw = scene.cast("home"), scene.draw
    scene.play(
        scene.story("stolen password, home line"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(0, 24)),
            hours=draw.uniform(12, 30),
            to=numbers(draw, dear(draw, least=0.5), 3),
            talk_s=(500, 1800),
            pause_s=(20, 300),
            source=address(draw),
        ),
        fraud=True,
    )


def forwarded_line(scene: Scene) -> None:
    """A line of somebody who never calls abroad is forwarded there, and then it is rung all night."""
    who, draw = scene.cast("shop", "restaurant", "home", "school", "builder"), scene.draw
    begins_ms = who.at(scene.day(), draw.uniform(17, 28))
    story, place, lines = scene.story("forwarded line"), dear(draw), draw.randint(1, 4)
    scene.play(
        story,
        who,
        Campaign(
            begins_ms=begins_ms,
            hours=draw.uniform(4, 12),
            to=numbers(draw, place, 1),
            lines=lines,
            talk_s=(400, 3000),
            failed=0.05,
            direction="forwarded",
        ),
        fraud=True,
    )
    mine = who.caller.removeprefix("+")
    legs = [each for each in scene.calls if each.case == story]
    scene.calls += [
        Call(who.account, who.style, leg.at_ms - 900, leg.lasts_ms, mine, 0, "+442079460018", "", "incoming")
        for leg in legs
    ]


def reconnaissance(scene: Scene) -> None:
    """One core number behind hundreds of dialled prefixes; hours later the loss."""
    who, draw = scene.cast("office", "law firm", "hospital", "school"), scene.draw
    begins_ms = who.at(scene.day(), draw.uniform(18, 26))
    story, place, probed = scene.story("reconnaissance, then loss"), dear(draw), dear(draw)
    core, source = probed.number(draw), address(draw)
    at_ms = begins_ms
    for _ in range(draw.randint(80, 300)):
        lead = "".join(draw.choices(("0", "9", "00", "011", "9011", "900", "8", "1", "5", "77"), k=draw.randint(1, 3)))
        scene.calls.append(Call(who.account, who.style, at_ms, 0, lead + core, 0, who.caller, source, case=story))
        at_ms += draw.randint(1, 45) * 1000
    scene.play(
        story,
        who,
        Campaign(
            begins_ms=at_ms + int(draw.uniform(0.5, 4) * HOUR),
            hours=draw.uniform(5, 10),
            to=numbers(draw, place, 5),
            lines=draw.randint(4, 10),
            talk_s=(600, 3600),
            source=source,
        ),
        fraud=True,
    )


def call_back_wave(scene: Scene) -> None:
    """Many are rung once from a dear number, and some call back, some of them twice."""
    draw, place = scene.draw, dear(scene.draw, least=0.7)
    story, number = scene.story("call-back wave"), place.number(scene.draw)
    day = scene.day()
    for who in scene.crowd(draw.randint(14, 28)):
        rung_ms = who.at(day, draw.uniform(8, 18))
        mine = who.caller.removeprefix("+")
        scene.calls.append(Call(who.account, who.style, rung_ms, 0, mine, 0, "+" + number, "", "incoming"))
        scene.play(
            story,
            who,
            Campaign(
                begins_ms=rung_ms + int(draw.uniform(1, 120) * MINUTE),
                hours=draw.choice((0.05, 0.05, 0.4)),
                to=[(place, number)],
                talk_s=(40, 360),
                pause_s=(200, 600),
                failed=0,
            ),
            fraud=True,
        )


def one_number_from_many(scene: Scene) -> None:
    """The same weakness in many devices: each calls the one number for a while, and falls silent."""
    draw, place = scene.draw, dear(scene.draw, least=0.5)
    story, to = scene.story("one number from many accounts"), numbers(scene.draw, place, 1)
    day = scene.day()
    for who in scene.crowd(draw.randint(12, 22)):
        scene.play(
            story,
            who,
            Campaign(
                begins_ms=who.at(day, draw.uniform(1, 7)),
                hours=draw.uniform(0.5, 2.5),
                to=to,
                talk_s=(300, 1500),
                pause_s=(30, 600),
            ),
            fraud=True,
        )


def pumping(scene: Scene) -> None:
    """Thirty lines at once to one country, over in an hour or two."""
    who, draw = scene.cast("start-up", "call centre", "office", "hospital"), scene.draw
    scene.play(
        scene.story("pumping, fast"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(0, 24)),
            hours=draw.uniform(1, 2.5),
            to=numbers(draw, dear(draw, least=0.25), 60),
            lines=draw.randint(20, 36),
            talk_s=(30, 400),
        ),
        fraud=True,
    )


def domestic_premium(scene: Scene) -> None:
    """A chat line at home, at some money a minute."""
    who, draw = scene.cast("office", "school", "hospital", "hotel", "shop"), scene.draw
    chat = places(f"{scene.home.country}.premium")[0]
    scene.play(
        scene.story("domestic premium"),
        who,
        Campaign(
            begins_ms=who.at(scene.day(), draw.uniform(19, 30)),
            hours=draw.uniform(4, 10),
            to=numbers(draw, chat, 3),
            lines=draw.randint(2, 6),
            talk_s=(600, 2400),
        ),
        fraud=True,
    )


def subscription(scene: Scene) -> None:
    """A customer of two days who never means to pay."""
    draw = scene.draw
    newcomers = [each for each in scene.people if each.opens > 0 and each.account not in scene.taken]
    if not newcomers:
        return
    who = draw.choice(newcomers)
    scene.taken.add(who.account)
    opened_ms = who.at(scene.first, 24 * who.opens + 9)
    scene.bill("payment", who, opened_ms + HOUR, amount="50.00", method="eft", status="pending")
    bounced = {**scene.bills[-1], "status": "rejected"}
    to: list[Target] = [target for _ in range(3) for target in numbers(draw, dear(draw, least=0.2), 6)]
    scene.play(
        scene.story("subscription fraud"),
        who,
        Campaign(
            begins_ms=opened_ms + int(draw.uniform(1, 30) * HOUR),
            hours=draw.uniform(10, 40),
            to=to,
            lines=draw.randint(2, 6),
            talk_s=(200, 1800),
        ),
        fraud=True,
    )
    bounced["at"] = instant(opened_ms + 3 * DAY)
    scene.bills.append(bounced)


WAVES = (call_back_wave, one_number_from_many)
"""Frauds on many accounts at once."""

LOUD = (
    hacked_exchange_at_night,
    hacked_exchange_weekend,
    voicemail_one_number,
    spread_over_the_world,
    somalia,
    ordinary_numbers,
    islands,
    stolen_password,
    stolen_password_home,
    forwarded_line,
    reconnaissance,
    call_back_wave,
    one_number_from_many,
    pumping,
    domestic_premium,
    subscription,
)
