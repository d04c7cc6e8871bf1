"""How `guard forget` is called.

What it does is `guard.commands.operate`, which is imported when it runs, like that of every other command.
"""

# ruff: noqa: FBT002 - a command's parameters are its options, and a flag is a boolean

from __future__ import annotations

from guard.commands.options import DEFAULT_URL, AccountId, By, Json, Url, Why, daemon_at


def forget(account_id: AccountId, reason: Why, by: By = None, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Let go of who a closed account was.

    Its name, its card, whom it called and what is usual for it are deleted, for good. What it owed and why it was
    blocked stay. Billing must have closed it, and its calls must be over.
    """
    from guard.commands.operate import Deed, Order, operate  # noqa: PLC0415

    with daemon_at(url) as api:
        operate(api, Deed.FORGET, Order(account=account_id, reason=reason, by=by), as_json=as_json)
