"""The files that an operator starts from are right, and say what the numbering plans say."""

from __future__ import annotations

from pathlib import Path

import guard
from guard.config import read_plans, read_tariff, remarks_on
from guard.core.records import Scope
from guard.core.scopes import NANP_ABROAD, NANP_PREMIUM, Scopes
from guard.core.tariff import CallClass

EXAMPLES = Path(guard.__file__).parents[1] / "docs" / "examples"
TARIFF = read_tariff(EXAMPLES / "tariff.csv")


def kind(number: str) -> CallClass | None:
    """The class of a number."""
    found = TARIFF.find(number)
    return None if found is None else found.kind


def test_the_plans_fit_the_tariff() -> None:
    plans = read_plans(EXAMPLES / "plans.toml", TARIFF)
    assert set(plans) == {"office-2000", "europe-300", "volume"}
    assert remarks_on(TARIFF, plans) == []


def test_area_codes_abroad_and_premium_numbers_are_what_they_are() -> None:
    """The shared country code is where a tariff goes wrong first."""
    assert {kind(f"1{area}5550100") for area in NANP_ABROAD} == {CallClass.INTERNATIONAL}
    assert {kind(f"{prefix}5550100") for prefix in NANP_PREMIUM} == {CallClass.PREMIUM}
    assert (kind("16135550100"), kind("12125550100")) == (CallClass.DOMESTIC, CallClass.DOMESTIC)
    assert kind("16475550123") is CallClass.ONNET


def test_well_known_targets_of_fraud_are_dear() -> None:
    for prefix in ("25261", "960777", "220777", "53721", "8816", "870", "37190"):
        found = TARIFF.find(f"{prefix}5550")
        assert found is not None
        assert found.rate_micros >= 1_000_000, prefix


def test_scopes_follow_from_it() -> None:
    scopes = Scopes.of_tariff("1", TARIFF.destinations())
    for number, international, premium in (
        ("16135550100", False, False),
        ("18765550100", True, False),
        ("19005550100", False, True),
        ("252615550100", True, False),
        ("8816555010", True, True),
    ):
        assert scopes.covers(Scope.INTERNATIONAL, number) is international, number
        assert scopes.covers(Scope.PREMIUM, number) is premium, number
    assert all(len(scopes.sets[scope]) < 40 for scope in Scope)


def test_every_file_has_its_line_in_the_list() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    files = [path.relative_to(EXAMPLES).as_posix() for path in EXAMPLES.rglob("*") if path.is_file()]
    assert [name for name in files if f"]({name})" not in listed] == ["README.md"]
