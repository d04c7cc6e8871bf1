"""The targets that are told by HTTP: what each calls its door and its key.

**Signed** is guard's own: the body of contract 5 under the headers of Standard Webhooks. `webhook-id` is the event's
id, the same at every attempt; time and signature are made anew for each, or a receiver would refuse a late one as a
replay. With several secrets there are several signatures, so that a receiver can change its secret without a gap.

**Alertmanager** and **PagerDuty** know their own formats; a token or a routing key is their secret.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import UTC, datetime

from standardwebhooks.webhooks import Webhook

from guard.adapters.webhook.client import Poster
from guard.adapters.webhook.sender import Sender
from guard.core.events import Event
from guard.ports import Sent
from guard.wire.webhooks import encode_alerts, encode_event, encode_pagerduty

PAGERDUTY = "https://events.pagerduty.com/v2/enqueue"
ALERTS = "/api/v2/alerts"

KEY_PREFIX = "whsec_"
STRONG_KEY_BYTES = 24
"""Standard Webhooks: 24 to 64 bytes."""


class SecretError(ValueError):
    """A secret that is none; the text does not repeat it."""


class Signed:
    """guard's own webhook; unsigned without secrets."""

    def __init__(self, sender: Sender, url: str, secrets: Sequence[str]) -> None:
        """`SecretError` when a secret is not one of Standard Webhooks."""
        self._keys = [Webhook(_key(secret)) for secret in secrets]
        self._poster = Poster(sender, url)

    async def send(self, event: Event, at_ms: int) -> Sent:
        """Try once, signed for now."""
        body = encode_event(event)
        at = datetime.fromtimestamp(at_ms // 1_000, UTC)
        headers = {"webhook-id": event.id, "webhook-timestamp": str(at_ms // 1_000)}
        if self._keys:
            headers["webhook-signature"] = " ".join(key.sign(event.id, at, body.decode()) for key in self._keys)
        return await self._poster.post(body, headers)

    async def close(self) -> None:
        """Let go of connections."""
        await self._poster.close()


class Alertmanager:
    """The API v2 of a Prometheus Alertmanager."""

    def __init__(self, sender: Sender, url: str, token: str = "") -> None:
        base = url.rstrip("/")
        self._poster = Poster(sender, base if base.endswith(ALERTS) else base + ALERTS)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def send(self, event: Event, at_ms: int) -> Sent:
        """Try once."""
        return await self._poster.post(encode_alerts(event, at_ms), self._headers)

    async def close(self) -> None:
        """Let go of connections."""
        await self._poster.close()


class PagerDuty:
    """The Events API v2 of PagerDuty."""

    def __init__(self, sender: Sender, url: str, routing_key: str) -> None:
        self._poster = Poster(sender, url)
        self._routing_key = routing_key

    async def send(self, event: Event, at_ms: int) -> Sent:
        """Try once."""
        del at_ms  # PagerDuty goes by the event's own time
        return await self._poster.post(encode_pagerduty(event, self._routing_key), {})

    async def close(self) -> None:
        """Let go of connections."""
        await self._poster.close()


def signing_key_remark(secrets: Sequence[str]) -> str:
    """What is to be said about the secrets of a signed webhook; empty when they are good."""
    if not secrets:
        return "is not signed: its receiver cannot tell guard's bodies from anybody's; give it a secret"
    if any(len(_key(secret)) < STRONG_KEY_BYTES for secret in secrets):
        return f"has a weak secret: Standard Webhooks asks for the base64 of {STRONG_KEY_BYTES} to 64 random bytes"
    return ""


def _key(secret: str) -> bytes:
    """The bytes of a secret. The library would pass over what is not base64 and sign with the rest."""
    text = secret.removeprefix(KEY_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise SecretError(f"is no secret of Standard Webhooks: {KEY_PREFIX} and the base64 of 24 to 64 random bytes")
    return key
