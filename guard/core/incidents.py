"""Incidents: which events open, update and end the same matter, for targets that keep a matter open until it ends.

| event | matter | ends it |
|---|---|---|
| `warn` | the account's warning by this reason, rule, key and mark | `cleared` |
| `block`, `held` | the account's block by this cause | `unblock` |
| `allow` | told once | |
| `fuse`, `store` | the fuse; the store | the notice that it has closed, that all is well |
| `unconfirmed`, `blind` | of its kind, at this switch (`blind` of none: the broker) | the notice that it is over |
| `refused` | of its kind, at this switch | |
| `quarantined` of no account | unknown accounts that this switch names | the notice that it is over |
| other notices | of its kind, of this account | |

A cause of a block is its rule, or where it has none its reason. A held block that an operator rejects ends with an
`unblock`, too. An `unblock` names the cause that it lifts by its rule, by the reason in its key, or, where exposure
fell, by the mark of the limit.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from guard.core.decisions import Action, Decision, Notice, NoticeKind, Reason
from guard.core.events import Event


class Severity(Enum):
    """How soon somebody should look."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Incident(NamedTuple):
    """The matter that an event belongs to."""

    kind: str
    about: tuple[tuple[str, str], ...]
    """What tells it from others of its kind: names and values, none of them empty."""
    severity: Severity
    over: bool
    """The event ends it."""
    lasts: bool
    """Another event is going to end it; otherwise nobody will say that it is over."""

    @property
    def matter(self) -> tuple[str, ...]:
        """The same for all its events."""
        return (self.kind, *(value for part in self.about for value in part))


_OF_SWITCH = (NoticeKind.UNCONFIRMED, NoticeKind.BLIND, NoticeKind.REFUSED)
_LASTING = (NoticeKind.FUSE, NoticeKind.UNCONFIRMED, NoticeKind.BLIND, NoticeKind.STORE)
_CRITICAL = (NoticeKind.UNCONFIRMED, NoticeKind.BLIND, NoticeKind.FUSE, NoticeKind.RULES)


def incident_of(event: Event) -> Incident:
    """What matter an event belongs to, and what it does to it."""
    told = event.told
    return _of_notice(told) if isinstance(told, Notice) else _of_decision(told)


def _of_notice(notice: Notice) -> Incident:
    strangers = notice.kind is NoticeKind.QUARANTINED and not notice.account
    of_switch = strangers or notice.kind in _OF_SWITCH
    about = _stated(switch=notice.switch) if of_switch else _stated(account=notice.account)
    severity = Severity.CRITICAL if notice.kind in _CRITICAL else Severity.WARNING
    lasts = strangers or notice.kind in _LASTING
    return Incident(notice.kind.value, about, severity, over=notice.over, lasts=lasts)


def _of_decision(decision: Decision) -> Incident:
    account, over = decision.account, decision.action in {Action.CLEARED, Action.UNBLOCK}
    match decision.action:
        case Action.WARN | Action.CLEARED:
            reason, rule, key, mark = decision.reason.value, decision.rule, decision.key, decision.mark
            about = _stated(account=account, reason=reason, rule=rule, key=key, mark=mark)
            return Incident("warn", about, Severity.WARNING, over=over, lasts=True)
        case Action.BLOCK | Action.HELD | Action.UNBLOCK:
            about = _stated(account=account, cause=_cause(decision))
            return Incident("block", about, Severity.CRITICAL, over=over, lasts=True)
        case Action.ALLOW:
            return Incident("allow", _stated(account=account), Severity.INFO, over=False, lasts=False)


def _cause(decision: Decision) -> str:
    if decision.rule:
        return decision.rule
    if decision.action is Action.UNBLOCK:
        return decision.key or Reason.CREDIT_LIMIT.value
    return decision.reason.value


def _stated(**about: str) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in about.items() if value)
