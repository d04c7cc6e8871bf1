"""Rule files: `*.toml` in a folder, each with any number of `[[rule]]` tables (contract 8).

All files of the folder are one rule set, and ids are unique in it. Everything wrong in any of them is told at once,
with file, line, rule, key and what would be accepted. Which keys go with which measure is the core's knowledge
(`guard.core.rules.rule`); a key that has no effect is refused like one that does not exist, because whoever wrote it
believes that it has one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from guard.config import values
from guard.config.files import read_toml
from guard.config.problems import ConfigError, Problem, RejectedError
from guard.config.rules_where import days_of_span, read_where
from guard.config.table import Table
from guard.config.thresholds import above_nothing, reader_of
from guard.core.records import Scope
from guard.core.rules.rule import OWN_PAST, PERS, WINDOWED, Measure, Per, Rule, RuleMode
from guard.core.settings import DAY_MS, MINUTE_MS

MOST_RULES = 1_000
"""More are a slip of some generator; each costs time per report."""

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_ID_ACCEPTED = "1 to 64 letters, digits, dots, dashes and underscores, such as same-number"
_WINDOW = 'from 1 minute to 31 days, such as "15m"'
_POSITION = re.compile(r"rule\[([0-9]+)\]")


def read_rules(directory: Path) -> tuple[Rule, ...]:
    """All rules of a folder, by file and place; `ConfigError` with every problem when they cannot be used."""
    rules: list[Rule] = []
    problems: list[Problem] = []
    first_file: dict[str, str] = {}
    for file in _files(directory):
        try:
            root, found = read_toml(file)
        except ConfigError as error:
            problems += error.problems
            continue
        tables = list(root.tables("rule"))
        read = [_rule(table) for table in tables]
        root.report_unknown()
        for table, rule in zip(tables, read, strict=True):
            if rule.id in first_file:
                found_twice = f"is used twice, first in {first_file[rule.id]}"
                table.reject("id", RejectedError(found_twice, "each id once in a folder"))
            elif rule.id:
                first_file[rule.id] = file.name
        problems += [_with_rule(problem, read) for problem in found.all()]
        rules += read
    if len(rules) > MOST_RULES:
        problems.append(_whole(directory, f"has {len(rules)} rules", f"at most {MOST_RULES}"))
    if problems:
        raise ConfigError(problems)
    return tuple(rules)


def _files(directory: Path) -> list[Path]:
    try:
        return sorted(each for each in directory.iterdir() if each.suffix == ".toml")
    except OSError as error:
        raise ConfigError([_whole(directory, f"cannot be read: {error.strerror}", "a folder of rule files")]) from None


def _whole(directory: Path, found: str, accepted: str) -> Problem:
    return Problem(file=str(directory), key="", line=None, found=found, accepted=accepted)


def _with_rule(problem: Problem, rules: Iterable[Rule]) -> Problem:
    """The same problem, naming the rule by its id where it has one."""
    position = _POSITION.match(problem.key)
    rule = list(rules)[int(position.group(1)) - 1] if position else None
    return replace(problem, found=f'rule "{rule.id}": {problem.found}') if rule is not None and rule.id else problem


def _rule(table: Table) -> Rule:
    """One rule, as far as it can be read."""
    rule_id = table.read("id", "", _rule_id)
    if "id" not in table:
        table.reject(None, RejectedError("has no id", f'id = "...", {_ID_ACCEPTED}'))
    measure = _measure(table)
    mode = table.read("mode", RuleMode.SHADOW, values.choice(RuleMode))
    per = _per(table, measure)
    where = read_where(table.table("where"), measure, per)
    warn, block = _marks(table, measure)
    rule = Rule(
        id=rule_id,
        title=table.read("title", rule_id, values.text),
        mode=mode,
        measure=measure or Measure.CALLS,
        window_ms=_window(table, measure),
        per=per,
        where=where.where,
        warn=warn,
        block=block,
        scope=table.read("scope", Scope.ALL, values.choice(Scope)),
        end_calls=table.read("end_calls", True, values.boolean),  # noqa: FBT003
        min_rate_micros=table.read("min_rate", None, above_nothing(values.money, '"0.50"')),
        known_days=table.read("min_known", None, days_of_span) or 0,
        release_after_ms=table.read("release_after", None, _release_after),
        floor_micros=_floor(table, measure),
        min_calls=where.min_calls,
        min_numbers=where.min_numbers,
        times_usual=where.times_usual,
    )
    if "min_rate" in table and measure is not None and not rule.novel:
        found = "has no effect: it says from which rate on a rule of novelty may block an account it does not know yet"
        accepted = "new_for or source_new in where, or a measure such as new_countries or growth, to go with it"
        table.reject("min_rate", RejectedError(found, accepted))
    return rule


def _measure(table: Table) -> Measure | None:
    """None: there is none, or none that guard knows; then nothing that depends on it is checked."""
    if "measure" not in table:
        table.reject(None, RejectedError("has no measure", " | ".join(each.value for each in Measure)))
    reader: Callable[[object], Measure | None] = values.choice(Measure)
    return table.read("measure", None, reader)


def _per(table: Table, measure: Measure | None) -> Per:
    allowed = PERS[measure] if measure is not None else frozenset(Per)
    default = Per.ACCOUNT if Per.ACCOUNT in allowed else Per.NUMBER
    per = table.read("per", default, values.choice(Per))
    if per not in allowed and measure is not None:
        accepted = " | ".join(each.value for each in Per if each in allowed)
        table.reject("per", RejectedError(f"{per.value} does not go with measure {measure.value}", accepted))
        return default
    return per


def _window(table: Table, measure: Measure | None) -> int | None:
    window_ms = table.read("window", None, _window_ms)
    if measure is None:
        return window_ms
    if measure in WINDOWED:
        if "window" not in table:
            table.reject(None, RejectedError(f"has no window, which measure {measure.value} needs", _WINDOW))
        return window_ms or MINUTE_MS
    if "window" in table:
        why = "remembers by itself" if measure is Measure.DRIFT else "is about the present"
        table.reject("window", RejectedError(f"does not go with measure {measure.value}, which {why}", "no window"))
    return None


def _window_ms(value: object) -> int | None:
    window_ms = values.duration_ms(value)
    if not MINUTE_MS <= window_ms <= 31 * DAY_MS:
        raise RejectedError(f"{values.shown(value)} is out of range", _WINDOW)
    return window_ms


def _marks(table: Table, measure: Measure | None) -> tuple[int | None, int | None]:
    reader = reader_of(measure)
    warn, block = table.read("warn", None, reader), table.read("block", None, reader)
    if "warn" not in table and "block" not in table:
        table.reject(None, RejectedError("has neither warn nor block", "at least one of them"))
    if warn is not None and block is not None and warn >= block:
        table.reject("block", RejectedError("is not above warn", "a warning that comes before the block"))
    return warn, block


def _floor(table: Table, measure: Measure | None) -> int:
    floor = table.read("floor", None, above_nothing(values.money, '"10.00"'))
    if measure is None:
        return floor or 0
    if measure in OWN_PAST and "floor" not in table:
        found = f"has no floor, which measure {measure.value} needs"
        table.reject(None, RejectedError(found, 'floor = "10.00": what is usual is taken to be at least this'))
    elif measure not in OWN_PAST and "floor" in table:
        accepted = " | ".join(sorted(each.value for each in OWN_PAST))
        table.reject("floor", RejectedError(f"does not go with measure {measure.value}", f"measure {accepted}"))
    return floor or 0


def _rule_id(value: object) -> str:
    text = values.text(value)
    if not _ID.fullmatch(text):
        raise RejectedError(f"{values.shown(text)} is no id", _ID_ACCEPTED)
    return text


def _release_after(value: object) -> int | None:
    return None if value == "" else values.duration_ms(value)
