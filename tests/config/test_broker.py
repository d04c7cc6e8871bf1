"""`[broker]`: who guard is at the broker, and where its password and certificates are; each of them in one place."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.commands.check import check
from guard.commands.output import CommandError
from guard.config import Config, ConfigError, check_config
from guard.config.addresses import MAX_SWITCH, switch_name
from guard.config.kept import CREDENTIALS, open_to_all
from guard.config.problems import RejectedError
from guard.login import IN_THE_CLEAR, broker_address, remark_on
from guard.scenarios.proof import Proof
from guard.setup import SetupReader, setup_of
from guard.wire.topics import MAX_SWITCH_LENGTH, Topics, is_switch_name

TLS = 'url = "mqtts://broker.example"\n'
SECRET = "correct horse"  # noqa: S105 - of this test


def read(folder: Path, text: str) -> tuple[Config, list[str]]:
    file = folder / "guard.toml"
    file.write_text(f"[broker]\n{text}")
    config, problems = check_config(file)
    return config, [f"{problem.key}: {problem.found}" for problem in problems]


def test_user_and_password_from_beside_the_address(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\n")
    config, problems = read(tmp_path, TLS + 'user = "guard"\npassword_file = "password"\n')
    assert problems == []
    address = broker_address(config, {})
    assert (address.username, address.password, address.port, address.tls) == ("guard", SECRET, 8883, True)
    assert SECRET not in f"{config!r} {address!r} {address.redacted_url()}"


@pytest.mark.parametrize("place", ["credential", "env"])
def test_the_password_where_systemd_or_the_environment_has_it(place: str, tmp_path: Path) -> None:
    (tmp_path / "mqtt").write_text(SECRET)
    environment = {CREDENTIALS: str(tmp_path), "mqtt": SECRET}
    config, problems = read(tmp_path, f'{TLS}user = "guard"\npassword_{place} = "mqtt"\n')
    assert problems == []
    assert broker_address(config, environment).password == SECRET


def test_the_user_may_stand_in_the_address_and_the_password_beside_it(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(SECRET)
    config, problems = read(tmp_path, 'url = "mqtts://guard@broker.example"\npassword_file = "password"\n')
    assert problems == []
    address = broker_address(config, {})
    assert (address.username, address.password) == ("guard", SECRET)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (TLS + 'password = "x"', "broker.password: does not belong in this file"),
        (TLS + 'password_file = "p"', "broker: has a password and no user"),
        (
            TLS + 'user = "u"\npassword_file = "p"\npassword_env = "P"',
            "broker.password_env: stands beside password_file",
        ),
        ('url = "mqtts://a:b@h"\nuser = "u"', "broker.user: stands in the url too"),
        ('url = "mqtts://a:b@h"\npassword_file = "p"', "broker.password_file: stands in the url too"),
        ('url = "mqtts://h?ca=x"\nca_file = "y"', "broker.ca_file: stands in the url too"),
        ('url = "mqtt://h"\nca_file = "y"', "broker.ca_file: needs TLS"),
        ('url = "mqtt://h"\ncertificate = "y"', "broker.certificate: needs TLS"),
        (TLS + 'key = "y"', "broker.key: has no certificate beside it"),
        ('user = "u"', "broker.user: is for a broker of yours"),
        (TLS + 'user = "a\\u0007b"', "broker.user: holds a control character"),
        (TLS + f'user = "{"x" * 257}"', "broker.user: cannot be a user's name"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_key(text: str, problem: str, tmp_path: Path) -> None:
    assert read(tmp_path, text)[1] == [problem]


@pytest.mark.parametrize(
    ("more", "key", "found"),
    [
        ('user = "u"\npassword_file = "gone"', "broker.password", "cannot be read"),
        ('user = "u"\npassword_credential = "gone"', "broker.password", "systemd has handed over none"),
        ('user = "u"\npassword_env = "GONE"', "broker.password", "which is not set"),
        ('ca_file = "gone"', "broker.url", "certificate file"),
        ('certificate = "gone"', "broker.url", "guard's certificate"),
        ('ca_file = "guard.toml"', "broker.url", "certificate file"),
        ('certificate = "guard.toml"', "broker.url", "guard's certificate"),
    ],
)
def test_what_cannot_be_had_is_told_when_it_is_fetched(more: str, key: str, found: str, tmp_path: Path) -> None:
    config, problems = read(tmp_path, TLS + more)
    assert problems == []
    with pytest.raises(ConfigError) as caught:
        broker_address(config, {})
    (problem,) = caught.value.problems
    assert problem.key == key
    assert found in problem.found


def test_a_broker_elsewhere_without_encryption_is_remarked_on(tmp_path: Path) -> None:
    remarks = {
        url: remark_on(broker_address(read(tmp_path, f'url = "{url}"')[0], {}))
        for url in ("embedded", "mqtt://127.0.0.1", "mqtt://localhost", "mqtts://broker.example", "mqtt://10.0.0.1")
    }
    assert [url for url, remark in remarks.items() if remark] == ["mqtt://10.0.0.1"]
    assert remarks["mqtt://10.0.0.1"] == IN_THE_CLEAR


def test_the_check_looks_there_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it accepts the daemon starts with, as far as the broker's files are concerned."""
    monkeypatch.setattr("guard.commands.check.prove", lambda *_: Proof())
    read(tmp_path, 'url = "mqtt://10.0.0.1"')
    check(tmp_path / "guard.toml", ledger=False)
    assert f"mqtt://10.0.0.1:1883: note: {IN_THE_CLEAR}" in capsys.readouterr().out
    read(tmp_path, TLS + 'ca_file = "gone"')
    with pytest.raises(CommandError, match=r"broker url mqtts://broker\.example:8883") as caught:
        check(tmp_path / "guard.toml", ledger=False)
    assert caught.value.exit_code == 2


def test_a_secret_that_everybody_can_read_is_remarked_on(tmp_path: Path) -> None:
    (tmp_path / "on-call").write_text(SECRET)
    text = TLS + 'user = "u"\npassword_file = "mqtt"\ncertificate = "both.pem"\n[http]\ncertificate = "c"\nkey = "k"\n'
    text += '[[webhook]]\nurl = "https://a.example"\nsecret_file = "on-call"\n'
    config, problems = read(tmp_path, text)
    assert problems == []
    files = config.secret_files()
    assert [file.name for file in files] == ["mqtt", "on-call", "both.pem", "k"]
    (tmp_path / "on-call").chmod(0o640)
    assert open_to_all(files) == []
    (tmp_path / "on-call").chmod(0o644)
    assert open_to_all(files) == [tmp_path / "on-call"]


def test_who_guard_is_there_changes_with_a_restart(tmp_path: Path) -> None:
    config, _ = read(tmp_path, TLS)
    reader = SetupReader(config, setup_of(config))
    read(tmp_path, TLS + 'user = "guard"\npassword_env = "P"\nca_file = "ca.crt"\n')
    assert {"broker.user", "broker.certificate"} <= set(reader.read(()).needs_restart)


NAMES = ["sw1", "x" * 64, "x" * 65, "a b", "é", "", "a/b", "a+", "#", "a\x7f", "a\x85", "a\x00", "\ud800", "☎" * 64]


@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_a_switch_that_can_be_declared_has_topics(name: str) -> None:
    """What the configuration takes the topics must take: the daemon sends to it with its first breath."""
    assert MAX_SWITCH == MAX_SWITCH_LENGTH
    try:
        switch_name(name)
    except RejectedError:
        assert not is_switch_name(name)
    else:
        assert is_switch_name(name)


@pytest.mark.parametrize("prefix", ["guard/v1", "g" * 128, "a\\u0085b", "a\\u007fb", "a b", "$x", "a//b", "a/+"])
def test_a_prefix_that_is_taken_begins_topics(prefix: str, tmp_path: Path) -> None:
    config, problems = read(tmp_path, f'prefix = "{prefix}"')
    if not problems:
        assert Topics(config.broker.prefix).billing.endswith("/billing")
    assert bool(problems) == (prefix in ("a\\u0085b", "a\\u007fb", "$x", "a//b", "a/+"))
