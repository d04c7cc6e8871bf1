"""Decisions as the world reads them (contract 5): in the history, in files, on the `decisions` topic, in webhooks.

The JSON is lossless but for the decision's `number`, its place in one store, which means nothing outside and which the
store keeps beside it. Members that a decision does not have are empty text (`rule`, `key`, `mark`) or null (`limit`: no
limit); only `by`, which the contract does not name, is left out when nobody is named.
"""

from __future__ import annotations

import msgspec

from guard.core.decisions import Decision
from guard.core.money import format_money
from guard.wire.instants import format_instant

JsonObject = dict[str, object]
"""What JSON calls an object, ready to be encoded."""


def decision_object(decision: Decision) -> JsonObject:
    """A decision as the contract's JSON object."""
    members: JsonObject = {
        "id": decision.id,
        "at": format_instant(decision.at_ms),
        "account": decision.account,
        "action": decision.action.value,
        "scope": decision.scope.value,
        "mode": decision.mode.value,
        "reason": decision.reason.value,
        "rule": decision.rule,
        "key": decision.key,
        "mark": decision.mark,
        "exposure": format_money(decision.exposure_micros),
        "limit": None if decision.limit_micros is None else format_money(decision.limit_micros),
        "currency": decision.currency,
        "evidence": [
            {"what": evidence.what, "value": evidence.value, "threshold": evidence.threshold}
            for evidence in decision.evidence
        ],
        "text": decision.text,
    }
    if decision.by:
        members["by"] = decision.by
    return members


def encode_decision(decision: Decision) -> bytes:
    """A decision as one line of JSON, without the newline."""
    return msgspec.json.encode(decision_object(decision))
