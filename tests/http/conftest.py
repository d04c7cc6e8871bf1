"""The application over a desk of paper, and a client that talks to it as a browser on this machine would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from guard.adapters.http.app import create_app
from guard.adapters.http.tokens import TokenFile
from guard.config.sections import Listen
from tests.http.desk import SWITCH, VIEW, PaperDesk, PaperStore

LOCAL = "http://127.0.0.1:8080"


@pytest.fixture
def store() -> PaperStore:
    return PaperStore()


@pytest.fixture
def desk(store: PaperStore) -> PaperDesk:
    """A desk that knows one account and one switch."""
    made = PaperDesk(store=store, known_switches=[SWITCH])
    made.know(VIEW)
    return made


@pytest.fixture
def tokens_path(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


@pytest.fixture
def app(desk: PaperDesk, tokens_path: Path) -> Starlette:
    return create_app(desk, tokens=TokenFile(tokens_path), listen=Listen())


@pytest.fixture
async def api(app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    """A client on this machine."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=LOCAL) as client:
        yield client
