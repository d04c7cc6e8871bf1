"""The codec alone, in time of the processor: reports and billing messages in, commands out."""

from __future__ import annotations

import time
from collections.abc import Callable

from guard.core.decisions import Command, CommandAction, Reason
from guard.core.emergency import EmergencyNumbers
from guard.core.records import Scope
from guard.wire.billing import decode_billing
from guard.wire.commands import encode_command
from guard.wire.reports import decode_reports
from tests.bench.blaster import reports

NOW_S = 1_800_000_000.0
REPORTS = 20_000
ARRAY = 100
ROUNDS = 3
PAYMENT = (
    b'{"type":"payment","id":"p%d","account":"A1001","amount":"120.00","method":"card","status":"posted",'
    b'"at":"2026-11-22T03:12:45Z"}'
)


def _best_us(work: Callable[[], None], times: int) -> float:
    """Microseconds of one of `times`, in the best of some rounds: what disturbs only adds."""
    spent = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent) / times * 1e6


def run(show: Callable[[str], None]) -> dict[str, float]:
    """Microseconds a report, a message, a command."""
    now_ms = int(NOW_S * 1_000)
    single = reports(0, REPORTS, 1_000, 10_000, lambda _number: NOW_S)
    arrays = [b"[" + b",".join(single[i : i + ARRAY]) + b"]" for i in range(0, REPORTS, ARRAY)]
    payments = [PAYMENT % number for number in range(2_000)]
    command = Command(
        id="01M83YJC3C261XQCWDGBSGMFJY",
        seq=7,
        action=CommandAction.BLOCK,
        account="A1001",
        scope=Scope.ALL,
        end_calls=True,
        emergency=EmergencyNumbers(),
        reason=Reason.CREDIT_LIMIT,
        at_ms=now_ms,
    )

    def decode(payloads: list[bytes]) -> Callable[[], None]:
        def work() -> None:
            for payload in payloads:
                decode_reports(payload, now_ms)

        return work

    def billing() -> None:
        for payload in payments:
            decode_billing(payload)

    def encode() -> None:
        for _ in range(2_000):
            encode_command(command)

    figures = {
        "codec_us_single": _best_us(decode(single), REPORTS),
        "codec_us_arrays": _best_us(decode(arrays), REPORTS),
        "codec_us_payment": _best_us(billing, len(payments)),
        "codec_us_command": _best_us(encode, 2_000),
    }
    show(
        f"codec: {figures['codec_us_single']:.2f} microseconds a single report, {figures['codec_us_arrays']:.2f} a "
        f"report in arrays of {ARRAY}, {figures['codec_us_payment']:.1f} a payment, "
        f"{figures['codec_us_command']:.1f} a command"
    )
    return figures
