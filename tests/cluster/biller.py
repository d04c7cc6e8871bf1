"""Billing on a real broker: fees, some said twice, and what they come to by an independent count."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from random import Random
from types import TracebackType
from typing import Self

from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.beside import Beside

MICROS = 1_000_000
EVERY_S = 0.2
NEVER_S = 3_600.0


class Biller(Beside):
    """Runs in threads of its own while the block does."""

    def __init__(self, port: int, *, seed: int, accounts: int, every_s: float = EVERY_S) -> None:
        super().__init__("biller")
        self._port = port
        self._every_s = every_s
        self._random = Random(seed)
        self._accounts = [f"acct-{number:04}" for number in range(accounts)]
        self.owed: dict[str, int] = defaultdict(int)
        """What each account owes for fees."""
        self.messages = 0
        self._told: list[MQTTMessageInfo] = []
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id="biller", clean_session=False, protocol=MQTTProtocolVersion.MQTTv311
        )
        self._client.max_queued_messages_set(0)

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
        """Say nothing more; everything said has reached the broker."""
        if not self.over.is_set():
            super().stop()
            self._wait_told()

    def run(self) -> None:
        """Fee after fee."""
        while not self.over.wait(self._every_s):
            account, fee = self._random.choice(self._accounts), self._random.randint(1, 90_000)
            self._charge(account, fee, times=self._random.choice((1, 1, 1, 2)))
            self._told = [told for told in self._told if not told.is_published()]

    def settle(self, fees: Mapping[str, int]) -> None:
        """A last fee, in micros, for each of these accounts, once it has stopped; all of it has reached the broker."""
        for account, fee in fees.items():
            self._charge(account, fee)
        self._wait_told()

    def _charge(self, account: str, fee: int, times: int = 1) -> None:
        self.messages += 1
        self.owed[account] += fee
        message = {
            "type": "adjustment",
            "id": f"fee-{self.messages}",
            "account": account,
            "amount": f"{fee // MICROS}.{fee % MICROS:06}",
            "reason": "a fee",
        }
        payload = json.dumps(message).encode()
        self._told += [self._client.publish("guard/v1/billing", payload, qos=1) for _ in range(times)]

    def _wait_told(self) -> None:
        for told in self._told:
            told.wait_for_publish(30)
