"""`python -m dashboards.boards`: write the boards and the page about the metrics anew, and say what has changed."""

from __future__ import annotations

import sys

from dashboards.boards.files import ROOT, files


def main() -> None:
    """Write what differs from what stands there."""
    for path, text in files().items():
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            sys.stdout.write(f"{path.relative_to(ROOT)}\n")


if __name__ == "__main__":
    main()
