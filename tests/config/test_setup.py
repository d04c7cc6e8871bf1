"""From files to a setup, and anew: what is the same stays the same object, and what is another is told in words."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from guard.config import Config, ConfigError, load_config
from guard.core.settings import Settings
from guard.setup import SETTINGS, SetupReader, mistake_of, setup_of

HEAD = "prefix,name,class,rate,connect,minimum_s,increment_s\n"
ROWS = ("1,Canada,domestic,0.02,0,0,1", "252,Somalia,international,3.40,0,60,60", "44,UK,international,0.05,0,0,1")
PLAN = '[plan.{}]\n[[plan.{}.quota]]\nclass = ["domestic"]\nminutes = 100\n'
RULE = '[[rule]]\nid = "{}"\nmeasure = "calls"\nwindow = "15m"\nblock = {}\n'
CONFIG = '[tariff]\nfile = "tariff.csv"\n[plans]\nfile = "plans.toml"\n[rules]\ndir = "rules"\n'


class Folder:
    """An operator's files, and a reader of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "rules").mkdir()
        self.write("rules/own.toml", RULE.format("a", 5) + RULE.format("b", 5))
        self.write("tariff.csv", HEAD + "\n".join(ROWS))
        self.write("plans.toml", PLAN.format("office", "office"))
        self.write("guard.toml", CONFIG)
        self.config = load_config(folder / "guard.toml")
        self.reader = SetupReader(self.config, setup_of(self.config))

    def write(self, name: str, text: str) -> None:
        """Put a file there."""
        (self.folder / name).write_text(text)

    def changes(self, *numbers: str) -> tuple[str, ...]:
        """What is another now; the daemon takes it up."""
        read = self.reader.read(numbers)
        self.reader.taken_up(read)
        return read.changes


@pytest.fixture
def files(tmp_path: Path) -> Folder:
    """Files that are free of errors."""
    return Folder(tmp_path)


def test_files_that_say_what_they_said_give_the_same_prices(files: Folder) -> None:
    before = files.reader.setup
    files.write("tariff.csv", HEAD + "\n".join(ROWS))
    read = files.reader.read()
    assert read.changes == ()
    assert (read.setup.rating is before.rating, read.setup.scopes is before.scopes) == (True, True)


def test_of_a_tariff_only_the_rows_that_are_another_are_new(files: Folder) -> None:
    before = files.reader.setup.rating
    files.write("tariff.csv", HEAD + "\n".join([*ROWS, "33,France,international,0.06,0,0,1"]).replace("3.40", "3.41"))
    assert files.changes("+252612345678") == ("tariff: 2 of 4 prefixes are new or have another price",)
    after = files.reader.setup.rating
    assert after.plans == before.plans
    for number, same in (("+14165550100", True), ("+442071234567", True), ("+252612345678", False)):
        assert (before.place(number).destination is after.place(number).destination) is same
    assert after.place("+252612345678").destination.rate_micros == 3_410_000


def test_everything_that_may_change_is_told_by_name(files: Folder) -> None:
    files.write("plans.toml", PLAN.format("office", "office") + PLAN.format("home", "home"))
    files.write("rules/own.toml", RULE.format("a", 6) + RULE.format("c", 5))
    files.write(
        "guard.toml",
        CONFIG.replace("[plans]", 'unknown_rate = "2.00"\n[plans]')
        + '[emergency]\nnumbers = ["112"]\n[calls]\nstale_after = "80s"\n[fuse]\nwindow = "20m"\n'
        '[payments.trust]\ncheque = "0.5"\n[switches.sw1]\nticks = false\n[accounts]\ndefault_limit = "7.00"\n',
    )
    assert files.changes() == (
        "plans: 2 in place of 1",
        "numbers and unknown rate",
        "rules new: c",
        "rules gone: b",
        "rules changed: a",
        "accounts.default_limit",
        "emergency.numbers",
        "calls.stale_after",
        "fuse.window",
        "payments.trust",
        "switches",
    )
    assert files.changes() == ()


def test_each_setting_has_a_name_that_an_operator_knows() -> None:
    assert {field.name for field in fields(Settings)} <= set(SETTINGS)


def test_many_rules_are_counted_and_not_named(files: Folder) -> None:
    files.write("rules/own.toml", "".join(RULE.format(f"r{number}", 5) for number in range(20)))
    assert files.changes() == ("rules new: 20", "rules gone: a, b")


def test_what_needs_a_restart_is_measured_against_the_start(files: Folder) -> None:
    more = (
        '[http]\nlisten = "127.0.0.1:9"\n[store]\nurl = "sqlite:other.db"\n[broker]\nprefix = "p"\nurl = "mqtt://x"\n'
    )
    for _ in range(2):
        files.write("guard.toml", CONFIG + more)
        read = files.reader.read()
        files.reader.taken_up(read)
        assert read.needs_restart == ("broker.url", "broker.prefix", "store.url", "http.listen")
    files.write("guard.toml", CONFIG)
    assert files.reader.read().needs_restart == ()


def test_the_mistakes_of_all_files_are_told_at_once(files: Folder) -> None:
    files.write("tariff.csv", HEAD + "1,Canada,domestic,free,0,0,1")
    files.write("plans.toml", "[plan.x]\nnonsense = 1\n")
    files.write("rules/own.toml", RULE.format("a", 0))
    files.write("tokens.toml", '[token.x]\nrole = "god"\n')
    files.write("guard.toml", CONFIG + "[calls]\nstale_aftr = 1\n")
    with pytest.raises(ConfigError) as refused:
        files.reader.read()
    mistakes = [mistake_of(problem) for problem in refused.value.problems]
    assert [mistake.place.rpartition("/")[2] for mistake in mistakes] == [
        "guard.toml:8",
        "tariff.csv:2",
        "plans.toml:2",
        "own.toml:5",
        "tokens.toml",
    ]
    assert mistakes[-1].text == "token.x: role is not one of: read, operate"
    assert mistakes[0].text.startswith("calls.stale_aftr: ")


def test_a_file_that_is_gone_is_a_mistake(files: Folder) -> None:
    (files.folder / "tariff.csv").unlink()
    with pytest.raises(ConfigError, match="there is no such file"):
        files.reader.read()
    (files.folder / "guard.toml").unlink()
    with pytest.raises(ConfigError, match="there is no such file"):
        files.reader.read()


def test_a_daemon_on_defaults_takes_up_a_file_that_has_come(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    config = Config()
    reader = SetupReader(config, setup_of(config))
    (tmp_path / "guard.toml").write_text("[fuse]\nblocks = 3\n")
    assert reader.read().changes == ("fuse.blocks",)
