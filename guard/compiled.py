"""The compiled core: the modules of `guard.core` as machine code, where somebody has built them (`scripts/compile`).

It is the same source, translated: the same decisions in half the time. Nothing needs it, and nothing may be decided by
a build of other sources than those that lie here. So a build stands in a folder that is named by its *key*: a digest of
the interpreter it was made for, of every byte below `guard/core`, which imports nothing else of guard, and of what
translates it (`scripts/compile_core.py` and the locked versions of its tools). At the start the key of what lies here
is worked out again, and only a build of that name is used. Whoever changes one character has another key, and runs on
the sources until the next build.

    guard/core/**.py  --key-->  build/compiled/KEY/guard/core/**.so   put before the sources, module by module

A build that is not whole, or cannot be loaded (another system library), is left aside with a warning. Whether it is
whole is asked before anything of it is loaded: what a machine that died left of a file may be loaded and kill the
process later, and a module that is missing would be taken from the sources, beside machine code that expects its own.

`GUARD_CORE` in the environment asks for one of the two: `interpreted` (tests that look inside, coverage), or
`compiled`, which refuses to start on anything else. This is called by the package itself, before it imports anything:
so it holds for the daemon, for processes that a backtest starts, and for tests.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType
from warnings import warn

ASKED = "GUARD_CORE"
COMPILED, INTERPRETED = "compiled", "interpreted"
PACKAGE = Path(__file__).parent
BUILDS = PACKAGE.parent / "build" / "compiled"
TOOLS = (PACKAGE.parent / "scripts" / "compile_core.py", PACKAGE.parent / "requirements" / "compile.txt")
"""What builds are made with."""
LIBRARY = "guard_core__mypyc"
"""The one file with the code of all modules; theirs only point into it."""
CONTENTS = "contents"
"""Names each file of a build with its digest."""
SUFFIX = EXTENSION_SUFFIXES[0]
"""Names the interpreter and the machine: `.cpython-311-x86_64-linux-gnu.so`."""


class Finder:
    """Finds the modules of one build, and no others: what `sys.meta_path` asks."""

    def __init__(self, build: Path) -> None:
        names = (file.relative_to(build).as_posix() for file in build.rglob(f"*{SUFFIX}"))
        self._files = {name.removesuffix(SUFFIX).replace("/", "."): build / name for name in names}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module lies; None: not here."""
        del path, target
        file = self._files.get(fullname)
        return None if file is None else spec_from_file_location(fullname, file)


def key_of(core: Path, tools: Sequence[Path] = TOOLS) -> str:
    """What a build of these sources for this interpreter, by these tools, is called."""
    digest = sha256(SUFFIX.encode())
    named = [(file.relative_to(core).as_posix(), file) for file in sorted(core.rglob("*.py"))]
    for name, file in [*named, *((tool.name, tool) for tool in tools if tool.is_file())]:
        text = file.read_bytes()
        digest.update(f"\n{name} {len(text)}\n".encode() + text)
    return digest.hexdigest()[:32]


def contents_of(build: Path) -> str:
    """What a whole build says of itself in `CONTENTS`."""
    files = sorted(build.rglob(f"*{SUFFIX}"))
    return "".join(f"{sha256(file.read_bytes()).hexdigest()}  {file.relative_to(build).as_posix()}\n" for file in files)


def prefer_compiled(core: Path = PACKAGE / "core", builds: Path = BUILDS) -> None:
    """Put a build that fits these sources before them."""
    asked = os.environ.get(ASKED) or None
    if asked not in (None, COMPILED, INTERPRETED):
        raise ImportError(f"{ASKED} is {COMPILED} or {INTERPRETED}, not {asked}")
    if asked == INTERPRETED or (asked is None and not _is_there(builds)):
        return
    build = builds / key_of(core)
    there = _is_there(build)
    problem = _put_in_front(build) if there else f"there is no build of the sources in {core}"
    if problem and asked == COMPILED:
        raise ImportError(f"{ASKED}={COMPILED}, but {problem}: run scripts/compile")
    if there and problem:
        warn(f"guard runs on its sources, because {problem}: run scripts/compile", RuntimeWarning, stacklevel=2)


def _is_there(folder: Path) -> bool:
    """Whether there is such a folder, and this user may look."""
    try:
        return folder.is_dir()
    except OSError:
        return False


def _put_in_front(build: Path) -> str:
    """Use a build; what hinders, if anything does."""
    try:
        if (build / CONTENTS).read_text() != contents_of(build):
            return f"the build in {build} is not whole"
    except (OSError, UnicodeError) as error:
        return f"the build in {build} cannot be read ({error})"
    finder = Finder(build)
    sys.meta_path.insert(0, finder)
    try:
        import_module(LIBRARY)
    except ImportError as error:
        sys.meta_path.remove(finder)
        return f"the build in {build} cannot be loaded ({error})"
    return ""


def kind_of_core() -> str:
    """What this process runs on."""
    return COMPILED if any(isinstance(finder, Finder) for finder in sys.meta_path) else INTERPRETED
