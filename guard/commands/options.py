"""Options and arguments that several commands share, so that the same thing has the same name and help everywhere.

Imported by the command line itself, so it must not import what a command needs: `guard --help` is to stay quick.
"""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from guard.commands.client import Api

DEFAULT_URL = "http://127.0.0.1:8080"

SCENARIO_HELP = (
    "What happens besides the usual; again for more, twice for two cases: pbx-irsf, stolen-login, call-forward, recon,"
    " wangiri, pumping-fast, slow-drip, domestic-pumping, plan-resale, subscription-fraud, robocall, takeover,"
    " known-country, office-hours, in-call-centre, slow-ramp, first-fortnight, many-accounts, crisis-abroad,"
    " hotel-guest-cuba, new-market, charity-marathon, month-end-nights, seasonal-surge, sale, new-branch, new-provider,"
    " stuck-call, duplicate-start, missing-stop, clock-jump; frauds, sly, surprises, all, none"
    " [default: none; of history: a mix]."
)


class RecordFormat(Enum):
    """Kinds of call records that there is a ready map for."""

    CONTRACT = "contract"
    ASTERISK = "asterisk"
    FREESWITCH = "freeswitch"


class ScopeName(Enum):
    """Which calls a block stops."""

    ALL = "all"
    INTERNATIONAL = "international"
    PREMIUM = "premium"


class StateName(Enum):
    """The states of an account."""

    ACTIVE = "active"
    WARNED = "warned"
    BLOCKED = "blocked"
    CLOSED = "closed"


class RoleName(Enum):
    """What a token allows."""

    READ = "read"
    OPERATE = "operate"


class VerdictName(Enum):
    """What an operator can say about a held block, or about the fuse."""

    APPROVE = "approve"
    REJECT = "reject"
    CLOSE_FUSE = "close-fuse"


Config = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Configuration [default: guard.toml here, if there is one]."),
]
Format = Annotated[
    RecordFormat | None,
    typer.Option("--format", help="Kind of call records [default: [cdr] of the configuration, else contract]."),
]
Url = Annotated[str, typer.Option("--url", envvar="GUARD_URL", metavar="URL", help="Where the daemon answers.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]
AccountId = Annotated[str, typer.Argument(metavar="ID", help="The account's id.")]
Why = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the account's history.")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="Who [default: the login name].")]
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Until when: 2h, 3d, 2026-12-05, or RFC 3339."),
]
Cycle = Annotated[
    str | None, typer.Option("--cycle", metavar="MONTH", help="A month such as 2026-10, in the account's time zone.")
]


def daemon_at(url: str) -> Api:
    """The daemon that `--url` names, asked with the token from GUARD_TOKEN."""
    from guard.commands.client import Api  # noqa: PLC0415 - only commands that ask a daemon need an HTTP client

    return Api(url, os.environ.get("GUARD_TOKEN"))
