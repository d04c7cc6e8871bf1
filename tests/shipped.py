"""Shipped examples as they run in a test: only places are others, for this is one machine."""

from __future__ import annotations

from pathlib import Path

import guard

CLUSTER = Path(guard.__file__).parents[1] / "docs" / "examples" / "cluster"


def placed_here(file: Path, *places: tuple[str, str]) -> str:
    """The text of an example, with each place that it names replaced by one of this machine."""
    text = file.read_text()
    for shipped, here in places:
        assert shipped in text, f"{file.name} has no {shipped} any more: see this test's replacements"
        text = text.replace(shipped, here)
    return text
