"""The configuration as guard uses it: one frozen record per section of `guard.toml`.

Defaults are the contract's. Nothing here reads a file. Paths are already relative to where the file
stands, time spans are milliseconds, money is micros. `Config.settings` is the part that the engine
is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from guard.config.problems import ConfigError, Problem
from guard.core.emergency import EmergencyNumbers
from guard.core.money import Micros
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, ModelMode, Settings, SwitchSettings

DEFAULT_EVENTS = ("block", "unblock", "warn", "held", "unconfirmed", "blind", "fuse")
"""What a webhook is told unless it says otherwise."""


DEFAULT_LIMIT_MICROS = Micros(100_000_000)
"""100.00 in the default currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A value that may be a secret, and where it is kept; one of these at most is stated."""

    value: str = field(default="", repr=False)
    """Stated in the file itself (an address may be, a secret may not)."""
    file: Path | None = None
    credential: str = ""
    """Name of a credential that systemd hands over (`LoadCredential=`)."""
    environment: str = ""
    """Name of an environment variable."""

    @property
    def stated(self) -> bool:
        """Whether there is anything."""
        return self != Kept()


class BrokerScheme(Enum):
    """Which broker: one that guard starts itself, or the operator's, in the clear or by TLS."""

    EMBEDDED = "embedded"
    MQTT = "mqtt"
    MQTTS = "mqtts"
    NATS = "nats"
    """None: the messages come through the log of a cluster (`LogSection`)."""

    @property
    def default_port(self) -> int:
        """The registered port."""
        return 8883 if self is BrokerScheme.MQTTS else 1883


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSection:
    """`[broker]`: where the messages come from."""

    url: str = field(default="embedded", repr=False)
    """As written, for the MQTT adapter (it may hold a password); a relative `?ca=` is already resolved."""
    scheme: BrokerScheme = BrokerScheme.EMBEDDED
    host: str = "127.0.0.1"
    port: int = 1883
    prefix: str = "guard/v1"
    user: str = field(default="", repr=False)
    """By which the broker knows guard; empty: what the url says."""
    password: Kept = field(default_factory=Kept)
    """Where it is kept; nowhere: what the url says."""
    ca_file: Path | None = None
    """Of the authority that signed the broker's certificate, as PEM; None: what the url says, else the system's."""
    certificate: Path | None = None
    """Guard's own, with its chain, as PEM, for a broker that asks for one."""
    key: Path | None = None
    """Of the certificate; None: it is in the same file."""
    away_after_ms: int = MINUTE_MS
    """On-call is told when guard has not been subscribed for so long."""

    @property
    def embedded(self) -> bool:
        """Whether guard starts the broker itself."""
        return self.scheme is BrokerScheme.EMBEDDED


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSection:
    """`[log]`: the log of a cluster, for `guard ingest` and `guard worker`."""

    servers: tuple[str, ...] = ()
    """`nats://HOST:PORT` or `tls://HOST:PORT`; none: there is no cluster."""
    prefix: str = "guard"
    """Of the log's subjects and streams, so that clusters may share servers."""
    streams: int = 8
    replicas: int = 3
    keep_ms: int = 3 * DAY_MS
    """For how long an entry stays in the log, read or not."""
    user: str = field(default="", repr=False)
    password: Kept = field(default_factory=Kept)
    credentials: Path | None = None
    """A file of NATS' own kind, with who guard is, in place of user and password."""
    ca_file: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestSection:
    """`[ingest]`: what brings the broker's messages into the log."""

    name: str = ""
    """Of this one, by which the broker knows its session; empty: the machine's name."""
    broker: str = field(default="", repr=False)
    """Where it gets them from, if `[broker]` does not say so; may hold a password."""
    shared: bool = True
    """Several share the reports (MQTT 5); False: one alone takes them, which any broker can do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSection:
    """`[store]`: where the state is kept."""

    path: Path = Path("guard.db")
    """The file, unless there is a database."""
    database: str = ""
    """Address of a PostgreSQL database, without a password; empty: there is none."""
    password: Kept = field(default_factory=Kept)
    """Where it is kept; nowhere: libpq's own means."""
    lease_ms: int = 2 * SECOND_MS
    """In a database: how long a guard that says nothing keeps what it decides for."""
    slow_after_ms: int = SECOND_MS
    """On-call is told when a commit takes longer; 0: never."""
    min_free_bytes: int = 500_000_000
    """On-call is told when there is less room; 0: never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """An address to listen on; port 0 is any free one."""

    host: str = "127.0.0.1"
    port: int = 8080

    def __str__(self) -> str:
        """As it is written in the file."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpSection:
    """`[http]`: the operators' side."""

    listen: Listen = field(default_factory=Listen)
    tokens: Path = Path("tokens.toml")
    certificate: Path | None = None
    """Of this server, with its chain, as PEM; None: served in the clear, for this machine or a proxy."""
    key: Path | None = None
    """Of the certificate; None: it is in the same file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountsSection:
    """`[accounts]`: what an account has that billing has not spoken of."""

    default_limit_micros: Micros = DEFAULT_LIMIT_MICROS
    default_currency: str = "CAD"
    max_provisional: int = 100_000
    """Of these at once; reports for further unknown accounts are held back. 0: billing opens every account."""
    max_provisional_per_switch: int = 50_000
    """Opened by one switch since the start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TariffSection:
    """`[tariff]`: prices of calls that the switch does not rate."""

    file: Path | None = None
    """None: not configured."""
    unknown_rate_micros: int = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlansSection:
    """`[plans]`: quotas and discounts."""

    file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesSection:
    """`[rules]`: where the rules are; None: those that guard ships."""

    dir: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSection:
    """`[model]`: the anomaly model; `dir` None: the one that guard ships."""

    dir: Path | None = None
    mode: ModelMode = ModelMode.SHADOW
    false_alarms_per_1000_account_days: float = 5.0
    min_rate_micros: int = 2_000_000
    """A minute: the model alone blocks only where calls together cost as much."""
    min_in_flight_micros: int = 2_000_000
    """And have come to as much; less than this is only warned of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumbersSection:
    """`[numbers]`: how dialled numbers are read."""

    country: str = "CA"
    international_prefixes: tuple[str, ...] = ("00", "011")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsSection:
    """`[calls]`: how long a silent call grows, is kept for live, and is remembered."""

    stale_after_ms: int = 90 * SECOND_MS
    blind_carry_ms: int = 30 * MINUTE_MS
    lost_after_ms: int = 4 * HOUR_MS
    remember_ms: int = 7 * DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivacySection:
    """`[privacy]`: for how long it is known who called whom."""

    keep_call_details_ms: int | None = 90 * DAY_MS
    """None: for ever."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FuseSection:
    """`[fuse]`: how many blocks by rule or model pass before the next ones wait for somebody."""

    blocks: int = 20
    window_ms: int = 10 * MINUTE_MS


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentsSection:
    """`[payments]`: which part of a pending payment counts already, per method, in millionths."""

    trust: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CdrSection:
    """`[cdr]`: where call records of the operator's own kind say what; without columns there is no such kind."""

    header: bool = True
    delimiter: str = ","
    timezone: str = "UTC"
    columns: Mapping[str, str | int] = field(default_factory=dict)
    """By guard's name: the column's name, or without a header its position from 0."""


class WebhookKind(Enum):
    """What stands at the other end of a webhook."""

    GENERIC = "generic"
    ALERTMANAGER = "alertmanager"
    PAGERDUTY = "pagerduty"
    APPRISE = "apprise"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSection:
    """One `[[webhook]]`: who is told about what. `guard.config.webhooks` fetches what is kept elsewhere."""

    name: str = ""
    """How metrics, log and people call it."""
    kind: WebhookKind = WebhookKind.GENERIC
    url: Kept = field(default_factory=Kept)
    secret: Kept = field(default_factory=Kept)
    events: tuple[str, ...] = DEFAULT_EVENTS


def _key(section: BrokerSection | LogSection | HttpSection) -> Path | None:
    """The file with the key of its certificate."""
    return section.certificate if section.key is None else section.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Everything an operator can set."""

    file: Path | None = None
    """The file it was read from; None when there is none and all is default."""
    broker: BrokerSection = field(default_factory=BrokerSection)
    log: LogSection = field(default_factory=LogSection)
    ingest: IngestSection = field(default_factory=IngestSection)
    store: StoreSection = field(default_factory=StoreSection)
    http: HttpSection = field(default_factory=HttpSection)
    accounts: AccountsSection = field(default_factory=AccountsSection)
    tariff: TariffSection = field(default_factory=TariffSection)
    plans: PlansSection = field(default_factory=PlansSection)
    rules: RulesSection = field(default_factory=RulesSection)
    model: ModelSection = field(default_factory=ModelSection)
    emergency: EmergencyNumbers = field(default_factory=EmergencyNumbers)
    numbers: NumbersSection = field(default_factory=NumbersSection)
    calls: CallsSection = field(default_factory=CallsSection)
    privacy: PrivacySection = field(default_factory=PrivacySection)
    fuse: FuseSection = field(default_factory=FuseSection)
    payments: PaymentsSection = field(default_factory=PaymentsSection)
    cdr: CdrSection = field(default_factory=CdrSection)
    switches: Mapping[str, SwitchSettings] = field(default_factory=dict)
    webhooks: tuple[WebhookSection, ...] = ()

    def error(self, key: str, found: str, accepted: str = "") -> ConfigError:
        """What is wrong with the value of a key, although it could be read; to be raised."""
        file = str(self.file or "guard.toml")
        return ConfigError([Problem(file=file, key=key, line=None, found=found, accepted=accepted)])

    def secret_files(self) -> list[Path]:
        """Every file that it names and that holds a secret."""
        kept = (
            self.broker.password,
            self.log.password,
            self.store.password,
            *(each for hook in self.webhooks for each in (hook.url, hook.secret)),
        )
        keys = (_key(self.broker), _key(self.log), self.log.credentials, _key(self.http))
        return [file for file in (*(each.file for each in kept), *keys) if file is not None]

    def settings(self) -> Settings:
        """What the engine is told of it."""
        return Settings(
            default_limit_micros=self.accounts.default_limit_micros,
            default_currency=self.accounts.default_currency,
            max_provisional=self.accounts.max_provisional,
            max_provisional_per_switch=self.accounts.max_provisional_per_switch,
            unknown_rate_micros=self.tariff.unknown_rate_micros,
            emergency=self.emergency,
            stale_after_ms=self.calls.stale_after_ms,
            blind_carry_ms=self.calls.blind_carry_ms,
            lost_after_ms=self.calls.lost_after_ms,
            remember_ms=self.calls.remember_ms,
            away_after_ms=self.broker.away_after_ms,
            keep_details_ms=self.privacy.keep_call_details_ms,
            fuse_blocks=self.fuse.blocks,
            fuse_window_ms=self.fuse.window_ms,
            model_mode=self.model.mode,
            model_min_rate_micros=self.model.min_rate_micros,
            model_min_in_flight_micros=self.model.min_in_flight_micros,
            trust=self.payments.trust,
            switches=self.switches,
        )
