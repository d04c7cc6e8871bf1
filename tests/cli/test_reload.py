"""`guard reload`: what the daemon answers, in lines that an operator can act on."""

from __future__ import annotations

import json

from tests.cli.conftest import Guard
from tests.cli.fake_daemon import FakeDaemon

ANSWER = {
    "changes": ["tariff: 2 of 50,000 prefixes are new or have another price", "rules gone: night"],
    "needs_restart": ["http.listen"],
    "remarks": ["office/quota covers class onnet, which is free without a plan"],
}


def test_what_has_changed_is_told_line_by_line(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", "/-/reload", ANSWER)
    result = guard("reload")
    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "changed: tariff: 2 of 50,000 prefixes are new or have another price",
        "changed: rules gone: night",
        "needs a restart: http.listen",
        "note: office/quota covers class onnet, which is free without a plan",
    ]
    assert json.loads(guard("reload", "--json").stdout) == ANSWER


def test_nothing_new_is_news_too(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.answer("POST", "/-/reload", {"changes": [], "needs_restart": [], "remarks": []})
    assert guard("reload").stdout == "reloaded; nothing is another than before\n"


def test_each_mistake_is_a_line_and_the_exit_says_wrong_input(guard: Guard, daemon: FakeDaemon) -> None:
    detail = "nothing has changed, because of 2 mistakes in the files:\na.toml:3: x: y\ntariff.csv: is empty"
    daemon.problem("POST", "/-/reload", 422, detail)
    result = guard("reload")
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [f"guard: {line}" for line in detail.splitlines()]


def test_a_token_that_may_only_look_is_told_so(guard: Guard, daemon: FakeDaemon) -> None:
    daemon.problem("POST", "/-/reload", 403, "the token bo has the role read; this needs operate")
    assert guard("reload").exit_code == 1
