"""`plans.toml` that is right: what its entries come to, and which of them may stand side by side."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.config import ConfigError, read_plans
from guard.config.overlaps import Overlaps
from guard.core.plans import Plan, Reach, Tier, TierBy
from guard.core.tariff import CallClass, Destination, Tariff, unknown_destination

CONTRACT = """
[plan.office-2000]
title = "2,000 minutes to Canada and the USA, then less by volume"
[[plan.office-2000.quota]]
class = ["domestic"]
minutes = 2000
[[plan.office-2000.discount]]
class = ["international"]
by = "minutes"
tiers = [{from = 0, off = "0%"}, {from = 500, off = "10%"}, {from = 2000, off = "25%"}]
"""


def tariff(**kinds: str) -> Tariff:
    """A tariff of `p44="international"`."""
    return Tariff(
        Destination(prefix=prefix[1:], name="", kind=CallClass(kind), rate_micros=0) for prefix, kind in kinds.items()
    )


CANADA = tariff(p1="domestic", p1900="premium", p1264="international", p44="international", p447="premium")


def read(tmp_path: Path, text: str, known: Tariff | None = CANADA) -> dict[str, Plan]:
    """The plans that this text is."""
    file = tmp_path / "plans.toml"
    file.write_text(text, encoding="utf-8")
    return read_plans(file, known)


def test_the_contracts_example_is_read(tmp_path: Path) -> None:
    (plan,) = read(tmp_path, CONTRACT).values()
    (quota,), (discount,) = plan.quotas, plan.discounts
    assert (plan.id, plan.title) == ("office-2000", "2,000 minutes to Canada and the USA, then less by volume")
    assert (quota.key, quota.seconds) == ("office-2000/quota:domestic", 120_000)
    assert quota.reach == Reach(kinds=frozenset({CallClass.DOMESTIC}))
    assert (discount.key, discount.by) == ("office-2000/discount:minutes:international", TierBy.MINUTES)
    assert discount.tiers == ((0, 0), (30_000, 100_000), (120_000, 250_000))


def test_there_may_be_no_plans_and_a_plan_without_entries(tmp_path: Path) -> None:
    assert read(tmp_path, "") == {}
    (plan,) = read(tmp_path, "[plan.plain]\n").values()
    assert (plan.title, plan.quotas, plan.discounts) == ("plain", (), ())


@pytest.mark.parametrize(
    ("by", "start", "expected"),
    [
        ("minutes", "90", 5_400),
        ("money", '"0.000001"', 60),
        ("money", '"500.00"', 30_000_000_000),
        ("money", "500", 30_000_000_000),
    ],
)
def test_a_tier_starts_in_the_units_of_the_core(tmp_path: Path, by: str, start: str, expected: int) -> None:
    """Seconds, or micros times 60; below the first tier there is none off."""
    (plan,) = read(
        tmp_path,
        f'[[plan.a.discount]]\nprefix = ["44"]\nby = "{by}"\ntiers = [{{from = {start}, off = "50%"}}]\n',
    ).values()
    assert plan.discounts[0].tiers == (Tier(0, 0), Tier(expected, 500_000))


@pytest.mark.parametrize(
    ("off", "millionths"),
    [('"0%"', 0), ('"12.5%"', 125_000), ('"0.1"', 100_000), ("0.1", 100_000), ('"100%"', 1_000_000)],
)
def test_off_is_a_part(tmp_path: Path, off: str, millionths: int) -> None:
    text = f'[[plan.a.discount]]\nprefix = ["44"]\nby = "minutes"\ntiers = [{{from = 0, off = {off}}}]\n'
    assert read(tmp_path, text)["a"].discounts[0].tiers == ((0, millionths),)


# -- keys


@pytest.mark.parametrize(
    ("reach", "key"),
    [
        ('class = ["premium", "domestic"]', "a/quota:domestic,premium"),
        ('prefix = ["44", "1", "44"]', "a/quota:1,44"),
        ('prefix = ["44"]\nclass = ["international"]', "a/quota:international/44"),
    ],
)
def test_a_key_says_what_is_covered(tmp_path: Path, reach: str, key: str) -> None:
    """In one order, however it is written."""
    text = f"[[plan.a.quota]]\n{reach}\nminutes = 1\n"
    assert [quota.key for quota in read(tmp_path, text)["a"].quotas] == [key]


def test_a_key_stays_when_the_plan_changes_around_it(tmp_path: Path) -> None:
    """Use of this month is kept under it."""
    entry = '[[plan.a.quota]]\nclass = ["domestic"]\nminutes = {}\n'
    before = read(tmp_path, entry.format(100))["a"].quotas
    after = read(tmp_path, '[[plan.a.quota]]\nprefix = ["44"]\nminutes = 5\n' + entry.format(200))["a"].quotas
    assert before[0].key == after[1].key


def test_keys_are_unique_in_all_plans(tmp_path: Path) -> None:
    entry = '[[plan.{0}.quota]]\nclass = ["domestic"]\nminutes = 1\n'
    discount = '[[plan.{0}.discount]]\nclass = ["domestic"]\nby = "minutes"\ntiers = [{{from = 0, off = "1%"}}]\n'
    plans = read(tmp_path, "".join((entry + discount).format(plan_id) for plan_id in "ab"))
    keys = [quota.key for plan in plans.values() for quota in plan.quotas]
    keys += [discount.key for plan in plans.values() for discount in plan.discounts]
    assert len(set(keys)) == len(keys) == 4


# -- overlaps


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        ('class = ["domestic"]', 'class = ["international"]', False),
        ('class = ["domestic", "premium"]', 'class = ["international", "premium"]', True),
        ('prefix = ["44"]', 'prefix = ["441", "33"]', True),
        ('prefix = ["44"]', 'prefix = ["45", "4"]', True),
        ('prefix = ["44"]', 'prefix = ["45", "33"]', False),
        # A class and a prefix meet where the tariff has numbers of that class below the prefix.
        ('class = ["international"]', 'prefix = ["441"]', True),
        ('class = ["international"]', 'prefix = ["4"]', True),
        ('class = ["premium"]', 'prefix = ["4"]', True),
        ('class = ["domestic"]', 'prefix = ["44"]', False),
        ('class = ["domestic"]', 'prefix = ["1900"]', False),
        ('class = ["domestic"]', 'prefix = ["1901"]', True),
        # What no prefix matches is international.
        ('class = ["international"]', 'prefix = ["99"]', True),
        ('class = ["premium"]', 'prefix = ["99"]', False),
        # Where both are given, both must match.
        ('class = ["international"]\nprefix = ["44"]', 'class = ["premium"]\nprefix = ["44"]', False),
        ('class = ["international"]\nprefix = ["1"]', 'prefix = ["1613"]', False),
        ('class = ["international"]\nprefix = ["1"]', 'prefix = ["1264"]', True),
        ('class = ["international"]\nprefix = ["1"]', 'class = ["international"]', True),
        ('class = ["international"]\nprefix = ["1"]', 'class = ["international"]\nprefix = ["44"]', False),
    ],
)
def test_a_number_has_one_place_in_a_plan(tmp_path: Path, one: str, other: str, *, meet: bool) -> None:
    text = "".join(f"[[plan.a.quota]]\n{reach}\nminutes = 1\n" for reach in (one, other))
    if not meet:
        assert len(read(tmp_path, text)["a"].quotas) == 2
        return
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    (problem,) = caught.value.problems
    assert problem.key == "plan.a.quota[2]"
    assert "overlaps plan.a.quota[1]" in problem.found


def test_without_a_tariff_every_number_is_international(tmp_path: Path) -> None:
    text = '[[plan.a.quota]]\nclass = ["{}"]\nminutes = 1\n[[plan.a.quota]]\nprefix = ["44"]\nminutes = 1\n'
    assert read(tmp_path, text.format("domestic"), Tariff())
    with pytest.raises(ConfigError):
        read(tmp_path, text.format("international"), Tariff())


def test_a_quota_and_a_discount_may_share_numbers_and_so_may_plans(tmp_path: Path) -> None:
    text = CONTRACT.replace('class = ["international"]', 'class = ["domestic"]')
    assert len(read(tmp_path, text + text.replace("office-2000", "office-3000"))) == 2


prefixes = st.text("12", min_size=1, max_size=3)
kinds = st.sampled_from(CallClass)
reaches = st.builds(
    Reach, kinds=st.frozensets(kinds, max_size=2), prefixes=st.lists(prefixes, max_size=2).map(tuple)
).filter(lambda reach: bool(reach.kinds or reach.prefixes))
NUMBERS = [f"{number:b}".translate({48: "1", 49: "2"}) for number in range(16, 32)]
"""Every number of five digits from the alphabet of the prefixes: they are longer than any prefix."""


@given(st.dictionaries(prefixes, kinds, max_size=6), reaches, reaches)
def test_what_may_stand_together_never_covers_one_number(rows: dict[str, CallClass], one: Reach, other: Reach) -> None:
    """Over every number there is."""
    known = Tariff(Destination(prefix=prefix, name="", kind=kind, rate_micros=0) for prefix, kind in rows.items())
    if not Overlaps(known).meet(one, other):
        for digits in NUMBERS:
            found = known.find(digits) or unknown_destination(0)
            assert not (one.covers(found, digits) and other.covers(found, digits))
