"""`[log]` and `[ingest]`: the log's servers, who guard is there, and which broker an ingest reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.commands.check import check
from guard.commands.output import CommandError
from guard.config import Config, ConfigError, check_config
from guard.config.sections import BrokerScheme
from guard.login import broker_address
from guard.loglogin import log_options, remark_on_log

SECRET = "correct horse"  # noqa: S105 - of this test


def read(folder: Path, text: str) -> tuple[Config, list[str]]:
    file = folder / "guard.toml"
    file.write_text(text)
    config, problems = check_config(file)
    return config, [f"{problem.key}: {problem.found}" for problem in problems]


def test_all_that_can_be_said_of_a_log(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{SECRET}\n")
    config, problems = read(
        tmp_path,
        '[log]\nurl = "nats://a:4222, nats://b:4222"\nprefix = "north"\nstreams = 16\nreplicas = 5\nkeep = "1d"\n'
        'user = "ingest"\npassword_file = "password"\n[ingest]\nname = "i1"\nshared = false\n',
    )
    assert problems == []
    options = log_options(config, {}, name="guard ingest i1")
    assert options.servers == ("nats://a:4222", "nats://b:4222")
    assert (options.prefix, options.streams, options.replicas, options.keep_ms) == ("north", 16, 5, 86_400_000)
    assert (options.user, options.password, options.tls) == ("ingest", SECRET, False)
    assert (config.ingest.name, config.ingest.shared) == ("i1", False)
    assert SECRET not in f"{config!r} {options!r}"
    assert tmp_path / "password" in config.secret_files()


def test_the_brokers_address_may_be_the_logs_and_the_ingests_broker_beside_it(tmp_path: Path) -> None:
    config, problems = read(
        tmp_path, '[broker]\nurl = "nats://a:4222"\nprefix = "v"\n[ingest]\nbroker = "mqtt://b:1884"\n'
    )
    assert problems == []
    assert config.broker.scheme is BrokerScheme.NATS
    assert config.log.servers == ("nats://a:4222",)
    assert config.ingest.broker == "mqtt://b:1884"
    with pytest.raises(ConfigError, match="mqtt://"):
        broker_address(config, {})


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('[log]\nurl = "mqtt://a"\n', "log.url: is not the address of NATS servers"),
        ('[log]\nurl = "nats://u:p@a"\n', "log.url: has a user or a password in it"),
        ('[log]\nurl = "nats://a,tls://b"\n', "log.url: has servers with TLS beside some without"),
        ('[log]\nurl = "nats://a:0"\n', "log.url: is not the address of NATS servers"),
        ('[log]\nurl = "nats://a:99999"\n', "log.url: is not the address of NATS servers"),
        ('[log]\nprefix = "a.b"\n', "log.prefix: cannot be that"),
        ("[log]\nstreams = 0\n", "log.streams: is 0"),
        ("[log]\nreplicas = 2\n", "log.replicas: is 2"),
        ('[log]\nurl = "nats://a"\nca_file = "ca.pem"\n', "log.ca_file: needs TLS"),
        ('[log]\nurl = "tls://a"\nkey = "k.pem"\n', "log.key: has no certificate beside it"),
        ('[log]\nurl = "nats://a"\npassword_env = "P"\n', "log: has a password and no user"),
        ('[log]\nurl = "nats://a"\npassword = "x"\n', "log.password: does not belong in this file"),
        ('[log]\nurl = "nats://a"\nuser = "u"\ncredentials = "c"\n', "log.credentials: stands beside user"),
        ('[log]\nurls = "nats://a"\n', 'log.urls: unknown key; the nearest known one is "url"'),
        ('[broker]\nurl = "nats://a"\n[log]\nurl = "nats://a"\n', "log.url: stands in broker.url too"),
        ('[broker]\nurl = "nats://a"\nuser = "u"\n', "broker.user: is for an MQTT broker"),
        ('[ingest]\nbroker = "nats://a"\n', "ingest.broker: is not the address of an MQTT broker"),
        ('[ingest]\nname = "a b"\n', "ingest.name: cannot be that"),
    ],
)
def test_what_is_refused(text: str, problem: str, tmp_path: Path) -> None:
    assert read(tmp_path, text)[1] == [problem]


def test_what_is_only_found_when_it_is_used(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"log\.url: is missing"):
        log_options(read(tmp_path, "")[0], {}, name="x")
    with pytest.raises(ConfigError, match=r"log\.ca_file: .*ca\.pem cannot be used"):
        log_options(read(tmp_path, '[log]\nurl = "tls://a"\nca_file = "ca.pem"\n')[0], {}, name="x")
    with pytest.raises(ConfigError, match=r"log\.password: is in .*which cannot be read"):
        log_options(read(tmp_path, '[log]\nurl = "nats://a"\nuser = "u"\npassword_file = "p"\n')[0], {}, name="x")
    with pytest.raises(ConfigError, match=r"log\.credentials: .*nobody\.creds cannot be read \(No such file"):
        log_options(read(tmp_path, '[log]\nurl = "nats://a"\ncredentials = "nobody.creds"\n')[0], {}, name="x")
    (tmp_path / "password").write_text("sesame")
    text = '[log]\nurl = "nats://a"\nuser = "u"\npassword_file = "password"\n'
    options = log_options(read(tmp_path, text)[0], {}, name="x", role="worker")
    assert (options.inbox, options.password_from) == ("_INBOX.guard-worker", f"_file {tmp_path / 'password'}")


@pytest.mark.parametrize(
    ("url", "remark"),
    [
        ("nats://nats1.example", "use tls://"),
        ("nats://127.0.0.1:4222,nats://10.0.0.7", "use tls://"),
        ("nats://127.0.0.1:4222,nats://localhost", ""),
        ("tls://nats1.example", ""),
    ],
)
def test_a_log_that_is_reached_in_the_clear_is_remarked_on(url: str, remark: str, tmp_path: Path) -> None:
    told = remark_on_log(log_options(read(tmp_path, f'[log]\nurl = "{url}"\n')[0], {}, name="x"))
    assert remark in told
    assert bool(told) is bool(remark)


def test_guard_check_looks_at_the_log_and_does_not_miss_a_broker_that_is_elsewhere(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "guard.toml"
    file.write_text('[broker]\nurl = "nats://a:4222"\n')
    check(file, ledger=False)
    assert "log: note: what is said to NATS" in capsys.readouterr().out
    file.write_text('[broker]\nurl = "nats://a:4222"\n[log]\nuser = "u"\npassword_file = "nowhere"\n')
    with pytest.raises(CommandError, match=r"log\.password: is in .*nowhere, which cannot be read"):
        check(file, ledger=False)
