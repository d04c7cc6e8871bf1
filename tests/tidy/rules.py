"""The rules of the house that are about one file at a time: each yields a sentence with the place and the remedy."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.tidy.tree import Module, Tree

MAX_LINES = 400
MIN_DOCSTRING = 80
DOCUMENTS = ("ARCHITECTURE.md", "CHANGELOG.md", "README.md")
MONEY_PATHS = ("guard.core.money",)

BANNED_IN_CORE = {
    "asyncio": "the core is called, it does not wait",
    "logging": "return what happened; the shell logs it",
    "random": "derive it from the input, or take it as an input",
    "secrets": "derive it from the input, or take it as an input",
    "socket": "I/O belongs in an adapter",
    "structlog": "return what happened; the shell logs it",
    "subprocess": "I/O belongs in an adapter",
    "threading": "the core has one caller at a time",
    "time": "time arrives inside the input",
    "uuid": "ids are derived, never drawn",
}
BANNED_CALLS_IN_CORE = {
    "date.today": "time arrives inside the input",
    "datetime.now": "time arrives inside the input",
    "datetime.today": "time arrives inside the input",
    "datetime.utcnow": "time arrives inside the input",
    "input": "the core does no I/O",
    "open": "the core does no I/O; whoever reads the file passes its text",
    "print": "return what happened; the shell says it",
}

DANGEROUS_IMPORTS = {
    "dill": "what it reads may run anything: write data, and read it with care",
    "marshal": "what it reads may run anything: write data, and read it with care",
    "pickle": "what it reads may run anything: write data, and read it with care",
    "shelve": "it is pickle: write data, and read it with care",
    "yaml": "files are TOML (NO is a country here); and yaml.load runs what it reads",
}
DANGEROUS_CALLS = {
    "eval": "it runs text",
    "exec": "it runs text",
    "os.popen": "it starts a shell: subprocess.run with a list",
    "os.system": "it starts a shell: subprocess.run with a list",
    "tempfile.mktemp": "somebody else may take the name first: NamedTemporaryFile, TemporaryDirectory",
    "ssl._create_unverified_context": "it believes everybody",
}
DANGEROUS_ARGUMENTS = {
    ("shell", True): "it starts a shell: a list of words, without one",
    ("verify", False): "it believes everybody: name the authority",
    ("check_hostname", False): "it believes everybody: name the authority",
}

MACHINE_PATH = re.compile(r"(?<![\w.~-])/(wor[k]|far[m]|roo[t]|hom[e]|User[s]|tm[p])/\w+")
INDEX_ADDRESS = re.compile(r"(index-ur[l]|find-link[s]|index_ur[l]|pypi\.or[g]/simple|pythonhosted\.or[g])")
_BOUNDARY = re.compile(r"#.*\bboundary: \S")


def impure_core(tree: Tree) -> Iterator[str]:
    """A clock, chance, a log, I/O or asyncio in the core."""
    for module in tree.under("guard.core"):
        for imported in tree.imports(module):
            if imported.top in BANNED_IN_CORE:
                yield f"{module.at(imported.line)}: imports {imported.top}: {BANNED_IN_CORE[imported.top]}"
        for node in ast.walk(module.syntax):
            if isinstance(node, ast.Call) and (reason := _banned(node.func)) is not None:
                yield f"{module.at(node.lineno)}: calls {ast.unparse(node.func)}: {reason}"


def dangerous(tree: Tree) -> Iterator[str]:
    """What runs data as code, or believes everybody: no argument makes it right in a daemon like this."""
    for module in tree.modules.values():
        for imported in tree.imports(module):
            if imported.top in DANGEROUS_IMPORTS:
                yield f"{module.at(imported.line)}: imports {imported.top}: {DANGEROUS_IMPORTS[imported.top]}"
    for module, node in _nodes(tree):
        if isinstance(node, ast.Call):
            if (reason := DANGEROUS_CALLS.get(ast.unparse(node.func))) is not None:
                yield f"{module.at(node.lineno)}: calls {ast.unparse(node.func)}: {reason}"
            for given in node.keywords:
                value = given.value.value if isinstance(given.value, ast.Constant) else None
                if isinstance(value, bool) and (reason := DANGEROUS_ARGUMENTS.get((given.arg or "", value))):
                    yield f"{module.at(node.lineno)}: {given.arg}={value}: {reason}"
        elif isinstance(node, ast.Attribute) and node.attr == "CERT_NONE":
            yield f"{module.at(node.lineno)}: CERT_NONE: it believes everybody: name the authority"


def inexact_money(tree: Tree) -> Iterator[str]:
    """A float where money is: a literal, a conversion, or a division that makes one."""
    for module, node in _nodes(tree):
        if module.name in MONEY_PATHS and (what := _inexact(node)) is not None:
            yield (
                f"{module.at(getattr(node, 'lineno', 1))}: {what}: money is whole micros; divide with // in a function "
                "whose name says how it rounds"
            )


def bare_asserts(tree: Tree) -> Iterator[str]:
    """`assert` is gone under -O, and the invariants of money stay on."""
    for module, node in _nodes(tree):
        if isinstance(node, ast.Assert):
            yield f"{module.at(node.lineno)}: bare assert: use invariant(condition, fact) of guard.core.invariants"


def broad_excepts(tree: Tree) -> Iterator[str]:
    """Only the boundary of a task may catch everything, and says so there."""
    for module, node in _nodes(tree):
        if not isinstance(node, ast.ExceptHandler) or not _catches_everything(node):
            continue
        if not any(_BOUNDARY.search(line) for line in module.lines[node.lineno - 1 : node.lineno + 1]):
            yield (
                f"{module.at(node.lineno)}: catches everything: name the exceptions, or, at the boundary of a task, "
                "say what is beyond it, on this line or the next: `# boundary: ...`"
            )


def long_modules(tree: Tree) -> Iterator[str]:
    """More than one purpose, most likely."""
    for module in tree.modules.values():
        if len(module.lines) > MAX_LINES:
            yield (
                f"{module.path}: {len(module.lines)} lines, at most {MAX_LINES}: which part has a purpose of its own "
                "that its docstring can state?"
            )


def silent_modules(tree: Tree) -> Iterator[str]:
    """A module without its theory of operation, or a folder without `__init__`."""
    for module in tree.modules.values():
        if len(module.docstring) < MIN_DOCSTRING:
            yield (
                f"{module.path}: its docstring has {len(module.docstring)} characters, at least {MIN_DOCSTRING}: say "
                "what it is for, its rules, what it must not know"
            )
    for folder in sorted({name.rpartition(".")[0] for name in tree.modules if "." in name}):
        if folder not in tree.modules:
            yield f"{folder.replace('.', '/')}/: has no __init__.py: add one that says what the folder is for"


def missing_documents(tree: Tree) -> Iterator[str]:
    """What a newcomer reads first. A tree without code needs none yet."""
    for name in DOCUMENTS if tree.modules else ():
        if not (tree.root / name).is_file():
            yield f"{name}: is missing: write it"


def places_of_one_machine(tree: Tree) -> Iterator[str]:
    """A path or an index address that is true on one machine only."""
    for name in tree.files:
        text = tree.text(name)
        for number, line in enumerate((text or "").splitlines(), start=1):
            if found := MACHINE_PATH.search(line):
                yield f"{name}:{number}: {found[0]}: a path of one machine: make it relative, or take it as an argument"
            if found := INDEX_ADDRESS.search(line):
                yield f"{name}:{number}: {found[0]}: where packages come from is set on the machine that installs them"


def _nodes(tree: Tree) -> Iterator[tuple[Module, ast.AST]]:
    for module in tree.modules.values():
        for node in ast.walk(module.syntax):
            yield module, node


def _banned(function: ast.expr) -> str | None:
    """Why a call is banned. `datetime.datetime.now` is `datetime.now`; `self.open` is not the built-in `open`."""
    dotted = ast.unparse(function)
    for banned, reason in BANNED_CALLS_IN_CORE.items():
        if dotted == banned or ("." in banned and dotted.endswith(f".{banned}")):
            return reason
    return None


def _inexact(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        return f"the float {node.value}"
    if isinstance(node, ast.Name) and node.id == "float":
        return "float"
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
        return "a division that makes a float"
    return None


def _catches_everything(handler: ast.ExceptHandler) -> bool:
    """Catches and keeps: one that tidies up and ends with a plain `raise` passes everything on."""
    last = handler.body[-1]
    if isinstance(last, ast.Raise) and last.exc is None:
        return False
    if handler.type is None:
        return True
    names = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(isinstance(name, ast.Name) and name.id in {"Exception", "BaseException"} for name in names)
