"""`guard learn`: a live daemon is taught what is usual, and a rule that only warned before blocks afterwards."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

RULES = """
[[rule]]
id = "new-country"
mode = "enforce"
measure = "calls"
window = "15m"
where = { class = ["international"], new_for = "30d" }
block = 2
scope = "international"
"""
CONFIG = '[rules]\ndir = "rules"\n'
LONDON, SOMALIA, TORONTO = "+442071234567", "+252612345678", "+14165550100"
DAYS = 20
FRAUD_DAY = 9


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One broker for the module."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.fixture
def guard(tmp_path: Path, broker: Mosquitto) -> Iterator[Guard]:
    """A daemon with a rule that asks what is new."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "own.toml").write_text(RULES)
    with Guard(tmp_path, broker.url, more=CONFIG) as running:
        yield running


@pytest.fixture
def switch(broker: Mosquitto, guard: Guard) -> Iterator[SwitchClient]:
    """A switch that obeys."""
    with SwitchClient(broker.port) as running:
        running.say("status", {"status": "up"})
        wait_for(running.snapshots, "the snapshot", guard.log_tail)
        yield running


def at(day: int, hour: int) -> datetime:
    """An hour, UTC, of a day before the one that it is in Toronto now: in the night that is not the day in UTC."""
    today = datetime.now(ZoneInfo("America/Toronto"))
    midnight = datetime(today.year, today.month, today.day, tzinfo=UTC)
    return midnight - timedelta(days=DAYS - day) + timedelta(hours=hour)


def history(accounts: tuple[str, ...]) -> list[str]:
    """London at two in the afternoon UTC, each day; and on one day a night of Somalia."""
    lines = []
    for account in accounts:
        for day in range(DAYS):
            calls = [(14, LONDON, "0.60")] + ([(3, SOMALIA, "90.00")] * 3 if day == FRAUD_DAY else [])
            for number, (hour, to, charge) in enumerate(calls):
                call = {"switch": "sw1", "call": f"{account}-{day}-{number}", "event": "ended", "account": account}
                moment = at(day, hour).timestamp() + number
                lines.append(json.dumps(call | {"at": moment, "to": to, "duration_ms": 60_000, "charge": charge}))
    return lines


def learn(guard: Guard, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "guard", "learn", "--url", guard.url, "--config", str(guard.config)]
    return subprocess.run([*command, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=120)


def profile(guard: Guard, account: str) -> dict[str, Any]:
    """What the daemon says of its past."""
    status, body = guard.request("GET", f"/api/v1/accounts/{account}/profile")
    assert status == 200, body
    found: dict[str, Any] = body
    return found


def decisions(switch: SwitchClient, account: str) -> list[tuple[str, str]]:
    """Action and mode of each decision about an account."""
    seen = {each["id"]: each for each in switch.decisions if each["account"] == account}
    return [(each["action"], each["mode"]) for each in seen.values()]


def test_novelty_warns_before_and_blocks_after_two_weeks_have_been_learned(
    guard: Guard, switch: SwitchClient, tmp_path: Path
) -> None:
    """Each day counts once, fraud is left out, hours are the account's own, and a crash loses nothing."""
    for account in ("A1", "C1"):
        switch.bill({"type": "account", "id": f"m-{account}", "account": account, "timezone": "America/Toronto"})
    wait_for(lambda: guard.account("A1") and guard.account("C1"), "the accounts", guard.log_tail)
    for call in range(2):
        switch.report(f"new-{call}", "answered", "B1", to=SOMALIA)
    wait_for(lambda: decisions(switch, "B1"), "the warning", guard.log_tail)
    assert decisions(switch, "B1") == [("warn", "enforce")]

    reports, labels = tmp_path / "calls.ndjson", tmp_path / "labels.csv"
    reports.write_text("\n".join([*history(("A1", "C1")) * 3, "no report"]) + "\n")
    fraud = ",".join(["A1", at(FRAUD_DAY, 3).isoformat(), at(FRAUD_DAY, 4).isoformat(), "fraud"])
    labels.write_text(f"account,start,end,label\n{fraud}\n")
    done = learn(guard, "--reports", reports, "--labels", labels)
    assert (done.returncode, done.stderr) == (0, f"{reports}:139: the payload is not JSON\n")
    assert done.stdout == "35 days of 2 accounts learned; 2 of the 2 accounts are known for 14 days or more\n"

    known = profile(guard, "A1")
    assert (known["known_days"], known["mature"], known["countries"]) == (DAYS - 2 - 1, True, ["GB"])
    assert profile(guard, "C1")["countries"] == ["GB", "SO"]
    # 14:00 UTC is nine or ten in the morning there.
    morning = {index % 24 for index, spend in enumerate(known["usual_spend"]) if spend != "0.00"}
    assert morning <= {9, 10}
    # Two or three such days of the week were learned, each with one call of 0.60.
    assert sum(float(spend) for spend in known["usual_spend"]) == pytest.approx(7 * 0.6, abs=0.31)
    again = learn(guard, "--reports", reports, "--labels", labels)
    assert again.stdout == "0 days of 0 accounts learned; 2 of the 2 accounts are known for 14 days or more\n"
    assert profile(guard, "A1") == known
    guard.kill()
    guard.start()
    assert profile(guard, "A1") == known

    for call in range(2):
        switch.report(f"far-{call}", "answered", "A1", to=SOMALIA)
    (command,) = wait_for(lambda: switch.commands("A1", "block"), "the block", guard.log_tail)
    assert (command["reason"], command["scope"]) == ("rule", "international")
    for call in range(3):
        switch.report(f"usual-{call}", "answered", "C1", to=LONDON)
    wait_for(lambda: guard.account("C1").get("live_call_count") == 3, "the calls", guard.log_tail)
    assert decisions(switch, "C1") == []
    told = guard.request("GET", "/api/v1/accounts/A1/history")[1]["history"]
    assert [(each["by"], each["what"], each["reason"]) for each in told] == [
        ("this machine", "learn", "history of 17 days")
    ]


def test_call_records_of_others_teach_as_well(guard: Guard, tmp_path: Path) -> None:
    """Contract CSV, without prices, in two files; a gap of weeks in them is no usual silence."""
    head = "account,to,answered_at,duration_s\n"
    early = "".join(f"D1,{LONDON},{at(day, 14).isoformat()},60\n" for day in range(-12, -6))
    late = "".join(f"D1,{LONDON},{at(day, 14).isoformat()},60\n" for day in range(8, 16))
    files = [tmp_path / "early.csv", tmp_path / "late.csv"]
    for file, rows in zip(files, (early, late), strict=True):
        file.write_text(head + rows)
    done = learn(guard, "--reports", files[0], files[1])
    assert (done.returncode, done.stdout) == (
        0,
        "14 days of 1 accounts learned; 1 of the 1 accounts are known for 14 days or more\n",
    )
    assert [(span["from"], span["until"]) for span in profile(guard, "D1")["history"]] == [
        (at(-12, 0).date().isoformat(), at(-6, 0).date().isoformat()),
        (at(8, 0).date().isoformat(), at(16, 0).date().isoformat()),
    ]


def test_files_that_are_mostly_wrong_teach_nothing(guard: Guard, tmp_path: Path) -> None:
    """Wrong input is exit 2, a daemon that is not there is exit 1."""
    bad = tmp_path / "bad.ndjson"
    bad.write_text("{}\nhello\n" + history(("E1",))[0] + "\n")
    done = learn(guard, "--reports", bad)
    assert done.returncode == 2
    assert "nothing was learned" in done.stderr
    assert guard.request("GET", "/api/v1/accounts/E1/profile")[0] == 404
    guard.stop()
    good = tmp_path / "good.ndjson"
    good.write_text("\n".join(history(("E1",))) + "\n")
    assert learn(guard, "--reports", good).returncode == 1
