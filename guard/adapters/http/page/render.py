"""Templates into answers: one environment that escapes everything, one policy, one set of words for all pages."""

from __future__ import annotations

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
ASSETS = {
    "style.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "idiomorph-ext.min.js": "text/javascript; charset=utf-8",
}
"""All that is served as a file, and as what."""


def render(request: Request, template: str, context: Mapping[str, object], *, status: int = 200) -> Response:
    """A page; what every page needs is added to what this one shows."""
    desk = desk_of(request)
    webhooks = desk.webhooks.views()
    scope = request.scope
    shared = {
        "missing": desk.ready(),
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
    text = environment().get_template(template).render({**shared, **context})
    headers = {"Content-Security-Policy": POLICY, "Referrer-Policy": REFERRER_POLICY}
    # Half of a surrogate pair in what somebody else wrote must not break the page.
    return HTMLResponse(text.encode(errors="replace"), status_code=status, headers=headers)


@cache
def environment() -> Environment:
    """Made once: compiling a template takes longer than filling it in."""
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
