"""The embedded broker: on the loopback only, there when it says so, gone afterwards, and clear when it cannot."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

import pytest

from guard.adapters.broker import LARGEST_PAYLOAD, EmbeddedBrokerError, embedded_broker
from tests.mqtt.harness import LIMIT_S, free_port, in_loop, numbers, publish, running, until


def accepts(port: int, host: str = "127.0.0.1") -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


@in_loop
async def test_it_accepts_connections_in_the_block_and_none_afterwards() -> None:
    port = free_port()
    async with embedded_broker(port) as broker:
        assert broker.port == port
        assert broker.url == f"mqtt://127.0.0.1:{port}"
        assert broker.process.is_running
        assert accepts(port)
        assert not accepts(port, "127.0.0.2"), "it listens on more than the loopback address"
    assert not broker.running
    assert not accepts(port)


@in_loop
async def test_a_session_finds_it_by_itself() -> None:
    async with embedded_broker(None) as broker, running(broker.url) as watched:
        await publish(broker.url, 10)
        assert numbers(await watched.received(10)) == list(range(10))


@in_loop
async def test_a_message_larger_than_guard_takes_arrives_so_that_guard_can_refuse_it() -> None:
    assert LARGEST_PAYLOAD > 1024 * 1024
    async with embedded_broker(None) as broker, running(broker.url) as watched:
        assert await watched.session.publish_tracked("t/1", bytes(5_000_000))
        assert len((await watched.received(1))[0].payload) == 5_000_000


@in_loop
async def test_a_port_that_is_taken_is_named_with_the_remedy() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(EmbeddedBrokerError, match=f'url = "mqtt://127.0.0.1:{port}"'):
            async with embedded_broker(port):
                pytest.fail("it started on a port that was taken")


@in_loop
async def test_a_number_that_is_no_port_is_named() -> None:
    with pytest.raises(EmbeddedBrokerError, match="70000"):
        async with embedded_broker(70_000):
            pytest.fail("it started on no port")


@in_loop
async def test_two_of_them_take_two_free_ports() -> None:
    async with embedded_broker(None) as one, embedded_broker(None) as two:
        assert one.port != two.port


@in_loop
async def test_cancelled_while_it_starts_it_leaves_nothing_behind() -> None:
    port = free_port()

    async def start() -> None:
        async with embedded_broker(port):
            await asyncio.Event().wait()

    for turns in (1, 3, 10):
        task = asyncio.create_task(start())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not accepts(port)


@in_loop
async def test_it_ends_with_a_process_that_is_killed() -> None:
    port = free_port()
    script = (
        "import asyncio\n"
        "from guard.adapters.broker import embedded_broker\n"
        "async def main():\n"
        f"    async with embedded_broker({port}):\n"
        "        print('there', flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
    )
    assert child.stdout is not None
    assert await asyncio.wait_for(child.stdout.readline(), LIMIT_S) == b"there\n"
    assert accepts(port)
    child.send_signal(signal.SIGKILL)
    await child.wait()
    await until(lambda: not accepts(port))
