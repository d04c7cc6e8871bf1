"""Whether a model that was trained unattended may be used, and making it the one in use.

It may when it keeps the promise that the configuration asks for on accounts that nobody had seen, and when traffic is
still as it was for the model in use. Else somebody is to look: a business that has changed wants another model, a fraud
that has gone unnoticed for weeks does not. The folder stays in either case, with its report.

`DIR/current` is a link to the folder in use. It is put in place whole, so whoever loads it gets one model or the other.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path

from guard.anomaly.artefact import Artefact
from guard.anomaly.drift import MUCH, parts_in, stability
from guard.anomaly.features import FEATURE_NAMES
from guard.anomaly.training import Trained
from guard.commands.output import FAILED, CommandError

CURRENT = "current"
AGES = "familiar"
"""Says how long accounts have been known: it moves as the history grows, and means nothing."""


def new_folder(parent: Path, last_ms: int) -> Path:
    """For a model of a history that ends then."""
    return parent / datetime.fromtimestamp(last_ms // 1_000, UTC).strftime("%Y-%m-%dT%H%M%SZ")


def adopt(folder: Path, trained: Trained, previous: Artefact | None) -> None:
    """Let `current` point to it; `CommandError` with the reasons if it must not."""
    reasons = refusals(trained, previous)
    current = folder.parent / CURRENT
    if reasons:
        told = "\n".join(f"  {reason}" for reason in reasons)
        raise CommandError(
            f"{folder}: is not adopted, {current} stays as it is:\n{told}\nLook at its report.html; to use it all the"
            f" same: ln -sfn {folder.name} {current}",
            FAILED,
        )
    beside = folder.parent / f".{CURRENT}.new"
    beside.unlink(missing_ok=True)
    beside.symlink_to(folder.name)
    beside.replace(current)
    sys.stdout.write(f"{current} is now {folder.name}\n")


def refusals(trained: Trained, previous: Artefact | None) -> list[str]:
    """Why it must not be used without somebody having looked."""
    promise = trained.recipe.promise
    reasons = []
    if not trained.model.known.keeps(promise):
        reasons.append(f"{promise:g} false alarms per 1,000 account-days cannot be promised with this history")
    for whose, checks in (("two weeks", trained.checks), ("less than two weeks", trained.stranger_checks)):
        for check in checks:
            if check.promised == promise and check.realised > promise:
                told = f"{check.realised:.1f} false alarms per 1,000 account-days, promised {promise:g}"
                reasons.append(f"accounts known for {whose}: {told}")
            elif check.promised == promise and not check.days:
                reasons.append(f"accounts known for {whose}: none was left to try it on")
    if previous is not None:
        reasons += [f"{name} has moved by {index:.2f}, at most {MUCH:g}" for name, index in _moved(trained, previous)]
    return reasons


def _moved(trained: Trained, previous: Artefact) -> list[tuple[str, float]]:
    """Features that have moved much since the model in use was trained; not those that only one of them knows."""
    model = previous.model
    indices = stability(model.drift_parts, parts_in(trained.features, model.drift_bins))
    left_out = {AGES, *trained.recipe.untold}
    return [
        (name, index)
        for name, index in zip(FEATURE_NAMES, indices, strict=True)
        if name not in left_out and index > MUCH
    ]
