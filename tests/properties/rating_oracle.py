"""The oracle: what calls cost and what they use of a plan, by the words of the contract's sections 2 and 8.

It shares no code with the core but its records. It is slow and plain on purpose: money is a `Fraction`, seconds are
priced one by one, the start of a cycle is searched for, and everything is worked out anew whenever it is asked for.

What it must decide where the contract leaves room is said here once:

* Posted calls use a plan in the order in which they are posted; a call whose number comes late uses what is left then.
* Where a call with a stated charge went does not matter any more once it is posted.
* A lost call that comes back gives its use back at once, and is priced anew when it ends.
* The calls in flight of one quota come to what their billed seconds exceed the rest of it by, in proportion; what is
  beyond it goes through the tiers of its discount in proportion.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache
from math import ceil, floor
from zoneinfo import ZoneInfo

from guard.core.plans import Discount, Plan, Quota, TierBy
from guard.core.records import Direction, Event, Report
from guard.core.tariff import CallClass, Destination

DAY_MS = 86_400_000
MINUTE_S = 60
MINUTE_MS = 60_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EMERGENCY = ("911", "112", "933", "988")

UseKey = tuple[str, int, str]
"""Account, start of the cycle, key of the quota or discount."""


@cache
def cycle_start_ms(at_ms: int, timezone: str) -> int:
    """The first millisecond of the month in which a moment lies, where the account is."""
    zone = ZoneInfo(timezone)

    def month(ms: int) -> tuple[int, int]:
        there = (EPOCH + timedelta(milliseconds=ms)).astimezone(zone)
        return there.year, there.month

    before_ms, within_ms = at_ms - 32 * DAY_MS, at_ms
    while within_ms - before_ms > 1:
        middle_ms = (before_ms + within_ms) // 2
        if month(middle_ms) == month(at_ms):
            within_ms = middle_ms
        else:
            before_ms = middle_ms
    return within_ms


def half_up(amount: Fraction) -> int:
    """The one rounding."""
    return floor(amount + Fraction(1, 2))


@dataclass(frozen=True)
class Terms:
    """What is known about a call when it is priced."""

    to: str
    direction: Direction | None
    emergency: bool
    duration_ms: int
    rate: int | None
    charge: int | None


@dataclass(frozen=True)
class Bill:
    """What one call comes to."""

    net: int = 0
    gross: int = 0
    billed_s: int = 0
    covered_s: int = 0
    used: tuple[tuple[UseKey, int], ...] = ()


@dataclass(frozen=True)
class Line:
    """A ledger line that must be written."""

    account: str
    call: str
    kind: str
    at_ms: int
    amount: int
    gross: int
    billed_s: int
    covered_s: int


@dataclass
class Told:
    """One call: all that was said about it, and what it was posted at."""

    account: str
    call: str
    reports: list[Report] = field(default_factory=list)
    over: bool = False
    lost: bool = False
    bill: Bill = field(default_factory=Bill)
    billed_as: Terms | None = None

    @property
    def newest(self) -> Report:
        """The report that counts: the longest, then the one that is further in the call's life."""
        return max(self.reports, key=lambda report: (report.duration_ms, report.event))

    def terms(self) -> Terms:
        """What is known about it now; what describes it may have come with any report."""
        numbers = [report.to for report in self.reports if report.to]
        directions = [report.direction for report in self.reports if report.direction is not None]
        return Terms(
            to=numbers[0] if numbers else "",
            direction=directions[0] if directions else None,
            emergency=any(report.emergency or is_emergency(report.to) for report in self.reports),
            duration_ms=self.newest.duration_ms,
            rate=self.newest.rate_micros,
            charge=self.newest.charge_micros,
        )


def is_emergency(to: str | None) -> bool:
    """As dialled, with or without `+`."""
    return to is not None and to.removeprefix("+") in EMERGENCY


class PriceList:
    """A tariff and what a number costs that it does not know."""

    def __init__(self, rows: Iterable[Destination], unknown_rate: int) -> None:
        self.rows = list(rows)
        self.unknown = Destination(prefix="", name="", kind=CallClass.INTERNATIONAL, rate_micros=unknown_rate)

    def row(self, to: str) -> Destination:
        """The longest prefix wins."""
        matching = [row for row in self.rows if to.removeprefix("+").startswith(row.prefix)]
        return max(matching, key=lambda row: len(row.prefix)) if matching else self.unknown

    def free(self, terms: Terms) -> bool:
        """Whether a call costs nothing by itself."""
        inside = terms.direction in {Direction.INCOMING, Direction.INTERNAL}
        return terms.emergency or inside or self.row(terms.to).kind is CallClass.ONNET

    def rate(self, terms: Terms) -> int:
        """The rate in force: the one stated, else the tariff's."""
        return self.row(terms.to).rate_micros if terms.rate is None else terms.rate

    def billed_s(self, terms: Terms) -> int:
        """Seconds charged for."""
        row = self.row(terms.to)
        seconds = max(ceil(Fraction(terms.duration_ms, 1_000)), row.minimum_s)
        return ceil(Fraction(seconds, row.increment_s)) * row.increment_s

    def tariff_price(self, terms: Terms, rate: int) -> int:
        """What the tariff makes of a call at a rate."""
        if self.free(terms):
            return 0
        return half_up(self.row(terms.to).connect_micros + Fraction(rate * self.billed_s(terms), MINUTE_S))

    def gross(self, terms: Terms) -> int:
        """The price without any plan."""
        if terms.charge is None:
            return self.tariff_price(terms, self.rate(terms))
        if terms.emergency or not terms.to:
            return 0 if terms.emergency else terms.charge
        return max(terms.charge, self.tariff_price(terms, self.row(terms.to).rate_micros))


def quota_of(plan: Plan | None, row: Destination, to: str) -> Quota | None:
    """The quota of a plan that a number belongs to."""
    quotas = plan.quotas if plan is not None else ()
    return next((quota for quota in quotas if _covers(quota, row, to)), None)


def discount_of(plan: Plan | None, row: Destination, to: str) -> Discount | None:
    """The discount of a plan that a number belongs to."""
    discounts = plan.discounts if plan is not None else ()
    return next((discount for discount in discounts if _covers(discount, row, to)), None)


def _covers(part: Quota | Discount, row: Destination, to: str) -> bool:
    kinds, prefixes = part.reach.kinds, part.reach.prefixes
    in_class = not kinds or row.kind in kinds
    return in_class and (not prefixes or any(to.removeprefix("+").startswith(prefix) for prefix in prefixes))


class Oracle:
    """All accounts and calls."""

    def __init__(self, prices: PriceList, plans: Mapping[str, Plan | None], timezones: Mapping[str, str]) -> None:
        self.prices = prices
        self.plans = plans
        self.timezones = timezones
        self.calls: dict[tuple[str, str], Told] = {}
        self.owed: defaultdict[str, int] = defaultdict(int)
        self.use: defaultdict[UseKey, int] = defaultdict(int)

    # -- posting

    def hear(self, switch: str, report: Report) -> list[Line]:
        """A report comes in; the lines that must follow."""
        told = self.calls.setdefault((switch, report.call), Told(report.account, report.call))
        returns = told.lost and (
            report.event is Event.ENDED
            or (report.duration_ms, report.event) > (told.newest.duration_ms, told.newest.event)
        )
        told.reports.append(report)
        if told.over and not returns:
            return self._correct(told)
        if returns:
            self._take(told.bill, -1)
            told.over = told.lost = False
        if report.event is not Event.ENDED:
            return []
        return [self._post(told, "correction" if told.billed_as is not None else "call")]

    def lose(self, switch: str, call: str) -> Line:
        """A call was silent for hours: it is posted as it was last reported."""
        told = self.calls[switch, call]
        told.lost = True
        return self._post(told, "lost")

    def live(self, account: str) -> list[Told]:
        """Calls that are up."""
        return [told for told in self.calls.values() if told.account == account and not told.over]

    def _post(self, told: Told, kind: str) -> Line:
        before = told.bill
        told.over = True
        told.billed_as = told.terms()
        told.bill = self.bill(told.account, told.billed_as, told.newest.at_ms)
        self._take(told.bill, 1)
        return self._line(told, kind, before)

    def _correct(self, told: Told) -> list[Line]:
        """A late report may still say where a call went, or that it costs nothing."""
        terms, before = told.terms(), told.bill
        if terms == told.billed_as or (terms.charge is not None and not terms.emergency):
            return []
        self._take(before, -1)
        told.billed_as = terms
        told.bill = self.bill(told.account, terms, told.newest.at_ms)
        self._take(told.bill, 1)
        return [self._line(told, "correction", before)]

    def _line(self, told: Told, kind: str, before: Bill) -> Line:
        bill = told.bill
        self.owed[told.account] += bill.net - before.net
        return Line(
            account=told.account,
            call=told.call,
            kind=kind,
            at_ms=told.newest.at_ms,
            amount=bill.net - before.net,
            gross=bill.gross - before.gross,
            billed_s=bill.billed_s - before.billed_s,
            covered_s=bill.covered_s - before.covered_s,
        )

    def _take(self, bill: Bill, sign: int) -> None:
        for key, amount in bill.used:
            self.use[key] += sign * amount

    def bill(self, account: str, terms: Terms, ended_ms: int) -> Bill:
        """Price a call that is posted now, second by second, without taking what it uses."""
        gross = self.prices.gross(terms)
        if terms.charge is not None:
            return Bill(net=0 if terms.emergency else terms.charge, gross=gross)
        if self.prices.free(terms):
            return Bill()
        row, rate = self.prices.row(terms.to), self.prices.rate(terms)
        billed_s = self.prices.billed_s(terms)
        quota, discount = self._parts(account, terms)
        cycle_ms = cycle_start_ms(ended_ms, self.timezones[account])
        left_s = quota.seconds - self.use[account, cycle_ms, quota.key] if quota is not None else 0
        begun = position = self.use[account, cycle_ms, discount.key] if discount is not None else 0
        a_second = rate if discount is not None and discount.by is TierBy.MONEY else 1
        covered_s, exact = 0, Fraction(row.connect_micros)
        charged: defaultdict[int, int] = defaultdict(int)
        for _ in range(billed_s):
            if covered_s < left_s:
                covered_s += 1
            else:
                charged[off_at(discount, position)] += 1
                position += a_second
        for off, seconds in charged.items():
            exact += Fraction(rate * seconds, MINUTE_S) * (1 - Fraction(off, 1_000_000))
        used = []
        if quota is not None and covered_s:
            used.append(((account, cycle_ms, quota.key), covered_s))
        if discount is not None and position > begun:
            used.append(((account, cycle_ms, discount.key), position - begun))
        return Bill(half_up(exact), gross, billed_s, covered_s, tuple(used))

    def _parts(self, account: str, terms: Terms) -> tuple[Quota | None, Discount | None]:
        """Where a number lies in the account's plan; one that is not known lies nowhere."""
        if not terms.to:
            return None, None
        plan, row = self.plans[account], self.prices.row(terms.to)
        return quota_of(plan, row, terms.to), discount_of(plan, row, terms.to)

    # -- in flight

    def exposure(self, account: str, now_ms: int) -> Fraction:
        """Owed and in flight, exactly."""
        worth = Fraction(self.owed[account])
        pool: list[tuple[Terms, Fraction, Fraction]] = []
        for told in self.live(account):
            terms, elapsed_s = told.terms(), Fraction(max(0, now_ms - told.newest.at_ms), 1_000)
            worth -= told.bill.net
            if terms.charge is not None and not terms.emergency:
                worth += terms.charge + self.prices.rate(terms) * elapsed_s / MINUTE_S
            elif not self.prices.free(terms):
                rate = self.prices.rate(terms)
                if self._parts(account, terms) == (None, None):
                    worth += self.prices.gross(terms) + rate * elapsed_s / MINUTE_S
                else:
                    worth += self.prices.row(terms.to).connect_micros
                    seconds = self.prices.billed_s(terms) + elapsed_s
                    pool.append((terms, seconds, rate * seconds / MINUTE_S))
        return worth + self._pool_worth(account, pool, cycle_start_ms(now_ms, self.timezones[account]))

    def gross_in_flight(self, account: str, now_ms: int) -> Fraction:
        """What the calls that are up would be worth without any plan."""
        worth = Fraction(0)
        for told in self.live(account):
            terms, elapsed_s = told.terms(), Fraction(max(0, now_ms - told.newest.at_ms), 1_000)
            worth -= told.bill.gross
            if terms.emergency or (terms.charge is None and self.prices.free(terms)):
                continue
            rate = self.prices.rate(terms)
            worth += rate * elapsed_s / MINUTE_S
            if terms.charge is None and self._parts(account, terms) != (None, None):
                worth += self.prices.row(terms.to).connect_micros
                worth += Fraction(rate * self.prices.billed_s(terms), MINUTE_S)
            else:
                worth += self.prices.gross(terms)
        return worth

    def _pool_worth(self, account: str, pool: list[tuple[Terms, Fraction, Fraction]], cycle_ms: int) -> Fraction:
        """What calls under a plan are worth together: (what each is, its seconds, its money)."""
        together: defaultdict[str, Fraction] = defaultdict(Fraction)
        for terms, seconds, _money in pool:
            quota, _discount = self._parts(account, terms)
            together[quota.key if quota is not None else ""] += seconds
        worth = Fraction(0)
        beyond: dict[str, tuple[Discount, Fraction, Fraction]] = {}
        for terms, seconds, money in pool:
            quota, discount = self._parts(account, terms)
            uncovered = Fraction(1)
            if quota is not None:
                left_s = max(0, quota.seconds - self.use[account, cycle_ms, quota.key])
                total_s = together[quota.key]
                uncovered = max(Fraction(0), total_s - left_s) / total_s if total_s else Fraction(0)
            if discount is None:
                worth += money * uncovered
            else:
                _, its_seconds, its_money = beyond.get(discount.key, (discount, Fraction(0), Fraction(0)))
                beyond[discount.key] = (discount, its_seconds + seconds * uncovered, its_money + money * uncovered)
        for discount, seconds, money in beyond.values():
            units = money * MINUTE_S if discount.by is TierBy.MONEY else seconds
            worth += money * share_charged(discount, self.use[account, cycle_ms, discount.key], units)
        return worth

    def rates_in_plan(self, account: str) -> set[int]:
        """Rates of the calls in flight under the plan."""
        every = [told.terms() for told in self.live(account)]
        return {self.prices.rate(terms) for terms in every if self._parts(account, terms) != (None, None)}


def off_at(discount: Discount | None, position: int) -> int:
    """What is taken off a second that starts there, in millionths."""
    if discount is None:
        return 0
    return max((tier for tier in discount.tiers if tier.start <= position), key=lambda tier: tier.start).off_millionths


def share_charged(discount: Discount, begin: int, units: Fraction) -> Fraction:
    """Which part is charged of what advances a discount by `units` from `begin`."""
    if not units:
        return Fraction(1)
    ends = [Fraction(tier.start) for tier in discount.tiers[1:]] + [begin + units]
    charged = Fraction(0)
    for tier, end in zip(discount.tiers, ends, strict=True):
        part = min(end, begin + units) - max(tier.start, begin)
        charged += max(Fraction(0), part) * (1 - Fraction(tier.off_millionths, 1_000_000))
    return charged / units
