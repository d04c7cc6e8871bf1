"""What guard is made of is locked by hash, and under licences that allow it; what asks for more says when it cannot."""

from __future__ import annotations

import os
import subprocess
from importlib.metadata import Distribution
from pathlib import Path

import pytest

from tests.security.supply import ALLOWED, LOCKS, findings, licence_of, locked

ROOT = Path(__file__).parents[2]


class Said(Distribution):
    """A package that says this of itself."""

    def __init__(self, text: str) -> None:
        self._text = text

    def read_text(self, filename: str) -> str | None:
        return f"Metadata-Version: 2.4\nName: a\nVersion: 1\n{self._text}" if filename == "METADATA" else None

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        return Path(path)


def test_what_is_installed_is_what_is_locked_and_allowed() -> None:
    assert list(findings()) == []


def test_there_is_something_to_look_at() -> None:
    assert all(len(locked(lock)) > least for lock, least in zip(LOCKS, (30, 4, 60), strict=True))


@pytest.mark.parametrize(
    ("said", "refused"),
    [
        ("License-Expression: MIT", set()),
        ("License-Expression: EPL-2.0 OR BSD-3-Clause", set()),
        ("License-Expression: (MIT AND PSF-2.0)", set()),
        ("License-Expression: MIT AND GPL-3.0-only", {"GPL-3.0-only"}),
        ("License-Expression: AGPL-3.0-only", {"AGPL-3.0-only"}),
        ("Classifier: License :: OSI Approved :: BSD License", set()),
        (
            "Classifier: License :: OSI Approved :: GNU General Public License v3 (GPLv3)",
            {"GNU General Public License v3 (GPLv3)"},
        ),
        ("License: Apache-2.0", set()),
        ("License: mine", {"mine"}),
        ("", {"no licence that it states"}),
    ],
)
def test_a_licence_is_read_however_it_is_said(said: str, refused: set[str]) -> None:
    assert licence_of(Said(f"{said}\n")) - ALLOWED == refused


@pytest.mark.slow
def test_the_audit_says_when_it_cannot_ask(tmp_path: Path) -> None:
    """Not to know is no finding, and no silence either."""
    environment = {**os.environ, "PIP_NO_INDEX": "1", "TMPDIR": str(tmp_path)}
    for options, status in (([], 0), (["--strict"], 1)):
        audit = subprocess.run(
            [ROOT / "scripts" / "audit", *options], env=environment, capture_output=True, text=True, check=False
        )
        assert (audit.returncode, "NOT asked for" in audit.stderr) == (status, True), audit.stderr
        assert "what is installed is what is locked and allowed" in audit.stdout
