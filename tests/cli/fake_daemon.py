"""A daemon that answers what a test has laid out for it, over real HTTP on a free loopback port."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class Asked:
    """One request as it came."""

    method: str
    target: str
    headers: dict[str, str]
    body: object


@dataclass(slots=True)
class FakeDaemon:
    """Answers by method and path, with its query or else without it; everything else is a 404 problem."""

    url: str = ""
    answers: dict[tuple[str, str], tuple[int, str, bytes]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def answer(self, method: str, path: str, value: object, *, status: int = 200) -> None:
        """Lay out a JSON answer."""
        self.answers[method, path] = (status, "application/json", json.dumps(value).encode())

    def problem(self, method: str, path: str, status: int, detail: str) -> None:
        """Lay out a problem document."""
        body = {"type": "about:blank", "title": "Conflict", "status": status, "detail": detail}
        self.answers[method, path] = (status, "application/problem+json", json.dumps(body).encode())

    def raw(self, method: str, path: str, body: bytes, media_type: str, *, status: int = 200) -> None:
        """Lay out any answer."""
        self.answers[method, path] = (status, media_type, body)


@contextmanager
def serving() -> Iterator[FakeDaemon]:
    """The fake for the length of the block."""
    daemon = FakeDaemon()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            text = self.rfile.read(length)
            body = json.loads(text) if text else None
            daemon.asked.append(
                Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            )
            problem = json.dumps({"title": "Not Found", "status": 404, "detail": "no such account"}).encode()
            missing = (404, "application/problem+json", problem)
            path = self.path.partition("?")[0]
            answers = daemon.answers
            status, media_type, answer = answers.get((self.command, self.path)) or answers.get(
                (self.command, path), missing
            )
            self.send_response(status)
            self.send_header("content-type", media_type)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _serve  # noqa: N815 - the library's names

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        daemon.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield daemon
        finally:
            server.shutdown()
            thread.join()
