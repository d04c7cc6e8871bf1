"""The daemon's HTTP API as the commands use it: one request, one answer, errors as sentences.

A daemon that does not answer, something else that answers in its place, and a problem document (RFC 9457) each become
one `CommandError` that says what to do. A request that guard does not understand is wrong input (exit 2); one
that it refuses or cannot serve failed (exit 1).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

import httpx

from guard.commands.output import FAILED, WRONG, CommandError
from guard.config.addresses import is_loopback

TIMEOUT_S = 15.0
_WRONG_INPUT = (400, 413, 422)
_NOT_ALLOWED = (401, 403)


def account_path(account: str, *more: str) -> str:
    """Path of an account, its id percent-encoded whole: `/` too."""
    return "/".join(("/api/v1/accounts", quote(account, safe=""), *more))


class Api:
    """One daemon."""

    def __init__(self, url: str, token: str | None = None) -> None:
        """Know where it is and what to show it; nothing is sent yet."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CommandError(f"--url {url!r} is not the address of a daemon, such as http://127.0.0.1:8080", WRONG)
        self.url = url.rstrip("/")
        headers = {"Accept": "application/json"}
        if token:
            if not token.isascii() or not token.isprintable():
                raise CommandError("GUARD_TOKEN is not a token: it has characters that none has", WRONG)
            headers["Authorization"] = f"Bearer {token}"
        # A proxy of the environment has no business between this machine and itself.
        self._client = httpx.Client(
            base_url=self.url, headers=headers, timeout=TIMEOUT_S, trust_env=not is_loopback(parts.hostname)
        )

    def __enter__(self) -> Self:
        """Be ready to ask."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connection."""
        self._client.close()

    def get(self, path: str, query: Mapping[str, str | None] | None = None) -> Any:
        """What a GET answers, as JSON."""
        return self._json(self._send("GET", path, query=query))

    def post(self, path: str, body: Mapping[str, object], *, within_s: float = TIMEOUT_S) -> Any:
        """What a POST answers, as JSON (None for an empty answer)."""
        return self._json(self._send("POST", path, body=body, within_s=within_s))

    def stream_csv(self, path: str, query: Mapping[str, str | None]) -> Iterator[bytes]:
        """The answer as CSV, piece by piece."""
        request = self._client.build_request("GET", path, params=_stated(query), headers={"Accept": "text/csv"})
        try:
            answer = self._client.send(request, stream=True)
            try:
                if answer.is_error:
                    answer.read()
                    raise self._refusal(answer)
                yield from answer.iter_bytes()
            finally:
                answer.close()
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error

    def _send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | None] | None = None,
        body: Mapping[str, object] | None = None,
        within_s: float = TIMEOUT_S,
    ) -> httpx.Response:
        try:
            answer = self._client.request(method, path, params=_stated(query or {}), json=body, timeout=within_s)
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        if answer.is_error:
            raise self._refusal(answer)
        return answer

    def _json(self, answer: httpx.Response) -> Any:
        if not answer.content:
            return None
        try:
            return json.loads(answer.content)
        except ValueError:
            raise self._not_guard() from None

    def _not_guard(self) -> CommandError:
        return CommandError(f"what answers at {self.url} is not guard; --url or GUARD_URL names the daemon")

    def _unreachable(self, error: httpx.HTTPError) -> CommandError:
        if isinstance(error, httpx.TimeoutException):
            return CommandError(f"the daemon at {self.url} did not answer within {TIMEOUT_S:.0f} s")
        if isinstance(error, httpx.ConnectError):
            return CommandError(
                f"no daemon answers at {self.url}; is `guard run` up? (--url or GUARD_URL names another place)"
            )
        return CommandError(f"the daemon at {self.url} broke off: {error}")

    def _refusal(self, answer: httpx.Response) -> CommandError:
        """A problem document as a sentence."""
        try:
            problem = json.loads(answer.content)
        except ValueError:
            problem = None
        if not isinstance(problem, dict) or "status" not in problem:
            return self._not_guard()
        said = str(problem.get("detail") or problem.get("title") or f"status {answer.status_code}")
        if answer.status_code in _NOT_ALLOWED:
            said += " (the token is read from GUARD_TOKEN; `guard token add` makes one)"
        return CommandError(said, WRONG if answer.status_code in _WRONG_INPUT else FAILED)


def _stated(query: Mapping[str, str | None]) -> dict[str, str]:
    """Parameters that have a value."""
    return {name: value for name, value in query.items() if value is not None}
