"""What the operator of the simulated guard has in its files: settings, a tariff, rules. They change while guard runs.

The auditor knows the same prices as plain numbers (`Prices`), and prices calls by its own arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

from guard.core import plans as guards_plans
from guard.core.money import Micros
from guard.core.rating import Rating
from guard.core.records import Scope
from guard.core.rules.rule import Measure, Per, Rule, RuleMode, Where
from guard.core.scopes import Scopes
from guard.core.settings import MINUTE_MS, SECOND_MS, ModelMode, Settings, SwitchSettings
from guard.core.setup import Setup
from guard.core.tariff import CallClass, Destination, Tariff
from tests.simulation.plans import DISCOUNT, QUOTA, Plan
from tests.simulation.prices import Prices, Row

KINDS = {kind.value: kind for kind in CallClass}


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """One version of the files."""

    prices: Prices
    default_limit_micros: int
    rules: bool
    lost_after_ms: int
    fuse_blocks: int
    switches: tuple[str, ...]
    remember_ms: int
    trust_percent: int
    """How much of a pending e-transfer counts."""
    model: str
    """What comes of its findings: `off`, `shadow`, `enforce`."""

    def setup(self) -> Setup:
        """As guard reads them."""
        destinations = [_destination(row) for row in self.prices.rows]
        settings = Settings(
            default_limit_micros=Micros(self.default_limit_micros),
            unknown_rate_micros=self.prices.unknown_rate_micros,
            lost_after_ms=self.lost_after_ms,
            remember_ms=self.remember_ms,
            trust={"e_transfer": self.trust_percent * 10_000},
            blind_carry_ms=5 * MINUTE_MS,
            stale_after_ms=90 * SECOND_MS,
            away_after_ms=30 * SECOND_MS,
            fuse_blocks=self.fuse_blocks,
            model_mode=ModelMode(self.model),
            model_min_rate_micros=500_000,
            model_min_in_flight_micros=100_000,
            switches={name: SwitchSettings() for name in self.switches},
        )
        return Setup(
            settings=settings,
            scopes=Scopes.of_tariff("1", destinations),
            rating=Rating(
                unknown_rate_micros=self.prices.unknown_rate_micros,
                tariff=Tariff(destinations),
                plans={plan.id: _plan(plan) for plan in self.prices.plans},
            ),
            rules=_RULES if self.rules else (),
        )


def _destination(row: Row) -> Destination:
    return Destination(
        prefix=row.prefix,
        name="",
        kind=KINDS[row.kind],
        rate_micros=row.rate_micros,
        connect_micros=row.connect_micros,
        minimum_s=row.minimum_s,
        increment_s=row.increment_s,
    )


def _plan(plan: Plan) -> guards_plans.Plan:
    quotas, discounts = [], []
    if plan.quota_kinds:
        reach = guards_plans.Reach(kinds=frozenset(KINDS[kind] for kind in plan.quota_kinds))
        quotas.append(guards_plans.Quota(key=f"{plan.id}/{QUOTA}", reach=reach, seconds=plan.quota_s))
    if plan.discount_kinds:
        reach = guards_plans.Reach(kinds=frozenset(KINDS[kind] for kind in plan.discount_kinds))
        by, unit = (guards_plans.TierBy.MONEY, 60) if plan.by_money else (guards_plans.TierBy.MINUTES, 1)
        tiers = tuple(guards_plans.Tier(start * unit, off * 10_000) for start, off in plan.tiers)
        discounts.append(guards_plans.Discount(key=f"{plan.id}/{DISCOUNT}", reach=reach, by=by, tiers=tiers))
    return guards_plans.Plan(plan.id, "", quotas, discounts)


_RULES = (
    Rule(
        id="again",
        title="The same number again and again",
        mode=RuleMode.ENFORCE,
        measure=Measure.CALLS,
        window_ms=10 * MINUTE_MS,
        per=Per.NUMBER,
        where=Where(kinds=frozenset({CallClass.INTERNATIONAL, CallClass.PREMIUM})),
        warn=2,
        block=3,
        scope=Scope.INTERNATIONAL,
        release_after_ms=4 * MINUTE_MS,
    ),
    Rule(
        id="many",
        title="Many calls at once",
        mode=RuleMode.ENFORCE,
        measure=Measure.CONCURRENT,
        window_ms=None,
        per=Per.ACCOUNT,
        block=6,
    ),
    Rule(
        id="watched",
        title="Only watched",
        mode=RuleMode.SHADOW,
        measure=Measure.GROSS,
        window_ms=10 * MINUTE_MS,
        per=Per.ACCOUNT,
        warn=1_000_000,
        block=3_000_000,
    ),
)
