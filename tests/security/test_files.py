"""Every file that guard reads, spoilt: it is taken, or refused with its place, as a command does with exit 2.

Never a traceback, never a hang, and never much more memory than the file is worth.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from guard.adapters.http.tokens import Role, TokenError, add_token, load_tokens
from guard.adapters.sqlite import check_ledger, open_store
from guard.anomaly.artefact import EXPECTED, GRAPH, HASHED, MANIFEST, load
from guard.anomaly.refusal import ArtefactError
from guard.backtest.history import Sorter
from guard.backtest.inputs import read_billing, read_labels
from guard.commands.check import check
from guard.commands.load import check_line
from guard.commands.output import CommandError
from guard.ports import StoreError
from guard.replay import cdr
from guard.replay.reportfiles import FileError, OrderedReports, Tally, read_reports
from guard.scenarios.proof import Proof
from tests.security.mutations import spoilt, values_changed, within_bounds, within_memory

SHIPPED_MODEL = Path(__file__).parents[2] / "models" / "default"
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"

GUARD_TOML = b"""
[broker]
url = "mqtts://guard:secret@broker.example:8883"
prefix = "guard/v1"
away_after = "60s"
[store]
url = "sqlite:guard.db"
min_free = "500MB"
[http]
listen = "127.0.0.1:8080"
tokens = "tokens.toml"
[accounts]
default_limit = "100.00"
default_currency = "CAD"
max_provisional = 1000
[tariff]
file = "tariff.csv"
unknown_rate = "1.00"
[plans]
file = "plans.toml"
[rules]
dir = "rules"
[model]
mode = "off"
false_alarms_per_1000_account_days = 2.5
[emergency]
numbers = ["911", "112"]
[numbers]
country = "CA"
international_prefixes = ["00", "011"]
[calls]
stale_after = "90s"
remember = "7d"
[fuse]
blocks = 20
window = "10m"
[payments.trust]
eft = 0.5
cheque = "50%"
[cdr]
timezone = "America/Toronto"
delimiter = ";"
columns = {account = "a", to = "b", answered_at = "c", duration_s = "d"}
[privacy]
keep_call_details = "90d"
[switches.sw1]
ticks = true
silent_after = "5m"
[[webhook]]
name = "desk"
url = "https://desk.example/hook"
events = ["block", "warn"]
"""
RULES = b"""
[[rule]]
id = "same-number"
title = "The same number again"
mode = "enforce"
measure = "calls"
window = "15m"
per = "number"
where = { class = ["international"], hours = "19:00-07:00", days = ["sat"], new_for = "90d" }
warn = 5
block = 10
scope = "international"
min_rate = "0.50"
release_after = "24h"
"""
SCENARIO = b"""# a story
country CA
== somebody rings one number all night
tariff  1900 premium Chat lines
account A opened=12d
workdays -2..-1 09:00-17:00  A calls 5 to=+1416555#### lasts=3m rate=0.02
sat 22:00  A calls 30 to=+252612345678 every=1m lasts=2m rate=3.40 source=10.0.0.1 -> block within=30m
"""
PLANS = (EXAMPLES / "plans.toml").read_bytes()
TARIFF = b"""prefix,name,class,rate,connect,minimum_s,increment_s
1,Canada,domestic,0.02,0.01,6,6
252,"Somalia, all",international,2.10,,60,60
1900,Chat,premium,5.00,0,0,1
"""
REPORTS = b"""{"switch":"sw1","call":"c1","event":"answered","account":"A1","at":"2026-11-22T03:12:45Z","to":"+25377"}
{"switch":"sw1","call":"c1","event":"tick","account":"A1","at":1795317195,"duration_ms":30000,"charge":"0.35"}
{"switch":"sw1","call":"c1","event":"ended","account":"A1","at":"1795317225.5","duration_ms":60000,"charge":"0.70"}
"""
BILLING = b"""{"type":"account","id":"m1","account":"A1","currency":"CAD","credit":{"cycles":"2.5","floor":"1"}}
{"type":"payment","id":"p1","account":"A1","amount":"12.00","method":"eft","status":"posted","at":"2026-11-22T00:00Z"}
{"type":"balance","id":"b1","account":"A1","owed":"1.00","as_of":"2026-11-01T00:00:00-04:00"}
"""
LABELS = b"""account,start,end,label
A1,2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,fraud
A2,2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,good
"""
CASES = b'{"account":"A1","start":"2026-11-01T00:00:00Z","scenario":"drip"}\n'
CDR_CONTRACT = b"""account,to,answered_at,duration_s,charge,from,call,switch
A1,+25377123456,2026-11-22T03:12:45Z,61,0.70,+16475550100,c1,sw1
A2,+4412345678,1795317195,3600.5,,,,
"""
CDR_ASTERISK = (
    b'"A1","100","0025377123456","ctx","","SIP/1","SIP/2","Dial","x","2026-11-22 03:12:40",'
    b'"2026-11-22 03:12:45","2026-11-22 03:13:46","66","61","ANSWERED","DOCUMENTATION"\n'
) * 2
CDR_FREESWITCH = (
    b'"Ana","100","0025377123456","default","2026-11-22 03:12:40","2026-11-22 03:12:45",'
    b'"2026-11-22 03:13:46","66","61","NORMAL_CLEARING","uuid-1","","A1"\n'
) * 2

few = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
either = st.sampled_from((spoilt, values_changed))


def files_in(folder: Path, **changed: bytes) -> Path:
    """A whole configuration, one of whose files says something else; where `guard.toml` is."""
    (folder / "rules" / "scenarios").mkdir(parents=True, exist_ok=True)
    whole = {"guard.toml": GUARD_TOML, "tariff.csv": TARIFF, "plans.toml": PLANS, "rules/own.toml": RULES}
    for name, content in (whole | changed).items():
        (folder / name).write_bytes(content)
    return folder / "guard.toml"


def refused(act: Callable[[], object], *kinds: type[Exception]) -> str:
    """What is said about it; empty: it was taken. Anything else that is raised is what these tests look for."""
    try:
        with within_bounds():
            act()
    except kinds as error:
        return str(error)
    return ""


def refused_by_check(config: Path, *, play: bool = False) -> str:
    """The same by the command that looks at all of it; it ends with 2.

    `play`: the scenarios as well. To play all those that guard ships, which is what is left when the folder of one's
    own cannot be read, takes longer than to read everything else a hundred times.
    """
    playing = nullcontext() if play else patch("guard.commands.check.prove", lambda *_: Proof())
    try:
        with within_bounds(), playing:
            check(config, ledger=False)
    except CommandError as raised:
        error = raised
    else:
        return ""
    assert error.exit_code == 2
    for line in str(error).splitlines():
        assert line.startswith(str(config.parent)), f"names no file: {line[:200]}"
    return str(error)


def test_the_whole_is_taken_as_it_is(tmp_path: Path) -> None:
    assert refused_by_check(files_in(tmp_path, **{"rules/scenarios/same-number.txt": SCENARIO}), play=True) == ""


SETUP_FILES = {
    "guard.toml": GUARD_TOML,
    "tariff.csv": TARIFF,
    "plans.toml": PLANS,
    "rules/own.toml": RULES,
    "rules/scenarios/same-number.txt": SCENARIO,
}


@pytest.mark.parametrize("name", SETUP_FILES)
@few
@given(data=st.data())
def test_what_an_operator_writes(name: str, data: st.DataObject) -> None:
    content = data.draw(data.draw(either)(SETUP_FILES[name]))
    with TemporaryDirectory() as folder:
        refused_by_check(files_in(Path(folder), **{name: content}), play=name.endswith(".txt"))


@few
@given(data=st.data())
def test_tokens(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "tokens.toml")
        for name in ("ana", "board"):
            add_token(path, name, Role.OPERATE)
        path.write_bytes(data.draw(data.draw(either)(path.read_bytes())))
        refused(lambda: load_tokens(path), TokenError)
        refused_by_check(files_in(Path(folder)))


# -- records


def sorted_for_a_backtest(path: Path, cdr_map: cdr.CdrMap) -> int:
    with TemporaryDirectory() as folder, Sorter(Path(folder)) as sorter:
        sorter.add(path, cdr_map)
        return len(list(sorter.history()))


def sorted_for_a_load(path: Path, cdr_map: cdr.CdrMap) -> int:
    with OrderedReports() as ordered:
        ordered.add(read_reports(path, check_line, Tally(), cdr_map))
        return len(list(ordered))


RECORDS = {
    "reports.ndjson": (REPORTS, cdr.CONTRACT),
    "contract.csv": (CDR_CONTRACT, cdr.CONTRACT),
    "asterisk.csv": (CDR_ASTERISK, cdr.ASTERISK),
    "freeswitch.csv": (CDR_FREESWITCH, cdr.FREESWITCH),
}


@pytest.mark.parametrize("name", RECORDS)
def test_good_records_are_read(name: str, tmp_path: Path) -> None:
    content, cdr_map = RECORDS[name]
    for path, packed in ((tmp_path / name, content), (tmp_path / f"{name}.gz", gzip.compress(content))):
        path.write_bytes(packed)
        assert sorted_for_a_backtest(path, cdr_map) == sorted_for_a_load(path, cdr_map) >= 3


@pytest.mark.parametrize("name", RECORDS)
@few
@given(data=st.data())
def test_records(name: str, data: st.DataObject) -> None:
    good, cdr_map = RECORDS[name]
    content = data.draw(data.draw(either)(good))
    packed = data.draw(st.booleans())
    with TemporaryDirectory() as folder:
        path = Path(folder, f"{name}.gz" if packed else name)
        path.write_bytes(gzip.compress(content, 1) if packed else content)
        for read in (sorted_for_a_backtest, sorted_for_a_load):
            told = refused(lambda read=read: read(path, cdr_map), FileError)  # type: ignore[misc]
            assert not told or told.startswith(str(path))


@few
@given(data=st.data())
def test_a_packed_file_that_is_damaged(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "reports.ndjson.gz")
        path.write_bytes(data.draw(spoilt(gzip.compress(REPORTS))))
        told = refused(lambda: sorted_for_a_load(path, cdr.CONTRACT), FileError)
        assert not told or told.startswith(str(path))


@few
@given(data=st.data())
def test_billing_labels_and_cases(data: st.DataObject) -> None:
    change = data.draw(either)
    with TemporaryDirectory() as folder:
        billing, labels, cases = (Path(folder, name) for name in ("billing.ndjson", "labels.csv", "cases.ndjson"))
        billing.write_bytes(data.draw(change(BILLING)))
        labels.write_bytes(LABELS)
        cases.write_bytes(data.draw(change(CASES)))
        refused(lambda: read_billing(billing, Tally()), FileError)
        refused(lambda: read_labels(labels, cases), FileError)
        labels.write_bytes(data.draw(change(LABELS)))
        refused(lambda: read_labels(labels), FileError)


# -- bombs


BOMBS = {
    "a line without end.ndjson.gz": b"x" * 1_000_000,
    "a line without end.csv.gz": b"x" * 1_000_000,
    "a quote that never closes.csv.gz": (b'"' + b"x" * 998 + b"\n") * 1_000,
    "a row of fields that never ends.csv.gz": b'"x\n",' * 200_000,
    "nothing but commas.csv.gz": b"," * 1_000_000,
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_small_file_that_unpacks_to_much_does_not_fill_the_memory(name: str, tmp_path: Path) -> None:
    """50 MB in a few hundred KiB: read a piece at a time, and let go."""
    path = tmp_path / name
    head = b"account,to,answered_at,duration_s\n" if ".csv" in name else b""
    with gzip.open(path, "wb", compresslevel=1) as packed:
        packed.write(head)
        for _ in range(50):
            packed.write(BOMBS[name])
    with within_memory(20_000):
        told = refused(lambda: sorted_for_a_load(path, cdr.CONTRACT), FileError)
    assert not told or told.startswith(str(path))


# -- the model


def rewritten(folder: Path, manifest: dict[str, Any], **files: bytes) -> Path:
    """The shipped model with some of it changed and the hashes put right: whoever changes it can do that too."""
    for name in HASHED:
        content = files.get(name, (SHIPPED_MODEL / name).read_bytes())
        (folder / name).write_bytes(content)
        if isinstance(manifest.get("sha256"), dict):
            manifest["sha256"][name] = hashlib.sha256(content).hexdigest()
    (folder / MANIFEST).write_text(json.dumps(manifest))
    return folder


def places_in(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of a JSON document."""
    pairs = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
    found = [(value, key) for key, _ in pairs]
    for _, each in pairs:
        if isinstance(each, dict | list):
            found += places_in(each)
    return found


ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    10**400,
    1e308,
    -1e308,
    5e-324,
    "",
    "x",
    [],
    {},
    [[]],
    [10**400],
    {"a": 1},
    "\x00",
    "\ud800",
)


@settings(few, max_examples=30)
@given(data=st.data())
def test_a_model_whose_manifest_was_changed(data: st.DataObject) -> None:
    manifest = json.loads((SHIPPED_MODEL / MANIFEST).read_text())
    for _ in range(data.draw(st.integers(1, 3))):
        container, key = data.draw(st.sampled_from(places_in(manifest)))
        container[key] = data.draw(st.sampled_from(ODD))
    with TemporaryDirectory() as folder:
        refused(lambda: load(rewritten(Path(folder), manifest)), ArtefactError)


@settings(few, max_examples=20)
@given(data=st.data())
def test_a_model_whose_other_files_were_changed(data: st.DataObject) -> None:
    manifest = json.loads((SHIPPED_MODEL / MANIFEST).read_text())
    expected = json.loads((SHIPPED_MODEL / EXPECTED).read_text())
    container, key = data.draw(st.sampled_from(places_in(expected)))
    container[key] = data.draw(st.sampled_from(ODD))
    graph = data.draw(spoilt((SHIPPED_MODEL / GRAPH).read_bytes()) | st.just((SHIPPED_MODEL / GRAPH).read_bytes()))
    with TemporaryDirectory() as folder:
        whole = rewritten(Path(folder), manifest, **{GRAPH: graph, EXPECTED: json.dumps(expected).encode()})
        refused(lambda: load(whole), ArtefactError)


# -- the store


@settings(few, max_examples=20)
@given(content=st.binary(min_size=1, max_size=4_096) | spoilt(b"SQLite format 3\x00" + bytes(4_080)))
async def test_a_store_that_is_something_else(content: bytes) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder, "guard.db")
        path.write_bytes(content)  # noqa: ASYNC240 - a moment, in a test
        refused(lambda: check_ledger(path), StoreError)
        with within_bounds(), suppress(StoreError):
            async with open_store(path) as store:
                await store.restore()


def test_a_field_of_a_record_has_a_bound() -> None:
    assert csv.field_size_limit() <= 131_072
