"""Posting: the ledger line of a call, made of the call as it stands when it is posted.

Moving what is owed and writing the line are one step (`World.line`); this only says what the line says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from guard.core.decisions import LedgerLine, LineKind
from guard.core.money import Micros

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.calls import Call


class Posted(NamedTuple):
    """The call that a ledger line is about."""

    call: Call
    gross_micros: int
    """What it would be without a plan, or by how much that changes, like the other figures."""
    billed_s: int
    """Seconds charged for, if guard rates it."""
    covered_s: int
    """Of these: seconds that the plan's quota covers."""


def call_line(  # noqa: PLR0917 -- what `World.line` was told
    number: int, account: Account, kind: LineKind, amount_micros: int, at_ms: int, posted: Posted, text: str
) -> LedgerLine:
    """The line that says what a call has moved."""
    call = posted.call
    destination = call.place.destination if call.place.priced else None
    return LedgerLine(
        number=number,
        account=account.id,
        at_ms=at_ms,
        kind=kind,
        amount_micros=Micros(amount_micros),
        currency=account.currency,
        switch=call.switch.name,
        call=call.id,
        to=call.to,
        direction=call.direction.value if call.direction else "outgoing",
        duration_ms=call.duration_ms,
        emergency=call.emergency,
        text=text,
        gross_micros=Micros(posted.gross_micros),
        billed_s=posted.billed_s,
        covered_s=posted.covered_s,
        kind_of_call=destination.kind.value if destination else "",
        destination=destination.name if destination else "",
    )
