"""Where the secrets of webhooks are kept, and that nobody repeats them."""

from __future__ import annotations

from pathlib import Path

import pytest

from guard.config import ConfigError, Target, WebhookKind, load_config, read_targets


def targets(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> tuple[Target, ...]:
    file = tmp_path / "guard.toml"
    file.write_text(text)
    return read_targets(load_config(file), environment or {})


def said(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> str:
    with pytest.raises(ConfigError) as refusal:
        targets(tmp_path, text, environment)
    return str(refusal.value).replace(f"{tmp_path}/", "")


def test_a_secret_is_fetched_from_a_file_a_credential_or_the_environment(tmp_path: Path) -> None:
    (tmp_path / "new.key").write_text("whsec_bmV3\nwhsec_b2xk\n")
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "am-token").write_text("t0ken\n")
    found = targets(
        tmp_path,
        """
[[webhook]]
url = "https://ops.example/a"
secret_file = "new.key"
[[webhook]]
kind = "alertmanager"
url_env = "AM_URL"
secret_credential = "am-token"
[[webhook]]
kind = "pagerduty"
secret_env = "PD_KEY"
""",
        {"CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"), "AM_URL": "http://am:9093", "PD_KEY": "r0uting"},
    )
    assert [(each.name, each.url, each.secrets) for each in found] == [
        ("ops.example", "https://ops.example/a", ("whsec_bmV3", "whsec_b2xk")),
        ("alertmanager", "http://am:9093", ("t0ken",)),
        ("pagerduty", "", ("r0uting",)),
    ]
    assert found[2].kind is WebhookKind.PAGERDUTY


def test_everything_that_cannot_be_had_is_told_at_once_and_no_value_with_it(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    text = """
[[webhook]]
url = "https://h/1"
secret_file = "absent"
[[webhook]]
url_file = "empty"
secret_credential = "key"
[[webhook]]
url_env = "HOOK"
secret_file = "binary"
"""
    assert said(tmp_path, text, {"HOOK": "gopher://h/xyzzy"}) == (
        "guard.toml: webhook[1].secret: is in absent, which cannot be read: No such file or directory; "
        "accepted: a file that guard's user can read\n"
        "guard.toml: webhook[2].url: is in empty, which is empty; accepted: a file with the secret\n"
        "guard.toml: webhook[2].secret: is a credential, and systemd has handed over none "
        "($CREDENTIALS_DIRECTORY is not set); accepted: LoadCredential=key:PATH in the unit\n"
        "guard.toml: webhook[3].url: is not a web address; accepted: https://HOST/PATH\n"
        "guard.toml: webhook[3].secret: is in binary, which is not UTF-8 text; accepted: a text file"
    )


def test_no_picture_shows_an_address_or_a_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("whsec_eHl6enk=")
    found = targets(tmp_path, '[[webhook]]\nurl = "https://h/plugh"\nsecret_file = "key"')
    assert "plugh" not in repr(found)
    assert "eHl6" not in repr(found)


def test_webhooks_of_one_host_get_numbers(tmp_path: Path) -> None:
    text = "".join(f'[[webhook]]\nurl = "http://127.0.0.1:{port}/"\n' for port in (1, 2, 3))
    assert [each.name for each in targets(tmp_path, text)] == ["127.0.0.1", "127.0.0.1-2", "127.0.0.1-3"]


def test_on_call_tools_are_told_when_a_warning_is_over(tmp_path: Path) -> None:
    text = '[[webhook]]\nurl = "http://h/"\n[[webhook]]\nkind = "alertmanager"\nurl = "http://am/"\n'
    generic, alertmanager = targets(tmp_path, text)
    assert "cleared" not in generic.events
    assert alertmanager.events == (*generic.events, "cleared")


def test_there_are_so_many_webhooks_at_most(tmp_path: Path) -> None:
    assert "at most 50 webhooks" in said(tmp_path, '[[webhook]]\nurl = "http://h/"\n' * 51)
