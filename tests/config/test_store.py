"""`[store]`: a file or a database; a password has its place beside the address, never in it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from guard.adapters.http.front import Front
from guard.adapters.systemd import service_manager
from guard.app.stores import database_address, opened_store
from guard.commands.backup import backup
from guard.commands.output import CommandError
from guard.config import Config, ConfigError, check_config
from guard.shell.clock import SystemClock

URL = "postgresql://guard@db1.example,db2.example/guard?sslmode=verify-full&target_session_attrs=primary"
SECRET = "correct horse"  # noqa: S105 - of this test


def read(folder: Path, text: str) -> tuple[Config, list[str]]:
    file = folder / "guard.toml"
    file.write_text(f"[store]\n{text}")
    config, problems = check_config(file)
    return config, [f"{problem.key}: {problem.found}" for problem in problems]


def test_a_file_is_relative_to_the_configuration(tmp_path: Path) -> None:
    config, problems = read(tmp_path, 'url = "sqlite:state/guard.db"')
    assert (config.store.path, config.store.database, problems) == (tmp_path / "state" / "guard.db", "", [])
    assert read(tmp_path, "")[0].store.path == tmp_path / "guard.db"


def test_a_database_with_its_password_beside_it(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\n")
    config, problems = read(tmp_path, f'url = "{URL}"\npassword_file = "password"')
    assert (config.store.database, config.store.lease_ms, problems) == (URL, 2_000, [])
    assert read(tmp_path, f'url = "{URL}"\nlease = "10s"')[0].store.lease_ms == 10_000
    assert config.secret_files() == [tmp_path / "password"]
    address = database_address(config, "me")
    assert (address.url, address.password, address.owner) == (URL, SECRET, "me")
    assert address.shown == "postgresql://guard@db1.example,db2.example/guard"
    assert SECRET not in f"{config!r} {address!r}"


async def test_a_driver_that_is_not_there_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also to whoever opens the store: the driver is looked for before anything that needs it is imported."""
    config, _ = read(tmp_path, f'url = "{URL}"')
    monkeypatch.setattr("guard.app.stores.find_spec", lambda _name: None)
    monkeypatch.setitem(sys.modules, "guard.adapters.postgres", None)
    with pytest.raises(ConfigError, match="needs the package asyncpg"):
        database_address(config)
    with pytest.raises(ConfigError, match="needs the package asyncpg"):
        async with opened_store(config, SystemClock(), service_manager(), Front()):
            pass


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('url = "mysql://guard@db/guard"', 'store.url: "mysql:" is no store that guard knows'),
        ('url = "postgresql://guard@db"', "store.url: names no database"),
        ('url = "postgresql://guard:hunter2@db/guard"', "store.url: has a password in it"),
        ('url = "postgresql://db/guard?password=hunter2"', "store.url: has a password in it"),
        ('url = "postgresql://[db/guard"', "store.url: is not the address of a database"),
        (f'url = "{URL}"\npassword = "hunter2"', "store.password: does not belong in this file"),
        (f'url = "{URL}"\nmin_free = "1GB"', "store.min_free: is about the disk of a file"),
        (f'url = "{URL}"\nlease = "1s"', "store.lease: is 1s"),
        (f'url = "{URL}"\nlease = "2m"', "store.lease: is 2m"),
        ('lease = "5s"', "store.lease: is about a database"),
        ('password_env = "PGPASSWORD"', "store: has a password for a file"),
        ('url = "sqlite:"', 'store.url: "sqlite:" names no file'),
        ('url = "sqlite:///guard.db"', 'store.url: "sqlite:///guard.db" names no file'),
    ],
)
def test_what_is_wrong_is_named_and_no_secret_is_repeated(tmp_path: Path, text: str, problem: str) -> None:
    _, problems = read(tmp_path, text)
    assert problems == [problem]


def test_a_password_that_cannot_be_had_is_a_problem_with_its_place(tmp_path: Path) -> None:
    config, _ = read(tmp_path, f'url = "{URL}"\npassword_file = "nowhere"')
    with pytest.raises(ConfigError, match=r"store\.password: .*nowhere"):
        database_address(config)


def test_a_database_is_backed_up_by_its_own_means(tmp_path: Path) -> None:
    read(tmp_path, f'url = "{URL}"')
    with pytest.raises(CommandError, match="pg_dump"):
        backup(tmp_path, tmp_path / "guard.toml", force=False, keep=None)
