"""A store for each kind there is."""

from pathlib import Path

import pytest

from tests.store.stores import KINDS, Opening


@pytest.fixture(params=KINDS)
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    return KINDS[request.param](tmp_path)
