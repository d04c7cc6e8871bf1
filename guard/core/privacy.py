"""Who is told which number: called numbers are personal data, and most readers need no more than their beginning.

Decisions and notices are made with masked numbers (`guard.core.sentences`), so nothing that is told of them can say
more. This module is for what holds whole numbers because somebody has to act on them, calls that are up and lines of
the ledger, when it is shown to somebody who does not; for words that come from outside and may hold anything; and for
what is left of a decision when the details of its calls are deleted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple, cast

from guard.core.decisions import Decision, KeptRow, LedgerLine
from guard.core.rules.fading import faded
from guard.core.rules.rows import SubjectRow
from guard.core.sentences import masked
from guard.core.views import AccountView

_NUMBER = re.compile(r"\+?[0-9](?:[ ()-]{0,2}[0-9]){6,}")
"""Seven digits and more, as people and programs write a number; counts and addresses of machines have fewer."""
_GONE = "***"
_HARMLESS_KEY = re.compile(r"[A-Z]{2}|[0-9]{1,8}|[a-z_]*|.*\*\*\*.*")
"""A country, a tariff's prefix, a class of calls, a cause, a masked number: no address and no name of a call."""
_PUNCTUATION = str.maketrans("", "", " ()-")


def without_numbers(text: str) -> str:
    """The same words, with whatever in them may be a called number masked."""
    return _NUMBER.sub(lambda found: masked(found[0].translate(_PUNCTUATION)), text)


def masked_view(view: AccountView) -> AccountView:
    """The picture of an account with the numbers of its calls masked."""
    if not view.live_calls:
        return view
    calls = tuple(replace(call, to=masked(call.to), caller=masked(call.caller)) for call in view.live_calls)
    return replace(view, live_calls=calls)


def masked_line(line: LedgerLine) -> LedgerLine:
    """A line of the ledger with the number called masked."""
    return replace(line, to=masked(line.to)) if line.to else line


class Deleted(NamedTuple):
    """What a step of deleting old call details came to, in rows that were changed or deleted."""

    lines: int = 0
    """Of the ledger: the number called and the call's own name are gone, the money stays."""
    decisions: int = 0
    reports: int = 0
    """In quarantine."""
    profiles: int = 0
    more: bool = False
    """There may be more to do."""
    waiting: bool = False
    """An account that is to be forgotten has to wait until its last lines are in their place, which takes seconds."""


def without_details(decision: Decision) -> Decision:
    """What stays of a decision: all but the address or the call that its rule counted by."""
    key = decision.key
    if _HARMLESS_KEY.fullmatch(key):
        return decision
    # Of a call the key is its switch and its own name; a sentence has the whole key, if at all.
    evidence = tuple(replace(each, value=each.value.replace(key, _GONE)) for each in decision.evidence)
    return replace(decision, key=_GONE, text=decision.text.replace(key, _GONE), evidence=evidence)


def changed_by_fading(rows: Sequence[KeptRow], now_ms: int, keep_days: int) -> list[KeptRow]:
    """Of what is kept of accounts (kind `subject`), the rows that are to be written again; unreadable ones are not."""
    readable = [row for row in rows if row.row is not None]
    new = [row._replace(row=faded(cast("SubjectRow", row.row), now_ms, keep_days)) for row in readable]
    return [now for now, before in zip(new, readable, strict=True) if now != before]
