"""Templates into answers: one environment that escapes everything, one policy, one set of words for all pages.

What can have many rows is a template that pages include, not a macro: a macro comes as one part, however long it is.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from guard import __version__
from guard.adapters.http.gate import CSRF, OPERATOR, ROLE
from guard.adapters.http.page import words
from guard.adapters.http.paths import account_path
from guard.adapters.http.problems import ApiError
from guard.adapters.http.state import desk_of
from guard.adapters.http.tokens import Role

FOLDER = Path(__file__).resolve().parents[3] / "share" / "page"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REFERRER_POLICY = "same-origin"
"""With `no-referrer` browsers send the page's own forms as from nowhere (Origin: null), which is refused."""
WRITTEN_AT_ONCE = 8_000
"""Characters of a page that are written before the loop turns: some 0.8 ms."""
ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "idiomorph-ext.min.js": "text/javascript; charset=utf-8",
}
"""All that is served as a file, and as what."""


async def render(request: Request, template: str, context: Mapping[str, object], *, status: int = 200) -> Response:
    """A page; what every page needs is added to what this one shows. Long ones are written piece by piece."""
    desk = desk_of(request)
    webhooks = desk.webhooks.views()
    scope = request.scope
    shared = {
        "missing": desk.ready(),
        "gaps": desk.gaps(),
        "behind": words.listed(desk.behind()),
        "held_count": desk.held_count(),
        "webhooks": webhooks,
        "dead_count": sum(view.dead for view in webhooks),
        "now_ms": desk.now_ms(),
        "operator": scope.get(OPERATOR),
        "may_operate": scope.get(ROLE, Role.OPERATE) is Role.OPERATE,
        "csrf": scope.get(CSRF, ""),
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
    }
    written: list[str] = []
    characters = 0
    for part in environment().get_template(template).generate({**shared, **context}):
        written.append(part)
        characters += len(part)
        if characters > WRITTEN_AT_ONCE:
            characters = 0
            await asyncio.sleep(0)
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": REFERRER_POLICY}
    # Half of a surrogate pair in what somebody else wrote must not break the page.
    return HTMLResponse("".join(written).encode(errors="replace"), status_code=status, headers=headers)


def prepare() -> None:
    """Read and compile all that pages are made of: left to those who ask first it would hold up the loop."""
    for template in environment().list_templates():
        environment().get_template(template)
    for name in ASSETS:
        _asset(name)


@cache
def environment() -> Environment:
    """Made once, see `prepare`."""
    made = Environment(
        loader=FileSystemLoader(FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {
        "money": words.money,
        "instant": words.instant,
        "machine_time": words.machine_time,
        "span": words.span,
        "percent": words.percent,
        "account_path": account_path,
    }
    made.globals |= {
        "version": __version__,
        "asset": asset_path,
        "sentence": words.sentence,
        "switch_state": words.switch_state,
        "switch_is_well": words.switch_is_well,
    }
    return made


@cache
def _asset(name: str) -> tuple[bytes, str]:
    content = (FOLDER / "static" / name).read_bytes()
    return content, hashlib.sha256(content).hexdigest()[:16]


def asset_path(name: str) -> str:
    """Where a file is served: its path changes with its content, so that browsers may keep it for ever."""
    return f"/static/{_asset(name)[1]}/{name}"


async def asset(request: Request) -> Response:
    """One of the files that pages use."""
    name = request.path_params["name"]
    if name not in ASSETS:
        raise ApiError(404, "nothing is served at this path")
    content, digest = _asset(name)
    fresh = request.path_params["digest"] == digest
    kept = "public, max-age=31536000, immutable" if fresh else "no-cache"
    return Response(content, media_type=ASSETS[name], headers={"Cache-Control": kept})
