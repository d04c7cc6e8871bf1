"""Plans: which of its parts a number belongs to, and how a call is split over them, by the second."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.core.plans import (
    FINE,
    MILLION,
    Cover,
    Discount,
    Plan,
    Quota,
    Reach,
    Split,
    Tier,
    TierBy,
    discounted_scaled,
    split,
)
from guard.core.tariff import CallClass, Destination

DOMESTIC = Destination(prefix="1", name="", kind=CallClass.DOMESTIC, rate_micros=20_000)
BRITISH = Destination(prefix="44", name="", kind=CallClass.INTERNATIONAL, rate_micros=60_000)

HOME = Quota(key="a/quota:domestic", reach=Reach(kinds=frozenset({CallClass.DOMESTIC})), seconds=6_000)
LONDON = Quota(key="a/quota:44", reach=Reach(prefixes=("4420",)), seconds=600)
ABROAD = Discount(
    key="a/discount",
    reach=Reach(kinds=frozenset({CallClass.INTERNATIONAL})),
    by=TierBy.MINUTES,
    tiers=(Tier(0, 0), Tier(60, 100_000), Tier(120, 500_000)),
)
PLAN = Plan("a", "A", [HOME, LONDON], [ABROAD])


def by(kind: TierBy, *tiers: tuple[int, int]) -> Discount:
    """A discount over these tiers."""
    return Discount(key="", reach=Reach(), by=kind, tiers=tuple(Tier(*tier) for tier in tiers))


def priced(cover: Cover, rate: int, billed_s: int, *, connect: int = 0, left_s: int = 0, position: int = 0) -> Split:
    """What the call comes to."""
    return split(cover, rate_micros=rate, connect_micros=connect, billed_s=billed_s, left_s=left_s, position=position)


# -- reach


@pytest.mark.parametrize(
    ("reach", "covered"),
    [
        (Reach(kinds=frozenset({CallClass.INTERNATIONAL})), True),
        (Reach(kinds=frozenset({CallClass.DOMESTIC, CallClass.PREMIUM})), False),
        (Reach(prefixes=("33", "442")), True),
        (Reach(prefixes=("33", "443")), False),
        (Reach(kinds=frozenset({CallClass.INTERNATIONAL}), prefixes=("44",)), True),
        (Reach(kinds=frozenset({CallClass.DOMESTIC}), prefixes=("44",)), False),
        (Reach(kinds=frozenset({CallClass.INTERNATIONAL}), prefixes=("33",)), False),
    ],
)
def test_class_and_prefix_must_match_where_they_are_given(reach: Reach, *, covered: bool) -> None:
    assert reach.covers(BRITISH, "442079460123") is covered


def test_a_number_has_its_place_in_a_plan() -> None:
    """Its quota, its discount, both, or none."""
    both, abroad, home = (
        PLAN.cover(BRITISH, "442079460123"),
        PLAN.cover(BRITISH, "441313000000"),
        PLAN.cover(DOMESTIC, "16135550100"),
    )
    assert both is not None
    assert abroad is not None
    assert home is not None
    assert (both.quota, both.discount) == (LONDON, ABROAD)
    assert (abroad.quota, abroad.discount) == (None, ABROAD)
    assert (home.quota, home.discount) == (HOME, None)
    premium = Destination(prefix="1900", name="", kind=CallClass.PREMIUM, rate_micros=0)
    assert PLAN.cover(premium, "19005550100") is None


def test_a_place_is_always_the_same_one() -> None:
    """Calls in flight are pooled by it."""
    assert PLAN.cover(BRITISH, "441") is PLAN.cover(BRITISH, "449")


# -- quota


@pytest.mark.parametrize(
    ("left_s", "net", "covered_s"),
    [(600, 0, 90), (90, 0, 90), (60, 30_000, 60), (1, 89_000, 1), (0, 90_000, 0), (-5, 90_000, 0)],
)
def test_a_quota_covers_what_is_left_of_it(left_s: int, net: int, covered_s: int) -> None:
    """A call that crosses its end is split there; one that had used too much already covers nothing."""
    assert priced(Cover(HOME, None), 60_000, 90, left_s=left_s) == (net, covered_s, 0)


def test_a_quota_covers_no_connect_charge() -> None:
    assert priced(Cover(HOME, None), 60_000, 90, left_s=600, connect=50_000) == (50_000, 90, 0)


def test_what_the_quota_leaves_over_comes_to_the_discount() -> None:
    """And only that counts towards its tiers: 30 of 90 seconds, of which 10 at 90 %."""
    found = priced(Cover(LONDON, ABROAD), 60_000, 90, left_s=60, position=50)
    assert found == (10_000 + 20_000 * 9 // 10, 60, 30)


# -- discount


@pytest.mark.parametrize(
    ("position", "net"),
    [(0, 60_000 + 54_000 + 30_000), (30, 30_000 + 54_000 + 45_000), (60, 54_000 + 60_000), (120, 90_000)],
)
def test_a_call_is_split_where_a_tier_starts(position: int, net: int) -> None:
    """Three minutes at 0.06, from different places in the tiers."""
    found = priced(Cover(None, ABROAD), 60_000, 180, position=position)
    assert found == (net, 0, 180)


def test_money_counts_undiscounted_and_a_second_belongs_to_the_tier_in_which_it_starts() -> None:
    """At 0.06 a minute a second is 0.001: the third one starts below 0.0025 and crosses it."""
    discount = by(TierBy.MONEY, (0, 0), (2_500 * 60, 500_000))
    found = priced(Cover(None, discount), 60_000, 5)
    assert found == (3_000 + 2 * 500, 0, 5 * 60_000)


def test_a_free_destination_never_leaves_its_tier_by_money() -> None:
    discount = by(TierBy.MONEY, (0, 0), (1, 500_000))
    assert priced(Cover(None, discount), 0, 3_600, connect=7) == (7, 0, 0)


def test_the_connect_charge_is_not_discounted() -> None:
    discount = by(TierBy.MINUTES, (0, MILLION))
    assert priced(Cover(None, discount), 60_000, 60, connect=50_000) == (50_000, 0, 60)


tiers = st.dictionaries(st.integers(1, 500), st.integers(0, MILLION), max_size=4).map(
    lambda found: ((0, 0), *sorted(found.items()))
)


@given(
    st.sampled_from(TierBy),
    tiers,
    st.integers(0, 10_000_000),
    st.integers(0, 600),
    st.integers(0, 300),
    st.integers(0, 600),
)
def test_a_split_is_the_sum_over_its_seconds(
    kind: TierBy, found: tuple[tuple[int, int], ...], rate: int, billed_s: int, left_s: int, position: int
) -> None:
    """Second by second, in fractions, rounded half up once at the end."""
    a_second = rate if kind is TierBy.MONEY else 1
    discount = by(kind, *((start * a_second if a_second else start, off) for start, off in found))
    cover = Cover(HOME, discount)
    exact, place = Fraction(0), position * a_second
    for second in range(billed_s):
        if second < left_s:
            continue
        off = [tier.off_millionths for tier in discount.tiers if tier.start <= place][-1]
        exact += Fraction(rate * (MILLION - off), 60 * MILLION)
        place += a_second
    net, covered_s, counted = priced(cover, rate, billed_s, left_s=left_s, position=position * a_second)
    assert net == (exact + Fraction(1, 2)).__floor__()
    assert (covered_s, counted) == (min(billed_s, left_s), place - position * a_second)


@given(tiers, st.integers(0, 600), st.integers(0, 600), st.integers(0, 10**6))
def test_in_flight_and_posted_agree_by_the_second(
    found: tuple[tuple[int, int], ...], begin: int, seconds: int, rate: int
) -> None:
    """Where a whole number of seconds is in flight its worth is that of the posted call, but for the rounding."""
    discount = by(TierBy.MINUTES, *found)
    posted = priced(Cover(None, discount), rate, seconds, position=begin).net_micros
    flying = discounted_scaled(discount, begin, seconds * FINE, rate * seconds * 1_000)
    assert abs(posted * 60_000 - flying) <= 30_001


def test_nothing_in_flight_is_worth_nothing() -> None:
    discount = by(TierBy.MINUTES, (0, 500_000))
    assert [discounted_scaled(discount, 0, units, value) for units, value in ((0, 7), (7, 0), (-1, 7), (7, -1))] == [
        7,
        0,
        7,
        0,
    ]
