"""What a node of a cluster does with what it is asked: whom it asks itself, and what it says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest

from guard.core.decisions import Audit
from guard.core.events import WebhookView
from guard.core.fuses import HOME
from guard.core.partitions import partition_of
from guard.core.records import Block, CloseFuse, IntentResult, Note
from guard.core.rules.past import Past
from guard.ports import NotReadyError, Reloaded
from guard.ports.whole import Told, Whole
from guard.shell.cluster.asking import Asking
from guard.shell.cluster.desk import REVIVED, ClusterDesk
from guard.shell.reload import Reloader
from guard.wire.intents import Answer, Wish
from tests.http.desk import webhook
from tests.shell.fakes import ManualClock


class Elsewhere:
    """Every other part of a cluster: notes what it is asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, Wish]] = []
        self.answer = Answer(id="1", result="done")
        self.sent: list[tuple[str, bytes]] = []
        self.audits: list[Audit] = []
        self.known = [webhook("ops")]

    async def ask(self, part: int, wish: Wish) -> Answer:
        """As `Asking`."""
        self.asked.append((part, wish))
        if isinstance(wish, tuple):
            return Answer(id="1", result="done", days=tuple(past.until_day for past in wish))
        return self.answer

    def send(self, subject: str, payload: bytes) -> bool:
        """As `Bus`."""
        self.sent.append((subject, payload))
        return True

    def webhooks(self) -> list[WebhookView]:
        """As `Told`."""
        return self.known

    async def revive(self, name: str, event: str | None, audit: Audit) -> int:
        """As `Whole`."""
        del name, event
        self.audits.append(audit)
        return 3

    async def requested(self, by: str) -> Reloaded:
        """As `Reloader`."""
        return Reloaded(changes=(by,), needs_restart=(), remarks=("one",))


@pytest.fixture
def elsewhere() -> Elsewhere:
    return Elsewhere()


@pytest.fixture
def desk(elsewhere: Elsewhere) -> ClusterDesk:
    every: Any = elsewhere
    return ClusterDesk(
        whole=cast("Whole", every),
        told=cast("Told", every),
        asking=cast("Asking", every),
        bus=every,
        clock=ManualClock(),
        courtesy=every,
        reloader=cast("Reloader", every),
        worker="w1",
    )


async def test_an_intent_goes_to_the_partition_of_its_account(desk: ClusterDesk, elsewhere: Elsewhere) -> None:
    block = Block(account="A1", by="ana", reason="x")
    assert await desk.submit(block) is IntentResult.DONE
    assert elsewhere.asked == [(partition_of("A1"), block)]


@pytest.mark.parametrize("intent", [CloseFuse(by="ana", reason="x"), Note(by="ana", what="x", reason="")])
async def test_what_concerns_no_account_goes_to_the_home_of_the_fuse(
    desk: ClusterDesk, elsewhere: Elsewhere, intent: CloseFuse | Note
) -> None:
    await desk.submit(intent)
    assert elsewhere.asked == [(HOME, intent)]


async def test_an_answer_of_another_version_is_none(desk: ClusterDesk, elsewhere: Elsewhere) -> None:
    elsewhere.answer = Answer(id="1", result="postponed")
    with pytest.raises(NotReadyError, match="another version"):
        await desk.submit(Block(account="A1", by="ana", reason="x"))


async def test_history_is_learned_by_partition_and_answered_in_the_order_it_was_told(
    desk: ClusterDesk, elsewhere: Elsewhere
) -> None:
    pasts = [
        Past(account=f"A{number % 3}", timezone="", from_day=0, until_day=number, days=()) for number in range(1, 10)
    ]
    assert await desk.learn(pasts) == list(range(1, 10))
    assert sorted(part for part, _ in elsewhere.asked) == sorted({partition_of(past.account) for past in pasts})


async def test_dead_letters_are_revived_in_the_store_and_every_courier_is_told(
    desk: ClusterDesk, elsewhere: Elsewhere
) -> None:
    assert await desk.webhooks.resend("ops", None, by="ana", reason="it was down") == 3
    (audit,) = elsewhere.audits
    assert (audit.by, audit.what, audit.reason) == ("ana", "resend_webhook ops", "it was down")
    assert elsewhere.sent == [(REVIVED, b"ops")]
    assert await desk.webhooks.resend("nobody", None, by="ana", reason="x") is None
    assert len(elsewhere.audits) == 1


async def test_a_reload_says_that_it_is_of_one_worker(desk: ClusterDesk) -> None:
    reloaded = await desk.reload("ana")
    told: Sequence[str] = reloaded.remarks
    assert (reloaded.changes, told[0]) == (("ana",), "one")
    assert "only worker w1" in told[1]
