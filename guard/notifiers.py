"""From `[[webhook]]` to what tells its target: the one place that knows which kind is which adapter.

`guard check` and the start go through the same function, so what the one accepts the other does. An adapter refuses a
secret or an address that is none; here that becomes a problem with the webhook's place in the file, and all of them
are told together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guard.adapters.apprise import Apprise, AppriseError, apprise_is_installed
from guard.adapters.webhook import PAGERDUTY, Alertmanager, PagerDuty, SecretError, Sender, Signed, signing_key_remark
from guard.config import Config, ConfigError, Problem, Target, WebhookKind, read_targets, webhook_problem
from guard.core.events import Event
from guard.core.incidents import incident_of
from guard.ports import Notifier
from guard.shell.courier import Route


@dataclass(frozen=True, slots=True)
class Told:
    """Who is to be told, and what an operator should know about that."""

    targets: Sequence[tuple[Route, Notifier]]
    remarks: Sequence[tuple[str, str]]
    """By the webhook's name."""


def notifiers_of(config: Config, environment: Mapping[str, str]) -> Told:
    """The webhooks of the configuration, ready to be told; `ConfigError` with everything that is wrong with them."""
    problems: list[Problem] = []
    targets: list[tuple[Route, Notifier]] = []
    remarks: list[tuple[str, str]] = []
    sender = Sender()
    for position, target in enumerate(read_targets(config, environment), 1):
        try:
            targets.append((_route(target), _notifier(target, sender)))
            remark = signing_key_remark(target.secrets) if target.kind is WebhookKind.GENERIC else ""
        except SecretError as error:
            problems.append(webhook_problem(config, f"webhook[{position}].secret", str(error)))
        except AppriseError as error:
            problems.append(webhook_problem(config, f"webhook[{position}].url", str(error)))
        else:
            if remark:
                remarks.append((target.name, remark))
    if problems:
        raise ConfigError(problems)
    return Told(targets, remarks)


def _route(target: Target) -> Route:
    keeps_open = target.kind in {WebhookKind.ALERTMANAGER, WebhookKind.PAGERDUTY}
    return Route(
        name=target.name,
        kind=target.kind.value,
        events=target.events,
        incident=_matter if keeps_open else None,
    )


def _matter(event: Event) -> tuple[str, ...]:
    return incident_of(event).matter


def _notifier(target: Target, sender: Sender) -> Notifier:
    match target.kind:
        case WebhookKind.GENERIC:
            return Signed(sender, target.url, target.secrets)
        case WebhookKind.ALERTMANAGER:
            return Alertmanager(sender, target.url, *target.secrets[:1])
        case WebhookKind.PAGERDUTY:
            return PagerDuty(sender, target.url or PAGERDUTY, target.secrets[0])
        case WebhookKind.APPRISE:
            if not apprise_is_installed():
                raise AppriseError('needs the package apprise: pip install "guard-voip[apprise]"')
            return Apprise(target.url)
