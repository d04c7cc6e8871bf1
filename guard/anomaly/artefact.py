"""The artefact: a model as a folder of a few files, none of which can run anything.

    model.onnx      the forest: one operator, deterministic bytes
    likeness.onnx   the trees of a model that was trained with labels: the same operator; else there is no such file
    manifest.json   format and schema versions, names of measures and features, all numbers that scores are made of,
                    the span and seed of the training, and the sha256 of the other files
    expected.json   some rows of measures and the scores they must come to
    card.md         what the model is and is not good for, for people

`load` believes nothing: sizes are bounded before anything is read, hashes are compared before anything is parsed, the
schema must be this program's to the letter, every number must be finite, the graph must be a tree ensemble of the right
width, and the expected scores must come out. Whatever is wrong is an `ArtefactError` that says what, where and what to
do; the caller goes on without a model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from guard.anomaly.features import FEATURE_NAMES, VERSION, columns_of
from guard.anomaly.manifest import ManifestError, model_of, numbers_of
from guard.anomaly.measures import NAMES
from guard.anomaly.model import Model, Walkers
from guard.anomaly.refusal import ArtefactError
from guard.anomaly.runtime import GraphError, Runtime

FORMAT = 3
MANIFEST, GRAPH, EXPECTED, CARD = "manifest.json", "model.onnx", "expected.json", "card.md"
LIKENESS = "likeness.onnx"
HASHED = (GRAPH, EXPECTED, CARD)
MOST_BYTES = {MANIFEST: 4 << 20, GRAPH: 32 << 20, LIKENESS: 32 << 20, EXPECTED: 1 << 20, CARD: 256 << 10}
"""A forest of 100 trees of 256 rows is 2 MB, a manifest 50 KB: far below."""
TOLERANCE = 1e-4
"""Decades by which an expected score may differ: 32-bit sums differ from machine to machine in the seventh digit."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a model comes from, for people and for comparison."""

    name: str
    trained: Mapping[str, Any]
    """Span, rows, accounts, seed, and how the promise was kept: as a report shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Artefact:
    """A model that was loaded, its trees ready to be walked."""

    model: Model
    walk: Walkers
    origin: Origin
    digest: str
    """Of the manifest, and through it of everything: which model this is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What is written beside the model's own numbers."""

    graph: bytes
    likeness: bytes | None = None
    """The other graph, of a model that has one."""
    card: str
    examples: Sequence[Sequence[float]]
    scores: Sequence[float]


def save(folder: Path, model: Model, origin: Origin, written: Written) -> str:
    """Write an artefact; the same model gives the same bytes. Its digest."""
    folder.mkdir(parents=True, exist_ok=True)
    expected = {
        "measures": list(NAMES),
        "rows": [list(row) for row in written.examples],
        "scores": list(written.scores),
    }
    contents = {GRAPH: written.graph, EXPECTED: _encoded(expected), CARD: written.card.encode()}
    if written.likeness is not None:
        contents[LIKENESS] = written.likeness
    manifest = {
        "format": FORMAT,
        "schema": {"version": VERSION, "measures": list(NAMES), "features": list(FEATURE_NAMES)},
        "name": origin.name,
        "trained": dict(origin.trained),
        "model": numbers_of(model),
        "sha256": {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()},
    }
    told = _encoded(manifest)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    if written.likeness is None:
        (folder / LIKENESS).unlink(missing_ok=True)  # of a model that lay here before
    (folder / MANIFEST).write_bytes(told)
    return hashlib.sha256(told).hexdigest()


def load(folder: Path) -> Artefact:
    """Read, verify, try out; `ArtefactError` if it cannot be used."""
    told = _read(folder, MANIFEST)
    manifest = _parsed(folder, MANIFEST, told)
    _check_schema(folder, manifest)
    contents = {name: _verified(folder, name, manifest) for name in HASHED}
    try:
        model = model_of(manifest.get("model"))
    except ManifestError as error:
        raise ArtefactError(f"{folder / MANIFEST}: model.{error}; {_AGAIN}") from error
    walk = Walkers(_runtime(folder, GRAPH, contents[GRAPH]))
    if model.likeness_rarity is not None:
        walk = walk._replace(likeness=_runtime(folder, LIKENESS, _verified(folder, LIKENESS, manifest)))
    _try_out(folder, _parsed(folder, EXPECTED, contents[EXPECTED]), model, walk)
    trained = manifest.get("trained")
    origin = Origin(name=str(manifest.get("name", "")), trained=trained if isinstance(trained, dict) else {})
    return Artefact(model=model, walk=walk, origin=origin, digest=hashlib.sha256(told).hexdigest())


def _runtime(folder: Path, name: str, graph: bytes) -> Runtime:
    try:
        return Runtime(graph, len(FEATURE_NAMES))
    except GraphError as error:
        raise ArtefactError(f"{folder / name}: {error}; {_AGAIN}") from error


_AGAIN = "take the whole folder from where it was made, or train it anew (guard train)"


def _read(folder: Path, name: str) -> bytes:
    path = folder / name
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES[name] + 1)
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be read: {error.strerror or error}; {_AGAIN}") from error
    if len(content) > MOST_BYTES[name]:
        raise ArtefactError(f"{path}: is larger than {MOST_BYTES[name]:,} bytes, which no model of guard is; {_AGAIN}")
    return content


def _verified(folder: Path, name: str, manifest: Json) -> bytes:
    """A file whose hash is the one in the manifest."""
    hashes = manifest.get("sha256")
    wanted = hashes.get(name) if isinstance(hashes, dict) else None
    content = _read(folder, name)
    if hashlib.sha256(content).hexdigest() != wanted:
        raise ArtefactError(f"{folder / name}: is not the file that {MANIFEST} was written for (sha256); {_AGAIN}")
    return content


def _parsed(folder: Path, name: str, content: bytes) -> Json:
    try:
        parsed = json.loads(content, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise ArtefactError(f"{folder / name}: is not JSON ({error}); {_AGAIN}") from error
    if not isinstance(parsed, dict):
        raise ArtefactError(f"{folder / name}: is not a JSON object; {_AGAIN}")
    return parsed


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number here")


def _check_schema(folder: Path, manifest: Json) -> None:
    place = folder / MANIFEST
    if manifest.get("format") != FORMAT:
        raise ArtefactError(f"{place}: format {manifest.get('format')!r}; this guard reads format {FORMAT}; {_AGAIN}")
    schema = manifest.get("schema")
    if not isinstance(schema, dict) or schema.get("version") != VERSION:
        version = schema.get("version") if isinstance(schema, dict) else None
        raise ArtefactError(
            f"{place}: trained on version {version!r} of the features; this guard has version {VERSION}: train it anew"
            " (guard train)"
        )
    for what, names in (("measures", NAMES), ("features", FEATURE_NAMES)):
        if schema.get(what) != list(names):
            raise ArtefactError(f"{place}: schema.{what} are not those of version {VERSION}; {_AGAIN}")


def _try_out(folder: Path, expected: Json, model: Model, walk: Walkers) -> None:
    """The expected scores must come out."""
    place = folder / EXPECTED
    rows, scores = expected.get("rows"), expected.get("scores")
    try:
        measures = np.array(rows, dtype=np.float64)
        wanted = np.array(scores, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise ArtefactError(f"{place}: rows and scores are not numbers; {_AGAIN}") from error
    if expected.get("measures") != list(NAMES) or measures.ndim != 2 or wanted.shape != (len(measures),):  # noqa: PLR2004
        raise ArtefactError(f"{place}: one score for each row of measures; {_AGAIN}")
    if not len(wanted) or measures.shape[1] != len(NAMES):
        raise ArtefactError(f"{place}: has no rows of {len(NAMES)} measures; {_AGAIN}")
    got = model.scores(model.features(columns_of(measures)), walk).total
    worst = float(np.max(np.abs(got - wanted)))
    if not worst <= TOLERANCE:
        raise ArtefactError(f"{place}: scores come out different by {worst:.6f}, at most {TOLERANCE}; {_AGAIN}")


def _encoded(content: Json) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False).encode() + b"\n"
