"""Small makers of attempts and commands for the tests of the simulated switch."""

from __future__ import annotations

from guard.core.decisions import Command, CommandAction, Reason, SnapshotEntry, SnapshotPart
from guard.core.emergency import EmergencyNumbers
from guard.core.records import Direction, Event, Report, Scope
from guard.replay.attempts import Attempt

T0 = 1_764_000_000_000
"""When the tests' stories begin."""
FAR = "+25377123456"
NEAR = "+14165550123"


def attempt(
    account: str = "A1",
    to: str = FAR,
    *,
    direction: Direction = Direction.OUTGOING,
    rate_micros: int = 6_000_000,
    talk_ms: int = 60_000,
    answered: bool = True,
    lines: int = 0,
    emergency: bool = False,
) -> Attempt:
    return Attempt(
        offset_ms=0,
        account=account,
        to=to,
        caller="+14165550100",
        direction=direction,
        rate_micros=rate_micros,
        talk_ms=talk_ms,
        answered=answered,
        lines=lines,
        emergency=emergency,
    )


def block(seq: int, account: str = "A1", *, scope: Scope = Scope.ALL, end_calls: bool = True) -> Command:
    return _command(CommandAction.BLOCK, seq, account, scope, end_calls=end_calls)


def unblock(seq: int, account: str = "A1") -> Command:
    return _command(CommandAction.UNBLOCK, seq, account, Scope.ALL, end_calls=False)


def _command(action: CommandAction, seq: int, account: str, scope: Scope, *, end_calls: bool) -> Command:
    return Command(
        id=f"c{seq}",
        seq=seq,
        action=action,
        account=account,
        scope=scope,
        end_calls=end_calls,
        emergency=EmergencyNumbers(),
        reason=Reason.CREDIT_LIMIT,
        at_ms=T0,
    )


def part(
    *blocked: tuple[str, int], snapshot: str = "s1", number: int = 1, of: int = 1, at_ms: int = T0
) -> SnapshotPart:
    return SnapshotPart(
        id=snapshot,
        part=number,
        of=of,
        at_ms=at_ms,
        blocked=tuple(
            SnapshotEntry(account=account, seq=seq, scope=Scope.ALL, end_calls=True) for account, seq in blocked
        ),
        emergency=EmergencyNumbers(),
    )


def told(reports: list[Report]) -> list[tuple[str, Event]]:
    """Call and event of each report: what a test of order wants to see."""
    return [(report.call, report.event) for report in reports]
