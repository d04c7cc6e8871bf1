"""The kinds of customers, as data: who calls when, how often, how long, where, and how it changes.

A new kind is a new entry and no new code; `share` says how many of many customers are of it.
"""

from __future__ import annotations

from guard.core.records import Direction
from guard.replay.habits import (
    ASIA,
    BOTH_WAYS,
    COUNTER,
    FAMILY_ABROAD,
    GUESTS,
    JOURNEYS,
    NEAR,
    Habit,
    Kind,
    abroad,
    desk,
)
from guard.replay.weeks import EVENLY, GUEST_HOURS, HOME_HOURS, NIGHT_HOURS, OFFICE_HOURS, ROUND_THE_CLOCK, SHIFT_HOURS

OFFICE = Kind(
    name="office",
    title="working days, known numbers, now and then abroad",
    habits=(desk(6), abroad(0.3)),
    lines=12,
    share=34,
)
SHOP = Kind(
    name="shop",
    title="six days a week, short calls, customers ring in",
    habits=(COUNTER,),
    lines=4,
    share=26,
    flat_percent=75,
)
CALL_CENTRE = Kind(
    name="call centre",
    title="hundreds of new numbers a day, many at once",
    habits=(
        Habit(
            name="agents",
            hours=SHIFT_HOURS,
            calls_per_hour=75,
            talk_s=140,
            answered_percent=60,
            places=NEAR,
            directions=((Direction.OUTGOING, 85), (Direction.INCOMING, 15)),
            contacts=(60, 120),
            new_percent=80,
        ),
        abroad(0.6, (1, 2)),
    ),
    lines=40,
    share=2,
    addresses=(2, 4),
    flat_percent=30,
)
IMPORTER = Kind(
    name="importer",
    title="an office by day, suppliers in Asia at night",
    habits=(
        desk(4),
        Habit(
            name="suppliers",
            hours=NIGHT_HOURS,
            calls_per_hour=3,
            talk_s=420,
            answered_percent=78,
            places=ASIA,
            spread=(2, 4),
            contacts=(8, 25),
            new_percent=8,
        ),
    ),
    lines=8,
    share=5,
    addresses=(1, 2),
)
HOTEL = Kind(
    name="hotel",
    title="guests from everywhere call home, ever new numbers",
    habits=(
        desk(4),
        Habit(
            name="guests",
            hours=GUEST_HOURS,
            calls_per_hour=5,
            talk_s=280,
            answered_percent=75,
            places=GUESTS,
            contacts=(5, 10),
            new_percent=85,
        ),
    ),
    lines=20,
    share=4,
    flat_percent=20,
)
HOSPITAL = Kind(
    name="hospital",
    title="around the clock, every day, much inside the house",
    habits=(
        Habit(
            name="wards",
            hours=ROUND_THE_CLOCK,
            calls_per_hour=30,
            talk_s=120,
            answered_percent=78,
            places=NEAR,
            spread=(4, 9),
            directions=(
                (Direction.OUTGOING, 35),
                (Direction.INCOMING, 30),
                (Direction.INTERNAL, 32),
                (Direction.FORWARDED, 3),
            ),
            contacts=(100, 300),
            new_percent=35,
        ),
    ),
    lines=60,
    share=2,
    addresses=(2, 5),
)
START_UP = Kind(
    name="start-up",
    title="doubles every month, new places and addresses",
    habits=(
        Habit(
            name="desk",
            hours=OFFICE_HOURS,
            calls_per_hour=3,
            talk_s=300,
            places=NEAR,
            directions=BOTH_WAYS,
            new_percent=35,
        ),
        abroad(0.5, (3, 6)),
    ),
    lines=20,
    share=5,
    addresses=(2, 6),
    new_address_days=12,
    month_growth_percent=100,
)
SEASONAL = Kind(
    name="seasonal",
    title="a shop with a season of two weeks",
    habits=(COUNTER,),
    lines=12,
    share=5,
    surge_percent=180,
)
NEW_BRANCH = Kind(
    name="new branch",
    title="an office that opens a second one",
    habits=(desk(5), abroad(0.2)),
    lines=16,
    share=4,
    branch_percent=90,
)
TRAVELLER = Kind(
    name="traveller",
    title="a softphone: a week here, a week there",
    habits=(
        Habit(
            name="desk",
            hours=HOME_HOURS,
            calls_per_hour=1.5,
            talk_s=280,
            places=NEAR,
            spread=(3, 6),
            directions=((Direction.OUTGOING, 70), (Direction.INCOMING, 30)),
            new_percent=20,
        ),
        Habit(
            name="journey",
            hours=HOME_HOURS,
            calls_per_hour=1.2,
            talk_s=200,
            answered_percent=75,
            places=JOURNEYS,
            new_percent=60,
            journeys=True,
        ),
    ),
    lines=2,
    share=4,
    new_address_days=6,
)
HOUSEHOLD = Kind(
    name="household",
    title="evenings, long calls to relatives far away",
    habits=(
        Habit(
            name="home",
            hours=HOME_HOURS,
            calls_per_hour=0.7,
            talk_s=300,
            places=NEAR,
            spread=(1, 3),
            directions=((Direction.OUTGOING, 55), (Direction.INCOMING, 45)),
            contacts=(8, 20),
        ),
        Habit(
            name="relatives",
            hours=HOME_HOURS,
            calls_per_hour=0.1,
            talk_s=1_200,
            answered_percent=65,
            places=FAMILY_ABROAD,
            spread=(1, 1),
            contacts=(2, 5),
            new_percent=2,
        ),
    ),
    lines=2,
    share=6,
    new_address_days=20,
    flat_percent=80,
)
NEARLY_SILENT = Kind(
    name="nearly silent",
    title="a lift, an alarm, a cottage: a call or two a week",
    habits=(
        Habit(
            name="line",
            hours=EVENLY,
            calls_per_hour=0.012,
            talk_s=60,
            places=NEAR,
            spread=(1, 1),
            contacts=(1, 3),
            new_percent=5,
        ),
    ),
    lines=2,
    share=3,
    flat_percent=40,
)

KINDS = (
    OFFICE,
    SHOP,
    CALL_CENTRE,
    IMPORTER,
    HOTEL,
    HOSPITAL,
    START_UP,
    SEASONAL,
    NEW_BRANCH,
    TRAVELLER,
    HOUSEHOLD,
    NEARLY_SILENT,
)
OFFICES = (OFFICE, NEW_BRANCH, START_UP)
NEVER_ABROAD = (SHOP, SEASONAL)
