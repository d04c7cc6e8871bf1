"""Who sees whole numbers over HTTP: whoever may operate. The role `read` sees how they begin.

An operator has to act on a call, so the account's page, its live calls and its ledger show `operate` whom it called.
`read` is for boards, scripts and whoever looks on: money, times, places and reasons are enough there. Where no token
is needed, whoever works on this machine is the operator.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from starlette.requests import Request

from guard.adapters.http.gate import ROLE
from guard.adapters.http.tokens import Role
from guard.core.decisions import LedgerLine
from guard.core.privacy import masked_line, masked_view
from guard.core.views import AccountView


def sees_numbers(request: Request) -> bool:
    """Whether whole numbers are shown to whoever asks."""
    return request.scope.get(ROLE, Role.OPERATE) is Role.OPERATE


def view_for(request: Request, view: AccountView) -> AccountView:
    """An account as whoever asks may see it."""
    return view if sees_numbers(request) else masked_view(view)


def lines_for(request: Request, lines: AsyncIterator[Sequence[LedgerLine]]) -> AsyncIterator[Sequence[LedgerLine]]:
    """Lines of the ledger as whoever asks may see them."""
    return lines if sees_numbers(request) else _masked(lines)


async def _masked(chunks: AsyncIterator[Sequence[LedgerLine]]) -> AsyncGenerator[Sequence[LedgerLine], None]:
    try:
        async for chunk in chunks:
            yield [masked_line(line) for line in chunk]
    finally:
        if isinstance(chunks, AsyncGenerator):
            await chunks.aclose()
