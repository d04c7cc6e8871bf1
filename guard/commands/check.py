"""`guard check`: is what the operator wrote fit to run on? Prints every error, not only the first."""

from __future__ import annotations

import sys
from pathlib import Path

from guard.adapters.http.tokens import TokenError, load_tokens
from guard.adapters.sqlite import check_ledger
from guard.commands.configured import configuration
from guard.commands.output import WRONG, CommandError
from guard.config import Config
from guard.ports import StoreError


def check(config_path: Path | None, *, ledger: bool) -> None:
    """Configuration and the files it names; and the sums of the store, if asked for."""
    config = configuration(config_path)
    try:
        tokens = load_tokens(config.http.tokens)
    except TokenError as error:
        raise CommandError(str(error), WRONG) from error
    name = "the defaults (there is no guard.toml here)" if config.file is None else str(config.file)
    sys.stdout.write(f"{name}: no errors; {len(tokens)} tokens\n")
    if ledger:
        _check_sums(config)


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
