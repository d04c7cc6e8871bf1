"""Where calls go and what they cost: destinations as data, and the tariff that they make.

A new destination is a new line here and no new code. Prices are what a small operator in Canada charges a minute; the
three at 11.70 to 22 a minute are the price level of published fraud cases. The name before the comma is the country.
What looks domestic in a naive prefix table and is not (+1 876 and its like) is in it, and so are the cheap rural
numbers that live on the volume of incoming calls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from guard.core.money import parse_money
from guard.core.tariff import CallClass

PREMIUM_FROM_MICROS = 1_000_000
"""Abroad, what costs as much a minute is of the class `premium`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Somewhere to call: E.164 numbers of `digits` digits that begin with `prefix`."""

    name: str
    prefix: str
    digits: int
    rate: str
    """Price a minute, as the contract writes money."""
    kind: CallClass
    rate_micros: int

    @property
    def country(self) -> str:
        """The country, or what stands for one."""
        return self.name.partition(",")[0]

    def number(self, draw: Random) -> str:
        """Any number there, in E.164 with the plus; no subscriber's part begins with 0 or 1."""
        span = 10 ** (self.digits - len(self.prefix) - 1)
        return f"+{self.prefix}{int((2 + 8 * draw.random()) * span)}"

    def block(self, draw: Random, size: int = 100) -> list[str]:
        """A range of consecutive numbers there: what is rented out for revenue share."""
        first = int(self.number(draw)[1:]) // size * size
        return [f"+{first + each}" for each in range(size)]


def _read(text: str, kind: CallClass) -> tuple[Destination, ...]:
    """A table of `name | prefix | digits | rate`."""
    return tuple(_destination([cell.strip() for cell in line.split("|")], kind) for line in text.strip().splitlines())


def _destination(cells: list[str], kind: CallClass) -> Destination:
    name, prefix, digits, rate = cells
    micros = parse_money(rate)
    if kind is CallClass.INTERNATIONAL and micros >= PREMIUM_FROM_MICROS:
        kind = CallClass.PREMIUM
    return Destination(name=name, prefix=prefix, digits=int(digits), rate=rate, kind=kind, rate_micros=micros)


DOMESTIC = _read(
    """
    Toronto       | 1416 | 11 | 0.012
    Mississauga   | 1905 | 11 | 0.012
    Ottawa        | 1613 | 11 | 0.012
    Montreal      | 1514 | 11 | 0.012
    Quebec        | 1418 | 11 | 0.013
    Halifax       | 1902 | 11 | 0.016
    Winnipeg      | 1204 | 11 | 0.015
    Calgary       | 1403 | 11 | 0.014
    Edmonton      | 1780 | 11 | 0.014
    Vancouver     | 1604 | 11 | 0.014
    New York      | 1212 | 11 | 0.015
    Boston        | 1617 | 11 | 0.015
    Chicago       | 1312 | 11 | 0.015
    Miami         | 1305 | 11 | 0.016
    Houston       | 1713 | 11 | 0.016
    Los Angeles   | 1213 | 11 | 0.016
    Seattle       | 1206 | 11 | 0.015
    """,
    CallClass.DOMESTIC,
)
RURAL = _read(
    """
    Iowa, conference lines     | 1712432 | 11 | 0.018
    Iowa, chat lines           | 1641715 | 11 | 0.018
    South Dakota, chat lines   | 1605475 | 11 | 0.019
    Minnesota, conference lines| 1218339 | 11 | 0.018
    """,
    CallClass.DOMESTIC,
)
ABROAD = _read(
    """
    Jamaica                    | 1876  | 11 | 0.185
    Dominican Republic         | 1809  | 11 | 0.09
    Trinidad                   | 1868  | 11 | 0.21
    Barbados                   | 1246  | 11 | 0.24
    Bahamas                    | 1242  | 11 | 0.16
    Antigua                    | 1268  | 11 | 0.39
    Grenada                    | 1473  | 11 | 0.41
    Anguilla                   | 1264  | 11 | 0.42
    Montserrat                 | 1664  | 11 | 0.55
    Turks and Caicos           | 1649  | 11 | 0.36
    Cayman Islands             | 1345  | 11 | 0.29
    United Kingdom             | 4420  | 12 | 0.028
    United Kingdom, mobile     | 4477  | 12 | 0.09
    United Kingdom, personal   | 4470  | 12 | 0.95
    Germany                    | 4930  | 11 | 0.031
    Germany, mobile            | 4917  | 13 | 0.14
    France                     | 331   | 11 | 0.030
    France, mobile             | 336   | 11 | 0.13
    Italy                      | 3906  | 12 | 0.035
    Italy, mobile              | 393   | 12 | 0.19
    Italy, special             | 39199 | 12 | 0.78
    Spain                      | 3491  | 11 | 0.030
    Netherlands                | 3120  | 11 | 0.040
    Belgium                    | 322   | 10 | 0.050
    Belgium, mobile            | 324   | 11 | 0.22
    Belgium, special           | 3278  | 10 | 0.62
    Poland                     | 4822  | 11 | 0.040
    Poland, mobile             | 485   | 11 | 0.12
    Sweden                     | 468   | 10 | 0.030
    Switzerland                | 4144  | 11 | 0.060
    Switzerland, mobile        | 4179  | 11 | 0.32
    Ireland                    | 3531  | 11 | 0.040
    Portugal                   | 35121 | 12 | 0.040
    Greece                     | 3021  | 12 | 0.050
    Turkey                     | 90212 | 12 | 0.10
    Turkey, mobile             | 905   | 12 | 0.22
    Ukraine                    | 38044 | 12 | 0.22
    Israel                     | 9723  | 11 | 0.040
    Palestine                  | 97059 | 12 | 0.29
    Albania                    | 3556  | 11 | 0.68
    Bosnia, mobile             | 3876  | 11 | 0.62
    Serbia, mobile             | 3816  | 11 | 0.58
    Kosovo                     | 3834  | 11 | 0.75
    Moldova                    | 3736  | 11 | 0.55
    Latvia, special            | 3719  | 11 | 1.85
    Lithuania, special         | 3709  | 11 | 1.60
    Estonia, special           | 3727  | 11 | 1.20
    China                      | 8621  | 12 | 0.025
    Hong Kong                  | 8522  | 11 | 0.030
    Taiwan                     | 8862  | 11 | 0.040
    Japan                      | 813   | 11 | 0.050
    Japan, mobile              | 8190  | 12 | 0.16
    South Korea                | 822   | 11 | 0.040
    Vietnam                    | 848   | 11 | 0.090
    Philippines                | 632   | 11 | 0.19
    Philippines, mobile        | 639   | 12 | 0.21
    India                      | 9122  | 12 | 0.046
    India, mobile              | 9198  | 12 | 0.040
    Pakistan                   | 9221  | 12 | 0.11
    Bangladesh                 | 8801  | 13 | 0.060
    Sri Lanka                  | 947   | 11 | 0.24
    Nepal                      | 9779  | 13 | 0.19
    Thailand                   | 662   | 10 | 0.040
    Indonesia                  | 6221  | 11 | 0.090
    Singapore                  | 656   | 10 | 0.030
    United Arab Emirates       | 9714  | 11 | 0.28
    Lebanon                    | 9613  | 10 | 0.30
    Syria                      | 9639  | 12 | 0.35
    Afghanistan                | 937   | 11 | 0.42
    Maldives                   | 9607  | 10 | 1.35
    East Timor                 | 6707  | 11 | 1.90
    Nigeria                    | 2348  | 13 | 0.16
    Kenya                      | 2547  | 12 | 0.24
    Ghana                      | 2332  | 12 | 0.31
    South Africa               | 2711  | 11 | 0.11
    Egypt                      | 202   | 11 | 0.16
    Morocco                    | 2126  | 12 | 0.55
    Ethiopia                   | 2519  | 12 | 0.33
    Cameroon                   | 2376  | 12 | 0.46
    Senegal                    | 2217  | 12 | 0.72
    Tunisia                    | 2169  | 11 | 0.92
    Zimbabwe                   | 2637  | 12 | 0.72
    Madagascar                 | 2613  | 12 | 0.95
    Sierra Leone               | 2327  | 11 | 1.05
    Guinea                     | 2246  | 12 | 1.10
    Liberia                    | 2317  | 11 | 1.00
    Chad                       | 2356  | 11 | 1.15
    Burundi                    | 2577  | 11 | 1.25
    Sao Tome                   | 2399  | 10 | 3.20
    Djibouti                   | 25377 | 11 | 13.50
    Gambia                     | 22099 | 10 | 11.70
    Somalia                    | 25290 | 11 | 22.00
    Papua New Guinea           | 6757  | 11 | 1.75
    Solomon Islands            | 6777  | 10 | 2.10
    Nauru                      | 6745  | 10 | 2.30
    Vanuatu                    | 6787  | 10 | 1.90
    Falkland Islands           | 5005  | 8  | 2.20
    Mexico                     | 5255  | 12 | 0.030
    Brazil                     | 55113 | 12 | 0.050
    Brazil, mobile             | 55119 | 13 | 0.12
    Colombia                   | 5760  | 12 | 0.060
    Haiti                      | 5093  | 11 | 0.42
    Guatemala                  | 5022  | 11 | 0.21
    El Salvador                | 5037  | 11 | 0.27
    Guyana                     | 5926  | 10 | 0.45
    Cuba                       | 535   | 10 | 0.95
    Satellite, Inmarsat        | 8707  | 12 | 8.50
    Satellite, Globalstar      | 8818  | 12 | 6.20
    """,
    CallClass.INTERNATIONAL,
)
PREMIUM_LINES = _read("North America, 900 lines | 1900 | 11 | 3.99", CallClass.PREMIUM)

DESTINATIONS = DOMESTIC + RURAL + ABROAD + PREMIUM_LINES
_BY_NAME = {place.name: place for place in DESTINATIONS}
_BY_PREFIX = {place.prefix: place for place in DESTINATIONS}
_LONGEST = max(map(len, _BY_PREFIX))


def place(name: str) -> Destination:
    """The destination of that name; there must be one."""
    return _BY_NAME[name]


def places(*names: str) -> tuple[Destination, ...]:
    """The destinations of those names."""
    return tuple(place(name) for name in names)


TORONTO, SOMALIA, GAMBIA, DJIBOUTI = places("Toronto", "Somalia", "Gambia", "Djibouti")


def priced(low: str, high: str) -> tuple[Destination, ...]:
    """Places abroad whose price a minute lies between the two, both included."""
    least, most = parse_money(low), parse_money(high)
    return tuple(each for each in ABROAD if least <= each.rate_micros <= most)


def destination_of(number: str) -> Destination | None:
    """The destination a number belongs to: the longest prefix wins; None for one that is not in the catalogue."""
    digits = number.removeprefix("+")
    for length in range(min(_LONGEST, len(digits)), 0, -1):
        found = _BY_PREFIX.get(digits[:length])
        if found is not None:
            return found
    return None


def tariff_rows() -> Iterator[str]:
    """The lines of a tariff file (contract 8) by which guard would rate what the simulated switch prices."""
    yield "prefix,name,class,rate,connect,minimum_s,increment_s"
    yield "1,Canada and USA,domestic,0.018,0,0,1"
    for each in DESTINATIONS:
        yield f'{each.prefix},"{each.name}",{each.kind.value},{each.rate},0,0,1'
