"""`guard check`: is what the operator wrote fit to run on? Prints every error, not only the first."""

from __future__ import annotations

import sys
from pathlib import Path

from guard.adapters.http.tokens import TokenError, load_tokens
from guard.commands.configured import configuration
from guard.commands.output import WRONG, CommandError
from guard.config import check_config


def check(config_path: Path | None, *, ledger: bool) -> None:
    """Configuration first; what it names, next; the sums of the store, if asked for."""
    problems = [str(problem) for problem in check_config(config_path)]
    if problems:
        raise CommandError("\n".join(problems), WRONG)
    config = configuration(config_path)
    try:
        tokens = load_tokens(config.http.tokens)
    except TokenError as error:
        raise CommandError(str(error), WRONG) from error
    name = "the defaults (there is no guard.toml here)" if config.file is None else str(config.file)
    sys.stdout.write(f"{name}: no errors; {len(tokens)} tokens\n")
    if ledger:
        from guard.commands.check_ledger import check_ledger  # noqa: PLC0415 - only when asked for

        check_ledger(config)
