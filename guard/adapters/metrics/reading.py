"""Brings the figures up to date with what the engine has counted and holds, when somebody asks.

No scan over accounts or calls: everything here is a sum that the engine keeps anyway. The work grows with the number
of switches (1,000 at most) and of rules, never with the number of customers.
"""

from __future__ import annotations

from guard.adapters.metrics.figures import OTHER_SWITCHES, Figures
from guard.core.engine import Engine
from guard.core.expectation import THOUSANDTHS
from guard.core.pictures import totals_picture
from guard.core.records import Outcome
from guard.core.settings import HOUR_MS
from guard.core.switches import Silence, Switch
from guard.core.world import World


def read_off(engine: Engine, figures: Figures, now_ms: int) -> None:
    """Everything that the engine knows."""
    world = engine.world
    _read_switches(world, figures, now_ms)
    _read_money(world, figures, now_ms)
    figures.decisions.update(world.decided)
    figures.billing.update(world.billed)
    figures.accounts.update({state.value: count for state, count in world.states.items()})
    figures.provisional_accounts = world.strangers.count
    figures.unrated_calls = world.unrated
    figures.billing_ids = len(world.billing)
    figures.rule_hits.update(engine.rule_hits)
    figures.rule_failures = engine.rule_failures
    figures.fuse_open = engine.fuse_open
    figures.held_blocks = engine.held_count


def _read_switches(world: World, figures: Figures, now_ms: int) -> None:
    unconfirmed = remembered = oldest_ms = 0
    for name, switch in world.switches.items():
        if name not in figures.switches.up:
            figures.know_switch(name)
        _read_switch(switch, figures, now_ms)
        remembered += len(switch.remembered)
        if switch.present:
            unconfirmed += len(switch.pending)
            # They stand in the order in which they began to wait.
            first = next(iter(switch.pending.values()), None)
            if first is not None:
                oldest_ms = max(oldest_ms, now_ms - first.since_ms)
    if world.unheard:
        figures.reports[OTHER_SWITCHES, Outcome.INVALID.value] = world.unheard
    figures.command_age_s = oldest_ms / 1_000
    figures.commands_unconfirmed = unconfirmed
    figures.remembered_calls = remembered


def _read_switch(switch: Switch, figures: Figures, now_ms: int) -> None:
    name, held = switch.name, figures.switches
    figures.reports.update(zip(held.reports[name], (switch.accepted, *switch.outcomes.values()), strict=True))
    held.live_calls[name] = len(switch.calls)
    # After a restart only the last report is known, until it says something.
    held.age_s[name] = max(0, now_ms - max(switch.last_seen_ms, switch.last_heard_ms)) / 1_000
    held.up[name] = int(switch.up)
    held.blind[name] = int(switch.blind)
    held.unusual[name] = int(switch.silence is Silence.UNUSUAL)
    held.absent[name] = int(switch.silence is Silence.ABSENT)
    held.usual_calls[name] = (switch.expectation.usual(now_ms // HOUR_MS) or 0) // THOUSANDTHS
    held.lagging[name] = int(switch.lagging)
    held.unconfirmed[name] = len(switch.pending)
    held.offset_s[name] = switch.skew_ms / 1_000


def _read_money(world: World, figures: Figures, now_ms: int) -> None:
    for total in totals_picture(world, now_ms).currencies:
        figures.exposure_micros[total.currency] = total.exposure_micros
        figures.in_flight_micros[total.currency] = total.in_flight_micros
        figures.burn_micros[total.currency] = total.burn_micros_per_minute
        figures.reconciled_micros[total.currency] = world.reconciled_micros.get(total.currency, 0)
