"""What all schemas of the OpenAPI document are made of: kinds of values, each written once.

What guard is told is described as narrowly as a schema can: a program that keeps to it is refused only for what the
values mean (a time that has passed, a day outside of its span).
"""

from __future__ import annotations

from guard.wire.decisions import JsonObject

TEXT: JsonObject = {"type": "string"}
FLAG: JsonObject = {"type": "boolean"}
TOLD_FLAG: JsonObject = {"enum": [True, False, 0, 1]}
COUNT: JsonObject = {"type": "integer", "minimum": 0}
NUMBER: JsonObject = {"type": "number"}
WHOLE: JsonObject = {"type": "integer"}
MONEY: JsonObject = {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,6})?$"}
PRICE: JsonObject = {"type": "string", "pattern": r"^[0-9]{1,9}(\.[0-9]{1,6})?$"}
TIME: JsonObject = {"type": "string", "format": "date-time"}
_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_EPOCH = r"^[0-9]{1,12}(\.[0-9]{1,9})?$"

MOMENT: JsonObject = {
    "description": "RFC 3339 with offset, or epoch seconds",
    "anyOf": [TIME, {"type": "string", "pattern": _EPOCH}, {"type": "number", "minimum": 0, "maximum": 253402300799}],
}
ASKED_MOMENT: JsonObject = {
    "description": "RFC 3339 with offset, epoch seconds, or a date: midnight in the account's time zone",
    "anyOf": [TIME, {"type": "string", "format": "date"}, {"type": "string", "pattern": f"{_EPOCH}|^$"}],
}


def identifier() -> JsonObject:
    """An account's id, or a call's."""
    return {**TEXT, "minLength": 1, "maxLength": 128, "pattern": f"^[^{_CONTROL}]*$"}


def said(most: int) -> JsonObject:
    """What somebody says: something else than blanks, without control characters."""
    return {**TEXT, "minLength": 1, "maxLength": most, "pattern": f"^[^{_CONTROL}]*[^\\s{_CONTROL}][^{_CONTROL}]*$"}


def asked(most: int) -> JsonObject:
    """The same in a query, where nothing stands for not being asked for."""
    return {**TEXT, "maxLength": most, "pattern": f"^([^{_CONTROL}]*[^\\s{_CONTROL}][^{_CONTROL}]*)?$"}


def matching(pattern: str) -> JsonObject:
    """Text in a query of that shape, or nothing."""
    return {**TEXT, "pattern": f"^({pattern})?$"}


def maybe(schema: JsonObject) -> JsonObject:
    """That, or null; in what guard is told null is as good as nothing."""
    return {"anyOf": [schema, {"type": "null"}]}


def body(required: dict[str, JsonObject], optional: dict[str, JsonObject] | None = None) -> JsonObject:
    """What guard is told: it refuses a member that it does not know, because that may be a slip of the pen."""
    return {
        "type": "object",
        "required": list(required),
        "properties": {**required, **{name: maybe(schema) for name, schema in (optional or {}).items()}},
        "additionalProperties": False,
    }


WHO: dict[str, JsonObject] = {"by": {**TEXT, "description": "Not looked at: the token's name counts"}}
SIGNED: dict[str, JsonObject] = {"by": {**said(128), "description": "Who acts"}}
"""In place of it where no token says who it is."""
REASON_GIVEN: dict[str, JsonObject] = {"reason": said(256)}
