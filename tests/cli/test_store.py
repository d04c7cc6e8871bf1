"""`guard store copy`: what it refuses, and what it says when it is done."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Guard
from tests.postgres.server import PostgresServer, name_of
from tests.store.released import THIRD


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "guard.db"
    THIRD.write(path)
    return path


@pytest.mark.postgres
@pytest.mark.parametrize(("options", "where", "parts"), [((), "as it is", 1), (("--partitions",), "256 partitions", 4)])
def test_a_file_is_copied_and_stays(
    guard: Guard, postgres_server: PostgresServer, file: Path, options: tuple[str, ...], where: str, parts: int
) -> None:
    url = postgres_server.database()

    result = guard("store", "copy", "--from", str(file), "--to", url, *options)

    assert result.exit_code == 0, result.output
    assert where in result.output
    assert "every account owes what it did, to the micro-unit" in result.output
    count = "SELECT count(DISTINCT part), count(*) FROM guard.account"
    assert postgres_server.execute(count, name_of(url)) == f"{parts}|4"
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("SELECT count(*) FROM account").fetchone() == (4,)

    again = guard("store", "copy", "--from", str(file), "--to", url, *options)

    assert again.exit_code == 1
    assert "is not empty: switch has rows; name an empty database" in again.output


@pytest.mark.postgres
def test_stores_are_named_by_their_configurations_too(
    guard: Guard, postgres_server: PostgresServer, file: Path, tmp_path: Path
) -> None:
    first, second = postgres_server.database(), postgres_server.database()
    for name, url in (("old", f"sqlite:{file}"), ("one", first), ("two", second)):
        (tmp_path / f"{name}.toml").write_text(f'[store]\nurl = "{url}"\n')

    for origin, target in (("old", "one"), ("one", "two")):
        options = ("--from", str(tmp_path / f"{origin}.toml"), "--to", str(tmp_path / f"{target}.toml"))
        result = guard("store", "copy", *options)
        assert result.exit_code == 0, result.output

    assert postgres_server.execute("SELECT count(*) FROM guard.account", name_of(second)) == "4"
    same = guard("store", "copy", "--from", str(tmp_path / "one.toml"), "--to", str(tmp_path / "one.toml"))
    assert same.exit_code == 2
    assert "is both the old store and the new one" in same.output


@pytest.mark.parametrize(
    ("origin", "target", "status", "words"),
    [
        ("guard.db", "other.db", 2, "is a file; a store is copied into a database"),
        ("guard.db", "postgresql://guard:hunter2@db/guard", 2, "an address has no password in it"),
        ("missing.toml", "postgresql://guard@db/guard", 2, "missing.toml"),
        ("/nowhere/guard.db", "postgresql://guard@db/guard", 1, "there is no such file"),
    ],
)
def test_what_cannot_be_copied_is_refused(guard: Guard, origin: str, target: str, status: int, words: str) -> None:
    result = guard("store", "copy", "--from", origin, "--to", target)

    assert result.exit_code == status
    assert words in result.output
    assert "hunter2" not in result.output


def test_a_configuration_of_workers_wants_partitions(guard: Guard, tmp_path: Path) -> None:
    worker = tmp_path / "worker.toml"
    worker.write_text('[broker]\nurl = "nats://log"\n[store]\nurl = "postgresql://guard@db/guard"\n')
    result = guard("store", "copy", "--from", "guard.db", "--to", str(worker))
    assert (result.exit_code, "add --partitions" in result.output) == (2, True)
