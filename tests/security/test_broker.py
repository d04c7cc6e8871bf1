"""The example for a broker on a network, held against a real mosquitto and a real guard: who may say and hear what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.integration.mosquitto import SHIPPED
from tests.security.broker import EXAMPLES, Client, GuardedBroker, make_certificates, password_of

pytestmark = pytest.mark.broker

V1 = "guard/v1"
USERS = ("guard", "billing", "decisions", "sw1", "sw2")
WHOLE = f"{V1}/#"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "certificates"
    make_certificates(folder)
    return folder


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory, certificates: Path) -> Iterator[GuardedBroker]:
    with GuardedBroker(tmp_path_factory.mktemp("broker") / "mosquitto", certificates, USERS) as broker:
        yield broker


def login(folder: Path, certificates: Path, *, user: str = "guard", password: str | None = None) -> str:
    """What `[broker]` says beside the address."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "password").write_text((password_of(user) if password is None else password) + "\n")
    return f'[broker]\nuser = "{user}"\npassword_file = "password"\nca_file = "{certificates}/ca.crt"\n'


def guard_at(folder: Path, broker: GuardedBroker, more: str) -> Guard:
    """A daemon whose `[broker]` goes on with what `more` begins with."""
    guard = Guard(folder, broker.url)
    text = guard.config.read_text().replace("[broker]\n", more, 1)
    guard.config.write_text(text)
    return guard


def test_the_shipped_configuration_says_the_same_in_its_comments() -> None:
    """It is what `guard install` lays, and what people read first."""
    comments = [line.removeprefix("#").strip() for line in SHIPPED.read_text().splitlines() if line.startswith("#")]
    for name in ("network.conf", "guard.acl"):
        for line in (EXAMPLES / name).read_text().splitlines():
            assert not line or line.startswith("#") or line in comments, f"{name}: {line}"


# -- each alone

FORBIDDEN = [
    ("sw1", f"{V1}/sw2/calls", "a switch cannot report for another"),
    ("sw1", f"{V1}/sw2/status", "nor say that it is down"),
    ("sw1", f"{V1}/sw2/acks", "nor acknowledge for it"),
    ("sw1", f"{V1}/sw2/commands", "nor block or unblock there"),
    ("sw1", f"{V1}/sw1/commands", "nor command itself"),
    ("sw1", f"{V1}/sw2/scopes", "nor say what is international"),
    ("sw1", f"{V1}/billing", "nor pay"),
    ("sw1", f"{V1}/decisions", "nor decide"),
    ("billing", f"{V1}/sw1/calls", "billing reports no calls"),
    ("billing", f"{V1}/sw1/commands", "and commands nobody"),
    ("billing", f"{V1}/decisions", "and decides nothing"),
    ("decisions", f"{V1}/decisions", "a listener says nothing"),
    ("decisions", f"{V1}/billing", "not to billing either"),
    ("guard", f"{V1}/billing", "guard makes up no payments"),
    ("guard", f"{V1}/sw1/acks", "and no acknowledgements"),
]
ALLOWED = {
    f"{V1}/sw1/calls": "sw1",
    f"{V1}/sw2/calls": "sw2",
    f"{V1}/sw2/status": "sw2",
    f"{V1}/sw1/acks": "sw1",
    f"{V1}/sw2/acks": "sw2",
    f"{V1}/billing": "billing",
    f"{V1}/sw1/commands": "guard",
    f"{V1}/sw2/commands": "guard",
    f"{V1}/sw2/scopes": "guard",
    f"{V1}/decisions": "guard",
}
"""Who may speak there."""


@pytest.mark.parametrize(("user", "topic", "fact"), FORBIDDEN, ids=[fact for _, _, fact in FORBIDDEN])
def test_what_is_not_ones_own_to_say_reaches_nobody(broker: GuardedBroker, user: str, topic: str, fact: str) -> None:
    """Behind it comes what is allowed on that topic: whoever hears the second would have heard the first."""
    with ExitStack() as stack:
        everybody = [stack.enter_context(Client(broker, name, WHOLE)) for name in USERS]
        by_name = {client.user: client for client in everybody}
        with Client(broker, user) as hostile:  # mosquitto 2.0 cuts it off for what it says
            assert not hostile.say(topic, {"forged": fact})
        assert by_name[ALLOWED[topic]].say(topic, {"true": fact})
        heard_by = [client for client in everybody if client.user in _hearers(topic)]
        for client in heard_by:
            client.wait_for(topic, true=fact)
        assert heard_by
        assert not [client.user for client in everybody if {"forged": fact} in client.on(topic)]


def _hearers(topic: str) -> set[str]:
    if topic.endswith(("/commands", "/scopes")):
        return {topic.split("/")[2]}
    return {"decisions"} if topic.endswith("/decisions") else {"guard"}


def test_a_switch_hears_its_own_commands_and_nothing_else(broker: GuardedBroker) -> None:
    with (
        Client(broker, "guard") as guard,
        Client(broker, "billing") as billing,
        Client(broker, "sw2") as other,
        Client(broker, "sw1", WHOLE, "#", f"{V1}/sw2/commands", f"{V1}/billing") as nosy,
    ):
        guard.say(f"{V1}/sw2/commands", {"action": "block", "account": "A1"})
        guard.say(f"{V1}/sw2/scopes", {"scopes": {}}, retain=True)
        guard.say(f"{V1}/decisions", {"action": "block"})
        billing.say(f"{V1}/billing", {"type": "payment"})
        other.say(f"{V1}/sw2/calls", {"call": "C1"})
        guard.say(f"{V1}/sw1/commands", {"action": "snapshot"})
        nosy.wait_for(f"{V1}/sw1/commands", action="snapshot")
        assert {topic for topic, _ in nosy.heard} == {f"{V1}/sw1/commands"}
        guard.say(f"{V1}/sw2/scopes", {"scopes": {"gone": True}}, retain=True)


@pytest.mark.parametrize(("user", "password"), [("sw1", "wrong"), ("sw1", password_of("sw2")), ("sw3", "x"), ("", "")])
def test_who_does_not_know_the_password_does_not_get_in(broker: GuardedBroker, user: str, password: str) -> None:
    with pytest.raises(AssertionError, match="Not authorized"):
        Client(broker, user, password=password)


# -- all together


def test_guard_can_do_all_that_it_has_to(tmp_path: Path, broker: GuardedBroker, certificates: Path) -> None:
    """An account, a call, a warning, a block that the switch acknowledges, a payment, calls that are loaded."""
    with (
        Client(broker, "billing") as billing,
        Client(broker, "decisions", f"{V1}/decisions") as screen,
        Client(broker, "sw1", f"{V1}/sw1/commands", f"{V1}/sw1/scopes") as switch,
        guard_at(tmp_path / "guard", broker, login(tmp_path / "guard", certificates)) as guard,
    ):
        billing.say(f"{V1}/billing", {"type": "account", "id": "m1", "account": "A1", "credit": {"limit": "10.00"}})
        wait_for(lambda: guard.account("A1"), "the account", guard.log_tail)
        switch.say(f"{V1}/sw1/status", {"status": "up"})
        switch.wait_for(f"{V1}/sw1/commands", action="snapshot")
        assert switch.on(f"{V1}/sw1/scopes")
        report = {"call": "C1", "event": "tick", "account": "A1", "at": time.time(), "duration_ms": 60_000}
        switch.say(f"{V1}/sw1/calls", report | {"to": "+25377123456", "charge": "12.00", "rate": "2.00"})
        command = switch.wait_for(f"{V1}/sw1/commands", action="block", account="A1")
        assert screen.wait_for(f"{V1}/decisions", action="block", account="A1")["reason"] == "credit_limit"
        snapshot = switch.wait_for(f"{V1}/sw1/commands", action="snapshot")
        for told in (snapshot, command):
            switch.say(f"{V1}/sw1/acks", {"id": told["id"], "ok": True, "account": told.get("account", "")})
        wait_for(lambda: guard.account("A1")["block"]["confirmed"], "confirmed", guard.log_tail)
        billing.say(f"{V1}/billing", {"type": "payment", "id": "p1", "account": "A1", "amount": "20.00"} | PAID)
        switch.wait_for(f"{V1}/sw1/commands", action="unblock", account="A1")


PAID = {"method": "card", "status": "posted"}


def test_by_certificate_alone(tmp_path: Path, certificates: Path) -> None:
    """Guard's own certificate is its name at the broker; whoever shows none does not get in."""
    folder = tmp_path / "guard"
    shown = f'[broker]\nca_file = "{certificates}/ca.crt"\ncertificate = "{certificates}/guard.crt"\n'
    shown += f'key = "{certificates}/guard.key"\n'
    with (
        GuardedBroker(tmp_path / "mosquitto", certificates, (), by_certificate=True) as broker,
        Client(broker, "sw1", f"{V1}/sw1/commands", certificate="sw1") as switch,
        guard_at(folder, broker, shown),
    ):
        switch.say(f"{V1}/sw1/status", {"status": "up"})
        switch.wait_for(f"{V1}/sw1/commands", action="snapshot")
        without = guard_at(tmp_path / "without", broker, f'[broker]\nca_file = "{certificates}/ca.crt"\n')
        with ExitStack() as stack:
            stack.push(without.__exit__)
            without.start(ready=False)
            wait_for(lambda: "mqtt-connect-failed" in without.log.read_text(), "a reason", without.log_tail)


# -- what guard refuses, and says


def refused(folder: Path, broker: GuardedBroker, more: str) -> str:
    """What guard's log says about why it is not connected; it goes on trying, and is not ready."""
    guard = guard_at(folder, broker, more)
    with ExitStack() as stack:
        stack.push(guard.__exit__)
        guard.start(ready=False)
        wait_for(lambda: "mqtt-connect-failed" in guard.log.read_text(), "a reason", guard.log_tail)
        assert guard.request("GET", "/-/ready")[0] == 503
    text = guard.log.read_text()
    assert password_of("guard") not in text
    return next(line for line in text.splitlines() if "mqtt-connect-failed" in line)


def test_a_broker_with_a_foreign_certificate_is_refused(
    tmp_path: Path, broker: GuardedBroker, certificates: Path
) -> None:
    foreign = login(tmp_path / "guard", certificates).replace("ca.crt", "other.crt")
    line = refused(tmp_path / "guard", broker, foreign)
    assert "certificate verify failed" in line


def test_a_wrong_password_is_said_to_be_one(tmp_path: Path, broker: GuardedBroker, certificates: Path) -> None:
    line = refused(tmp_path / "guard", broker, login(tmp_path / "guard", certificates, password="nothing-like-it"))  # noqa: S106
    assert "Not authorized" in line
