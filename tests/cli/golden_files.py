"""Golden files: what the outside sees, word for word. GUARD_UPDATE_GOLDEN=1 writes them anew."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).parent / "golden"


def check(name: str, text: str) -> None:
    """The text is what the golden file says."""
    path = FOLDER / name
    if os.environ.get("GUARD_UPDATE_GOLDEN") == "1":
        path.write_text(text, encoding="utf-8")
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    assert text == known, f"{name} has changed: if that is meant, run with GUARD_UPDATE_GOLDEN=1 and read the diff"
