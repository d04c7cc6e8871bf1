"""What spoilt files have found: each once more, by itself, so that it stays found."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from guard.adapters.http.server import AddressError, bind
from guard.adapters.http.tokens import TokenError, load_tokens
from guard.anomaly.artefact import EXPECTED, MANIFEST, load
from guard.anomaly.refusal import ArtefactError
from guard.backtest.inputs import read_labels
from guard.config import ConfigError, check_config
from guard.config.plans import read_plans
from guard.config.tariff import read_tariff
from guard.replay.cdr import CONTRACT, RowError, RowPlayer
from guard.replay.reportfiles import FileError, Tally, read_reports
from guard.scenarios.script import ScriptError, read_scenarios
from tests.security.mutations import within_bounds, within_memory
from tests.security.test_files import SHIPPED_MODEL, rewritten

LABELS = "account,start,end,label\n"


def problems(folder: Path, text: str) -> list[str]:
    """What is said of a configuration."""
    file = folder / "guard.toml"
    file.write_text(text)
    with within_bounds(2):
        return [str(problem) for problem in check_config(file)[1]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"[fuse]\nblocks = 0x{'f' * 5_000}", "fuse.blocks: is a number beyond all bounds"),
        (f"[calls]\nremember = 0x{'f' * 5_000}", "calls.remember: is a number"),
        (f"[accounts]\ndefault_limit = 0x{'f' * 5_000}", "accounts.default_limit: is a number"),
        ("[payments.trust]\neft = 1e999999", "payments.trust.eft: 1E+999999 is not a part of one"),
        ("[payments.trust]\neft = 1e99999999999999999999", "is not TOML"),
        (f"[payments.trust]\neft = {'9' * 5_000}", "is not TOML"),
        (f"k = {'[' * 3_000}", "is not TOML"),
        (f"{'x' * 200_000} = 1", "unknown key; the nearest known one is"),
        ('[store]\nurl = "sqlite:a\\u0000b"', "store.url: holds a control character"),
        ('[http]\ntokens = "a\\u0000b"', "http.tokens: holds a control character"),
        ('[rules]\ndir = "a\\u001b[2Jb"', "rules.dir: holds a control character"),
        (f'[switches."{"x" * 65}"]\nticks = true', "a switch cannot have this name"),
    ],
)
def test_a_configuration(text: str, said: str, tmp_path: Path) -> None:
    (problem,) = problems(tmp_path, text)
    assert said in problem
    assert len(problem) < 201_000


def test_a_header_that_would_steer_the_terminal(tmp_path: Path) -> None:
    """It is shown, not obeyed, and stays on its line."""
    file = tmp_path / "tariff.csv"
    file.write_bytes(b"\x1b[2J\rprefix,name,class,rate\n1,a,domestic,1\n")
    with pytest.raises(ConfigError) as caught:
        read_tariff(file)
    assert str(caught.value).isprintable() or str(caught.value).replace("\n", "").isprintable()
    assert "\\x1b[2J\\rprefix" in str(caught.value)


def test_plans_with_a_number_of_an_endless_exponent(tmp_path: Path) -> None:
    file = tmp_path / "plans.toml"
    file.write_text("[plan.a]\ntitle = 'a'\n[[plan.a.quota]]\nclass = ['domestic']\nminutes = 1e99999999999999999999\n")
    with pytest.raises(ConfigError, match="is not TOML"):
        read_plans(file, None)


@pytest.mark.parametrize("text", ["[token.a]\nrole = " + "9" * 5_000, "a = " + "[" * 3_000, "[token.'a\nb']"])
def test_tokens(text: str, tmp_path: Path) -> None:
    """The daemon reads this file while it runs, and goes on with what it had."""
    file = tmp_path / "tokens.toml"
    file.write_text(text)
    with pytest.raises(TokenError, match=r"tokens\.toml"):
        load_tokens(file)


@pytest.mark.parametrize(
    "line",
    [
        "sat 02:00 A calls 999999999 to=+1",
        "days -999..999 00:00-24:00 A calls 20000 to=+1",
        "sat 02:00 A calls \u00b2 to=+1",
        f"sat 02:00 A calls {'9' * 5_000} to=+1",
        "sat 02:00 A calls 20000 to=+1 lasts=3650d",
        "sat 02:00 A calls 20000 to=+1 every=3650d",
        "tariff \u00b2 premium",
    ],
)
def test_a_scenario_of_more_than_a_life_is_long(line: str, tmp_path: Path) -> None:
    file = tmp_path / "rule.txt"
    file.write_text(f"== a story\n{line} -> block\n")
    with within_bounds(2), within_memory(10_000), pytest.raises(ScriptError, match=r"rule\.txt:2: "):
        read_scenarios(file)


@pytest.mark.parametrize(
    "at", ["1e999999", "1e99999999999", "-1", "4102444801", "0001-01-01T00:00:00Z", "nan", "Infinity"]
)
def test_a_call_record_of_another_age(at: str) -> None:
    player = RowPlayer(["account", "to", "answered_at", "duration_s"], CONTRACT)
    with within_bounds(2), pytest.raises(RowError, match="answered_at: "):
        list(player.play(["A1", "+1", at, "60"]))


def check_nothing(_text: bytes) -> tuple[int, str, bytes]:
    return 0, "sw1", b""


def test_a_packed_file_that_is_damaged_inside(tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(b'{"call":"c1"}\n' * 500, mtime=0))
    packed[20:30] = b"\xff" * 10
    file = tmp_path / "a.ndjson.gz"
    file.write_bytes(packed)
    with pytest.raises(FileError, match=r"a\.ndjson\.gz: cannot be read"):
        list(read_reports(file, check_nothing, Tally()))


def test_cases_that_are_no_text(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text(LABELS)
    (tmp_path / "cases.ndjson").write_bytes(b'{"account":"\x80"}\n')
    with pytest.raises(FileError, match=r"cases\.ndjson: cannot be read"):
        read_labels(tmp_path / "labels.csv", tmp_path / "cases.ndjson")


def manifest_with(endless: int) -> dict[str, object]:
    told: dict[str, object] = json.loads((SHIPPED_MODEL / MANIFEST).read_text())
    model = told["model"]
    assert isinstance(model, dict)
    model["unit"] = endless
    return told


def expected_with(endless: int) -> bytes:
    told = json.loads((SHIPPED_MODEL / EXPECTED).read_text())
    told["scores"][0] = endless
    return json.dumps(told).encode()


@pytest.mark.parametrize(
    "changed",
    [
        lambda folder: rewritten(folder, manifest_with(10**400)),
        lambda folder: rewritten(
            folder, json.loads((SHIPPED_MODEL / MANIFEST).read_text()), **{EXPECTED: expected_with(10**400)}
        ),
    ],
    ids=["manifest", "expected"],
)
def test_a_model_with_a_number_that_no_float_can_hold(changed: Callable[[Path], Path], tmp_path: Path) -> None:
    """The daemon goes on without a model that is refused; another error would end it."""
    with pytest.raises(ArtefactError, match="number"):
        load(changed(tmp_path))


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "\u2603" * 70])
def test_an_address_that_no_machine_can_have(host: str) -> None:
    with pytest.raises(AddressError, match=r"http\.listen"):
        bind(host, 0)
