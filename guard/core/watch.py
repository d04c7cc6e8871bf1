"""The watch: what becomes of a call that nobody mentions any more.

Every live call has one entry here: a moment at which to see whether it still speaks. A call that its talking switch no
longer mentions stops growing after `stale_after`. If the whole switch is silent or down, the call goes on growing for
`blind_carry`, because that is what a dead monitor looks like, and on-call is told. After `lost_after` a call is posted
at its last reported charge (contract 2, Time). Looking costs each call one step per period, never a scan.
"""

from __future__ import annotations

from heapq import heappop, heappush, heapreplace
from typing import TYPE_CHECKING

from guard.core.calls import GROWING, Call
from guard.core.decisions import LineKind
from guard.core.money import fits
from guard.core.switches import LAG_MS, Switch

if TYPE_CHECKING:
    from guard.core.detection import Detection
    from guard.core.judge import Judge
    from guard.core.memory import Memory
    from guard.core.presence import Presence
    from guard.core.world import World

_MOST_FROZEN_SCALED = 2**62
"""What a store can hold in one integer; a single call beyond it is a misprint in a rate, not money."""


class Watch:
    """Looks at every live call when its time has come."""

    __slots__ = ("_judge", "_memory", "_presence", "_world", "detection", "due")

    def __init__(
        self, world: World, judge: Judge, memory: Memory, presence: Presence, detection: Detection | None
    ) -> None:
        self._world = world
        self._judge = judge
        self._memory = memory
        self._presence = presence
        self.detection = detection
        self.due: list[tuple[int, str, str]] = []
        """Heap of moments at which to look at a call (switch, call); what the call has overtaken is nothing."""

    def at(self, call: Call, due_ms: int) -> None:
        """Look at a call at that moment, in place of the one before."""
        call.watch_due_ms = due_ms
        heappush(self.due, (due_ms, call.switch.name, call.id))

    def advance(self, now_ms: int) -> None:
        """Look at the one call whose moment has come."""
        due_ms, name, call_id = heappop(self.due)
        switch = self._world.switches[name]
        call = switch.calls.get(call_id)
        if call is None or call.watch_due_ms != due_ms:
            return
        settings = self._world.settings
        lost_ms = call.last_known_at_ms() + settings.lost_after_ms
        if switch.lagging:
            self.at(call, now_ms + LAG_MS)
        elif now_ms >= lost_ms:
            self._lose(call, now_ms)
        elif not switch.ticks:
            self.at(call, lost_ms)
        elif call.silent_carry_scaled != GROWING:
            self._look_again(switch, call, now_ms, lost_ms)
        else:
            self._look_for_silence(switch, call, now_ms, lost_ms)

    def skip(self, until_ms: int) -> None:
        """Look at calls whose moment comes by then, as far as nothing comes of it but a later moment."""
        due, settings = self.due, self._world.settings
        while due and due[0][0] <= until_ms:
            due_ms, name, call_id = due[0]
            switch = self._world.switches[name]
            call = switch.calls.get(call_id)
            if call is None or call.watch_due_ms != due_ms:
                heappop(due)
                continue
            if switch.lagging or not switch.ticks or call.silent_carry_scaled != GROWING:
                return
            stale_ms = self._stale_ms(switch, call)
            if due_ms >= min(stale_ms, call.last_known_at_ms() + settings.lost_after_ms):
                return
            call.watch_due_ms = stale_ms
            heapreplace(due, (stale_ms, name, call_id))

    def _look_for_silence(self, switch: Switch, call: Call, now_ms: int, lost_ms: int) -> None:
        settings = self._world.settings
        stale_ms = self._stale_ms(switch, call)
        silent_ms = switch.last_heard_ms + settings.stale_after_ms
        blind_ms = switch.last_heard_ms + settings.blind_carry_ms
        if now_ms < stale_ms:
            self.at(call, stale_ms)
        elif switch.up and now_ms < silent_ms - min(LAG_MS, settings.stale_after_ms // 2):
            # Its switch has spoken since. It may have fallen silent itself just then: look again when that would show.
            self._fall_silent(call, stale_ms, now_ms)
            self.at(call, silent_ms)
        elif now_ms >= blind_ms:
            self._fall_silent(call, blind_ms, now_ms)
            self.at(call, lost_ms)
        elif switch.up and now_ms < silent_ms:
            self.at(call, silent_ms)
        else:
            # The whole switch is silent. It may speak again at any moment: look again after one more period.
            self._presence.go_blind(switch, now_ms)
            self.at(call, min(blind_ms, now_ms + settings.stale_after_ms))

    def _look_again(self, switch: Switch, call: Call, now_ms: int, lost_ms: int) -> None:
        """A call that fell silent alone stays so, unless it turns out that the whole switch did."""
        settings = self._world.settings
        blind_ms = switch.last_heard_ms + settings.blind_carry_ms
        if switch.last_heard_ms >= self._stale_ms(switch, call) or now_ms >= blind_ms:
            self.at(call, lost_ms)
            return
        world = self._world
        call.silent_carry_scaled = GROWING
        world.move(call)
        self._presence.go_blind(switch, now_ms)
        self.at(call, min(blind_ms, now_ms + settings.stale_after_ms))
        self._judge.judge(call.account, now_ms, now_ms)

    def _stale_ms(self, switch: Switch, call: Call) -> int:
        """When the call has been silent for too long; a pause of its switch is not held against it."""
        return max(call.last_known_at_ms(), switch.talking_since_ms) + self._world.settings.stale_after_ms

    def _fall_silent(self, call: Call, stop_ms: int, now_ms: int) -> None:
        """The call grows no more; what it had grown to until `stop_ms` stays in flight."""
        world = self._world
        grown = call.growth_micros * max(0, stop_ms - call.last_known_at_ms())
        call.silent_carry_scaled = min(grown, _MOST_FROZEN_SCALED)
        world.move(call)
        self._judge.judge(call.account, now_ms, now_ms)

    def _lose(self, call: Call, now_ms: int) -> None:
        """Nothing for hours: post what was last reported; a later `ended` posts the difference."""
        if not fits(call.account.owed_micros + call.charge_micros - call.posted_micros):
            # Other money came in between, and the sum would overflow: the call waits until it fits.
            self.at(call, now_ms + self._world.settings.lost_after_ms)
            return
        self._memory.post(call, LineKind.LOST, call.at_ms, lost=True)
        if self.detection is not None:
            self.detection.over(call, call.untold[0] if call.untold is not None else 0, now_ms)
        self._judge.judge(call.account, now_ms, now_ms)

    def restore(self, now_ms: int) -> None:
        """After a restart: look at every live call when its time has come."""
        for switch in self._world.switches.values():
            for call in switch.calls.values():
                settings = self._world.settings
                silent = call.silent_carry_scaled != GROWING
                wait_ms = settings.lost_after_ms if silent else settings.stale_after_ms
                self.at(call, max(now_ms, call.last_known_at_ms() + wait_ms))
