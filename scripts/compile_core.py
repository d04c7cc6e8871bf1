"""Builds the compiled core (`guard.compiled` says what that is): called by `scripts/compile`, in its environment.

mypyc translates modules whose types mypy has checked; classes become structs, calls become calls. What it reads is a
copy, so the key is that of what was built whatever is edited meanwhile; it takes the place of its name whole, at the
end. Three spellings are rewritten in the copy, line by line, because mypyc does not know them; none says anything that
a native class does not do anyway:

* `@dataclass(slots=True)` loses `slots`, and classes lose their `__slots__`: attributes are fields of a struct.
* The fields of a `NamedTuple` are quoted: mypyc would look their types up where the class is made, and classes that
  are made later are not there yet.

Some modules stay as they are (`LEFT`). All else of the core is translated together: calls among its modules are direct.
"""

# ruff: noqa: INP001 -- a program, called as `python -m scripts.compile_core`, and no package

from __future__ import annotations

import ast
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

from guard.compiled import BUILDS, CONTENTS, LIBRARY, PACKAGE, contents_of, key_of

RECORDS = (
    "decisions",
    "neighbours",
    "records",
    "restored",
    "rows",
    "rules/rows",
    "settings",
    "setup",
    "statement",
    "views",
)
"""Nothing but what is kept and sent: libraries read these annotations while guard runs, and the shell makes them."""
WITH_A_ROW = ("fuses", "rules/fuse", "rules/usual", "spokesman", "suspicion")
"""Behaviour and the row that survives of it: of a field's type a translated class keeps the half only."""
SENT = ("plans", "privacy", "rules/past", "rules/rule", "scopes", "tariff")
"""A backtest sends these to other processes; what is frozen and native does not arrive there."""
FOREIGN = ("emergency",)
"""A tuple of its own kind, which mypyc does not know."""
LEFT = frozenset(f"guard/core/{name}.py" for name in (*RECORDS, *WITH_A_ROW, *SENT, *FOREIGN))

Edit = tuple[int, int, int, str]
"""Line (from 0), columns from and to in bytes, and what comes there instead."""


def _decorators(node: ast.ClassDef) -> Iterator[Edit]:
    """Without `slots=True`."""
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and any(word.arg == "slots" for word in call.keywords):
            call.keywords = [word for word in call.keywords if word.arg != "slots"]
            if call.end_lineno == call.lineno and call.end_col_offset is not None:
                yield call.lineno - 1, call.col_offset, call.end_col_offset, ast.unparse(call)


def _body(node: ast.ClassDef) -> Iterator[Edit]:
    """Without `__slots__`; the fields of a NamedTuple quoted."""
    named = any(isinstance(base, ast.Name) and base.id == "NamedTuple" for base in node.bases)
    for line in node.body:
        match line:
            case ast.Assign(targets=[ast.Name(id="__slots__")], lineno=first, end_lineno=int(last)):
                yield first - 1, line.col_offset, line.col_offset, "pass  # "
                for number in range(first, last):
                    yield number, 0, 0, "# "
            case ast.AnnAssign(annotation=ast.expr(lineno=first, col_offset=begin, end_col_offset=int(end)) as of) if (
                named and not isinstance(of, ast.Constant)
            ):
                yield first - 1, begin, end, repr(ast.unparse(of))
            case _:
                pass


def rewritten(source: str) -> str:
    """A module in spellings that mypyc knows; every line stays where it is, so tracebacks tell the truth."""
    lines = source.encode().split(b"\n")
    classes = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef)]
    edits = [edit for node in classes for edit in (*_decorators(node), *_body(node))]
    for number, begin, end, text in sorted(edits, reverse=True):
        line = lines[number]
        lines[number] = line[:begin] + text.encode() + line[end:]
    return b"\n".join(lines).decode()


def translated(modules: list[str]) -> Path:
    """The modules as machine code, in a folder below this one."""
    # Only here: whoever asks how modules are spelled needs no compiler.
    from mypyc.build import mypycify  # noqa: PLC0415
    from setuptools import Distribution  # noqa: PLC0415

    Path("mypy.ini").write_text("[mypy]\nlocal_partial_types = true\n")
    options = ["--config-file", "mypy.ini", "--cache-dir", "cache", *modules]
    group = LIBRARY.removesuffix("__mypyc")
    # A higher level takes a quarter longer to build and came to the same speed.
    extensions = mypycify(options, group_name=group, opt_level="1", debug_level="0", target_dir="c")
    command = Distribution({"name": group, "ext_modules": extensions}).get_command_obj("build_ext")
    command.build_lib, command.build_temp = "built", "objects"
    command.ensure_finalized()
    command.run()
    return Path("built")


def build(core: Path, into: Path) -> Path:
    """Build what lies in `core`; the folder of the build."""
    with tempfile.TemporaryDirectory() as name, chdir(name):
        copy = Path("guard", "core")
        shutil.copytree(core, copy, ignore=shutil.ignore_patterns("__pycache__"))
        Path("guard", "__init__.py").touch()
        place = into / key_of(copy)
        modules = sorted(path.as_posix() for path in copy.rglob("*.py") if path.name != "__init__.py")
        chosen = [module for module in modules if module not in LEFT]
        for module in map(Path, chosen):
            module.write_text(rewritten(module.read_text()))
        partial = into / f".{place.name}"
        shutil.rmtree(partial, ignore_errors=True)
        shutil.copytree(translated(chosen), partial)
        (partial / CONTENTS).write_text(contents_of(partial))
        shutil.rmtree(place, ignore_errors=True)
        partial.rename(place)
    return place


if __name__ == "__main__":
    print(build(PACKAGE / "core", BUILDS))  # noqa: T201 -- what was asked for
