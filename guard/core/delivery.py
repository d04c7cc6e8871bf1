"""Delivery: making every switch agree with the desired state, however often messages are lost.

Each known switch has its own list of commands it has not acknowledged. A command is sent again after 0.25, 0.5, 1, 2
... at most 15 s, not while the switch is down; on-call is told after 30 s, once for the switch and not for each of its
commands: a dead switch may have a thousand. It is told again only when a further command has waited 30 s and either
nothing had waited in between or an hour has gone by; and once more when nothing waits any more. A newer command for an
account takes the place of an older one: a `block` states the whole desired state, so nothing is lost by that. A switch
that is absent (`guard.core.presence`) is given a new command once; all of them when it is back.

A switch that comes up, is heard for the first time, or sees guard start gets a snapshot: the whole truth in parts of
at most 500 entries that share one id. A snapshot is never resent; unacknowledged, a new one is made. When all parts
are acknowledged, every command that was waiting when it was made is acknowledged with it, unless a newer one has
taken its place. An acknowledgement that does not say its part counts as one part.

Where several engines share a switch (`World.composed`), each makes its part of the snapshot, and the whole goes a
longer way than commands do (`guard.core.composer`): a command that was given since may have been overtaken by it, and
undone. So such commands are sent again when the snapshot has been acknowledged. And it may lack the part of an engine
that nobody runs right now, or whoever composes: then none comes, and a switch that has just started would know of no
block at all. So after seven seconds each block is commanded by itself.

An ack is not proof. The time of it (in the switch's clock) is kept per blocked account, and a call in scope that
ticks more than `DEFIANCE_MS` after it makes the command wait again (`unsettle`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from guard.core.decisions import (
    Command,
    CommandAction,
    Notice,
    NoticeKind,
    Reason,
    Send,
    SnapshotEntry,
    SnapshotPart,
)
from guard.core.identity import derived_id
from guard.core.records import Ack, Scope
from guard.core.spokesman import UNCONFIRMED

if TYPE_CHECKING:
    from guard.core.accounts import Account
    from guard.core.switches import Switch
    from guard.core.world import World

FIRST_RESEND_MS = 250
LAST_RESEND_MS = 15_000
FIRST_REMAKE_MS = 1_000
"""A snapshot is bigger than a command: it gets a second before a new one is made."""
NO_WHOLE_MS = 8 * FIRST_REMAKE_MS
"""The pause before the fourth: there may be no whole, so what is known here is said without the rest."""
TELL_AFTER_MS = 30_000
TELL_AGAIN_MS = 3_600_000
"""A command that a switch will never acknowledge must not hide for ever that others wait there too."""
DEFIANCE_MS = 5_000
PART_ENTRIES = 500

_Key = tuple[int, str, str]


@dataclass(slots=True)
class Pending:
    """A command that a switch has not acknowledged."""

    account: str
    seq: int
    since_ms: int
    resend_ms: int = FIRST_RESEND_MS
    due_ms: int = 0
    error: str = ""
    """What the switch said last, when it refused it."""
    refused_ms: int = 0
    told: bool = False


@dataclass(slots=True)
class Snapshot:
    """The snapshot a switch is being given."""

    id: str
    of: int
    covers: dict[str, Pending]
    """Commands, by id, that were waiting when it was made."""
    blocked: tuple[str, ...]
    acked_parts: set[int] = field(default_factory=set)
    acked_unnamed: int = 0
    remake_ms: int = FIRST_REMAKE_MS
    commanded: dict[str, None] = field(default_factory=dict)
    """Accounts that were given a command since it was made; only noted where it may arrive after them."""


def command_of(account: Account, world: World) -> Command | None:
    """The command that states the account's desired state, as it was first given: a resend is the same command."""
    row = account.command
    if row is None:
        return None
    return Command(
        id=row.id,
        seq=account.seq,
        action=CommandAction(row.action),
        account=account.id,
        scope=Scope(row.scope),
        end_calls=row.end_calls,
        emergency=world.settings.emergency,
        reason=Reason(row.reason),
        at_ms=row.at_ms,
        until_ms=row.until_ms,
    )


class Delivery:
    """The outbox of all switches."""

    __slots__ = ("_world", "due")

    def __init__(self, world: World) -> None:
        self._world = world
        self.due: list[_Key] = []
        """Heap of moments at which to see to a command or a snapshot (switch, its id)."""

    def restore(self, switch: Switch, account_id: str, seq: int, now_ms: int) -> None:
        """After a restart: this command still waits; it is sent when guard can be heard."""
        command = self._world.accounts[account_id].command
        if command is not None:
            switch.pending[command.id] = Pending(account_id, seq, since_ms=now_ms)
            heappush(self.due, (now_ms + TELL_AFTER_MS, switch.name, command.id))

    # -- what is wanted

    def issue(self, account: Account, replaces: str, now_ms: int) -> None:
        """A new command for an account is to reach every known switch; `replaces` is the id of the one before."""
        world = self._world
        for switch in world.switches.values():
            switch.pending.pop(replaces, None)
            switch.refused.pop(replaces, None)
            switch.acked_at_ms.pop(account.id, None)
            if self._world.composed and switch.snapshot is not None:
                switch.snapshot.commanded[account.id] = None
            self._await_ack(switch, account, now_ms)

    def unsettle(self, switch: Switch, account: Account, now_ms: int) -> None:
        """A switch acknowledged a block and does not keep it: the command waits again."""
        switch.acked_at_ms.pop(account.id, None)
        self._await_ack(switch, account, now_ms)

    def _await_ack(self, switch: Switch, account: Account, now_ms: int) -> None:
        command = command_of(account, self._world)
        if command is None:
            return
        pending = Pending(account.id, account.seq, since_ms=now_ms)
        switch.pending[command.id] = pending
        switch.refused.pop(command.id, None)
        self._world.waiting[switch.name, account.id] = account.seq
        heappush(self.due, (now_ms + TELL_AFTER_MS, switch.name, command.id))
        if switch.up:
            self._send(switch, command, pending, now_ms)

    def _send(self, switch: Switch, command: Command, pending: Pending, now_ms: int) -> None:
        self._world.changes.sends.append(Send(switch.name, command))
        pending.due_ms = now_ms + pending.resend_ms
        pending.resend_ms = min(LAST_RESEND_MS, pending.resend_ms * 2)
        heappush(self.due, (pending.due_ms, switch.name, command.id))

    # -- snapshots

    def synchronise(self, switch: Switch, now_ms: int, remake_ms: int = FIRST_REMAKE_MS) -> None:
        """Give a switch the whole truth."""
        world = self._world
        entries = [
            SnapshotEntry(
                account=account.id,
                seq=account.seq,
                scope=Scope(account.command.scope),
                end_calls=account.command.end_calls,
            )
            for account in world.blocked.values()
            if account.command is not None
        ]
        switch.snapshots_made += 1
        snapshot_id = derived_id(now_ms, "snapshot", switch.name, switch.snapshots_made)
        parts = [entries[i : i + PART_ENTRIES] for i in range(0, len(entries), PART_ENTRIES)] or [[]]
        switch.synced = False
        switch.snapshot = Snapshot(
            id=snapshot_id,
            of=len(parts),
            covers=dict(switch.pending),
            blocked=tuple(entry.account for entry in entries),
            remake_ms=min(LAST_RESEND_MS, remake_ms * 2),
        )
        heappush(self.due, (now_ms + remake_ms, switch.name, snapshot_id))
        for number, part in enumerate(parts, 1):
            message = SnapshotPart(
                id=snapshot_id,
                part=number,
                of=len(parts),
                at_ms=now_ms,
                blocked=tuple(part),
                emergency=world.settings.emergency,
            )
            world.changes.sends.append(Send(switch.name, message))

    def _command_each(self, switch: Switch, now_ms: int) -> None:
        """Every block that it may have forgotten."""
        for account in self._world.blocked.values():
            if account.command is not None and account.command.id not in switch.pending:
                self.unsettle(switch, account, now_ms)

    def resend_all(self, switch: Switch, now_ms: int) -> None:
        """Send what waits at a switch now, its back-off beginning anew (after a restart or a new connection)."""
        for command_id, pending in list(switch.pending.items()):
            command = command_of(self._world.accounts[pending.account], self._world)
            if command is None or command.id != command_id:
                self._settle(switch, command_id, now_ms)
                continue
            pending.resend_ms = FIRST_RESEND_MS
            self._send(switch, command, pending, now_ms)

    # -- acknowledgements

    def acknowledge(self, switch: Switch, ack: Ack, now_ms: int) -> None:
        """Take a switch's answer; one to a command that has been replaced means nothing."""
        at_ms = ack.at_ms if ack.at_ms is not None else now_ms + switch.skew_ms
        snapshot = switch.snapshot
        if snapshot is not None and snapshot.id == ack.id:
            if ack.ok:
                self._acknowledge_part(switch, snapshot, ack.part, at_ms, now_ms)
            return
        pending = switch.pending.get(ack.id)
        if pending is None:
            return
        if not ack.ok:
            error = ack.error or "no reason given"
            if pending.error != error:
                pending.error, pending.refused_ms = error, now_ms
                switch.refused.pop(ack.id, None)
                switch.refused[ack.id] = pending
                self._tell_refused(switch, pending, now_ms)
            return
        self._world.confirm_ms.append(now_ms - pending.since_ms)
        self._settle(switch, ack.id, now_ms)
        account = self._world.accounts[pending.account]
        if account.causes:
            switch.acked_at_ms[account.id] = at_ms

    def _acknowledge_part(self, switch: Switch, snapshot: Snapshot, part: int | None, at_ms: int, now_ms: int) -> None:
        if part is None:
            snapshot.acked_unnamed += 1
        elif 1 <= part <= snapshot.of:
            snapshot.acked_parts.add(part)
        if len(snapshot.acked_parts) + snapshot.acked_unnamed < snapshot.of:
            return
        switch.snapshot = None
        switch.synced = True
        for command_id, pending in snapshot.covers.items():
            # A command that began to wait again since (the switch did not keep it) is not covered.
            if switch.pending.get(command_id) is pending:
                self._world.confirm_ms.append(now_ms - pending.since_ms)
                self._settle(switch, command_id, now_ms)
        for account_id in snapshot.blocked:
            if self._world.accounts[account_id].causes:
                switch.acked_at_ms.setdefault(account_id, at_ms)
        for account_id in snapshot.commanded:
            self.unsettle(switch, self._world.accounts[account_id], now_ms)

    def _settle(self, switch: Switch, command_id: str, now_ms: int) -> None:
        pending = switch.pending.pop(command_id)
        switch.refused.pop(command_id, None)
        self._world.waiting[switch.name, pending.account] = None
        if not switch.pending and switch.told_at_ms is not None:
            switch.told_at_ms = None
            self._world.touch_switch(switch)
            text = f"Switch {switch.name} has acknowledged every command."
            notice = Notice(kind=NoticeKind.UNCONFIRMED, at_ms=now_ms, switch=switch.name, text=text, over=True)
            self._world.spokesman.tell(notice, UNCONFIRMED)

    # -- time

    def advance(self, now_ms: int) -> None:
        """Send again what has come due by now; tell on-call what has waited too long."""
        while self.due and self.due[0][0] <= now_ms:
            due_ms, name, message_id = heappop(self.due)
            switch = self._world.switches[name]
            pending = switch.pending.get(message_id)
            if pending is not None and not pending.told and now_ms - pending.since_ms >= TELL_AFTER_MS:
                pending.told = True
                self._tell_unconfirmed(switch, pending, now_ms)
            if not switch.present:
                continue
            snapshot = switch.snapshot
            if snapshot is not None and snapshot.id == message_id:
                if self._world.composed and snapshot.remake_ms == NO_WHOLE_MS:
                    self._command_each(switch, now_ms)
                self.synchronise(switch, now_ms, snapshot.remake_ms)
                continue
            if pending is None or pending.due_ms != due_ms:
                continue
            command = command_of(self._world.accounts[pending.account], self._world)
            if command is None or command.id != message_id:
                self._settle(switch, message_id, now_ms)
                continue
            self._send(switch, command, pending, now_ms)

    def _tell_unconfirmed(self, switch: Switch, pending: Pending, now_ms: int) -> None:
        lately = switch.told_at_ms is not None and now_ms - switch.told_at_ms < TELL_AGAIN_MS
        if lately or (switch.up and not switch.present):
            # Told already; of a switch that is absent, too, that is all there is to tell.
            return
        switch.told_at_ms = now_ms
        self._world.touch_switch(switch)
        waited_s = (now_ms - pending.since_ms) // 1_000
        what_now = "it is being sent again" if switch.up else "the switch is down"
        waiting = len(switch.pending)
        more = f"; {waiting:,} commands wait there in all" if waiting > 1 and not self._world.composed else ""
        self._world.spokesman.tell(
            Notice(
                kind=NoticeKind.UNCONFIRMED,
                at_ms=now_ms,
                switch=switch.name,
                account=pending.account if waiting == 1 else "",
                text=f"Switch {switch.name} has not acknowledged a command for {waited_s} s; {what_now}{more}.",
            ),
            UNCONFIRMED,
        )

    def _tell_refused(self, switch: Switch, pending: Pending, now_ms: int) -> None:
        self._world.notice_once(
            Notice(
                kind=NoticeKind.REFUSED,
                at_ms=now_ms,
                switch=switch.name,
                account=pending.account,
                text=f"Switch {switch.name} refused a command: {pending.error}.",
            ),
            about=f"{pending.seq} {pending.error}",
        )
