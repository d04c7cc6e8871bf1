"""Rating and plans: what they add to a report, beside reports whose charge the switch states; 50,000 prefixes.

All kinds run in turn in one process, several times over; the differences are what counts.
"""

from __future__ import annotations

from collections.abc import Callable

from guard.core.engine import Engine
from guard.core.money import Micros
from guard.core.plans import Discount, Plan, Quota, Reach, Tier, TierBy
from guard.core.rating import Rating
from guard.core.records import AccountMessage, Event, Report
from guard.core.scopes import Scopes
from guard.core.settings import Settings
from guard.core.tariff import CallClass, Destination, Tariff
from tests.bench.engine import START_MS, TICK_MS, us_a_report

PREFIXES = 50_000
ACCOUNTS, CALLS, ROUNDS, TIMES = 1_000, 10_000, 4, 5


def tariff() -> Tariff:
    """As many prefixes as a carrier has, of six digits, and the countries that hold them together."""
    country = [
        Destination(prefix=str(code), name=f"country {code}", kind=CallClass.INTERNATIONAL, rate_micros=200_000)
        for code in range(20, 99)
    ]
    areas = [
        Destination(
            prefix=str(200_000 + number),
            name=f"area {number}",
            kind=CallClass.DOMESTIC if number % 2 else CallClass.INTERNATIONAL,
            rate_micros=1_000 + number,
            connect_micros=10_000,
            minimum_s=30,
            increment_s=6,
        )
        for number in range(PREFIXES)
    ]
    return Tariff(country + areas)


def plan() -> Plan:
    """A quota that lasts and a discount in tiers, for every class."""
    kinds = frozenset({CallClass.DOMESTIC, CallClass.INTERNATIONAL})
    quota = Quota(key="all/quota", reach=Reach(kinds=kinds), seconds=600)
    tiers = (Tier(0, 0), Tier(30_000, 100_000), Tier(120_000, 250_000))
    return Plan(
        "all", "", [quota], [Discount(key="all/discount", reach=Reach(kinds=kinds), by=TierBy.MINUTES, tiers=tiers)]
    )


def spent_us(rating: Rating | None, *, stated: bool, planned: bool) -> float:
    """Microseconds a report over `ROUNDS` ticks of `CALLS` calls, their first report left out."""
    engine = Engine(Settings(), Scopes.of_country_code("1"), START_MS, rating=rating)
    for number in range(ACCOUNTS):
        name = f"A{number:07d}"
        engine.billing(AccountMessage(id=f"m{number}", account=name, plan="all" if planned else None), START_MS)
    made = [
        [
            Report(
                f"c{call:07d}",
                Event.TICK,
                f"A{call % ACCOUNTS:07d}",
                START_MS + tick * TICK_MS,
                tick * TICK_MS,
                to=f"+{200_000 + call * 5 % PREFIXES}1234567" if tick == 1 else None,
                charge_micros=Micros(tick * 500) if stated else None,
                rate_micros=1_000 if stated else None,
            )
            for call in range(CALLS)
        ]
        for tick in range(1, ROUNDS + 1)
    ]
    return us_a_report(engine, made)


def run(show: Callable[[str], None]) -> dict[str, float]:
    """All figures of rating."""
    priced = Rating(unknown_rate_micros=1_000_000, tariff=tariff(), plans={"all": plan()})
    kinds: dict[str, Callable[[], float]] = {
        "stated": lambda: spent_us(None, stated=True, planned=False),
        "stated_with_tariff": lambda: spent_us(priced, stated=True, planned=False),
        "rated": lambda: spent_us(priced, stated=False, planned=False),
        "rated_with_plan": lambda: spent_us(priced, stated=False, planned=True),
    }
    found: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(TIMES):
        for kind, measure in kinds.items():
            found[kind].append(measure())
    median = {kind: sorted(times)[TIMES // 2] for kind, times in found.items()}
    base = median["stated"]
    show(f"rating, {PREFIXES:,} prefixes, {CALLS:,} live calls of {ACCOUNTS:,} accounts, microseconds a report:")
    show(f"  {base:.2f} with charges stated and no tariff")
    show(f"  {median['stated_with_tariff'] - base:+.2f} with charges stated and a tariff (gross)")
    show(f"  {median['rated'] - base:+.2f} rated by the tariff")
    show(f"  {median['rated_with_plan'] - base:+.2f} rated by the tariff under a plan, with quota and discount")
    return {f"rating_us_{kind}": value for kind, value in median.items()}
