"""Presence: whether guard hears its switches, and what it tells on-call when it does not.

    heard --- silent with calls up ---------------> calls_up --.
      |------ silent longer than chance explains -> unusual ---+-- no word for a day, no answer --> absent
      `-------------------------------------------------------'
    and back to `heard` with the next report or `status up`; from `absent` with the next word of any kind

**One matter a switch.** Each step is told once, the end of all of them once (a notice that is `over`), also if guard
was restarted in between. Silence is counted in reports: a switch whose module that reports is gone still acknowledges.

* `calls_up` is the watch's finding (`guard.core.watch`): it moves money. * `unusual` needs no call: fewer calls have
come than this hour of the week explains (`guard.core.expectation`), for at   least `silent_after`. * `absent`: nothing
of any kind for `absent_after`, no call up. Then guard asks: it gives the switch a snapshot, which   whoever lives
acknowledges. Who does not within `ANSWER_WITHIN_MS` is known but absent: a block counts as confirmed   without it, and
it is given each new command once and not again. Its next word brings it everything, as if it came up.

**Time.** Silence is about when something was received, so it is measured by our clock, and only while guard can hear:
it counts anew from the start, from each connection to the broker, from a step of the clock. A backlog is noise, not
silence. Moments are computed and lie on a heap, one for each switch; a switch that talks is looked at once in
`silent_after`, and nothing is done for a report.

**Down.** A switch that said `down` is up again with a `status up`, with a report of a later time, or with an
acknowledgement that cannot be one that was on its way: of a later time, and at least `LATE_ACK_MS` after. Otherwise a
late acknowledgement would hide that it is down, and commands would be sent to nobody.

**Among partitions** each sees some calls of a switch and all hear whether it talks. Its home speaks for all of them
(`guard.core.spokesman`): it is told when another has calls up, and hour by hour how many calls the others saw begin,
so it knows what is usual an hour later than a daemon does. Whoever is not the home tells nobody anything.

**The broker** is away when guard is not subscribed for `away_after`; switches are not blamed for that
(`guard.core.matters`).
"""

from __future__ import annotations

from heapq import heappop, heappush
from typing import TYPE_CHECKING

from guard.core import silence
from guard.core.decisions import KeptRow, Notice, NoticeKind
from guard.core.expectation import HOURS_OF_WEEK, LEARNED
from guard.core.matters import Matters
from guard.core.neighbours import CallsBrought, Matter, SwitchSilent, SwitchWord
from guard.core.partitions import partition_of
from guard.core.rows import ExpectationRow
from guard.core.settings import HOUR_MS, SwitchSettings
from guard.core.switches import DOUBT_MS, LAG_MS, QUIET_MS, Silence, Switch

if TYPE_CHECKING:
    from guard.core.decisions import Changes
    from guard.core.delivery import Delivery
    from guard.core.records import Ack
    from guard.core.world import World

KIND = "expectation"
"""Of the rows that are kept."""
ANSWER_WITHIN_MS = 60_000
"""A snapshot is made anew after 1, 2, 4 ... s: a switch that lives has had six of them by then."""
LATE_ACK_MS = LAG_MS
_AS_DECLARED = SwitchSettings()


class Presence:
    """Of all switches."""

    __slots__ = (
        "_away_due_ms",
        "_delivery",
        "_due",
        "_hearing_since_ms",
        "_hour_ends_ms",
        "_learned",
        "_speaks_for",
        "_world",
        "matters",
    )

    def __init__(self, world: World, delivery: Delivery, now_ms: int) -> None:
        self._world = world
        self._delivery = delivery
        self._due: list[tuple[int, str]] = []
        self._hearing_since_ms: int | None = None
        """None: not subscribed."""
        self._away_due_ms: int | None = None
        self.matters = Matters(world)
        self._hour_ends_ms = (now_ms // HOUR_MS + 1) * HOUR_MS
        self._speaks_for = world.spokesman.speaks_for
        self._learned: dict[str, Switch] = {}
        """Have learned something that is not stored yet."""

    # -- the broker, our clock

    def subscribed(self, now_ms: int) -> None:
        """Guard can hear and be heard (again): whatever waits is sent now, and every switch is told the whole truth.

        What queued at the broker meanwhile is about to be read, so calls count only what they state until it has been.
        """
        self._away_due_ms = None
        self.matters.broker_back(now_ms)
        for switch in self._world.switches.values():
            switch.hears_since_ms = now_ms
            # Also without calls up: one may have begun, and ended, in what is about to be read.
            self._hold(switch, max(now_ms + QUIET_MS, switch.doubt_until_ms))
            if switch.up:
                self._delivery.resend_all(switch, now_ms)
            self._delivery.synchronise(switch, now_ms)
        self._listen_anew(now_ms)

    def cut_off(self, now_ms: int) -> None:
        """Guard cannot hear: it lost a session with the broker, or never had it."""
        self._hearing_since_ms = None
        for switch in self._world.switches.values():
            switch.expectation.spoilt = True
        if self._away_due_ms is None:
            self._away_due_ms = now_ms + self._world.settings.away_after_ms

    def clock_stepped(self, now_ms: int, step_ms: int) -> None:
        """Our own clock was set: what calls have grown to cannot be told from it until the switches have spoken again.

        Nothing is carried forward meanwhile, or a step of an hour would block everybody with a call up. A switch that
        is not in that hour has another distance to our clock now; else its next call would seem to be an hour old.
        """
        for switch in self._world.switches.values():
            switch.our_clock_stepped(step_ms)
            self._world.touch_switch(switch)
            switch.last_heard_ms = min(switch.last_heard_ms, now_ms)
            switch.last_seen_ms = min(switch.last_seen_ms, now_ms)
            switch.hears_since_ms = min(switch.hears_since_ms, now_ms)
            if switch.calls:
                switch.doubt_until_ms = now_ms + DOUBT_MS
                self._hold(switch, now_ms + DOUBT_MS)
        self._hour_ends_ms = (now_ms // HOUR_MS + 1) * HOUR_MS
        if self._hearing_since_ms is not None:
            self._listen_anew(now_ms)

    def _listen_anew(self, now_ms: int) -> None:
        """Whatever silence there was is no switch's fault."""
        self._hearing_since_ms = now_ms
        self._due.clear()
        for switch in self._world.switches.values():
            switch.expectation.spoilt = True
            switch.look_due_ms = None
            self._schedule(switch, now_ms)

    def _hold(self, switch: Switch, until_ms: int) -> None:
        """Carry nothing forward at a switch until a report comes that proves that all has been read, or until then."""
        self._world.lag(switch, until_ms)
        for call in switch.calls.values():
            switch.parked[call.account.id] = None

    # -- what a switch says

    def met(self, switch: Switch, now_ms: int) -> None:
        """It is known from now on, and told the whole truth."""
        self.matters.met(switch.name, now_ms)
        self._delivery.synchronise(switch, now_ms)
        self._schedule(switch, now_ms)

    def came_up(self, switch: Switch, now_ms: int) -> None:
        """It is there (again), and may have forgotten everything: nothing it acknowledged before proves anything."""
        switch.up = True
        switch.heard(now_ms, self._world.settings.stale_after_ms)
        self._world.touch_switch(switch)
        self._end_silence(switch, now_ms)
        switch.acked_at_ms.clear()
        self._delivery.resend_all(switch, now_ms)
        self._delivery.synchronise(switch, now_ms)
        self._schedule(switch, now_ms)

    def went_down(self, switch: Switch, now_ms: int) -> None:
        """It says that it is down, or its last will does."""
        switch.up = False
        switch.last_seen_ms = switch.down_at_ms = now_ms
        switch.snapshot = None
        switch.synced = False
        switch.expectation.spoilt = True
        self._world.touch_switch(switch)
        self.go_blind(switch, now_ms)

    def reported(self, switch: Switch, at_ms: int, now_ms: int) -> None:
        """A report of that time, of a switch that is down or silent; one from before it went down says nothing."""
        self._spoke(switch, at_ms - switch.skew_ms, now_ms)

    def mentioned(self, switch: Switch, now_ms: int) -> None:
        """It reports about accounts of other engines; what it says just after it went down was on its way."""
        self._spoke(switch, now_ms - LATE_ACK_MS, now_ms)

    def _spoke(self, switch: Switch, said_ms: int, now_ms: int) -> None:
        """It has brought reports; said, by our clock, at that time."""
        if not switch.up:
            if said_ms > switch.down_at_ms:
                self.came_up(switch, now_ms)
        elif switch.silence is Silence.ABSENT:
            self.came_up(switch, now_ms)
        else:
            switch.heard(now_ms, self._world.settings.stale_after_ms)
            self._end_silence(switch, now_ms)

    def acknowledged(self, switch: Switch, ack: Ack, now_ms: int) -> None:
        """An acknowledgement: a word of a switch that was absent, and perhaps of one that was down."""
        switch.last_seen_ms = now_ms
        if switch.up:
            back = switch.silence is Silence.ABSENT
        else:
            at_ms = now_ms if ack.at_ms is None else ack.at_ms - switch.skew_ms
            back = min(at_ms, now_ms - LATE_ACK_MS) > switch.down_at_ms
        if back:
            self.came_up(switch, now_ms)

    # -- silence

    def go_blind(self, switch: Switch, now_ms: int) -> None:
        """A switch with live calls says nothing: tell on-call, once per silence."""
        if switch.silence is not None or not switch.calls:
            return
        if not self._speaks_for(switch.name):
            self._world.say(SwitchSilent(switch=switch.name, at_ms=now_ms), partition_of(switch.name))
        self._blind(switch, now_ms)

    def _blind(self, switch: Switch, now_ms: int) -> None:
        text = silence.blind(switch, now_ms, composed=self._world.composed)
        self._fall_silent(switch, Silence.CALLS_UP, text, now_ms)

    def hear(self, sender: int, word: SwitchWord, now_ms: int) -> None:
        """Another partition has something to say about a switch."""
        if isinstance(word, Matter):
            self._world.spokesman.hear(sender, word)
            return
        switch = self._world.switches.get(word.switch)
        if switch is None:
            return
        if isinstance(word, CallsBrought):
            switch.expectation.add(sender, word.hour, word.calls, late=word.late)
        elif switch.silence is None and switch.last_heard_ms < word.at_ms:
            # It has not spoken since.
            self._blind(switch, now_ms)

    def _fall_silent(self, switch: Switch, kind: Silence, text: str, now_ms: int) -> None:
        switch.silence = kind
        self._world.touch_switch(switch)
        self._tell(switch.name, text, now_ms)

    def _end_silence(self, switch: Switch, now_ms: int) -> None:
        if switch.silence is None:
            return
        switch.silence = None
        self._world.touch_switch(switch)
        self._tell(switch.name, f"Switch {switch.name} is heard again.", now_ms, over=True)
        self._schedule(switch, now_ms)

    def _tell(self, switch: str, text: str, now_ms: int, *, over: bool = False) -> None:
        if not self._speaks_for(switch):
            return
        self._world.notice(Notice(kind=NoticeKind.BLIND, at_ms=now_ms, switch=switch, text=text, over=over))

    # -- time

    @property
    def next_due_ms(self) -> int:
        """When something is to be looked at."""
        due = self._hour_ends_ms
        if self._due and self._due[0][0] < due:
            due = self._due[0][0]
        if self._away_due_ms is not None and self._away_due_ms < due:
            due = self._away_due_ms
        return due

    def advance(self, now_ms: int) -> None:
        """Look at every switch whose moment has come, and let hours end, in the order of time."""
        if self._away_due_ms is not None and self._away_due_ms <= now_ms:
            self._tell_away(self._away_due_ms)
        while self.next_due_ms <= now_ms:
            if self._due and self._due[0][0] <= self._hour_ends_ms:
                due_ms, name = heappop(self._due)
                switch = self._world.switches[name]
                if switch.look_due_ms == due_ms:
                    switch.look_due_ms = None
                    self._look(switch, due_ms)
            else:
                self._end_hour(now_ms)

    def reschedule(self, now_ms: int) -> None:
        """The settings are others."""
        for switch in self._world.switches.values():
            self._schedule(switch, now_ms)

    def _tell_away(self, now_ms: int) -> None:
        self._away_due_ms = None
        text = silence.away(self._world.settings.away_after_ms, composed=self._world.composed)
        self.matters.broker_away(text, now_ms)

    def _end_hour(self, now_ms: int) -> None:
        """The hour is learned, unless there was something amiss with it."""
        if self._hearing_since_ms is not None:
            self.matters.end_hour(now_ms)
        hour = self._hour_ends_ms // HOUR_MS - 1
        self._hour_ends_ms = (now_ms // HOUR_MS + 1) * HOUR_MS
        # Nobody looked for hours: what came in them cannot be told apart.
        late = now_ms // HOUR_MS > hour + 1
        for switch in self._world.switches.values():
            amiss = late or self._hearing_since_ms is None or not switch.present
            if self._finish(switch, hour, amiss=amiss):
                self._learned[switch.name] = switch
                # Beside it: when it was last heard, for a restart.
                self._world.touch_switch(switch)
            self._schedule(switch, now_ms)

    def _finish(self, switch: Switch, hour: int, *, amiss: bool) -> bool:
        """That hour of a switch is over; whether something was learned: its home waits for what the others saw."""
        expectation, name = switch.expectation, switch.name
        if not self._world.composed:
            return expectation.finish(hour, spoilt=amiss)
        if self._speaks_for(name):
            learned = expectation.learn_of_all()
            expectation.await_others(hour, spoilt=amiss)
            return learned
        calls, late = expectation.give_away()
        if calls:
            self._world.say(CallsBrought(switch=name, hour=hour, calls=calls, late=late), partition_of(name))
        return False

    def _declared(self, switch: Switch) -> SwitchSettings:
        return self._world.settings.switches.get(switch.name, _AS_DECLARED)

    def _schedule(self, switch: Switch, now_ms: int) -> None:
        """Look at it again when it could be silent for too long, if nothing comes until then."""
        moments = (self._unusual_ms(switch), self._absent_ms(switch))
        due = min((moment for moment in moments if moment is not None), default=None)
        if due is not None:
            due = max(due, now_ms)
            if switch.look_due_ms is None or due < switch.look_due_ms:
                heappush(self._due, (due, switch.name))
                switch.look_due_ms = due

    def _look(self, switch: Switch, now_ms: int) -> None:
        unusual_ms = self._unusual_ms(switch)
        if unusual_ms is not None and unusual_ms <= now_ms:
            self._fall_silent(switch, Silence.UNUSUAL, silence.unusual(switch, now_ms), now_ms)
        absent_ms = self._absent_ms(switch)
        if absent_ms is not None and absent_ms <= now_ms:
            if self._asked_ms(switch) <= switch.last_word_ms:
                switch.asked_at_ms = now_ms
                self._delivery.synchronise(switch, now_ms)
            else:
                self._fall_silent(switch, Silence.ABSENT, silence.absent(switch, now_ms), now_ms)
        self._schedule(switch, now_ms)

    def _unusual_ms(self, switch: Switch) -> int | None:
        """When its silence is no chance any more; None: not foreseeable, or told already."""
        after_ms = self._declared(switch).silent_after_ms
        if self._hearing_since_ms is None or not switch.up or switch.silence is not None or not after_ms:
            return None
        if not self._speaks_for(switch.name):
            return None
        since_ms = max(switch.last_heard_ms, self._hearing_since_ms)
        enough_ms = switch.expectation.enough_ms(since_ms)
        if enough_ms is None:
            return None
        return max(enough_ms, since_ms + after_ms, switch.first_heard_ms + LEARNED * HOURS_OF_WEEK * HOUR_MS)

    def _asked_ms(self, switch: Switch) -> int:
        """When it was last given a snapshot: on connection every switch is."""
        return max(switch.asked_at_ms, self._hearing_since_ms or 0)

    def _absent_ms(self, switch: Switch) -> int | None:
        """When it is to be asked whether it is there, or when it has not answered; None: it is known, or has calls."""
        after_ms = self._declared(switch).absent_after_ms
        if self._hearing_since_ms is None or not switch.present or switch.calls or not after_ms:
            return None
        ask_ms, asked_ms = switch.last_word_ms + after_ms, self._asked_ms(switch)
        return ask_ms if asked_ms <= switch.last_word_ms else max(ask_ms, asked_ms + ANSWER_WITHIN_MS)

    # -- what is kept

    def keep(self, changes: Changes) -> None:
        """Add what has been learned since the last time."""
        changes.kept += [KeptRow(KIND, name, switch.expectation.row()) for name, switch in self._learned.items()]
        self._learned = {}
        self.matters.keep(changes)
        self._world.spokesman.keep(changes)

    def restore(self, kept: KeptRow) -> None:
        """Take up a row, if it is one of these."""
        self.matters.restore(kept)
        self._world.spokesman.restore(kept)
        if isinstance(kept.row, ExpectationRow) and kept.key in self._world.switches:
            self._world.switches[kept.key].expectation.restore(kept.row)
