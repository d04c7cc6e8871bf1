"""Call records of others: Asterisk, FreeSWITCH, and the operator's own by a map in the configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guard.commands.records import map_of
from guard.config import ConfigError, load_config
from guard.replay.cdr import CdrMap
from guard.replay.reportfiles import Tally, raw_lines

ASTERISK = (
    '"A1","4165550100","01125377123456","outbound","""Ana"" <4165550100>","SIP/a-1","SIP/t-2","Dial","SIP/t/1","{}"\n'
)
TIMES = '2026-11-22 03:00:00","2026-11-22 03:00:05","2026-11-22 03:01:10",70,65,"ANSWERED","DOCUMENTATION'
UNANSWERED = '2026-11-22 03:00:00","","2026-11-22 03:00:20",20,0,"NO ANSWER","DOCUMENTATION'


def played(path: Path, cdr_map: CdrMap) -> tuple[list[dict[str, Any]], Tally]:
    tally = Tally()
    return [json.loads(text) for _, texts in raw_lines(path, tally, cdr_map) for text in texts], tally


def own_map(folder: Path, text: str) -> CdrMap:
    path = folder / "guard.toml"
    path.write_text(text)
    return map_of(load_config(path).cdr, None)


def test_asterisks_records(tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    path.write_text(ASTERISK.format(TIMES) + ASTERISK.format(UNANSWERED) + ASTERISK.format(TIMES).replace('"A1"', '""'))
    zone = own_map(tmp_path, '[cdr]\ntimezone = "America/Toronto"\n')
    assert not zone.foreign, "a zone alone is no map"
    reports, tally = played(path, map_of(load_config(tmp_path / "guard.toml").cdr, "asterisk"))
    assert [(each["event"], each["at"], each.get("duration_ms")) for each in reports] == [
        ("answered", "2026-11-22T08:00:05.000Z", 0),
        ("tick", "2026-11-22T08:00:35.000Z", 30_000),
        ("tick", "2026-11-22T08:01:05.000Z", 60_000),
        ("ended", "2026-11-22T08:01:10.000Z", 65_000),
        ("failed", "2026-11-22T08:00:00.000Z", None),
    ]
    assert reports[4]["cause"] == "NO ANSWER"
    assert {(each["account"], each["to"], each["from"]) for each in reports} == {("A1", "01125377123456", "4165550100")}
    assert len({each["call"] for each in reports}) == 2
    assert (tally.lines, tally.bad, tally.unowned) == (3, 0, 1)


def test_freeswitchs_records(tmp_path: Path) -> None:
    path = tmp_path / "Master.csv"
    row = '"Ana","4165550100","25377123456","default","2026-11-22 03:00:00","{}","2026-11-22 03:00:40","40","{}",'
    row += '"{}","{}","","A1","PCMU","PCMU"\n'
    path.write_text(
        row.format("2026-11-22 03:00:05", 35, "NORMAL_CLEARING", "u-1") + row.format("", 0, "USER_BUSY", "u-2")
    )
    reports, _ = played(path, map_of(load_config(written(tmp_path)).cdr, "freeswitch"))
    assert [(each["call"], each["event"], each["at"][11:19]) for each in reports] == [
        ("u-1", "answered", "03:00:05"),
        ("u-1", "tick", "03:00:35"),
        ("u-1", "ended", "03:00:40"),
        ("u-2", "failed", "03:00:00"),
    ]
    assert reports[3]["cause"] == "USER_BUSY"


def written(folder: Path, text: str = "") -> Path:
    path = folder / "guard.toml"
    path.write_text(text)
    return path


def test_the_operators_own_records_by_name(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("customer;dialled;begin;seconds;price;else\nA1;+25377;2026-07-01 12:00:00;10;0.50;x\n")
    columns = 'account = "customer"\nto = "dialled"\nanswered_at = "begin"\nduration_s = "seconds"\ncharge = "price"\n'
    cdr_map = own_map(tmp_path, f'[cdr]\ndelimiter = ";"\ntimezone = "Europe/Paris"\n[cdr.columns]\n{columns}')
    reports, _ = played(path, cdr_map)
    assert [(each["event"], each["at"], each["charge"]) for each in reports] == [
        ("answered", "2026-07-01T10:00:00.000Z", "0.00"),
        ("ended", "2026-07-01T10:00:10.000Z", "0.50"),
    ]
    path.write_text("customer;dialled;begin;price\n")
    with pytest.raises(Exception, match="lacks seconds"):
        played(path, cdr_map)


def test_the_operators_own_records_by_position(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("x,A1,+25377,1780000000,10\nx,A1\n")
    cdr_map = own_map(
        tmp_path, "[cdr]\nheader = false\n[cdr.columns]\naccount = 2\nto = 3\nanswered_at = 4\nduration_s = 5\n"
    )
    reports, tally = played(path, cdr_map)
    assert [each["account"] for each in reports] == ["A1", "A1"]
    assert tally.problems == [f"{path}:2: has 2 fields, its kind has at least 5"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[cdr.columns]\naccount = "a"\n', "lacks to, answered_at, duration_s"),
        ('[cdr]\ndelimiter = ";;"\n', "is no delimiter"),
        ('[cdr]\ntimezone = "Toronto"\n', "is no time zone"),
        ("[cdr]\nheader = false\n[cdr.columns]\naccount = 0\n", "out of range"),
        ('[cdr.columns]\ncolour = "a"\n', "unknown key"),
    ],
)
def test_a_map_that_is_wrong_is_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        load_config(written(tmp_path, text))
