"""`python -m tests.systemd.machine`: whether a systemd of its own can be started here; says why it cannot."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.systemd.machine import TrialError, trial


def main() -> None:
    """Start one that does nothing."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            trial(Path(folder), "true", within_s=20)
        except TrialError as error:
            sys.exit(f"no systemd of its own here: {error}")


if __name__ == "__main__":
    main()
