"""Tariff and plans as `guard.toml` names them, read together.

A plan is checked against the tariff that it discounts, and an operator who changes both files at once wants the
mistakes of both at once. Neither has to be there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from guard.config.plans import read_plans
from guard.config.problems import ConfigError, Problem
from guard.config.sections import Config
from guard.config.tariff import read_tariff
from guard.core.plans import Plan
from guard.core.tariff import Tariff


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What calls cost, and what plans take off."""

    tariff: Tariff | None = None
    """None: none is configured."""
    plans: Mapping[str, Plan] = field(default_factory=dict)


def read_prices(config: Config) -> Prices:
    """Read both files, where they are configured; `ConfigError` with the problems of both."""
    problems: list[Problem] = []
    tariff = _tariff(config.tariff.file, problems)
    # A tariff that could not be read says nothing about the plans; one that is not configured has no prefixes.
    known = Tariff() if config.tariff.file is None else tariff
    plans = _plans(config.plans.file, known, problems)
    if problems:
        raise ConfigError(problems)
    return Prices(tariff=tariff, plans=plans)


def _tariff(file: Path | None, problems: list[Problem]) -> Tariff | None:
    try:
        return None if file is None else read_tariff(file)
    except ConfigError as error:
        problems += _named_by("tariff.file", error)
        return None


def _plans(file: Path | None, tariff: Tariff | None, problems: list[Problem]) -> Mapping[str, Plan]:
    try:
        return {} if file is None else read_plans(file, tariff)
    except ConfigError as error:
        problems += _named_by("plans.file", error)
        return {}


def _named_by(key: str, error: ConfigError) -> list[Problem]:
    """What is wrong with the file as a whole may be that another was meant: say where it is named."""
    return [
        each if each.key or each.line is not None else replace(each, found=f"{each.found} (named by {key})")
        for each in error.problems
    ]
