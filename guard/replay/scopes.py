"""What a scope means at a switch: the longest prefix of the number decides whether it is in.

guard publishes the meaning of its named scopes as prefix sets (contract 1), so a switch needs no
tariff. A number is brought to E.164 digits first, in the plain way a small switch would do it.
`all` means every number even before guard has said anything; another scope that is not known yet
matches nothing, and the switch says so in its acknowledgement.
"""

from __future__ import annotations

from collections.abc import Mapping

from guard.core.records import Scope

NATIONAL_DIGITS = 10
INTERNATIONAL_PREFIXES = ("011", "00")
COUNTRY_CODE = "1"


class ScopeTables:
    """The prefix sets by scope; immutable, replaced as a whole."""

    def __init__(self, tables: Mapping[str, Mapping[str, bool]] | None = None) -> None:
        """Take the tables of a `scopes` message; without one, only `all` is known."""
        self._tables = {Scope.ALL.value: {"": True}} | {name: dict(table) for name, table in (tables or {}).items()}

    def known(self, scope: Scope) -> bool:
        """Whether the meaning of this scope has been said."""
        return scope.value in self._tables

    def covers(self, scope: Scope, number: str) -> bool:
        """Whether a dialled number is in the scope."""
        table = self._tables.get(scope.value)
        if table is None:
            return False
        digits = e164_digits(number)
        for length in range(len(digits), -1, -1):
            verdict = table.get(digits[:length])
            if verdict is not None:
                return verdict
        return False


def e164_digits(number: str) -> str:
    """Digits of a dialled number with its country code; what is no such number stays as it is."""
    if number.startswith("+"):
        return number[1:]
    for prefix in INTERNATIONAL_PREFIXES:
        if number.startswith(prefix):
            return number.removeprefix(prefix)
    if len(number) == NATIONAL_DIGITS and number.isdigit():
        return COUNTRY_CODE + number
    return number
