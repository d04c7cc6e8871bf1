"""Who may import whom: the one table of the layers, read from the inside to the outside.

The core knows nobody. What changes most, libraries and wiring, is outermost, so that it can change alone.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass

from tests.tidy.tree import Import, Module, Tree, within

ANYTHING = ("*",)
"""Of guard, or of the world outside it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A part of the package, what it may import of guard besides itself, and which libraries."""

    prefix: str
    guard: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()


CORE, WIRE, PORTS = "guard.core", "guard.wire", "guard.ports"
BROKER = ("guard.adapters.mqtt", "guard.adapters.broker")

LAYERS = (
    Layer(prefix=CORE),
    Layer(prefix=WIRE, guard=(CORE,), libraries=("msgspec",)),
    Layer(prefix=PORTS, guard=(CORE,)),
    Layer(prefix="guard.config", guard=(CORE,)),
    Layer(prefix="guard.scenarios", guard=(CORE, "guard.config")),
    Layer(prefix="guard.shell", guard=(CORE, PORTS, WIRE), libraries=("structlog",)),
    Layer(prefix="guard.adapters", guard=(CORE, PORTS, WIRE), libraries=ANYTHING),
    Layer(prefix="guard.anomaly", guard=(CORE,), libraries=ANYTHING),
    Layer(prefix="guard.replay", guard=(CORE, PORTS, WIRE, *BROKER), libraries=("aiomqtt", "msgspec", "structlog")),
    Layer(prefix="guard.backtest", guard=(CORE, WIRE, "guard.config", "guard.replay"), libraries=("msgspec",)),
    Layer(
        prefix="guard.learning",
        guard=(CORE, WIRE, "guard.config", "guard.replay", "guard.backtest"),
        libraries=("msgspec",),
    ),
    Layer(
        prefix="guard.setup",
        guard=(
            CORE,
            PORTS,
            "guard.config",
            "guard.adapters.countries",
            "guard.adapters.http.tokens",
            "guard.adapters.numbers",
        ),
    ),
    Layer(
        prefix="guard.notifiers",
        guard=(CORE, PORTS, "guard.config", "guard.shell.courier", "guard.adapters.webhook", "guard.adapters.apprise"),
    ),
    Layer(prefix="guard.login", guard=("guard.config", "guard.adapters.mqtt")),
    Layer(prefix="guard.loglogin", guard=("guard.config", "guard.adapters.nats")),
    Layer(prefix="guard.models", guard=(CORE, "guard.config", "guard.anomaly")),
    Layer(prefix="guard.app", guard=ANYTHING, libraries=ANYTHING),
    Layer(prefix="guard.cli", guard=ANYTHING, libraries=ANYTHING),
    Layer(prefix="guard.commands", guard=ANYTHING, libraries=ANYTHING),
    Layer(prefix="guard.__main__", guard=ANYTHING),
    Layer(prefix="guard.compiled"),
    Layer(prefix="guard", guard=("guard.compiled",)),
)
"""The first whose prefix fits. The last is the package itself: its version, and which core it runs on."""

FAMILIES = {
    "aiomqtt": "MQTT",
    "paho": "MQTT",
    "jinja2": "HTTP server",
    "starlette": "HTTP server",
    "uvicorn": "HTTP server",
    "httpx": "HTTP client",
    "standardwebhooks": "HTTP client",
}
"""Libraries that are one thing in several parts count as one."""

EVERYWHERE = {"msgspec", "structlog"}
"""What an adapter may use beside its own library: records and the log."""


def wrong_directions(tree: Tree) -> Iterator[str]:
    """An import from a layer that must not be known."""
    for module in tree.modules.values():
        layer = layer_of(module.name)
        if layer is None:
            yield f"{module.path}: belongs to no layer: give it a line in LAYERS, tests/tidy/layers.py"
            continue
        for imported in tree.imports(module):
            if within(imported.target, "guard") and not _may_know(module, layer, imported):
                allowed = ", ".join((layer.prefix, *layer.guard))
                yield f"{module.at(imported.line)}: imports {imported.target}; {layer.prefix} may import {allowed}"


def foreign_libraries(tree: Tree) -> Iterator[str]:
    """A library in a layer that should not need it."""
    for module in tree.modules.values():
        layer = layer_of(module.name)
        if layer is None or layer.libraries == ANYTHING:
            continue
        for imported in _libraries(tree, module):
            if imported.top not in layer.libraries:
                allowed = ", ".join(("the standard library", *layer.libraries))
                yield f"{module.at(imported.line)}: imports {imported.top}; {layer.prefix} may import {allowed}"


def crowded_adapters(tree: Tree) -> Iterator[str]:
    """An adapter that knows more than its one library."""
    families: dict[str, dict[str, str]] = {}
    for module in tree.under("guard.adapters"):
        if module.name == "guard.adapters":
            continue
        adapter = _adapter(module.name)
        for imported in _libraries(tree, module):
            if imported.top not in EVERYWHERE:
                family = FAMILIES.get(imported.top, imported.top)
                families.setdefault(adapter, {}).setdefault(family, module.at(imported.line))
    for adapter, known in families.items():
        if len(known) > 1:
            places = ", ".join(f"{family} ({place})" for family, place in sorted(known.items()))
            yield f"{adapter}: knows {places}: make two adapters of it, or one family in FAMILIES, tests/tidy/layers.py"


def layer_of(name: str) -> Layer | None:
    """The layer of a module. `guard.something` is the package's own only if it is in the table."""
    for layer in LAYERS:
        if name == layer.prefix or (layer.prefix != "guard" and within(name, layer.prefix)):
            return layer
    return None


def _may_know(module: Module, layer: Layer, imported: Import) -> bool:
    if layer.guard == ANYTHING or imported.target == "guard":
        return True
    if layer.prefix == "guard.adapters" and within(imported.target, "guard.adapters"):
        return within(imported.target, _adapter(module.name))
    return any(within(imported.target, prefix) for prefix in (layer.prefix, *layer.guard) if prefix != "guard")


def _adapter(name: str) -> str:
    """`guard.adapters.mqtt.frames` is part of the adapter `guard.adapters.mqtt`."""
    return ".".join(name.split(".")[:3])


def _libraries(tree: Tree, module: Module) -> Iterator[Import]:
    for imported in tree.imports(module):
        if imported.top != "guard" and imported.top not in sys.stdlib_module_names:
            yield imported
