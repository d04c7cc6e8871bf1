"""What guard knows and must not say: passwords, tokens, keys, a card's number, whom somebody called.

A real daemon whose log says everything is led through what it does on a busy day, and through what goes wrong on a bad
one. None of its secrets is in its log, in its metrics, in a decision, in a webhook's body or in an answer.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from guard.adapters.http.tokens import Role, add_token
from tests.acceptance.guardproc import Guard, wait_for
from tests.security.broker import Client, GuardedBroker, make_certificates, password_of
from tests.webhook.receiver import SECRET, Receiver

pytestmark = pytest.mark.broker

V1 = "guard/v1"
USERS = ("guard", "billing", "decisions", "sw1")
CARD = "4111111111111111"
CALLED, CALLER, DIALLED_BY_MISTAKE = "252617771234", "16475559876", "85298765432"
NUMBERS = (CALLED, CALLER, DIALLED_BY_MISTAKE)
IN_AN_ADDRESS = "T0KEN-IN-A-PATH"
BEARER = "bearer-of-the-alerts"
IN_A_BAD_FILE = "password-in-a-bad-file"


class LoudGuard(Guard):
    """A daemon that logs whatever it can."""

    program = "tests.security.loud"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedBroker]:
    certificates = tmp_path_factory.mktemp("made") / "certificates"
    make_certificates(certificates)
    with GuardedBroker(tmp_path_factory.mktemp("broker") / "mosquitto", certificates, USERS) as broker:
        yield broker


def configured(folder: Path, broker: GuardedBroker, hooks: Receiver) -> LoudGuard:
    """With every kind of secret that a configuration has."""
    guard = LoudGuard(folder, broker.url)
    kept = {
        "password": password_of("guard"),
        "signing": SECRET,
        "bearer": BEARER,
        "address": f"http://127.0.0.1:{hooks.port}/{IN_AN_ADDRESS}",
    }
    for name, secret in kept.items():
        (folder / name).write_text(secret)
    login = f'[broker]\nuser = "guard"\npassword_file = "password"\nca_file = "{broker.certificates}/ca.crt"\n'
    webhooks = (
        '[[webhook]]\nname = "signed"\nurl_file = "address"\nsecret_file = "signing"\n'
        f'[[webhook]]\nname = "alerts"\nkind = "alertmanager"\nurl = "{hooks.url}"\nsecret_file = "bearer"\n'
        # Nobody is there: what went wrong is said.
        '[[webhook]]\nname = "away"\nurl = "http://127.0.0.1:9/away"\nsecret_file = "signing"\n'
    )
    text = guard.config.read_text().replace("[broker]\n", login, 1)
    guard.config.write_text(f'{text}[accounts]\ndefault_limit = "10.00"\n{webhooks}')
    return guard


def a_busy_day(guard: Guard, switch: Client, billing: Client) -> None:
    """A customer calls too much, pays, and calls again; somebody is told, something is refused."""
    call = {"call": "C1", "event": "answered", "account": "A1", "at": "2026-11-23T10:00:00Z"}
    now = {"to": f"+{CALLED}", "from": f"+{CALLER}", "source": "203.0.113.7", "charge": "12.00", "rate": "2.00"}
    switch.say(f"{V1}/sw1/status", {"status": "up"})
    billing.say(f"{V1}/billing", {"type": "account", "id": "m1", "account": "A1", "name": "Acme"})
    for body in (
        call | now | {"at": time.time()},
        call | {"charge": f"0.{DIALLED_BY_MISTAKE}", "to": DIALLED_BY_MISTAKE},
    ):
        switch.say(f"{V1}/sw1/calls", body)
    command = switch.wait_for(f"{V1}/sw1/commands", action="block", account="A1")
    no = {"id": command["id"], "ok": False, "account": "A1", "error": f"no such extension {DIALLED_BY_MISTAKE}"}
    switch.say(f"{V1}/sw1/acks", no)
    paid = {"type": "payment", "id": "p1", "account": "A1", "amount": "20.00", "method": "card", "status": "posted"}
    for body in (paid | {"id": "p2", "method": CARD}, paid | {"id": "p3", "pan": CARD}, paid | {"amount": CARD}, paid):
        billing.say(f"{V1}/billing", body)
    switch.wait_for(f"{V1}/sw1/commands", action="unblock", account="A1")


def a_bad_one(guard: Guard, switch: Client, token: str) -> list[object]:
    """Junk, guesses, a configuration that is wrong; what was answered."""
    for junk in (f"to={CALLED}", {"to": CALLED, "card": CARD}, [[CALLED]]):
        switch.say(f"{V1}/sw1/calls", junk)
        switch.say(f"{V1}/sw1/acks", junk)
        switch.say(f"{V1}/sw1/status", junk)
    shown = {"Authorization": f"Bearer {token}"}
    answers: list[object] = [
        guard.request("GET", "/api/v1/accounts", Authorization=f"Bearer {token[:-1]}"),
        guard.request("GET", f"/api/v1/accounts?token={token}", **shown),
        guard.request("POST", "/api/v1/accounts/A1/block", {"reason": 5, "password": IN_A_BAD_FILE}, **shown),
    ]
    good = guard.config.read_text()
    for wrong in (
        good.replace('url = "mqtts://', f'url = "mqtts://guard:{IN_A_BAD_FILE}@['),
        good.replace('secret_file = "bearer"', f'secret = "{IN_A_BAD_FILE}"'),
        good.replace('password_file = "password"', f'password = "{IN_A_BAD_FILE}"'),
    ):
        assert IN_A_BAD_FILE in wrong
        guard.config.write_text(wrong)
        status, answer = guard.request("POST", "/-/reload", **shown)
        assert status == 422, answer
        answers.append(answer)
    guard.config.write_text(good)
    assert guard.request("POST", "/-/reload", **shown)[0] == 200
    return answers


def enter(guard: Guard, token: str) -> list[str]:
    """Enter the page: once with a token that is none, once with one; the pages that came."""
    with httpx.Client(base_url=guard.url, follow_redirects=True) as browser:
        return [browser.post("/login", data={"token": shown, "next": "/"}).text for shown in (token[::-1], token)]


def test_nothing_that_is_secret_is_said(tmp_path: Path, broker: GuardedBroker) -> None:
    with (
        Receiver() as hooks,
        Client(broker, "decisions", f"{V1}/decisions") as screen,
        Client(broker, "billing") as billing,
        Client(broker, "sw1", f"{V1}/sw1/commands", f"{V1}/sw1/scopes") as switch,
        configured(tmp_path / "guard", broker, hooks) as guard,
    ):
        token = add_token(guard.folder / "tokens.toml", "ana", Role.OPERATE)
        board = add_token(guard.folder / "tokens.toml", "board", Role.READ)
        a_busy_day(guard, switch, billing)
        answers = a_bad_one(guard, switch, token)
        answers += enter(guard, token)
        screen.wait_for(f"{V1}/decisions", action="unblock")
        hooks.wait(lambda: any("Unblocked" in json.dumps(hook.body) for hook in hooks.hooks), "the webhooks")
        reading = {"Authorization": f"Bearer {board}"}
        wait_for(lambda: "webhook-failing" in guard.log.read_text(), "the one that is away", guard.log_tail)
        answers += [
            guard.request("GET", path, **reading)
            for path in ("/metrics", "/api/v1/accounts/A1", "/api/v1/decisions", "/api/v1/webhooks", "/api/v1/history")
        ]
        answers += [
            guard.request("GET", path, **reading) for path in ("/api/v1/quarantine", "/api/v1/accounts/A1/ledger")
        ]
        assert guard.stop() == 0
    said = {
        "log": guard.log.read_text(),
        "webhooks": json.dumps([hook.body for hook in hooks.hooks]),
        "decisions": json.dumps(screen.heard),
        "commands": json.dumps(switch.heard),
        "answers": json.dumps(answers, default=str),
    }
    assert "debug" in said["log"], "it has not said everything"
    assert "message refused" in said["log"]
    assert {hook.path for hook in hooks.hooks} >= {f"/{IN_AN_ADDRESS}", "/hook/api/v2/alerts"}
    secrets = {
        "the broker's password": password_of("guard"),
        "a signing key": SECRET,
        "a bearer": BEARER,
        "an address": IN_AN_ADDRESS,
        "a token": token,
        "another token": board,
        "a token that is none": token[::-1],
        "a card": CARD,
        "what a bad file says": IN_A_BAD_FILE,
    } | {f"number {number}": number for number in NUMBERS}
    found = {(where, what) for where, text in said.items() for what, secret in secrets.items() if secret in text}
    assert found == set()
