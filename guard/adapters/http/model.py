"""The anomaly model for programs: whether it scores, which one it is, and how far traffic has moved from its training.

What it has found are decisions like any others (`reason` `anomaly`), at `/api/v1/decisions`.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.accounts import json_response
from guard.adapters.http.state import desk_of
from guard.ports import ModelView, Trained
from guard.wire.decisions import JsonObject


async def model(request: Request) -> Response:
    """How it stands with the model."""
    return json_response(model_object(desk_of(request).model()))


def model_object(view: ModelView) -> JsonObject:
    """The model as JSON; `trained` is null while none is in force."""
    return {
        "mode": view.mode.value,
        "up": view.up,
        "wrong": view.wrong,
        "folder": view.folder,
        "false_alarms_per_1000_account_days": view.false_alarms_per_1000_account_days,
        "trained": None if view.trained is None else _trained_object(view.trained),
        "scored": view.scored,
        "skipped": view.skipped,
        "lag_s": view.lag_s,
        "drift": view.drift,
    }


def _trained_object(trained: Trained) -> JsonObject:
    return {
        "name": trained.name,
        "digest": trained.digest,
        "first": trained.first,
        "last": trained.last,
        "accounts": trained.accounts,
        "mark": trained.mark,
        "silence": trained.silence,
    }
