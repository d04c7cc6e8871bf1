"""`guard load` and `guard simulate` against a real broker and the real daemon."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from guard.commands.demo.stage import free_port
from guard.core.money import parse_money
from tests.cli import program
from tests.cli.conftest import Guard

T0 = int(time.time()) - 3_600


def report(call: str, event: str, after_s: int, *, switch: str = "sw1", **more: object) -> str:
    stated = {
        "call": call,
        "event": event,
        "account": "A1",
        "to": "+25377123456",
        "at": T0 + after_s,
        "duration_ms": after_s * 1_000,
        "charge": f"{after_s}.00",
        "switch": switch,
    }
    return json.dumps(stated | more)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The real daemon with an embedded broker: where it answers, and its configuration."""
    folder = tmp_path_factory.mktemp("guard")
    page = free_port(28_180)
    config = folder / "guard.toml"
    config.write_text(
        f'[broker]\nurl = "embedded://127.0.0.1:{free_port(21_983)}"\n[http]\nlisten = "127.0.0.1:{page}"\n'
        '[store]\nurl = "sqlite:guard.db"\n'
    )
    with program.start("run", "--config", str(config)) as process:
        try:
            program.until_ready(process, f"http://127.0.0.1:{page}")
            yield f"http://127.0.0.1:{page}", config
        finally:
            process.terminate()
            process.wait(20)


def owed(url: str, account: str, expected: str) -> str:
    """What the account owes, as soon as it is what is expected."""
    deadline = time.monotonic() + 10
    found = "nobody"
    while time.monotonic() < deadline and found != expected:
        answer = httpx.get(f"{url}/api/v1/accounts/{account}", trust_env=False)
        if answer.is_success:
            found = answer.json()["balance"]["owed"]
        time.sleep(0.02)
    return found


def test_missed_calls_enter_the_ledger_once(guard: Guard, running: tuple[str, Path], tmp_path: Path) -> None:
    """Whatever the order of the file, and however often it is loaded."""
    url, config = running
    lines = [report("C1", "answered", 0), report("C1", "tick", 30), report("C1", "ended", 45)]
    lines += [report("C2", "ended", 20), report("C2", "answered", 0)]
    good = tmp_path / "missed.ndjson"
    good.write_text("\n".join(reversed(lines)) + "\n")
    for _ in range(2):
        result = guard("load", "--reports", str(good), "--config", str(config))
        assert (result.exit_code, result.stdout) == (0, "5 reports sent from 5 lines\n")
        assert result.stderr == "switch sw1: 5 reports\n"
        assert owed(url, "A1", "65.00") == "65.00"


def test_call_records_too(guard: Guard, running: tuple[str, Path], tmp_path: Path) -> None:
    url, config = running
    path = tmp_path / "cdr.csv"
    path.write_text(f"account,to,answered_at,duration_s,charge\nA2,+25377123456,{T0},75,1.50\n")
    result = guard("load", "--reports", str(path), "--config", str(config))
    assert (result.exit_code, result.stdout) == (0, "4 reports sent from 1 lines\n")
    assert owed(url, "A2", "1.50") == "1.50"
    switches = httpx.get(f"{url}/api/v1/switches", trust_env=False).json()["switches"]
    assert {each["switch"]: each["up"] for each in switches}["cdr"] is False


ASTERISK = (
    '"A5","4165550100","25377123456","outbound","""Ana"" <4165550100>","SIP/a-1","SIP/t-2","Dial","SIP/t/1",'
    '"{0:%Y-%m-%d %H:%M:%S}","{1}","{2:%Y-%m-%d %H:%M:%S}",75,{3},"{4}","DOCUMENTATION"\n'
)
FREESWITCH = (
    '"Ana","4165550100","+25377123456","default","{0:%Y-%m-%d %H:%M:%S}","{1}","{2:%Y-%m-%d %H:%M:%S}","75","{3}",'
    '"{4}","uuid-{1}","","{5}","PCMU","PCMU"\n'
)


def call_record(template: str, *more: str) -> tuple[str, str]:
    """A call of a minute that was answered, and one that was not, an hour ago by the clock of Toronto."""
    began = datetime.fromtimestamp(T0, tz=ZoneInfo("America/Toronto"))
    answered, ended = began + timedelta(seconds=5), began + timedelta(seconds=65)
    return (
        template.format(began, f"{answered:%Y-%m-%d %H:%M:%S}", ended, 60, "ANSWERED", *more),
        template.format(began, "", ended, 0, "NO ANSWER", *more),
    )


def zoned(config: Path, folder: Path, more: str = "") -> Path:
    """The same configuration, for records whose times are Toronto's."""
    path = folder / "guard.toml"
    path.write_text(f'{config.read_text()}\n[cdr]\ntimezone = "America/Toronto"\n{more}')
    return path


def test_asterisks_records_enter_too(guard: Guard, running: tuple[str, Path], tmp_path: Path) -> None:
    """Without a charge the daemon rates them; one of no account is passed over; again changes nothing."""
    url, config = running
    path = tmp_path / "Master.csv"
    path.write_text("".join(call_record(ASTERISK)) + call_record(ASTERISK)[0].replace('"A5"', '""'))
    for _ in range(2):
        result = guard(
            *("load", "--reports", str(path), "--format", "asterisk", "--config", str(zoned(config, tmp_path)))
        )
        assert result.exit_code == 0, result.output
        assert result.stdout == "4 reports sent from 3 lines, 1 records of no account passed over\n"
        assert owed(url, "A5", "1.00") == "1.00"
    lines = httpx.get(f"{url}/api/v1/accounts/A5/ledger", trust_env=False).json()["lines"]
    assert [line["at"][:19] for line in lines] == [f"{datetime.fromtimestamp(T0 + 65, tz=UTC):%Y-%m-%dT%H:%M:%S}"]


def test_freeswitchs_records_and_others_by_the_operators_own_map(
    guard: Guard, running: tuple[str, Path], tmp_path: Path
) -> None:
    """What is asked for comes before the map of the configuration; several files in one go."""
    url, config = running
    freeswitch, own = tmp_path / "freeswitch.csv", tmp_path / "own.csv"
    freeswitch.write_text("".join(call_record(FREESWITCH, "A6")))
    began = datetime.fromtimestamp(T0, tz=ZoneInfo("America/Toronto"))
    own.write_text(f"who;where;when;seconds;price\nA7;+25377123456;{began:%Y-%m-%d %H:%M:%S};60;0.75\n")
    columns = 'delimiter = ";"\n[cdr.columns]\naccount = "who"\nto = "where"\nanswered_at = "when"\n'
    mapped = str(zoned(config, tmp_path, columns + 'duration_s = "seconds"\ncharge = "price"\n'))
    asked = guard("load", "--reports", str(freeswitch), "--format", "freeswitch", "--config", mapped)
    assert (asked.exit_code, asked.stdout) == (0, "4 reports sent from 2 lines\n"), asked.output
    assert owed(url, "A6", "1.00") == "1.00"
    result = guard("load", "--reports", str(own), str(own), "--config", mapped)
    assert (result.exit_code, result.stdout) == (0, "6 reports sent from 2 lines\n"), result.output
    assert owed(url, "A7", "0.75") == "0.75"


def test_a_kind_of_record_that_there_is_not(guard: Guard, tmp_path: Path) -> None:
    """Wrong use, before anything is read."""
    result = guard("load", "--reports", str(tmp_path / "a.csv"), "--format", "cisco")
    assert result.exit_code == 2
    assert "asterisk" in result.stderr


def test_bad_lines_are_told_and_skipped(guard: Guard, running: tuple[str, Path], tmp_path: Path) -> None:
    url, config = running
    lines = [report(f"B{number}", "ended", 1, account="A3") for number in range(150)]
    lines.insert(7, "{}")
    path = tmp_path / "mixed.ndjson"
    path.write_text("\n".join(lines) + "\n")
    result = guard("load", "--reports", str(path), "--config", str(config))
    assert (result.exit_code, result.stdout) == (0, "150 reports sent from 151 lines, 1 bad lines skipped\n")
    assert f"{path}:8: call: " in result.stderr
    assert owed(url, "A3", "150.00") == "150.00"


def test_too_many_bad_lines_send_nothing(guard: Guard, running: tuple[str, Path], tmp_path: Path) -> None:
    url, config = running
    path = tmp_path / "bad.ndjson"
    path.write_text(report("C9", "ended", 1, account="A4") + "\nnonsense\n")
    result = guard("load", "--reports", str(path), "--config", str(config))
    assert result.exit_code == 2
    assert "1 of 2 lines are bad, more than 1 %: nothing was sent" in result.stderr
    assert httpx.get(f"{url}/api/v1/accounts/A4", trust_env=False).status_code == httpx.codes.NOT_FOUND


def test_no_broker_no_load(guard: Guard, tmp_path: Path) -> None:
    config = tmp_path / "guard.toml"
    config.write_text(f'[broker]\nurl = "mqtt://user:secret@127.0.0.1:{free_port(29_883)}"\n')
    path = tmp_path / "one.ndjson"
    path.write_text(report("C1", "ended", 1) + "\n")
    result = guard("load", "--reports", str(path), "--config", str(config))
    assert result.exit_code == 1
    assert "no broker answers at mqtt://***@127.0.0.1:" in result.stderr
    assert "secret" not in result.output


@pytest.mark.parametrize("name", ["gone.ndjson", "reports.xml"])
def test_a_file_that_cannot_be_used(guard: Guard, tmp_path: Path, name: str) -> None:
    result = guard("load", "--reports", str(tmp_path / name))
    assert result.exit_code == 2
    assert name in result.stderr


def test_a_simulated_switch_agrees_with_the_daemon(guard: Guard, running: tuple[str, Path], tmp_path: Path) -> None:
    """Its own sums, guard's ledgers, and the recorded file say the same."""
    url, config = running
    broker = config.read_text().partition("embedded://")[2].partition('"')[0]
    record = tmp_path / "recorded.ndjson.gz"
    arguments = ["--accounts", "8", "--rate", "30", "--seconds", "2", "--seed", "5", "--record", str(record)]
    result = guard("simulate", "--broker", f"mqtt://{broker}", *arguments)
    assert result.exit_code == 0, result.output
    words = result.stdout.split()
    worth = words[words.index("worth") + 1].rstrip(";")
    deadline = time.monotonic() + 10
    total, listed = -1, list[dict[str, Any]]()
    while time.monotonic() < deadline and total != parse_money(worth):
        listed = httpx.get(f"{url}/api/v1/accounts?q=Simulated", trust_env=False).json()["accounts"]
        total = sum(parse_money(account["owed"]) for account in listed)
        time.sleep(0.02)
    assert total == parse_money(worth)
    assert len(listed) == 8
    assert {account["provisional"] for account in listed} == {False}
    again = guard("load", "--reports", str(record), "--config", str(config))
    assert again.exit_code == 0
    assert again.stdout.split()[0] == words[0]


def test_the_sums_of_the_store_are_right(guard: Guard, running: tuple[str, Path]) -> None:
    """After all that, and beside the running daemon."""
    config = running[1]
    result = guard("check", "--config", str(config), "--ledger")
    assert result.exit_code == 0, result.output
    assert result.stdout.endswith(f"{config.with_name('guard.db')}: every sum is right\n")


def test_a_simulated_switch_without_a_broker(guard: Guard, tmp_path: Path) -> None:
    port = free_port(29_883)
    result = guard("simulate", "--broker", f"mqtt://127.0.0.1:{port}", "--seconds", "1")
    assert result.exit_code == 1
    assert f"no broker answers at mqtt://127.0.0.1:{port}" in result.stderr
    assert guard("simulate", "--broker", "http://127.0.0.1").exit_code == 2
    assert guard("simulate", "--broker", "mqtt://127.0.0.1", "--prefix", "a/#").exit_code == 2
    nowhere = str(tmp_path / "no" / "file")
    assert guard("simulate", "--broker", "mqtt://127.0.0.1", "--record", nowhere).exit_code == 2
