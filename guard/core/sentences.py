"""Plain sentences: why guard did what it did, in words a clerk can read out.

Every decision has one. Amounts are rounded to cents here and nowhere else; called numbers keep their prefix and lose
the rest (they are personal data). Times in a sentence are UTC to the minute: the page and the command line show local
time beside them.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from guard.core.money import format_cents
from guard.core.plans import SECONDS_PER_MINUTE, Discount, Quota, Reach, Tier, TierBy
from guard.core.records import Scope

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.calls import Call

_TEN_THOUSANDTHS = 10_000
"""Of a discount, in millionths: one per cent."""
_SHOWN_DIGITS = 5
_HIDDEN_AT_LEAST = 4
_SEARCHED_CALLS = 200
"""Calls looked at for the dearest one: a customer with 10,000 live calls must not cost 10,000 steps."""


def masked(number: str) -> str:
    """A called number without what identifies the person: the first digits, then `***`."""
    plus = "+" if number.startswith("+") else ""
    digits = number[len(plus) :]
    shown = min(_SHOWN_DIGITS, max(0, len(digits) - _HIDDEN_AT_LEAST))
    return f"{plus}{digits[:shown]}***" if digits else ""


def dearest_call(account: Account) -> Call | None:
    """The live call that grows fastest (among the first few hundred)."""
    if not account.live:
        return None
    return max(islice(account.live.values(), _SEARCHED_CALLS), key=lambda call: call.growth_micros)


def _limit(account: Account) -> str:
    limit = account.limit_in_force
    return "no limit" if limit is None else f"the limit of {format_cents(limit)} {account.currency}"


def _in_flight(account: Account) -> str:
    calls = sum(flight.calls for flight in account.flights)
    if not calls:
        return "no call is in flight"
    rate = sum(flight.rate_micros for flight in account.flights)
    planned = sum(pool.rate_micros for flight in account.flights if flight.pools for pool in flight.pools.values())
    words = f"{calls} call{'s' if calls > 1 else ''} in flight at {format_cents(rate + planned)} a minute"
    if planned:
        words += " before the plan"
    call = dearest_call(account)
    if call is not None and call.to:
        place = f" ({call.place.name})" if call.place.name else ""
        words += f", {'the dearest ' if calls > 1 else ''}to {masked(call.to)}{place}"
    return words


def warned(account: Account, mark: str, exposure_micros: int) -> str:
    """A mark below the limit was reached."""
    exposure = f"{format_cents(exposure_micros)} {account.currency}"
    return f"Warning: exposure {exposure} has reached {mark} % of {_limit(account)}; {_in_flight(account)}."


def cleared(account: Account, mark: str, exposure_micros: int) -> str:
    """Exposure fell back below a mark."""
    exposure = f"{format_cents(exposure_micros)} {account.currency}"
    return f"Cleared: exposure {exposure} is back below {mark} % of {_limit(account)}."


def blocked_at_limit(account: Account, exposure_micros: int, *, allowed: bool) -> str:
    """The limit was reached."""
    exposure = f"{format_cents(exposure_micros)} {account.currency}"
    fact = f"exposure {exposure} has reached {_limit(account)}; {_in_flight(account)}"
    if allowed:
        return f"Not blocked, because an operator allows it: {fact}."
    return f"Blocked: {fact}."


def lifted(account: Account, why: str, exposure_micros: int) -> str:
    """A cause ended by itself or by money."""
    exposure = f"{format_cents(exposure_micros)} {account.currency}"
    rest = "; other causes still block it" if account.causes else ""
    return f"Unblocked: {why}; exposure is {exposure} against {_limit(account)}{rest}."


_CALLS_IN = {Scope.ALL: "", Scope.INTERNATIONAL: " (international calls)", Scope.PREMIUM: " (premium calls)"}


def rule_warned(fact: str, *, recorded: bool) -> str:
    """A rule's warning mark was reached; `recorded`: nobody is told."""
    return f"{'Would warn' if recorded else 'Warning'}: {_continued(fact)}"


def rule_blocked(fact: str, scope: Scope) -> str:
    """A rule blocks: `Blocked (international calls): 12 calls in 15 minutes ...`."""
    return f"Blocked{_CALLS_IN[scope]}: {_continued(fact)}"


def rule_would_block(fact: str, scope: Scope) -> str:
    """A rule that only watches would have blocked."""
    return f"Would block{_CALLS_IN[scope]}: {_continued(fact)}"


def rule_allowed(fact: str) -> str:
    """A rule may not block now."""
    return f"Not blocked, because an operator allows it: {_continued(fact)}"


def rule_held(fact: str) -> str:
    """The fuse holds a rule's block."""
    return f"Held for an operator, because too many blocks came at once: {_continued(fact)}"


def rule_approved(fact: str, scope: Scope, by: str, reason: str, *, allowed: bool) -> str:
    """An operator lets a held block happen; `allowed`: an operator also allows the account, so nothing happens."""
    approved = f"{_continued(fact).removesuffix('.')}; held by the fuse, approved by {by}: {ended(reason)}"
    lead = "Not blocked, because an operator allows it" if allowed else f"Blocked{_CALLS_IN[scope]}"
    return f"{lead}: {approved}"


def rule_rejected(fact: str, by: str, reason: str) -> str:
    """An operator drops a held block; there may be others."""
    held = f"{_continued(fact).removesuffix('.')}; held by the fuse"
    return f"Not blocked for this: {held}, rejected by {by}: {ended(reason)}"


def ended(reason: str) -> str:
    """A reason as somebody typed it, with a stop at its end."""
    return reason if reason.endswith((".", "!", "?")) else f"{reason}."


def _continued(fact: str) -> str:
    """A sentence after a colon."""
    return fact[:1].lower() + fact[1:]


def quota_used(quota: Quota, used_s: int) -> str:
    """How much of a quota is used: `1,240 of 2,000 minutes used (domestic)`; begun minutes count."""
    return f"{_minutes(used_s)} of {_minutes(quota.seconds)} minutes used ({_reach(quota.reach)})"


def discount_reached(discount: Discount, used: int) -> str:
    """How far a discount has come: `610 minutes: 10 % off, 25 % from 2,000 (international)`."""
    unit = " minutes" if discount.by is TierBy.MINUTES else " of charges"
    present = [tier for tier in discount.tiers if tier.start <= used]
    words = f"{_place(discount, used)}{unit}: {_off(present[-1]) if present else 'nothing'} off"
    if len(present) < len(discount.tiers):
        above = discount.tiers[len(present)]
        words += f", {_off(above)} from {_place(discount, above.start)}"
    return f"{words} ({_reach(discount.reach)})"


def _place(discount: Discount, units: int) -> str:
    """A place on the way through the tiers: minutes, or money (kept x 60)."""
    return _minutes(units) if discount.by is TierBy.MINUTES else format_cents(units // SECONDS_PER_MINUTE)


def _minutes(seconds: int) -> str:
    return f"{-(-seconds // SECONDS_PER_MINUTE):,}"


def _off(tier: Tier) -> str:
    whole, rest = divmod(tier.off_millionths, _TEN_THOUSANDTHS)
    return f"{whole} %" if not rest else f"{whole}.{rest:04d}".rstrip("0") + " %"


def _reach(reach: Reach) -> str:
    kinds = " and ".join(sorted(kind.value for kind in reach.kinds))
    prefixes = ", ".join(f"+{prefix}" for prefix in reach.prefixes)
    return f"{kinds} to {prefixes}" if kinds and prefixes else kinds or f"to {prefixes}"
