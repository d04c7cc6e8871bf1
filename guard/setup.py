"""From an operator's files to what the engine is told: read whole and checked whole, or refused with all that is wrong.

`guard check`, the start, the backtest and a reload go through the same functions, so what the one accepts the others
do. A reload reads on a thread of its own while the daemon works on (`SetupReader`). What is the same as before stays
the very same object, row by row of a tariff: the engine then sees at a glance which calls the change concerns.

Some things cannot change under a running daemon: where it listens, which broker and which store it uses. They are told
by name as needing a restart, and everything else is taken up all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path

from guard.adapters.countries import country_name
from guard.adapters.http.tokens import TokenError, load_tokens
from guard.adapters.numbers import calling_code, country_of, e164_reader, premium_prefixes
from guard.config import (
    DEFAULT_PATH,
    Config,
    ConfigError,
    Prices,
    Problem,
    check_config,
    noted,
    read_prices,
    remarks_on,
)
from guard.config.rules import read_rules
from guard.config.shipped import shipped
from guard.core.plans import Plan
from guard.core.rating import KEPT_PLACES, Rating
from guard.core.rules.rule import Rule
from guard.core.scopes import Scopes
from guard.core.setup import Setup
from guard.core.tariff import Destination, Tariff
from guard.ports import Mistake

MOST_NAMED = 10
"""Rules named one by one when they have changed; of more only how many."""

_FIXED: Mapping[str, Callable[[Config], object]] = {
    "broker.url": lambda config: config.broker.url,
    "broker.user": lambda config: (config.broker.user, config.broker.password),
    "broker.certificate": lambda config: (config.broker.ca_file, config.broker.certificate, config.broker.key),
    "broker.prefix": lambda config: config.broker.prefix,
    "store.url": lambda config: (config.store.path, config.store.database, config.store.password),
    "store.lease": lambda config: config.store.lease_ms,
    "store.slow_after": lambda config: config.store.slow_after_ms,
    "store.min_free": lambda config: config.store.min_free_bytes,
    "http.listen": lambda config: config.http.listen,
    "http.tokens": lambda config: config.http.tokens,
    "http.certificate": lambda config: (config.http.certificate, config.http.key),
    "webhook": lambda config: config.webhooks,
}
"""What needs a restart."""

SETTINGS = {
    "default_limit_micros": "accounts.default_limit",
    "default_currency": "accounts.default_currency",
    "max_provisional": "accounts.max_provisional",
    "max_provisional_per_switch": "accounts.max_provisional_per_switch",
    "unknown_rate_micros": "tariff.unknown_rate",
    "emergency": "emergency.numbers",
    "stale_after_ms": "calls.stale_after",
    "blind_carry_ms": "calls.blind_carry",
    "lost_after_ms": "calls.lost_after",
    "remember_ms": "calls.remember",
    "away_after_ms": "broker.away_after",
    "keep_details_ms": "privacy.keep_call_details",
    "fuse_blocks": "fuse.blocks",
    "fuse_window_ms": "fuse.window",
    "model_mode": "model.mode",
    "model_min_rate_micros": "model.min_rate",
    "model_min_in_flight_micros": "model.min_in_flight",
    "trust": "payments.trust",
    "switches": "switches",
}
"""By what they are called in the file."""


def rating_of(config: Config) -> Rating:
    """Tariff, plans and the reading of numbers; `ConfigError` with everything that is wrong with them."""
    problems = list(_country_problems(config))
    prices = Prices()
    with noted(problems):
        prices = read_prices(config)
    if problems:
        raise ConfigError(problems)
    return _rating(config, prices.tariff, prices.plans)


def _rating(config: Config, tariff: Tariff | None, plans: Mapping[str, Plan]) -> Rating:
    return Rating(
        unknown_rate_micros=config.tariff.unknown_rate_micros,
        tariff=tariff,
        plans=plans,
        normalise=e164_reader(config.numbers.country, config.numbers.international_prefixes),
        country_of=country_of,
        name_of=country_name,
        kind_of=_by_plan(config).kind_of,
    )


def _country_problems(config: Config) -> Iterator[Problem]:
    """Which countries there are is what libphonenumber knows and the reader of `guard.toml` does not."""
    country = config.numbers.country
    if not calling_code(country):
        yield Problem(
            file=str(config.file or DEFAULT_PATH),
            key="numbers.country",
            line=None,
            found=f'"{country}" is no country with telephone numbers',
            accepted='an ISO 3166 code, such as "CA"',
        )


def scopes_of(config: Config, rating: Rating) -> Scopes:
    """What the named scopes mean for the configured country and tariff."""
    destinations = () if rating.tariff is None else rating.tariff.destinations()
    country = config.numbers.country
    return Scopes.of_tariff(calling_code(country), destinations, premium_prefixes(country))


def _by_plan(config: Config) -> Scopes:
    country = config.numbers.country
    return Scopes.of_country_code(calling_code(country), premium_prefixes(country))


def rules_of(config: Config) -> tuple[Rule, ...]:
    """The rules of the configured folder, or those that guard ships; `ConfigError` with every problem."""
    return read_rules(rules_folder(config))


def rules_folder(config: Config) -> Path:
    """Where the rules lie: the configured folder, or that which guard ships."""
    return config.rules.dir if config.rules.dir is not None else shipped("rules")


def setup_of(config: Config) -> Setup:
    """All of it; `ConfigError` with everything that is wrong in any of the files."""
    problems: list[Problem] = []
    rating, rules = Rating(unknown_rate_micros=0), tuple[Rule, ...]()
    with noted(problems):
        rating = rating_of(config)
    with noted(problems):
        rules = rules_of(config)
    try:
        load_tokens(config.http.tokens)
    except TokenError as error:
        problems += _token_problems(config.http.tokens, error)
    if problems:
        raise ConfigError(problems)
    return Setup(settings=config.settings(), scopes=scopes_of(config, rating), rating=rating, rules=rules)


def _token_problems(path: Path, error: TokenError) -> Iterator[Problem]:
    for line in str(error).splitlines():
        yield Problem(file=str(path), key="", line=None, found=line.removeprefix(f"{path}: "), accepted="")


def mistake_of(problem: Problem) -> Mistake:
    """A problem as the shell and its adapters tell it."""
    place = problem.file if problem.line is None else f"{problem.file}:{problem.line}"
    return Mistake(place=place, text=str(problem).removeprefix(f"{place}: "))


# -- reading anew


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What the files say now."""

    config: Config
    setup: Setup
    changes: tuple[str, ...]
    """What is another than before, each in a few words."""
    needs_restart: tuple[str, ...]
    """Keys whose new values are not taken up."""
    remarks: tuple[str, ...]
    """What is not wrong, but surely not meant."""
    prints: _Prints


class SetupReader:
    """Reads the files of a running daemon anew. `read` may take seconds and belongs on a thread."""

    def __init__(self, config: Config, setup: Setup) -> None:
        """What the daemon was started with."""
        self.started = config
        self._config, self.setup = config, setup
        self._prints = _prints_of(config)

    def read(self, numbers: Iterable[str] = ()) -> Read:
        """All that the files say; `ConfigError` with everything that is wrong. `numbers` are looked up beforehand."""
        config, problems = check_config(self.started.file)
        prints = _prints_of(config)
        setup = self.setup
        with noted(problems):
            setup = setup_of(config)
        if problems:
            raise ConfigError(problems)
        setup = self._same_where_it_is(config, setup, prints)
        if setup.rating is not self.setup.rating:
            for number, _ in zip(numbers, range(KEPT_PLACES), strict=False):
                setup.rating.place(number)
        return Read(
            config=config,
            setup=setup,
            changes=tuple(_changes(self.setup, setup, self._prints, prints)),
            needs_restart=tuple(key for key, of in _FIXED.items() if of(config) != of(self.started)),
            remarks=tuple(remarks_on(setup.rating.tariff, setup.rating.plans)),
            prints=prints,
        )

    def taken_up(self, read: Read) -> None:
        """The engine goes by this now."""
        self._config, self.setup, self._prints = read.config, read.setup, read.prints

    def _same_where_it_is(self, config: Config, setup: Setup, prints: _Prints) -> Setup:
        """With the objects of before for whatever is the same."""
        had, was = self.setup.rating, self._prints
        if prints == was:
            return Setup(settings=setup.settings, scopes=self.setup.scopes, rating=had, rules=setup.rules)
        rating = setup.rating
        tariff = had.tariff if prints.tariff == was.tariff else _interned(had.tariff, rating.tariff)
        # Which numbers an entry of a plan is about depends on the tariff's classes only when it is asked.
        plans = had.plans if prints.plans == was.plans else rating.plans
        return Setup(
            settings=setup.settings, scopes=setup.scopes, rating=_rating(config, tariff, plans), rules=setup.rules
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Prints:
    """Fingerprints of what calls are rated by."""

    tariff: bytes
    plans: bytes
    numbers: object


def _prints_of(config: Config) -> _Prints:
    numbers = (config.numbers, config.tariff.unknown_rate_micros)
    return _Prints(tariff=_print(config.tariff.file), plans=_print(config.plans.file), numbers=numbers)


def _print(file: Path | None) -> bytes:
    if file is None:
        return b""
    try:
        return blake2b(file.read_bytes()).digest()
    except OSError:
        return b"unreadable"


def _interned(had: Tariff | None, tariff: Tariff | None) -> Tariff | None:
    """The new tariff, with the rows of the old one where they say the same."""
    if had is None or tariff is None:
        return tariff
    before = {_says(row): row for row in had.destinations()}
    return Tariff(before.get(_says(row), row) for row in tariff.destinations())


def _says(row: Destination) -> tuple[object, ...]:
    return (row.prefix, row.name, row.kind, row.rate_micros, row.connect_micros, row.minimum_s, row.increment_s)


# -- what is another


def _changes(was: Setup, now: Setup, before: _Prints, after: _Prints) -> Iterator[str]:
    if before.tariff != after.tariff:
        yield _tariff_change(was.rating.tariff, now.rating.tariff)
    if before.plans != after.plans:
        yield f"plans: {len(now.rating.plans)} in place of {len(was.rating.plans)}"
    if before.numbers != after.numbers:
        yield "numbers and unknown rate"
    yield from _rule_changes(was.rules, now.rules)
    for field in fields(now.settings):
        name = SETTINGS.get(field.name, field.name)
        if name != "tariff.unknown_rate" and getattr(was.settings, field.name) != getattr(now.settings, field.name):
            yield name


def _tariff_change(was: Tariff | None, now: Tariff | None) -> str:
    if now is None:
        return "no tariff any more"
    known = set[Destination]() if was is None else set(was.destinations())
    others = sum(row not in known for row in now.destinations())
    return f"tariff: {others:,} of {len(now):,} prefixes are new or have another price"


def _rule_changes(was: Iterable[Rule], now: Iterable[Rule]) -> Iterator[str]:
    before, after = {rule.id: rule for rule in was}, {rule.id: rule for rule in now}
    groups = {
        "new": [each for each in after if each not in before],
        "gone": [each for each in before if each not in after],
        "changed": [each for each, rule in after.items() if each in before and before[each] != rule],
    }
    for how, ids in groups.items():
        if ids:
            yield f"rules {how}: {', '.join(ids) if len(ids) <= MOST_NAMED else len(ids)}"
