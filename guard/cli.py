"""The command line: how each command is called. What it does is in `guard.commands`.

Exit status (contract 3): 0 done, 1 failed, 2 wrong use or wrong input. Errors go to standard error and name the file
and the key or line. Commands that ask the daemon take `--url` (GUARD_URL) and the token from GUARD_TOKEN.
"""

# ruff: noqa: PLC0415 - what a command needs is imported when it runs: `guard --help` answers in a tenth of a second

# ruff: noqa: FBT002, PLR0913, PLR0917 - a command's parameters are its options, and a flag is a boolean

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from guard.commands.backtest_options import backtest
from guard.commands.backup_options import backup
from guard.commands.cluster_options import cluster, worker
from guard.commands.forget_options import forget
from guard.commands.held_options import held, rules
from guard.commands.ingest_options import ingest
from guard.commands.install_options import install
from guard.commands.learn_options import learn
from guard.commands.load_options import load
from guard.commands.options import (
    DEFAULT_URL,
    SCENARIO_HELP,
    AccountId,
    By,
    Config,
    Csv,
    Cycle,
    Json,
    RoleName,
    ScopeName,
    StateName,
    Until,
    Url,
    Why,
    daemon_at,
)
from guard.commands.reload_options import reload
from guard.commands.store_options import store
from guard.commands.train_options import train
from guard.commands.webhooks_options import webhooks

HELP_WIDTH = 80


class _Group(TyperGroup):
    """Commands whose errors are one sentence and an exit status, never a traceback of guard's inside."""

    def invoke(self, ctx: Any) -> Any:  # typer brings a click of its own
        """Run the command; tell its error."""
        from guard.commands.output import CommandError

        try:
            return super().invoke(ctx)
        except CommandError as error:
            for line in filter(None, str(error).splitlines()):
                typer.echo(f"guard: {line}", err=True)
            raise typer.Exit(error.exit_code) from error


def _typer(text: str, *, completion: bool = False) -> typer.Typer:
    return typer.Typer(
        cls=_Group,
        help=text,
        no_args_is_help=True,
        add_completion=completion,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": HELP_WIDTH},
    )


app = _typer(
    "Watch live call charges and have the switches block accounts before their credit limit is passed.", completion=True
)
limits_app = _typer("The credit limits of all accounts.")
token_app = _typer("Who may use the API.")


def _version(wanted: bool) -> None:  # noqa: FBT001 - the shape of an option's callback
    if wanted:
        from guard import __version__
        from guard.compiled import kind_of_core

        typer.echo(f"guard {__version__} ({kind_of_core()} core)")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version and exit.")
    ] = False,
) -> None:
    del version  # its callback has answered


@app.command()
def run(config: Config = None) -> None:
    """Be the daemon, until a signal says to stop."""
    from guard.commands import run as command

    command.run(config)


@app.command()
def check(
    config: Config = None,
    ledger: Annotated[bool, typer.Option("--ledger", help="Also add up the store's ledgers.")] = False,
) -> None:
    """Check the configuration and print every error in it."""
    from guard.commands import check as command

    command.check(config, ledger=ledger)


@app.command()
def demo(
    port: Annotated[int, typer.Option(min=1, max=65535, metavar="PORT", help="Of the page and the API.")] = 8080,
    speed: Annotated[
        float, typer.Option(min=0.1, max=60.0, metavar="X", help="Tell the story so many times as fast.")
    ] = 1.0,
    seconds: Annotated[
        float | None, typer.Option(min=1.0, metavar="N", help="End after N seconds [default: at Ctrl-C].")
    ] = None,
) -> None:
    """Show it all in a minute: six customers, one of them is hacked.

    Starts a broker, the daemon and a simulated switch on this machine only, and removes everything afterwards.
    """
    from guard.commands import demo as command

    command.demo(command.DemoOptions(port=port, speed=speed, seconds=seconds))


@app.command()
def simulate(
    broker: Annotated[
        str | None, typer.Option("--broker", metavar="URL", help="In real time, at mqtt://HOST[:PORT] or mqtts://...")
    ] = None,
    accounts: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, metavar="N", help="How many customers [default: 20; of history: 200]."),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(min=0.01, metavar="R", help="Call attempts a second, together [default: ten times as in life]."),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option("--scenario", metavar="NAME", help=SCENARIO_HELP),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(min=1.0, metavar="N", help="End after N seconds [default: at Ctrl-C].")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed makes the same calls.")] = 1,
    record: Annotated[
        Path | None,
        typer.Option(
            "--record", metavar="FILE", help="Keep all reports in FILE (.ndjson or .ndjson.gz), with labels beside it."
        ),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=3_650, metavar="N", help="Of history: how many days.")] = 30,
    start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], metavar="DATE", help="Of history: its first day [default: 2026-09-01]."),
    ] = None,
    unpriced: Annotated[bool, typer.Option("--unpriced", help="Leave charges and rates to guard's tariff.")] = False,
    switch: Annotated[str, typer.Option(metavar="NAME", help="The switch's name.")] = "sim1",
    prefix: Annotated[str, typer.Option(metavar="TOPIC", help="Topic prefix.")] = "guard/v1",
    billing: Annotated[bool, typer.Option(help="Open the customers' accounts by billing messages first.")] = True,
    show: Annotated[bool, typer.Option("--list", help="List the scenarios and the kinds of customers.")] = False,
) -> None:
    """Be a simulated switch with customers and frauds.

    In real time at a running broker; or, with --record and no --broker, as history written at once.
    """
    from guard.commands import simulate as command

    if show:
        command.show_scenarios()
        return
    if broker is None and record is None:
        raise typer.BadParameter("--broker URL for a trial in real time, --record FILE for history, or --list")
    command.simulate(
        command.SimulateOptions(
            broker=broker,
            prefix=prefix,
            switch=switch,
            accounts=accounts,
            rate=rate,
            seconds=seconds,
            seed=seed,
            record=record,
            billing=billing,
            scenarios=tuple(scenario or ()),
            days=days,
            start=start.date() if start else command.FIRST_DAY,
            priced=not unpriced,
        )
    )


for command_ in (load, ingest, worker, cluster, learn, backtest, train, install, backup, store):
    app.command()(command_)


@app.command()
def account(account_id: AccountId, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """What guard knows about one account, in plain words."""
    from guard.commands import accounts as command

    with daemon_at(url) as api:
        command.show_account(api, account_id, as_json=as_json)


@app.command()
def accounts(
    state: Annotated[StateName | None, typer.Option(help="Only those in this state.")] = None,
    query: Annotated[str | None, typer.Option("--query", metavar="TEXT", help="Part of an id or a name.")] = None,
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="At most so many; 0: all.")] = 100,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """List accounts with their exposure."""
    from guard.commands import accounts as command

    chosen = state.value if state else None
    with daemon_at(url) as api:
        command.show_accounts(api, state=chosen, query=query, limit=limit, as_json=as_json)


@app.command()
def ledger(
    account_id: AccountId,
    begin: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From this time on: 2026-11-01, 7d (ago), or RFC 3339.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Before this time.")] = None,
    cycle: Cycle = None,
    as_csv: Csv = False,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Every line of money of an account."""
    from guard.commands import ledger as command

    with daemon_at(url) as api:
        command.show_ledger(api, account_id, begin=begin, end=end, cycle=cycle, as_csv=as_csv, as_json=as_json)


@app.command()
def statement(account_id: AccountId, cycle: Cycle = None, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """Why the balance is what it is: one cycle in figures and in words."""
    from guard.commands import statement as command

    with daemon_at(url) as api:
        command.show_statement(api, account_id, cycle=cycle, as_json=as_json)


@app.command()
def block(
    account_id: AccountId,
    reason: Why,
    by: By = None,
    scope: Annotated[ScopeName, typer.Option(help="Which calls.")] = ScopeName.ALL,
    until: Until = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Block an account; emergency calls always pass."""
    from guard.commands.operate import Deed, Order, operate

    order = Order(account=account_id, reason=reason, by=by, scope=scope.value, until=until)
    with daemon_at(url) as api:
        operate(api, Deed.BLOCK, order, as_json=as_json)


@app.command()
def release(
    account_id: AccountId,
    reason: Why,
    by: By = None,
    until: Until = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Lift what blocks an account and allow it for a while."""
    from guard.commands.operate import Deed, Order, operate

    with daemon_at(url) as api:
        operate(api, Deed.RELEASE, Order(account=account_id, reason=reason, by=by, until=until), as_json=as_json)


@app.command()
def allow(
    account_id: AccountId,
    reason: Why,
    until: Annotated[str, typer.Option("--until", metavar="TIME", help="Until when: 2h, 3d, 2026-12-05, or RFC 3339.")],
    by: By = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Let an account call until a time, whatever stands against it."""
    from guard.commands.operate import Deed, Order, operate

    with daemon_at(url) as api:
        operate(api, Deed.ALLOW, Order(account=account_id, reason=reason, by=by, until=until), as_json=as_json)


@app.command()
def limit(
    account_id: AccountId,
    reason: Why,
    amount: Annotated[str | None, typer.Option("--amount", metavar="MONEY", help="The new limit: 800.00.")] = None,
    none: Annotated[bool, typer.Option("--none", help="No limit at all.")] = False,
    suggested: Annotated[bool, typer.Option("--suggested", help="The higher limit that waits for approval.")] = False,
    by: By = None,
    until: Until = None,
    url: Url = DEFAULT_URL,
    as_json: Json = False,
) -> None:
    """Set the credit limit of an account, for good or until a time."""
    from guard.commands.limits import NewLimit, set_limit

    wanted = NewLimit(
        account=account_id, reason=reason, by=by, amount=amount, none=none, suggested=suggested, until=until
    )
    with daemon_at(url) as api:
        set_limit(api, wanted, as_json=as_json)


app.command()(forget)
app.command()(held)
app.command()(reload)
app.command()(rules)
app.command()(webhooks)


@limits_app.command("review")
def limits_review(as_csv: Csv = False, url: Url = DEFAULT_URL, as_json: Json = False) -> None:
    """List the limits that no longer fit, each with a better one."""
    from guard.commands.limits import review_limits

    with daemon_at(url) as api:
        review_limits(api, as_csv=as_csv, as_json=as_json)


@token_app.command("add")
def token_add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is; shown in the history.")],
    role: Annotated[RoleName, typer.Option(help="What it allows.")],
    config: Config = None,
) -> None:
    """Make a token and print it once."""
    from guard.commands import tokens as command

    command.add(name, role.value, config)


@token_app.command("list")
def token_list(config: Config = None, as_json: Json = False) -> None:
    """List the tokens' names and roles."""
    from guard.commands import tokens as command

    command.show(config, as_json=as_json)


@token_app.command("remove")
def token_remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose token.")], config: Config = None
) -> None:
    """Take a token away."""
    from guard.commands import tokens as command

    command.remove(name, config)


app.add_typer(limits_app, name="limits")
app.add_typer(token_app, name="token")


def main() -> None:
    """Entry point of the `guard` program."""
    app(prog_name="guard")
