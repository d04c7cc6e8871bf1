"""`guard check --ledger`: do the sums of the store agree? Works beside a running daemon."""

from __future__ import annotations

import sys

from guard.adapters.sqlite import check_ledger as audit
from guard.commands.output import FAILED, CommandError
from guard.config import Config
from guard.ports import StoreError


def check_ledger(config: Config) -> None:
    """Print that everything adds up, or every finding and exit 1."""
    try:
        findings = audit(config.store.path)
    except StoreError as error:
        raise CommandError(str(error), FAILED) from error
    if findings:
        raise CommandError("\n".join(findings), FAILED)
    sys.stdout.write(f"{config.store.path}: what every account owes is the sum of its ledger\n")
