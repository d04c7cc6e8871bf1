"""The simulated switch on a real broker: what it publishes, what it obeys, and what is left when it goes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Self, cast

import aiomqtt
import pytest

from guard.adapters.broker import EmbeddedBroker, embedded_broker
from guard.adapters.mqtt import BrokerAddress
from guard.commands.broker import client_maker
from guard.core.records import Scope
from guard.core.scopes import Scopes
from guard.replay.attacks import ScriptedCall, scripted
from guard.replay.link import Heard, SwitchLink
from guard.replay.simulation import Simulation
from guard.replay.switch import SimulatedSwitch
from guard.wire.commands import encode_command, encode_scopes, encode_snapshot_part
from guard.wire.control import decode_ack, decode_status
from guard.wire.reports import decode_reports
from tests.replay.builders import block, part

WITHIN_S = 10.0
CALLS = (
    ScriptedCall(account="A1", at_ms=0, to="+25377123456", talk_ms=600_000, rate_micros=6_000_000),
    ScriptedCall(account="A1", at_ms=1, to="911", talk_ms=600_000),
)


@pytest.fixture
async def broker() -> AsyncIterator[EmbeddedBroker]:
    async with embedded_broker(None) as running:
        yield running


class Listener:
    """Everything that is published, by the last level of its topic."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.heard: list[tuple[str, bytes]] = []

    async def listen(self) -> None:
        async for message in self.client.messages:
            self.heard.append((message.topic.value.rpartition("/")[2], message.payload))

    def payloads(self, level: str) -> list[bytes]:
        return [payload for topic, payload in self.heard if topic == level]


async def until(condition: Callable[[], object]) -> None:
    """Wait until it is so, with a limit."""
    async with asyncio.timeout(WITHIN_S):
        while not condition():  # noqa: ASYNC110 - what is waited for is at the other end of a broker
            await asyncio.sleep(0.005)


@asynccontextmanager
async def make_listener(broker: EmbeddedBroker) -> AsyncIterator[Listener]:
    """Somebody in guard's place."""
    address = BrokerAddress(host="127.0.0.1", port=broker.port)
    async with client_maker(address, "listener")(None) as client, asyncio.TaskGroup() as tasks:
        listener = Listener(client)
        await client.subscribe([(f"guard/v1/sw1/{level}", 1) for level in ("calls", "acks", "status")])
        listening = tasks.create_task(listener.listen())
        try:
            yield listener
        finally:
            listening.cancel()


@asynccontextmanager
async def scene(broker: EmbeddedBroker, heard: list[Heard]) -> AsyncIterator[tuple[SwitchLink, Listener]]:
    """A switch with two calls, and somebody in guard's place."""
    address = BrokerAddress(host="127.0.0.1", port=broker.port)
    clock = asyncio.get_running_loop().time
    link = SwitchLink(
        Simulation(SimulatedSwitch("sw1", tick_ms=50), scripted(CALLS), start_ms=round(clock() * 1_000)),
        client_maker(address, "switch"),
        on_heard=heard.append,
        now_ms=lambda: round(clock() * 1_000),
    )
    async with make_listener(broker) as listener, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(link.run())
        try:
            yield link, listener
        finally:
            running.cancel()


async def test_it_says_up_reports_obeys_and_says_down(broker: EmbeddedBroker) -> None:
    heard: list[Heard] = []
    async with scene(broker, heard) as (link, listener):
        await until(lambda: listener.payloads("calls"))
        status = decode_status(listener.payloads("status")[0], "sw1")
        assert getattr(status, "up", None) is True
        commands = "guard/v1/sw1/commands"
        await listener.client.publish(commands, encode_snapshot_part(part()), qos=1)
        await listener.client.publish(commands, encode_command(block(1)), qos=1)
        await until(lambda: len(listener.payloads("acks")) == 2)
        acks = [decode_ack(payload, "sw1") for payload in listener.payloads("acks")]
        assert [(getattr(ack, "id", None), getattr(ack, "ok", None)) for ack in acks] == [("s1", True), ("c1", True)]
        assert [(each.message.id, each.ended_calls) for each in heard] == [("s1", 0), ("c1", 1)]
        assert await link.finish()
        await until(lambda: len(listener.payloads("status")) == 2)
        assert json.loads(listener.payloads("status")[1]) == {"status": "down"}
        reports = [
            report
            for payload in listener.payloads("calls")
            for report in decode_reports(payload, 2_000_000_000_000).reports
        ]
        assert len(reports) == link.sent
        ended = [(report.to, report.cause) for report in reports if report.event.name == "ENDED"]
        assert ended == [("+25377123456", "ended_by_block"), ("911", "switch_shutdown")]


async def test_what_cannot_be_understood_is_refused_or_ignored_and_life_goes_on(broker: EmbeddedBroker) -> None:
    async with scene(broker, []) as (_, listener):
        await until(lambda: listener.payloads("status"))
        commands = "guard/v1/sw1/commands"
        bad = json.loads(encode_command(block(1))) | {"except": []}
        for payload in (b"\xff", b"{}", json.dumps(bad).encode(), encode_command(block(2))):
            await listener.client.publish(commands, payload, qos=1)
        await listener.client.publish("guard/v1/sw1/scopes", b"nonsense", qos=1)
        await until(lambda: len(listener.payloads("acks")) == 2)
        acks = [json.loads(payload) for payload in listener.payloads("acks")]
        assert [(ack["id"], ack["ok"]) for ack in acks] == [("c1", False), ("c2", True)]
        assert acks[0]["error"]


async def test_a_broken_connection_leaves_the_last_will(broker: EmbeddedBroker) -> None:
    async with scene(broker, []) as (link, listener):
        await until(link.connected.is_set)
        client = link._client
        assert client is not None
        client._client._sock_close()
        await until(lambda: b"down" in b"".join(listener.payloads("status")))


async def test_reports_wait_for_a_broker_and_keep_their_order(broker: EmbeddedBroker) -> None:
    make = client_maker(BrokerAddress(host="127.0.0.1", port=broker.port), "switch")
    clock = asyncio.get_running_loop().time
    seen: list[tuple[str, int]] = []
    reachable = False

    def make_if_reachable(will: aiomqtt.Will) -> aiomqtt.Client:
        if not reachable:
            raise aiomqtt.MqttError("not reachable yet")
        return make(will)

    link = SwitchLink(
        Simulation(SimulatedSwitch("sw1", tick_ms=50), scripted(CALLS), start_ms=round(clock() * 1_000)),
        make_if_reachable,
        on_reports=lambda reports: seen.extend((report.call, report.duration_ms) for report in reports),
        now_ms=lambda: round(clock() * 1_000),
    )
    async with make_listener(broker) as listener, asyncio.TaskGroup() as tasks:
        running = tasks.create_task(link.run())
        await until(lambda: len(seen) > 6)
        reachable = True
        assert await link.finish()
        running.cancel()
        await until(lambda: len(listener.payloads("status")) == 2)
        got = [report for payload in listener.payloads("calls") for report in json.loads(payload)]
        assert [(report["call"], report["duration_ms"]) for report in got] == seen


async def test_scopes_are_learned_from_guards_own_message(broker: EmbeddedBroker) -> None:
    async with scene(broker, []) as (_, listener):
        await until(lambda: listener.payloads("calls"))
        scopes = Scopes.of_country_code("1")
        await listener.client.publish("guard/v1/sw1/scopes", encode_scopes(scopes.sets, scopes.version), qos=1)
        order = encode_command(block(1, scope=Scope.INTERNATIONAL))
        await listener.client.publish("guard/v1/sw1/commands", order, qos=1)
        await until(lambda: listener.payloads("acks"))
        ack = json.loads(listener.payloads("acks")[0])
        # The two topics are ordered for themselves only: if the command came first, the switch did not know the scope.
        assert (ack["ok"], ack["ended_calls"]) in {(True, 1), (False, 0)}
        await until(lambda: b"ended_by_block" in b"".join(listener.payloads("calls")))


async def test_a_cancellation_that_the_library_forgets_is_heeded() -> None:
    """As `asyncio.wait_for` of Python 3.11 does when what it waits for is done in the same moment."""
    connecting = asyncio.Event()

    class Forgetful:
        async def __aenter__(self) -> Self:
            connecting.set()
            with suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            return self

        async def __aexit__(self, *_: object) -> None:
            """Nothing to close."""

    simulation = Simulation(SimulatedSwitch("sw1"), scripted(CALLS), start_ms=0)
    link = SwitchLink(simulation, lambda _will: cast("aiomqtt.Client", Forgetful()))
    running = asyncio.create_task(link.run())
    await connecting.wait()
    running.cancel()
    async with asyncio.timeout(WITHIN_S):
        await asyncio.wait({running})
    assert running.cancelled()
