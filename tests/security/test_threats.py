"""The page about threats names tests, files and keys: all of them are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from guard.config.sections import AccountsSection
from guard.core.noticeboard import MOST_AN_HOUR
from guard.core.settings import Settings
from guard.core.world import MAX_SWITCHES

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "threats.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`((?:tests|docs|scripts)/[^`]+)`", TEXT))))
def test_what_it_names_is_there(name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", TEXT))))
def test_where_it_leads_is_there(target: str) -> None:
    assert (PAGE.parent / target).exists()


def test_its_numbers_are_the_programs() -> None:
    accounts, settings = AccountsSection(), Settings()
    assert (accounts.max_provisional, accounts.max_provisional_per_switch) == (100_000, 50_000)
    assert (settings.max_provisional, settings.max_provisional_per_switch) == (100_000, 50_000)
    assert f"({accounts.max_provisional:,})" in TEXT
    assert f"({accounts.max_provisional_per_switch:,})" in TEXT
    assert f"{MAX_SWITCHES:,} are known" in TEXT
    assert f"at most {MOST_AN_HOUR} of a kind and switch an hour" in TEXT
