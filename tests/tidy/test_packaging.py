"""What is imported is declared, what is declared is locked, and the lock names versions and hashes and no place."""

from __future__ import annotations

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.tree import HERE, Tree

LOCKS = {name: HERE / "requirements" / f"{name}.txt" for name in ("run", "build", "dev", "compile")}
REMEDY = "change pyproject.toml and run `make lock`"


def project() -> dict[str, Any]:
    return tomllib.loads((HERE / "pyproject.toml").read_text())


def declared(lock: str) -> list[Requirement]:
    """What pyproject.toml asks for in a lock."""
    settings = project()
    groups = settings["dependency-groups"]
    wanted = {
        "run": settings["project"]["dependencies"],
        "build": [*settings["build-system"]["requires"], *groups["build"]],
        "compile": groups["compile"],
        "dev": [*settings["project"]["dependencies"], *(entry for entry in groups["dev"] if isinstance(entry, str))],
    }
    return [Requirement(text) for text in wanted[lock]]


def locked(lock: str) -> dict[str, str]:
    """The versions in a lock by name."""
    pins = re.findall(r"^([a-zA-Z0-9_.-]+)==([^\s;]+)", LOCKS[lock].read_text(), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_has_what_pyproject_asks_for(lock: str) -> None:
    versions = locked(lock)
    for requirement in declared(lock):
        version = versions.get(canonicalize_name(requirement.name))
        assert version is not None, f"requirements/{lock}.txt lacks {requirement.name}: {REMEDY}"
        fits = requirement.specifier.contains(version)
        assert fits, f"requirements/{lock}.txt has {version} for {requirement}: {REMEDY}"


@pytest.mark.parametrize("lock", LOCKS)
def test_the_lock_names_versions_and_hashes_only(lock: str) -> None:
    for number, line in enumerate(LOCKS[lock].read_text().splitlines()[1:], start=2):
        assert re.fullmatch(r"[a-zA-Z0-9_.-]+==\S+( ; [^\\]+)? \\|    --hash=sha256:[0-9a-f]{64}( \\)?", line), (
            f"requirements/{lock}.txt:{number}: neither a version nor a hash: {REMEDY}"
        )


@pytest.mark.parametrize("lock", ["run", "build"])
def test_development_runs_on_what_is_delivered(lock: str) -> None:
    development = locked("dev")
    for name, version in locked(lock).items():
        assert development.get(name) == version, (
            f"{name} is {version} in {lock}.txt, {development.get(name)} in dev.txt"
        )


def test_what_is_imported_is_declared() -> None:
    """A library that is here only because another one needs it may be gone tomorrow."""
    tree = Tree(root=HERE)
    extras = [Requirement(text) for extra in project()["project"]["optional-dependencies"].values() for text in extra]
    names = {canonicalize_name(requirement.name) for requirement in [*declared("run"), *extras]}
    distributions = packages_distributions()
    for module in tree.modules.values():
        for imported in tree.imports(module):
            if imported.top == "guard" or imported.top in sys.stdlib_module_names:
                continue
            owners = {canonicalize_name(owner) for owner in distributions.get(imported.top, [])}
            assert owners & names, f"{module.at(imported.line)}: {imported.top} is not declared: {REMEDY}"
