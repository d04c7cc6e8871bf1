"""Pictures: the views of an account and of a switch, drawn from the engine's state when somebody asks."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from guard.core import pace, sentences
from guard.core.books import Books
from guard.core.calls import GROWING, Call
from guard.core.cards import card_text
from guard.core.expectation import THOUSANDTHS
from guard.core.limits import limit_text
from guard.core.money import Micros, clamp_for_show, floor_from_scaled
from guard.core.records import Direction
from guard.core.rows import CardRow, InvoiceRow
from guard.core.settings import HOUR_MS
from guard.core.views import (
    AccountView,
    BlockView,
    CardView,
    CauseView,
    CurrencyTotal,
    InvoiceView,
    LiveCall,
    SwitchView,
    TotalsView,
    UseView,
)

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.switches import Switch
    from guard.core.world import World

SHOWN_CALLS = 1_000


def _call_picture(call: Call, now_ms: int) -> LiveCall:
    return LiveCall(
        switch=call.switch.name,
        call=call.id,
        to=call.to,
        caller=call.caller,
        direction=call.direction or Direction.OUTGOING,
        emergency=call.emergency,
        answered_at_ms=call.answered_at_ms,
        last_report_at_ms=call.at_ms,
        duration_ms=call.duration_ms,
        charge_micros=Micros(call.charge_micros),
        value_micros=clamp_for_show(call.value_micros(now_ms)),
        rate_micros=call.growth_micros,
        gross_micros=clamp_for_show(call.gross_value_micros(now_ms)),
        destination=call.place.name,
        silent=call.silent_carry_scaled != GROWING,
    )


def is_confirmed(account: Account, world: World) -> bool:
    """Whether every switch that is up has acknowledged the account's command; with none up nobody has.

    A switch has it by an acknowledged command, or by a snapshot it acknowledged since it last came up.
    """
    command = account.command
    present = [switch for switch in world.switches.values() if switch.present]
    return bool(present) and all(
        (switch.synced or account.id in switch.acked_at_ms) and (command is None or command.id not in switch.pending)
        for switch in present
    )


def _block_picture(account: Account, world: World) -> BlockView | None:
    desired = account.desired()
    if desired is None:
        return None
    command_id = account.command.id if account.command is not None else ""
    errors = (
        (switch.name, switch.pending[command_id].error)
        for switch in world.switches.values()
        if command_id in switch.pending
    )
    return BlockView(
        scope=desired.scope,
        since_ms=min(cause.since_ms for cause in account.causes),
        confirmed=is_confirmed(account, world),
        effective=account.defying == 0,
        text=" ".join(dict.fromkeys(cause.text for cause in account.causes)),
        causes=tuple(
            CauseView(
                reason=cause.reason,
                rule=cause.rule,
                scope=cause.scope,
                since_ms=cause.since_ms,
                until_ms=cause.until_ms,
                text=cause.text,
            )
            for cause in account.causes
        ),
        errors=tuple((name, error) for name, error in errors if error),
    )


def _invoice_picture(invoice: InvoiceRow) -> InvoiceView:
    return InvoiceView(
        id=invoice.id,
        amount_micros=Micros(invoice.amount_micros),
        period_start=invoice.start,
        period_end=invoice.end,
        at_ms=invoice.at_ms,
    )


def _card_picture(account: Account, card: CardRow, now_ms: int) -> CardView:
    return CardView(status=card.status, expires=card.expires, text=card_text(account, card, now_ms))


def _use_picture(account: Account, world: World, now_ms: int) -> tuple[UseView, ...]:
    """What is used of each part of its plan in the present cycle."""
    plan = world.rating.plans.get(account.plan)
    if plan is None:
        return ()
    cycle_ms = account.cycle_at(now_ms).start_ms
    books = account.books if account.books is not None else Books()
    quotas = (
        UseView(key=quota.key, what=sentences.quota_used(quota, used), used=used, of=quota.seconds)
        for quota in plan.quotas
        for used in [books.used(cycle_ms, quota.key)]
    )
    discounts = (
        UseView(key=discount.key, what=sentences.discount_reached(discount, used), used=used, of=None)
        for discount in plan.discounts
        for used in [books.used(cycle_ms, discount.key)]
    )
    return (*quotas, *discounts)


def account_picture(
    account: Account, world: World, breach_ms: int | None, now_ms: int, calls: int = SHOWN_CALLS
) -> AccountView:
    """One account as it stands at `now_ms`. Work: its live calls, as far as they are shown."""
    exposure = floor_from_scaled(account.exposure_scaled(now_ms))
    in_flight = exposure - account.owed_micros + account.trusted_micros
    limit = account.limit_in_force
    live = account.live or {}
    owed = Micros(account.owed_micros)
    books = account.books if account.books is not None else Books()
    invoiced = books.invoiced_of(owed)
    per_day = pace.per_day(books, now_ms)
    return AccountView(
        account=account.id,
        name=account.name,
        currency=account.currency,
        timezone=account.timezone,
        state=account.state,
        provisional=account.provisional,
        limit_micros=None if limit is None else clamp_for_show(limit),
        limit_source="temporary" if account.until_ms is not None else account.limit_source,
        limit_until_ms=account.until_ms,
        exposure_micros=clamp_for_show(exposure),
        owed_micros=owed,
        invoiced_micros=invoiced,
        unbilled_micros=Micros(owed - invoiced),
        opening_micros=Micros(max(0, min(books.opening_micros, owed - invoiced))),
        in_flight_micros=clamp_for_show(in_flight),
        pending_payments_micros=Micros(account.pending_micros),
        trusted_payments_micros=Micros(account.trusted_micros),
        in_flight_gross_micros=clamp_for_show(floor_from_scaled(account.in_flight_gross_scaled(now_ms))),
        burn_micros_per_minute=account.burn_micros(now_ms),
        reaches_limit_at_ms=breach_ms,
        live_calls=tuple(_call_picture(call, now_ms) for call in islice(live.values(), calls)),
        live_call_count=len(live),
        block=_block_picture(account, world),
        allow_until_ms=account.allow_until_ms,
        plan=account.plan,
        tariff=account.tariff,
        opened=account.opened,
        limit_text=limit_text(account, world.settings),
        limit_suggested_micros=None if books.step_micros is None else Micros(books.step_micros),
        invoices=tuple(map(_invoice_picture, books.invoices)),
        card=None if books.card is None else _card_picture(account, books.card, now_ms),
        use=_use_picture(account, world, now_ms),
        spends_micros_per_day=per_day,
        reaches_limit_in_days=pace.days_to_limit(exposure, limit, per_day),
    )


def switch_picture(switch: Switch, now_ms: int) -> SwitchView:
    """One switch as it stands."""
    usual = switch.expectation.usual(now_ms // HOUR_MS)
    return SwitchView(
        name=switch.name,
        up=switch.up,
        last_heard_ms=switch.last_seen_ms,
        live_calls=len(switch.calls),
        unconfirmed=len(switch.pending),
        synced=switch.synced,
        lagging=switch.lagging,
        blind=switch.blind,
        silence="" if switch.silence is None else switch.silence.value,
        usual_calls=None if usual is None else usual // THOUSANDTHS,
        skew_ms=switch.skew_ms,
    )


def totals_picture(world: World, now_ms: int) -> TotalsView:
    """All accounts together, from sums that are kept anyway."""
    return TotalsView(
        accounts=dict(world.states),
        live_calls=sum(len(switch.calls) for switch in world.switches.values()),
        currencies=tuple(_currency_picture(world, currency, now_ms) for currency in sorted(world.settled_micros)),
        last_decision=world.last_decision,
    )


def _currency_picture(world: World, currency: str, now_ms: int) -> CurrencyTotal:
    flights = [switch.totals[currency] for switch in world.switches.values() if currency in switch.totals]
    flying = floor_from_scaled(sum(f.value_scaled(now_ms) for f in flights) + world.pooled_scaled(currency, now_ms))
    burn = sum(flight.rate_micros for flight in flights if not flight.switch.lagging)
    return CurrencyTotal(
        currency=currency,
        exposure_micros=Micros(world.settled_micros[currency] + flying),
        in_flight_micros=flying,
        burn_micros_per_minute=burn + world.pooled_rate_micros(currency),
    )
