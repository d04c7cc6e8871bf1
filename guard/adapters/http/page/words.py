"""Values as people read them: money with its thousands apart, times in the zone of whoever is concerned, spans."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo

from guard.core.cycles import zone_of
from guard.core.money import format_cents
from guard.core.settings import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from guard.core.views import AccountState, AccountView, SwitchView
from guard.wire.instants import MAX_MS

MOST_LISTED = 3
_PERCENT = 100
_SPANS = ((DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "min"), (SECOND_MS, "s"))


def money(micros: int | None) -> str:
    """Cents, with thousands apart; `none` where there is no amount."""
    if micros is None:
        return "none"
    whole, _, cents = format_cents(micros).partition(".")
    sign, digits = ("\N{MINUS SIGN}", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(digits):,}.{cents}"


def instant(ms: int, timezone: str = "UTC") -> str:
    """Date and time to the second, with the name of the zone."""
    return _local(ms, zone_of(timezone)).strftime("%Y-%m-%d %H:%M:%S %Z")


def machine_time(ms: int) -> str:
    """For the `datetime` attribute."""
    return _local(ms, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _local(ms: int, zone: tzinfo) -> datetime:
    return datetime.fromtimestamp(min(max(ms, 0), MAX_MS) / SECOND_MS, UTC).astimezone(zone)


def span(ms: int) -> str:
    """A span in its two largest units: `4 min 10 s`, `2 d 3 h`."""
    left = max(0, ms)
    parts: list[str] = []
    for unit_ms, name in _SPANS:
        count, left = divmod(left, unit_ms)
        if count or parts:
            parts.append(f"{count} {name}")
        if len(parts) == 2:  # noqa: PLR2004 -- the two largest
            break
    return " ".join(part for part in parts if not part.startswith("0 ")) or "0 s"


def percent(view: AccountView) -> int | None:
    """Which part of its limit an account has used, in percent; None: it has no limit."""
    limit = view.limit_micros
    if limit is None:
        return None
    if limit <= 0:
        return _PERCENT if view.exposure_micros > 0 else 0
    return max(0, view.exposure_micros * _PERCENT // limit)


def sentence(view: AccountView) -> str:
    """Where the account stands, in one sentence; why it is blocked, if it is."""
    if view.block is not None:
        obeyed = "" if view.block.confirmed else " Not every switch has confirmed this."
        obeyed += "" if view.block.effective else " Calls go on in spite of it."
        return view.block.text + obeyed
    exposure = f"{format_cents(view.exposure_micros)} {view.currency}"
    if view.state is AccountState.CLOSED:
        return f"Closed; exposure is {exposure}."
    allowed = ""
    if view.allow_until_ms is not None:
        allowed = f" An operator allows it until {instant(view.allow_until_ms, view.timezone)}."
    if view.limit_micros is None:
        return f"Not blocked: exposure is {exposure}, and there is no limit.{allowed}"
    limit = f"{format_cents(view.limit_micros)} {view.currency}"
    return f"Not blocked: exposure is {exposure} of a limit of {limit}.{allowed}"


def listed(names: Sequence[str]) -> str:
    """The first of them, and how many more there are; empty: there is none."""
    if len(names) <= MOST_LISTED:
        return ", ".join(names)
    return f"{', '.join(names[:MOST_LISTED])} and {len(names) - MOST_LISTED} more"


_SILENCE = {
    "calls_up": "silent although calls are up",
    "unusual": "silent, which is unusual at this hour of the week",
    "absent": "absent: no word for long, and no answer",
}


def switch_state(switch: SwitchView) -> str:
    """How a switch stands, in a few words."""
    said = (
        (True, "up" if switch.up else "down"),
        (switch.silence != "", _SILENCE.get(switch.silence, "")),
        (switch.lagging, "behind"),
        (not switch.synced, "has not confirmed its list of blocks"),
    )
    return ", ".join(text for applies, text in said if applies)


def switch_is_well(switch: SwitchView) -> bool:
    """Whether nobody need look at it."""
    return switch.up and not switch.silence and not switch.lagging and switch.synced
