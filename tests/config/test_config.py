"""`guard.toml`: every key is optional, every mistake is named, and no mistake hides another one.

The texts that an operator sees are golden: `wrong/NAME.toml` is the file, `wrong/NAME.txt` what is said about it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from guard.config import BrokerScheme, Config, ConfigError, check_config, load_config
from guard.config.locate import key_lines
from guard.core.emergency import DEFAULT_NUMBERS
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, ModelMode, Settings, SwitchSettings

WRONG = Path(__file__).parent / "wrong"

CONTRACT = """
[broker]
url = "mqtt://127.0.0.1:1883"
prefix = "guard/v1"
[store]
url = "sqlite:guard.db"
[http]
listen = "127.0.0.1:8080"
tokens = "tokens.toml"      # hashed
[accounts]
default_limit = "100.00"
default_currency = "CAD"
[tariff]
file = "tariff.csv"
[plans]
file = "plans.toml"
[rules]
dir = "rules"                # default: those that guard ships
[model]
dir = "models/default"
mode = "shadow"              # off | shadow | enforce
[emergency]
numbers = ["911", "112", "933", "988"]
[numbers]
country = "CA"
international_prefixes = ["00", "011"]
[calls]
stale_after = "90s"
blind_carry = "30m"
lost_after = "4h"
remember = "7d"
[fuse]
blocks = 20
window = "10m"
[switches.sw1]
ticks = true
[[webhook]]
url = "https://..."
secret_file = "..."
events = ["block", "unblock", "warn", "held", "unconfirmed", "blind", "fuse"]
"""


def read(tmp_path: Path, text: str) -> Config:
    """The configuration that this text is."""
    file = tmp_path / "guard.toml"
    file.write_text(text, encoding="utf-8")
    return load_config(file)


def said(tmp_path: Path, text: str) -> str:
    """What is said about this text."""
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    return str(caught.value).replace(f"{tmp_path}/", "")


# -- what is right


def test_without_a_file_everything_is_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert load_config() == Config()
    assert check_config() == (Config(), [])


def test_the_default_file_is_the_one_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "guard.toml").write_text("[fuse]\nblocks = 3\n")
    assert load_config().fuse.blocks == 3


def test_an_empty_file_is_all_defaults_beside_it(tmp_path: Path) -> None:
    config = read(tmp_path, "")
    assert (config.store.path, config.http.tokens) == (tmp_path / "guard.db", tmp_path / "tokens.toml")
    assert config.settings() == Settings()


def test_the_engines_defaults_are_the_configurations() -> None:
    assert Config().settings() == Settings()


def test_the_contracts_example_is_read(tmp_path: Path) -> None:
    config = read(tmp_path, CONTRACT)
    assert config.settings() == Settings(switches={"sw1": SwitchSettings(ticks=True)})
    assert config.broker.url == "mqtt://127.0.0.1:1883"
    assert (config.tariff.file, config.plans.file) == (tmp_path / "tariff.csv", tmp_path / "plans.toml")
    assert (config.rules.dir, config.model.dir) == (tmp_path / "rules", tmp_path / "models/default")
    assert config.webhooks[0].secret.file == tmp_path / "..."


def test_every_value_arrives(tmp_path: Path) -> None:
    config = read(
        tmp_path,
        """
        [broker]
        url = "mqtts://ana:s%40fe@broker.example"
        prefix = "telephony/guard"
        away_after = "5m"
        [store]
        url = "sqlite:/var/lib/guard/guard.db"
        slow_after = "250ms"
        min_free = "2GB"
        [http]
        listen = "[::1]:0"
        [accounts]
        default_limit = "0"
        default_currency = "EUR"
        [tariff]
        unknown_rate = "2.5"
        [emergency]
        numbers = ["112"]
        [numbers]
        country = "DE"
        international_prefixes = []
        [calls]
        stale_after = "250ms"
        blind_carry = "1s"
        lost_after = "1h"
        remember = "1h"
        [fuse]
        blocks = 0
        window = "5m"
        [payments]
        trust = { eft = "0.8", cheque = "50%", e_transfer = 1, other = 0.25, card = "12.5%" }
        [model]
        mode = "off"
        [switches]
        sw1 = { ticks = false, silent_after = "10m", absent_after = "7d" }
        sw3 = { silent_after = "0", absent_after = "0" }
        [switches."sw 2"]
        """,
    )
    assert (config.broker.scheme, config.broker.host, config.broker.port) == (
        BrokerScheme.MQTTS,
        "broker.example",
        8883,
    )
    assert config.broker.prefix == "telephony/guard"
    assert config.store.path == Path("/var/lib/guard/guard.db")
    assert (config.http.listen.host, config.http.listen.port, str(config.http.listen)) == ("::1", 0, "[::1]:0")
    assert config.model.mode is ModelMode.OFF
    assert (config.numbers.country, config.numbers.international_prefixes) == ("DE", ())
    assert (config.fuse.blocks, config.fuse.window_ms) == (0, 5 * MINUTE_MS)
    settings = config.settings()
    assert (settings.default_limit_micros, settings.default_currency) == (0, "EUR")
    assert (settings.unknown_rate_micros, tuple(settings.emergency)) == (2_500_000, ("112",))
    assert (settings.stale_after_ms, settings.blind_carry_ms) == (250, SECOND_MS)
    assert (settings.lost_after_ms, settings.remember_ms) == (HOUR_MS, HOUR_MS)
    expected = {"eft": 800_000, "cheque": 500_000, "e_transfer": 1_000_000, "other": 250_000, "card": 125_000}
    assert settings.trust == expected
    assert (config.store.slow_after_ms, config.store.min_free_bytes) == (250, 2 * 10**9)
    assert settings.away_after_ms == 5 * MINUTE_MS
    assert settings.switches == {
        "sw1": SwitchSettings(ticks=False, silent_after_ms=10 * MINUTE_MS, absent_after_ms=7 * DAY_MS),
        "sw3": SwitchSettings(silent_after_ms=0, absent_after_ms=0),
        "sw 2": SwitchSettings(),
    }


@pytest.mark.parametrize(
    ("stated", "bytes_"), [('"0"', 0), ('"500MB"', 500 * 10**6), ('"2GB"', 2 * 10**9), ('"1TB"', 10**12)]
)
def test_room_is_written_with_its_unit(tmp_path: Path, stated: str, bytes_: int) -> None:
    assert read(tmp_path, f"[store]\nmin_free = {stated}").store.min_free_bytes == bytes_


@pytest.mark.parametrize("stated", ["500", '"500"', '"500 MB"', '"MB"', '"0MB "', '"-1GB"', '"1.5GB"', "true"])
def test_what_is_no_size_is_told(tmp_path: Path, stated: str) -> None:
    said_so = said(tmp_path, f"[store]\nmin_free = {stated}")
    assert "store.min_free" in said_so
    assert '"500MB"' in said_so


def test_the_embedded_broker_may_have_another_port(tmp_path: Path) -> None:
    broker = read(tmp_path, '[broker]\nurl = "embedded://127.0.0.1:1999"').broker
    assert (broker.embedded, broker.host, broker.port) == (True, "127.0.0.1", 1999)


def test_a_certificate_is_beside_the_file_too(tmp_path: Path) -> None:
    broker = read(tmp_path, '[broker]\nurl = "mqtts://broker.example?ca=our%20ca.pem"').broker
    assert broker.url == f"mqtts://broker.example?ca={tmp_path}/our%20ca.pem"


def test_a_password_is_in_no_picture_of_the_configuration(tmp_path: Path) -> None:
    config = read(tmp_path, '[broker]\nurl = "mqtt://ana:xyzzy@h"\n[[webhook]]\nurl = "https://h/xyzzy"')
    assert "xyzzy" not in repr(config)


def test_a_mark_of_byte_order_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "guard.toml").write_bytes(b"\xef\xbb\xbf[fuse]\nblocks = 1\n")
    assert load_config(tmp_path / "guard.toml").fuse.blocks == 1


@pytest.mark.parametrize(
    ("stated", "spans"),
    [
        ('remember = "1h"', (90 * SECOND_MS, 30 * MINUTE_MS, HOUR_MS, HOUR_MS)),
        ('lost_after = "10s"', (10 * SECOND_MS, 10 * SECOND_MS, 10 * SECOND_MS, 7 * DAY_MS)),
        ('lost_after = "30d"', (90 * SECOND_MS, 30 * MINUTE_MS, 30 * DAY_MS, 30 * DAY_MS)),
        ('stale_after = "5h"', (5 * HOUR_MS, 5 * HOUR_MS, 5 * HOUR_MS, 7 * DAY_MS)),
        ('stale_after = "1s"\nremember = "2s"', (SECOND_MS, 2 * SECOND_MS, 2 * SECOND_MS, 2 * SECOND_MS)),
    ],
)
def test_a_default_gives_way_to_what_is_stated(stated: str, spans: tuple[int, ...], tmp_path: Path) -> None:
    calls = read(tmp_path, f"[calls]\n{stated}\n").calls
    assert (calls.stale_after_ms, calls.blind_carry_ms, calls.lost_after_ms, calls.remember_ms) == spans


# -- what is wrong


@pytest.mark.parametrize("name", sorted(path.stem for path in WRONG.glob("*.toml")))
def test_what_is_said_is_golden(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All mistakes in one go, each with its line, its key, what is wrong and what would be right."""
    monkeypatch.chdir(WRONG)
    problems = "".join(f"{problem}\n" for problem in check_config(Path(f"{name}.toml"))[1])
    assert problems == (WRONG / f"{name}.txt").read_text()


def test_a_named_file_that_is_missing_is_an_error(tmp_path: Path) -> None:
    _, (problem,) = check_config(tmp_path / "other.toml")
    assert str(problem) == f"{tmp_path}/other.toml: there is no such file"


def test_a_folder_and_bytes_that_are_no_text_are_errors(tmp_path: Path) -> None:
    _, (problem,) = check_config(tmp_path)
    assert "cannot be read" in str(problem)
    (tmp_path / "guard.toml").write_bytes(b"\xff\xfe")
    _, (problem,) = check_config(tmp_path / "guard.toml")
    assert "guard.toml:1: is not UTF-8 text" in str(problem)


@pytest.mark.parametrize(
    ("text", "line"),
    [("[calls]\nstale_after = 90s\n", ":2"), ("[a]\nb = 1\n[a]\n", ":3"), ("a = 1\nb = 2\nb = 3", ":3"), ("[a", ":1")],
)
def test_what_is_not_toml_is_said_with_its_line(text: str, line: str, tmp_path: Path) -> None:
    assert said(tmp_path, text).startswith(f"guard.toml{line}: is not TOML: ")


@pytest.mark.parametrize("text", [f"a = {'1' * 5_000}", f"a = {'[' * 10_000}"])
def test_what_the_parser_chokes_on_is_no_toml_either(text: str, tmp_path: Path) -> None:
    assert "is not TOML: " in said(tmp_path, text)


def test_of_very_many_problems_the_first_hundred_are_told(tmp_path: Path) -> None:
    lines = said(tmp_path, "".join(f"unheard-{number} = 1\n" for number in range(1_234))).splitlines()
    assert len(lines) == 101
    assert lines[99].startswith("guard.toml:100: unheard-99: unknown key")
    assert lines[100] == "guard.toml: and 1,134 more problems"


def test_the_error_has_all_problems(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, '[fuse]\nblocks = "x"\nwindow = "y"\n')
    assert [problem.key for problem in caught.value.problems] == ["fuse.blocks", "fuse.window"]


def test_a_rejected_span_draws_no_second_message(tmp_path: Path) -> None:
    text = said(tmp_path, '[calls]\nstale_after = "soon"\nblind_carry = "1s"\n')
    assert text.count("\n") == 0


@pytest.mark.parametrize(
    "url", ["mqtt://ana:topsecret@h:x", "http://ana:topsecret@h", "mqtt://ana:topsecret@h/a?b=c#d"]
)
def test_a_password_is_never_repeated(url: str, tmp_path: Path) -> None:
    assert "topsecret" not in said(tmp_path, f'[broker]\nurl = "{url}"')


@pytest.mark.parametrize(
    "url",
    [
        "mqtt://",
        "mqtt:///x",
        "mqtt://h:0",
        "mqtt://h:99999",
        "mqtt://h/topic",
        "mqtt://h?ca=x",
        "mqtts://h?cert=x",
        "h",
    ],
)
def test_a_broker_has_an_address(url: str, tmp_path: Path) -> None:
    assert "broker.url" in said(tmp_path, f'[broker]\nurl = "{url}"')


@pytest.mark.parametrize("url", ["embedded://0.0.0.0:1883", "embedded://ana:x@127.0.0.1", "embedded://broker.example"])
def test_the_embedded_broker_stays_local(url: str, tmp_path: Path) -> None:
    assert "stays local" in said(tmp_path, f'[broker]\nurl = "{url}"')


@pytest.mark.parametrize("url", ["sqlite:", "sqlite::memory:", "sqlite:///guard.db", "guard.db"])
def test_a_store_has_a_file(url: str, tmp_path: Path) -> None:
    assert "store.url" in said(tmp_path, f'[store]\nurl = "{url}"')


@pytest.mark.parametrize("listen", ["127.0.0.1", ":8080", "::1:8080", "127.0.0.1:99999", "127.0.0.1:http", "[::1]"])
def test_an_address_has_host_and_port(listen: str, tmp_path: Path) -> None:
    assert "http.listen" in said(tmp_path, f'[http]\nlisten = "{listen}"')


@pytest.mark.parametrize("listen", ["0.0.0.0:8080", "[::]:8080", "guard.example:8080", "10.1.2.3:8080"])
def test_the_world_may_only_ask_with_tokens(listen: str, tmp_path: Path) -> None:
    text = f'[http]\nlisten = "{listen}"'
    assert "has no tokens" in said(tmp_path, text)
    (tmp_path / "tokens.toml").write_text("[token]\n")
    assert "has no tokens" in said(tmp_path, text)
    (tmp_path / "tokens.toml").write_text("[token.ana]\nrole = 'read'\n")
    assert str(read(tmp_path, text).http.listen) == listen


@pytest.mark.parametrize("name", ["", "a/b", "a+", "#", "a\\u0000b", "a\\nb", "x" * 129])
def test_a_switch_is_one_level_of_a_topic(name: str, tmp_path: Path) -> None:
    assert "a switch cannot have this name" in said(tmp_path, f'[switches."{name}"]')


def test_switches_have_a_bound(tmp_path: Path) -> None:
    text = "\n".join(f"[switches.sw{number}]" for number in range(1_001))
    assert "switches: has 1001 switches; accepted: at most 1000" in said(tmp_path, text)


@pytest.mark.parametrize("numbers", ['["+911"]', '["nine"]', "[911]", '[""]', '["1234567890123456"]', '["９１１"]'])
def test_an_emergency_number_is_digits(numbers: str, tmp_path: Path) -> None:
    assert "emergency.numbers" in said(tmp_path, f"[emergency]\nnumbers = {numbers}")


@pytest.mark.parametrize("prefix", ["", " ", "/guard", "guard/", "guard//v1", "guard/#", "$SYS/guard", "x" * 129])
def test_a_prefix_is_levels_of_a_topic(prefix: str, tmp_path: Path) -> None:
    assert "broker.prefix" in said(tmp_path, f'[broker]\nprefix = "{prefix}"')


@pytest.mark.parametrize(
    "part", ['"1.1"', '"-0.1"', '"101%"', "nan", "inf", "-1", "true", '"half"', "[1]", "0.1234567"]
)
def test_a_part_is_a_part_of_one(part: str, tmp_path: Path) -> None:
    assert "payments.trust.eft" in said(tmp_path, f"[payments]\ntrust = {{ eft = {part} }}")


@pytest.mark.parametrize(
    "value", ['"1.1234567"', '"1,50"', '"$5"', '"1e3"', '" 1"', '"10000000000"', "true", "2026-01-01"]
)
def test_money_is_a_decimal_string(value: str, tmp_path: Path) -> None:
    assert "accounts.default_limit" in said(tmp_path, f"[accounts]\ndefault_limit = {value}")


def test_an_unknown_key_names_the_nearest_known_one(tmp_path: Path) -> None:
    text = said(tmp_path, '[calls]\nstale_afer = "1s"')
    assert text == (
        'guard.toml:2: calls.stale_afer: unknown key; the nearest known one is "stale_after"; '
        "accepted: blind_carry, lost_after, remember, stale_after"
    )


def test_defaults_are_the_contracts() -> None:
    config = Config()
    assert (config.broker.embedded, config.broker.host, config.broker.port) == (True, "127.0.0.1", 1883)
    assert tuple(config.emergency) == DEFAULT_NUMBERS
    assert (config.fuse.blocks, config.fuse.window_ms) == (20, 10 * MINUTE_MS)
    assert (config.numbers.country, config.numbers.international_prefixes) == ("CA", ("00", "011"))
    assert config.model.mode is ModelMode.SHADOW


# -- lines


def test_keys_are_found_wherever_they_stand() -> None:
    text = """a.b = 1
[c]
  "d e" = 2
[c.f."g.h"]
'i' = 3
[[j]]
k = 4
[[j]]
k = 5
[ l . m ]
n=6
# o = 7
p."q\\"" = 8
[[l.r.s]]
[[l.r.s.t]]
u = 9
[[l.r.s]]
[[l.r.s.t]]
u = 10
[l.r.s.v]
u = 11
"""
    assert key_lines(text) == {
        ("a",): 1,
        ("a", "b"): 1,
        ("c",): 2,
        ("c", "d e"): 3,
        ("c", "f"): 4,
        ("c", "f", "g.h"): 4,
        ("c", "f", "g.h", "i"): 5,
        ("j",): 6,
        ("j", 0): 6,
        ("j", 0, "k"): 7,
        ("j", 1): 8,
        ("j", 1, "k"): 9,
        ("l",): 10,
        ("l", "m"): 10,
        ("l", "m", "n"): 11,
        ("l", "m", "p"): 13,
        ("l", "m", "p", 'q"'): 13,
        ("l", "r"): 14,
        ("l", "r", "s"): 14,
        ("l", "r", "s", 0): 14,
        ("l", "r", "s", 0, "t"): 15,
        ("l", "r", "s", 0, "t", 0): 15,
        ("l", "r", "s", 0, "t", 0, "u"): 16,
        ("l", "r", "s", 1): 17,
        ("l", "r", "s", 1, "t"): 18,
        ("l", "r", "s", 1, "t", 0): 18,
        ("l", "r", "s", 1, "t", 0, "u"): 19,
        ("l", "r", "s", 1, "v"): 20,
        ("l", "r", "s", 1, "v", "u"): 21,
    }


@given(st.text())
def test_the_search_for_lines_takes_any_text(text: str) -> None:
    key_lines(text)
