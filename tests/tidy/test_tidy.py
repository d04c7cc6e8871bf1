"""The rules of the house, held against the house, and each of them against a tree that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tidy import layers, rules
from tests.tidy.tree import HERE, Tree

Rule = Callable[[Tree], Iterator[str]]

RULES: tuple[Rule, ...] = (
    layers.wrong_directions,
    layers.foreign_libraries,
    layers.crowded_adapters,
    rules.impure_core,
    rules.dangerous,
    rules.inexact_money,
    rules.bare_asserts,
    rules.broad_excepts,
    rules.long_modules,
    rules.silent_modules,
    rules.missing_documents,
    rules.places_of_one_machine,
)

DOCSTRING = f'"""{"What it is for. " * 6}"""\n'

BREACHES: tuple[tuple[Rule, str, str, str], ...] = (
    (layers.wrong_directions, "guard/core/a.py", "from guard import ports", "imports guard.ports"),
    (layers.wrong_directions, "guard/shell/a.py", "from guard.adapters.mqtt import x", "guard.shell may import"),
    (layers.wrong_directions, "guard/adapters/a.py", "import guard.adapters.mqtt", "imports guard.adapters.mqtt"),
    (layers.wrong_directions, "guard/replay/a.py", "from guard.adapters.sqlite import x", "guard.replay may import"),
    (layers.wrong_directions, "guard/wire/a.py", "def f():\n    from guard.shell import x", "a.py:3"),
    (layers.wrong_directions, "guard/fresh.py", "", "belongs to no layer"),
    (layers.foreign_libraries, "guard/core/a.py", "import numpy", "imports numpy"),
    (layers.foreign_libraries, "guard/wire/a.py", "import httpx", "the standard library, msgspec"),
    (layers.foreign_libraries, "guard/shell/a.py", "import aiomqtt", "guard.shell may import"),
    (layers.crowded_adapters, "guard/adapters/a.py", "import httpx, aiosqlite", "guard.adapters.a: knows"),
    (rules.impure_core, "guard/core/a.py", "import time", "time arrives inside the input"),
    (rules.impure_core, "guard/core/a.py", "from random import choice", "imports random"),
    (rules.impure_core, "guard/core/a.py", "import datetime\ndatetime.datetime.now()", "calls datetime.datetime.now"),
    (rules.impure_core, "guard/core/a.py", "open('x')", "calls open"),
    (rules.impure_core, "guard/core/a.py", "print('x')", "calls print"),
    (rules.dangerous, "guard/shell/a.py", "import pickle", "imports pickle"),
    (rules.dangerous, "guard/shell/a.py", "from yaml import load", "imports yaml"),
    (rules.dangerous, "guard/shell/a.py", "eval('1')", "calls eval"),
    (rules.dangerous, "guard/shell/a.py", "import os\nos.system('ls')", "calls os.system"),
    (rules.dangerous, "guard/shell/a.py", "import subprocess\nsubprocess.run('ls', shell=True)", "shell=True"),
    (rules.dangerous, "guard/adapters/a.py", "import httpx\nhttpx.get('x', verify=False)", "verify=False"),
    (rules.dangerous, "guard/adapters/a.py", "import ssl\nx = ssl.CERT_NONE", "CERT_NONE"),
    (rules.inexact_money, "guard/core/money.py", "x = 0.5", "the float 0.5"),
    (rules.inexact_money, "guard/core/money.py", "x = float('1')", "float"),
    (rules.inexact_money, "guard/core/money.py", "x = 1 / 2", "makes a float"),
    (rules.bare_asserts, "guard/shell/a.py", "assert 1", "use invariant"),
    (rules.broad_excepts, "guard/shell/a.py", "try:\n    1\nexcept Exception:\n    2", "a.py:4"),
    (rules.broad_excepts, "guard/shell/a.py", "try:\n    1\nexcept (OSError, BaseException):\n    2", "name the"),
    (rules.broad_excepts, "guard/shell/a.py", "try:\n    1\nexcept:\n    2", "catches everything"),
    (rules.long_modules, "guard/core/a.py", "x = 1\n" * 400, "401 lines, at most 400"),
    (rules.silent_modules, "guard/core/deep/a.py", "", "guard/core/deep/: has no __init__.py"),
    (rules.missing_documents, "guard/core/a.py", "", "README.md: is missing"),
    (rules.places_of_one_machine, "guard/core/a.py", "x = '/ho" + "me/ana/guard'", "a path of one machine"),
    (rules.places_of_one_machine, "a.txt", "--extra-index" + "-url x", "a.txt:2"),
)

KEPT: tuple[tuple[Rule, str, str], ...] = (
    (layers.wrong_directions, "guard/app/daemon.py", "import guard.adapters.mqtt, guard.shell, guard.config"),
    (layers.wrong_directions, "guard/shell/a.py", "from guard import __version__, ports\nfrom guard.wire import x"),
    (layers.wrong_directions, "guard/replay/a.py", "from guard.adapters.mqtt.options import x"),
    (layers.wrong_directions, "guard/adapters/mqtt/a.py", "from guard.adapters.mqtt.frames import x"),
    (layers.crowded_adapters, "guard/adapters/a.py", "import aiomqtt, paho.mqtt.client, structlog"),
    (rules.impure_core, "guard/core/a.py", "from datetime import datetime\nself.open(datetime(2026, 1, 1))"),
    (rules.inexact_money, "guard/core/money.py", "x = 7 // 2"),
    (
        rules.broad_excepts,
        "guard/shell/a.py",
        "try:\n    1\nexcept Exception:  # noqa: BLE001 - boundary: a task\n    2",
    ),
    (rules.broad_excepts, "guard/shell/a.py", "try:\n    1\nexcept OSError:\n    2"),
    (rules.broad_excepts, "guard/shell/a.py", "try:\n    1\nexcept BaseException:\n    tidy_up()\n    raise"),
    (rules.places_of_one_machine, "guard/core/a.py", "x = 'https://example.com/home/ana', 'a/tmp/b'"),
)


def planted(root: Path, path: str, text: str) -> Tree:
    """A tree with one file in it."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(DOCSTRING + text)
    return Tree(root=root)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps(rule: Rule) -> None:
    broken = list(rule(Tree(root=HERE)))
    assert not broken, "\n" + "\n".join(broken)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_an_empty_house_keeps(rule: Rule, tmp_path: Path) -> None:
    assert list(rule(Tree(root=tmp_path))) == []


@pytest.mark.parametrize(("rule", "path", "text", "remedy"), BREACHES)
def test_a_breach_is_found(rule: Rule, path: str, text: str, remedy: str, tmp_path: Path) -> None:
    broken = list(rule(planted(tmp_path, path, text)))
    assert any(remedy in sentence for sentence in broken), broken


@pytest.mark.parametrize(("rule", "path", "text"), KEPT)
def test_what_is_allowed_is_let_alone(rule: Rule, path: str, text: str, tmp_path: Path) -> None:
    assert list(rule(planted(tmp_path, path, text))) == []


def test_a_module_without_a_word_is_found(tmp_path: Path) -> None:
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "__init__.py").write_text('"""Too short."""\n')
    assert "10 characters, at least 80" in next(rules.silent_modules(Tree(root=tmp_path)))
