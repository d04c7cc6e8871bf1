"""`guard check`: is what the operator wrote fit to run on? Prints every error, not only the first.

One mistake must not hide another, not even in another file: a configuration that is wrong in one place still says where
the tariff is. What the daemon will use is made by the code of the daemon itself (`guard.app`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sized
from pathlib import Path

from guard.adapters.http.tokens import Token, TokenError, load_tokens
from guard.adapters.sqlite import check_ledger
from guard.app import rating_of, rules_of
from guard.commands.output import WRONG, CommandError
from guard.config import Config, ConfigError, check_config, remarks_on
from guard.core.money import format_money
from guard.core.rating import Rating
from guard.core.rules.rule import Rule, RuleMode
from guard.core.tariff import Destination
from guard.ports import StoreError


def check(config_path: Path | None, *, ledger: bool) -> None:
    """Configuration and the files it names; and the sums of the store, if asked for."""
    config, problems = check_config(config_path)
    errors = [str(problem) for problem in problems]
    tokens: dict[str, Token] = {}
    rules: tuple[Rule, ...] = ()
    rating = Rating(unknown_rate_micros=0)
    try:
        rating = rating_of(config)
    except ConfigError as error:
        errors.append(str(error))
    try:
        rules = rules_of(config)
    except ConfigError as error:
        errors.append(str(error))
    try:
        tokens = load_tokens(config.http.tokens)
    except TokenError as error:
        errors.append(str(error))
    if errors:
        raise CommandError("\n".join(errors), WRONG)
    name = "the defaults (there is no guard.toml here)" if config.file is None else str(config.file)
    sys.stdout.write(f"{name}: no errors; {len(tokens)} tokens\n")
    _tell_prices(config, rating)
    enforced = sum(rule.mode is RuleMode.ENFORCE for rule in rules)
    sys.stdout.write(f"rules: {_count(rules, 'rule', 'rules')}, {enforced} enforce\n")
    if ledger:
        _check_sums(config)


def _tell_prices(config: Config, rating: Rating) -> None:
    """What was found in the files: a tariff that was cut in half on its way has no errors either."""
    if rating.tariff is not None:
        prefixes = _count(rating.tariff, "prefix", "prefixes")
        sys.stdout.write(f"{config.tariff.file}: {prefixes}, {_dearest(rating.tariff.destinations())}\n")
    if config.plans.file is not None:
        sys.stdout.write(f"{config.plans.file}: {_count(rating.plans, 'plan', 'plans')}\n")
    for remark in remarks_on(rating.tariff, rating.plans):
        sys.stdout.write(f"{config.plans.file}: note: {remark}\n")


def _count(things: Sized, one: str, many: str) -> str:
    return f"{len(things):,} {one if len(things) == 1 else many}"


def _dearest(destinations: Iterable[Destination]) -> str:
    """The row that is looked at first when a decimal point has slipped."""
    dearest = max(destinations, key=lambda destination: destination.rate_micros)
    name = f" ({dearest.name})" if dearest.name else ""
    return f"dearest {format_money(dearest.rate_micros)} a minute to {dearest.prefix}{name}"


def _check_sums(config: Config) -> None:
    """Add up the ledgers; the daemon may be running meanwhile."""
    path = config.store.path
    try:
        findings = check_ledger(path)
    except StoreError as error:
        raise CommandError(str(error)) from error
    if findings:
        raise CommandError("\n".join(f"{path}: {finding}" for finding in findings))
    sys.stdout.write(f"{path}: every sum is right\n")
