"""Cursors: where a page of a cluster's history ends, as text for whoever asks for the next one (`guard.ports.records`).

A **vector** is a place in all partitions at once: of each the number of the last row that was shown. Numbers within a
partition are stored in their order, so a vector leaves nothing out, whatever is stored when. It is written as varints
(seven bits a byte, the lowest first) in base64url without padding: some 400 characters for a young cluster, 1,400 when
each partition has a hundred million rows. A **place** is one row, named by a few numbers; it has dashes in it. Neither
ever looks like a decision's id.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Sequence

from guard.core.decisions import NEWEST

_SEVEN_BITS, _MORE = 0x7F, 0x80
_QUANTUM = 4
_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)


def encode_vector(numbers: Sequence[int]) -> str:
    """One number for each partition; none is negative."""
    packed = bytearray()
    for number in numbers:
        rest = number
        while rest > _SEVEN_BITS:
            packed.append(rest & _SEVEN_BITS | _MORE)
            rest >>= 7
        packed.append(rest)
    return urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_vector(text: str, count: int) -> list[int]:
    """So many numbers; `ValueError` for what is no such vector."""
    try:
        packed = urlsafe_b64decode(text + "=" * (-len(text) % _QUANTUM))
    except Error as error:
        raise ValueError(text) from error
    numbers: list[int] = []
    number = shift = 0
    for byte in packed:
        number |= (byte & _SEVEN_BITS) << shift
        shift += 7
        if not byte & _MORE:
            numbers.append(number)
            number = shift = 0
    if shift or len(numbers) != count or max(numbers) > NEWEST:
        raise ValueError(text)
    return numbers


def encode_place(numbers: Sequence[int]) -> str:
    """A row, by what it is found by."""
    return "-".join(["at", *map(str, numbers)])


def decode_place(text: str, count: int) -> list[int]:
    """So many numbers; `ValueError` for what is no such place."""
    word, *parts = text.split("-")
    numbers = [int(part) for part in parts if _NUMBER.fullmatch(part)]
    if word != "at" or len(parts) != count or len(numbers) != count or max(numbers) > NEWEST:
        raise ValueError(text)
    return numbers
