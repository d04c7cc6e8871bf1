"""The anomaly model from outside: a daemon that blocks a fraud with it, and one whose model was tampered with."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from guard.anomaly.artefact import GRAPH
from tests.acceptance.guardproc import Guard, wait_for
from tests.acceptance.switchclient import SwitchClient
from tests.anomaly.builders import write_model
from tests.integration.mosquitto import Mosquitto

pytestmark = pytest.mark.broker

CONFIG = """[model]
dir = "model"
mode = "enforce"
false_alarms_per_1000_account_days = 20
[rules]
dir = "rules"
[accounts]
default_limit = "100000.00"
"""
SOMALIA = "+252612345678"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """One broker for the module."""
    with Mosquitto(tmp_path_factory.mktemp("mosquitto")) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model and no rules."""
    (tmp_path / "rules").mkdir()
    write_model(tmp_path / "model")
    return tmp_path


def fraud(switch: SwitchClient, now_s: float) -> None:
    """Eight calls abroad at once, at 22 a minute, from ten minutes ago on; they are still up."""
    for minute in range(10, -1, -1):
        at, ms = now_s - minute * 60, (10 - minute) * 60_000
        for call in range(8):
            event = "answered" if minute == 10 else "tick"
            more = {"at": at, "to": SOMALIA, "rate": "22.00", "charge": f"{22 * (10 - minute)}.00", "duration_ms": ms}
            switch.report(f"f-{call}", event, "F1", **more)


def test_it_blocks_what_grows_at_a_price_and_says_why(folder: Path, broker: Mosquitto) -> None:
    with Guard(folder, broker.url, more=CONFIG) as guard, SwitchClient(broker.port) as switch:
        assert guard.metric("guard_model_up") == 1
        switch.say("status", {"status": "up"})
        wait_for(switch.snapshots, "the snapshot", guard.log_tail)
        fraud(switch, time.time())
        (command,) = wait_for(lambda: switch.commands("F1", "block"), "the block", guard.log_tail)
        assert (command["reason"], command["scope"], command["end_calls"]) == ("anomaly", "international", True)
        block = wait_for(
            lambda: [each for each in switch.decisions if each["account"] == "F1" and each["action"] == "block"],
            "the decision",
            guard.log_tail,
        )[0]
        assert (block["reason"], block["mode"], block["rule"]) == ("anomaly", "enforce", "")
        assert "called at 22.00 a minute, accounts as little known usually at most" in block["text"]
        assert SOMALIA[5:] not in str(switch.decisions)
        assert any(each["threshold"].startswith("usually") for each in block["evidence"])
        wait_for(lambda: guard.metric("guard_model_rows_total", outcome="scored") >= 1, "its metrics", guard.log_tail)
        assert guard.metric("guard_model_scores_count") >= 1
        assert guard.account("F1")["block"]["causes"][0]["reason"] == "anomaly"

        guard.kill()
        guard.start()
        assert guard.account("F1")["block"]["causes"][0]["reason"] == "anomaly", "a block survives"


def test_one_that_was_tampered_with_is_refused_and_the_money_goes_on(folder: Path, broker: Mosquitto) -> None:
    graph = folder / "model" / GRAPH
    graph.write_bytes(graph.read_bytes()[:-1])
    with Guard(folder, broker.url, more=CONFIG) as guard, SwitchClient(broker.port) as switch:
        assert guard.metric("guard_model_up") == 0
        assert "is not the file that manifest.json was written for (sha256)" in guard.log.read_text()
        switch.report("c1", "answered", "A1", to=SOMALIA, rate="22.00", charge="100001.00")
        wait_for(lambda: switch.commands("A1", "block"), "the block at the limit", guard.log_tail)

        status, problem = guard.request("POST", "/-/reload", {})
        assert (status, "model.onnx" in str(problem)) == (422, True)
        write_model(folder / "model")
        assert guard.request("POST", "/-/reload", {})[0] == 200
        assert guard.metric("guard_model_up") == 1, "put right and taken up without a restart"
