"""A store for each kind there is."""

from pathlib import Path

import pytest

from tests.store.stores import Opening, PostgresOpening, SqliteOpening


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """Of the contract."""
    if request.param == "sqlite":
        return SqliteOpening(tmp_path)
    return PostgresOpening(request.getfixturevalue("postgres_server").emptied())
