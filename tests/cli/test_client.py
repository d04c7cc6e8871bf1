"""Talking to the daemon: no daemon, another server, problems, tokens."""

from __future__ import annotations

import socket

import pytest

from tests.cli import pictures
from tests.cli.conftest import Guard
from tests.cli.fake_daemon import FakeDaemon

PATH = "/api/v1/accounts/A1"


def test_no_daemon_says_what_to_look_at(guard: Guard) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        result = guard("account", "A1", "--url", url)
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"no daemon answers at {url}; is `guard run` up?" in result.stderr


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://x", "http://", "mqtt://127.0.0.1"])
def test_an_address_that_is_none_is_wrong_use(guard: Guard, url: str) -> None:
    result = guard("account", "A1", "--url", url)
    assert result.exit_code == 2
    assert "--url" in result.stderr


@pytest.mark.parametrize(
    ("status", "exit_code"), [(400, 2), (404, 1), (409, 1), (413, 2), (422, 2), (500, 1), (503, 1)]
)
def test_a_problem_becomes_its_sentence(guard: Guard, daemon: FakeDaemon, status: int, exit_code: int) -> None:
    daemon.problem("GET", PATH, status, "so it is")
    result = guard("account", "A1")
    assert (result.exit_code, result.stderr) == (exit_code, "guard: so it is\n")


@pytest.mark.parametrize("status", [401, 403])
def test_who_may_not_learns_about_tokens(guard: Guard, daemon: FakeDaemon, status: int) -> None:
    daemon.problem("GET", PATH, status, "show a token")
    result = guard("account", "A1")
    assert result.exit_code == 1
    assert "show a token" in result.stderr
    assert "GUARD_TOKEN" in result.stderr


def test_the_token_is_shown(guard: Guard, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    daemon.answer("GET", PATH, pictures.active("A1"))
    guard("account", "A1", "--json")
    monkeypatch.setenv("GUARD_TOKEN", "guard_secret")
    guard("account", "A1", "--json")
    assert [asked.headers.get("authorization") for asked in daemon.asked] == [None, "Bearer guard_secret"]


def test_a_token_that_cannot_be_one_is_not_sent(
    guard: Guard, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GUARD_TOKEN", "schlüssel")
    result = guard("account", "A1")
    assert result.exit_code == 2
    assert "schl" not in result.output
    assert daemon.asked == []


@pytest.mark.parametrize(("status", "body"), [(200, b"<html>"), (502, b"<html>bad gateway"), (404, b'{"error":1}')])
def test_something_else_that_answers_is_not_guard(guard: Guard, daemon: FakeDaemon, status: int, body: bytes) -> None:
    daemon.raw("GET", PATH, body, "text/html", status=status)
    result = guard("account", "A1")
    assert result.exit_code == 1
    assert "is not guard" in result.stderr


def test_a_proxy_of_the_environment_does_not_stand_between_this_machine_and_itself(
    guard: Guard, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    daemon.answer("GET", PATH, pictures.active("A1"))
    assert guard("account", "A1", "--json").exit_code == 0
