"""Asking JetStream: its JSON API, and appending, which is answered in the same form.

nats-py knows much of this API and not all that is needed here (how a stream's replicas stand, consumers that begin at
a sequence without acknowledgements), so it is spoken directly: a subject, a JSON object, an answer with `error` or not.

A cluster that has lost a node answers nothing for some streams until they have found another leader; a node that has
lost its cluster answers nothing at all, or only that it cannot. When nothing has gone well for `USELESS_S`, another
server is tried.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from guard.adapters.nats.connection import Connection

USELESS_S: Final = 6.0
"""Above the time in which a stream finds itself another leader, as it usually does."""
_UNAVAILABLE: Final = 503

NOT_FOUND: Final = 404


class LogAwayError(Exception):
    """JetStream gave no answer, or one that says that it cannot now; to be tried again."""


class LogRefusedError(Exception):
    """JetStream has understood and said no; `code` as in HTTP."""

    def __init__(self, text: str, code: int) -> None:
        super().__init__(text)
        self.code = code


class Api:
    """Asks over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._last_well_s = 0.0
        self._connections = 0

    async def call(self, name: str, request: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Ask by the name of a request, such as `STREAM.INFO.guard-in-0`."""
        payload = b"" if request is None else json.dumps(request).encode()
        return await self.ask(f"$JS.API.{name}", payload)

    async def ask(self, subject: str, payload: bytes, headers: dict[str, str] | None = None) -> Mapping[str, Any]:
        """Send and get the answer; `LogAwayError`, `LogRefusedError`."""
        message = await self._connection.ask(subject, payload, headers)
        try:
            answer = None if message is None else json.loads(message.data)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            await self._went_wrong()
            raise LogAwayError("no answer from JetStream")
        error = answer.get("error")
        if error is None:
            self._last_well_s = asyncio.get_running_loop().time()
            return answer
        text, code = str(error.get("description", "an error without a word")), int(error.get("code", 0))
        if code == _UNAVAILABLE:
            await self._went_wrong()
            raise LogAwayError(text)
        raise LogRefusedError(text, code)

    async def _went_wrong(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._connections != self._connection.connections:
            # Another server: it gets its time.
            self._connections, self._last_well_s = self._connection.connections, now_s
        elif now_s - self._last_well_s > USELESS_S:
            self._last_well_s = now_s
            await self._connection.elsewhere()
