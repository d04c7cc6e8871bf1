"""The anomaly model for people: whether it works, which one it is, what it has found lately, and of whom."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from guard.adapters.http.page.render import render
from guard.adapters.http.state import desk_of
from guard.core.decisions import Action, Decision, Reason
from guard.core.settings import ModelMode
from guard.ports import ModelView
from guard.ports.records import FROM_THE_END

LOOKED_THROUGH = 300
"""Newest decisions among which findings are looked for: about 2 ms."""
SHOWN_FINDINGS = 50
DRIFT_LITTLE, DRIFT_MUCH = 0.1, 0.25
_ENDS = frozenset({Action.CLEARED, Action.UNBLOCK, Action.ALLOW})


async def model(request: Request) -> Response:
    """How it stands with the model."""
    desk = desk_of(request)
    decided = await desk.records.newest(before=FROM_THE_END, limit=LOOKED_THROUGH)
    findings = [each for each in decided.items if each.reason is Reason.ANOMALY][:SHOWN_FINDINGS]
    view = desk.model()
    return await render(request, "model.html", {"view": view, "sentences": sentences(view), "findings": findings})


def sentences(view: ModelView) -> list[str]:
    """How it stands, to read out."""
    if view.mode is ModelMode.OFF:
        return ["The anomaly model is off. Limits and rules do without it."]
    if not view.up:
        return [f"The anomaly model is wanted ({view.mode.value}) and does not run. Limits and rules go on without it."]
    acts = "what it finds can block" if view.mode is ModelMode.ENFORCE else "what it finds is only recorded"
    return [f"The anomaly model is up, in mode {view.mode.value}: {acts}.", _drift(view.drift)]


def _drift(drift: float) -> str:
    if not drift:
        return "Whether traffic has changed since the training cannot be told yet: too little has been seen."
    said = f"{drift:.2f} is its drift"
    if drift < DRIFT_LITTLE:
        return f"{said}: traffic is as it was in the training."
    if drift < DRIFT_MUCH:
        return f"{said}: traffic has changed somewhat since the training."
    return f"{said}: traffic has changed much since the training. Train it anew (guard train)."


def standing_finding(decisions: Sequence[Decision]) -> Decision | None:
    """What the model says of an account that has not ended since; of its decisions, newest first."""
    for each in decisions:
        if each.reason is Reason.ANOMALY:
            return None if each.action in _ENDS else each
        if each.action in _ENDS and each.reason in {Reason.OPERATOR, Reason.RELEASED}:
            return None
    return None
