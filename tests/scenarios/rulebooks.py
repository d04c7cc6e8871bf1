"""From `rule` lines to rules: the keys of the contract's `[[rule]]`, read by the reader of rule files.

    rule id=hot measure=calls window=15m per=number block=3 scope=international mode=enforce
    rule id=far measure=gross window=1h warn=5.00 where.class=international,premium where.new_for=90d
    rules entry.toml                        a file of those that guard ships

Durations of rule files have one unit: `90m`, not `1h30m`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from guard.config.rules import read_rules
from guard.config.shipped import shipped
from guard.core.rules.rule import Rule
from tests.scenarios.script import Words

_LISTS = frozenset({"class", "country", "not_country", "prefix", "direction", "days", "account", "not_account"})
_PLAIN = frozenset({"true", "false"})


def rules_of(stated: Iterable[Words]) -> tuple[Rule, ...]:
    """The rules of a scenario, as their files would give them."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        made = "".join(_table(words) for words in stated if words.names == ("rule",))
        (folder / "scenario.toml").write_text(made, encoding="utf-8")
        for words in stated:
            if words.names[:1] == ("rules",):
                shipped_file = words.names[1]
                (folder / shipped_file).write_bytes((shipped("rules") / shipped_file).read_bytes())
        return read_rules(folder)


def _table(words: Words) -> str:
    lines = [f"{name} = {_value(name.removeprefix('where.'), text)}" for name, text in words.fields.items()]
    return "\n".join(("[[rule]]", *lines, ""))


def _value(name: str, text: str) -> str:
    if name in _LISTS:
        return "[" + ", ".join(f'"{each}"' for each in text.split(",")) + "]"
    return text if text.isdecimal() or text in _PLAIN else f'"{text}"'


def is_rule(words: Words) -> bool:
    """Whether a `settings` line is read here."""
    return words.names[:1] in {("rule",), ("rules",)}
