"""What-if: `--set NAME.KEY=VALUE` changes one thing of a variant; several values with commas between them are a sweep.

same-number.block=8        a mark of a rule (warn, block), as it would stand in its file
same-number.mode=enforce   whether it acts
limits.default=200         the limit of accounts that billing has not spoken of
limits.cycles=3            how many cycles a limit is that billing states in cycles
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from guard.backtest.variants import Role, Variant
from guard.config import values
from guard.config.problems import RejectedError
from guard.config.thresholds import reader_of
from guard.core.money import MICROS_PER_UNIT
from guard.core.rules.rule import Rule, RuleMode

LIMITS = "limits"
MOST_VALUES = 20
"""Of a sweep: each is a run."""


class SettingError(ValueError):
    """A `--set` that cannot be carried out; the text says what would be accepted."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing to be changed, and the values to try."""

    name: str
    key: str
    values: tuple[str, ...]

    @property
    def knob(self) -> str:
        """What is changed, as it was written."""
        return f"{self.name}.{self.key}"


def read_setting(text: str) -> Setting:
    """`NAME.KEY=VALUE[,VALUE...]`."""
    knob, equals, stated = text.partition("=")
    name, _, key = knob.strip().rpartition(".")
    tried = tuple(value.strip() for value in stated.split(",") if value.strip())
    if not (name and key and equals and tried):
        raise SettingError(f"--set {text}: is written RULE.block=8 or limits.default=200")
    if len(tried) > MOST_VALUES:
        raise SettingError(f"--set {text}: at most {MOST_VALUES} values")
    return Setting(name, key, tried)


def with_settings(base: Variant, settings: Sequence[Setting]) -> tuple[Variant, list[Variant]]:
    """The variant with every setting of one value, and one more for each value of each sweep."""
    for setting in settings:
        if len(setting.values) == 1:
            base = changed(base, setting.name, setting.key, setting.values[0])
    sweeps = [
        replace(
            changed(base, setting.name, setting.key, value),
            name=f"{setting.knob}={value}",
            title=f"{setting.knob} = {value}",
            role=Role.WHAT_IF,
            knob=setting.knob,
            setting=value,
        )
        for setting in settings
        if len(setting.values) > 1
        for value in setting.values
    ]
    return base, sweeps


def changed(variant: Variant, name: str, key: str, value: str) -> Variant:
    """The variant with one thing changed; `SettingError` if there is no such thing."""
    if name == LIMITS:
        return _limits(variant, key, value)
    if name not in {rule.id for rule in variant.rules}:
        known = ", ".join(sorted(rule.id for rule in variant.rules)) or "there are none"
        raise SettingError(f"--set {name}.{key}: no such rule; known: {known}; or {LIMITS}")
    return replace(variant, rules=tuple(_rule(rule, key, value) if rule.id == name else rule for rule in variant.rules))


def _limits(variant: Variant, key: str, value: str) -> Variant:
    if key == "default":
        limit = _read(values.money, value, f"{LIMITS}.{key}")
        return replace(
            variant,
            config=replace(variant.config, accounts=replace(variant.config.accounts, default_limit_micros=limit)),
        )
    if key == "cycles":
        return replace(variant, cycles_micros=_read(_cycles, value, f"{LIMITS}.{key}"))
    raise SettingError(f"--set {LIMITS}.{key}: default or cycles")


def _cycles(value: object) -> int:
    cycles = Decimal(str(value)) * MICROS_PER_UNIT
    if not 0 < cycles <= 100 * MICROS_PER_UNIT or cycles != int(cycles):
        raise RejectedError(f"{value} is out of range", "a number above 0, at most 100, such as 2.5")
    return int(cycles)


def _rule(rule: Rule, key: str, value: str) -> Rule:
    knob = f"{rule.id}.{key}"
    if key == "mode":
        return replace(rule, mode=_read(values.choice(RuleMode), value, knob))
    if key not in {"warn", "block"}:
        raise SettingError(f"--set {knob}: warn, block or mode")
    mark = _read(reader_of(rule.measure), value, knob)
    altered = replace(rule, warn=mark) if key == "warn" else replace(rule, block=mark)
    if altered.warn is not None and altered.block is not None and altered.warn >= altered.block:
        if key == "warn":
            raise SettingError(f"--set {knob}={value}: is not below block")
        # A sweep of the block must not stop at the warning: crossed together, only the block would speak anyway.
        altered = replace(altered, warn=None)
    return altered


def _read(reader: Callable[[Any], Any], value: str, knob: str) -> Any:
    """A value as it would be read from a file, in whichever way of writing it there is accepted."""
    rejected = RejectedError("")
    for way in (str, int, Decimal):
        try:
            return reader(way(value))
        except RejectedError as error:
            rejected = error
        except (ValueError, InvalidOperation):
            continue
    raise SettingError(f"--set {knob}={value}: {rejected.found}; accepted: {rejected.accepted}")
