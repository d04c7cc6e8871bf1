"""A payload taken apart with care: one object or an array of them, each element on its own.

Everything that is not on the hot path is read here, and so is whatever the hot path could not make sense of. The
standard library's parser is the judge of what is JSON: unlike a typed decoder it gets past an element that is wrong,
so that its neighbours count, and it shows repeated keys, of which two parsers might each believe another one.

Bounds: 1 MiB of payload; 1,000 elements; nesting as deep as the interpreter's own limit; an integer of more than 20
digits is not computed but becomes one that is out of every range.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NoReturn

from guard.wire import rules
from guard.wire.rules import RuleError

MAX_PAYLOAD_BYTES: Final = 1 << 20
MAX_ELEMENTS: Final = 1_000
_MAX_INTEGER_TEXT: Final = 20
_BEYOND_EVERY_RANGE: Final = 10**_MAX_INTEGER_TEXT
_BETWEEN: Final = ", \t\n\r"
"""What may stand before an element of an array."""


class RepeatedKeys(list[tuple[str, object]]):
    """The members of an object in which a key occurs twice, in their order."""

    __slots__ = ()


def _members(pairs: list[tuple[str, object]]) -> object:
    members = dict(pairs)
    return members if len(members) == len(pairs) else RepeatedKeys(pairs)


def _integer(text: str) -> int:
    if len(text) <= _MAX_INTEGER_TEXT:
        return int(text)
    return -_BEYOND_EVERY_RANGE if text.startswith("-") else _BEYOND_EVERY_RANGE


def _no_constant(_: str) -> NoReturn:
    """NaN and Infinity are JavaScript, not JSON."""
    raise RuleError(rules.PAYLOAD_NOT_JSON)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_members, parse_int=_integer, parse_constant=_no_constant)


def parse(payload: bytes) -> object:
    """The value that a payload states, `RepeatedKeys` in place of an ambiguous object; `RuleError` if there is none."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise RuleError(rules.PAYLOAD_TOO_LONG)
    try:
        value: object = _DECODER.decode(payload.decode())
    except UnicodeDecodeError:
        raise RuleError(rules.PAYLOAD_NOT_UTF8) from None
    except RecursionError:
        raise RuleError(rules.PAYLOAD_TOO_DEEP) from None
    except ValueError:
        raise RuleError(rules.PAYLOAD_NOT_JSON) from None
    return value


def elements(payload: bytes) -> list[tuple[str, object]]:
    """Each element with its key: `$` for an object alone, else `$[0]`, `$[1]` ...; `RuleError` for the payload."""
    value = parse(payload)
    if isinstance(value, dict | RepeatedKeys):
        return [("$", value)]
    if not isinstance(value, list):
        raise RuleError(rules.PAYLOAD_NOT_OBJECTS)
    if len(value) > MAX_ELEMENTS:
        raise RuleError(rules.PAYLOAD_TOO_MANY)
    return [(f"$[{index}]", element) for index, element in enumerate(value)]


def slices(payload: bytes) -> list[tuple[object, bytes]]:
    """Each element with the very bytes that state it; `RuleError` as from `elements`."""
    found = [value for _, value in elements(payload)]
    text = payload.decode()
    if not text.lstrip(_BETWEEN).startswith("["):
        return [(found[0], payload)]
    pieces: list[tuple[object, bytes]] = []
    end = text.index("[") + 1
    for value in found:
        begin = end
        while text[begin] in _BETWEEN:
            begin += 1
        _, end = _DECODER.raw_decode(text, begin)
        pieces.append((value, text[begin:end].encode()))
    return pieces


def as_members(value: object) -> Mapping[str, object]:
    """An element as an object; `RuleError` when it is none, or an ambiguous one."""
    if isinstance(value, RepeatedKeys):
        raise RuleError(rules.KEY_TWICE)
    if not isinstance(value, dict):
        raise RuleError(rules.NOT_AN_OBJECT)
    return value
