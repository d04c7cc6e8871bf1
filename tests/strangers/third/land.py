"""The third stranger's world: three homes, what a minute costs from there to anywhere, and the switches that say so.

Prices are what an operator's customers pay, stated by the switch. `ORDINARY` are places that people have reasons to
call, `DEAR` are seldom called and cost much, `RENTED` are ranges that somebody earns on: in dear places, in ordinary
ones, at sea. Nothing tells guard which is which.
"""

from __future__ import annotations

from decimal import Decimal
from random import Random

from tests.strangers.paper import Style
from tests.strangers.places import Home, Place

MICROS = 1_000_000

HOMES = (
    Home("US", "1", "CA", "USD", ("America/New_York", "America/Chicago", "America/Los_Angeles"), "011", "1"),
    Home("NZ", "64", "NZ", "NZD", ("Pacific/Auckland",), "00", "0"),
    Home("FR", "33", "FR", "EUR", ("Europe/Paris",), "00", "0"),
)

FAR_ZONES = ("Asia/Kolkata", "Pacific/Honolulu", "Europe/Lisbon", "Australia/Perth", "America/Sao_Paulo")
"""Where some customers' offices are, whatever the switch's home."""

EXCHANGES = (
    Style("edge-a", 60, 1, states_rate=True, dialled=False, epoch=False, sources=True),
    Style("edge-b", 60, 60, states_rate=True, dialled=False, epoch=True, sources=True),
    Style("pbx-west", 30, 6, states_rate=True, dialled=True, epoch=False, sources=True),
    Style("carrier", 50, 1, states_rate=True, dialled=False, epoch=False, sources=False),
)
QUICK = Style("quick", 10, 1, states_rate=True, dialled=False, epoch=True, sources=True)
"""A switch that ticks all the time; few customers are on it, or files would be long."""

_AT_HOME = """
US landline 1212 7 0.010
US landline 1312 7 0.010
US landline 1415 7 0.010
US mobile   1646 7 0.010
US premium  1900 7 2.990
NZ landline 649  7 0.030
NZ landline 643  7 0.030
NZ mobile   6421 7 0.080
NZ premium  64900 6 2.400
FR landline 331  8 0.012
FR landline 334  8 0.012
FR mobile   336  8 0.050
FR premium  33899 6 1.800
"""

_ORDINARY = """
GB landline 4420   8 0.020
GB mobile   447    9 0.060
IE landline 3531   7 0.025
DE landline 4930   8 0.020
DE mobile   4917   9 0.070
ES mobile   346    8 0.050
IT mobile   393    9 0.070
NL landline 3120   7 0.025
SE landline 468    7 0.020
PL mobile   4850   7 0.060
CH mobile   417    8 0.180
BE mobile   324    8 0.090
PT landline 35121  7 0.030
RO mobile   407    8 0.080
UA mobile   38067  7 0.220
TR mobile   905    9 0.160
IL mobile   9725   8 0.060
IN mobile   919    9 0.020
PK mobile   923    9 0.130
BD mobile   8801   9 0.050
LK mobile   947    8 0.200
PH mobile   639    9 0.190
VN mobile   849    8 0.090
TH mobile   668    8 0.060
CN mobile   861    10 0.025
HK mobile   8529   7 0.040
JP landline 813    8 0.060
KR mobile   8210   8 0.060
AU landline 612    8 0.030
SG mobile   659    7 0.030
FJ mobile   6799   6 0.380
WS mobile   6857   6 0.450
MX mobile   5255   8 0.030
BR mobile   55119  8 0.070
CO mobile   573    9 0.040
AR mobile   54911  8 0.150
JM mobile   1876   7 0.290
DO mobile   1809   7 0.080
HT mobile   5093   7 0.330
CR mobile   5068   7 0.080
NG mobile   2348   9 0.160
GH mobile   2332   8 0.260
KE mobile   2547   8 0.210
ZA mobile   278    8 0.120
MA mobile   2126   8 0.420
DZ mobile   2135   8 0.450
TN mobile   2169   7 0.600
EG mobile   201    9 0.170
SN mobile   2217   8 0.400
CI mobile   2250   9 0.420
CM mobile   2376   8 0.350
AE mobile   9715   8 0.230
SA mobile   9665   8 0.180
LB mobile   9613   6 0.220
"""

_DEAR = """
CU mobile   535    7 0.850
SO mobile   2526   7 0.700
ET mobile   2519   8 0.320
GM mobile   2207   6 0.780
SL mobile   2327   7 0.620
GN mobile   2246   8 0.700
LR mobile   2318   8 0.550
TG mobile   2289   7 0.480
MG mobile   2613   8 0.750
ER mobile   2917   6 0.420
DJ mobile   25377  6 0.520
BI mobile   2577   7 0.740
AF mobile   937    8 0.330
MV mobile   9607   6 1.100
PG mobile   6757   7 0.950
SB mobile   6777   6 1.500
VU mobile   6785   6 0.900
TO mobile   6767   6 0.850
GY mobile   5926   6 0.380
ALB mobile  35569  7 0.450
TM mobile   9936   7 0.360
AQ station  67210  4 1.300
sea vessel  8707   8 5.900
sky handset 88163  8 4.800
"""

_RENTED = """
SO rented   25290  7 2.900
GM rented   2203   6 1.450
MV rented   96079  5 1.900
LV rented   37181  6 1.600
LT rented   37090  5 2.200
GB rented   44703  7 0.740
CU rented   5399   6 1.050
TN rented   21685  6 0.950
DZ rented   21398  7 0.650
PS rented   97059  7 0.340
BA rented   38770  6 0.790
EE rented   37240  6 1.250
TC rented   1649   7 0.480
DM rented   1767   7 0.420
FK rented   50055  4 2.400
NR rented   67455  5 2.600
SH rented   29051  4 2.800
net rented  88299  7 3.600
sky rented  88169  7 7.500
SOx rented  25262  7 14.500
ZWx rented  26386  7 9.000
"""


def _read(card: str) -> tuple[Place, ...]:
    rows = (line.split() for line in card.strip().splitlines())
    return tuple(
        Place(country, line, prefix, int(digits), int(Decimal(rate) * MICROS))
        for country, line, prefix, digits, rate in rows
    )


ORDINARY, DEAR, RENTED = _read(_ORDINARY), _read(_DEAR), _read(_RENTED)
FAR_AWAY = [each for each in DEAR if each.line == "mobile"]
"""Dear places where people have families; nobody has one at sea."""
_HOMELY = _read(_AT_HOME)


def at_home(home: Home, line: str = "") -> list[Place]:
    """Its ranges, premium ones only when asked for."""
    return [each for each in _HOMELY if each.country == home.country and (each.line == line or not line)]


def everyday(home: Home) -> list[Place]:
    """What people at home call without a thought."""
    return [each for each in at_home(home) if each.line != "premium"]


def named(*countries: str) -> list[Place]:
    """The places called so, dear or not; never a rented range."""
    return [each for each in (*ORDINARY, *DEAR) if each.country in countries]


def numbers(place: Place, draw: Random, count: int) -> list[str]:
    """Some numbers of a range."""
    return [place.number(draw) for _ in range(count)]


def block(place: Place, draw: Random, count: int) -> list[str]:
    """Numbers that somebody holds in one piece: they differ in the last two digits only."""
    stem = place.number(draw)[:-2]
    return [f"{stem}{last:02d}" for last in draw.sample(range(100), min(count, 100))]
