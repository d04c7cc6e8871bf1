"""Who was let in, and who no longer is, as lines of the history: tokens are changed in a file, beside the daemon.

The file says which tokens there are, the history which there were; whatever differs is noted, also what was changed
while the daemon did not run. Who did it is the owner of the file, because `guard token` puts a new one in its place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guard.adapters.http.tokens import TokenFile
from guard.core.decisions import Audit
from guard.core.records import Note
from guard.ports import Clock, Desk, NotReadyError, StoreError

LOOK_EVERY_MS = 1_000
READ_BACK = 10_000
"""Newest lines of the history that are read at the start; a token of before is noted once more."""
ADDED, REMOVED = "add_token ", "remove_token "
_SHOWN_HASH = 15


async def note_tokens(tokens: TokenFile, desk: Desk, clock: Clock) -> None:
    """Note every change of the tokens, until cancelled. What cannot be noted now is noted later."""
    noted: dict[str, str] | None = None
    while True:
        try:
            if noted is None:
                noted = noted_in((await desk.records.last_audits("", READ_BACK)).items)
            for note in notes(noted, admitted(tokens), tokens.owner()):
                await desk.submit(note)
            noted = admitted(tokens)
        except (NotReadyError, StoreError):
            noted = None
        await clock.sleep(LOOK_EVERY_MS)


def admitted(tokens: TokenFile) -> dict[str, str]:
    """What the history is to say of each token that there is: what it is good for, and which one it is."""
    return {each.name: f"may {each.role.value} ({each.hash[:_SHOWN_HASH]})" for each in tokens.all()}


def noted_in(audits: Sequence[Audit]) -> dict[str, str]:
    """The same by the history, which begins with the newest."""
    noted: dict[str, str] = {}
    for audit in reversed(audits):
        if audit.what.startswith(ADDED):
            noted[audit.what.removeprefix(ADDED)] = audit.reason
        elif audit.what.startswith(REMOVED):
            noted.pop(audit.what.removeprefix(REMOVED), None)
    return noted


def notes(noted: Mapping[str, str], present: Mapping[str, str], by: str) -> list[Note]:
    """What has to be noted for the history to say what there is."""
    gone = [Note(by=by, what=REMOVED + name, reason="") for name in noted if name not in present]
    new = [Note(by=by, what=ADDED + name, reason=text) for name, text in present.items() if noted.get(name) != text]
    return gone + new
