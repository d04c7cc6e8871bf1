"""A model on disk: what was saved is loaded, and whatever else lies there is refused with its reason."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from guard.anomaly.artefact import CARD, EXPECTED, GRAPH, LIKENESS, MANIFEST, load
from guard.anomaly.features import columns_of
from guard.anomaly.forest import graph_of
from guard.anomaly.model import WIDTH
from guard.anomaly.refusal import ArtefactError
from tests.anomaly.builders import history, trained, trained_with_labels, write_model

Json = dict[str, Any]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    write_model(folder)
    return folder


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved, tmp_path / "model"))


@pytest.fixture
def labelled(tmp_path: Path) -> Path:
    """A model that was trained with labels."""
    write_model(tmp_path / "labelled", trained_with_labels())
    return tmp_path / "labelled"


def rewrite(folder: Path, change: Callable[[Json], None]) -> None:
    """Change the manifest as somebody would who knows what he does: the hashes of the other files stay right."""
    path = folder / MANIFEST
    manifest = json.loads(path.read_bytes())
    change(manifest)
    path.write_text(json.dumps(manifest))


def test_what_was_saved_is_loaded(folder: Path) -> None:
    artefact = load(folder)
    assert artefact.model == trained().model
    assert (artefact.origin.name, artefact.origin.trained) == ("trial", {"seed": 3})
    rows = np.array([row.measures for row in history(9, accounts=5, days=5)])
    features = artefact.model.features(columns_of(rows))
    before = trained().model.scores(features, trained().walk).total
    assert np.abs(artefact.model.scores(features, artefact.walk).total - before).max() < 1e-4


def test_what_was_saved_with_labels_is_loaded(labelled: Path) -> None:
    artefact, made = load(labelled), trained_with_labels()
    assert artefact.model == made.model
    features = artefact.model.features(columns_of(np.array([row.measures for row in history(9, accounts=5, days=5)])))
    before = made.model.scores(features, made.walk)
    assert np.abs(artefact.model.scores(features, artefact.walk).total - before.total).max() < 1e-4
    assert before.likeness.any()


def test_a_likeness_that_is_missing_changed_or_another(labelled: Path) -> None:
    path = labelled / LIKENESS
    content = path.read_bytes()
    path.unlink()
    with pytest.raises(ArtefactError, match=r"likeness\.onnx: cannot be read: No such file"):
        load(labelled)
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(ArtefactError, match=r"likeness\.onnx: is not the file that manifest\.json was written for"):
        load(labelled)
    replace_file(labelled, LIKENESS, b"junk")
    with pytest.raises(ArtefactError, match=r"likeness\.onnx: is no graph that can be loaded"):
        load(labelled)
    replace_file(labelled, LIKENESS, (labelled / GRAPH).read_bytes())
    with pytest.raises(ArtefactError, match="scores come out different"):
        load(labelled)


def test_without_labels_nothing_is_left_of_a_likeness_that_lay_there(labelled: Path) -> None:
    write_model(labelled)
    assert {path.name for path in labelled.iterdir()} == {MANIFEST, GRAPH, EXPECTED, CARD}
    assert load(labelled).model.likeness_rarity is None


def test_the_same_model_makes_the_same_files(saved: Path, tmp_path: Path) -> None:
    write_model(tmp_path)
    for name in (MANIFEST, GRAPH, EXPECTED, CARD):
        assert (tmp_path / name).read_bytes() == (saved / name).read_bytes(), name


def test_nothing_in_it_is_a_pickle(saved: Path) -> None:
    assert {path.name for path in saved.iterdir()} == {MANIFEST, GRAPH, EXPECTED, CARD}
    for path in saved.iterdir():
        assert not path.read_bytes().startswith((b"\x80\x04", b"\x80\x05", b"PK"))


@pytest.mark.parametrize("name", [MANIFEST, GRAPH, EXPECTED, CARD])
def test_a_file_that_is_missing(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ArtefactError, match=f"{name}: cannot be read: No such file"):
        load(folder)


@pytest.mark.parametrize("name", [GRAPH, EXPECTED, CARD])
@pytest.mark.parametrize("cut", [0, 1, 0.5])
def test_a_truncated_file(folder: Path, name: str, cut: float) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: int(len(content) * cut)] if cut != 1 else content[:-1])
    with pytest.raises(ArtefactError, match=f"{name}: is not the file that manifest.json was written for"):
        load(folder)


@pytest.mark.parametrize("name", [GRAPH, EXPECTED, CARD])
def test_a_file_with_one_bit_changed(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ArtefactError, match="is not the file"):
        load(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b"\x80\x04K\x07.", b"[" * 100_000, b'{"format": NaN}'])
def test_a_manifest_that_is_none(folder: Path, content: bytes) -> None:
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(ArtefactError, match=r"manifest\.json: is not"):
        load(folder)


def test_a_file_that_is_far_too_large_is_not_read(folder: Path) -> None:
    with (folder / MANIFEST).open("r+b") as file:
        file.truncate(1 << 33)
    with pytest.raises(ArtefactError, match="is larger than 4,194,304 bytes"):
        load(folder)


def test_the_features_of_another_version(folder: Path) -> None:
    rewrite(folder, lambda manifest: manifest["schema"].update(version=0))
    with pytest.raises(ArtefactError, match="version 0 of the features; this guard has version 2: train it anew"):
        load(folder)


CHANGES: list[tuple[str, Callable[[Json], None], str]] = [
    ("another format", lambda told: told.update(format=2), "format 2; this guard reads format 3"),
    ("no schema", lambda told: told.pop("schema"), "version None of the features"),
    ("measures swapped", lambda told: told["schema"]["measures"].reverse(), "schema.measures are not those"),
    ("a feature more", lambda told: told["schema"]["features"].append("x"), "schema.features are not those"),
    ("no hashes", lambda told: told.pop("sha256"), "is not the file"),
    ("no model", lambda told: told.pop("model"), "model.: is no table"),
    ("a text for a number", lambda told: told["model"].update(unit="10"), "model.unit: is no number"),
    ("nothing spread", lambda told: told["model"]["spread"].update(spend=0), "model.spread.spend: is not above 0"),
    ("a name missing", lambda told: told["model"]["high"].pop("drift"), "model.high: has"),
    ("a truth for a number", lambda told: told["model"]["usual"].update(price=True), "model.usual.price: is no number"),
    ("marks upside down", lambda told: told["model"]["calibration"]["known"]["marks"].reverse(), "the largest first"),
    ("bounds upside down", lambda told: told["model"]["calibration"]["known"]["bounds"].reverse(), "not ascend"),
    ("a mark too few", lambda told: told["model"]["calibration"]["known"]["marks"].pop(), "one above 0 for each mark"),
    (
        "accounts that are none",
        lambda told: told["model"]["calibration"]["strangers"].update(accounts=-1),
        "strangers.accounts: is no count",
    ),
    ("a rarity that falls", lambda told: told["model"]["rarity"]["forest"]["values"].reverse(), "does not ascend"),
    ("bins without parts", lambda told: told["model"]["parts"].update(price=[1.0]), "one more than bins.price"),
]


@pytest.mark.parametrize(("change", "said"), [each[1:] for each in CHANGES], ids=[each[0] for each in CHANGES])
def test_a_manifest_that_somebody_has_changed(folder: Path, change: Callable[[Json], None], said: str) -> None:
    rewrite(folder, change)
    with pytest.raises(ArtefactError) as error:
        load(folder)
    assert said in str(error.value)
    assert str(folder) in str(error.value), "says where"


def replace_file(folder: Path, name: str, content: bytes) -> None:
    """Put another file in its place, and its hash into the manifest."""
    (folder / name).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    rewrite(folder, lambda manifest: manifest["sha256"].update({name: digest}))


def test_a_foreign_graph_with_its_hash_put_right(folder: Path) -> None:
    told = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "foreign", told[:1], told[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    replace_file(folder, GRAPH, model.SerializeToString())
    with pytest.raises(ArtefactError, match=r"model\.onnx: takes .* not 31 features"):
        load(folder)


def test_another_forest_with_its_hash_put_right_does_not_give_the_expected_scores(folder: Path) -> None:
    forest = trained().forest
    replace_file(folder, GRAPH, graph_of(replace(forest, length=forest.length * np.float32(1.01)), WIDTH))
    with pytest.raises(ArtefactError, match="scores come out different"):
        load(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told.update(scores=[1.0]), "one score for each row"),
        (lambda told: told.update(rows=[], scores=[]), "one score for each row"),
        (lambda told: told.update(rows="x"), "are not numbers"),
        (lambda told: told["scores"].__setitem__(0, 1.0), "scores come out different"),
    ],
)
def test_expected_scores_that_are_none(folder: Path, change: Callable[[Json], None], said: str) -> None:
    expected = json.loads((folder / EXPECTED).read_bytes())
    change(expected)
    replace_file(folder, EXPECTED, json.dumps(expected).encode())
    with pytest.raises(ArtefactError, match=said):
        load(folder)
