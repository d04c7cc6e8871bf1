"""A receiver of webhooks as somebody else would write it: starlette, and the library of Standard Webhooks to verify.

It runs on a thread of its own, on a free loopback port, so that tests of the daemon and tests in a loop can use it.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import uvicorn
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 -- an example's
PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Hook:
    """One request."""

    path: str
    headers: dict[str, str]
    body: Any
    verified: bool
    at_s: float
    """Wall clock."""

    @property
    def id(self) -> str:
        """Of the event."""
        return self.headers.get("webhook-id", "")


@dataclass
class Receiver:
    """Answers with `status` (or what `judge` says of the hook) and keeps what it got."""

    secret: str = SECRET
    status: int = 200
    judge: Callable[[Hook], int] | None = None
    answer_headers: dict[str, str] = field(default_factory=dict)
    hooks: list[Hook] = field(default_factory=list)
    taken: list[Hook] = field(default_factory=list)
    """Those that were answered with 2xx."""
    port: int = 0

    def __enter__(self) -> Self:
        """Listen."""
        app = Starlette(routes=[Route("/{path:path}", self._take, methods=["POST"])])
        config = uvicorn.Config(
            app, host="127.0.0.1", port=self.port, log_level="critical", lifespan="off", log_config=None
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        self.wait(lambda: self._server.started, "the receiver listens")
        self.port = self._server.servers[0].sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Be gone."""
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)

    @property
    def url(self) -> str:
        """Where to post to."""
        return f"http://127.0.0.1:{self.port}/hook"

    def wait(self, condition: Callable[[], object], what: str) -> None:
        """Until something is so."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {PATIENCE_S:.0f} s: {what}")
            time.sleep(0.01)

    async def _take(self, request: Request) -> Response:
        body = await request.body()
        headers = dict(request.headers)
        try:
            Webhook(self.secret).verify(body, headers)
            verified = True
        except WebhookVerificationError:
            verified = False
        hook = Hook(request.url.path, headers, json.loads(body), verified, time.time())
        self.hooks.append(hook)
        status = self.judge(hook) if self.judge else self.status
        if 200 <= status < 300:
            self.taken.append(hook)
        return Response("ok", status_code=status, headers=self.answer_headers)
