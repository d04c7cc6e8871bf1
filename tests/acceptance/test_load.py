"""`guard load`: calls that never came by MQTT enter a live daemon, once, however often they are loaded."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.guardproc import Guard, wait_for
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker


def load(guard: Guard, file: Path) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "guard", "load", "--reports", str(file), "--config", str(guard.config)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_files_of_reports_and_of_cdrs_enter_a_live_daemon_once(tmp_path: Path) -> None:
    """NDJSON (packed) and CSV; loading them again changes nothing; a bad line is named and skipped."""
    now = time.time()
    reports = [
        {"switch": "sw1", "call": f"n{n}", "event": "ended", "account": "L1", "at": now - 60 + n / 100}
        | {"to": "+14165550100", "duration_ms": 60_000, "charge": "0.05"}
        for n in range(200)
    ]
    lines = [json.dumps(report) for report in reports] + ["not a report"]
    ndjson = tmp_path / "calls.ndjson.gz"
    ndjson.write_bytes(gzip.compress("\n".join(lines).encode()))
    cdrs = tmp_path / "cdrs.csv"
    rows = "".join(f"L2,+14165550100,{now - 300 + n},60,0.10,,r{n},sw1\n" for n in range(100))
    cdrs.write_text("account,to,answered_at,duration_s,charge,from,call,switch\n" + rows)
    with Mosquitto(tmp_path / "mosquitto") as broker, Guard(tmp_path / "guard", broker.url) as guard:
        for _ in range(2):
            first, second = load(guard, ndjson), load(guard, cdrs)
            assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
            assert "201" in first.stdout + first.stderr
            wait_for(lambda: guard.account("L1").get("balance", {}).get("owed") == "10.00", "L1", guard.log_tail)
            wait_for(lambda: guard.account("L2").get("balance", {}).get("owed") == "10.00", "L2", guard.log_tail)
        assert len(guard.ledger("L1")) == 200
        assert len(guard.ledger("L2")) == 100


def test_a_file_that_is_mostly_wrong_is_wrong_input(tmp_path: Path) -> None:
    """More than one line in a hundred that is no report: exit 2."""
    file = tmp_path / "bad.ndjson"
    file.write_text("{}\nhello\n")
    with Mosquitto(tmp_path / "mosquitto") as broker, Guard(tmp_path / "guard", broker.url) as guard:
        done = load(guard, file)
        assert done.returncode == 2
        assert "bad.ndjson" in done.stdout + done.stderr
