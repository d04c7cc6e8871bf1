"""The end: what guard thinks once everything has come true, against what really is.

The auditor reads the file (`audit`); this asks guard itself, and the switches what they do. Money is compared by the
ledger, which the auditor has gone through by then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.audit import Audit, Truth

if TYPE_CHECKING:
    from tests.simulation.daemon import Life
    from tests.simulation.world import World

MINUTE_MS = 60_000
CLOCKS_ARE_OFF_MS = 13 * MINUTE_MS
"""guard's by ten minutes at most, a switch's by two."""
LATELY_MS = 1_000


class Ending:
    """Of one world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def _audit(self) -> Audit:
        world = self.world
        truth = Truth(
            switches=list(world.switches.values()),
            books=world.office.books,
            wishes=world.people.wishes,
            receivers=world.receivers,
            prices=tuple(world.every_prices),
            remember_ms=world.remember_ms - CLOCKS_ARE_OFF_MS,
            details_kept=world.keep_details_ms is None,
            writer_rests=world.saves_when_idle,
            told=world.people.told if world.always_rules else None,
            found=world.people.found,
            modes=frozenset(world.every_mode),
        )
        return Audit(world.path, truth, world.watch)

    def _break(self, what: str) -> None:
        self.world.watch.break_(what)

    def owed_micros(self) -> dict[str, int]:
        """Of each account, by the ledger."""
        audit = self._audit()
        try:
            return {account: audit.owed(account) for account in self.world.accounts}
        finally:
            audit.close()

    def _living(self) -> Life | None:
        life = self.world.life
        if life is None or not life.ready or life.dead:
            self._break("guard is not running long after everything has healed")
            return None
        return life

    def compare_live_calls(self) -> None:
        """While calls go on and nothing goes wrong: guard knows exactly those that are up."""
        world, life = self.world, self._living()
        if life is None:
            return
        lately_ms = world.schedule.now_ms - LATELY_MS
        for account in world.accounts:
            mine = [call for switch in world.switches.values() for call in switch.every if call.account == account]
            up = {call.id for call in mine if call.up and call.began_ms < lately_ms}
            gone = {call.id for call in mine if call.end_is_lost or (call.ended_ms or 0) > lately_ms}
            view = life.engine.picture(account, life.clock.now_ms())
            known = {call.call for call in view.live_calls} if view is not None else set()
            begun = {call.id for call in mine if call.up}
            if not up <= known or not known - begun <= gone:
                self._break(f"{account}: calls up are {sorted(up)}, guard knows {sorted(known)}")

    def look(self, *, final: bool) -> None:
        """Everything must have come true."""
        world, life = self.world, self._living()
        if life is None:
            return
        # It turns at least once a second; here it is let sleep when nothing is to be done.
        life.arrived()
        world.pass_until(world.schedule.now_ms + 1_000)
        if not final:
            audit = self._audit()
            try:
                audit.look()
                for account in world.accounts:
                    self._look_at_account(life, account, audit.owed(account))
            finally:
                audit.close()
        for session in (world.broker.calls, world.broker.control):
            if session.waiting:
                self._break(f"{session.waiting} messages of session {session.name} are not acknowledged")
        for view in life.desk.switches():
            if view.unconfirmed or not view.synced or view.live_calls:
                self._break(f"a switch does not agree: {view}")
        if life.loop.failures:
            self._break(f"nobody caught {life.loop.failures}")
        if life.desk.ready() or life.desk.healthy():
            self._break(f"guard is not well: {life.desk.ready()} {life.desk.healthy()}")

    def _look_at_account(self, life: Life, account: str, owed: int) -> None:
        """What it owes, and whether it is blocked exactly if it should be, at every switch."""
        world = self.world
        books = world.office.books[account]
        view = life.engine.picture(account, life.clock.now_ms())
        blocks = {switch.blocked.get(account, {}).get("scope") for switch in world.switches.values()}
        if view is None:
            if owed or blocks != {None}:
                self._break(f"{account} is not known, owes {owed} and is blocked: {blocks}")
            return
        exposure = owed - books.trusted(world.trust_percent)
        if (view.owed_micros, view.exposure_micros, view.live_call_count) != (owed, exposure, 0):
            self._break(f"{account} owes {owed} by its ledger, {exposure} with what is trusted; guard says {view}")
        scope = None if view.block is None else view.block.scope.value
        if blocks != {scope}:
            self._break(f"{account} should be blocked: {scope}; at the switches it is: {blocks}")
        reasons = {cause.reason.value for cause in view.block.causes} if view.block is not None else set()
        limit = books.limit(world.clock.now_ms(), world.files.default_limit_micros)
        if limit is not None and exposure >= max(limit, 1) and "credit_limit" not in reasons:
            self._break(f"{account} owes {owed}, its limit is {limit}, and it is not blocked for it: {view}")
        low = limit is None or exposure * 10 < limit * 9
        if low and account in world.people.cured and "credit_limit" in reasons:
            self._break(f"{account} owes {owed}, its limit is {limit}, and it is blocked for it: {view}")
        if books.closed != ("closed" in reasons):
            self._break(f"{account} is closed: {books.closed}; causes of its block: {reasons}")
        if not books.balances and view.invoiced_micros != books.invoiced(owed):
            self._break(f"{account} owes {owed}, of which {books.invoiced(owed)} is invoiced: {books.papers}, {view}")
        if view.block is not None and not view.block.confirmed:
            self._break(f"{account}: its block is not confirmed: {view.block}")

    def pictures(self) -> list[tuple[object, ...]]:
        """What guard knows of each account that a restart must not change."""
        life = self._living()
        if life is None:
            return []
        pictures: list[tuple[object, ...]] = []
        for account in self.world.accounts:
            view = life.engine.picture(account, life.clock.now_ms())
            if view is not None:
                causes = view.block and tuple((c.reason.value, c.rule, c.since_ms) for c in view.block.causes)
                pictures.append(
                    (account, view.owed_micros, view.exposure_micros, view.limit_micros, view.state.value, causes)
                )
        return pictures
