"""How `guard held` and `guard rules` are called.

What they do is `guard.commands.held`, which is imported when one of them runs, like that of every other command.
"""

# ruff: noqa: FBT002 - a command's parameters are its options, and a flag is a boolean

from __future__ import annotations

from typing import Annotated

import typer

from guard.commands.options import DEFAULT_URL, By, Json, Url, VerdictName, daemon_at


def held(
    verdict: Annotated[
        VerdictName | None,
        typer.Argument(metavar="VERDICT", help="approve, reject or close-fuse [default: list them]."),
    ] = None,
    held_id: Annotated[str | None, typer.Argument(metavar="ID", help="Which, by its id in the list.")] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept in the account's history.")
    ] = None,
    by: By = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List the blocks that the fuse holds, judge them, close the fuse.

    Too many blocks by rules at once, and the fuse holds further ones: a wrong rule must not cut off a city.
    It closes by itself when it has been quiet for a while, or by close-fuse.
    """
    from guard.commands import held as command  # noqa: PLC0415

    if verdict is None and reason is not None:
        raise typer.BadParameter("--reason goes with approve, reject or close-fuse")
    with daemon_at(url) as api:
        if verdict is None:
            command.show_held(api, as_json=as_json)
            return
        order = command.Verdict(name=verdict, held=held_id, reason=reason, by=by)
        if verdict is VerdictName.CLOSE_FUSE:
            command.close_fuse(api, order, as_json=as_json)
        else:
            command.judge_held(api, order, as_json=as_json)


def rules(url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """List the rules with their marks and how often each has fired."""
    from guard.commands import held as command  # noqa: PLC0415

    with daemon_at(url) as api:
        command.show_rules(api, as_json=as_json)
