"""The source tree as the rules of the house see it: modules with their syntax and imports, and the project's files.

A rule is a function from a `Tree` to sentences, one for each place that breaks it, so that it can be shown a tree
made for the purpose: a rule that never fires is no rule.
"""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

HERE = Path(__file__).parents[2]
_NOT_OURS = {".git", ".venv", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Import:
    """One imported name and the line that does it."""

    target: str
    line: int

    @property
    def top(self) -> str:
        """The library or package that it comes from."""
        return self.target.partition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Module:
    """One Python file of the package."""

    name: str
    path: str
    text: str

    @cached_property
    def syntax(self) -> ast.Module:
        """The file, parsed."""
        return ast.parse(self.text, self.path)

    @cached_property
    def lines(self) -> list[str]:
        """The file's lines, the first at index 0."""
        return self.text.splitlines()

    @property
    def docstring(self) -> str:
        """The module's docstring, or nothing."""
        return ast.get_docstring(self.syntax) or ""

    def at(self, line: int) -> str:
        """Where to click."""
        return f"{self.path}:{line}"


@dataclass(frozen=True, kw_only=True)
class Tree:
    """A project folder with a package `guard` in it."""

    root: Path

    @cached_property
    def modules(self) -> dict[str, Module]:
        """The modules of the package by their dotted names; a folder's `__init__` has the folder's name."""
        found = {}
        for file in sorted((self.root / "guard").rglob("*.py")):
            path = file.relative_to(self.root)
            parts = path.with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            found[name] = Module(name=name, path=path.as_posix(), text=file.read_text())
        return found

    def under(self, prefix: str) -> list[Module]:
        """The modules at or below a dotted name."""
        return [module for name, module in self.modules.items() if within(name, prefix)]

    def imports(self, module: Module) -> Iterator[Import]:
        """Everything that a module imports, also inside functions and under TYPE_CHECKING: a name known is known."""
        for node in ast.walk(module.syntax):
            if isinstance(node, ast.Import):
                yield from (Import(target=alias.name, line=node.lineno) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module is not None:
                for alias in node.names:
                    whole = f"{node.module}.{alias.name}"
                    known = whole in self.modules or (node.module == "guard" and not alias.name.startswith("__"))
                    yield Import(target=whole if known else node.module, line=node.lineno)
            elif isinstance(node, ast.ImportFrom):
                yield Import(target="." * node.level + (node.module or ""), line=node.lineno)

    @cached_property
    def files(self) -> list[str]:
        """The files that git has or would take, or all of them where there is no git."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=self.root,
            capture_output=True,
            check=False,
        )
        if listed.returncode == 0 and listed.stdout:
            names = listed.stdout.decode().split("\0")
            return sorted(name for name in names if name and (self.root / name).is_file())
        paths = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        return sorted(path.as_posix() for path in paths if not _NOT_OURS & set(path.parts))

    def text(self, name: str) -> str | None:
        """What a file says, or None for one that is not text."""
        try:
            return (self.root / name).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            return None


def within(name: str, prefix: str) -> bool:
    """Whether a dotted name is `prefix` or lies below it."""
    return name == prefix or name.startswith(f"{prefix}.")
