"""A telephone network on loopback: mosquitto, Kamailio with the shipped configuration, SIPp, guard.

    SIPp callers -> Kamailio -> SIPp callee (the carrier)
                       |
                   mosquitto <-> guard
                       |
                   `wire`: an observer with a persistent session, who also plays the billing system

All files are in one directory, every port is free, and everything is ended by its handle. `start_guard` is
the one place that knows how guard is started.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote

import httpx
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.switch.programs import Child, LabError, find_program, free_port, wait_for

ROOT: Final = Path(__file__).resolve().parents[2]
SWITCH_FILES: Final = ROOT / "switches" / "kamailio"
BROKER_CONFIG: Final = ROOT / "guard" / "share" / "mosquitto.conf"
SCENARIOS: Final = Path(__file__).with_name("sipp")
PROGRAMS: Final = ("mosquitto", "kamailio", "sipp")
# What a running network consists of, in the order of its start.
NETWORK: Final = ("mosquitto", "callee", "subscriber", "kamailio", "guard")

PREFIX: Final = "guard/lab"
SWITCH: Final = "sw1"
GATE_SECONDS: Final = 3
DIGEST_WORD: Final = "lab-word"

# What a minute costs in the lab. No country has 999: its calls are so dear that a limit is reached within
# a second or two.
PRICES: Final = {"1": "0.60", "253": "2.10", "44": "1.20", "999": "600"}

# Used as long as guard ships no broker configuration.
BROKER_FALLBACK: Final = """\
allow_anonymous true
persistence true
autosave_on_changes true
autosave_interval 1
max_queued_messages 0
max_inflight_messages 1000
"""
# These settings belong to an installation, so the lab has its own.
BROKER_OWN: Final = re.compile(r"(listener|port|bind_address|persistence_location|log_\w+|pid_file|user)\s")

# The console script of the environment that runs the tests.
GUARD = Path(sys.executable).with_name("guard")

START_SECONDS: Final = 20.0
REPORT_SECONDS: Final = 10.0

Json = Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One MQTT message as the observer received it; `topic` without the prefix."""

    topic: str
    body: Json


class Wire:
    """The observer on the broker: keeps every message, publishes for billing or in guard's place."""

    def __init__(self, port: int) -> None:
        self._messages: list[Message] = []
        self._lock = threading.Lock()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="observer", clean_session=False)
        self._client.max_queued_messages_set(0)
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._connected
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_message = self._received
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        if not self._subscribed.wait(START_SECONDS):
            raise LabError("the observer could not subscribe")

    def _connected(
        self,
        client: mqtt.Client,
        _userdata: object,
        _flags: mqtt.ConnectFlags,
        _reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        client.subscribe(f"{PREFIX}/#", qos=1)

    def _received(self, _client: mqtt.Client, _userdata: object, message: mqtt.MQTTMessage) -> None:
        topic = message.topic.removeprefix(f"{PREFIX}/")
        try:
            body = json.loads(message.payload)
        except ValueError:  # junk that a test has sent
            body = message.payload
        with self._lock:
            self._messages.append(Message(topic=topic, body=body))

    def topics(self) -> set[str]:
        """All topics seen, without the prefix."""
        with self._lock:
            return {message.topic for message in self._messages}

    def mark(self) -> int:
        """A place in the stream: what `since` takes to see only what comes later."""
        with self._lock:
            return len(self._messages)

    def messages(self, topic: str, *, since: int = 0) -> list[Json]:
        """The messages of a topic, oldest first."""
        with self._lock:
            return [message.body for message in self._messages[since:] if message.topic == topic]

    def reports(self, *, since: int = 0, **fields: object) -> list[Json]:
        """The switch's reports that have these fields, arrays taken apart."""
        reports: list[Json] = []
        for body in self.messages(f"{SWITCH}/calls", since=since):
            reports.extend(body if isinstance(body, list) else [body])
        return [r for r in reports if all(r.get(name) == value for name, value in fields.items())]

    def report(self, *, since: int = 0, seconds: float = REPORT_SECONDS, **fields: object) -> Json:
        """The first report with these fields, waited for."""
        return wait_for(
            f"a report with {fields}",
            lambda: next(iter(self.reports(since=since, **fields)), None),
            seconds=seconds,
        )

    def publish(self, topic: str, body: Json, *, retain: bool = False) -> None:
        """Publish as JSON under the prefix, and wait until the broker has it."""
        payload = body if isinstance(body, bytes) else json.dumps(body)
        info = self._client.publish(f"{PREFIX}/{topic}", payload, qos=1, retain=retain)
        info.wait_for_publish(REPORT_SECONDS)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()


class Call:
    """One SIPp caller with one call; the scenario is the expectation, the exit status the verdict."""

    def __init__(self, child: Child, call_id: str, trace: Path) -> None:
        self.child = child
        self.call_id = call_id
        self._trace = trace

    def done(self, *, seconds: float = 30.0) -> None:
        """Wait until the scenario has run to its end as it is written."""
        wait_for(f"the end of {self.child.name}", lambda: not self.child.running, seconds=seconds)
        if self.child.status != 0:
            raise LabError(f"not as the scenario says: {self.child.tail()}\n{self.trace()}")

    def trace(self) -> str:
        """The SIP messages of this call, one a line."""
        return self._trace.read_text(errors="replace") if self._trace.exists() else ""

    def final_status(self) -> int:
        """The final SIP status of the INVITE of a call that is done."""
        codes = [int(code) for code in re.findall(r"INVITE\t.*?SIP/2\.0 (\d{3})", self.trace())]
        return next(code for code in codes if code >= 200)


class Lab:
    """The network. Programs that a test has stopped are started again by `mend`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._children: dict[str, Child] = {}
        self._calls: list[Call] = []
        self._broker_port = free_port()
        self._switch_port = free_port()
        self._carrier_port = free_port()
        self._incoming_port = free_port()
        self._subscriber_port = free_port()
        self._http_port = free_port()
        self._wire: Wire | None = None
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{self._http_port}", timeout=5, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for call in self._calls:
            call.child.stop()
        self._http.close()
        if self._wire is not None:
            self._wire.close()
        for child in reversed(self._children.values()):
            child.stop()

    @property
    def wire(self) -> Wire:
        """The observer; the broker must have been started."""
        if self._wire is None:
            raise LabError("start the broker first")
        return self._wire

    def logs(self) -> str:
        """The ends of all logs, for the text of a failure."""
        return "\n".join(child.tail() for child in self._children.values())

    def log_of(self, name: str) -> str:
        """The whole log of a program, over all its starts."""
        return (self.directory / f"{name}.log").read_text(errors="replace")

    def running(self, name: str) -> bool:
        """Whether a program has been started and has not ended."""
        return name in self._children and self._children[name].running

    def stop(self, name: str) -> None:
        """End a program as an operator would."""
        self._children.pop(name).stop()

    def kill(self, name: str) -> None:
        """End a program as a power cut would."""
        self._children.pop(name).kill()

    def start(self, *, prices: Mapping[str, str] | None = PRICES) -> None:
        """Start whatever of the network is not running, and wait until the switch has a snapshot of guard's."""
        since = self.wire.mark() if self._wire is not None else 0
        missing = [name for name in NETWORK if not self.running(name)]
        starters: dict[str, Callable[[], None]] = {
            "mosquitto": self.start_broker,
            "callee": self.start_callee,
            "subscriber": self.start_subscriber,
            "kamailio": lambda: self.start_switch(prices=prices),
            "guard": self.start_guard,
        }
        for name in missing:
            starters[name]()
        if missing:
            wait_for(
                "a snapshot at the switch",
                lambda: [ack for ack in self.acks(since=since) if ack.get("action") == "snapshot" and ack["ok"]],
                seconds=START_SECONDS,
            )

    def acks(self, *, since: int = 0, **fields: object) -> list[Json]:
        """The switch's acknowledgements that have these fields."""
        acks = self.wire.messages(f"{SWITCH}/acks", since=since)
        return [ack for ack in acks if all(ack.get(name) == value for name, value in fields.items())]

    def _start(self, name: str, *command: str) -> Child:
        if self.running(name):
            raise LabError(f"{name} runs already")
        child = Child(name, command, self.directory)
        self._children[name] = child
        return child

    def _ready(self, child: Child, what: str, condition: Callable[[], bool]) -> None:
        def ended_or_ready() -> bool:
            if not child.running:
                raise LabError(f"{child.name} ended at its start: {child.tail()}")
            return condition()

        try:
            wait_for(what, ended_or_ready, seconds=START_SECONDS)
        except LabError as error:
            raise LabError(f"{error}\n{self.logs()}") from error

    # ---- the broker

    def start_broker(self) -> None:
        """Mosquitto with the configuration that guard ships, and with the observer's session on it."""
        shipped = BROKER_CONFIG.read_text() if BROKER_CONFIG.exists() else BROKER_FALLBACK
        lines = [line for line in shipped.splitlines() if not BROKER_OWN.match(line)]
        store = self.directory / "broker"
        store.mkdir(exist_ok=True)
        lines += [f"listener {self._broker_port} 127.0.0.1", f"persistence_location {store}/"]
        if os.geteuid() == 0:
            lines.append("user root")
        config = self.directory / "mosquitto.conf"
        config.write_text("\n".join([*lines, ""]))
        child = self._start("mosquitto", _program("mosquitto"), "-c", str(config))
        self._ready(child, "the broker's port", lambda: _accepts(self._broker_port))
        if self._wire is None:
            self._wire = Wire(self._broker_port)

    # ---- the switch

    def start_switch(
        self,
        *,
        prices: Mapping[str, str] | None = None,
        auth: bool = False,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Kamailio with the shipped configuration; without prices it states neither rate nor charge."""
        run = self.directory / "kamailio"
        run.mkdir(exist_ok=True)
        shutil.copy(SWITCH_FILES / "kamailio.cfg", run)
        values = {
            "GUARD_PREFIX": PREFIX,
            "SWITCH_NAME": SWITCH,
            "MQTT_PORT": str(self._broker_port),
            "LISTEN_ON": f"udp:127.0.0.1:{self._switch_port}",
            "CARRIER_URI": f"sip:127.0.0.1:{self._carrier_port}",
            "CARRIER_SOURCE": f"127.0.0.1:{self._incoming_port}",
            "SUBSCRIBER_URI": f"sip:127.0.0.1:{self._subscriber_port}",
            "TICK_SECONDS": "1",
            "GATE_SECONDS": str(GATE_SECONDS),
            "AUTH_PASSWORD": DIGEST_WORD,
            **(settings or {}),
        }
        local = [f'#!substdef "!{name}!{value}!g"' for name, value in values.items()]
        (run / "local.cfg").write_text("\n".join([*local, ""]))
        (run / "prices.cfg").unlink(missing_ok=True)
        if prices is not None:
            (run / "prices.cfg").write_text(_price_table(prices))
        child = self._start(
            "kamailio",
            _program("kamailio"),
            *("-f", str(run / "kamailio.cfg"), "-DD", "-E", "-m", "64", "-M", "16"),
            *("-P", str(run / "kamailio.pid"), "-Y", str(run), "-w", str(run)),
            *(("-A", "WITH_AUTH") if auth else ()),
        )
        self._ready(child, "an answer of the switch", lambda: _answers(self._switch_port))

    def charged(self) -> dict[str, tuple[str, Decimal]]:
        """What the switch's own log says about ended calls: call -> (account, charge)."""
        charged: dict[str, tuple[str, Decimal]] = {}
        for line in re.findall(r"CDR (\{.*\})", self.log_of("kamailio")):
            report = json.loads(line)
            charged[report["call"]] = (report["account"], Decimal(report.get("charge", "0")))
        return charged

    # ---- telephones

    def start_callee(self, *, ring_ms: int = 50) -> None:
        """The carrier: answers every call after ringing, waits for BYE (see callee.xml for the others)."""
        self._start_answering("callee", self._carrier_port, ring_ms)

    def start_subscriber(self) -> None:
        """The customer's telephone, for incoming calls."""
        self._start_answering("subscriber", self._subscriber_port, 50)

    def _start_answering(self, name: str, port: int, ring_ms: int) -> None:
        trace = self.directory / f"{name}.csv"
        # A Call-ID may come again at once: SIPp would not answer it for 33 s.
        command = _sipp("callee", port, trace, "-d", str(ring_ms), "-deadcall_wait", "0")
        child = self._start(name, *command)
        self._ready(child, f"the port of {name}", lambda: not _udp_port_is_free(port))

    def byes_at_callee(self, call_id: str) -> int:
        """How many BYE requests for this call the callee has received."""
        trace = (self.directory / "callee.csv").read_text(errors="replace")
        return len(re.findall(rf"\tR\t{re.escape(call_id)}\t.*\tBYE ", trace))

    def call(
        self,
        scenario: str,
        account: str,
        to: str,
        *,
        talk_ms: int = 1_000,
        call_id: str = "",
        header: str = "X-Lab: plain",
        incoming: bool = False,
    ) -> Call:
        """Start one caller with one call, from the customers' side or (incoming) from the carrier's."""
        number = len(self._calls)
        call_id = call_id or f"lab-{number}"
        trace = self.directory / f"call{number}.csv"
        port = self._incoming_port if incoming else free_port()
        child = Child(
            f"call{number}-{scenario}",
            [
                *_sipp(scenario, port, trace, "-d", str(talk_ms), "-m", "1", "-cid_str", call_id),
                *("-key", "account", quote(account, safe=""), "-key", "header", header, "-s", to),
                *("-recv_timeout", "15000", "-timeout", "40s", "-timeout_error", "-trace_err"),
                *(("-au", account, "-ap", DIGEST_WORD) if "authenticates" in scenario else ()),
                *("-error_file", str(self.directory / f"call{number}.errors")),
                f"127.0.0.1:{self._switch_port}",
            ],
            self.directory,
        )
        call = Call(child, call_id, trace)
        self._calls.append(call)
        return call

    def try_call(self, account: str, to: str) -> int:
        """Place one call, hang up at once if it is answered; the final SIP status."""
        call = self.call("caller_tries", account, to)
        call.done()
        return call.final_status()

    # ---- guard

    def start_guard(self) -> None:
        """The daemon as an operator starts it, with a configuration that speaks of nothing but the lab."""
        (self.directory / "rules").mkdir(exist_ok=True)
        (self.directory / "tariff.csv").write_text(
            "prefix,name,class,rate,connect,minimum_s,increment_s\n"
            "1,North America,domestic,0.60,0,0,1\n"
            "253,Djibouti,international,2.10,0,0,1\n"
            "999,Nowhere,international,600,0,0,1\n"
        )
        config = self.directory / "guard.toml"
        config.write_text(
            f'[broker]\nurl = "mqtt://127.0.0.1:{self._broker_port}"\nprefix = "{PREFIX}"\n'
            f'[store]\nurl = "sqlite:guard.db"\n'
            f'[http]\nlisten = "127.0.0.1:{self._http_port}"\n'
            f'[tariff]\nfile = "tariff.csv"\n'
            f'[rules]\ndir = "rules"\n'
            f'[model]\nmode = "off"\n'
            f"[switches.{SWITCH}]\nticks = true\n"
        )
        child = self._start("guard", str(GUARD), "run", "--config", str(config))
        self._ready(child, "guard to be ready", lambda: self.http_status("/-/ready") == 200)

    def http_status(self, path: str) -> int:
        """The HTTP status of a page of guard; 0 while nobody listens."""
        try:
            return self._http.get(path).status_code
        except httpx.TransportError:
            return 0

    def get(self, path: str) -> Json:
        """A JSON document of guard's API."""
        answer = self._http.get(path)
        if answer.status_code != httpx.codes.OK:
            raise LabError(f"{path}: {answer.status_code} {answer.text}")
        return answer.json()

    def account(self, account: str) -> Json:
        """What guard says about an account."""
        return self.get(f"/api/v1/accounts/{quote(account, safe='')}")

    def knows(self, account: str) -> bool:
        """Whether guard has the account."""
        return self.http_status(f"/api/v1/accounts/{quote(account, safe='')}") == httpx.codes.OK

    def report_outcomes(self) -> dict[str, float]:
        """What became of the switch's reports, by guard's own metrics."""
        pattern = rf'guard_reports_total\{{(?=[^}}]*switch="{SWITCH}")[^}}]*outcome="(\w+)"[^}}]*\}} (\S+)'
        return {outcome: float(count) for outcome, count in re.findall(pattern, self._http.get("/metrics").text)}

    def posted(self, account: str) -> dict[str, Decimal]:
        """The posted calls of an account in guard's ledger: call -> sum of its lines."""
        document = self.get(f"/api/v1/accounts/{quote(account, safe='')}/ledger")
        posted: dict[str, Decimal] = {}
        for line in document["lines"]:
            if line.get("call"):
                posted[line["call"]] = posted.get(line["call"], Decimal(0)) + Decimal(line["amount"])
        return posted


def missing_programs() -> list[str]:
    """The programs that the lab needs and this machine does not have."""
    return [program for program in PROGRAMS if find_program(program) is None]


def _program(name: str) -> str:
    path = find_program(name)
    if path is None:
        raise LabError(f"{name} is not installed")
    return path


def _sipp(scenario: str, port: int, trace: Path, *options: str) -> list[str]:
    return [
        _program("sipp"),
        *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-p", str(port)),
        *("-cp", str(free_port()), "-mp", str(free_port()), "-nostdin"),
        *("-trace_shortmsg", "-shortmessage_file", str(trace)),
        *options,
    ]


def _price_table(prices: Mapping[str, str]) -> str:
    rows = [f'    $sht(prices=>{prefix}) = "{rate}";' for prefix, rate in prices.items()]
    return "\n".join(["#!define WITH_PRICES", "route[PRICES] {", *rows, "}", ""])


def _accepts(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as stream:
        return stream.connect_ex(("127.0.0.1", port)) == 0


def _udp_port_is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        try:
            datagram.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _answers(port: int) -> bool:
    """Whether a SIP OPTIONS gets a reply."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
        datagram.settimeout(0.2)
        datagram.connect(("127.0.0.1", port))
        own: int = datagram.getsockname()[1]
        request = (
            f"OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 127.0.0.1:{own};branch=z9hG4bKready{own}\r\n"
            f"From: <sip:lab@lab>;tag={own}\r\nTo: <sip:lab@lab>\r\n"
            f"Call-ID: ready-{own}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 5\r\nContent-Length: 0\r\n\r\n"
        )
        try:
            datagram.send(request.encode())
            return datagram.recv(2_000).startswith(b"SIP/2.0 200")
        except OSError:
            return False
