"""Pools: value in flight of the calls that share a plan, at any moment, without visiting a call.

Ten calls at once in the last free minute must not each see that minute. So calls in flight under a plan are valued as
one pool per account: their billed seconds are added up, and so is their money; what the posted calls of the cycle have
left of the quota is taken off once. Seconds beyond it are charged in proportion over the calls of the pool, and go
through the tiers of the discount the same way. With one rate that is exact; with several it lies between what the
cheapest and the dearest calls would come to, and posting, call by call, settles it.

A `Pool` is six sums over the calls of one account at one switch under one `Cover`: billed milliseconds and money as of
their last reports, and how fast both grow. They are lines, like the sums of a `Flight`; the value of a pool is a curve
with a bend where the quota ends. So the next crossing is foreseen in two steps: `least_wait_ms` bounds it from below,
cheaply, after every report; `moment_ms` finds it to the millisecond, when that moment has come and nothing was crossed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from guard.core.plans import FINE, Cover, Discount, Quota, TierBy, discounted_scaled
from guard.core.settings import SECOND_MS

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.calls import Call
    from guard.core.switches import Switch

_UNUSED: Mapping[str, int] = {}
_new = tuple.__new__

Share = tuple[int, int, int, int, int, int]
"""A call's part of a pool: billed ms, 1 if it grows, its `at`, money (scaled), rate, rate x `at`."""

NO_SHARE: Share = (0, 0, 0, 0, 0, 0)


class Pool:
    """Sums over calls in flight of one account at one switch under one cover; times are the switch's own."""

    __slots__ = ("anchor_ms", "anchor_scaled", "billed_ms", "calls", "cover", "growing", "money_scaled", "rate_micros")

    def __init__(self, cover: Cover) -> None:
        self.cover = cover
        self.calls = 0
        self.billed_ms = 0
        self.growing = 0
        self.anchor_ms = 0
        self.money_scaled = 0
        self.rate_micros = 0
        self.anchor_scaled = 0

    def shift(self, was: Share, now: Share) -> None:
        """Count one share out and another in."""
        billed_ms, growing, anchor_ms, money_scaled, rate_micros, anchor_scaled = now
        was_billed, was_growing, was_anchor, was_money, was_rate, was_anchor_scaled = was
        self.billed_ms += billed_ms - was_billed
        self.growing += growing - was_growing
        self.anchor_ms += anchor_ms - was_anchor
        self.money_scaled += money_scaled - was_money
        self.rate_micros += rate_micros - was_rate
        self.anchor_scaled += anchor_scaled - was_anchor_scaled


def share_of(call: Call) -> Share:
    """What a call under a plan adds to its pool as it stands (without `connect`, which no plan covers)."""
    billed_ms = call.place.destination.billed_s(call.duration_ms) * SECOND_MS
    rate = call.rate_micros
    carry = call.silent_carry_scaled
    if carry >= 0:
        return billed_ms + (carry // rate if rate else 0), 0, 0, rate * billed_ms + carry, 0, 0
    at_ms = call.at_ms
    return billed_ms, 1, at_ms, rate * billed_ms, rate, rate * at_ms


def recount(call: Call) -> None:
    """Bring the pools in step with a call that is, or was, under a plan."""
    pool, cover = call.pool, call.cover if call.pooled else None
    if pool is not None and pool.cover is cover:
        share = share_of(call)
        pool.shift(call.share, share)
        call.share = share
        return
    flight, account = call.flight, call.account
    pools = flight.pools
    if pools is None:
        pools = flight.pools = {}
    if pool is not None:
        pool.shift(call.share, NO_SHARE)
        pool.calls -= 1
        account.pooled -= 1
        if not pool.calls:
            del pools[pool.cover]
        call.pool, call.share = None, NO_SHARE
    if cover is not None:
        pool = pools.get(cover)
        if pool is None:
            pool = pools[cover] = Pool(cover)
        call.pool, call.share = pool, share_of(call)
        pool.shift(NO_SHARE, call.share)
        pool.calls += 1
        account.pooled += 1


class _Sum(NamedTuple):
    """One cover's calls over all switches at a moment."""

    billed_ms: int
    money_scaled: int
    growing: int
    rate_micros: int


def _sum_of(pool: Pool, switch: Switch, now_ms: int) -> _Sum:
    if switch.lagging:
        return _new(_Sum, (pool.billed_ms, pool.money_scaled, 0, 0))
    there_ms = now_ms + switch.skew_ms
    billed_ms = pool.growing * there_ms - pool.anchor_ms
    if billed_ms < 0:
        return _new(_Sum, (pool.billed_ms, pool.money_scaled, pool.growing, pool.rate_micros))
    money = pool.money_scaled + pool.rate_micros * there_ms - pool.anchor_scaled
    return _new(_Sum, (pool.billed_ms + billed_ms, money, pool.growing, pool.rate_micros))


def _by_quota(account: Account, now_ms: int) -> Collection[tuple[Quota | None, Sequence[tuple[Cover, _Sum]]]]:
    """The pools of an account over all switches, those of one quota together."""
    flights = account.flights
    if len(flights) == 1:
        flight = flights[0]
        if flight.pools and len(flight.pools) == 1:
            # What nearly every account has.
            ((cover, pool),) = flight.pools.items()
            return ((cover.quota, ((cover, _sum_of(pool, flight.switch, now_ms)),)),)
    sums: dict[Cover, _Sum] = {}
    for flight in flights:
        for cover, pool in flight.pools.items() if flight.pools else ():
            one, before = _sum_of(pool, flight.switch, now_ms), sums.get(cover)
            sums[cover] = one if before is None else _Sum(*map(sum, zip(before, one, strict=True)))
    groups: dict[Quota | None, list[tuple[Cover, _Sum]]] = {}
    for cover, one in sums.items():
        groups.setdefault(cover.quota, []).append((cover, one))
    return groups.items()


def gross_scaled(account: Account, now_ms: int) -> int:
    """What the pooled calls would be worth without a plan (rate parts only), in scaled micros."""
    return sum(one.money_scaled for _quota, covers in _by_quota(account, now_ms) for _cover, one in covers)


class Appraisal(NamedTuple):
    """What the pools of an account are worth, and what they can become."""

    net_scaled: int
    """Under the plan, rate parts only, rounded down."""
    bends: tuple[tuple[int, int], ...]
    """(wait, rate): after so many ms value grows at most so much faster (scaled micros a ms), in order of waits.

    A pool is worth nothing while its quota lasts; beyond it its value grows no faster than all its calls together, or
    than its mean price so far times their number (calls in proportion), whichever is more. In a discount by minutes the
    seconds of all its pools bear one mean price: each may come to grow like the dearest.
    """


def appraise(account: Account, now_ms: int) -> Appraisal:
    """The pools of an account at a moment."""
    cycle_ms = account.cycle_at(now_ms).start_ms
    use = _UNUSED if account.books is None else account.books.use.get(cycle_ms, _UNUSED)
    value = 0
    bends: list[tuple[int, int]] = []
    beyond: dict[Discount, tuple[int, int]] = {}
    groups = _by_quota(account, now_ms)
    if len(groups) == 1:
        ((quota, covers),) = groups
        if len(covers) == 1:
            return _appraise_lone(quota, covers[0][0], covers[0][1], use)
    dearest = _dearest(groups) if len(groups) > 1 else 0
    for quota, covers in groups:
        total_ms, money, growing, rate = covers[0][1] if len(covers) == 1 else _total(covers)
        left_ms = 0 if quota is None else max(0, quota.seconds - use.get(quota.key, 0)) * SECOND_MS
        over_ms = max(0, total_ms - left_ms)
        if growing:
            # The mean price so far, times the number of calls.
            steepest = max(rate, -(-money * growing // total_ms)) if total_ms else rate
            if dearest and any(_by_minutes(cover) for cover, _one in covers):
                steepest = max(steepest, dearest * growing)
            if steepest:
                bends.append((max(0, left_ms - total_ms) // growing, steepest))
        if over_ms:
            value += _uncovered(covers, over_ms, total_ms, beyond)
    for discount, (units, money) in beyond.items():
        value += discounted_scaled(discount, use.get(discount.key, 0), units, money)
    if len(bends) > 1:
        bends.sort()
    return _new(Appraisal, (value, tuple(bends)))


def _appraise_lone(quota: Quota | None, cover: Cover, one: _Sum, use: Mapping[str, int]) -> Appraisal:
    """The same for one pool, which is what nearly every account has, with less ado: this is done for every report."""
    total_ms, money, growing, rate = one
    left_ms = 0
    if quota is not None:
        left_ms = (quota.seconds - use.get(quota.key, 0)) * SECOND_MS
        if left_ms < 0:  # noqa: PLR1730 -- a fifth of what max() costs
            left_ms = 0
    over_ms = total_ms - left_ms
    bends: tuple[tuple[int, int], ...] = ()
    if growing:
        steepest = rate
        if total_ms and money * growing > rate * total_ms:
            steepest = -(-money * growing // total_ms)
        if steepest:
            bends = ((0 if over_ms >= 0 else -over_ms // growing, steepest),)
    if over_ms <= 0:
        return _new(Appraisal, (0, bends))
    value = money if over_ms == total_ms else money * over_ms // total_ms
    discount = cover.discount
    if discount is not None:
        if discount.by is TierBy.MONEY:
            units = value * FINE // SECOND_MS
        else:
            units = one.billed_ms * over_ms * FINE // (SECOND_MS * total_ms)
        value = discounted_scaled(discount, use.get(discount.key, 0), units, value)
    return _new(Appraisal, (value, bends))


def _by_minutes(cover: Cover) -> bool:
    return cover.discount is not None and cover.discount.by is TierBy.MINUTES


def _dearest(groups: Iterable[tuple[Quota | None, Sequence[tuple[Cover, _Sum]]]]) -> int:
    """The highest mean price of a millisecond, so far or to come, in a pool under a discount by minutes."""
    dearest = 0
    for _quota, covers in groups:
        for cover, one in covers:
            if one.growing and _by_minutes(cover):
                dearest = max(dearest, -(-one.rate_micros // one.growing))
            if one.billed_ms and _by_minutes(cover):
                dearest = max(dearest, -(-one.money_scaled // one.billed_ms))
    return dearest


def _total(covers: Sequence[tuple[Cover, _Sum]]) -> _Sum:
    return _Sum(*map(sum, zip(*(one for _cover, one in covers), strict=True)))


def _uncovered(
    covers: Sequence[tuple[Cover, _Sum]], over_ms: int, total_ms: int, beyond: dict[Discount, tuple[int, int]]
) -> int:
    """Worth of what a quota leaves over, where no discount applies; the rest is added to `beyond`."""
    value = 0
    for cover, one in covers:
        money = one.money_scaled if over_ms == total_ms else one.money_scaled * over_ms // total_ms
        discount = cover.discount
        if discount is None:
            value += money
        else:
            scaled, per_unit = (
                (money, SECOND_MS) if discount.by is TierBy.MONEY else (one.billed_ms * over_ms, SECOND_MS * total_ms)
            )
            units = scaled * FINE // per_unit
            others = beyond.get(discount, (0, 0))
            beyond[discount] = (others[0] + units, others[1] + money)
    return value


def least_wait_ms(bends: Iterable[tuple[int, int]], gap_scaled: int, rate_micros: int) -> int | None:
    """How long it takes at least to gain `gap_scaled`, growing by `rate_micros` beside the pools; None: for ever."""
    at_ms = 0
    for begins_ms, steepest in bends:
        span_ms = begins_ms - at_ms
        if rate_micros and gap_scaled <= rate_micros * span_ms:
            break
        gap_scaled -= rate_micros * span_ms
        at_ms = begins_ms
        rate_micros += steepest
    return at_ms + -(-gap_scaled // rate_micros) if rate_micros else None


def moment_ms(account: Account, now_ms: int, up_scaled: int, until_ms: int) -> int | None:
    """The first millisecond after `now_ms` and before `until_ms` at which exposure reaches `up_scaled`; None: not yet.

    Exposure need not only grow while nothing is reported: where dear and cheap calls share a discount, their mean price
    falls while the cheap ones go on. So it is looked for in spans that double, and in the first that reaches it by
    halving; whatever comes and goes between two looks is seen by the next report.
    """
    low, span_ms = now_ms, 1
    while low < until_ms - 1:
        high = min(now_ms + span_ms, until_ms - 1)
        if account.exposure_scaled(high) >= up_scaled:
            return _halved(account, low, high, up_scaled)
        low, span_ms = high, 2 * span_ms
    return None


def _halved(account: Account, low: int, high: int, up_scaled: int) -> int:
    """A millisecond at which exposure reaches `up_scaled`, knowing that it has not at `low` and has at `high`."""
    while high - low > 1:
        middle = (low + high) // 2
        if account.exposure_scaled(middle) >= up_scaled:
            high = middle
        else:
            low = middle
    return high
