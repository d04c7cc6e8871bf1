"""Report files: both formats, bad lines by their numbers, and the order of time whatever the order of the file."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.commands.load import by_switch, check_line
from guard.core.money import format_money
from guard.replay import reportfiles
from guard.replay.cdr import RowPlayer
from guard.replay.reportfiles import FileError, OrderedReports, Tally, Timed, read_reports
from guard.wire.reports import decode_reports


def line(call: str = "C1", at: object = 1_764_000_000, **more: object) -> str:
    stated = {"call": call, "event": "tick", "account": "A1", "at": at, "duration_ms": 1_000, "switch": "sw1"}
    return json.dumps({key: value for key, value in (stated | more).items() if value is not None})


def read(path: Path) -> tuple[list[Timed], Tally]:
    tally = Tally()
    return list(read_reports(path, check_line, tally)), tally


def test_a_report_goes_out_as_its_switch_would_have_sent_it(tmp_path: Path) -> None:
    path = tmp_path / "reports.ndjson"
    path.write_text(line(charge="0.35", note="unknown fields stay") + "\n\n")
    ((at_ms, _, switch, payload),), tally = read(path)
    assert (at_ms, switch) == (1_764_000_000_000, "sw1")
    sent = json.loads(payload)
    assert "switch" not in sent
    assert (sent["charge"], sent["note"]) == ("0.35", "unknown fields stay")
    assert (tally.lines, tally.reports, tally.bad) == (1, 1, 0)


def test_packed_files_are_read_too(tmp_path: Path) -> None:
    path = tmp_path / "reports.ndjson.gz"
    path.write_bytes(gzip.compress(line().encode()))
    assert len(read(path)[0]) == 1


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("not json", "bad.ndjson:2: "),
        ("[]", "bad.ndjson:2: one report a line"),
        (line(switch=None), "switch: required"),
        (line(switch="a/b"), "switch: one topic level"),
        (line(charge="-1"), "bad.ndjson:2: charge: "),
        (line(at="4242-01-01T00:00:00Z"), "bad.ndjson:2: at: "),
        (line(duration_ms=None), "bad.ndjson:2: duration_ms: "),
    ],
)
def test_a_bad_line_is_told_with_its_number_and_the_rule(tmp_path: Path, text: str, rule: str) -> None:
    path = tmp_path / "bad.ndjson"
    path.write_text(f"{line('C1')}\n{text}\n{line('C2')}\n")
    reports, tally = read(path)
    assert len(reports) == 2
    assert tally.bad == 1
    assert rule in tally.problems[0]


def test_a_bad_line_never_shows_what_it_said(tmp_path: Path) -> None:
    path = tmp_path / "bad.ndjson"
    path.write_text(line(charge="secret 4111111111111111") + "\n")
    assert "secret" not in "".join(read(path)[1].problems)


def test_more_than_one_percent_is_too_bad() -> None:
    assert not Tally(lines=100, bad=1).too_bad
    assert Tally(lines=99, bad=1).too_bad
    assert not Tally().too_bad


def test_an_endless_line_is_one_bad_line(tmp_path: Path) -> None:
    path = tmp_path / "long.ndjson"
    path.write_text("x" * 3_000_000 + "\n" + line() + "\n")
    reports, tally = read(path)
    assert (len(reports), tally.lines, tally.bad) == (1, 2, 1)
    assert ":1: longer than" in tally.problems[0]


@given(
    st.lists(st.sampled_from([b"", b" ", b"{}", b"\t{} \r", b"long" * 4, b"longer" * 9]), max_size=9),
    st.integers(1, 70),
)
def test_lines_are_the_same_wherever_a_block_of_the_file_ends(lines: list[bytes], block_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(reportfiles, "BLOCK_BYTES", block_bytes)
        patch.setattr(reportfiles, "MAX_LINE_BYTES", 20)
        path, tally = Path(folder) / "blocks.ndjson", Tally()
        path.write_bytes(b"\n".join(lines))
        found = list(reportfiles.raw_lines(path, tally))
    said = [(number, text.strip()) for number, text in enumerate(lines, 1) if text.strip()]
    assert found == [(number, [text]) for number, text in said if len(text) <= 20]
    assert (tally.lines, tally.bad) == (len(said), len(said) - len(found))


def test_call_records_are_handed_on_some_at_a_time(tmp_path: Path) -> None:
    """All reports of a record together, and under its line's number."""
    path = tmp_path / "cdr.csv"
    path.write_text(HEADER + "A1,+1416,1764000000,900,,,,\n" * 100 + "A1,+1416,1764000000,90000,,,,\n" * 2)
    blocks = list(reportfiles.raw_blocks(path, Tally()))
    assert [len(block.numbers) for block in blocks] == [992, 992, 992, 124, 3_001, 3_001]
    assert [number for block in blocks for number, _texts in block.lines()] == list(range(2, 104))
    assert [len(texts) for _number, texts in blocks[0].lines()] == [31] * 32


def test_only_the_first_bad_lines_are_told(tmp_path: Path) -> None:
    path = tmp_path / "bad.ndjson"
    path.write_text("x\n" * 50)
    tally = read(path)[1]
    assert (tally.bad, len(tally.problems)) == (50, 20)


@pytest.mark.parametrize("name", ["reports.txt", "reports.json", "reports"])
def test_a_file_of_another_kind_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError, match="ends in"):
        read(tmp_path / name)


def test_a_file_that_is_not_there_or_broken_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"gone\.ndjson"):
        read(tmp_path / "gone.ndjson")
    broken = tmp_path / "broken.ndjson.gz"
    broken.write_bytes(b"this is not gzip")
    with pytest.raises(FileError, match=r"broken\.ndjson\.gz"):
        read(broken)


@given(times=st.lists(st.integers(0, 50), max_size=60), run=st.integers(1, 7))
def test_sorting_on_disk_orders_by_time_and_keeps_equals_in_order(times: list[int], run: int) -> None:
    reports = [Timed(at_ms, order, f"s{at_ms % 3}\n", b"payload \n%d" % order) for order, at_ms in enumerate(times)]
    with OrderedReports(run_lines=run) as ordered:
        ordered.add(reports)
        assert list(ordered) == sorted(reports)


@given(switches=st.lists(st.integers(0, 3), max_size=60))
def test_reports_of_one_switch_stay_in_order(switches: list[int]) -> None:
    reports = [Timed(order, order, f"s{switch}", b"%d" % order) for order, switch in enumerate(switches)]
    sent: dict[str, list[bytes]] = {}
    for switch, chunk in by_switch(iter(reports)):
        sent.setdefault(switch, []).extend(chunk)
    assert sent == {name: [each.payload for each in reports if each.switch == name] for name in sent}
    assert sum(map(len, sent.values())) == len(reports)


# -- CDR CSV -------------------------------------------------------------------------------------

HEADER = "account,to,answered_at,duration_s,charge,from,call,switch\n"


def test_a_record_is_played_as_the_reports_of_its_call(tmp_path: Path) -> None:
    path = tmp_path / "cdr.csv"
    path.write_text(HEADER + "A1,+25377123456,2026-11-22T03:00:00-05:00,75,1.00,+14165550100,C1,sw1\n")
    played = [json.loads(payload) for _, _, _, payload in read(path)[0]]
    assert [(each["event"], each["duration_ms"], each["charge"], each["at"][11:19]) for each in played] == [
        ("answered", 0, "0.00", "08:00:00"),
        ("tick", 30_000, "0.40", "08:00:30"),
        ("tick", 60_000, "0.80", "08:01:00"),
        ("ended", 75_000, "1.00", "08:01:15"),
    ]
    assert {(each["call"], each["account"], each["to"], each["from"]) for each in played} == {
        ("C1", "A1", "+25377123456", "+14165550100")
    }


def test_the_columns_may_come_in_any_order_and_only_four_are_needed(tmp_path: Path) -> None:
    path = tmp_path / "cdr.csv"
    path.write_text("to,duration_s,account,answered_at\n+14165550100,0,A1,1764000000\n")
    reports, tally = read(path)
    assert [json.loads(each.payload)["event"] for each in reports] == ["answered", "ended"]
    assert {each.switch for each in reports} == {"cdr"}
    assert "charge" not in json.loads(reports[0].payload)
    assert tally.lines == 1


def test_calls_without_an_id_are_the_same_calls_next_time(tmp_path: Path) -> None:
    """And two equal records of one file are two calls."""
    path = tmp_path / "cdr.csv"
    row = "A1,+14165550100,1764000000,60\n"
    path.write_text("account,to,answered_at,duration_s\n" + row + row)
    first, again = read(path)[0], read(path)[0]
    assert first == again
    assert len({json.loads(each.payload)["call"] for each in first}) == 2


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("A1,+1416,1764000000,-1,,,,", "cdr.csv:2: duration_s: "),
        ("A1,+1416,1764000000,nan,,,,", "cdr.csv:2: duration_s: "),
        ("A1,+1416,1764000000,6e9,,,,", "cdr.csv:2: duration_s: "),
        ("A1,+1416,2026-11-22 03:00:00,1,,,,", "cdr.csv:2: answered_at: "),
        ("A1,+1416,nan,1,,,,", "cdr.csv:2: answered_at: "),
        ("A1,+1416,1764000000,1,-2,,,", "cdr.csv:2: charge: "),
        ("A1,+1416,1764000000,1,free,,,", "cdr.csv:2: charge: "),
        (",+1416,1764000000,1,,,,", "cdr.csv:2: account: "),
        ("A1,+1416,1764000000", "cdr.csv:2: has 3 fields, the header has 8"),
        ('A1,"+14"16,1764000000,1,,,,', "cdr.csv:2: "),
    ],
)
def test_a_bad_record_is_told_and_none_of_its_reports_is_sent(tmp_path: Path, row: str, rule: str) -> None:
    path = tmp_path / "cdr.csv"
    path.write_text(HEADER + row + "\n" + "A1,+1416,1764000000,1,,,,\n")
    reports, tally = read(path)
    assert tally.bad == 1
    assert tally.problems[0].split(str(tmp_path))[1].startswith("/" + rule)
    assert len(reports) == 2


@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("account,to,duration_s\n", "lacks answered_at"),
        ("account,to,answered_at,duration_s,price\n", "has unknown 'price'"),
        ("account,to,answered_at,duration_s,to\n", "names a column twice"),
        ("", "lacks account, to, answered_at, duration_s"),
    ],
)
def test_a_header_that_does_not_fit_refuses_the_file(tmp_path: Path, header: str, said: str) -> None:
    path = tmp_path / "cdr.csv"
    path.write_text(header)
    with pytest.raises(FileError, match=said):
        read(path)


@given(charge=st.integers(0, 10**12), duration=st.integers(0, 700))
def test_a_stated_charge_grows_evenly_and_is_exact_at_the_end(charge: int, duration: int) -> None:
    player = RowPlayer(["account", "to", "answered_at", "duration_s", "charge"])
    played = list(player.play(["A1", "+1416", "1764000000", str(duration), format_money(charge)]))
    charges = [decode_reports(each, 1_764_000_000_000 + 10**9).reports[0].charge_micros or 0 for each in played]
    assert charges == sorted(charges)
    assert charges[-1] == charge
