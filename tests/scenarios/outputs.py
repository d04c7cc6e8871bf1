"""From what leaves the engine to the words in which scenarios expect it, and the comparison of the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guard.core.decisions import Command, Decision, LedgerLine, Notice, Send
from guard.core.engine import Engine
from guard.core.money import MoneyError, format_money, parse_money
from guard.core.views import AccountView, SwitchView
from tests.scenarios.script import ScriptError, Words, span_ms
from tests.scenarios.stage import START_MS

Fields = Mapping[str, str]


def decision_words(decision: Decision) -> Words:
    """`block A1 credit_limit mark=100 at=6000ms ...`."""
    return Words(
        (decision.action.value, decision.account, decision.reason.value),
        {
            "mark": decision.mark or "none",
            "mode": decision.mode.value,
            "at": _offset(decision.at_ms),
            "scope": decision.scope.value,
            "exposure": format_money(decision.exposure_micros),
            "limit": _amount(decision.limit_micros),
            "currency": decision.currency,
            "by": decision.by or "none",
            "key": decision.key or "none",
            "rule": decision.rule or "none",
            "evidence": " ; ".join(filter(None, (f"{each.what} {each.value}" for each in decision.evidence))) or "none",
            "text": decision.text,
        },
    )


def send_words(send: Send, *, again: bool) -> Words:
    """`sw1 block A1 seq=1 id=new ...` or `sw1 snapshot part=1 of=1 blocked=A1:1:all ...`."""
    message = send.message
    common = {"id": "again" if again else "new", "at": _offset(message.at_ms), "except": ",".join(message.emergency)}
    if isinstance(message, Command):
        return Words(
            (send.switch, message.action.value, message.account),
            common
            | {
                "seq": str(message.seq),
                "scope": message.scope.value,
                "end_calls": _yes(message.end_calls),
                "reason": message.reason.value,
                "until": _offset(message.until_ms),
            },
        )
    entries = [f"{entry.account}:{entry.seq}:{entry.scope.value}" for entry in message.blocked]
    return Words(
        (send.switch, "snapshot"),
        common
        | {
            "part": str(message.part),
            "of": str(message.of),
            "entries": str(len(entries)),
            "blocked": ",".join(entries) or "none",
        },
    )


def notice_words(notice: Notice) -> Words:
    """`notice blind sw1`, with the switch and the account that it is about, if it is."""
    names = ("notice", notice.kind.value, notice.switch, notice.account)
    fields = {"text": notice.text, "at": _offset(notice.at_ms), "over": _yes(notice.over)}
    return Words(tuple(filter(None, names)), fields)


def line_words(line: LedgerLine) -> Words:
    """`line A1 call 1.05 at=... call=C1`."""
    return Words(
        ("line", line.account, line.kind.value, format_money(line.amount_micros)),
        {
            "at": _offset(line.at_ms),
            "call": line.call or "none",
            "switch": line.switch or "none",
            "to": line.to or "none",
            "direction": line.direction or "none",
            "duration": f"{line.duration_ms}ms",
            "emergency": _yes(line.emergency),
            "ref": line.ref or "none",
            "method": line.method or "none",
            "gross": _amount(line.gross_micros),
            "billed": f"{line.billed_s}s",
            "covered": f"{line.covered_s}s",
            "class": line.kind_of_call or "none",
            "destination": line.destination or "none",
            "currency": line.currency,
            "text": line.text,
        },
    )


def account_fields(view: AccountView) -> Fields:
    """How an account looks."""
    block = view.block
    return {
        "exposure": format_money(view.exposure_micros),
        "owed": format_money(view.owed_micros),
        "in_flight": format_money(view.in_flight_micros),
        "gross": format_money(view.in_flight_gross_micros),
        "plan": view.plan or "none",
        "use": " ; ".join(use.what for use in view.use) or "none",
        "pending": format_money(view.pending_payments_micros),
        "trusted": format_money(view.trusted_payments_micros),
        "invoiced": format_money(view.invoiced_micros),
        "unbilled": format_money(view.unbilled_micros),
        "limit": _amount(view.limit_micros),
        "limit_until": _offset(view.limit_until_ms),
        "limit_source": view.limit_source,
        "limit_text": view.limit_text,
        "suggested": _amount(view.limit_suggested_micros),
        "card": view.card.text if view.card else "none",
        "spends": format_money(view.spends_micros_per_day),
        "reaches_limit_in_days": "none" if view.reaches_limit_in_days is None else str(view.reaches_limit_in_days),
        "state": view.state.value,
        "provisional": _yes(view.provisional),
        "currency": view.currency,
        "name": view.name,
        "calls": str(view.live_call_count),
        "silent": str(sum(call.silent for call in view.live_calls)),
        "burn": format_money(view.burn_micros_per_minute),
        "reaches_limit": _offset(view.reaches_limit_at_ms),
        "allow_until": _offset(view.allow_until_ms),
        "blocked": _yes(block),
        "scope": block.scope.value if block else "none",
        "since": _offset(block.since_ms if block else None),
        "confirmed": _yes(block.confirmed) if block else "none",
        "effective": _yes(block.effective) if block else "none",
        "causes": ",".join(sorted(cause.reason.value for cause in block.causes)) if block else "none",
        "rules": ",".join(sorted(cause.rule for cause in block.causes if cause.rule)) or "none" if block else "none",
        "why": block.text if block else "none",
        "errors": ",".join(f"{switch}:{error}" for switch, error in block.errors) or "none" if block else "none",
    }


def fuse_fields(engine: Engine) -> Fields:
    """Where the fuse stands, and whose blocks wait."""
    return {"open": _yes(engine.fuse_open), "held": ",".join(held.account for held in engine.held()) or "none"}


def switch_fields(view: SwitchView) -> Fields:
    """How a switch looks."""
    return {
        "up": _yes(view.up),
        "calls": str(view.live_calls),
        "waiting": str(view.unconfirmed),
        "synced": _yes(view.synced),
        "lagging": _yes(view.lagging),
        "blind": _yes(view.blind),
        "silence": view.silence or "none",
        "usual_calls": "none" if view.usual_calls is None else str(view.usual_calls),
        "skew": f"{view.skew_ms}ms",
    }


def compare(what: str, expected: Sequence[Words], got: Sequence[Words]) -> str:
    """Empty when everything that was expected came, in its order, and nothing else; otherwise a sentence."""
    if len(expected) == len(got) and all(map(_matches, expected, got)):
        return ""
    wanted = "".join(f"\n    {words}" for words in expected) or "\n    none"
    came = "".join(f"\n    {words}" for words in got) or "\n    none"
    return f"{what}, expected:{wanted}\n  got:{came}"


def differences(name: str, expected: Fields, shown: Fields) -> str:
    """Empty when a picture is as expected; otherwise a sentence."""
    wrong = [key for key, value in expected.items() if key not in shown or not _equal(key, value, shown[key])]
    told = "".join(f"\n    {key}: expected {expected[key]}, got {shown.get(key)}" for key in wrong)
    return f"{name} looks different:{told}\n  all of it: {dict(shown)}" if wrong else ""


def _matches(expected: Words, got: Words) -> bool:
    if len(expected.names) > len(got.names):
        return False
    names = zip(expected.names, got.names, strict=False)
    return all(_same(value, came) for value, came in names) and not differences("", expected.fields, got.fields)


def _equal(key: str, expected: str, came: str) -> bool:
    return (
        expected in came if key in {"text", "why", "evidence", "limit_text", "card", "use"} else _same(expected, came)
    )


def _same(expected: str, came: str) -> bool:
    """Equal as text, as money (`6` is `6.00`) or as times (`1m` is `60s`)."""
    if expected == came:
        return True
    for reading in (parse_money, span_ms):
        try:
            return reading(expected) == reading(came)
        except (MoneyError, ScriptError):
            continue
    return False


def _offset(at_ms: int | None) -> str:
    return "none" if at_ms is None else f"{at_ms - START_MS}ms"


def _amount(micros: int | None) -> str:
    return "none" if micros is None else format_money(micros)


def _yes(value: object) -> str:
    return "yes" if value else "no"
