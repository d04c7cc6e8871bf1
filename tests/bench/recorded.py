"""A recorded load: the calls of some thousand accounts, report by report, as switches say them, in the order of time.

Calls begin evenly over the whole history; each is answered, goes on for five ticks and ends, and one attempt in ten
fails. One call in four goes abroad. Switches state charge and rate. No account comes near its limit: what is measured
is the work that reports make, not that of decisions.
"""

from __future__ import annotations

from typing import Final, NamedTuple

ACCOUNTS: Final = 5_000
SPAN_S: Final = 240
TICK_S: Final = 10
TICKS: Final = 5
REPORTS_A_CALL: Final = TICKS + 2
ABROAD_EVERY: Final = 4
FAILS_EVERY: Final = 10


class Recorded(NamedTuple):
    """One report."""

    at_s: float
    account: str
    payload: bytes


def recorded(reports: int, began_s: float, *, accounts: int = ACCOUNTS) -> list[Recorded]:
    """So many reports at least, and all of each call; the first is of `began_s`, the last some five minutes later."""
    calls = -(-reports // REPORTS_A_CALL)
    made = []
    for call in range(calls):
        account = f"A{call * 7_919 % accounts:07d}"
        answered_s = began_s + SPAN_S * call / calls
        if call % FAILS_EVERY == 0:
            made.append(_report(call, "failed", account, answered_s, 0))
        made.append(_report(call, "answered", account, answered_s, 0))
        made += [_report(call, "tick", account, answered_s, tick * TICK_S) for tick in range(1, TICKS + 1)]
        made.append(_report(call, "ended", account, answered_s, (TICKS + 1) * TICK_S))
    made.sort()
    return made


def _report(call: int, event: str, account: str, answered_s: float, duration_s: int) -> Recorded:
    abroad = call % ABROAD_EVERY == 0
    rate_micros = 120_000 if abroad else 10_000
    charge_micros = rate_micros * duration_s // 60
    at_s = answered_s + duration_s
    payload = (
        b'{"call":"%s%07d","event":"%s","account":"%s","to":"%s%06d","from":"+16475550100","at":%.3f,'
        b'"duration_ms":%d,"charge":"0.%06d","rate":"0.%06d"}'
    ) % (
        b"f" if event == "failed" else b"c",
        call,
        event.encode(),
        account.encode(),
        b"+44207" if abroad else b"+16135",
        call % 1_000_000,
        at_s,
        duration_s * 1_000,
        charge_micros,
        rate_micros,
    )
    return Recorded(at_s, account, payload)
