"""One called number through a whole fraud, and then a search for it in everything that leaves guard."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.integration.mosquitto import Mosquitto
from tests.webhook.receiver import SECRET, Receiver

pytestmark = pytest.mark.broker

CALLED = "+252617394085"
CALLER = "+16475958642"
HIDDEN = ("7394085", "5958642")
"""The ends of both numbers: whatever is masked does not have them."""
RULES = """
[[rule]]
id = "same-number"
mode = "enforce"
measure = "calls"
window = "15m"
per = "number"
warn = 2
block = 3
scope = "international"

[[rule]]
id = "many-callers"
mode = "enforce"
measure = "accounts"
window = "15m"
per = "number"
warn = 2

[[rule]]
id = "range"
mode = "shadow"
measure = "gross"
window = "15m"
per = "range"
warn = "0.50"

[[rule]]
id = "long"
mode = "shadow"
measure = "duration"
warn = "1m"

[[rule]]
id = "dialling"
mode = "enforce"
measure = "variants"
window = "15m"
per = "number"
warn = 2

[[rule]]
id = "trying"
mode = "shadow"
measure = "failed"
window = "15m"
per = "number"
warn = 1
"""
TARIFF = """prefix,name,class,rate,connect,minimum_s,increment_s
1,Canada and USA,domestic,0.02,0,0,1
252,Somalia,international,3.40,0,60,60
"""
CONFIG = """[accounts]
default_limit = "20.00"
[tariff]
file = "tariff.csv"
[rules]
dir = "rules"
[fuse]
blocks = 1
window = "1h"
[[webhook]]
name = "ops"
url = "{url}"
secret_file = "webhook.key"
events = ["block", "unblock", "warn", "cleared", "held", "allow", "unconfirmed", "blind", "fuse"]
"""
WHO = {"by": "ana", "reason": "spoke to them"}
PATHS = (
    *("/metrics", "/-/ready", "/-/healthy", "/api/v1/openapi.json", "/api/v1/accounts", "/api/v1/history"),
    *("/api/v1/decisions?limit=1000", "/api/v1/held", "/api/v1/quarantine", "/api/v1/switches", "/api/v1/rules"),
    *("/api/v1/webhooks", "/api/v1/webhooks/deliveries?state=pending", "/api/v1/limits/review"),
    *("/", "/accounts", "/decisions", "/held", "/rules", "/switches"),
)
OF_ACCOUNT = ("", "/ledger", "/statement", "/history", "/profile")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the daemon's files are."""
    made = tmp_path / "guard"
    (made / "rules").mkdir(parents=True)
    (made / "rules" / "own.toml").write_text(RULES)
    (made / "tariff.csv").write_text(TARIFF)
    (made / "webhook.key").write_text(f"{SECRET}\n")
    return made


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "mosquitto") as running:
        yield running


def hidden_in(text: str) -> list[str]:
    """What of the planted numbers a text gives away."""
    return [end for end in HIDDEN if end in text]


def cli(config: Path, *words: str, **environment: str) -> str:
    """What a command says, on both channels."""
    done = subprocess.run(
        [sys.executable, "-m", "guard", *words],
        cwd=config.parent,
        env={**os.environ, "COLUMNS": "250", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def defraud(guard: Guard, switch: SwitchClient) -> None:
    """All that may speak of a number: rules, limits, the fuse, quarantine, refusals by guard and by the switch."""
    switch.bill({"type": "account", "id": "m1", "account": "A1", "currency": "CAD", "timezone": "America/Toronto"})
    calls = {"to": CALLED, "from": CALLER, "source": "203.0.113.9"}
    for dialled in (CALLED, f"011{CALLED[1:]}", f"9011{CALLED[1:]}", f"00{CALLED[1:]}"):
        switch.report(f"t-{dialled}", "failed", "A1", **calls | {"to": dialled})
    for account in ("A1", "B1"):
        for call in range(3):
            switch.report(f"{account}-{call}", "answered", account, **calls)
            switch.report(f"{account}-{call}", "tick", account, duration_ms=70_000, **calls)
    switch.report("A1-0", "ended", "A1", duration_ms=90_000, **calls)
    switch.report("C1-0", "answered", "C1", **calls, charge="25.00", rate="3.40")
    switch.report("q-0", "answered", "A1", **calls, currency="EUR")
    switch.report("q-1", "answered", "A1", **calls | {"at": time.time() - 30 * 86_400})
    switch.report("i-0", "answered", "A1", **calls, charge=CALLED)
    switch.report("i-1", CALLED, "A1", **calls)
    switch.say("calls", [CALLED])
    switch.say("acks", CALLED)
    switch.say("status", {"status": CALLED})
    switch.bill({"type": CALLED, "id": "x1", "account": "A1"})
    [command] = wait_for(lambda: switch.commands("C1", "block"), "the credit block", guard.log_tail)
    switch.acknowledge(command, ok=False, error=f"no dialog to {CALLED} (sip:{CALLED[1:]}@203.0.113.9)")
    wait_for(lambda: switch.commands("A1", "block"), "the block by a rule", guard.log_tail)
    wait_for(lambda: guard.metric("guard_held_blocks") == 1, "the held block", guard.log_tail)
    wait_for(lambda: guard.ledger("A1"), "the posted call", guard.log_tail)
    wait_for(lambda: guard.metric("guard_notices_total", kind="refused") == 1, "the refusal", guard.log_tail)
    assert guard.request("POST", "/api/v1/accounts/B1/block", WHO)[0] == 200
    assert guard.request("POST", "/api/v1/accounts/B1/allow", WHO | {"until": time.time() + 3600})[0] == 200
    switch.say("status", {"status": "down"})
    wait_for(lambda: guard.metric("guard_notices_total", kind="blind") == 1, "the blind switch", guard.log_tail)


def test_a_called_number_is_whole_for_the_operator_of_its_account_and_nowhere_else(
    folder: Path, broker: Mosquitto
) -> None:
    """Who has the role `read` finds it masked everywhere, `operate` sees it on the account and its ledger."""
    with (
        Receiver() as receiver,
        Guard(folder, broker.url, more=CONFIG.format(url=receiver.url)) as guard,
        SwitchClient(broker.port, acknowledges=False) as switch,
    ):
        switch.say("status", {"status": "up"})
        wait_for(switch.snapshots, "the snapshot", guard.log_tail)
        defraud(guard, switch)
        decided = guard.request("GET", "/api/v1/decisions?limit=1000")[1]["decisions"]
        fired = {each["rule"] for each in decided}
        assert {"same-number", "many-callers", "range", "long", "dialling", "trying", ""} <= fired
        wait_for(lambda: len(switch.decisions) >= len(decided), "all decisions published", guard.log_tail)
        told = [each for each in decided if each["mode"] == "enforce"]
        wait_for(lambda: {each["id"] for each in told} <= {hook.id for hook in receiver.hooks}, "all webhooks told")

        reader, operator = (
            cli(guard.config, "token", "add", role, "--role", role, "--config", str(guard.config)).split()[0]
            for role in ("read", "operate")
        )
        outputs = {
            "the decisions topic": json.dumps(switch.decisions),
            "commands": json.dumps(switch.heard),
            "scopes": json.dumps(switch.scopes),
            "webhooks": json.dumps([[hook.headers, hook.body] for hook in receiver.hooks]),
        }
        show = {"Authorization": f"Bearer {reader}"}
        pages = [f"/accounts/{account}{path}" for account in ("A1", "B1", "C1") for path in ("", "/statement")]
        paths = [f"/api/v1/accounts/{account}{path}" for account in ("A1", "B1") for path in OF_ACCOUNT]
        for path in (*PATHS, *pages, *paths):
            status, body = guard.request("GET", path, **show)
            assert status == 200, path
            outputs[path] = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        outputs["csv"] = guard.request("GET", "/api/v1/accounts/A1/ledger", Accept="text/csv", **show)[1]
        for words in (["accounts"], ["account", "A1"], ["account", "A1", "--json"], ["ledger", "A1"], ["held"]):
            said = cli(guard.config, *words, "--url", guard.url, GUARD_TOKEN=reader)
            outputs[f"guard {' '.join(words)}"] = said
        assert guard.stop() == 0
        outputs["the log"] = guard.log.read_text()
        assert {name: found for name, text in outputs.items() if (found := hidden_in(text))} == {}
        # What was searched does speak of that number: it is there with its end taken off.
        for name in ("webhooks", "the decisions topic", "csv", "/accounts/A1", "/api/v1/accounts/A1/ledger", "the log"):
            assert "25261***" in outputs[name], name

        guard.start()
        show = {"Authorization": f"Bearer {operator}"}
        for path in ("/api/v1/accounts/A1", "/api/v1/accounts/A1/ledger", "/accounts/A1"):
            assert CALLED[1:] in json.dumps(guard.request("GET", path, **show)[1]), path


def test_a_backtest_gives_no_number_away(folder: Path) -> None:
    """Neither in its page nor in its files nor on the terminal, although its rules count by number."""
    out = folder / "out"
    start = 1_790_000_000
    with (folder / "reports.ndjson").open("w") as reports:
        for call in range(6):
            head = {"switch": "sw1", "call": f"c-{call}", "account": f"A{call % 2}", "to": CALLED, "from": CALLER}
            for event, duration_s in (("answered", 0), ("tick", 70), ("ended", 400)):
                at = start + 100 * call + duration_s
                reports.write(json.dumps(head | {"event": event, "at": at, "duration_ms": duration_s * 1_000}) + "\n")
    (folder / "guard.toml").write_text('[tariff]\nfile = "tariff.csv"\n[rules]\ndir = "rules"\n')
    said = cli(
        folder / "guard.toml", "backtest", "--reports", "reports.ndjson", "--config", "guard.toml", "--out", str(out)
    )
    written = {path.name: path.read_text(errors="replace") for path in out.rglob("*") if path.is_file()}
    assert {"decisions.ndjson", "summary.json", "report.html"} <= written.keys()
    assert '"rule":"same-number"' in written["decisions.ndjson"]
    assert {name: found for name, text in (written | {"terminal": said}).items() if (found := hidden_in(text))} == {}


def test_a_forgotten_account_is_gone_from_the_file_and_its_money_is_not(folder: Path, broker: Mosquitto) -> None:
    """Refused while it is open; forgotten after a kill; the auditor is content; a later call opens it anew."""
    more = '[accounts]\ndefault_limit = "20.00"\n[tariff]\nfile = "tariff.csv"\n[rules]\ndir = "rules"\n'
    name, path = "Quixotic Widgets Ltd", "/api/v1/accounts/A1"
    with Guard(folder, broker.url, more=more) as guard, SwitchClient(broker.port) as switch:
        switch.say("status", {"status": "up"})
        wait_for(switch.snapshots, "the snapshot", guard.log_tail)
        switch.bill({"type": "account", "id": "m1", "account": "A1", "name": name, "credit": {"limit": "900.00"}})
        switch.report("c-1", "ended", "A1", to=CALLED, source="203.0.113.9", duration_ms=60_000, **{"from": CALLER})
        wait_for(lambda: "3.40" in str(guard.account("A1").get("balance")), "the posted call", guard.log_tail)
        assert guard.request("POST", f"{path}/forget", WHO)[0] == 409
        switch.bill({"type": "close", "id": "z1", "account": "A1"})
        wait_for(lambda: guard.account("A1")["state"] == "closed", "it is closed", guard.log_tail)
        said = cli(guard.config, "forget", "A1", "--by", "ana", "--reason", "asked for it", "--url", guard.url)
        assert "A1 is forgotten" in said
        guard.kill()
        guard.start()
        found = guard.account("A1")
        assert (found["name"], found["state"], found["balance"]["owed"]) == ("", "closed", "3.40")
        history = guard.request("GET", f"{path}/history")[1]["history"]
        assert [(each["by"], each["what"], each["reason"]) for each in history] == [("ana", "forget", "asked for it")]
        # Once more, so that this daemon does not wait for its next run, if the other one did not come to it.
        assert guard.request("POST", f"{path}/forget", WHO)[0] == 200
        wait_for(lambda: guard.ledger("A1")[0]["to"] == "", "the details are deleted", guard.log_tail)
        wait_for(lambda: "call-details-deleted" in guard.log.read_text(), "and that is told", guard.log_tail)
        [line] = guard.ledger("A1")
        assert (line["amount"], line["duration_ms"], line["class"]) == ("3.40", 60_000, "international")
        assert 'guard_call_details_deleted_total{what="lines"}' in guard.request("GET", "/metrics")[1]
        switch.report("c-2", "tick", "A1", to="+16135550142", duration_ms=1_000)
        wait_for(lambda: guard.account("A1")["state"] == "active", "it opens anew", guard.log_tail)
        found = guard.account("A1")
        assert (found["provisional"], found["limit"], found["name"]) == (True, "20.00", "")
        assert guard.stop() == 0
        assert "every sum is right" in cli(guard.config, "check", "--config", str(guard.config), "--ledger")
        with closing(sqlite3.connect(guard.store)) as store:
            stored = "\n".join(store.iterdump())
        for text in (name, CALLED[1:], CALLER[1:]):
            assert text not in stored
            assert text.encode().hex().upper() not in stored
