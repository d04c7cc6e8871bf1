"""Decisions as the world reads them (contract 5): in the history, in files, on the `decisions` topic, in webhooks.

The JSON is lossless but for the decision's `number`, its place in one store, which means nothing outside and which the
store keeps beside it. Members that a decision does not have are empty text (`rule`, `key`, `mark`) or null (`limit`: no
limit); only `by`, which the contract does not name, is left out when nobody is named.
"""

from __future__ import annotations

from typing import Final

import msgspec

from guard.core.decisions import Action, Decision, Evidence, Mode, Reason
from guard.core.money import MoneyError, format_money, parse_money
from guard.core.records import Scope
from guard.wire.instants import InstantError, format_instant, rfc3339_ms

JsonObject = dict[str, object]
"""What JSON calls an object, ready to be encoded."""


class DecisionError(ValueError):
    """Bytes that are not a decision as `encode_decision` writes it; the message does not repeat them."""


class _EvidenceWire(msgspec.Struct):
    what: str
    value: str
    threshold: str = ""


class _DecisionWire(msgspec.Struct):
    id: str
    at: str
    account: str
    action: Action
    scope: Scope
    mode: Mode
    reason: Reason
    exposure: str
    limit: str | None
    currency: str
    text: str
    rule: str = ""
    key: str = ""
    mark: str = ""
    evidence: tuple[_EvidenceWire, ...] = ()
    by: str = ""


_DECODER: Final = msgspec.json.Decoder(_DecisionWire)


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


def decode_decision(payload: bytes | str, number: int) -> Decision:
    """The decision that `encode_decision` wrote, with its number in the store; `DecisionError` if it did not."""
    try:
        wire = _DECODER.decode(payload)
        return Decision(
            number=number,
            id=wire.id,
            at_ms=rfc3339_ms(wire.at),
            account=wire.account,
            action=wire.action,
            scope=wire.scope,
            mode=wire.mode,
            reason=wire.reason,
            rule=wire.rule,
            key=wire.key,
            mark=wire.mark,
            exposure_micros=parse_money(wire.exposure),
            limit_micros=None if wire.limit is None else parse_money(wire.limit),
            currency=wire.currency,
            evidence=tuple(
                Evidence(what=item.what, value=item.value, threshold=item.threshold) for item in wire.evidence
            ),
            text=wire.text,
            by=wire.by,
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, InstantError, MoneyError):
        raise DecisionError("not a decision as guard writes it") from None
