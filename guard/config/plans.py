"""`plans.toml`: calling plans, read against the tariff that they discount (contract 8).

Everything wrong is told with file and line, as for `guard.toml`: what is misspelt, what is out of order, and what lays
claim to numbers that another entry of the same plan has already. Two quotas, or two discounts, of one plan must not
share a number; a quota and a discount may, the quota comes first.

Use is kept under a key that names what an entry covers and nothing else, `office-2000/quota:domestic`: it stays the
same when other entries come and go or when minutes and tiers change, so a correction in the middle of a month forgets
no use. As entries do not overlap, it is unique.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, combinations
from pathlib import Path
from typing import NamedTuple, TypeVar

from guard.config import values
from guard.config.files import read_toml
from guard.config.overlaps import Overlaps
from guard.config.problems import ConfigError, RejectedError
from guard.config.table import Table
from guard.config.tariff import CLASSES, PREFIX
from guard.core.money import MICROS_PER_UNIT
from guard.core.plans import SECONDS_PER_MINUTE, Discount, Plan, Quota, Reach, Tier, TierBy
from guard.core.tariff import CallClass, Tariff

MAX_ID = 128

_TIERS = '[{from = 0, off = "0%"}, {from = 500, off = "10%"}]'
_OFF = 'a percentage from 0 to 100 such as "12.5%", or a part from 0 to 1 such as "0.125"'
_DIGITS = re.compile(r"[0-9]{1,15}", re.ASCII)

T = TypeVar("T")


def read_plans(file: Path, tariff: Tariff | None) -> dict[str, Plan]:
    """Read the plans by id; `ConfigError` with all problems when they cannot be used.

    `tariff` is an empty one where none is configured, and None where it could not be read: what only the tariff can
    show is not told then.
    """
    root, problems = read_toml(file)
    overlaps = Overlaps(tariff)
    plans = {plan_id: _plan(plan_id, table, overlaps) for plan_id, table in root.table("plan").named()}
    root.report_unknown()
    if problems:
        raise ConfigError(problems.all())
    return plans


def remarks_on(tariff: Tariff | None, plans: Mapping[str, Plan]) -> list[str]:
    """What is not wrong, but surely not meant: entries that can do nothing."""
    entries: Iterator[Quota | Discount] = chain.from_iterable(
        (*plan.quotas, *plan.discounts) for plan in plans.values()
    )
    remarks = [
        f"{entry.key} covers class onnet, which is free without a plan"
        for entry in entries
        if CallClass.ONNET in entry.reach.kinds
    ]
    if plans and tariff is None:
        remarks.append("there are plans and no [tariff] file: without one every number is of class international")
    return remarks


class _Entry(NamedTuple):
    """A quota or a discount as it stands in the file."""

    table: Table
    reach: Reach
    usable: bool
    """Nothing is wrong with its reach, so it may be compared with others."""

    @property
    def name(self) -> str:
        """The entry's numbers, as part of its key: `domestic`, `1,44` or `domestic/1,44`."""
        kinds = ",".join(sorted(kind.value for kind in self.reach.kinds))
        prefixes = ",".join(self.reach.prefixes)
        return "/".join(filter(None, (kinds, prefixes)))


def _plan(plan_id: str, table: Table, overlaps: Overlaps) -> Plan:
    if not plan_id.isprintable() or not 0 < len(plan_id) <= MAX_ID:
        table.reject(None, RejectedError("a plan cannot have this name", f"1 to {MAX_ID} printable characters"))
    title = table.read("title", plan_id, values.text)
    quotas = [_entry(each) for each in table.tables("quota")]
    discounts = [_entry(each) for each in table.tables("discount")]
    for entries in (quotas, discounts):
        _check_overlaps(entries, overlaps)
    return Plan(
        plan_id,
        title,
        [_quota(plan_id, entry) for entry in quotas],
        [_discount(plan_id, entry) for entry in discounts],
    )


def _entry(table: Table) -> _Entry:
    kinds = table.read("class", None, _classes)
    prefixes = table.read("prefix", None, _prefixes)
    stated = [found for key, found in (("class", kinds), ("prefix", prefixes)) if key in table]
    if not stated:
        table.reject(None, RejectedError("says neither class nor prefix", 'class = ["domestic"] or prefix = ["1"]'))
    reach = Reach(kinds=kinds or frozenset(), prefixes=prefixes or ())
    return _Entry(table, reach, usable=bool(stated) and None not in stated)


def _check_overlaps(entries: Sequence[_Entry], overlaps: Overlaps) -> None:
    for one, other in combinations([entry for entry in entries if entry.usable], 2):
        if overlaps.meet(one.reach, other.reach):
            found = f"overlaps {one.table.name}: {other.name} and {one.name} have numbers in common"
            other.table.reject(None, RejectedError(found, "each number once in a plan"))


def _quota(plan_id: str, entry: _Entry) -> Quota:
    minutes = _required(entry.table, "minutes", 0, _minutes, "minutes = 2000")
    return Quota(key=f"{plan_id}/quota:{entry.name}", reach=entry.reach, seconds=minutes * SECONDS_PER_MINUTE)


def _discount(plan_id: str, entry: _Entry) -> Discount:
    by = _required(entry.table, "by", None, values.choice(TierBy), 'by = "minutes" or by = "money"')
    tiers = _tiers(entry.table, by)
    by = by or TierBy.MINUTES
    return Discount(key=f"{plan_id}/discount:{by.value}:{entry.name}", reach=entry.reach, by=by, tiers=tiers)


def _tiers(table: Table, by: TierBy | None) -> tuple[Tier, ...]:
    """The tiers, from 0 up; without knowing what counts, only their keys and percentages are looked at."""
    accepted = f"tiers = {_TIERS}"
    if "tiers" not in table:
        table.reject(None, RejectedError("has no tiers", accepted))
    elif table.is_empty("tiers"):
        table.reject("tiers", RejectedError("is empty", accepted))
    tiers: list[Tier] = []
    for each in table.tables("tiers", accepted):
        start = _required(each, "from", None, _start_readers[by], "from = 500")
        off = _required(each, "off", 0, _off, 'off = "10%"')
        if start is None:
            continue
        if tiers and start <= tiers[-1].start:
            each.reject("from", RejectedError("is not more than that of the tier before", "tiers in order"))
        tiers.append(Tier(start, off))
    if tiers and tiers[0].start > 0:
        tiers.insert(0, Tier(0, 0))
    return tuple(tiers)


def _required(table: Table, key: str, default: T, reader: Callable[[object], T], accepted: str) -> T:
    if key not in table:
        table.reject(None, RejectedError(f"has no {key}", accepted))
    return table.read(key, default, reader)


def _classes(value: object) -> frozenset[CallClass]:
    found = _list(value, f"an array of {CLASSES}")
    wrong = next((each for each in found if each not in CLASSES.split(" | ")), None)
    if wrong is not None:
        raise RejectedError(f"{values.shown(wrong)} is no class", CLASSES)
    return frozenset(map(CallClass, found))


def _prefixes(value: object) -> tuple[str, ...]:
    found = _list(value, f"an array of strings of {PREFIX}")
    wrong = next((each for each in found if not _DIGITS.fullmatch(each)), None)
    if wrong is not None:
        raise RejectedError(f"{values.shown(wrong)} is no prefix", PREFIX)
    return tuple(sorted(set(found)))


def _list(value: object, accepted: str) -> tuple[str, ...]:
    found = values.texts(value, accepted)
    if not found:
        raise RejectedError("is empty", accepted)
    return found


def _minutes(value: object) -> int:
    accepted = "a whole number of minutes, at least 1"
    try:
        minutes = values.count(value)
    except RejectedError as rejected:
        raise RejectedError(rejected.found, accepted) from None
    if minutes == 0:
        raise RejectedError("is 0", accepted)
    return minutes


def _from_minutes(value: object) -> int | None:
    """Seconds."""
    return values.count(value) * SECONDS_PER_MINUTE


def _from_money(value: object) -> int | None:
    """Micros x 60; a whole amount may do without quotes."""
    whole = type(value) is int and value >= 0
    micros = values.count(value) * MICROS_PER_UNIT if whole else values.money(value)
    return micros * SECONDS_PER_MINUTE


def _from_something(_value: object) -> int | None:
    return None


_start_readers: Mapping[TierBy | None, Callable[[object], int | None]] = {
    TierBy.MINUTES: _from_minutes,
    TierBy.MONEY: _from_money,
    None: _from_something,
}


def _off(value: object) -> int:
    """Millionths."""
    try:
        return values.part(value)
    except RejectedError as rejected:
        raise RejectedError(rejected.found, _OFF) from None
