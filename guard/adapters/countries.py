"""What countries are called: for every one that libphonenumber knows the name that a clerk would read out.

The list is a file (`guard/share/countries.csv`), because the libraries that know names know them in two hundred
languages, at a hundred MiB of memory.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def _names() -> Mapping[str, str]:
    lines = resources.files("guard.share").joinpath("countries.csv").read_text(encoding="utf-8").splitlines()
    return {row["code"]: row["name"] for row in csv.DictReader(lines)}


def country_name(code: str) -> str:
    """The name of an ISO 3166 country; the code itself where there is none."""
    return _names().get(code, code)
