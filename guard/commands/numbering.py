"""How numbers are read in a country, for scenarios: what a configuration makes of them, and what their own tariff says.

It is made by the functions that make it for the daemon, from a configuration that says nothing but the country.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from guard.config import Config
from guard.core.rating import Rating
from guard.core.scopes import Scopes
from guard.core.tariff import Destination, Tariff
from guard.setup import rating_of, scopes_of


def numbering(country: str, tariff: Sequence[Destination]) -> tuple[Rating, Scopes]:
    """Rating and scopes of a country; with a tariff, its classes count and not those of the numbering plan.

    `ConfigError` for a country without telephone numbers.
    """
    if not tariff:
        return _plain(country)
    config = _of(country)
    rating = rating_of(config)
    rating.tariff = Tariff(tariff)
    return rating, scopes_of(config, rating)


@cache
def _plain(country: str) -> tuple[Rating, Scopes]:
    """Made once: most scenarios live in one country and call the same numbers."""
    config = _of(country)
    rating = rating_of(config)
    return rating, scopes_of(config, rating)


def _of(country: str) -> Config:
    plain = Config()
    return replace(plain, numbers=replace(plain.numbers, country=country))
