"""What on-call reads in the log: one line for each notice, with what to do, so that nobody has to look for it at night.

A line has the kind of the notice as its event, `over` (true: it has ended, nothing to do), the switch and the account
if it is about one, the sentence that webhooks are told, and `remedy`. The runbook says more under the matter's alert.
"""

from __future__ import annotations

from collections.abc import Mapping

from guard.core.decisions import Notice, NoticeKind

_REMEDIES: Mapping[NoticeKind, str] = {
    NoticeKind.BLIND: "see whether the switch, its module that reports and its way to the broker are up",
    NoticeKind.UNCONFIRMED: "see what the switch answers; until then block the account at the switch by hand",
    NoticeKind.REFUSED: "mend what the switch complains of; the command is sent again meanwhile",
    NoticeKind.QUARANTINED: "state the account's currency at the switch, or set the account's at billing",
    NoticeKind.LIMIT: "look at the invoices; take the limit up with: guard limits",
    NoticeKind.FUSE: "see `guard held`: approve a fraud; for a wrong rule set its mode to shadow and reject",
    NoticeKind.RULES: "report this line; set the rule that was changed last to off if it repeats",
    NoticeKind.STORE: "make room, or move the store to a quick disk of its own",
    NoticeKind.PLAN: "configure the plan and reload, or give the account another one at billing",
}
_STRANGERS_REMEDY = (
    "customers: let billing send them, or raise [accounts] max_provisional; else take the switch's password away at the"
    " broker"
)
_BROKER_REMEDY = "see whether the broker is up and takes guard's password; guard connects again by itself"


def line_of(notice: Notice) -> dict[str, object]:
    """The fields of its line in the log."""
    line: dict[str, object] = {"over": notice.over}
    if notice.switch:
        line["switch"] = notice.switch
    if notice.account:
        line["account"] = notice.account
    line["text"] = notice.text
    if not notice.over:
        line["remedy"] = _remedy(notice)
    return line


def _remedy(notice: Notice) -> str:
    match notice.kind:
        case NoticeKind.BLIND if not notice.switch:
            return _BROKER_REMEDY
        case NoticeKind.QUARANTINED if not notice.account:
            return _STRANGERS_REMEDY
        case _:
            return _REMEDIES[notice.kind]
