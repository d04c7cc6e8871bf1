"""The unit for real: a systemd starts guard in its sandbox, hears that it is ready, misses it, reloads it, ends it.

One machine does it all, once; each test looks at one thing that it told.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from tests.systemd.machine import trial

pytestmark = [pytest.mark.machine, pytest.mark.slow]

SCRIPT = r"""
show() { systemctl show guard --property "$2" --value >"$1"; }
until_so() { for _ in $(seq 200); do if eval "$1"; then return 0; fi; sleep 0.1; done; echo "never: $1"; exit 1; }
logged() { journalctl --unit guard --output cat --no-pager | grep -q "\"event\": \"$1\""; }

/opt/guard/bin/guard install --program /opt/guard/bin/guard >install
# A broker of its own, and the model: what a sandbox might forbid is to be tried.
sed -i 's,^url = "mqtt:.*,url = "embedded",' /etc/guard/guard.toml
printf '[model]\ndir = "/opt/trial/source/models/default"\n' >>/etc/guard/guard.toml

systemctl start guard
show started ActiveState
until_so 'systemctl show guard --property StatusText --value | grep -q "^watching"'
show status StatusText
/opt/guard/bin/guard accounts --json >accounts
ps -o user= -p "$(systemctl show guard --property MainPID --value)" >user
ls -l /var/lib/guard | awk 'NR > 1 { print $1, $3, $4, $9 }' >files
stat -c '%a %U' /var/lib/guard /etc/guard >folders

cp /etc/guard/guard.toml /etc/guard/good.toml
echo 'nonsense = 1' >>/etc/guard/guard.toml
systemctl reload guard
until_so 'logged reload-refused'
show refused ActiveState
sed 's/^default_limit = .*/default_limit = "55.00"/' /etc/guard/good.toml >/etc/guard/guard.toml
systemctl reload guard
until_so 'logged reloaded'
show reloaded ActiveState

mkdir -p /run/systemd/system/guard.service.d
printf '[Service]\nWatchdogSec=2s\n' >/run/systemd/system/guard.service.d/soon.conf
systemctl daemon-reload
systemctl restart guard
kill -STOP "$(systemctl show guard --property MainPID --value)"
until_so '[ "$(systemctl show guard --property NRestarts --value)" = 1 ]'
until_so 'systemctl is-active --quiet guard'
journalctl --unit guard --output cat --no-pager | grep -c 'Watchdog timeout' >missed

systemctl stop guard
show stopped Result
show stopped-as ExecMainStatus

echo 'nonsense = 1' >>/etc/guard/guard.toml
systemctl start guard || true
until_so '[ "$(systemctl show guard --property ActiveState --value)" = failed ]'
show wrong ExecMainStatus
journalctl --unit guard --output cat --no-pager >log
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return trial(tmp_path_factory.mktemp("machine") / "trial", SCRIPT)


def test_it_is_active_once_it_has_said_that_it_is_ready(told: Mapping[str, str]) -> None:
    assert told["started"] == "active"
    assert told["status"] == "watching; accounts: none yet"


def test_broker_store_model_and_api_work_in_the_sandbox(told: Mapping[str, str]) -> None:
    assert json.loads(told["accounts"]) == []
    events = [json.loads(line)["event"] for line in told["log"].splitlines() if line.startswith("{")]
    assert "model" in events
    assert not {"model-refused", "model-failed", "failed", "store-failed"} & set(events)


def test_it_runs_as_its_own_user_and_what_it_keeps_is_nobody_elses(told: Mapping[str, str]) -> None:
    assert told["user"] == "guard"
    assert told["folders"].splitlines() == ["700 guard", "750 root"]
    files = [line.split() for line in told["files"].splitlines()]
    assert {owner for _, owner, _, _ in files} == {"guard"}
    assert {mode for mode, *_ in files} == {"-rw-------"}
    assert "guard.db" in {name for *_, name in files}


def test_systemd_finds_nothing_odd_about_the_unit(told: Mapping[str, str]) -> None:
    said = [line for line in told["log"].splitlines() if not line.startswith("{")]
    assert [line for line in said if "already exists but" in line or "Unknown key" in line] == []


def test_a_reload_by_systemd_is_taken_up_or_refused_as_a_whole(told: Mapping[str, str]) -> None:
    assert (told["refused"], told["reloaded"]) == ("active", "active")
    lines = [json.loads(line) for line in told["log"].splitlines() if line.startswith("{")]
    (taken_up,) = [line for line in lines if line["event"] == "reloaded"]
    assert any("default_limit" in change for change in taken_up["changes"])


def test_a_guard_that_hangs_is_started_again(told: Mapping[str, str]) -> None:
    assert int(told["missed"]) >= 1


def test_it_ends_by_itself_when_it_is_told_to(told: Mapping[str, str]) -> None:
    assert (told["stopped"], told["stopped-as"]) == ("success", "0")


def test_a_wrong_configuration_is_not_tried_again_and_again(told: Mapping[str, str]) -> None:
    assert told["wrong"] == "2"
