"""Named scopes: which dialled numbers `all`, `international` and `premium` mean, as prefix sets.

A switch must not need a tariff to obey a block, so guard publishes what each scope means: prefixes in E.164 digits,
the longest one that matches decides. The sets here follow the numbering plan of the operator's own country; classes
of a tariff refine them. In the North American plan, country code 1 is shared: the area codes below look domestic in
a naive prefix table and are not (they are where call-back frauds live).

Every row of a tariff says what its numbers are, but nearly all say what the next shorter prefix says already. Those
are left out, so the message to the switches is as small for a hundred thousand rows as for a hundred.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b

from guard.core.records import Scope
from guard.core.tariff import CallClass, Destination

NANP_ABROAD = tuple(
    "242 246 264 268 284 345 441 473 649 658 664 721 758 767 784 809 829 849 868 869 876".split()  # noqa: SIM905
)
"""Area codes under country code 1 that are other countries (NANPA, Caribbean and Bermuda)."""

NANP_PREMIUM = ("1900", "1976")
"""Pay-per-call services of the North American plan: 900 numbers, and 976 as an area code."""

_NANP = "1"

PrefixSet = Mapping[str, bool]


class Scopes:
    """The meaning of each named scope."""

    __slots__ = ("_lengths", "sets", "version")

    def __init__(self, sets: Mapping[Scope, PrefixSet]) -> None:
        self.sets = {scope: dict(sets.get(scope, {"": True})) for scope in Scope}
        self._lengths = {scope: sorted(set(map(len, prefixes)), reverse=True) for scope, prefixes in self.sets.items()}
        """How many digits prefixes of the set have, the longest first."""
        named = repr([(scope.value, sorted(self.sets[scope].items())) for scope in Scope])
        self.version = blake2b(named.encode(), digest_size=6).hexdigest()

    @classmethod
    def of_tariff(
        cls, country_code: str, destinations: Iterable[Destination], premium_prefixes: Iterable[str] = ()
    ) -> Scopes:
        """Scopes as the classes of a tariff say; where it is silent, those of the country.

        A premium number is international as well where the country's numbering plan has it abroad: 1900 is not.
        """
        plain = cls.of_country_code(country_code, premium_prefixes)
        international = dict(plain.sets[Scope.INTERNATIONAL])
        premium = dict(plain.sets[Scope.PREMIUM])
        for destination in destinations:
            prefix, kind = destination.prefix, destination.kind
            premium[prefix] = kind is CallClass.PREMIUM
            international[prefix] = kind is CallClass.INTERNATIONAL or (
                kind is CallClass.PREMIUM and plain.covers(Scope.INTERNATIONAL, prefix)
            )
        return cls({Scope.INTERNATIONAL: _smallest(international), Scope.PREMIUM: _smallest(premium)})

    @classmethod
    def of_country_code(cls, country_code: str, premium_prefixes: Iterable[str] = ()) -> Scopes:
        """Scopes as seen from a country, by its E.164 code (`"1"` for Canada and the USA).

        What it has at premium rate must be told, but for the North American plan.
        """
        international = {"": True, country_code: False}
        premium = {"": False, **dict.fromkeys(premium_prefixes, True)}
        if country_code == _NANP:
            international |= {f"1{area}": True for area in NANP_ABROAD}
            premium |= dict.fromkeys(NANP_PREMIUM, True)
        return cls({Scope.ALL: {"": True}, Scope.INTERNATIONAL: international, Scope.PREMIUM: premium})

    def covers(self, scope: Scope, digits: str) -> bool:
        """Whether a number in E.164 digits lies in a scope; an unknown number (no digits) lies in every one."""
        if scope is Scope.ALL or not digits:
            return True
        prefixes = self.sets[scope]
        for length in self._lengths[scope]:
            found = prefixes.get(digits[:length])
            if found is not None:
                return found
        return False

    def kind_of(self, digits: str) -> CallClass:
        """What kind of number it is by the numbering plan alone, for operators without a tariff."""
        if self.covers(Scope.PREMIUM, digits):
            return CallClass.PREMIUM
        return CallClass.INTERNATIONAL if self.covers(Scope.INTERNATIONAL, digits) else CallClass.DOMESTIC


def _smallest(prefixes: PrefixSet) -> PrefixSet:
    """The same set without the prefixes that say what the next shorter one says."""
    kept: dict[str, bool] = {}
    above: list[str] = []
    for prefix in sorted(prefixes):  # a prefix comes before those that it begins
        while above and not prefix.startswith(above[-1]):
            above.pop()
        if not above or prefixes[above[-1]] is not prefixes[prefix]:
            kept[prefix] = prefixes[prefix]
        above.append(prefix)
    return kept


_WIDTH = {Scope.PREMIUM: 0, Scope.INTERNATIONAL: 1, Scope.ALL: 2}


def width(scope: Scope) -> int:
    """Order of the scopes: of several causes the widest is in effect (contract 2)."""
    return _WIDTH[scope]


def e164_digits(dialled: str, international_prefixes: tuple[str, ...] = ("00", "011")) -> str:
    """Digits of a number dialled internationally (`+` or a prefix); empty when it cannot be told from a local one."""
    if dialled.startswith("+"):
        rest = dialled[1:]
    else:
        for prefix in sorted(international_prefixes, key=len, reverse=True):
            if dialled.startswith(prefix):
                rest = dialled[len(prefix) :]
                break
        else:
            return ""
    return rest if rest.isascii() and rest.isdigit() else ""
