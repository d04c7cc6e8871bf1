"""Partitions: the 256 sets of accounts over which a cluster shares its work, and to which of them an account belongs.

The partition is the FNV-1a hash (32 bits) of the account's UTF-8 bytes, modulo 256: what NATS' own `partition()`
computes, so that a mapping in the server and guard never disagree. The number of partitions never changes: it is part
of where every account's state lies. What belongs to a switch as a whole (its snapshots, what it said and nobody could
read) has its home in the partition of the switch's name.

Of a product modulo 256 only the low bytes of the factors count, so eight bits of the hash are all that has to be kept:
one look into a table a byte.
"""

from __future__ import annotations

from math import isqrt
from typing import Final

PARTITIONS: Final = 256

_DEVIATIONS: Final = 4

_BEGIN: Final = 0x811C9DC5 % PARTITIONS
_NEXT: Final = bytes(low * 0x01000193 % PARTITIONS for low in range(PARTITIONS))


def partition_of(text: str) -> int:
    """The partition of an account, or the home of a switch; `UnicodeEncodeError` for what UTF-8 cannot express."""
    low = _BEGIN
    for byte in text.encode():
        low = _NEXT[low ^ byte]
    return low


def share_of(bound: int) -> int:
    """What one partition may have of something that is bounded over all of them; of nothing, nothing.

    Its fair share, and four deviations of what chance does with it: as many as the bound, spread by their hash, fit
    (of a million partitions 30 are one short), and all partitions together never have much more than the bound if it
    is great: of 100,000 each may have 467, all 119,552.
    """
    fair = -(-bound // PARTITIONS)
    return fair + _DEVIATIONS * isqrt(fair) if bound else 0
