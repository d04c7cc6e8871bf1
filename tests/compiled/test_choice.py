"""A build is used only for the very sources it was made from; the environment may ask for one of the two."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from types import ModuleType

import pytest

from guard.compiled import (
    ASKED,
    COMPILED,
    CONTENTS,
    INTERPRETED,
    LIBRARY,
    SUFFIX,
    TOOLS,
    Finder,
    contents_of,
    key_of,
    kind_of_core,
    prefer_compiled,
)


@pytest.fixture
def core(tmp_path: Path) -> Path:
    """Sources of a core."""
    folder = tmp_path / "core"
    (folder / "rules").mkdir(parents=True)
    (folder / "engine.py").write_text("LIMIT = 10\n")
    (folder / "rules" / "watch.py").write_text("LIMIT = 20\n")
    return folder


@pytest.fixture
def builds(core: Path, tmp_path: Path) -> Path:
    """Where builds lie: one, of these sources."""
    folder = tmp_path / "builds"
    build = folder / key_of(core)
    module = build / "guard" / "core" / f"engine{SUFFIX}"
    module.parent.mkdir(parents=True)
    module.write_bytes(b"code")
    (build / CONTENTS).write_text(contents_of(build))
    return folder


@pytest.fixture(autouse=True)
def _as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Finders, the environment; and a library that has been loaded."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setitem(sys.modules, LIBRARY, ModuleType(LIBRARY))
    monkeypatch.delenv(ASKED, raising=False)


def builds_in_front() -> list[Finder]:
    return [finder for finder in sys.meta_path if isinstance(finder, Finder)]


def test_a_build_of_these_sources_is_put_before_them(core: Path, builds: Path) -> None:
    prefer_compiled(core, builds)
    assert sys.meta_path[:1] == builds_in_front()
    assert kind_of_core() == COMPILED


def test_it_brings_its_own_modules_and_leaves_the_rest_to_the_sources(core: Path, builds: Path) -> None:
    finder = Finder(builds / key_of(core))
    spec = finder.find_spec("guard.core.engine")
    assert spec is not None
    assert isinstance(spec.loader, ExtensionFileLoader)
    assert spec.origin == str(builds / key_of(core) / "guard" / "core" / f"engine{SUFFIX}")
    assert finder.find_spec("guard.core.rules.watch") is None
    assert finder.find_spec("guard.core") is None


@pytest.mark.parametrize("change", ["text", "name", "new", "gone"])
def test_whoever_changes_a_source_runs_on_the_sources(core: Path, builds: Path, change: str) -> None:
    engine = core / "engine.py"
    match change:
        case "text":
            engine.write_text("LIMIT = 11\n")
        case "name":
            engine.rename(core / "motor.py")
        case "new":
            (core / "fresh.py").touch()
        case _:
            engine.unlink()
    prefer_compiled(core, builds)
    assert builds_in_front() == []
    assert kind_of_core() == INTERPRETED


def test_what_translates_it_is_part_of_the_key(core: Path, tmp_path: Path) -> None:
    """Another version of the compiler, or another way of spelling for it, is another build of the same sources."""
    tool = tmp_path / "compile.txt"
    without = key_of(core, [tool])
    tool.write_text("mypy==1.0\n")
    before = key_of(core, [tool])
    tool.write_text("mypy==2.0\n")
    assert len({without, before, key_of(core, [tool])}) == 3
    assert all(part.is_file() for part in TOOLS)


def test_text_that_moves_from_one_file_to_the_next_is_another_source(core: Path) -> None:
    """Names and lengths are part of the key, not only what the files say one after the other."""
    before = key_of(core)
    (core / "engine.py").write_text("LIMIT = 10\nLIMIT = 20\n")
    (core / "rules" / "watch.py").write_text("")
    assert key_of(core) != before


def test_what_is_no_source_does_not_matter(core: Path) -> None:
    before = key_of(core)
    (core / "__pycache__").mkdir()
    (core / "__pycache__" / "engine.cpython-311.pyc").touch()
    (core / "README.md").touch()
    assert key_of(core) == before


def test_the_sources_may_be_asked_for(core: Path, builds: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ASKED, INTERPRETED)
    prefer_compiled(core, builds)
    assert builds_in_front() == []


def test_whoever_asks_for_a_compiled_core_gets_no_other(
    core: Path, builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ASKED, COMPILED)
    prefer_compiled(core, builds)
    assert kind_of_core() == COMPILED
    (core / "engine.py").write_text("LIMIT = 11\n")
    with pytest.raises(ImportError, match="run scripts/compile"):
        prefer_compiled(core, builds)


def test_a_build_that_cannot_be_loaded_is_left_aside_with_a_warning(
    core: Path, builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Made for another system library, say."""
    monkeypatch.delitem(sys.modules, LIBRARY)
    build = builds / key_of(core)
    (build / f"{LIBRARY}{SUFFIX}").write_bytes(b"\x7fELF")
    (build / CONTENTS).write_text(contents_of(build))
    with pytest.warns(RuntimeWarning, match="guard runs on its sources, because the build in .* cannot be loaded"):
        prefer_compiled(core, builds)
    assert kind_of_core() == INTERPRETED
    monkeypatch.setenv(ASKED, COMPILED)
    with pytest.raises(ImportError, match="cannot be loaded"):
        prefer_compiled(core, builds)


@pytest.mark.parametrize("harm", ["cut short", "missing", "another", "unnamed"])
def test_a_build_that_is_not_whole_is_not_loaded(core: Path, builds: Path, harm: str) -> None:
    """What is left of one after the machine has died may load and kill the process then."""
    build = builds / key_of(core)
    module = build / "guard" / "core" / f"engine{SUFFIX}"
    match harm:
        case "cut short":
            module.write_bytes(b"co")
        case "missing":
            module.unlink()
        case "another":
            module.with_name(f"watch{SUFFIX}").write_bytes(b"code")
        case _:
            (build / CONTENTS).unlink()
    with pytest.warns(
        RuntimeWarning, match=r"guard runs on its sources, because the build in .* (is not whole|be read)"
    ):
        prefer_compiled(core, builds)
    assert builds_in_front() == []


def test_builds_that_this_user_may_not_look_at_are_none(
    core: Path, builds: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Built as root, say, with a strict umask; the service has a user of its own."""

    def forbidden(_path: Path) -> bool:
        raise PermissionError

    monkeypatch.setattr(Path, "is_dir", forbidden)
    prefer_compiled(core, builds)
    assert builds_in_front() == []


def test_without_a_build_nothing_is_read(core: Path, tmp_path: Path) -> None:
    prefer_compiled(core / "not-there", tmp_path / "no-builds")
    assert builds_in_front() == []


def test_any_other_word_is_refused() -> None:
    """A word with a slip must not run what nobody asked for."""
    asked = os.environ | {ASKED: "complied"}
    done = subprocess.run(
        [sys.executable, "-c", "import guard"], env=asked, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    assert "GUARD_CORE is compiled or interpreted, not complied" in done.stderr
