"""Reads `guard.toml` into a `Config`, or says everything that is wrong with it.

The order is that of the contract's section 4. First each value is read by itself, then what only
shows across values is checked: the order of the time spans, and that nobody listens to the world
without tokens.
"""

from __future__ import annotations

import tomllib
from pathlib import Path

from guard.config import addresses, values
from guard.config.broker import read_broker
from guard.config.calls import read_calls, read_privacy
from guard.config.cdr import read_cdr
from guard.config.cluster import read_ingest, read_log
from guard.config.files import read_toml
from guard.config.problems import ConfigError, Problem, Problems, RejectedError
from guard.config.sections import (
    AccountsSection,
    Config,
    FuseSection,
    HttpSection,
    ModelSection,
    NumbersSection,
    PaymentsSection,
    PlansSection,
    RulesSection,
    TariffSection,
)
from guard.config.store import read_store
from guard.config.table import Table
from guard.config.webhooks import read_webhook_sections
from guard.core.emergency import EmergencyNumbers
from guard.core.settings import ModelMode, SwitchSettings

DEFAULT_PATH = Path("guard.toml")

PAYMENT_METHODS = ("card", "e_transfer", "eft", "cheque", "other")
MAX_SWITCHES = 1_000
"""As many as guard knows at all (contract 1)."""


def load_config(path: Path | None = None) -> Config:
    """Read the configuration; `ConfigError` with all problems when it cannot be used.

    Without a path it is `guard.toml` in the working directory, and when there is none, all
    defaults. A file that is named must exist.
    """
    config, problems = check_config(path)
    if problems:
        raise ConfigError(problems)
    return config


def check_config(path: Path | None = None) -> tuple[Config, list[Problem]]:
    """The configuration as far as it could be read, and everything that is wrong with it."""
    if path is None and not DEFAULT_PATH.exists():
        return _build(Table({}, (), Problems(str(DEFAULT_PATH), {})), None), []
    file = DEFAULT_PATH if path is None else path
    try:
        root, problems = read_toml(file)
    except ConfigError as error:
        return Config(), list(error.problems)
    config = _build(root, file)
    _check_tokens(config, problems)
    return config, problems.all()


def _build(root: Table, file: Path | None) -> Config:
    base = Path() if file is None else file.parent
    config = Config(
        file=file,
        broker=(broker := read_broker(root.table("broker"), base)),
        log=read_log(root.table("log"), broker, base),
        ingest=read_ingest(root.table("ingest"), broker, base),
        store=read_store(root.table("store"), base),
        http=_http(root.table("http"), base),
        accounts=_accounts(root.table("accounts")),
        tariff=_tariff(root.table("tariff"), base),
        plans=PlansSection(file=_path(root.table("plans"), "file", base)),
        rules=RulesSection(dir=_path(root.table("rules"), "dir", base)),
        model=_model(root.table("model"), base),
        emergency=root.table("emergency").read("numbers", EmergencyNumbers(), values.emergency),
        numbers=_numbers(root.table("numbers")),
        calls=(calls := read_calls(root.table("calls"))),
        privacy=read_privacy(root.table("privacy"), calls),
        fuse=_fuse(root.table("fuse")),
        payments=_payments(root.table("payments")),
        cdr=read_cdr(root.table("cdr")),
        switches=_switches(root.table("switches")),
        webhooks=read_webhook_sections(root.tables("webhook"), base),
    )
    root.report_unknown()
    return config


def _path(table: Table, key: str, base: Path) -> Path | None:
    stated = table.read(key, None, values.text)
    return None if stated is None else base / stated


def _http(table: Table, base: Path) -> HttpSection:
    default = HttpSection()
    return HttpSection(
        listen=table.read("listen", default.listen, addresses.listen),
        tokens=base / table.read("tokens", str(default.tokens), values.text),
        certificate=_path(table, "certificate", base),
        key=_path(table, "key", base),
    )


def _accounts(table: Table) -> AccountsSection:
    default = AccountsSection()
    return AccountsSection(
        default_limit_micros=table.read("default_limit", default.default_limit_micros, values.money),
        default_currency=table.read("default_currency", default.default_currency, values.currency),
        max_provisional=table.read("max_provisional", default.max_provisional, values.count),
        max_provisional_per_switch=table.read(
            "max_provisional_per_switch", default.max_provisional_per_switch, values.count
        ),
    )


def _tariff(table: Table, base: Path) -> TariffSection:
    return TariffSection(
        file=_path(table, "file", base),
        unknown_rate_micros=table.read("unknown_rate", TariffSection().unknown_rate_micros, values.money),
    )


def _model(table: Table, base: Path) -> ModelSection:
    default = ModelSection()
    alarms = table.read(
        "false_alarms_per_1000_account_days", default.false_alarms_per_1000_account_days, values.per_1000
    )
    return ModelSection(
        dir=_path(table, "dir", base),
        mode=table.read("mode", default.mode, values.choice(ModelMode)),
        false_alarms_per_1000_account_days=alarms,
        min_rate_micros=table.read("min_rate", default.min_rate_micros, values.money),
        min_in_flight_micros=table.read("min_in_flight", default.min_in_flight_micros, values.money),
    )


def _numbers(table: Table) -> NumbersSection:
    default = NumbersSection()
    return NumbersSection(
        country=table.read("country", default.country, values.country),
        international_prefixes=table.read("international_prefixes", default.international_prefixes, values.prefixes),
    )


def _fuse(table: Table) -> FuseSection:
    default = FuseSection()
    return FuseSection(
        blocks=table.read("blocks", default.blocks, values.count),
        window_ms=table.read("window", default.window_ms, values.duration_ms),
    )


def _payments(table: Table) -> PaymentsSection:
    trust = table.table("trust")
    return PaymentsSection(
        trust={
            method: trust.read(method, 0, values.part)
            for method in PAYMENT_METHODS
            # Asked for in any case, so that every method is a known key.
            if trust.read(method, None, _anything) is not None
        }
    )


def _anything(value: object) -> object:
    return value


def _switches(table: Table) -> dict[str, SwitchSettings]:
    switches: dict[str, SwitchSettings] = {}
    default = SwitchSettings()
    for name, switch in table.named():
        try:
            addresses.switch_name(name)
        except RejectedError as rejected:
            switch.reject(None, rejected)
        switches[name] = SwitchSettings(
            ticks=switch.read("ticks", True, values.boolean),  # noqa: FBT003 -- a default, not a flag
            silent_after_ms=switch.read("silent_after", default.silent_after_ms, values.duration_or_never_ms),
            absent_after_ms=switch.read("absent_after", default.absent_after_ms, values.duration_or_never_ms),
        )
    if len(switches) > MAX_SWITCHES:
        found = f"has {len(switches)} switches"
        table.reject(None, RejectedError(found, f"at most {MAX_SWITCHES}"))
    return switches


def _check_tokens(config: Config, problems: Problems) -> None:
    """Whoever reaches the HTTP side must hold a token: without any, only this machine may."""
    listen = config.http.listen
    if addresses.is_loopback(listen.host) or _has_tokens(config.http.tokens):
        return
    found = f"{listen} can be reached from other machines, and {config.http.tokens} has no tokens"
    accepted = "a loopback address such as 127.0.0.1:8080, or tokens made with: guard token add"
    problems.add(("http", "listen"), found, accepted)


def _has_tokens(path: Path) -> bool:
    """Whether the tokens file has an entry; whether it is a good one is told where it is used."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    tokens = content.get("token")
    return isinstance(tokens, dict) and bool(tokens)
