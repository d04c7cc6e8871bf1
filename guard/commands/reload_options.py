"""How `guard reload` is called, and what it does: ask the daemon to read its files anew, and tell what came of it."""

# ruff: noqa: FBT002 - a command's parameters are its options, and a flag is a boolean

from __future__ import annotations

import json
import sys
from typing import Any

from guard.commands.options import DEFAULT_URL, Json, Url, daemon_at

READ_WITHIN_S = 140.0
"""Longer than the daemon gives itself."""


def reload(url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Have the daemon read its configuration, tariff, plans and rules anew.

    Nothing changes if anything is wrong in any of the files; every mistake is told.
    """
    with daemon_at(url) as api:
        answer = api.post("/-/reload", {}, within_s=READ_WITHIN_S)
    if as_json:
        sys.stdout.write(json.dumps(answer) + "\n")
        return
    sys.stdout.write("\n".join(_told(answer)) + "\n")


def _told(answer: dict[str, Any]) -> list[str]:
    lines = [f"changed: {change}" for change in answer["changes"]] or ["reloaded; nothing is another than before"]
    lines += [f"needs a restart: {key}" for key in answer["needs_restart"]]
    return lines + [f"note: {remark}" for remark in answer["remarks"]]
