"""History: files of reports, checked, sorted on disk, read again."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path

import pytest

from guard.backtest.history import Sorter
from guard.replay.reportfiles import FileError
from tests.backtest.histories import DAY, T0, call, written


def told(sorter: Sorter) -> list[tuple[int, str, str, str, int]]:
    return [
        (report.at_ms - T0, switch, report.call, report.event.name, report.duration_ms)
        for switch, report in sorter.history()
    ]


@pytest.mark.parametrize("run_reports", [1, 2, 5, 1_000])
def test_reports_come_out_in_the_order_of_their_times_however_many_runs_there_are(
    tmp_path: Path, run_reports: int
) -> None:
    reports = [report for number in range(9) for report in call(f"c{number}", "A", start_ms=number * 7_000, lasts_s=65)]
    shuffled = random.Random(run_reports).sample(reports, len(reports))
    half = len(shuffled) // 2
    with Sorter(tmp_path, run_reports) as sorter:
        sorter.add(written(tmp_path, shuffled[:half], "one.ndjson"))
        sorter.add(written(tmp_path, shuffled[half:], "two.ndjson"))
        found = told(sorter)
        assert found == sorted(found)
        assert len(found) == len(reports)
        assert told(sorter) == found
    assert [each.name for each in tmp_path.iterdir()] != []
    assert not [each for each in tmp_path.iterdir() if each.is_dir()]


def test_files_that_follow_on_one_another_need_no_sorting(tmp_path: Path) -> None:
    """They lie on disk as one run, however few reports may be gathered; what comes late is gathered."""
    days = [call(f"c{day}", "A", start_ms=day * DAY, lasts_s=600) for day in (1, 2, 3, 0)]
    with Sorter(tmp_path, run_reports=1) as sorter:
        for day, reports in enumerate(days[:3]):
            sorter.add(written(tmp_path, reports, f"{day}.ndjson"))
        (folder,) = (each for each in tmp_path.iterdir() if each.is_dir())
        assert [each.name for each in folder.iterdir()] == ["in-order"]
        sorter.add(written(tmp_path, days[3], "late.ndjson"))
        assert sorted(each.name for each in folder.iterdir()) == ["in-order", "run-0"]
        history = sorter.history()
        assert [switch for switch, _ in history] == ["sw1"] * history.count
        assert [report.call for _, report in history] == [f"c{day}" for day in range(4) for _ in days[0]]
        assert (history.first_ms, history.last_ms) == (T0, T0 + 3 * DAY + 600_000)


def test_a_report_keeps_everything_it_said(tmp_path: Path) -> None:
    said = {
        "call": "c/1 +#",
        "event": "answered",
        "account": "Ä1",
        "to": "+25261",
        "from": "+1416",
        "at": T0 / 1_000,
        "duration_ms": 5,
        "charge": "0.35",
        "rate": "2.10",
        "emergency": True,
        "direction": "forwarded",
        "source": "198.18.0.1",
        "cause": "x",
        "currency": "CAD",
        "switch": "sw1",
    }
    with Sorter(tmp_path) as sorter:
        sorter.add(written(tmp_path, [said]))
        ((switch, report),) = sorter.history()
    assert switch == "sw1"
    assert (report.call, report.account, report.to, report.caller) == ("c/1 +#", "Ä1", "+25261", "+1416")
    assert (report.at_ms, report.duration_ms, report.charge_micros, report.rate_micros) == (T0, 5, 350_000, 2_100_000)
    assert (report.emergency, report.direction and report.direction.value) == (True, "forwarded")
    assert (report.source, report.cause, report.currency) == ("198.18.0.1", "x", "CAD")


def test_bad_lines_are_told_by_number_and_their_neighbours_count(tmp_path: Path) -> None:
    good = call("c1", "A", start_ms=0, lasts_s=600)
    lines = [json.dumps(each) for each in good]
    lines[3] = "{"
    lines[5] = json.dumps({name: value for name, value in good[5].items() if name != "switch"})
    lines[7] = json.dumps(good[7] | {"duration_ms": -1})
    lines[9] = json.dumps(good[9] | {"at": "1999-12-31T23:59:59Z"})
    lines[11] = json.dumps(good[11] | {"switch": "a/b"})
    lines[13] = json.dumps(good[13] | {"colour": "blue"})
    lines[15] = f"[{lines[15]}]"
    path = tmp_path / "bad.ndjson"
    path.write_text("\n".join(lines))
    with Sorter(tmp_path) as sorter:
        sorter.add(path)
        assert len(told(sorter)) == len(good) - 6
        places = [problem.removeprefix(f"{path}:").split(":")[0] for problem in sorter.tally.problems]
    assert places == ["4", "6", "8", "10", "12", "16"]
    assert sorter.tally.too_bad


def test_packed_files_are_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "reports.ndjson.gz"
    path.write_bytes(gzip.compress(written(tmp_path, call("c1", "A", start_ms=0, lasts_s=60)).read_bytes()))
    with Sorter(tmp_path) as sorter:
        sorter.add(path)
        assert len(told(sorter)) == 3


def test_a_file_that_is_not_there_is_named_and_nothing_is_left_behind(tmp_path: Path) -> None:
    with Sorter(tmp_path) as sorter, pytest.raises(FileError, match=r"gone\.ndjson"):
        sorter.add(tmp_path / "gone.ndjson")
    assert list(tmp_path.iterdir()) == []
