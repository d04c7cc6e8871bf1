"""Whoever is let in, and whoever no longer is, is in the history; also what was changed while nobody looked."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
from pathlib import Path

import pytest

from guard.adapters.http.tokens import Role, TokenFile, add_token, remove_token
from guard.adapters.http.tokens_history import note_tokens
from guard.core.decisions import Audit
from guard.core.records import Intent, IntentResult, Note
from guard.ports import NotReadyError
from tests.http.desk import PaperDesk, PaperStore
from tests.shell.fakes import ManualClock

ME = getpass.getuser()


class Historian(PaperDesk):
    """Keeps notes in the history; first refuses as many as told."""

    refuses = 0

    async def submit(self, intent: Intent) -> IntentResult:
        if self.refuses:
            self.refuses -= 1
            raise NotReadyError("the store does not answer")
        assert isinstance(intent, Note)
        assert isinstance(self.store, PaperStore)
        self.store.audits.insert(0, Audit("", 0, intent.by, intent.what, intent.reason))
        return IntentResult.DONE


@pytest.fixture
def historian() -> Historian:
    return Historian(store=PaperStore())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


async def look(path: Path, desk: Historian, rounds: int = 3) -> list[tuple[str, str, str]]:
    """A daemon runs for some rounds; what the history says afterwards, the oldest first."""
    watching = asyncio.create_task(note_tokens(TokenFile(path), desk, ManualClock()))
    for _ in range(rounds * 3):
        await asyncio.sleep(0)
    watching.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await watching
    assert isinstance(desk.store, PaperStore)
    return [(audit.by, audit.what, audit.reason[:12]) for audit in reversed(desk.store.audits)]


async def test_a_token_that_is_added_and_taken_away(path: Path, historian: Historian) -> None:
    assert await look(path, historian) == []
    add_token(path, "robot", Role.OPERATE)
    added = (ME, "add_token robot", "may operate ")
    assert await look(path, historian) == [added]
    remove_token(path, "robot")
    assert await look(path, historian) == [added, (ME, "remove_token robot", "")]


async def test_another_token_of_the_same_name_is_noted_too(path: Path, historian: Historian) -> None:
    add_token(path, "robot", Role.READ)
    await look(path, historian)
    remove_token(path, "robot")
    add_token(path, "robot", Role.OPERATE)
    assert [what for _, what, _ in await look(path, historian)] == ["add_token robot"] * 2


async def test_what_cannot_be_noted_is_noted_later_and_once(path: Path, historian: Historian) -> None:
    add_token(path, "robot", Role.READ)
    add_token(path, "screen", Role.READ)
    historian.refuses = 2
    assert [what for _, what, _ in await look(path, historian, rounds=9)] == ["add_token robot", "add_token screen"]
