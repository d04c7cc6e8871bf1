"""`guard check`: is what the operator wrote fit to run on? Prints every error, not only the first.

One mistake must not hide another, not even in another file: a configuration that is wrong in one place still says where
the tariff is. What the daemon will use is made by the code of the daemon itself (`guard.app`). Rules that can be read
are tried on the scenarios that lie beside them (`guard.scenarios`): one that no longer does what its file says is an
error like any other.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Sized
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from guard.adapters.http.tokens import Token, TokenError, load_tokens
from guard.adapters.sqlite import check_ledger
from guard.anomaly.lookout import Lookout
from guard.anomaly.refusal import ArtefactError
from guard.app.stores import database_address
from guard.commands.numbering import numbering
from guard.commands.output import WRONG, CommandError
from guard.config import BrokerScheme, Config, ConfigError, check_config, remarks_on
from guard.config.kept import OPEN_TO_ALL, open_to_all
from guard.core.money import format_money
from guard.core.rating import Rating
from guard.core.rules.rule import Rule, RuleMode
from guard.core.tariff import Destination
from guard.login import broker_address, remark_on
from guard.models import lookout_of, model_folder, model_mode, with_model
from guard.notifiers import Told, notifiers_of
from guard.ports import StoreError
from guard.scenarios.proof import Proof, prove
from guard.setup import rating_of, rules_folder, rules_of

T = TypeVar("T")


def check(config_path: Path | None, *, ledger: bool) -> None:
    """Configuration and the files it names; and the sums of the store, if asked for."""
    config, problems = check_config(config_path)
    errors = [str(problem) for problem in problems]

    def read(make: Callable[[], T], without: T) -> T:
        """What is made of the files; what cannot be is told with the rest, and something else takes its place."""
        try:
            return make()
        except (ArtefactError, ConfigError, TokenError) as error:
            errors.append(str(error))
            return without

    rating = read(lambda: rating_of(config), Rating(unknown_rate_micros=0))
    rules: tuple[Rule, ...] = read(lambda: rules_of(config), ())
    proof = prove(rules_folder(config), rules, numbering)
    errors += proof.problems
    told = read(lambda: notifiers_of(config, os.environ), Told((), ()))
    model = read(lambda: lookout_of(with_model(config, model_mode(config))), None)
    through_log = config.broker.scheme is BrokerScheme.NATS
    broker = None if through_log else read(lambda: broker_address(config, os.environ), None)
    log_remark = read(lambda: _check_log(config), "") if config.log.servers else ""
    if config.store.database:
        read(lambda: database_address(config), None)
    tokens: dict[str, Token] = read(lambda: load_tokens(config.http.tokens), {})
    if errors:
        raise CommandError("\n".join(errors), WRONG)
    name = "the defaults (there is no guard.toml here)" if config.file is None else str(config.file)
    sys.stdout.write(f"{name}: no errors; {len(tokens)} tokens\n")
    if broker is not None and (remark := remark_on(broker)):
        sys.stdout.write(f"{broker.redacted_url()}: note: {remark}\n")
    if log_remark:
        sys.stdout.write(f"log: note: {log_remark}\n")
    for file in open_to_all(config.secret_files()):
        sys.stdout.write(f"{file}: note: {OPEN_TO_ALL}\n")
    _tell_prices(config, rating)
    enforced = sum(rule.mode is RuleMode.ENFORCE for rule in rules)
    sys.stdout.write(f"rules: {_count(rules, 'rule', 'rules')}, {enforced} enforce\n")
    _tell_scenarios(proof)
    _tell_webhooks(told)
    if model is not None:
        sys.stdout.write(f"{model_folder(config)}: {config.model.mode.value}, {_marks(model)}\n")
    if ledger:
        _check_sums(config)


def _tell_scenarios(proof: Proof) -> None:
    """What was tried, and what could not be: a rule without scenarios is one nobody has said the purpose of."""
    if proof.files:
        tried = _count(range(proof.scenarios), "scenario", "scenarios")
        met = _count(range(proof.expectations), "expectation", "expectations")
        sys.stdout.write(f"scenarios: {_count(range(proof.files), 'file', 'files')}, {tried}, {met}, all met\n")
    if proof.unproved:
        sys.stdout.write(f"note: rules without a file of scenarios: {', '.join(proof.unproved)}\n")
    for path in proof.ownerless:
        sys.stdout.write(f"note: {path}: no rule has this id; the file was not played\n")


def _tell_prices(config: Config, rating: Rating) -> None:
    """What was found in the files: a tariff that was cut in half on its way has no errors either."""
    if rating.tariff is not None:
        prefixes = _count(rating.tariff, "prefix", "prefixes")
        sys.stdout.write(f"{config.tariff.file}: {prefixes}, {_dearest(rating.tariff.destinations())}\n")
    if config.plans.file is not None:
        sys.stdout.write(f"{config.plans.file}: {_count(rating.plans, 'plan', 'plans')}\n")
    for remark in remarks_on(rating.tariff, rating.plans):
        sys.stdout.write(f"{config.plans.file}: note: {remark}\n")


def _tell_webhooks(told: Told) -> None:
    """Who will be told. Nobody is told anything now."""
    if told.targets:
        names = ", ".join(route.name for route, _ in told.targets)
        sys.stdout.write(f"webhooks: {names}\n")
    for webhook, remark in told.remarks:
        sys.stdout.write(f"webhook {webhook}: note: it {remark}\n")


def _marks(model: Lookout) -> str:
    scorer = model.scorer
    if scorer.silence:
        return f"speaks above {scorer.mark:.1f} decades\nnote: {scorer.silence}; until then it does not speak of them"
    return f"speaks above {scorer.mark:.1f} decades, {scorer.stranger_mark:.1f} of accounts little known"


def _count(things: Sized, one: str, many: str) -> str:
    return f"{len(things):,} {one if len(things) == 1 else many}"


def _dearest(destinations: Iterable[Destination]) -> str:
    """The row that is looked at first when a decimal point has slipped."""
    dearest = max(destinations, key=lambda destination: destination.rate_micros)
    name = f" ({dearest.name})" if dearest.name else ""
    return f"dearest {format_money(dearest.rate_micros)} a minute to {dearest.prefix}{name}"


def _check_log(config: Config) -> str:
    """Who guard is at the log, and a remark on it; what that takes is an extra, which not everybody has."""
    if find_spec("nats") is None:
        return ""
    from guard.loglogin import log_options, remark_on_log  # noqa: PLC0415 -- see above

    return remark_on_log(log_options(config, os.environ, name="guard check"))


def _check_sums(config: Config) -> None:
    """Add up the ledgers; the daemon may be running meanwhile."""
    try:
        shown, findings = _sums_of_database(config) if config.store.database else _sums_of_file(config.store.path)
    except StoreError as error:
        raise CommandError(str(error)) from error
    if findings:
        raise CommandError("\n".join(f"{shown}: {finding}" for finding in findings))
    sys.stdout.write(f"{shown}: every sum is right\n")


def _sums_of_file(path: Path) -> tuple[str, list[str]]:
    return str(path), check_ledger(path)


def _sums_of_database(config: Config) -> tuple[str, list[str]]:
    from guard.adapters import postgres  # noqa: PLC0415 -- an extra, which not everybody has

    address = database_address(config)
    return address.shown, asyncio.run(postgres.check_ledger(address))
