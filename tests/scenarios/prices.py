"""From `settings` lines to a tariff and plans.

    settings tariff 1416 domestic rate=0.60 connect=0.05 minimum=30s increment=6s name=Toronto
    settings quota office class=domestic,premium prefix=1 minutes=2
    settings discount office class=international by=minutes tiers=0:0,1:10,5:25

Tiers are minutes (or money) and per cent. What is not said is what the contract's file would have when it is left out;
without any such line there is neither tariff nor plan.
"""

from __future__ import annotations

from collections.abc import Iterable

from guard.core.money import parse_money
from guard.core.plans import Discount, Plan, Quota, Reach, Tier, TierBy
from guard.core.rating import Rating
from guard.core.tariff import CallClass, Destination, Tariff
from tests.scenarios.script import ScriptError, Words, span_ms

KINDS = frozenset({"tariff", "quota", "discount"})
"""Kinds of `settings` lines that are read here."""
_MINUTE_S = 60


def rating_of(stated: Iterable[Words], unknown_rate_micros: int) -> Rating:
    """The tariff and the plans of a scenario."""
    rows: list[Destination] = []
    quotas: dict[str, list[Quota]] = {}
    discounts: dict[str, list[Discount]] = {}
    for words in stated:
        fields = dict(words.fields)
        match words.names:
            case ("tariff", prefix, kind):
                rows.append(_destination(prefix, kind, fields))
            case ("quota", plan):
                mine = quotas.setdefault(plan, [])
                minutes = int(fields.pop("minutes"))
                mine.append(Quota(key=f"{plan}/quota:{len(mine)}", reach=_reach(fields), seconds=minutes * _MINUTE_S))
            case ("discount", plan):
                others = discounts.setdefault(plan, [])
                others.append(_discount(f"{plan}/discount:{len(others)}", fields))
            case _:
                continue
        if fields:
            raise ScriptError(f"unknown: {', '.join(fields)}")
    plans = {plan: Plan(plan, plan, quotas.get(plan, ()), discounts.get(plan, ())) for plan in {*quotas, *discounts}}
    return Rating(unknown_rate_micros=unknown_rate_micros, tariff=Tariff(rows) if rows else None, plans=plans)


def _destination(prefix: str, kind: str, fields: dict[str, str]) -> Destination:
    return Destination(
        prefix=prefix,
        name=fields.pop("name", ""),
        kind=CallClass(kind),
        rate_micros=parse_money(fields.pop("rate")),
        connect_micros=parse_money(fields.pop("connect", "0.00")),
        minimum_s=_seconds(fields.pop("minimum", "0s")),
        increment_s=_seconds(fields.pop("increment", "1s")),
    )


def _reach(fields: dict[str, str]) -> Reach:
    kinds = frozenset(map(CallClass, _listed(fields, "class")))
    return Reach(kinds=kinds, prefixes=tuple(_listed(fields, "prefix")))


def _discount(key: str, fields: dict[str, str]) -> Discount:
    by = TierBy(fields.pop("by"))
    tiers = []
    for text in fields.pop("tiers").split(","):
        start, off = text.split(":")
        # A tier by money begins at so many micros x 60, one by minutes at so many seconds.
        begins = _MINUTE_S * (parse_money(start) if by is TierBy.MONEY else int(start))
        tiers.append(Tier(begins, int(off) * 10_000))
    return Discount(key=key, reach=_reach(fields), by=by, tiers=tuple(tiers))


def _listed(fields: dict[str, str], name: str) -> list[str]:
    return [text for text in fields.pop(name, "").split(",") if text]


def _seconds(text: str) -> int:
    return span_ms(text) // 1_000


def is_price(words: Words) -> bool:
    """Whether a `settings` line is read here."""
    return bool(words.names) and words.names[0] in KINDS
