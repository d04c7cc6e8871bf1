"""A page of the limit review: accounts are looked at in the order of their ids, a slice at a time.

Whoever asks brings more accounts than one page may look at by one, so that it is known whether there are more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from guard.core.limits import LimitReview


class Named(Protocol):
    """An account, in whatever form."""

    @property
    def id(self) -> str:
        """Its id."""
        ...


T = TypeVar("T", bound=Named)


async def reviewed(
    some: Sequence[T], look: Callable[[T], LimitReview | None], *, most: int, at_once: int, limit: int
) -> tuple[list[LimitReview], str | None]:
    """What was found among the first `most`, at most `limit`, and behind which id to go on; None: there are no more.

    The loop turns after each `at_once`.
    """
    found: list[LimitReview] = []
    for number, account in enumerate(some[:most], 1):
        one = look(account)
        if one is not None:
            found.append(one)
            if len(found) == limit:
                return found, account.id if account is not some[-1] else None
        if number % at_once == 0:
            await asyncio.sleep(0)
    return found, some[most - 1].id if len(some) > most else None
