"""`guard token`: who may use the API. Changes the tokens file beside the configuration; the daemon sees it at once."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from guard.adapters.http.tokens import Role, TokenError, add_token, list_tokens, remove_token
from guard.commands.configured import configuration
from guard.commands.output import WRONG, CommandError, clock, console, say, table


def add(name: str, role: str, config: Path | None) -> None:
    """Make a token, keep its hash, and show it this once."""
    path = configuration(config).http.tokens
    try:
        token = add_token(path, name, Role(role))
    except TokenError as error:
        raise CommandError(str(error), WRONG) from error
    say(f"Token {name} may {role}. It is shown this once; {path} keeps only its hash.")
    sys.stdout.write(token + "\n")


def show(config: Path | None, *, as_json: bool) -> None:
    """The tokens that there are; never the tokens themselves."""
    path = configuration(config).http.tokens
    try:
        tokens = list_tokens(path)
    except TokenError as error:
        raise CommandError(str(error), WRONG) from error
    if as_json:
        listed = [{"name": each.name, "role": each.role.value, "created": each.created} for each in tokens]
        sys.stdout.write(json.dumps(listed) + "\n")
        return
    if not tokens:
        say(f"{path} has no tokens: only this machine may use the API, and needs none.")
        return
    made = table("name", "role", "created")
    for token in tokens:
        made.add_row(token.name, token.role.value, clock(token.created))
    console().print(made)


def remove(name: str, config: Path | None) -> None:
    """Take a token away."""
    path = configuration(config).http.tokens
    try:
        remove_token(path, name)
    except TokenError as error:
        raise CommandError(str(error), WRONG) from error
    say(f"Token {name} is gone; whoever still shows it is refused.")
