"""The second stranger's rate card, homes and switches.

Prices are those that a small reseller asks for: mobiles abroad cost several times what landlines do, so honest calls
of a family come as dear as the cheaper frauds. A call has a connection fee and a minimum at some switches, and is then
charged by the second or the minute.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.strangers.paper import SECOND, Call, Style
from tests.strangers.places import Home, Place

CARD = """
MX  city      5281    8  0.060
MX  mobile    5255    8  0.080
GB  city      44131   7  0.035
GB  mobile    4478    8  0.220
FR  city      334     8  0.040
FR  mobile    337     8  0.240
DE  city      4940    8  0.035
DE  mobile    4916    9  0.230
PL  mobile    486     8  0.260
RO  mobile    407     8  0.210
RS  mobile    3816    7  0.390
AL  mobile    3556    8  0.460
UA  mobile    3806    8  0.330
TR  city      90312   7  0.120
TR  mobile    905     9  0.280
LB  mobile    9613    6  0.340
EG  mobile    201     9  0.260
MA  mobile    2126    8  0.520
DZ  mobile    2135    8  0.610
NG  mobile    23480   8  0.250
GH  mobile    2332    8  0.410
SN  mobile    2217    8  0.540
CM  mobile    2376    8  0.480
KE  mobile    2547    8  0.310
IN  mobile    919     9  0.045
PK  mobile    923     9  0.160
BD  mobile    8801    9  0.070
PH  mobile    639     9  0.290
VN  mobile    849     8  0.150
CN  city      8621    8  0.030
HK  city      852     8  0.040
JP  city      813     8  0.070
TH  mobile    668     8  0.110
ID  mobile    628     9  0.130
AE  city      9714    7  0.290
SA  mobile    9665    8  0.310
BR  city      5511    8  0.060
BR  mobile    55219   8  0.220
CO  mobile    5731    8  0.090
PE  mobile    519     8  0.110
HT  mobile    5093    7  0.490
JM  mobile    1876    7  0.380
DO  mobile    1809    7  0.210
CU  mobile    535     7  1.150
CU  city      537     7  1.050
NZ  city      649     7  0.040
AU  mobile    614     8  0.180
US  city      1305    7  0.020
CA  city      1416    7  0.020
XS  satellite 870773  6  7.900
XS  satellite 88164   8  6.300
"""
"""Where honest people call."""

RENTED = """
LV  rented    37167   6  1.900
LT  rented    37060   6  2.400
EE  rented    37270   6  1.450
BA  rented    38763   6  0.720
XK  rented    38344   6  0.830
AL  rented    35567   7  0.560
BE  rented    3246    7  0.350
AT  rented    43720   7  0.480
TN  rented    21650   6  1.280
MR  rented    2224    7  0.980
GN  rented    22466   7  1.160
SL  rented    23276   6  1.250
SO  rented    25263   7  1.750
SO  dearest   25249   7  18.000
GM  rented    22077   5  1.600
GM  dearest   22099   5  9.800
CD  rented    24380   7  0.860
BI  rented    25776   6  1.330
MG  rented    26134   7  1.010
ZW  rented    26377   7  0.690
MV  rented    96077   5  1.700
PG  rented    67570   6  2.300
SB  rented    67774   5  3.100
VU  rented    67854   5  2.600
NR  rented    67455   5  2.900
CU  rented    5352    6  1.150
GY  rented    59261   5  0.470
AG  rented    126846  5  0.450
GD  rented    147340  5  0.420
MA  rented    21266   7  0.550
SN  rented    22178   7  0.570
XI  dearest   88213   8  11.500
"""
"""What frauds live on: numbers that share what the call costs."""

HOMES = {
    "CA": Home("CA", "1", "US", "CAD", ("America/Winnipeg", "America/Vancouver", "America/St_Johns"), "011", "1"),
    "AU": Home("AU", "61", "AU", "AUD", ("Australia/Brisbane", "Australia/Perth"), "0011", "0"),
    "FR": Home("FR", "33", "FR", "EUR", ("Europe/Paris", "America/Guadeloupe"), "00", "0"),
    "ZA": Home("ZA", "27", "ZA", "ZAR", ("Africa/Johannesburg",), "00", "0"),
}
TOWNS = {
    "CA": (("1204", 7), ("1250", 7), ("1709", 7), ("1306", 7)),
    "AU": (("617", 8), ("618", 8), ("614", 8)),
    "FR": (("331", 8), ("335", 8), ("336", 8)),
    "ZA": (("2711", 7), ("2721", 7), ("2782", 7)),
}
RURAL = {"CA": ("1712", 7), "AU": ("617", 8), "FR": ("335", 8), "ZA": ("2753", 7)}


def _read(card: str) -> tuple[Place, ...]:
    rows = (line.split() for line in card.strip().splitlines())
    return tuple(Place(row[0], row[1], row[2], int(row[3]), round(float(row[4]) * 1_000_000)) for row in rows)


WORLD = _read(CARD)
DEAR = _read(RENTED)


def to(country: str, line: str = "") -> Place:
    """The place of that name on the card."""
    return next(each for each in WORLD if each.country == country and line in {"", each.line})


def at_home(home: Home) -> list[Place]:
    """Towns of a country: cheap."""
    return [Place(home.country, "town", prefix, digits, 14_000) for prefix, digits in TOWNS[home.country]]


def abroad(home: Home) -> list[Place]:
    """Where people of that country call, theirs and their twin aside."""
    return [each for each in WORLD if each.country not in home.domestic and each.line != "satellite"]


@dataclass(frozen=True, slots=True)
class Terms:
    """How a switch charges beyond the minute: when a call is answered, and at the least."""

    connect: int
    least_s: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """A switch and its terms."""

    style: Style
    terms: Terms


EXCHANGES = (
    Exchange(Style("edge-a", 10, 1, states_rate=True, dialled=False, epoch=True, sources=True), Terms(0, 0)),
    Exchange(Style("edge-b", 20, 1, states_rate=False, dialled=False, epoch=False, sources=True), Terms(30_000, 0)),
    Exchange(Style("core1", 60, 60, states_rate=True, dialled=False, epoch=False, sources=True), Terms(0, 60)),
    Exchange(Style("core2", 60, 1, states_rate=False, dialled=False, epoch=False, sources=False), Terms(50_000, 30)),
    Exchange(Style("hosted", 15, 6, states_rate=True, dialled=False, epoch=False, sources=True), Terms(20_000, 30)),
)


@dataclass(slots=True)
class Billed(Call):
    """A call under a switch's terms."""

    terms: Terms = Terms(0, 0)

    def charge(self, after_ms: int) -> int:
        """The connection fee and the minimum fall due at once."""
        if not self.answered or not self.rate:
            return 0
        step_ms = self.style.step_s * SECOND
        started = -(-min(after_ms, self.lasts_ms) // step_ms) * step_ms
        billed_ms = max(started, self.terms.least_s * SECOND)
        return self.terms.connect + (self.rate * billed_ms + 30_000) // 60_000
