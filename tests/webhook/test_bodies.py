"""What is posted, byte for byte where the world reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from guard.core.decisions import Action, Decision, Notice, NoticeKind, Reason
from guard.core.events import Event
from guard.core.incidents import incident_of
from guard.wire.webhooks import encode_alerts, encode_event, encode_pagerduty
from tests.webhook.fakes import START_MS, decision, notice

NOW_MS = START_MS + 60_000


def event(told: Decision | Notice) -> Event:
    return Event(number=1, told=told)


def alert(told: Decision | Notice) -> dict[str, Any]:
    [found] = json.loads(encode_alerts(event(told), NOW_MS))
    return dict(found)


def pagerduty(told: Decision | Notice) -> dict[str, Any]:
    return dict(json.loads(encode_pagerduty(event(told), "r0uting")))


def test_the_body_of_a_decision_is_type_timestamp_and_the_decision() -> None:
    told = decision(1)
    assert json.loads(encode_event(event(told))) == {
        "type": "block",
        "timestamp": "2026-11-22T03:12:45.121Z",
        "data": {
            "id": told.id,
            "at": "2026-11-22T03:12:45.121Z",
            "account": "A1",
            "action": "block",
            "scope": "all",
            "mode": "enforce",
            "reason": "credit_limit",
            "rule": "",
            "key": "",
            "mark": "",
            "exposure": "512.10",
            "limit": "500.00",
            "currency": "CAD",
            "evidence": [],
            "text": "Blocked: exposure 512.10 CAD has reached the limit of 500.00 CAD.",
        },
    }


def test_the_body_of_a_notice() -> None:
    told = notice(1, NoticeKind.FUSE, over=True)
    assert json.loads(encode_event(event(told))) == {
        "type": "fuse",
        "timestamp": "2026-11-22T03:12:45.121Z",
        "data": {
            "id": told.id,
            "at": "2026-11-22T03:12:45.121Z",
            "kind": "fuse",
            "switch": "sw1",
            "account": "",
            "over": True,
            "text": "Look at it.",
        },
    }


def test_an_alert_of_a_block_stands_until_its_unblock_ends_it() -> None:
    block, unblock = alert(decision(1)), alert(decision(2, action=Action.UNBLOCK, mark="100"))
    assert block["labels"] == unblock["labels"]
    assert block["labels"] == {
        "alertname": "guard_block",
        "severity": "critical",
        "account": "A1",
        "cause": "credit_limit",
    }
    assert (block["startsAt"], block["endsAt"]) == ("2026-11-22T03:12:45.121Z", "2026-11-29T03:13:45.120Z")
    assert "startsAt" not in unblock
    assert unblock["endsAt"] == "2026-11-22T03:12:45.122Z"


def test_an_alert_that_nothing_ends_passes_by_itself() -> None:
    refused = alert(notice(1, NoticeKind.REFUSED))
    assert refused["labels"] == {"alertname": "guard_refused", "severity": "warning", "switch": "sw1"}
    assert refused["endsAt"] == "2026-11-22T04:13:45.120Z"


@pytest.mark.parametrize("kind", [NoticeKind.BLIND, NoticeKind.UNCONFIRMED])
def test_an_alert_about_a_switch_stands_until_its_end_is_told(kind: NoticeKind) -> None:
    told, over = alert(notice(1, kind)), alert(notice(2, kind, over=True))
    assert (
        told["labels"]
        == over["labels"]
        == {"alertname": f"guard_{kind.value}", "severity": "critical", "switch": "sw1"}
    )
    assert told["endsAt"] == "2026-11-29T03:13:45.120Z"
    assert "startsAt" not in over
    assert pagerduty(notice(1, kind))["dedup_key"] == pagerduty(notice(2, kind, over=True))["dedup_key"]


def test_pagerduty_is_told_and_resolves_by_the_same_key() -> None:
    warn = decision(1, action=Action.WARN, mark="80")
    told, over = pagerduty(warn), pagerduty(decision(2, action=Action.CLEARED, mark="80"))
    assert (told["event_action"], over["event_action"]) == ("trigger", "resolve")
    assert told["dedup_key"] == over["dedup_key"] == "guard/warn/A1/credit_limit/80"
    assert over.keys() == {"routing_key", "event_action", "dedup_key"}
    payload = told["payload"]
    assert payload["summary"] == warn.text
    assert (payload["severity"], payload["source"], payload["component"]) == ("warning", "guard", "A1")
    assert payload["custom_details"]["id"] == warn.id


def test_a_key_that_is_too_long_for_pagerduty_is_still_one_key() -> None:
    keys = {pagerduty(decision(1, "A" * 128, action=Action.WARN, key="x" * 200 + end))["dedup_key"] for end in "ab"}
    assert len(keys) == 2
    assert all(len(key) <= 255 for key in keys)


@pytest.mark.parametrize(
    ("opens", "ends"),
    [
        (decision(1, rule="same-number"), decision(2, action=Action.UNBLOCK, rule="same-number")),
        (decision(1, action=Action.HELD, rule="r"), decision(2, action=Action.UNBLOCK, rule="r")),
        (decision(1), decision(2, action=Action.UNBLOCK, key="credit_limit")),
        (decision(1), decision(2, action=Action.UNBLOCK, mark="100")),
        (decision(1, action=Action.WARN, key="+25261***"), decision(2, action=Action.CLEARED, key="+25261***")),
        (notice(1, NoticeKind.FUSE), notice(2, NoticeKind.FUSE, over=True)),
    ],
)
def test_what_belongs_together(opens: Decision | Notice, ends: Decision | Notice) -> None:
    first, last = incident_of(event(opens)), incident_of(event(ends))
    assert first.matter == last.matter
    assert (first.over, last.over) == (False, True)


@pytest.mark.parametrize(
    "other",
    [
        decision(2, "A2"),
        decision(2, rule="same-number"),
        decision(2, action=Action.WARN),
        decision(2, action=Action.UNBLOCK, key="operator"),
        notice(2),
        notice(2, NoticeKind.PLAN, account="A1"),
    ],
)
def test_what_does_not_belong_together(other: Decision | Notice) -> None:
    assert incident_of(event(decision(1))).matter != incident_of(event(other)).matter


@pytest.mark.parametrize("action", Action)
def test_every_action_belongs_to_something(action: Action) -> None:
    incident = incident_of(event(decision(1, action=action)))
    assert incident.over is (action in {Action.UNBLOCK, Action.CLEARED})
    assert dict(incident.about)["account"] == "A1"


@pytest.mark.parametrize("kind", NoticeKind)
def test_every_notice_has_a_body_for_each_kind_of_target(kind: NoticeKind) -> None:
    for told in (notice(1, kind), notice(1, kind, account="A1")):
        assert json.loads(encode_event(event(told)))["type"] == kind.value
        assert alert(told)["labels"]["alertname"] == f"guard_{kind.value}"
        assert pagerduty(told)["dedup_key"].startswith(f"guard/{kind.value}")


def test_reason_is_a_reason() -> None:
    """An operator's block and the account's closing are matters of their own."""
    matters = {
        incident_of(event(told)).matter
        for told in (decision(1), _because(Reason.OPERATOR), _because(Reason.CLOSED), _because(Reason.ANOMALY))
    }
    assert len(matters) == 4


def _because(reason: Reason) -> Decision:
    return replace(decision(1), reason=reason)
