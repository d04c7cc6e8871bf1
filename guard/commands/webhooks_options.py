"""How `guard webhooks` is called.

What it does is `guard.commands.webhooks`, which is imported when it runs, like that of every other command.
"""

# ruff: noqa: FBT002, PLR0917 - a command's parameters are its options, and a flag is a boolean

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

from guard.commands.options import DEFAULT_URL, By, Json, Url, daemon_at


class OrderName(Enum):
    """What can be done with webhooks."""

    LIST = "list"
    DEAD = "dead"
    PENDING = "pending"
    RESEND = "resend"


def webhooks(
    order: Annotated[
        OrderName,
        typer.Argument(metavar="ORDER", help="list them, their dead letters or what is pending, or resend."),
    ] = OrderName.LIST,
    webhook: Annotated[str | None, typer.Argument(metavar="WEBHOOK", help="Which, by its name.")] = None,
    event: Annotated[
        str | None, typer.Option("--id", metavar="ID", help="Resend only this one [default: the oldest 1,000].")
    ] = None,
    reason: Annotated[
        str | None, typer.Option("--reason", metavar="TEXT", help="Why it is sent again; kept in the history.")
    ] = None,
    by: By = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Show who is told what happens, and what could not be delivered; send that again.

    What a webhook has not taken within a day is a dead letter. It waits until somebody has it sent again.
    """
    from guard.commands import webhooks as command  # noqa: PLC0415

    if order is not OrderName.RESEND and (event is not None or reason is not None):
        raise typer.BadParameter("--id and --reason go with resend")
    with daemon_at(url) as api:
        match order:
            case OrderName.LIST:
                command.show_webhooks(api, as_json=as_json)
            case OrderName.DEAD | OrderName.PENDING:
                command.show_deliveries(api, order.value, webhook, as_json=as_json)
            case OrderName.RESEND:
                wanted = command.Resend(webhook=webhook, event=event, reason=reason, by=by)
                command.resend(api, wanted, as_json=as_json)
