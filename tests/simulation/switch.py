"""A switch: the ground truth. It carries calls, says what they cost, and does what commands say (contract 1).

What it remembers of commands is the contract's and nothing more: per account the highest `seq` and the block, a
snapshot that is put in place once all its parts are there. Everything that can go wrong with it is drawn (`faults`):
its reports are lost, doubled or late, it loses commands and acknowledgements, applies them twice or not at all, refuses
them, forgets everything when it is started again, and its clock is wrong.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any, Protocol

from tests.simulation.broker import Broker
from tests.simulation.calls import Call, Said
from tests.simulation.prices import EMERGENCY
from tests.simulation.schedule import START_MS, Schedule

MILLION = 1_000_000
MINUTE_MS = 60_000
PPM = 1_000_000
MOST_TOGETHER = 20
"""Reports in an array."""


def money(micros: int) -> str:
    """As the contract writes it."""
    sign, micros = ("-", -micros) if micros < 0 else ("", micros)
    return f"{sign}{micros // MILLION}.{micros % MILLION:06d}"


class Luck(Protocol):
    """What goes wrong now, drawn; nothing once the world has healed."""

    def strikes(self, what: str) -> bool:
        """Whether this goes wrong this time."""
        ...


class Watcher(Protocol):
    """Who looks at everything that happens (the auditor)."""

    def commanded(self, switch: Switch, message: dict[str, Any]) -> None:
        """A command has arrived."""
        ...

    def ticking(self, switch: Switch, call: Call) -> None:
        """A call goes on."""
        ...

    def cutting(self, switch: Switch, account: str, ending: list[Call]) -> None:
        """A block is about to end calls."""
        ...

    def trouble(self, what: str, until_ms: int, *, switch: str = "", account: str = "", delays: bool = True) -> None:
        """Something is amiss until then; what follows from it is nobody's fault. `delays`: messages come later."""
        ...


class Switch:
    """One switch."""

    def __init__(  # noqa: PLR0913 -- all of its surroundings and habits, each named at the one call
        self,
        name: str,
        *,
        schedule: Schedule,
        random: Random,
        broker: Broker,
        luck: Luck,
        watcher: Watcher,
        tick_ms: int,
        states_charge: bool,
        obeys_within_ms: int,
    ) -> None:
        self.name = name
        self._schedule = schedule
        self._random = random
        self._broker = broker
        self._luck = luck
        self._watcher = watcher
        self.tick_ms = tick_ms
        self.states_charge = states_charge
        self.obeys_within_ms = obeys_within_ms
        self.offset_ms = 0
        self.drift_ppm = 0
        self.online = True
        self.lied = False
        """It has acknowledged what it did not do. Nobody can know, until it says `up` or guard starts."""
        self._will = False
        self._publish_will: Callable[[], None] = lambda: None
        self.calls: dict[str, Call] = {}
        """Those that are up."""
        self.every: list[Call] = []
        self.attempts = 0
        """Refused because the account is blocked."""
        self.blocked: dict[str, dict[str, Any]] = {}
        self._seqs: dict[str, int] = {}
        self._parts: dict[int, dict[str, Any]] = {}
        self._snapshot = ""
        self._commanded: set[str] = set()
        self._scopes: dict[str, dict[str, bool]] = {}
        self._waiting: deque[tuple[str, bytes, Callable[[], None]]] = deque()
        self._line_free_ms = 0
        self._obeys_from_ms = 0
        base = f"guard/v1/{name}"
        self._base = base
        broker.hears[f"{base}/commands"] = self._commands
        broker.hears[f"{base}/scopes"] = self._scopes_came

    # -- its clock

    def clock_ms(self) -> int:
        """What its clock shows."""
        now_ms = self._schedule.now_ms
        return now_ms + self.offset_ms + (now_ms - START_MS) * self.drift_ppm // PPM

    # -- calls

    def begin(self, call: Call) -> bool:
        """Somebody calls; False when the account is blocked."""
        if self._stops(call):
            self.attempts += 1
            self._report(call, "failed", cause="blocked")
            return False
        self.calls[call.id] = call
        self.every.append(call)
        self._report(call, "answered")
        self._schedule.after(self.tick_ms, lambda: self._tick(call))
        self._schedule.at(call.planned_end_ms, lambda: self.end(call))
        return True

    def _stops(self, call: Call) -> bool:
        entry = self.blocked.get(call.account)
        return entry is not None and call.endable and self._in_scope(entry["scope"], call.to)

    def _in_scope(self, scope: str, to: str) -> bool:
        prefixes = self._scopes.get(scope)
        if scope == "all" or prefixes is None:
            return True
        digits = to.removeprefix("+")
        fitting = [prefix for prefix in prefixes if digits.startswith(prefix)]
        return prefixes[max(fitting, key=len)]

    def _tick(self, call: Call) -> None:
        if not call.up:
            return
        self._watcher.ticking(self, call)
        self._report(call, "tick")
        self._schedule.after(self.tick_ms, lambda: self._tick(call))

    def end(self, call: Call) -> None:
        """It is over, for whatever reason."""
        if not call.up:
            return
        call.ended_ms = self._schedule.now_ms
        del self.calls[call.id]
        if self._luck.strikes("end lost"):
            call.end_is_lost = True
            self._excuse(call, "an end is lost", 0)
            return
        self._report(call, "ended")

    def say_after_all(self, call: Call) -> None:
        """The `ended` that was thought lost."""
        call.end_is_lost = False
        self._report(call, "ended", late_ms=self._schedule.now_ms - (call.ended_ms or 0))

    def load(self, calls: list[Call]) -> None:
        """Somebody brings in its records: each call as it was, with its answer and its end (`guard load`)."""
        for first in range(0, len(calls), MOST_TOGETHER):
            some = calls[first : first + MOST_TOGETHER]
            array = [self._body(call, "answered", self._then_ms(call.began_ms), 0) for call in some]
            array += [self._body(call, "ended", self._then_ms(call.over_ms), call.lasted_ms) for call in some]
            now_ms = self._schedule.now_ms
            for call in some:
                call.end_is_lost = False
                call.said.append(Said(now_ms, "answered", 0, to=True))
                call.said.append(Said(now_ms, "ended", call.lasted_ms, to=True))
            self._broker.publish(f"{self._base}/calls", json.dumps(array).encode())

    def _then_ms(self, moment_ms: int) -> int:
        """What its clock showed, as far as it knows."""
        return moment_ms + self.clock_ms() - self._schedule.now_ms

    # -- reports

    def _report(self, call: Call, event: str, cause: str = "", late_ms: int = 0) -> None:
        duration_ms = call.duration_ms(self._schedule.now_ms)
        names_to = event != "tick" or self._random.random() < 0.2
        at_ms = self.clock_ms() - late_ms
        body = self._body(call, event, at_ms, duration_ms, names_to=names_to, cause=cause)
        said = Said(0, event, duration_ms, names_to)
        if event == "tick" and self._luck.strikes("tick lost"):
            self._excuse(call, "a tick is lost", 2 * self.tick_ms)
            return
        if event == "answered" and self._luck.strikes("answered lost"):
            self._excuse(call, "an answer is lost", 2 * self.tick_ms)
            return
        if self._luck.strikes("report doubled"):
            self._schedule.after(self._random.randint(0, 30_000), lambda: self._send_report(call, said, body, 1))
            self._excuse(call, "a report comes again late", 30_000 + 2 * self.tick_ms)
        if self._luck.strikes("report replayed"):
            # Somebody reads a line of a log once more, long after: perhaps when the memory of the call has ended.
            replayed_ms = self._random.randint(MINUTE_MS, 25 * MINUTE_MS)
            self._schedule.after(replayed_ms, lambda: self._send_report(call, said, body, 1))
            self._excuse(call, "a report will be replayed", replayed_ms + 2 * self.tick_ms)
        delay_ms = self._random.randint(1, 40)
        if self._luck.strikes("report late"):
            delay_ms = self._random.randint(200, 45_000)
            self._excuse(call, "a report is late", delay_ms + 2 * self.tick_ms)
            self._schedule.after(delay_ms, lambda: self._send_report(call, said, body, 1))
            return
        self._send_report(call, said, body, delay_ms)

    def _body(
        self, call: Call, event: str, at_ms: int, duration_ms: int, *, names_to: bool = True, cause: str = ""
    ) -> dict[str, Any]:
        body: dict[str, Any] = {"call": call.id, "event": event, "account": call.account, "at": at_ms / 1_000}
        if self._random.random() < 0.2:
            body["at"] = f"{at_ms // 1_000}.{at_ms % 1_000:03d}"
        if event != "failed":
            body["duration_ms"] = duration_ms
        if names_to:
            body["to"] = call.to
        if call.direction != "outgoing":
            body["direction"] = call.direction
        if call.emergency and call.to.removeprefix("+") not in EMERGENCY:
            body["emergency"] = True
        if cause:
            body["cause"] = cause
        elif call.states_charge and event != "failed":
            body["charge"] = money(call.stated(duration_ms))
            body["rate"] = money(call.rate_micros)
        return body

    def _excuse(self, call: Call, what: str, lasts_ms: int) -> None:
        self._watcher.trouble(what, self._schedule.now_ms + lasts_ms, account=call.account)

    def _send_report(self, call: Call, said: Said, body: dict[str, Any], delay_ms: int) -> None:
        def taken() -> None:
            call.said.append(Said(self._schedule.now_ms, said.event, said.duration_ms, said.to))

        array = self._random.random() < 0.1
        self._send("calls", json.dumps([body] if array else body).encode(), delay_ms, taken)

    def _send(self, kind: str, payload: bytes, delay_ms: int = 1, taken: Callable[[], None] = lambda: None) -> None:
        """Publish in order, or keep it until there is a connection."""
        topic = f"{self._base}/{kind}"
        if not self.online:
            self._waiting.append((topic, payload, taken))
            return
        self._line_free_ms = max(self._line_free_ms, self._schedule.now_ms + delay_ms)

        def arrive() -> None:
            taken()
            self._broker.publish(topic, payload)

        self._schedule.at(self._line_free_ms, arrive)

    # -- its connection

    def go_offline(self, *, will: bool, will_after_ms: int) -> None:
        """The connection to the broker is lost."""
        self.online = False
        self._will = will

        def publish_will() -> None:
            if self._will:
                self._will = False
                self._broker.publish(f"{self._base}/status", b'{"status":"down"}')

        self._publish_will = publish_will
        self._schedule.after(will_after_ms, publish_will)

    def go_online(self) -> None:
        """Connected again: `up`, then what has waited."""
        if self.online:
            return
        # A broker that had not noticed yet publishes the will when the same client comes back.
        self._publish_will()
        self.online = True
        retained = self._broker.retained.get(f"{self._base}/scopes")
        if retained is not None:
            self._scopes_came(retained)
        self._send("status", b'{"status":"up"}')
        waiting, self._waiting = self._waiting, deque()
        while waiting:
            kind = waiting[0][0].rpartition("/")[2]
            together = [waiting.popleft()]
            while kind == "calls" and waiting and waiting[0][0].endswith("/calls") and len(together) < MOST_TOGETHER:
                together.append(waiting.popleft())
            self._send_together(kind, together)

    def _send_together(self, kind: str, together: list[tuple[str, bytes, Callable[[], None]]]) -> None:
        """Several reports as one array."""
        if len(together) == 1:
            self._send(kind, together[0][1], 1, together[0][2])
            return
        bodies = [json.loads(payload) for _, payload, _ in together]
        array = [each for body in bodies for each in (body if isinstance(body, list) else [body])]

        def taken() -> None:
            for _, _, each in together:
                each()

        self._send(kind, json.dumps(array).encode(), 1, taken)

    def reboot(self) -> None:
        """It forgets every block, and every call is over; it is offline until it is up again."""
        self.blocked.clear()
        self._seqs.clear()
        self._scopes.clear()
        self._snapshot = ""
        self._parts.clear()
        for call in list(self.calls.values()):
            self.end(call)

    # -- commands

    def _scopes_came(self, payload: bytes) -> None:
        if self.online:
            self._scopes = json.loads(payload)["scopes"]

    def _commands(self, payload: bytes) -> None:
        if not self.online:
            return
        message = json.loads(payload)
        self._watcher.commanded(self, message)
        if self._luck.strikes("command lost"):
            self._watcher.trouble("a command is lost", self._schedule.now_ms + 16_000, switch=self.name)
            return
        # In the order in which they came: one topic keeps its order.
        delay_ms = self._random.randint(1, self.obeys_within_ms)
        self._obeys_from_ms = max(self._obeys_from_ms, self._schedule.now_ms + delay_ms)
        self._schedule.at(self._obeys_from_ms, lambda: self._obey(message))
        if self._luck.strikes("command doubled"):
            self._schedule.at(self._obeys_from_ms, lambda: self._obey(message))

    def _obey(self, message: dict[str, Any]) -> None:
        if not self.online:
            return
        if self._luck.strikes("command refused"):
            self._watcher.trouble("a command is refused", self._schedule.now_ms + 16_000, switch=self.name)
            self._acknowledge(message, 0, error="not now")
            return
        ended = 0
        if message["action"] == "snapshot":
            self._take_part(message)
        elif self._luck.strikes("command ignored"):
            self.lied = True
            lasts_ms = 5_000 + 3 * self.tick_ms + 16_000
            self._watcher.trouble("a command is ignored", self._schedule.now_ms + lasts_ms, switch=self.name)
        else:
            ended = self._take_command(message)
        if self._luck.strikes("ack lost"):
            self._watcher.trouble("an ack is lost", self._schedule.now_ms + 16_000, switch=self.name)
            return
        self._acknowledge(message, ended)

    def _acknowledge(self, message: dict[str, Any], ended: int, error: str = "") -> None:
        at_ms = self.clock_ms()
        ack = {"id": message["id"], "ok": not error, "ended_calls": ended, "at": at_ms / 1_000, "error": error}
        if message["action"] == "snapshot":
            ack["part"] = message["part"]
        else:
            ack["account"] = message["account"]
        self._send("acks", json.dumps(ack).encode())

    def _take_command(self, message: dict[str, Any]) -> int:
        account, seq = message["account"], message["seq"]
        if seq < self._seqs.get(account, -1):
            return 0
        self._seqs[account] = seq
        self._commanded.add(account)
        if message["action"] == "unblock":
            self.blocked.pop(account, None)
            return 0
        self.blocked[account] = {key: message[key] for key in ("seq", "scope", "end_calls")}
        return self._end_calls_of(account, message["except"])

    def _end_calls_of(self, account: str, exempt: list[str]) -> int:
        entry = self.blocked[account]
        ending = [
            call
            for call in self.calls.values()
            if entry["end_calls"]
            and call.account == account
            and call.direction in ("outgoing", "forwarded")
            and call.to.removeprefix("+") not in exempt
            and not (call.emergency and call.to.removeprefix("+") not in EMERGENCY)
            and self._in_scope(entry["scope"], call.to)
        ]
        if ending:
            self._watcher.cutting(self, account, ending)
        for call in ending:
            self.end(call)
        return len(ending)

    def _take_part(self, part: dict[str, Any]) -> None:
        if part["id"] != self._snapshot:
            self._snapshot = part["id"]
            self._parts = {}
            self._commanded = set()
        elif len(self._parts) == part["of"]:
            # It is in place already; the same again is no newer than what has come since.
            return
        self._parts[part["part"]] = part
        if len(self._parts) < part["of"]:
            return
        listed = {entry["account"]: entry for each in self._parts.values() for entry in each["blocked"]}
        exempt = part["except"]
        for account in [*self.blocked]:
            if account in self._commanded:
                continue
            if account not in listed or self._seqs.get(account, -1) <= listed[account]["seq"]:
                del self.blocked[account]
        for account, entry in listed.items():
            if account not in self._commanded and self._seqs.get(account, -1) <= entry["seq"]:
                self._seqs[account] = entry["seq"]
                self.blocked[account] = {key: entry[key] for key in ("seq", "scope", "end_calls")}
                self._end_calls_of(account, exempt)
