"""Where calls go and what they cost: a rate card of real country codes, with numbers drawn from it.

Prefixes and lengths are those of the countries, prices are what a small carrier asks of its customers (a minute, before
the customer's own mark-up). `premium` marks the ranges that share their revenue with whoever is called: they are what
frauds live on. A number here is E.164 digits without the plus; now and then it has a digit too few, as numbers have.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from random import Random

MICROS = 1_000_000

CARD = """
CA  local     1416    7  0.009
CA  local     1647    7  0.009
CA  national  1604    7  0.014
CA  national  1514    7  0.014
CA  national  1403    7  0.014
CA  national  1902    7  0.016
CA  rural     1867    7  0.045
CA  tollfree  1888    7  0.000
CA  premium   1900    7  2.990
US  landline  1212    7  0.012
US  landline  1312    7  0.012
US  landline  1713    7  0.012
US  landline  1310    7  0.012
US  rural     1712    7  0.018
US  rural     1605    7  0.018
JM  mobile    1876    7  0.290
DO  mobile    1809    7  0.140
LC  mobile    17587   6  0.420
TC  mobile    16492   6  0.380
GB  landline  4420    8  0.018
GB  landline  44161   7  0.018
GB  mobile    447     9  0.060
GB  personal  4470    8  0.620
GB  premium   44909   7  1.950
DE  landline  4930    8  0.017
DE  landline  4989    7  0.017
DE  mobile    4917    9  0.070
DE  premium   49900   7  2.490
FR  landline  331     8  0.021
FR  mobile    336     8  0.065
IT  landline  3902    8  0.025
IT  mobile    393     9  0.120
ES  landline  3491    7  0.022
ES  mobile    346     8  0.080
PT  landline  35121   7  0.030
NL  landline  3120    7  0.025
BE  landline  322     7  0.030
BE  mobile    324     8  0.280
CH  landline  4144    7  0.045
CH  mobile    417     8  0.260
AT  mobile    436     9  0.190
PL  landline  4822    7  0.030
PL  mobile    485     8  0.090
SE  landline  468     7  0.025
IE  landline  3531    7  0.025
GR  landline  3021    8  0.035
RO  mobile    407     8  0.110
UA  mobile    3805    8  0.210
RU  mobile    79      9  0.140
RS  mobile    3816    7  0.290
AL  mobile    3556    8  0.410
TR  landline  90212   7  0.075
TR  mobile    905     9  0.190
LV  mobile    3712    7  0.340
LV  premium   37181   6  2.800
EE  premium   37240   6  2.100
LT  premium   37088   6  2.350
AZ  premium   99488   7  1.600
CN  landline  8621    8  0.022
CN  mobile    8613    9  0.022
HK  landline  852     8  0.024
TW  landline  8862    8  0.030
JP  landline  813     8  0.040
JP  mobile    8190    8  0.150
KR  landline  822     8  0.035
VN  mobile    849     8  0.095
TH  mobile    668     8  0.060
PH  mobile    639     9  0.170
ID  mobile    628     9  0.090
MY  mobile    601     8  0.040
SG  landline  656     7  0.020
IN  mobile    919     9  0.022
IN  landline  9122    8  0.025
PK  mobile    923     9  0.110
BD  mobile    8801    9  0.045
LK  mobile    947     8  0.220
MV  mobile    9607    6  1.150
AE  mobile    9715    8  0.240
SA  mobile    9665    8  0.190
IQ  mobile    9647    9  0.270
SY  mobile    9639    8  0.260
LB  mobile    9613    6  0.230
JO  mobile    9627    8  0.220
IL  landline  9723    7  0.030
IL  mobile    9725    8  0.070
PS  mobile    97059   7  0.310
EG  mobile    201     9  0.150
MA  landline  21252   7  0.250
MA  mobile    2126    8  0.480
TN  mobile    2162    7  0.590
TN  premium   21684   6  1.350
NG  mobile    23480   8  0.160
GH  mobile    2332    8  0.280
KE  mobile    2547    8  0.210
ET  mobile    2519    8  0.260
ZA  landline  2711    7  0.060
ZA  mobile    278     8  0.180
SN  mobile    2217    8  0.430
CD  mobile    2439    8  0.520
GM  mobile    2207    6  0.780
GM  premium   22099   5  3.400
SL  mobile    2327    7  0.720
SL  premium   23225   6  2.600
GN  mobile    2246    8  0.690
SO  mobile    25261   7  0.850
SO  premium   25290   7  22.000
DJ  mobile    25377   6  0.640
DJ  premium   25321   6  2.100
BR  landline  5511    8  0.030
BR  mobile    55119   8  0.110
MX  landline  5255    8  0.015
MX  mobile    5233    8  0.025
CO  mobile    5731    8  0.040
PE  mobile    519     8  0.060
AR  mobile    54911   8  0.160
CL  mobile    569     8  0.060
EC  mobile    5939    8  0.260
HT  mobile    5093    7  0.360
CU  mobile    535     7  0.880
CU  landline  537     7  0.820
GY  mobile    5926    6  0.330
AU  landline  612     8  0.020
AU  mobile    614     8  0.065
NZ  landline  649     7  0.025
FJ  mobile    6797    6  0.420
PG  premium   67579   6  3.100
NR  premium   67455   5  2.700
KI  premium   68673   5  3.600
SB  premium   67774   5  3.200
XS  satellite 870773  6  6.400
XS  satellite 88163   8  5.200
XN  premium   882165  7  9.500
XN  premium   883510  8  11.700
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A range of numbers: its country, what kind of line, E.164 prefix, digits that follow, price of a minute."""

    country: str
    line: str
    prefix: str
    digits: int
    rate: int

    def number(self, draw: Random, *, slips: float = 0.0) -> str:
        """Some number of the range; with a chance of `slips` one that no numbering plan knows."""
        digits = self.digits - 1 if draw.random() < slips else self.digits
        return self.prefix + str(draw.randint(2, 9)) + "".join(draw.choices("0123456789", k=digits - 1))

    def neighbours(self, draw: Random, count: int) -> list[str]:
        """Numbers that follow each other, as those of one rented block do."""
        first = int(self.number(draw)) // 1000 * 1000
        return [str(first + draw.randrange(1000)) for _ in range(count)]


@dataclass(frozen=True, slots=True)
class Home:
    """A country in which a switch stands: what is domestic there, how people dial, what the money is called."""

    country: str
    code: str
    also: str
    currency: str
    zones: tuple[str, ...]
    abroad: str
    trunk: str

    @property
    def domestic(self) -> tuple[str, ...]:
        """Countries whose numbers are no calls abroad: those that share a code pass for one, the islands not."""
        return (self.country, self.also)


HOMES = {
    "CA": Home("CA", "1", "US", "CAD", ("America/Toronto", "America/Vancouver", "America/Halifax"), "011", "1"),
    "GB": Home("GB", "44", "GB", "GBP", ("Europe/London",), "00", "0"),
    "DE": Home("DE", "49", "DE", "EUR", ("Europe/Berlin",), "00", "0"),
}


def _read(line: str) -> Place:
    country, kind, prefix, digits, rate = line.split()
    return Place(country, kind, prefix, int(digits), int(Decimal(rate) * MICROS))


PLACES = tuple(_read(line) for line in CARD.strip().splitlines())


def places(wanted: str) -> list[Place]:
    """`CN` is all of a country but its premium ranges, `CN.mobile` one kind of line, `*.premium` it anywhere."""
    country, _, line = wanted.partition(".")
    found = [
        each
        for each in PLACES
        if country in {"*", each.country} and (each.line == line if line else each.line not in {"premium", "personal"})
    ]
    if not found:
        raise LookupError(f"the rate card has no {wanted}")
    return found


def nearby(home: Home) -> list[Place]:
    """What the customers of a country call most: their own towns."""
    return [each for each in places(home.country) if each.line in {"local", "landline"}]


def farther(home: Home) -> list[Place]:
    """The rest of their country, mobiles included."""
    kinds = {"national", "rural", "mobile", "landline"}
    return [each for each in PLACES if each.country in home.domestic and each.line in kinds]


WORLD = tuple(
    sorted({each.country for each in places("*") if not each.country.startswith("X")} - {"SO", "MV", "GM", "NR", "KI"})
)
"""Countries from which guests, students and clients come."""
