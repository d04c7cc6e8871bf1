"""All scenarios by name, and how many of them a simulation of some size can bear.

The names are what `guard simulate --scenario` takes; besides, each family has a name of its own. A case's id is its
scenario's name and a number, so the same choice stages the same cases.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from random import Random
from typing import Protocol

from guard.replay.cases import frauds, schemes, sly, surprises
from guard.replay.cases.setting import Case, Setting

ACCOUNTS_PER_CASE = 12
"""In the default mix, so many accounts for each case: most customers only make calls."""


class Recipe(Protocol):
    """Puts a case on the stage."""

    def __call__(self, setting: Setting) -> None:
        """Draw victims, times and numbers from the setting; add streams, changes, faults and bills to its case."""
        ...


class Family(Enum):
    """What scenarios have in common."""

    FRAUD = "frauds"
    SLY = "sly"
    SURPRISE = "surprises"


@dataclass(frozen=True, slots=True)
class Scenario:
    """Something that can happen."""

    name: str
    family: Family
    recipe: Recipe

    @property
    def fraud(self) -> bool:
        """Whether it is fraud; surprises must not be blocked."""
        return self.family is not Family.SURPRISE

    @property
    def title(self) -> str:
        """One line about it."""
        return (type(self.recipe).__doc__ or "").partition("\n")[0].rstrip(".")


SCENARIOS = (
    Scenario("pbx-irsf", Family.FRAUD, frauds.PbxIrsf()),
    Scenario("stolen-login", Family.FRAUD, frauds.StolenLogin()),
    Scenario("call-forward", Family.FRAUD, schemes.CallForward()),
    Scenario("recon", Family.FRAUD, schemes.Recon()),
    Scenario("wangiri", Family.FRAUD, schemes.Wangiri()),
    Scenario("pumping-fast", Family.FRAUD, frauds.PumpingFast()),
    Scenario("slow-drip", Family.FRAUD, frauds.SlowDrip()),
    Scenario("domestic-pumping", Family.FRAUD, frauds.DomesticPumping()),
    Scenario("plan-resale", Family.FRAUD, frauds.PlanResale()),
    Scenario("subscription-fraud", Family.FRAUD, frauds.SubscriptionFraud()),
    Scenario("robocall", Family.FRAUD, schemes.Robocall()),
    Scenario("takeover", Family.FRAUD, frauds.Takeover()),
    Scenario("known-country", Family.SLY, sly.KnownCountry()),
    Scenario("office-hours", Family.SLY, sly.InOfficeHours()),
    Scenario("in-call-centre", Family.SLY, sly.InCallCentre()),
    Scenario("slow-ramp", Family.SLY, sly.SlowRamp()),
    Scenario("first-fortnight", Family.SLY, sly.FirstFortnight()),
    Scenario("many-accounts", Family.SLY, sly.ManyAccounts()),
    Scenario("crisis-abroad", Family.SURPRISE, surprises.CrisisAbroad()),
    Scenario("hotel-guest-cuba", Family.SURPRISE, surprises.HotelGuestCuba()),
    Scenario("new-market", Family.SURPRISE, surprises.NewMarket()),
    Scenario("charity-marathon", Family.SURPRISE, surprises.CharityMarathon()),
    Scenario("month-end-nights", Family.SURPRISE, surprises.MonthEndNights()),
    Scenario("seasonal-surge", Family.SURPRISE, surprises.SeasonalSurge()),
    Scenario("sale", Family.SURPRISE, surprises.Sale()),
    Scenario("new-branch", Family.SURPRISE, surprises.NewBranch()),
    Scenario("new-provider", Family.SURPRISE, surprises.NewProvider()),
    Scenario("stuck-call", Family.SURPRISE, surprises.StuckCall()),
    Scenario("duplicate-start", Family.SURPRISE, surprises.DuplicateStart()),
    Scenario("missing-stop", Family.SURPRISE, surprises.MissingStop()),
    Scenario("clock-jump", Family.SURPRISE, surprises.ClockJump()),
)
_BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
GROUPS = ("all", "none", *(family.value for family in Family))


class UnknownScenarioError(ValueError):
    """There is no scenario of that name; the text lists those that there are, the nearest first."""


def chosen(names: Iterable[str]) -> list[Scenario]:
    """The scenarios of these names; a name twice is two cases, `all` and the families are all of theirs."""
    found: list[Scenario] = []
    for name in names:
        if name in GROUPS:
            found += [each for each in SCENARIOS if name in {"all", each.family.value}]
        elif name in _BY_NAME:
            found.append(_BY_NAME[name])
        else:
            raise UnknownScenarioError(_unknown(name))
    return found


def default_mix(accounts: int, seed: int) -> list[Scenario]:
    """One case of each scenario, or of as many as so many accounts can bear without most of them having a part."""
    count = min(len(SCENARIOS), accounts // ACCOUNTS_PER_CASE)
    drawn = set(Random(f"{seed}/mix").sample(range(len(SCENARIOS)), count))
    return [scenario for number, scenario in enumerate(SCENARIOS) if number in drawn]


def stage(scenarios: Iterable[Scenario], setting: Setting) -> Iterator[Case]:
    """Each scenario as a case of its own; `NotStagedError` when there are not enough customers."""
    counts: Counter[str] = Counter()
    for scenario in scenarios:
        counts[scenario.name] += 1
        case = Case(id=f"{scenario.name}-{counts[scenario.name]}", scenario=scenario.name, fraud=scenario.fraud)
        setting.begin(case)
        scenario.recipe(setting)
        yield case


def _unknown(name: str) -> str:
    names = [*_BY_NAME, *GROUPS]
    near = get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else "."
    return f"no scenario is called {name!r}{hint} There are: {', '.join(names)}"
