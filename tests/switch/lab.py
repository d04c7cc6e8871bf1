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
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import quote

import httpx

from tests.switch.programs import Child, LabError, find_program, free_port, program, wait_for
from tests.switch.readiness import accepts_tcp, answers_sip, takes_udp
from tests.switch.wire import PREFIX, SWITCH, Json, Wire

ROOT: Final = Path(__file__).resolve().parents[2]
SWITCH_FILES: Final = ROOT / "switches" / "kamailio"
BROKER_CONFIG: Final = ROOT / "guard" / "share" / "mosquitto.conf"
SCENARIOS: Final = Path(__file__).with_name("sipp")
PROGRAMS: Final = ("mosquitto", "kamailio", "sipp")
# What a running network consists of, in the order of its start.
NETWORK: Final = ("mosquitto", "callee", "subscriber", "kamailio", "guard")

GATE_SECONDS: Final = 3
DIGEST_WORD: Final = "lab-word"

# What a minute costs in the lab. No country has 999: its calls are so dear that a limit is reached within
# a second or two.
PRICES: Final = {"1": "0.60", "253": "2.10", "44": "1.20", "999": "600"}

# These settings belong to an installation, so the lab has its own.
BROKER_OWN: Final = re.compile(r"(listener|port|bind_address|persistence_location|log_\w+|pid_file|user)\s")

# The console script of the environment that runs the tests.
GUARD = Path(sys.executable).with_name("guard")

START_SECONDS: Final = 20.0


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
                lambda: self.wire.acks(since=since, action="snapshot", ok=True),
                seconds=START_SECONDS,
            )

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
        shipped = BROKER_CONFIG.read_text().splitlines()
        lines = [line for line in shipped if not BROKER_OWN.match(line)]
        store = self.directory / "broker"
        store.mkdir(exist_ok=True)
        lines += [f"listener {self._broker_port} 127.0.0.1", f"persistence_location {store}/"]
        if os.geteuid() == 0:
            lines.append("user root")
        config = self.directory / "mosquitto.conf"
        config.write_text("\n".join([*lines, ""]))
        child = self._start("mosquitto", program("mosquitto"), "-c", str(config))
        self._ready(child, "the broker's port", lambda: accepts_tcp(self._broker_port))
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
            program("kamailio"),
            *("-f", str(run / "kamailio.cfg"), "-DD", "-E", "-m", "64", "-M", "16"),
            *("-P", str(run / "kamailio.pid"), "-Y", str(run), "-w", str(run)),
            *(("-A", "WITH_AUTH") if auth else ()),
        )
        self._ready(child, "an answer of the switch", lambda: answers_sip(self._switch_port))

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
        self._ready(child, f"the port of {name}", lambda: takes_udp(port))

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
    return [name for name in PROGRAMS if find_program(name) is None]


def _sipp(scenario: str, port: int, trace: Path, *options: str) -> list[str]:
    return [
        program("sipp"),
        *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-i", "127.0.0.1", "-p", str(port)),
        *("-cp", str(free_port()), "-mp", str(free_port()), "-nostdin"),
        *("-trace_shortmsg", "-shortmessage_file", str(trace)),
        *options,
    ]


def _price_table(prices: Mapping[str, str]) -> str:
    rows = [f'    $sht(prices=>{prefix}) = "{rate}";' for prefix, rate in prices.items()]
    return "\n".join(["#!define WITH_PRICES", "route[PRICES] {", *rows, "}", ""])
