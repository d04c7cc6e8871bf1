"""The numbers of a model as they stand in its manifest, and back, with every one of them checked.

A manifest may have been changed by anybody. Each number must be finite, each table must have exactly the names that it
should have, and what must ascend must ascend; what is wrong is named by its place.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from guard.anomaly.calibration import Calibration
from guard.anomaly.features import FEATURE_NAMES, USUALS, ColdStart
from guard.anomaly.model import Model
from guard.anomaly.parts import Rarity, Spreads


class ManifestError(ValueError):
    """A number that is not as it should be; the text begins with its place."""


def numbers_of(model: Model) -> dict[str, Any]:
    """As it is written."""
    return {
        "cold_start": {"young": dict(model.cold.young), "old": dict(model.cold.old)},
        "usual": dict(zip(FEATURE_NAMES, model.usual, strict=True)),
        "unit": model.unit,
        "high": dict(model.spreads.high),
        "spread": dict(model.spreads.spread),
        "rarity": {name: _rarity_numbers(rarity) for name, rarity in _rarities(model)},
        "calibration": {"known": _days(model.known), "strangers": _days(model.strangers)},
        "bins": {name: list(edges) for name, edges in zip(FEATURE_NAMES, model.drift_bins, strict=True)},
        "parts": {name: list(parts) for name, parts in zip(FEATURE_NAMES, model.drift_parts, strict=True)},
    }


def model_of(told: object) -> Model:
    """As it was written; `ManifestError` if it cannot have been."""
    numbers = _table(told, "", None)
    cold = _table(numbers.get("cold_start"), "cold_start", ("young", "old"))
    rarity = _table(numbers.get("rarity"), "rarity", None)
    optional = (LIKENESS,) if LIKENESS in rarity else ()
    _table(rarity, "rarity", (*_RARITIES, *optional))
    bins = _table(numbers.get("bins"), "bins", FEATURE_NAMES)
    parts = _table(numbers.get("parts"), "parts", FEATURE_NAMES)
    calibration = _table(numbers.get("calibration"), "calibration", ("known", "strangers"))
    drift_bins = tuple(_ascending(bins[name], f"bins.{name}") for name in FEATURE_NAMES)
    drift_parts = tuple(_numbers(parts[name], f"parts.{name}") for name in FEATURE_NAMES)
    for name, edges, shares in zip(FEATURE_NAMES, drift_bins, drift_parts, strict=True):
        if len(shares) != len(edges) + 1:
            raise ManifestError(f"parts.{name}: one more than bins.{name}")
    usual = _by_name(numbers.get("usual"), "usual", FEATURE_NAMES)
    return Model(
        cold=ColdStart(
            young=_by_name(cold["young"], "cold_start.young", tuple(USUALS)),
            old=_by_name(cold["old"], "cold_start.old", tuple(USUALS)),
        ),
        usual=tuple(usual.values()),
        unit=_positive(numbers.get("unit"), "unit"),
        spreads=Spreads(
            _by_name(numbers.get("high"), "high", FEATURE_NAMES),
            {
                name: _positive(each, f"spread.{name}")
                for name, each in _by_name(numbers.get("spread"), "spread", FEATURE_NAMES).items()
            },
        ),
        forest_rarity=_rarity(rarity["forest"], "rarity.forest"),
        novelty_rarity=_rarity(rarity["novelty"], "rarity.novelty"),
        magnitude_rarity=_rarity(rarity["magnitude"], "rarity.magnitude"),
        likeness_rarity=_rarity(rarity[LIKENESS], f"rarity.{LIKENESS}") if optional else None,
        known=_calibration(calibration["known"], "calibration.known"),
        strangers=_calibration(calibration["strangers"], "calibration.strangers"),
        drift_bins=drift_bins,
        drift_parts=drift_parts,
    )


_RARITIES = ("forest", "novelty", "magnitude")
LIKENESS = "likeness"
"""Only of a model that was trained with labels."""


def _rarities(model: Model) -> list[tuple[str, Rarity]]:
    told = [(name, getattr(model, f"{name}_rarity")) for name in _RARITIES]
    return told if model.likeness_rarity is None else [*told, (LIKENESS, model.likeness_rarity)]


def _rarity_numbers(rarity: Rarity) -> dict[str, list[float]]:
    return {"values": list(rarity.values), "decades": list(rarity.decades)}


def _rarity(told: object, place: str) -> Rarity:
    table = _table(told, place, ("values", "decades"))
    values = _ascending(table["values"], f"{place}.values")
    decades = _ascending(table["decades"], f"{place}.decades")
    if not values or len(values) != len(decades):
        raise ManifestError(f"{place}: as many decades as values, and at least one")
    return Rarity(values, decades)


def _days(calibration: Calibration) -> dict[str, Any]:
    return {
        "account_days": calibration.days,
        "accounts": calibration.accounts,
        "marks": list(calibration.marks),
        "bounds": list(calibration.bounds),
    }


def _calibration(told: object, place: str) -> Calibration:
    table = _table(told, place, ("account_days", "accounts", "marks", "bounds"))
    days, accounts = (_count(table[name], f"{place}.{name}") for name in ("account_days", "accounts"))
    marks = _numbers(table["marks"], f"{place}.marks")
    bounds = _ascending(table["bounds"], f"{place}.bounds")
    if any(before <= after for before, after in pairwise(marks)):
        raise ManifestError(f"{place}.marks: the largest first")
    if len(marks) != len(bounds) or (bounds and bounds[0] <= 0):
        raise ManifestError(f"{place}.bounds: one above 0 for each mark")
    return Calibration(days, accounts, marks, bounds)


def _count(told: object, place: str) -> int:
    if not isinstance(told, int) or isinstance(told, bool) or told < 0:
        raise ManifestError(f"{place}: is no count")
    return told


def _table(told: object, place: str, names: Iterable[str] | None) -> dict[str, Any]:
    if not isinstance(told, dict):
        raise ManifestError(f"{place}: is no table")
    if names is not None and set(told) != set(names):
        raise ManifestError(f"{place}: has {sorted(told)}, not {sorted(names)}")
    return told


def _by_name(told: object, place: str, names: Sequence[str]) -> dict[str, float]:
    """Numbers by name, in the order of the names."""
    table = _table(told, place, names)
    return {name: _number(table[name], f"{place}.{name}") for name in names}


def _numbers(told: object, place: str) -> tuple[float, ...]:
    if not isinstance(told, list):
        raise ManifestError(f"{place}: is no list")
    return tuple(_number(each, place) for each in told)


def _ascending(told: object, place: str) -> tuple[float, ...]:
    numbers = _numbers(told, place)
    if any(before >= after for before, after in pairwise(numbers)):
        raise ManifestError(f"{place}: does not ascend")
    return numbers


def _number(told: object, place: str) -> float:
    if not isinstance(told, int | float) or isinstance(told, bool):
        raise ManifestError(f"{place}: is no number")
    try:
        number = float(told)
    except OverflowError:  # whole numbers have no end in JSON
        number = math.inf
    if not math.isfinite(number):
        raise ManifestError(f"{place}: is no number")
    return number


def _positive(told: object, place: str) -> float:
    number = _number(told, place)
    if number <= 0:
        raise ManifestError(f"{place}: is not above 0")
    return number
