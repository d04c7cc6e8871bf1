"""What a browser is told with every page there is, so that nobody else can use it; and how tokens are compared."""

from __future__ import annotations

import hmac
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from guard.adapters.http.page import routes
from guard.adapters.http.page.render import ASSETS, FOLDER, asset_path
from guard.adapters.http.page.sessions import COOKIE
from guard.adapters.http.tokens import MAX_TOKENS, Role, TokenFile, add_token

PAGES = sorted({route.path for route in routes.ROUTES if "GET" in (route.methods or ())} - {"/static/{digest}/{name}"})
FORMS = sorted({route.path for route in routes.ROUTES if "POST" in (route.methods or ())})
NAMES = {"{id}": "A1001", "{name}": "ops"}


def path_of(route: str) -> str:
    for name, value in NAMES.items():
        route = route.replace(name, value)
    return route


class Inline(HTMLParser):
    """Finds what a page must not have: scripts, styles and handlers within it, and what is fetched from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """One element."""
        given = dict(attrs)
        if tag == "script" and "src" not in given:
            self.found.append("a script in the page")
        if tag in {"style", "iframe", "object", "embed", "base"}:
            self.found.append(tag)
        for name, value in attrs:
            text = (value or "").strip().lower()
            outside = text.startswith(("http:", "https:", "//", "javascript:", "data:text"))
            if (
                name.startswith("on")
                or name == "style"
                or (name in {"src", "href", "action", "formaction"} and outside)
            ):
                self.found.append(f"{tag} {name}={value}")


def check(answer: httpx.Response) -> None:
    """The headers that keep browsers from misusing an answer."""
    headers = answer.headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert "unsafe" not in headers["content-security-policy"]
    assert not re.search(r"\*|https?:", headers["content-security-policy"])
    assert set(policy.get("script-src", "'none'").split()) <= {"'self'", "'none'"}
    if answer.headers.get("content-type", "").startswith("text/html"):
        assert (policy["form-action"], policy["base-uri"]) == ("'self'", "'none'")
        assert Inline(answer.text).found == []
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] in {"same-origin", "no-referrer"}
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert len(headers.get_list("content-security-policy")) == 1
    assert not any(name.startswith("access-control-") for name in headers)
    assert "server" not in headers


@pytest.mark.parametrize("route", PAGES)
async def test_every_page(route: str, api: httpx.AsyncClient) -> None:
    answer = await api.get(path_of(route))
    assert answer.status_code == 200, answer.text
    check(answer)
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/nothing", "/accounts/nobody", "/accounts/%3Cscript%3E", "/webhooks/%0d%0aX: y"])
async def test_every_error(path: str, api: httpx.AsyncClient) -> None:
    for accept in ("text/html", "application/json"):
        answer = await api.get(path, headers={"Accept": accept})
        assert answer.status_code in (404, 405)
        check(answer)
        assert "<script>" not in answer.text
        assert "x" not in answer.headers


@pytest.mark.parametrize("route", FORMS)
async def test_every_form_is_refused_without_the_secret_of_its_page(
    route: str, api: httpx.AsyncClient, tokens_path: Path
) -> None:
    token = add_token(tokens_path, "ana", Role.OPERATE)
    entered = await api.post("/login", data={"token": token, "next": "/"})
    assert entered.status_code == 303
    if route == "/login":
        return
    for csrf in ("", "x" * 43):
        answer = await api.post(path_of(route), data={"csrf": csrf, "reason": "r", "by": "b", "id": "1"})
        assert (answer.status_code, "form is not of your present session" in answer.text) == (403, True)
        check(answer)


@pytest.mark.parametrize("name", ASSETS)
async def test_files_of_the_page_may_be_kept_and_nothing_else(name: str, api: httpx.AsyncClient) -> None:
    answer = await api.get(asset_path(name))
    check(answer)
    assert "immutable" in answer.headers["cache-control"]
    for other in ("../templates/base.html", "..%2ftemplates%2fbase.html", "%2e%2e/templates/base.html", "x.css"):
        assert (await api.get(f"/static/0/{other}")).status_code == 404


def test_there_is_no_file_of_the_page_that_is_not_named() -> None:
    assert {path.name for path in (FOLDER / "static").iterdir()} == set(ASSETS)


# -- requests that are only meant to take long


async def test_a_request_of_thousands_of_fields_is_answered_with_a_few(api: httpx.AsyncClient) -> None:
    """Its answer is worked out between two batches of reports."""
    many = "&".join(f"a{number:x}=1&a{number:x}=2" for number in range(2_000))
    answer = await api.get(f"/api/v1/accounts?{many}")
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) <= 50
    body = {f"k{number:x}": number for number in range(5_000)} | {"x" * 1_000: 1}
    answer = await api.post("/api/v1/accounts/A1001/block", json=body)
    assert answer.status_code == 422
    assert len(answer.content) < 10_000


# -- sessions


async def test_a_session_cannot_be_brought_along(api: httpx.AsyncClient, tokens_path: Path) -> None:
    """A cookie that somebody else has set is none, and who enters always gets a new one."""
    token = add_token(tokens_path, "ana", Role.OPERATE)
    brought = "known-to-somebody-else"
    api.cookies.set(COOKIE, brought, domain="127.0.0.1")
    assert (await api.get("/")).headers["location"].startswith("/login")
    entered = await api.post("/login", data={"token": token, "next": "/"})
    given = entered.headers["set-cookie"].partition("=")[2].partition(";")[0]
    assert given != brought
    assert len(given) >= 40
    assert {part.strip().lower() for part in entered.headers["set-cookie"].split(";")[1:]} >= {
        "httponly",
        "samesite=strict",
        "path=/",
    }
    again = await api.post("/login", data={"token": token, "next": "/"})
    assert given not in again.headers["set-cookie"]


@pytest.mark.parametrize(
    "back",
    ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/x\r\nSet-Cookie: a=b", ""],
)
async def test_after_entering_nobody_is_sent_elsewhere(back: str, api: httpx.AsyncClient, tokens_path: Path) -> None:
    token = add_token(tokens_path, "ana", Role.OPERATE)
    entered = await api.post("/login", data={"token": token, "next": back})
    assert entered.headers["location"] == "/"
    assert len(entered.headers.get_list("set-cookie")) == 1
    shown = await api.get(f"/login?next={quote(back, safe='')}")
    assert 'value="/"' in shown.text


# -- tokens


def test_a_token_is_compared_with_every_hash_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither how much of it is right nor which one it is shows in the time it takes."""
    path = tmp_path / "tokens.toml"
    shown = [add_token(path, f"t{number}", Role.READ) for number in range(5)]
    tokens = TokenFile(path)
    compared: list[tuple[int, int]] = []
    real = hmac.compare_digest

    def counted(one: bytes | str, other: bytes | str) -> bool:
        compared.append((len(one), len(other)))
        return real(one, other)  # type: ignore[arg-type] # both are text, or both bytes

    monkeypatch.setattr("guard.adapters.http.tokens.hmac.compare_digest", counted)
    for token in (*shown, shown[0][:-1], "x", "guard_" + "0" * 43):
        compared.clear()
        found = tokens.find(token)
        assert (found is not None) == (token in shown)
        assert len(compared) == 5
        assert len({lengths for pair in compared for lengths in pair}) == 1, "of hashes, which are of one length"


def test_there_is_a_bound_to_what_a_request_is_compared_with() -> None:
    assert MAX_TOKENS <= 1_000
