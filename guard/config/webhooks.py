"""`[[webhook]]`: who is told about what, and where its secrets are kept.

A secret is kept elsewhere (`guard.config.kept`). An address may be a secret too (the tokens of a chat stand in it), so
it can be kept in the same places (`url_file` and so on). `read_webhook_sections` notes where; only `read_targets`, with
which the daemon starts, fetches what is there. No message repeats any of it.

A webhook without a name is called by its host. Where two share one, the later ones get a number: give them names if
their order may change, because what is owed to a webhook is kept under its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from guard.config import addresses, values
from guard.config.kept import fetched, matching, places, read_kept, refuse_secret
from guard.config.problems import ConfigError, Problem, RejectedError
from guard.config.sections import DEFAULT_EVENTS, Config, Kept, WebhookKind, WebhookSection
from guard.config.table import Table

EVENTS = (*DEFAULT_EVENTS, "cleared", "allow", "refused", "quarantined", "limit", "rules", "plan", "store")
"""Types of webhook bodies: the actions of decisions, and what on-call is told beside them."""

MAX_WEBHOOKS = 50
"""Each has its place in the history and its own connections."""

_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A webhook, ready to be told."""

    name: str
    kind: WebhookKind
    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    events: tuple[str, ...]


# -- what the file says


def read_webhook_sections(tables: Iterable[Table], base: Path) -> tuple[WebhookSection, ...]:
    """All of them; the names are unique."""
    sections: list[WebhookSection] = []
    taken: dict[str, None] = {}
    for table in tables:
        if len(sections) == MAX_WEBHOOKS:
            table.reject(None, RejectedError("is one too many", f"at most {MAX_WEBHOOKS} webhooks"))
            break
        sections.append(_section(table, base, taken))
    return tuple(sections)


def _section(table: Table, base: Path, taken: dict[str, None]) -> WebhookSection:
    kind = table.read("kind", WebhookKind.GENERIC, values.choice(WebhookKind))
    address = values.text if kind is WebhookKind.APPRISE else addresses.web_url
    stated = table.read("url", "", address)
    url = read_kept(table, "url", base, stated)
    refuse_secret(table, "secret")
    secret = read_kept(table, "secret", base)
    _check_kind(table, kind, secret)
    default = DEFAULT_EVENTS if kind is WebhookKind.GENERIC else (*DEFAULT_EVENTS, "cleared")
    return WebhookSection(
        name=_name(table, kind, stated, taken),
        kind=kind,
        url=url,
        secret=secret,
        events=table.read("events", default, _events),
    )


def _check_kind(table: Table, kind: WebhookKind, secret: Kept) -> None:
    if kind is not WebhookKind.PAGERDUTY and not any(key in table for key in _URL_KEYS):
        accepted = 'url = "https://HOST/PATH"' if kind is not WebhookKind.APPRISE else "url_file, or url_credential"
        table.reject(None, RejectedError("has no url", accepted))
    if kind is WebhookKind.PAGERDUTY and not secret.stated:
        table.reject(None, RejectedError("has no routing key", "one whose place is told by " + places("secret")))
    if kind is WebhookKind.APPRISE and secret.stated:
        table.reject(None, RejectedError("has a secret, which apprise has in its url", "no secret"))


_URL_KEYS = ("url", "url_file", "url_credential", "url_env")


def _name(table: Table, kind: WebhookKind, url: str, taken: dict[str, None]) -> str:
    if "name" in table:
        name = table.read("name", "", matching(_NAME, "1 to 64 letters, digits, dots, hyphens and underscores"))
        if name in taken:
            table.reject("name", RejectedError(f'"{name}" is the name of another webhook', "a name of its own"))
    else:
        table.read("name", None, values.text)
        # An apprise address has a token where others have a host.
        host = urlsplit(url).hostname if url and kind is not WebhookKind.APPRISE else None
        first = name = _NO_NAME.sub("-", host or kind.value).strip("-")[:56]
        number = 1
        while name in taken:
            number += 1
            name = f"{first}-{number}"
    taken[name] = None
    return name


def _events(value: object) -> tuple[str, ...]:
    accepted = "an array of " + " | ".join(sorted(EVENTS))
    events = values.texts(value, accepted)
    for event in events:
        if event not in EVENTS:
            raise RejectedError(f'"{event}" is no event', accepted)
    return events


# -- what is kept elsewhere


def read_targets(config: Config, environment: Mapping[str, str]) -> tuple[Target, ...]:
    """The webhooks with their addresses and secrets; `ConfigError` with everything that cannot be had."""
    problems: list[Problem] = []
    targets: list[Target] = []
    for position, section in enumerate(config.webhooks, 1):
        found: dict[str, str] = {}
        for key, kept in (("url", section.url), ("secret", section.secret)):
            try:
                found[key] = fetched(kept, environment)
                if key == "url" and found[key] and section.kind is not WebhookKind.APPRISE:
                    addresses.web_url(found[key])
            except RejectedError as rejected:
                where = f"webhook[{position}].{key}"
                problems.append(webhook_problem(config, where, rejected.found, rejected.accepted))
        targets.append(
            Target(
                name=section.name,
                kind=section.kind,
                url=found.get("url", ""),
                secrets=tuple(found.get("secret", "").split()),
                events=section.events,
            )
        )
    if problems:
        raise ConfigError(problems)
    return tuple(targets)


def webhook_problem(config: Config, key: str, found: str, accepted: str = "") -> Problem:
    """Something wrong with a webhook that does not show in the file itself."""
    return Problem(file=str(config.file or "guard.toml"), key=key, line=None, found=found, accepted=accepted)
