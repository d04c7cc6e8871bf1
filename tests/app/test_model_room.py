"""The anomaly model's place in the daemon: which one runs, which one a reload has read, why there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from guard.adapters.metrics import Figures
from guard.anomaly.lookout import Lookout
from guard.anomaly.refusal import ArtefactError
from guard.app.model import ModelRoom
from guard.config import Config
from guard.config.sections import ModelSection
from guard.config.shipped import shipped
from guard.core.settings import ModelMode
from guard.ports import Model
from guard.shell.sentinel import Sentinel
from tests.shell.fakes import House

SHIPPED = Config(model=ModelSection(dir=shipped("models") / "default"))


def wanting(folder: Path, mode: ModelMode = ModelMode.SHADOW) -> Config:
    return Config(model=ModelSection(dir=folder, mode=mode))


def sentinel_of(room: ModelRoom) -> Sentinel:
    house = House()
    sentinel = Sentinel(engine=house.engine, clock=house.clock, figures=Figures(), tell=lambda findings, rows: None)
    sentinel.swap(room.lookout)
    return sentinel


def test_the_model_that_runs_is_told_with_what_it_learned_from() -> None:
    room = ModelRoom(SHIPPED)
    view = room.view(sentinel_of(room), Figures())
    assert (view.mode, view.up, view.wrong) == (ModelMode.SHADOW, True, "")
    assert view.trained is not None
    assert view.trained.name == "default"
    assert view.trained.accounts > 100
    assert view.trained.first < view.trained.last
    assert len(view.trained.digest) == 64
    assert view.folder.endswith("default")


def test_one_that_cannot_be_used_is_none_with_the_reason(tmp_path: Path) -> None:
    """And guard starts all the same."""
    room = ModelRoom(wanting(tmp_path / "nowhere"))
    view = room.view(sentinel_of(room), Figures())
    assert (view.up, view.trained) == (False, None)
    assert "nowhere" in view.wrong
    assert view.mode is ModelMode.SHADOW, "it is wanted nevertheless"


def test_a_reload_that_names_a_wrong_one_leaves_the_old_one_and_says_so(tmp_path: Path) -> None:
    room = ModelRoom(SHIPPED)
    before = room.lookout
    with pytest.raises(ArtefactError):
        room.read(wanting(tmp_path / "nowhere"))
    assert room.lookout is before
    view = room.view(sentinel_of(room), Figures())
    assert view.up
    assert "nowhere" in view.wrong
    room.read(SHIPPED)
    assert room.view(sentinel_of(room), Figures()).wrong == "", "the next one that is right ends it"


def test_a_reload_goes_on_with_what_the_old_one_knows_of_accounts() -> None:
    room = ModelRoom(SHIPPED)
    assert room.lookout is not None
    tracker = room.lookout.tracker
    room.read(SHIPPED)
    taken_up = room.take_up(SHIPPED)
    assert isinstance(taken_up, Lookout)
    assert taken_up.tracker is tracker
    assert taken_up.artefact is not None


def test_a_reload_can_switch_it_off() -> None:
    room = ModelRoom(SHIPPED)
    off = wanting(shipped("models") / "default", ModelMode.OFF)
    room.read(off)
    assert room.take_up(off) is None
    assert room.view(sentinel_of(room), Figures()).mode is ModelMode.OFF


class Broken:
    """Falls over the first thing that it sees."""

    next_due_ms = None

    def observe(self, *_seen: object) -> None:
        raise ZeroDivisionError("no rows at +25290123456")


def test_a_model_that_fails_at_work_says_of_what() -> None:
    room = ModelRoom(SHIPPED)
    sentinel = sentinel_of(room)
    sentinel.swap(cast("Model", Broken()))
    sentinel.observe(cast("Any", None), cast("Any", None), 0)
    view = room.view(sentinel, Figures())
    assert not view.up
    assert view.wrong.startswith("ZeroDivisionError: no rows at")
    assert "25290123456" not in view.wrong, "errors hold no numbers"
