"""How sources are rewritten for the compiler: what it does not know is gone, and every line stays where it was."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from guard.compiled import PACKAGE
from scripts.compile_core import LEFT, rewritten

ROOT = PACKAGE.parent
SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in (PACKAGE / "core").rglob("*.py"))


def test_slots_are_what_a_native_class_has_anyway() -> None:
    source = '''
@dataclass(frozen=True, slots=True)
class Mark:
    """A mark."""

    name: str


class Call:
    __slots__ = (
        "id",
        "rate",
    )

    def __init__(self) -> None:
        self.id = self.rate = 0
'''
    assert (
        rewritten(source)
        == '''
@dataclass(frozen=True)
class Mark:
    """A mark."""

    name: str


class Call:
    pass  # __slots__ = (
#         "id",
#         "rate",
#     )

    def __init__(self) -> None:
        self.id = self.rate = 0
'''
    )


def test_types_of_fields_are_looked_up_late() -> None:
    source = "class Step(NamedTuple):\n    counter: Counter | None\n    due: dict[str, int] = {}  # now\n"
    expected = "class Step(NamedTuple):\n    counter: 'Counter | None'\n    due: 'dict[str, int]' = {}  # now\n"
    assert rewritten(source) == expected


def test_letters_of_more_than_one_byte_stay_whole() -> None:
    assert rewritten("class A(NamedTuple):\n    é: int  # ü\n") == "class A(NamedTuple):\n    é: 'int'  # ü\n"


@pytest.mark.parametrize("path", SOURCES)
def test_every_module_can_be_rewritten(path: str) -> None:
    """A decorator over several lines, say, would be left as it is, and the compiler would not take it."""
    source = (ROOT / path).read_text()
    text = rewritten(source)
    ast.parse(text)
    assert text.count("\n") == source.count("\n")
    assert "slots=True" not in text
    assert "\n    __slots__" not in text


def test_what_is_left_as_it_is_exists() -> None:
    assert {path for path in LEFT if not Path(ROOT, path).is_file()} == set()


@pytest.mark.parametrize("path", [path for path in SOURCES if path not in LEFT])
def test_no_row_is_translated(path: str) -> None:
    """A store reads them by the types of their fields, of which a translated class keeps the half only."""
    classes = [node for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.ClassDef)]
    rows = [node.name for node in classes if node.name.endswith("Row")]
    assert rows == [], f"{path}: name it in WITH_A_ROW, scripts/compile_core.py, or let the row stand among the rows"
