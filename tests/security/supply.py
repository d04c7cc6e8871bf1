"""What guard is made of: every package that is installed is the one that is locked, and may be used.

Needs no network: what is installed says itself which version it is and under which licence. Known vulnerabilities are
another question, which `scripts/audit` asks where it can.

    python -m tests.security.supply
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.markers import Marker

REQUIREMENTS = Path(__file__).parents[2] / "requirements"
LOCKS = ("run", "build", "dev")

PERMISSIVE = {
    "0BSD",
    "3-Clause BSD License",
    "Apache 2.0",
    "Apache Software License",
    "Apache-2.0",
    "BSD License",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "CC0-1.0",
    "ISC License (ISCL)",
    "MIT",
    "MIT-0",
    "MIT License",
    "PSF-2.0",
    "Zlib",
}
WEAK_COPYLEFT = {"MPL-2.0", "Mozilla Public License 2.0 (MPL 2.0)", "LGPL-3.0-only", "LGPL-3.0-or-later"}
"""Used as they are, which asks nothing of guard's own code."""
ALLOWED = PERMISSIVE | WEAK_COPYLEFT
BY_HAND: Mapping[str, str] = {
    "axe-playwright-python": "MIT",  # says it in its repository alone; for tests
}

_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;]+)(?: ; ([^\\]+))?", re.MULTILINE)
_WORDS = re.compile(r" (?:OR|AND) |[()]")


def locked(lock: str) -> dict[str, str]:
    """Versions by name, of what this platform installs."""
    text = (REQUIREMENTS / f"{lock}.txt").read_text(encoding="utf-8")
    pins = _PIN.findall(text)
    return {name: version for name, version, only in pins if not only or Marker(only.strip()).evaluate()}


def findings() -> Iterator[str]:
    """Everything that is not as it should be, in sentences."""
    for lock in LOCKS:
        for name, version in locked(lock).items():
            try:
                found = distribution(name)
            except PackageNotFoundError:
                continue  # of another platform
            if found.version != version:
                yield f"{name} {found.version} is installed, requirements/{lock}.txt has {version}: scripts/setup dev"
            if refused := licence_of(found) - ALLOWED:
                yield f"{name} {version} is under {' and '.join(sorted(refused))}, which nobody has allowed"


def licence_of(found: Distribution) -> set[str]:
    """What a package says of itself: an expression (of alternatives one will do), else its classifiers, else a word."""
    name, said = found.metadata["Name"], found.metadata
    if name in BY_HAND:
        return {BY_HAND[name]}
    if expression := _first(said.get_all("License-Expression")):
        words = set(filter(None, map(str.strip, _WORDS.split(expression))))
        return words & ALLOWED if " OR " in expression and words & ALLOWED else words
    classifiers = {each.split(" :: ")[-1] for each in said.get_all("Classifier") or [] if each.startswith("License ::")}
    return classifiers or {_first(said.get_all("License")) or "no licence that it states"}


def _first(said: list[str] | None) -> str:
    return said[0].strip().partition("\n")[0] if said else ""


def main() -> int:
    """Tell; 1 if there is anything to tell."""
    found = sorted(set(findings()))
    sys.stdout.write(
        "".join(f"{finding}\n" for finding in found) or "what is installed is what is locked and allowed\n"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
