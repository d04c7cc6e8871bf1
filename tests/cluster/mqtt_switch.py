"""A switch on a real broker: calls with prices, an oracle of what they cost, and obedience to commands."""

from __future__ import annotations

import json
import threading
import time
from collections import defaultdict, deque
from random import Random
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from guard.core.decisions import Command
from guard.core.emergency import EmergencyNumbers
from guard.core.records import Ack
from guard.replay.blocklist import BlockList
from guard.replay.payloads import decode_order, encode_ack
from tests.beside import Beside

MICROS = 1_000_000
ROUND_S = 0.05
THRIFTY = 4
"""One account in so many only makes calls that cost next to nothing, and never comes to its limit."""


class MqttSwitch(Beside):
    """Runs in threads of its own while the block does."""

    def __init__(
        self, port: int, name: str, *, seed: int, accounts: int, calls_a_round: int = 5, rated: bool = True
    ) -> None:
        """Not `rated`, reports say that a call costs nothing from now on: only what they state counts."""
        super().__init__(f"switch {name}")
        self.name = name
        self._rated = rated
        self._port = port
        self._random = Random(seed)
        self._accounts = [f"acct-{number:04}" for number in range(accounts)]
        self._calls_a_round = calls_a_round
        self.blocks = BlockList(EmergencyNumbers())
        self.commanded: set[str] = set()
        self.owed: dict[str, int] = defaultdict(int)
        """What each account owes for calls that are over: what an independent count says."""
        self.reports = 0
        self._up: list[tuple[str, str, int, float, float]] = []
        self._made = 0
        self._lock = threading.Lock()
        self._waiting: deque[Any] = deque()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=f"switch-{name}",
            clean_session=False,
            protocol=MQTTProtocolVersion.MQTTv311,
        )
        self._client.max_queued_messages_set(0)
        self._client.max_inflight_messages_set(200)
        self._client.on_connect = lambda *_: self._connected()
        self._client.on_message = self._obey

    def __enter__(self) -> Self:
        """Connect and begin to talk."""
        self._client.connect("127.0.0.1", self._port)
        self._client.loop_start()
        return super().__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Be quiet."""
        self.stop()
        self._client.disconnect()
        self._client.loop_stop()

    def stop(self) -> None:
        """Every call ends, and everything said has reached the broker."""
        if not self.over.is_set():
            super().stop()
            self._say([self._end(call) for call in self._up])
            self._up = []
            for told in self._waiting:
                told.wait_for_publish(30)

    def blocked(self) -> set[str]:
        """The accounts that it blocks."""
        with self._lock:
            return set(self.blocks.accounts())

    # -- inside

    def _connected(self) -> None:
        self._client.subscribe(f"guard/v1/{self.name}/commands", qos=1)
        self._client.publish(f"guard/v1/{self.name}/status", b'{"status":"up"}', qos=1)

    def _obey(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        order = decode_order(bytes(message.payload))
        now_ms = time.time_ns() // 1_000_000
        with self._lock:
            if isinstance(order, Command):
                self.commanded.add(order.account)
                self.blocks.apply(order)
                ack = Ack(switch=self.name, id=order.id, ok=True, account=order.account, at_ms=now_ms)
            else:
                self.blocks.apply_part(order)
                ack = Ack(switch=self.name, id=order.id, ok=True, at_ms=now_ms, part=order.part)
        self._client.publish(f"guard/v1/{self.name}/acks", encode_ack(ack), qos=1)

    def run(self) -> None:
        """Round after round."""
        while not self.over.is_set():
            now = time.time()
            reports: list[dict[str, object]] = []
            for _ in range(self._calls_a_round):
                self._made += 1
                account = self._random.choice(self._accounts)
                rate = 17 if int(account[-2:]) % THRIFTY == 0 else self._random.choice((17, 333_333, 1_000_000))
                lasts = self._random.uniform(0.2, 5)
                call = (f"c{self._made}", account, rate, now, now + lasts)
                self._up.append(call)
                reports.append(self._report(call, "answered", now))
            for call in [call for call in self._up if call[4] <= now]:
                self._up.remove(call)
                reports.append(self._end(call))
            reports += [self._report(call, "tick", now) for call in self._up if self._random.random() < 0.3]
            self._random.shuffle(reports)
            self._say(reports)
            if self._random.random() < 0.1:
                self._say(self._random.sample(reports, len(reports) // 2))
            time.sleep(ROUND_S)

    def _say(self, reports: list[dict[str, object]]) -> None:
        self.reports += len(reports)
        self._waiting.append(self._client.publish(f"guard/v1/{self.name}/calls", json.dumps(reports).encode(), qos=1))
        while self._waiting and self._waiting[0].is_published():
            self._waiting.popleft()

    def _charge(self, call: tuple[str, str, int, float, float], now: float) -> int:
        return int(call[2] * (now - call[3]))

    def _end(self, call: tuple[str, str, int, float, float]) -> dict[str, object]:
        now = time.time()
        self.owed[call[1]] += self._charge(call, now)
        return self._report(call, "ended", now)

    def _report(self, call: tuple[str, str, int, float, float], event: str, now: float) -> dict[str, object]:
        charge = self._charge(call, now)
        rate = call[2] * 60 if self._rated else 0
        return {
            "call": call[0],
            "event": event,
            "account": call[1],
            "to": "+16135550100",
            "at": f"{now:.3f}",
            "duration_ms": int((now - call[3]) * 1_000),
            "charge": f"{charge // MICROS}.{charge % MICROS:06}",
            "rate": f"{rate // MICROS}.{rate % MICROS:06}",
        }
